//! The whole state of a simulation: world, Git, clock and daemons. A clone is a fork.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};
use trueup::clock::{SignedDuration, Timestamp};
use trueup::execute::flaps::Flaps;
use trueup::execute::model::ModelPass;
use trueup::execute::pass::Mode;
use trueup::execute::steps::Outcome;
use trueup::execute::turns::Turns;
use trueup::resource::broken::Broken;
use trueup::resource::call::{Call, Scope, s3_parts};
use trueup::resource::unit::Unit;
use trueup::snapshot::ObjectId;
use trueup::world::work::{Done, Invoked, Job, JobKind, JobOutcome, Work};
use trueup::world::{Pace, Settings, World};

use super::forge::{Forge, MAIN};
use super::ledger::Ledger;
use super::passing::Passing;
use super::present::present;
use super::reasons::Seen;
use super::repository::{self, FleetKind};
use super::weather::{Calm, Deployed, Trained, Weather};

/// Between two passes that found nothing to change.
const TICK: SignedDuration = SignedDuration::from_secs(30);
/// The most that is skipped when nothing is to happen before.
const SKIP: SignedDuration = SignedDuration::from_secs(600);
/// A training job takes this long.
const TRAINING: SignedDuration = SignedDuration::from_secs(90);
/// Passes that a settling may take.
const SWEEPS: usize = 150;

/// World, Git, clock and daemons.
#[derive(Clone)]
pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) forge: Forge,
    pub(crate) now: Timestamp,
    /// When an endpoint was first seen in service, it must stay so.
    pub(crate) serves: BTreeMap<String, bool>,
    /// What each daemon remembers: which units it saw settled, at which commit and when.
    pub(crate) settled: [BTreeMap<Unit, (ObjectId, Timestamp)>; 2],
    /// Whose turn each daemon thinks it is.
    pub(crate) turns: [Turns; 2],
    /// The newest commit that was acted on: an older one is not followed after it.
    pub(crate) in_force: Option<ObjectId>,
    /// What each daemon has put back, over which commit.
    pub(crate) flaps: [(Option<ObjectId>, Flaps); 2],
    /// What trueup did, and what it must not have done.
    pub(crate) ledger: Ledger,
    /// What reasons it gave.
    pub(crate) seen: Seen,
    /// Work that is going on, and when it ends.
    going: Vec<(Timestamp, Done)>,
    /// An older world, for readers that lag behind.
    pub(crate) older: Option<Arc<World>>,
    /// Whether each pass looks for what is left over, as one does from time to time.
    pub(crate) survey: bool,
    /// What is broken on purpose in the product.
    pub(crate) broken: Broken,
    /// The world before the last pass, where somebody may yet read it.
    pub(crate) previous: Option<Arc<World>>,
    /// Whether nothing new comes up in service at the moment.
    pub(crate) outage: bool,
    /// Whether Git is away: what was last known stays in force, and nothing is committed.
    pub(crate) away: bool,
    /// Commits that only ask for another attempt.
    pub(crate) retries: BTreeSet<ObjectId>,
}

/// What one pass over the repository came to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sweep {
    /// The models, in order of their folders.
    pub(crate) models: Vec<ModelPass>,
    /// It broke off: the process is gone.
    pub(crate) crashed: bool,
    /// Commits that were made.
    pub(crate) commits: usize,
}

impl Sweep {
    pub(crate) fn is_settled(&self) -> bool {
        !self.crashed && self.models.iter().all(ModelPass::is_settled)
    }

    fn changed(&self) -> bool {
        let mut units = self.models.iter().flat_map(|model| &model.units);
        let acted = units.any(|unit| unit.outcome.as_ref().is_some_and(Outcome::changed));
        self.commits > 0 || acted || self.crashed
    }
}

pub(crate) fn scope() -> Scope {
    Scope {
        account: "111122223333".to_owned(),
        region: "eu-west-1".to_owned(),
    }
}

impl Stage {
    /// An empty world beside a repository with its first commit: one model of that quality.
    pub(crate) fn new(auc: f64) -> Self {
        let mut stage = Self::with(FleetKind::One);
        if (auc - repository::FIRST_AUC).abs() > f64::EPSILON {
            repository::train_anew(&mut stage.forge, auc);
        }
        stage
    }

    /// An empty world beside a repository with the first commit of a fleet.
    pub(crate) fn with(fleet: FleetKind) -> Self {
        let mut forge = Forge::default();
        repository::first_commit(&mut forge, fleet);
        let broken = &present(&forge, &forge.tip(MAIN)).broken;
        assert!(broken.is_empty(), "{broken:?} does not load");
        let now = "2026-11-02T09:00:00Z".parse().expect("a date");
        let mut world = World::new(Pace::simulated());
        world.set(Settings {
            strict: true,
            ..Settings::default()
        });
        Self {
            world,
            forge,
            now,
            serves: BTreeMap::new(),
            settled: [BTreeMap::new(), BTreeMap::new()],
            turns: [Turns::default(), Turns::default()],
            in_force: None,
            flaps: Default::default(),
            ledger: Ledger::default(),
            seen: Seen::default(),
            going: Vec::new(),
            older: None,
            survey: false,
            broken: Broken::Nothing,
            previous: None,
            outage: false,
            away: false,
            retries: BTreeSet::new(),
        }
    }

    /// One call past trueup's back: as somebody in a console would. `None`: it was refused.
    pub(crate) fn try_console(&mut self, op: &'static str, body: Value) -> Option<Value> {
        self.world
            .call(self.now, &Call::new(op, &scope(), body))
            .ok()
    }

    /// One call past trueup's back that must be accepted.
    pub(crate) fn console(&mut self, op: &'static str, body: Value) -> Value {
        let answer = self.world.call(self.now, &Call::new(op, &scope(), body));
        answer.unwrap_or_else(|error| panic!("{error}"))
    }

    /// One pass over the repository by the first daemon.
    pub(crate) fn sweep(&mut self, mode: Mode, weather: &mut dyn Weather) -> Sweep {
        let lag = weather.lags(self);
        let skew = weather.skew();
        self.ledger.honest = self.older.is_none() && !lag && skew.is_zero();
        self.ledger.skewed |= !skew.is_zero();
        let mut passing = Passing::new(self, 0, mode, lag, self.now + skew);
        while passing.step(self, weather) {}
        self.end(passing, mode)
    }

    /// Two daemons at once, taking turns as the weather says.
    pub(crate) fn two_sweeps(&mut self, weather: &mut dyn Weather) -> Sweep {
        self.ledger.alone = false;
        let now = self.now;
        let mut one = Passing::new(self, 0, Mode::Apply, false, now);
        let mut other = Passing::new(self, 1, Mode::Apply, false, now);
        let (mut more, mut still) = (true, true);
        while more || still {
            if more && (!still || weather.first_daemon()) {
                more = one.step(self, weather);
            } else {
                still = other.step(self, weather);
            }
        }
        self.end(other, Mode::Apply);
        self.ledger.alone = true;
        self.end(one, Mode::Apply)
    }

    /// Takes note of what a pass came to.
    pub(crate) fn end(&mut self, passing: Passing, mode: Mode) -> Sweep {
        let (sweep, daemon, commit) = passing.finish();
        if mode == Mode::Apply {
            self.in_force = Some(commit.clone());
        }
        for model in &sweep.models {
            self.seen.note(model);
            if mode == Mode::Apply {
                for unit in &model.units {
                    if unit.in_force.is_some() {
                        self.settled[daemon].remove(&unit.plan.unit);
                    }
                }
                let settled = model.units.iter().filter(|unit| unit.is_settled());
                for unit in settled.filter(|unit| unit.in_force.is_none()) {
                    let when = (commit.clone(), self.now);
                    self.settled[daemon].insert(unit.plan.unit.clone(), when);
                }
            }
        }
        if sweep.crashed {
            // What it kept in memory is gone too.
            self.settled[daemon].clear();
            self.turns[daemon] = Turns::default();
            self.flaps[daemon] = Default::default();
        }
        sweep
    }

    /// One pass over the only model.
    pub(crate) fn pass(&mut self, mode: Mode, weather: &mut dyn Weather) -> ModelPass {
        let sweep = self.sweep(mode, weather);
        let mut models = sweep.models.into_iter();
        models.next().expect("there is a model")
    }

    /// Lets time pass and work be done.
    pub(crate) fn tick(&mut self) {
        self.after(TICK, &mut Calm);
    }

    /// Lets this much time pass.
    pub(crate) fn after(&mut self, time: SignedDuration, weather: &mut dyn Weather) {
        self.now += time;
        // Work leads to work: a step that ends starts the next.
        for _ in 0..12 {
            let work = self.world.advance(self.now);
            let due: Vec<_> = {
                let now = self.now;
                let (due, later) = std::mem::take(&mut self.going)
                    .into_iter()
                    .partition(|(at, _)| *at <= now);
                self.going = later;
                due
            };
            if work.is_empty() && due.is_empty() {
                break;
            }
            for one in work {
                self.start(one, weather);
            }
            for (_, done) in due {
                self.world.finish(self.now, done);
            }
        }
        self.watch_service();
    }

    /// How long until something is to be seen. The daemon looks again at once after a change, and
    /// every 30 seconds while something moves; most looks that would find nothing are left out.
    pub(crate) fn pause(&self, sweep: &Sweep, weather: &mut dyn Weather) -> SignedDuration {
        if sweep.crashed || weather.hurries() {
            return SignedDuration::from_secs(1);
        }
        let next = self.going.iter().map(|(at, _)| *at).min();
        let next = next.into_iter().chain(self.world.next_timer()).min();
        // The hour of a monitor is nothing to wait for; what is, is never so far.
        let next = next.filter(|at| at.duration_since(self.now) <= SignedDuration::from_hours(1));
        match next {
            Some(at) => at.duration_since(self.now).clamp(TICK, SKIP),
            None if sweep.changed() => SignedDuration::from_secs(1),
            None => SignedDuration::from_secs(300),
        }
    }

    /// An endpoint that has served never stops to.
    fn watch_service(&mut self) {
        let scope = scope();
        for endpoint in self.world.peek_all(&scope, "DescribeEndpoint") {
            let name = endpoint["EndpointName"].as_str().unwrap_or_default();
            if endpoint["EndpointStatus"] == "InService" && !self.serves.contains_key(name) {
                self.serves.insert(name.to_owned(), true);
            }
        }
        let down = |name: &str| {
            let found = self.world.peek(&scope, "DescribeEndpoint", name);
            let status = found.map_or("gone", |(body, _)| {
                body["EndpointStatus"].as_str().unwrap_or_default()
            });
            let up = ["InService", "Updating", "SystemUpdating", "RollingBack"].contains(&status);
            (!up).then(|| status.to_owned())
        };
        let names = self.serves.keys();
        let gone = names.filter_map(|name| Some((name.clone(), down(name)?)));
        for (name, status) in gone.collect::<Vec<_>>() {
            // Nobody is served any more where the commit says so.
            if present(&self.forge, &self.tip()).is_absent(&name) {
                self.serves.remove(&name);
                continue;
            }
            let words = format!("{name} served, and is {status}");
            self.ledger.violate("never down", words);
        }
    }

    fn start(&mut self, work: Work, weather: &mut dyn Weather) {
        let (after, done) = match work {
            Work::Run(job) => {
                let trained = weather.job(self, &job);
                let outcome = match trained {
                    Trained::Well => self.job(&job),
                    Trained::Badly(reason) => JobOutcome::Failed(reason.to_owned()),
                };
                let after = match job.kind {
                    JobKind::Training => TRAINING,
                    JobKind::Processing | JobKind::Transform => SignedDuration::ZERO,
                };
                let id = job.id;
                (after, Done::Job { id, outcome })
            }
            Work::Serve(fleet) => {
                let deployed = if self.outage {
                    Deployed::Down("the model cannot be loaded")
                } else {
                    weather.fleet(self, &fleet)
                };
                let (after, failure) = match deployed {
                    Deployed::Up => (SignedDuration::ZERO, None),
                    Deployed::Late(after) => (after, None),
                    Deployed::Down(reason) => {
                        (SignedDuration::from_secs(20), Some(reason.to_owned()))
                    }
                };
                let id = fleet.id;
                (after, Done::Fleet { id, failure })
            }
            Work::Stop(_) | Work::Retire(_) | Work::Scale(..) => return,
            Work::Invoke(invocation) => {
                let (id, content_type) = (invocation.id, String::new());
                let failure = None;
                let invoked = Invoked {
                    id,
                    failure,
                    content_type,
                };
                (SignedDuration::ZERO, Done::Invocation(invoked))
            }
            Work::Post(post) => {
                let (id, failure) = (post.id, None);
                (SignedDuration::ZERO, Done::Post { id, failure })
            }
        };
        self.going.push((self.now + after, done));
    }

    /// What a job would have come to: training makes an artefact of the commit's quality, the
    /// evaluation reports it.
    fn job(&mut self, job: &Job) -> JobOutcome {
        let environment = &job.request["Environment"];
        let text = |name: &str| environment[name].as_str().unwrap_or_default();
        let commit = ObjectId(text("TRUEUP_COMMIT").to_owned());
        let model = job.request.to_string();
        let folder = repository::folder_of_job(&self.forge, &commit, &model);
        let Some(auc) = repository::quality(&self.forge, &commit, &folder) else {
            return JobOutcome::Failed(
                "AlgorithmError: the script failed, exit code: 1".to_owned(),
            );
        };
        let mut artefact = None;
        match job.kind {
            JobKind::Training => {
                let output = job.request["OutputDataConfig"]["S3OutputPath"]
                    .as_str()
                    .expect("an output");
                let uri = format!("{output}/{}/output/model.tar.gz", job.name);
                let run = text("TRUEUP_RUN");
                self.upload(&uri, format!("a model of quality {auc} {run}"));
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
            JobKind::Transform => {}
        }
        JobOutcome::Completed {
            model_artifacts: artefact,
            exit_message: None,
            metrics: BTreeMap::new(),
        }
    }

    fn upload(&mut self, uri: &str, text: String) {
        let (bucket, key) = s3_parts(uri).expect("an S3 URI");
        let mut call = Call::new("PutObject", &scope(), json!({"Bucket": bucket, "Key": key}));
        call.blob = Some(text.into_bytes().into());
        self.world
            .call(self.now, &call)
            .expect("the bucket is there");
    }

    /// Passes until nothing is left to do; `Err` says what is left after too many.
    pub(crate) fn try_settle(&mut self, weather: &mut dyn Weather) -> Result<usize, String> {
        let mut last = Sweep::default();
        for sweeps in 0..SWEEPS {
            last = if weather.two(self) {
                self.two_sweeps(weather)
            } else {
                self.sweep(Mode::Apply, weather)
            };
            let pause = self.pause(&last, weather);
            self.after(pause, weather);
            weather.between(self);
            if last.is_settled() && !weather.unsettled(self) {
                return Ok(sweeps);
            }
            if let Some(bad) = self.ledger.violations.first() {
                return Err(bad.to_string());
            }
        }
        let notes: Vec<_> = last
            .models
            .iter()
            .flat_map(|pass| &pass.units)
            .flat_map(|unit| unit.report.notes.iter().map(|note| (&unit.plan.unit, note)))
            .filter(|(_, note)| !note.state.is_settled())
            .map(|(unit, note)| format!("{unit}: {}: {}", note.subject, note.message))
            .collect();
        Err(format!("it does not settle: {notes:#?}"))
    }

    /// Passes until nothing is left to do; panics with what is left.
    pub(crate) fn settle(&mut self, weather: &mut dyn Weather) {
        if let Err(left) = self.try_settle(weather) {
            panic!("{left}");
        }
    }

    /// Some passes in which nothing is called that changes anything, and nothing is committed.
    pub(crate) fn try_quiet(&mut self, sweeps: usize) -> Result<(), String> {
        let (calls, commits) = (self.ledger.changes, self.forge.bot_commits);
        for _ in 0..sweeps {
            let sweep = self.sweep(Mode::Apply, &mut Calm);
            let pause = self.pause(&sweep, &mut Calm);
            self.after(pause, &mut Calm);
            if !sweep.is_settled() {
                return Err(format!("not settled in a quiet time: {:#?}", sweep.models));
            }
        }
        if (calls, commits) != (self.ledger.changes, self.forge.bot_commits) {
            return Err("a change in a quiet time".to_owned());
        }
        Ok(())
    }

    /// Twenty passes in which nothing changes.
    pub(crate) fn stays_quiet(&mut self) {
        if let Err(why) = self.try_quiet(20) {
            panic!("{why}");
        }
    }

    /// The description of something.
    pub(crate) fn describe(&mut self, op: &'static str, body: Value) -> Option<Value> {
        self.try_console(op, body)
    }

    /// The config that an endpoint names.
    pub(crate) fn config_of(&self, endpoint: &str) -> String {
        let (body, _) = self
            .world
            .peek(&scope(), "DescribeEndpoint", endpoint)
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

    /// How many units the newest commit has.
    pub(crate) fn units(&self) -> usize {
        let present = present(&self.forge, &self.tip());
        let units = present
            .models
            .iter()
            .map(|model| model.prepared.desired.len());
        units.sum()
    }

    /// The newest commit.
    pub(crate) fn tip(&self) -> ObjectId {
        self.forge.tip(MAIN)
    }
}
