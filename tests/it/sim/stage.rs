//! The whole state of a simulation, and one pass over it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use trueup::clock::{SignedDuration, Timestamp};
use trueup::cloud::{Machine as _, Next};
use trueup::config::installation::Installation;
use trueup::config::model::ModelConfig;
use trueup::config::{LoadedModel, load};
use trueup::execute::model::{ModelPass, Prepared, Standing, conclude, past, prepare, review};
use trueup::execute::pass::Mode;
use trueup::limits::TEXT_OBJECT_BYTES_MAX;
use trueup::plan::planner::Hints;
use trueup::plan::release::Past;
use trueup::resource::call::{Answer, Call, OpError, Scope, s3_parts};
use trueup::resource::unit::Unit;
use trueup::snapshot::{ObjectId, Snapshot};
use trueup::world::work::{Done, Job, JobKind, JobOutcome, Work};
use trueup::world::{Pace, World};

use super::forge::{Forge, MAIN};
use super::repository::{self, path};

/// Between two passes.
pub(crate) const TICK: SignedDuration = SignedDuration::from_secs(30);

/// World, Git and clock. A clone is a fork.
#[derive(Clone)]
pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) forge: Forge,
    pub(crate) now: Timestamp,
    /// When production was first seen in service, it must stay so.
    pub(crate) serves: BTreeMap<String, bool>,
}

/// What happens around one change, before it is made or after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    Before,
    After,
}

/// What becomes of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is made, and answered.
    Made,
    /// It is made, and the answer is lost.
    Lost,
    /// The service is too busy: it is not made.
    Throttled,
    /// The service fails: it is not made, and nobody can tell.
    Broken,
    /// It is refused for good.
    Denied,
}

/// Watches the changes of a pass and decides their fate.
pub(crate) trait Weather {
    /// Called around every change with the state as it is then.
    fn around(&mut self, moment: Moment, change: &str, stage: &Stage) {
        let _ = (moment, change, stage);
    }
    /// Called right before a change: what somebody else does at that very moment.
    fn meddle(&mut self, change: &str, stage: &mut Stage) {
        let _ = (change, stage);
    }
    /// What becomes of the change.
    fn fate(&mut self, change: &str) -> Fate {
        let _ = change;
        Fate::Made
    }
    /// What becomes of a look: `true` loses its answer.
    fn blinds(&mut self, look: &str) -> bool {
        let _ = look;
        false
    }
}

/// Nothing goes wrong.
pub(crate) struct Calm;
impl Weather for Calm {}

pub(crate) fn scope() -> Scope {
    Scope {
        account: "111122223333".to_owned(),
        region: "eu-west-1".to_owned(),
    }
}

/// What a commit comes to, as far as it is a function of the commit alone. It is computed once:
/// the simulation passes over the same commits thousands of times.
struct Present {
    snapshot: Snapshot,
    installation: Installation,
    model: LoadedModel,
    config: ModelConfig,
    prepared: Prepared,
}

fn present(forge: &Forge, tip: &ObjectId) -> Arc<Present> {
    static KNOWN: Mutex<BTreeMap<ObjectId, Arc<Present>>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known
        .entry(tip.clone())
        .or_insert_with(|| Arc::new(read(forge.snapshot(tip))))
        .clone()
}

fn read(snapshot: Snapshot) -> Present {
    let loaded = load(&snapshot);
    let installation = loaded.installation.expect("trueup.yaml is good");
    let mut models = loaded.models.into_iter();
    let model = models
        .find(|model| model.folder == repository::FOLDER)
        .expect("the model");
    let config = model
        .config
        .clone()
        .unwrap_or_else(|| panic!("{:#?}", model.diagnostics));
    let prepared = prepare(&installation, &model, &config, &snapshot).expect("it compiles");
    Present {
        snapshot,
        installation,
        model,
        config,
        prepared,
    }
}

fn past_of(installation: &Installation, snapshot: &Snapshot) -> Past {
    static KNOWN: Mutex<BTreeMap<ObjectId, Past>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let read = || past(installation, repository::FOLDER, snapshot);
    known
        .entry(snapshot.commit.clone())
        .or_insert_with(read)
        .clone()
}

impl Stage {
    /// An empty world beside a repository with its first commit.
    pub(crate) fn new(auc: f64) -> Self {
        let mut forge = Forge::default();
        repository::first_commit(&mut forge, auc);
        let now = "2026-11-02T09:00:00Z".parse().expect("a date");
        Self {
            world: World::new(Pace::simulated()),
            forge,
            now,
            serves: BTreeMap::new(),
        }
    }

    /// One call past the fleet's back: as somebody in a console would.
    pub(crate) fn console(&mut self, op: &'static str, body: Value) -> Value {
        let answer = self.world.call(self.now, &Call::new(op, &scope(), body));
        answer.unwrap_or_else(|error| panic!("{error}"))
    }

    /// One pass over the model, in this weather.
    pub(crate) fn pass(&mut self, mode: Mode, weather: &mut dyn Weather) -> ModelPass {
        let tip = self.forge.tip(MAIN);
        let present = present(&self.forge, &tip);
        let Present {
            snapshot,
            installation,
            model,
            config,
            prepared,
        } = &*present;
        let hints: BTreeMap<Unit, Hints> = BTreeMap::new();
        let mut units = Vec::new();
        for mut machine in prepared.passes(&hints, mode) {
            while let Next::Calls(calls) = machine.next(self.now) {
                for (id, call) in calls {
                    let answer = self.answer(&call, weather);
                    machine.done(id, answer, self.now);
                }
            }
            let mut unit = machine.finish().expect("a pass that was driven to its end");
            if unit.unreviewed {
                let states = self.forge.history(&tip);
                let states = states.map(|state| Ok::<_, String>(past_of(installation, &state)));
                let verdict = review(model, &unit, states);
                if let Some(mut steps) = unit.judged(verdict) {
                    while let Next::Calls(calls) = steps.next(self.now) {
                        for (id, call) in calls {
                            let answer = self.answer(&call, weather);
                            steps.done(id, answer, self.now);
                        }
                    }
                    unit.acted(steps.finish());
                }
            }
            units.push(unit);
        }
        let branches = self.forge.branches();
        let standing = Standing {
            snapshot,
            branch: MAIN,
            branches: &branches,
        };
        let history = || {
            self.forge
                .history(&tip)
                .map(|snapshot| past_of(installation, &snapshot))
        };
        let subject = (model, config);
        let pass = conclude(subject, prepared, units, standing, history, self.now);
        if mode == Mode::Apply {
            for write in &pass.writes {
                let change = format!("commit to {}", write.branch);
                weather.around(Moment::Before, &change, self);
                self.forge.write(write);
                weather.around(Moment::After, &change, self);
            }
        }
        pass
    }

    fn answer(&mut self, call: &Call, weather: &mut dyn Weather) -> Answer {
        if !call.mutates() {
            let answer = self.world.call(self.now, call);
            let blind = weather.blinds(call.op);
            return if blind {
                Err(OpError::lost(call.op, "the answer was lost"))
            } else {
                answer
            };
        }
        weather.around(Moment::Before, call.op, self);
        weather.meddle(call.op, self);
        let answer = match weather.fate(call.op) {
            Fate::Made => self.world.call(self.now, call),
            Fate::Lost => {
                let made = self.world.call(self.now, call);
                drop(made);
                Err(OpError::lost(call.op, "the answer was lost"))
            }
            Fate::Throttled => Err(OpError::refused(
                call.op,
                "ThrottlingException",
                "Rate exceeded",
            )),
            Fate::Broken => Err(OpError::refused(
                call.op,
                "InternalFailure",
                "an internal error",
            )),
            Fate::Denied => Err(OpError::refused(
                call.op,
                "AccessDeniedException",
                format!("not authorized to perform: sagemaker:{}", call.op),
            )),
        };
        weather.around(Moment::After, call.op, self);
        answer
    }

    /// Lets time pass and work be done.
    pub(crate) fn tick(&mut self) {
        self.now += TICK;
        // Work leads to work: a step that ends starts the next.
        for _ in 0..8 {
            let work = self.world.advance(self.now);
            if work.is_empty() {
                break;
            }
            for one in work {
                self.work(one);
            }
        }
        self.watch_service();
    }

    /// An endpoint that has served never stops to.
    fn watch_service(&mut self) {
        for endpoint in ["churn-staging", "churn-production"] {
            let call = Call::new(
                "DescribeEndpoint",
                &scope(),
                json!({"EndpointName": endpoint}),
            );
            let status = self.world.call(self.now, &call).ok();
            let status = status
                .as_ref()
                .and_then(|body| body["EndpointStatus"].as_str())
                .unwrap_or("absent");
            let up = matches!(
                status,
                "InService" | "Updating" | "SystemUpdating" | "RollingBack"
            );
            let served = self.serves.entry(endpoint.to_owned()).or_default();
            assert!(up || !*served, "{endpoint} served, and is {status}");
            *served |= status == "InService";
        }
    }

    fn work(&mut self, work: Work) {
        let done = match work {
            Work::Run(job) => Done::Job {
                id: job.id,
                outcome: self.job(&job),
            },
            Work::Serve(fleet) => Done::Fleet {
                id: fleet.id,
                failure: None,
            },
            Work::Stop(_) | Work::Retire(_) => return,
        };
        self.world.finish(self.now, done);
    }

    /// What a job would have come to: training makes an artefact of the commit's quality, the
    /// evaluation reports it.
    fn job(&mut self, job: &Job) -> JobOutcome {
        let commit = job.request["Environment"]["TRUEUP_COMMIT"]
            .as_str()
            .expect("every job knows its commit");
        let commit = ObjectId(commit.to_owned());
        let script = self
            .forge
            .snapshot(&commit)
            .text(&path("src/train.py"))
            .expect("the script")
            .to_owned();
        let auc: f64 = script
            .trim()
            .trim_start_matches("AUC = ")
            .parse()
            .expect("the quality");
        let mut artefact = None;
        match job.kind {
            JobKind::Training => {
                let output = job.request["OutputDataConfig"]["S3OutputPath"]
                    .as_str()
                    .expect("an output");
                let uri = format!("{output}/{}/output/model.tar.gz", job.name);
                self.upload(&uri, format!("a model of quality {auc}"));
                artefact = Some(uri);
            }
            JobKind::Processing => {
                for output in job.request["ProcessingOutputConfig"]["Outputs"]
                    .as_array()
                    .into_iter()
                    .flatten()
                {
                    let uri = output["S3Output"]["S3Uri"].as_str().expect("an output");
                    let report = json!({"binary_classification_metrics": {"auc": {"value": auc}}});
                    self.upload(&format!("{uri}/evaluation.json"), report.to_string());
                }
            }
        }
        JobOutcome::Completed {
            model_artifacts: artefact,
            exit_message: None,
            metrics: BTreeMap::new(),
        }
    }

    fn upload(&mut self, uri: &str, text: String) {
        assert!(text.len() <= TEXT_OBJECT_BYTES_MAX);
        let (bucket, key) = s3_parts(uri).expect("an S3 URI");
        let mut call = Call::new("PutObject", &scope(), json!({"Bucket": bucket, "Key": key}));
        call.blob = Some(text.into_bytes().into());
        self.world
            .call(self.now, &call)
            .expect("the bucket is there");
    }

    /// Passes until nothing is left to do; panics with what is left after two hours.
    pub(crate) fn settle(&mut self, weather: &mut dyn Weather) {
        let mut last = None;
        for _ in 0..240 {
            let pass = self.pass(Mode::Apply, weather);
            self.tick();
            if pass.is_settled() {
                return;
            }
            last = Some(pass);
        }
        let notes: Vec<_> = last
            .iter()
            .flat_map(|pass| &pass.units)
            .flat_map(|unit| &unit.report.notes)
            .collect();
        panic!("it does not settle: {notes:#?}");
    }

    /// Twenty passes in which nothing is called that changes anything, and nothing is committed.
    pub(crate) fn stays_quiet(&mut self) {
        let (calls, commits) = (self.world.calls().mutations(), self.forge.bot_commits);
        for _ in 0..20 {
            let pass = self.pass(Mode::Apply, &mut Calm);
            self.tick();
            assert!(pass.is_settled(), "{pass:#?}");
        }
        assert_eq!(self.forge.bot_commits, commits, "a commit in a quiet time");
        assert_eq!(
            self.world.calls().mutations(),
            calls,
            "a change in a quiet time"
        );
    }

    /// The description of something.
    pub(crate) fn describe(&mut self, op: &'static str, body: Value) -> Option<Value> {
        self.world
            .call(self.now, &Call::new(op, &scope(), body))
            .ok()
    }

    /// The config that an endpoint names.
    pub(crate) fn config_of(&mut self, endpoint: &str) -> String {
        let body = self
            .describe("DescribeEndpoint", json!({"EndpointName": endpoint}))
            .expect("the endpoint");
        body["EndpointConfigName"]
            .as_str()
            .expect("a name")
            .to_owned()
    }

    /// How often an operation was carried out.
    pub(crate) fn made(&self, op: &str) -> u64 {
        let count = self.world.calls().count(op);
        count.calls - count.refused
    }
}
