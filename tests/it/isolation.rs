//! One model's trouble is no other's: a fleet of which most misbehave, over a real repository and
//! the local SageMaker.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};
use trueup::aws::{self, Aws};
use trueup::clock::SystemClock;
use trueup::daemon::{self, Cadence, Event};
use trueup::demo::example::{ACCOUNT, FILES, MODEL, REGION};
use trueup::git::Author;
use trueup::local::{LocalHandle, LocalOptions, serve};
use trueup::plan::report::State;
use trueup::reconcile::{ModelReport, Options, Reconciler};
use trueup::resource::call::{Call, Scope};

use super::support::repository::TempRepository;

const DEADLINE: Duration = Duration::from_secs(90);

/// What the daemon told last of each model, and how often it told of it.
type Told = BTreeMap<String, (ModelReport, usize)>;

struct Fleet {
    repository: TempRepository,
    aws: Aws,
    told: watch::Receiver<Told>,
    _stop: watch::Sender<bool>,
    _tasks: JoinSet<()>,
    _local: LocalHandle,
    _cache: TempDir,
}

/// The example's files as those of a model called `name`.
fn model(name: &str) -> Vec<(String, String)> {
    let own = FILES.iter().filter(|file| file.path.starts_with("models/"));
    own.map(|file| {
        let text = std::str::from_utf8(file.bytes).expect("text");
        let path = file.path.replace(MODEL, name);
        let is_config = path.ends_with("config.yaml");
        let text = if is_config {
            text.replace(MODEL, name)
        } else {
            text.to_owned()
        };
        (path, text)
    })
    .collect()
}

impl Fleet {
    async fn start(models: &[&str], probe: fn(&str)) -> Self {
        let repository = TempRepository::bare();
        let shared = FILES
            .iter()
            .find(|file| file.path == "trueup.yaml")
            .expect("it");
        let shared = std::str::from_utf8(shared.bytes).expect("text").to_owned();
        let mut files = vec![("trueup.yaml".to_owned(), shared)];
        files.extend(models.iter().flat_map(|name| model(name)));
        let files: Vec<_> = files
            .iter()
            .map(|(path, text)| (path.as_str(), Some(text.as_str())))
            .collect();
        repository.commit("main", &files);
        #[expect(clippy::disallowed_methods, reason = "the interpreter is the caller's")]
        let path = std::env::var("PATH").expect("a PATH with python3 in it");
        let local = serve(LocalOptions {
            account: ACCOUNT.to_owned(),
            path,
            supervisor: Some(env!("CARGO_BIN_EXE_trueup").into()),
            ..LocalOptions::default()
        });
        let local = local.await.expect("a local SageMaker");
        let aws = Aws::connect(aws::Options::local(local.url.clone())).await;
        let cache = tempfile::tempdir().expect("a folder");
        let options = Options {
            source: format!("{}#main", repository.path())
                .parse()
                .expect("a source"),
            cache: cache.path().to_owned(),
            author: Author::default(),
            clock: Arc::new(SystemClock),
            probe: Some(probe),
        };
        let reconciler = Reconciler::open(options, aws.clone())
            .await
            .expect("a mirror");
        let (stop, stopped) = watch::channel(false);
        let (tell, told) = watch::channel(Told::default());
        let (events, heard) = mpsc::channel(256);
        let mut tasks = JoinSet::new();
        tasks.spawn(daemon::run(reconciler, Cadence::local(), events, stopped));
        tasks.spawn(listen(heard, tell));
        Self {
            repository,
            aws,
            told,
            _stop: stop,
            _tasks: tasks,
            _local: local,
            _cache: cache,
        }
    }

    /// Waits until `wanted` holds of what the daemon told of a model.
    async fn until(&mut self, name: &str, wanted: impl Fn(&ModelReport, usize) -> bool) {
        let told = |told: &Told| {
            told.get(name)
                .is_some_and(|(report, count)| wanted(report, *count))
        };
        let waited = timeout(DEADLINE, self.told.wait_for(told)).await.is_ok();
        let last = self.told.borrow();
        assert!(waited, "waited in vain for {name}: {:?}", last.get(name));
    }

    async fn call(&self, op: &'static str, body: Value) -> Option<Value> {
        let scope = Scope {
            account: ACCOUNT.to_owned(),
            region: REGION.to_owned(),
        };
        self.aws.call(&Call::new(op, &scope, body)).await.ok()
    }
}

async fn listen(mut events: mpsc::Receiver<Event>, tell: watch::Sender<Told>) {
    while let Some(event) = events.recv().await {
        let Event::Passed(pass) = event else { continue };
        tell.send_modify(|told| {
            for report in pass.models {
                let count = told.get(&report.name).map_or(0, |(_, count)| *count);
                told.insert(report.name.clone(), (report, count + 1));
            }
        });
    }
}

/// Whether a unit of the model is in line.
fn in_sync(report: &ModelReport, place: &str) -> bool {
    let units = report.pass.iter().flat_map(|pass| &pass.units);
    let mut named = units.filter(|unit| unit.plan.unit.place == place);
    named.any(|unit| unit.state() == State::InSync && unit.converged_since.is_some())
}

/// Changes the pipeline of `restless` again and again, as a person with a console might.
async fn meddle(aws: Aws) {
    let scope = Scope {
        account: ACCOUNT.to_owned(),
        region: REGION.to_owned(),
    };
    let mut ticks = interval(Duration::from_millis(50));
    for count in 0_u64.. {
        ticks.tick().await;
        let body =
            json!({"PipelineName": "restless", "PipelineDescription": format!("mine {count}")});
        // Not before it exists.
        aws.call(&Call::new("UpdatePipeline", &scope, body))
            .await
            .ok();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_that_panics_is_broken_or_never_ends_keeps_no_other_waiting() {
    fn probe(folder: &str) {
        assert!(!folder.ends_with("panics"), "a defect in this model's pass");
    }
    let mut fleet = Fleet::start(&["broken", "panics", "restless", "sound"], probe).await;
    let config = "models/broken/config.yaml";
    fleet
        .repository
        .commit("main", &[(config, Some("version: 1\nname: [broken\n"))]);
    let mut meddler = JoinSet::new();
    meddler.spawn(meddle(fleet.aws.clone()));

    fleet
        .until("sound", |report, _| in_sync(report, "staging"))
        .await;
    fleet
        .until("models/broken", |report, _| {
            report.state() == State::Blocked
        })
        .await;
    fleet
        .until("models/panics", |report, count| {
            let defect = report.defect.as_deref().unwrap_or_default();
            count > 1 && defect.contains("broke off")
        })
        .await;
    fleet
        .until("restless", |report, count| report.changed() && count > 20)
        .await;
    let body = json!({"EndpointName": "sound-staging"});
    let endpoint = fleet
        .call("DescribeEndpoint", body)
        .await
        .expect("an endpoint");
    assert_eq!(endpoint["EndpointStatus"], "InService");

    let mended = model("broken");
    let mended: Vec<_> = mended
        .iter()
        .map(|(path, text)| (path.as_str(), Some(text.as_str())))
        .collect();
    fleet.repository.commit("main", &mended);
    fleet
        .until("broken", |report, _| report.pass.is_some())
        .await;
}
