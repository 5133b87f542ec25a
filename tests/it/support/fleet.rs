//! A fleet of models like the example's, reconciled by a daemon in this process: over a real
//! repository, against the local SageMaker.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use trueup::aws::{self, Aws};
use trueup::clock::SystemClock;
use trueup::daemon::{self, Cadence, Event, Host};
use trueup::demo::example::{ACCOUNT, FILES, MODEL, REGION};
use trueup::git::Author;
use trueup::local::{LocalHandle, LocalOptions, serve};
use trueup::plan::report::State;
use trueup::reconcile::{ModelReport, Options, Reconciler};
use trueup::resource::call::{Call, Scope};

use super::repository::TempRepository;

const DEADLINE: Duration = Duration::from_secs(90);

/// What the daemon told last of each model, and how often it told of it.
type Told = BTreeMap<String, (ModelReport, usize)>;

pub(crate) struct Fleet {
    pub(crate) repository: TempRepository,
    pub(crate) aws: Aws,
    told: watch::Receiver<Told>,
    _stop: watch::Sender<bool>,
    _tasks: JoinSet<()>,
    pub(crate) local: LocalHandle,
    _cache: TempDir,
}

/// The example's files as those of a model called `name`.
pub(crate) fn model(name: &str) -> Vec<(String, String)> {
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
    pub(crate) async fn start(models: &[&str], probe: fn(&str), cadence: Cadence) -> Self {
        let straight = async |url: String| aws::Options::local(url);
        Self::start_through(models, probe, cadence, straight).await
    }

    /// The same, reaching the local SageMaker as `through` says of its address.
    pub(crate) async fn start_through(
        models: &[&str],
        probe: fn(&str),
        cadence: Cadence,
        through: impl AsyncFnOnce(String) -> aws::Options,
    ) -> Self {
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
        let aws = Aws::connect(through(local.url.clone()).await).await;
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
        let guest = Host::new(None).join();
        tasks.spawn(daemon::run(
            reconciler, cadence, guest, None, events, stopped,
        ));
        tasks.spawn(listen(heard, tell));
        Self {
            repository,
            aws,
            told,
            _stop: stop,
            _tasks: tasks,
            local,
            _cache: cache,
        }
    }

    /// Waits until `wanted` holds of what the daemon told of a model.
    pub(crate) async fn until(&mut self, name: &str, wanted: impl Fn(&ModelReport, usize) -> bool) {
        let told = |told: &Told| {
            told.get(name)
                .is_some_and(|(report, count)| wanted(report, *count))
        };
        let waited = timeout(DEADLINE, self.told.wait_for(told)).await.is_ok();
        let last = self.told.borrow();
        assert!(waited, "waited in vain for {name}: {:?}", last.get(name));
    }

    pub(crate) async fn call(&self, op: &'static str, body: Value) -> Option<Value> {
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
pub(crate) fn in_sync(report: &ModelReport, place: &str) -> bool {
    let units = report.pass.iter().flat_map(|pass| &pass.units);
    let mut named = units.filter(|unit| unit.plan.unit.place == place);
    named.any(|unit| unit.state() == State::InSync && unit.converged_since.is_some())
}
