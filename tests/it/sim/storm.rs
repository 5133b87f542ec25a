//! Random faults from a seed. Each storm has a few kinds of them, and many of each: faults that
//! never meet hide what they do together, and too many kinds at once heal each other.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use trueup::clock::SignedDuration;
use trueup::resource::call::Call;
use trueup::world::work::{Fleet, Job};

use super::fault::{FAULTS, Fault, Fired};
use super::random::Random;
use super::stage::{Stage, scope};
use super::weather::{Deployed, Fate, Moment, Sight, Trained, Weather};
use super::workload::{HANDS, Hand, NAMES};

/// What can become of a change.
const CHANGES: &[(Fault, Fate)] = &[
    (Fault::Throttled, Fate::Throttled),
    (Fault::FailedBefore, Fate::Broken),
    (Fault::FailedAfter, Fate::MadeAndBroken),
    (Fault::ReplyLost, Fate::Lost),
    (Fault::Denied, Fate::Denied),
    (Fault::Quota, Fate::Quota),
];

/// What can become of a look.
const LOOKS: &[(Fault, Sight)] = &[
    (Fault::Throttled, Sight::Throttled),
    (Fault::ReplyLost, Sight::Lost),
    (Fault::Denied, Sight::Denied),
    (Fault::StaleRead, Sight::Stale),
    (Fault::PartialList, Sight::Partial),
];

/// What can become of a fleet.
const FLEETS: &[(Fault, Deployed)] = &[
    (
        Fault::Capacity,
        Deployed::Down("The request failed: InsufficientInstanceCapacity for ml.m5.large."),
    ),
    (
        Fault::SlowDeployment,
        Deployed::Late(SignedDuration::from_mins(75)),
    ),
    (
        Fault::FailedDeployment,
        Deployed::Down("the model cannot be loaded"),
    ),
    (
        Fault::SilentRollback,
        Deployed::Down("Request to service failed. Try again."),
    ),
];

/// Passes after a deed until the storm is over, so that it is seen whether all comes to rest.
pub(crate) const BLOWS: usize = 4;
/// Passes between two looks of the people who run it.
pub(crate) const WATCH: usize = 3;

/// The weather of one seed.
pub(crate) struct Storm {
    random: Random,
    active: Vec<Fault>,
    pub(crate) fired: Fired,
    /// Passes since the last deed.
    passes: usize,
    /// Something was edited since the last pass began.
    edited: bool,
    /// Tags that were lost, to be put back: by ARN.
    lost: BTreeMap<String, Value>,
    /// Failed jobs by run, and failed fleets by endpoint.
    failures: BTreeMap<String, u32>,
}

impl Storm {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed, 2);
        let kinds = 2 + random.below(5);
        let mut active: Vec<_> = (0..kinds).map(|_| *random.pick(&FAULTS)).collect();
        if active.contains(&Fault::StaleRead) {
            // A reader that lags cannot know that a tag is gone.
            active.retain(|fault| *fault != Fault::TagLoss);
        }
        Self {
            random,
            active,
            fired: Fired::default(),
            passes: 0,
            edited: false,
            lost: BTreeMap::new(),
            failures: BTreeMap::new(),
        }
    }

    /// Only throttling.
    pub(crate) fn throttling(seed: u64) -> Self {
        Self {
            active: vec![Fault::Throttled],
            ..Self::new(seed)
        }
    }

    /// People do something: the storm blows again.
    pub(crate) fn next_deed(&mut self) {
        self.passes = 0;
    }

    /// The faults that it has.
    pub(crate) fn kinds(&self) -> &[Fault] {
        &self.active
    }

    fn blows(&self, fault: Fault) -> bool {
        self.passes < BLOWS && self.active.contains(&fault)
    }

    /// Whether a fault that the storm has comes now, once in `n` times.
    fn strikes(&mut self, fault: Fault, n: u64) -> bool {
        let strikes = self.blows(fault) && self.random.one_in(n);
        if strikes {
            self.fired.add(fault);
        }
        strikes
    }

    /// One of those of a table that the storm has, once in `n` times.
    fn choose<T: Copy>(&mut self, n: u64, from: &[(Fault, T)]) -> Option<(Fault, T)> {
        let here = |(fault, _): &&(Fault, T)| self.blows(*fault);
        let here: Vec<_> = from.iter().filter(here).copied().collect();
        if here.is_empty() || !self.random.one_in(n) {
            return None;
        }
        Some(*self.random.pick(&here))
    }

    fn lose_tags(&mut self, stage: &mut Stage) {
        let name = NAMES[usize::from(self.random.one_in(2))];
        let (describe, arn) = *self.random.pick(&[
            ("DescribePipeline", "PipelineArn"),
            ("DescribeModelPackageGroup", "ModelPackageGroupArn"),
            ("DescribeEndpoint", "EndpointArn"),
        ]);
        let name = if describe == "DescribeEndpoint" {
            format!("{name}-staging")
        } else {
            name.to_owned()
        };
        let found = stage.world.peek(&scope(), describe, &name);
        let Some((body, Some(tags))) = found else {
            return;
        };
        let arn = body[arn].as_str().unwrap_or_default().to_owned();
        if self.lost.contains_key(&arn) {
            return;
        }
        let list: Vec<_> = tags
            .iter()
            .map(|(key, value)| json!({"Key": key, "Value": value}))
            .collect();
        let keys: Vec<_> = tags.keys().cloned().collect();
        stage.console("DeleteTags", json!({"ResourceArn": arn, "TagKeys": keys}));
        self.lost.insert(arn, list.into());
        self.fired.add(Fault::TagLoss);
    }

    /// The storm is over for good; people repair what only people can.
    pub(crate) fn calm(&mut self, stage: &mut Stage) {
        self.active.clear();
        (stage.older, stage.previous) = (None, None);
        self.repair(stage);
    }

    /// What people do who are told that something is blocked or degraded.
    pub(crate) fn repair(&mut self, stage: &mut Stage) {
        for (arn, tags) in std::mem::take(&mut self.lost) {
            stage.try_console("AddTags", json!({"ResourceArn": arn, "Tags": tags}));
            self.edited = true;
        }
        let scope = scope();
        let endpoints = stage.world.peek_all(&scope, "DescribeEndpoint");
        let (mut failed, mut rolled_back) = (Vec::new(), false);
        for endpoint in endpoints {
            match endpoint["EndpointStatus"].as_str() {
                Some("Failed") => failed.push(endpoint["EndpointName"].clone()),
                Some("InService") => rolled_back |= endpoint.get("FailureReason").is_some(),
                _ => {}
            }
        }
        for name in failed {
            stage.try_console("DeleteEndpoint", json!({"EndpointName": name}));
            self.edited = true;
        }
        if rolled_back {
            stage.retry();
            self.edited = true;
        }
    }
}

impl Weather for Storm {
    fn around(&mut self, moment: Moment, change: &str, _: &Stage) -> bool {
        let fault = match (moment, change.starts_with("commit")) {
            (Moment::Before, false) => Fault::CrashBeforeCall,
            (Moment::After, false) => Fault::CrashAfterCall,
            (Moment::Before, true) => Fault::CrashBeforeWrite,
            (Moment::After, true) => Fault::CrashAfterWrite,
        };
        self.strikes(fault, if change.starts_with("commit") { 2 } else { 6 })
    }

    fn fate(&mut self, _: &Call, _: &Stage) -> Fate {
        let chosen = self.choose(4, CHANGES);
        if let Some((fault, _)) = chosen {
            self.fired.add(fault);
        }
        chosen.map_or(Fate::Made, |(_, fate)| fate)
    }

    fn sight(&mut self, look: &Call, stage: &mut Stage) -> Sight {
        // Between a daemon's last look and its call nobody can see it go: with two of them that is
        // where the other one looks.
        if stage.ledger.alone && self.blows(Fault::TagLoss) && self.random.one_in(12) {
            self.edited = true;
            self.lose_tags(stage);
        }
        let Some((fault, sight)) = self.choose(40, LOOKS) else {
            return Sight::Clear;
        };
        let possible = match sight {
            Sight::Stale => stage.older.is_some() && !look.op.ends_with("Object"),
            Sight::Partial => look.op.starts_with("List") && look.op != "ListTags",
            _ => true,
        };
        if !possible {
            return Sight::Clear;
        }
        self.fired.add(fault);
        sight
    }

    fn lags(&mut self, stage: &Stage) -> bool {
        let lags = stage.forge.parent(&stage.tip()).is_some() && self.strikes(Fault::StaleGit, 3);
        // What an older commit asks for may be there; the newest has not been looked at.
        self.edited = lags;
        lags
    }

    fn skew(&mut self) -> SignedDuration {
        if !self.strikes(Fault::ClockJump, 3) {
            return SignedDuration::ZERO;
        }
        let minutes = i64::try_from(self.random.below(240)).expect("it is small");
        SignedDuration::from_mins(minutes - 120)
    }

    fn hurries(&mut self) -> bool {
        self.random.one_in(6)
    }

    fn two(&mut self, _: &Stage) -> bool {
        let two = self.strikes(Fault::TwoDaemons, 4);
        if two {
            self.edited = false;
        }
        two
    }

    fn first_daemon(&mut self) -> bool {
        self.random.one_in(2)
    }

    fn between(&mut self, stage: &mut Stage) {
        self.passes += 1;
        // In a storm everything may be edited often: what is forgotten is put back.
        stage.flaps = Default::default();
        stage.older = stage.previous.take();
        if self.blows(Fault::StaleRead) && self.random.one_in(2) {
            stage.previous = Some(std::sync::Arc::new(stage.world.clone()));
        }
        if self.blows(Fault::ConsoleEdit) && self.random.one_in(3) {
            let hand = *self.random.pick(HANDS);
            if stage.by_hand(hand) {
                self.fired.add(Fault::ConsoleEdit);
                self.edited = true;
            }
        }
        let moves = self.blows(Fault::Autoscaling) && self.random.one_in(3);
        if moves && stage.by_hand(Hand::Count) {
            self.fired.add(Fault::Autoscaling);
            self.edited = true;
        }
        if self.blows(Fault::TagLoss) && self.random.one_in(6) {
            self.edited = true;
            self.lose_tags(stage);
        }
        if self.passes >= BLOWS && self.passes.is_multiple_of(WATCH) {
            self.repair(stage);
        }
    }

    fn unsettled(&mut self, _: &Stage) -> bool {
        self.edited || !self.lost.is_empty()
    }

    fn job(&mut self, _: &Stage, job: &Job) -> Trained {
        let run = job.request["Environment"]["TRUEUP_RUN"].to_string();
        let failed = self.failures.get(&run).copied().unwrap_or_default();
        if failed < 1 && self.strikes(Fault::FailedJob, 2) {
            *self.failures.entry(run).or_default() += 1;
            return Trained::Badly("InternalServerError: We encountered an internal error.");
        }
        Trained::Well
    }

    fn fleet(&mut self, _: &Stage, fleet: &Fleet) -> Deployed {
        let failed = self.failures.get(&fleet.endpoint).copied();
        if failed.unwrap_or_default() >= 3 {
            return Deployed::Up;
        }
        let Some((fault, deployed)) = self.choose(2, FLEETS) else {
            return Deployed::Up;
        };
        self.fired.add(fault);
        *self.failures.entry(fleet.endpoint.clone()).or_default() += 1;
        deployed
    }
}
