//! Every crash point of every workload, enumerated: before and after every call that changes
//! something and before and after every commit. The state is forked there; nothing is replayed.

use super::checks::{at_rest, end, meaning, plant_strangers, same_meaning, strangers};
use super::repository::FleetKind;
use super::stage::Stage;
use super::weather::{Calm, Fate, Moment, Weather};
use super::workload::{Deed, Hand, RELEASE_AND_REVERT};

/// Deeds over a fleet. The first `before` of them are done calmly: what follows is what is tested.
struct Workload {
    name: &'static str,
    fleet: FleetKind,
    before: usize,
    deeds: &'static [Deed],
    /// Whether two daemons are at work.
    two: bool,
}

const fn one(name: &'static str, before: usize, deeds: &'static [Deed]) -> Workload {
    Workload {
        name,
        fleet: FleetKind::One,
        before,
        deeds,
        two: false,
    }
}

use Deed::{Promote, Train, Watch};

/// Git goes away after the second release, and somebody orders the first.
const ORDERED: &[Deed] = &[
    Watch,
    Promote(0),
    Train(0, 0.9),
    Promote(0),
    Deed::Order(0),
    Deed::Return,
];

const WORKLOADS: &[Workload] = &[
    one("first deploy", 0, &[Watch]),
    one("promotion", 1, &[Watch, Promote(0)]),
    one("new release", 2, &[Watch, Promote(0), Train(0, 0.9)]),
    one("release and revert", 0, RELEASE_AND_REVERT),
    one(
        "revert of a promotion",
        4,
        &[
            Watch,
            Promote(0),
            Train(0, 0.9),
            Promote(0),
            Deed::RevertLast,
        ],
    ),
    one(
        "revert of training",
        4,
        &[
            Watch,
            Promote(0),
            Train(0, 0.9),
            Promote(0),
            Deed::RevertTraining(0),
        ],
    ),
    one(
        "deployment only",
        2,
        &[Watch, Promote(0), Deed::Resize(0), Deed::RevertLast],
    ),
    one("other data", 2, &[Watch, Promote(0), Deed::Pin(5)]),
    one(
        "other serving code",
        2,
        &[Watch, Promote(0), Deed::Serve(0, 2)],
    ),
    one(
        "gate failure",
        2,
        &[
            Watch,
            Promote(0),
            Deed::Gate,
            Deed::Miss(0, 0.9),
            Deed::Gate,
            Watch,
        ],
    ),
    one(
        "drift",
        2,
        &[
            Watch,
            Promote(0),
            Deed::Hand(Hand::Config),
            Deed::Hand(Hand::Count),
            Deed::Hand(Hand::StopMonitor),
            Deed::Hand(Hand::DeleteMonitor),
            Deed::Hand(Hand::Pipeline),
            Deed::Hand(Hand::Reject),
        ],
    ),
    one(
        "quarantine",
        3,
        &[
            Watch,
            Promote(0),
            Train(0, 0.9),
            Deed::Quarantine(0),
            Deed::RevertTraining(0),
        ],
    ),
    one(
        "folder renamed",
        2,
        &[Watch, Promote(0), Deed::Rename(0), Train(0, 0.9)],
    ),
    Workload {
        fleet: FleetKind::Two,
        ..one(
            "model removed",
            1,
            &[Watch, Deed::Remove(1), Deed::Resize(0)],
        )
    },
    one("taken down", 2, &[Watch, Promote(0), Deed::TakeDown(0)]),
    one(
        "taken down, and back",
        3,
        &[Watch, Promote(0), Deed::TakeDown(0), Deed::TakeDown(0)],
    ),
    one(
        "bad config, then mended",
        2,
        &[
            Watch,
            Promote(0),
            Deed::Break(0),
            Deed::Break(0),
            Train(0, 0.8),
        ],
    ),
    Workload {
        fleet: FleetKind::Two,
        ..one("two models", 0, &[Watch, Train(1, 0.8)])
    },
    one(
        "force push",
        3,
        &[Watch, Promote(0), Train(0, 0.9), Deed::ForcePush(2)],
    ),
    one(
        "tags and descriptions",
        2,
        &[
            Watch,
            Promote(0),
            Deed::Tag(0, 1),
            Deed::Describe(0),
            Deed::Describe(0),
        ],
    ),
    one("rollback while Git is away", 4, ORDERED),
    Workload {
        two: true,
        ..one("rollback of two daemons", 4, ORDERED)
    },
    Workload {
        two: true,
        ..one("two daemons", 0, &[Watch, Promote(0), Train(0, 0.9)])
    },
];

/// Forks the state around every change.
struct Recorder {
    deed: usize,
    on: bool,
    two: bool,
    turn: usize,
    forks: Vec<(String, usize, Stage)>,
    changes: usize,
}

impl Weather for Recorder {
    fn around(&mut self, moment: Moment, change: &str, stage: &Stage) -> bool {
        if self.on {
            let point = format!("{moment:?} {change} in deed {}", self.deed);
            self.forks.push((point, self.deed, stage.clone()));
            let call = moment == Moment::Before && !change.starts_with("commit");
            self.changes += usize::from(call);
        }
        false
    }

    fn two(&mut self, _: &Stage) -> bool {
        self.two
    }

    fn first_daemon(&mut self) -> bool {
        self.turn += 1;
        !self.turn.is_multiple_of(3)
    }
}

/// Makes one change, counted from the start, meet its fate; everything else is calm.
struct Single {
    at: usize,
    fate: Fate,
    seen: usize,
}

impl Weather for Single {
    fn fate(&mut self, _: &trueup::resource::call::Call, _: &Stage) -> Fate {
        self.seen += 1;
        if self.seen - 1 == self.at {
            self.fate
        } else {
            Fate::Made
        }
    }
}

fn fresh(workload: &Workload) -> Stage {
    let mut stage = Stage::with(workload.fleet);
    plant_strangers(&mut stage);
    stage.play(&workload.deeds[..workload.before], &mut Calm);
    stage
}

fn record(workload: &Workload) -> (Stage, Recorder) {
    let mut stage = fresh(workload);
    let mut recorder = Recorder {
        deed: workload.before,
        on: true,
        two: workload.two,
        turn: 0,
        forks: Vec::new(),
        changes: 0,
    };
    for (index, deed) in workload.deeds.iter().enumerate().skip(workload.before) {
        recorder.deed = index;
        stage.play(&[*deed], &mut recorder);
    }
    (stage, recorder)
}

/// Every crash point of a workload, and every fate of every change.
fn enumerate(name: &str) {
    let workload = WORKLOADS.iter().find(|one| one.name == name).expect(name);
    let untouched = strangers(&fresh(workload));
    let (mut reference, recorder) = record(workload);
    if let Err(why) = reference.try_quiet(5) {
        panic!("{name}: {why}");
    }
    if let Err(bad) = at_rest(&reference, &untouched) {
        panic!("{name}: {bad}");
    }
    let (letter, expected) = (end(&reference), meaning(&reference));
    let check = |stage: &mut Stage, point: &str| {
        let quiet = stage.try_quiet(2);
        let ends = at_rest(stage, &untouched)
            .and_then(|()| same_meaning(&meaning(stage), &expected))
            .map_err(|bad| bad.to_string());
        if let Err(why) = quiet.and(ends) {
            panic!("{name}, {point}: {why}");
        }
        // Two models, or two daemons, may commit in another order.
        if !workload.two && workload.fleet == FleetKind::One {
            assert_eq!(end(stage), letter, "{name}, {point}: another end");
        }
    };
    let (points, changes) = (recorder.forks.len(), recorder.changes);
    assert!(points > 3, "{name}: only {points} crash points");
    for (point, deed, mut stage) in recorder.forks {
        // The process is gone, and with it what it kept in memory; a new one starts from what is.
        stage.settled = Default::default();
        stage.tick();
        if let Err(left) = stage.follow(workload.deeds[deed], &mut Calm) {
            panic!("{name}, crashed {point}: {left}");
        }
        stage.play(&workload.deeds[deed + 1..], &mut Calm);
        check(&mut stage, &point);
    }
    if workload.two {
        return;
    }
    let start = fresh(workload);
    for fate in [
        Fate::Lost,
        Fate::MadeAndBroken,
        Fate::Throttled,
        Fate::Broken,
    ] {
        for at in 0..changes {
            let mut stage = start.clone();
            let mut weather = Single { at, fate, seen: 0 };
            stage.play(&workload.deeds[workload.before..], &mut weather);
            assert!(weather.seen > at, "the fault never happened");
            check(&mut stage, &format!("{fate:?} at change {at}"));
        }
    }
}

macro_rules! workloads {
    ($($test:ident => $name:literal;)*) => {
        $(#[test] fn $test() { enumerate($name); })*
        #[test]
        fn every_workload_is_enumerated() {
            let tested = [$($name),*];
            assert_eq!(WORKLOADS.iter().map(|one| one.name).collect::<Vec<_>>(), tested);
        }
    };
}

workloads! {
    first_deploy => "first deploy";
    promotion => "promotion";
    new_release => "new release";
    release_and_revert => "release and revert";
    revert_of_a_promotion => "revert of a promotion";
    revert_of_training => "revert of training";
    deployment_only => "deployment only";
    other_data => "other data";
    other_serving_code => "other serving code";
    gate_failure => "gate failure";
    drift => "drift";
    quarantine => "quarantine";
    folder_renamed => "folder renamed";
    model_removed => "model removed";
    taken_down => "taken down";
    taken_down_and_back => "taken down, and back";
    bad_config => "bad config, then mended";
    two_models => "two models";
    force_push => "force push";
    tags_and_descriptions => "tags and descriptions";
    rollback_while_git_is_away => "rollback while Git is away";
    rollback_of_two_daemons => "rollback of two daemons";
    two_daemons => "two daemons";
}
