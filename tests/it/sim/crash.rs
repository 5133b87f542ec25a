//! Every crash point of a workload, enumerated.

use super::checks::{all, end, nothing_doubled, plant_strangers, strangers};
use super::stage::{Calm, Fate, Moment, Stage, Weather};
use super::workload::{FIRST_AUC, RELEASE_AND_REVERT};

/// Forks the state around every change.
struct Recorder {
    deed: usize,
    forks: Vec<(String, usize, Stage)>,
    changes: Vec<String>,
}

impl Weather for Recorder {
    fn around(&mut self, moment: Moment, change: &str, stage: &Stage) {
        self.forks.push((
            format!("{moment:?} {change} in deed {}", self.deed),
            self.deed,
            stage.clone(),
        ));
        if moment == Moment::Before {
            self.changes.push(change.to_owned());
        }
    }
}

/// Makes one change, counted from the start, meet its fate; everything else is calm.
struct Single {
    at: usize,
    fate: Fate,
    seen: usize,
}

impl Weather for Single {
    fn fate(&mut self, _: &str) -> Fate {
        self.seen += 1;
        if self.seen - 1 == self.at {
            self.fate
        } else {
            Fate::Made
        }
    }
}

fn fresh() -> Stage {
    let mut stage = Stage::new(FIRST_AUC);
    plant_strangers(&mut stage);
    stage
}

fn record() -> (Stage, Recorder) {
    let mut stage = fresh();
    let mut recorder = Recorder {
        deed: 0,
        forks: Vec::new(),
        changes: Vec::new(),
    };
    for (index, deed) in RELEASE_AND_REVERT.iter().enumerate() {
        recorder.deed = index;
        stage.perform(*deed);
        stage.settle(&mut recorder);
    }
    (stage, recorder)
}

#[test]
fn a_crash_at_any_point_ends_as_a_run_without() {
    let (mut reference, recorder) = record();
    let untouched = strangers(&mut fresh());
    reference.stays_quiet();
    nothing_doubled(&mut reference, 2);
    let expected = end(&mut reference);
    assert!(
        recorder.forks.len() > 60,
        "only {} crash points",
        recorder.forks.len()
    );
    for (point, deed, fork) in recorder.forks {
        // The process is gone, and with it the machines; a new one starts from what there is.
        let mut stage = fork;
        let survived = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            stage.tick();
            stage.settle(&mut Calm);
            stage.play(&RELEASE_AND_REVERT[deed + 1..], &mut Calm);
            all(&mut stage, &expected, &untouched, 2);
        }));
        assert!(survived.is_ok(), "crashed: {point}");
    }
}

#[test]
fn a_change_that_is_lost_throttled_or_broken_ends_as_one_that_is_not() {
    let (mut reference, recorder) = record();
    let untouched = strangers(&mut fresh());
    let expected = end(&mut reference);
    let calls = recorder
        .changes
        .iter()
        .filter(|change| !change.starts_with("commit"))
        .count();
    for fate in [Fate::Lost, Fate::Throttled, Fate::Broken] {
        for at in 0..calls {
            let mut stage = fresh();
            let survived = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                let mut weather = Single { at, fate, seen: 0 };
                stage.play(RELEASE_AND_REVERT, &mut weather);
                assert!(weather.seen > at, "the fault never happened");
                all(&mut stage, &expected, &untouched, 2);
            }));
            assert!(survived.is_ok(), "{fate:?} at change {at}");
        }
    }
}
