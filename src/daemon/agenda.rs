//! Which model is to be passed over, and when: all that the daemon has to do.
//!
//! No clock of its own: `now` is an argument. Whoever has waited longest comes first, so a model
//! that always has something to do takes turns with the others.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use super::cadence::Cadence;
use crate::limits::{AUDIT_PERIOD, PASSES_AT_ONCE};

/// Long enough for what was just accepted to show, short enough not to be noticed.
const AT_ONCE: Duration = Duration::from_millis(50);
/// How much of a period is spread over: a model's name says where in it its turn comes.
const SPREAD: u32 = 4;
/// Passes in a row that may follow at once because the one before changed something.
const STREAK_MAX: u32 = 8;

/// What a pass means for when to look again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// It changed something: look at what came of it.
    Changed,
    /// Something moves.
    Moving,
    /// There is nothing to wait for.
    Quiet,
    /// It broke off.
    Broken,
}

/// The models of one repository, each with the time at which it is due.
#[derive(Debug)]
pub(super) struct Agenda {
    cadence: Cadence,
    models: BTreeMap<String, Entry>,
    /// Those that wait, the longest due first.
    queue: BTreeSet<(Instant, String)>,
    running: usize,
}

#[derive(Debug)]
struct Entry {
    turn: Turn,
    /// Passes in a row that changed something.
    streak: u32,
    /// Passes in a row that broke off.
    failures: u32,
}

#[derive(Debug, Clone, Copy)]
enum Turn {
    /// It is due at this time.
    Waits(Instant),
    /// It is being passed over, and then once more if `again`, or never if it is `gone`.
    Runs { again: bool, gone: bool },
}

impl Agenda {
    pub(super) fn new(cadence: Cadence) -> Self {
        Self {
            cadence,
            models: BTreeMap::new(),
            queue: BTreeSet::new(),
            running: 0,
        }
    }

    /// Forgets the models that are not in `keep`; a pass that runs may end.
    pub(super) fn retain(&mut self, now: Instant, keep: impl Fn(&str) -> bool) {
        self.queue.retain(|(_, folder)| keep(folder));
        self.models.retain(|folder, entry| {
            let kept = keep(folder);
            if let Turn::Runs { gone, .. } = &mut entry.turn {
                *gone = !kept;
                return true;
            }
            kept
        });
        if !self.is_listed() {
            // No list will wake those that were left to one.
            let latest = now + self.cadence.sweep;
            let late = self.queue.iter().filter(|(due, _)| *due > latest);
            for folder in late.map(|(_, folder)| folder.clone()).collect::<Vec<_>>() {
                self.wake_at(&folder, latest);
            }
        }
    }

    /// Whether there are so many models that lists say which of them to look at.
    pub(super) fn is_listed(&self) -> bool {
        self.models.len() >= self.cadence.listed
    }

    /// Makes a model due now: something happened to it. One that is being passed over will be once
    /// more.
    pub(super) fn wake(&mut self, folder: &str, now: Instant) {
        let entry = self.models.entry(folder.to_owned()).or_insert(Entry {
            turn: Turn::Waits(now),
            streak: 0,
            failures: 0,
        });
        (entry.streak, entry.failures) = (0, 0);
        match &mut entry.turn {
            Turn::Runs { again, gone } => (*again, *gone) = (true, false),
            Turn::Waits(_) => self.wake_at(folder, now),
        }
    }

    /// Makes a model due at this time at the latest.
    pub(super) fn wake_at(&mut self, folder: &str, at: Instant) {
        if let Some(entry) = self.models.get_mut(folder)
            && let Turn::Waits(due) = &mut entry.turn
        {
            self.queue.remove(&(*due, folder.to_owned()));
            *due = at.min(*due);
            self.queue.insert((*due, folder.to_owned()));
        }
    }

    /// The next model to pass over, if one is due and there is room.
    pub(super) fn next(&mut self, now: Instant) -> Option<String> {
        let due = self.queue.first().is_some_and(|(due, _)| *due <= now);
        if !due || self.running == PASSES_AT_ONCE {
            return None;
        }
        let (_, folder) = self.queue.pop_first()?;
        self.running += 1;
        if let Some(entry) = self.models.get_mut(&folder) {
            entry.turn = Turn::Runs {
                again: false,
                gone: false,
            };
        }
        Some(folder)
    }

    /// Takes note of a pass that ended.
    pub(super) fn ended(&mut self, folder: &str, how: Ended, now: Instant) {
        self.running -= 1;
        let listed = self.is_listed();
        let Some(entry) = self.models.get_mut(folder) else {
            return;
        };
        let Turn::Runs { again, gone } = entry.turn else {
            return;
        };
        if gone {
            self.models.remove(folder);
            return;
        }
        let quiet = if listed {
            audit(folder)
        } else {
            self.cadence.sweep
        };
        let wait = if again {
            Duration::ZERO
        } else {
            entry.wait(how, &self.cadence, quiet)
        };
        entry.turn = Turn::Waits(now + wait);
        self.queue.insert((now + wait, folder.to_owned()));
    }

    /// When the next model is due; `None` where none is, or no more has room.
    pub(super) fn due(&self) -> Option<Instant> {
        let room = self.running < PASSES_AT_ONCE;
        let (due, _) = self.queue.first().filter(|_| room)?;
        Some(*due)
    }
}

impl Entry {
    /// How long to wait after a pass. What it changed is looked at again soon, but not for ever
    /// soon.
    fn wait(&mut self, how: Ended, cadence: &Cadence, quiet: Duration) -> Duration {
        self.streak = if how == Ended::Changed {
            self.streak + 1
        } else {
            0
        };
        self.failures = if how == Ended::Broken {
            self.failures + 1
        } else {
            0
        };
        match how {
            Ended::Changed if self.streak <= STREAK_MAX => AT_ONCE,
            Ended::Changed | Ended::Moving => cadence.motion,
            Ended::Quiet => quiet,
            Ended::Broken => cadence.backoff(self.failures),
        }
    }
}

/// Until a model is described though no list shows a change of it: spread, so that not all come at
/// once.
fn audit(folder: &str) -> Duration {
    let place: u32 = folder.bytes().fold(0, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(u32::from(byte))
    });
    let spread = AUDIT_PERIOD / SPREAD;
    spread * (SPREAD - 1) + spread * (place % 1000) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASS: Duration = Duration::from_secs(1);

    /// Plays `horizon` seconds with passes of one second each; gives each model's passes.
    fn play(models: &[(&str, Ended)], horizon: u64) -> BTreeMap<String, Vec<u64>> {
        let start = Instant::now();
        let mut agenda = Agenda::new(Cadence::default());
        for (name, _) in models {
            agenda.wake(name, start);
        }
        let how: BTreeMap<_, _> = models.iter().copied().collect();
        let mut passes: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        let mut open: BTreeSet<(Instant, String)> = BTreeSet::new();
        let mut now = start;
        while now < start + Duration::from_secs(horizon) {
            while let Some(name) = agenda.next(now) {
                let at = now.duration_since(start).as_secs();
                passes.entry(name.clone()).or_default().push(at);
                open.insert((now + PASS, name));
            }
            let ends = open.first().map(|(end, _)| *end);
            now = [ends, agenda.due()]
                .into_iter()
                .flatten()
                .min()
                .expect("more to do");
            while open.first().is_some_and(|(end, _)| *end <= now) {
                let (_, name) = open.pop_first().expect("there is one");
                agenda.ended(&name, how[name.as_str()], now);
            }
        }
        passes
    }

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|n| format!("sound-{n:03}")).collect()
    }

    #[test]
    fn models_that_misbehave_delay_no_other_by_a_tenth() {
        let names = names(200);
        let sound: Vec<_> = names
            .iter()
            .map(|name| (name.as_str(), Ended::Moving))
            .collect();
        let alone = play(&sound, 600);
        let mut all = sound.clone();
        all.extend([
            ("changes-for-ever", Ended::Changed),
            ("panics", Ended::Broken),
        ]);
        let together = play(&all, 600);
        for name in &names {
            let (alone, together) = (alone[name].len(), together[name].len());
            assert!(
                together * 10 >= alone * 9,
                "{name}: {together} of {alone} passes"
            );
        }
        assert!(
            together["panics"].len() < 15,
            "a broken model is left alone for longer and longer"
        );
        assert!(
            together["changes-for-ever"].len() < 50,
            "it does not keep the loop from breathing"
        );
    }

    #[test]
    fn what_changed_is_looked_at_soon_what_is_quiet_at_the_sweep() {
        assert_eq!(play(&[("a", Ended::Quiet)], 1300)["a"], [0, 601, 1202]);
        assert_eq!(play(&[("a", Ended::Moving)], 70)["a"], [0, 31, 62]);
        assert_eq!(play(&[("a", Ended::Changed)], 11)["a"].len(), 9);
        assert_eq!(play(&[("a", Ended::Broken)], 30)["a"], [0, 6, 17]);
    }

    #[test]
    fn no_more_run_at_once_than_there_is_room_for() {
        let start = Instant::now();
        let mut agenda = Agenda::new(Cadence::default());
        for name in names(PASSES_AT_ONCE + 1) {
            agenda.wake(&name, start);
        }
        let first: Vec<_> = std::iter::from_fn(|| agenda.next(start)).collect();
        assert_eq!(first.len(), PASSES_AT_ONCE);
        assert_eq!(agenda.due(), None);
        agenda.ended(&first[0], Ended::Quiet, start);
        assert_eq!(
            agenda.next(start),
            Some(format!("sound-{PASSES_AT_ONCE:03}"))
        );
    }

    #[test]
    fn a_model_is_passed_over_by_one_at_a_time_and_never_after_it_is_gone() {
        let now = Instant::now();
        let mut agenda = Agenda::new(Cadence::default());
        agenda.wake("a", now);
        assert_eq!(agenda.next(now).as_deref(), Some("a"));
        agenda.wake("a", now);
        assert_eq!(agenda.next(now), None, "it is being passed over");
        agenda.ended("a", Ended::Quiet, now);
        assert_eq!(
            agenda.next(now).as_deref(),
            Some("a"),
            "it was woken meanwhile"
        );
        agenda.retain(now, |_| false);
        agenda.ended("a", Ended::Changed, now);
        assert_eq!((agenda.next(now), agenda.due()), (None, None));
        agenda.wake("a", now);
        assert_eq!(agenda.next(now).as_deref(), Some("a"), "it is back");
    }

    #[test]
    fn many_models_wait_for_a_list_and_few_for_their_turn() {
        let now = Instant::now();
        let mut agenda = Agenda::new(Cadence::default());
        let names = names(Cadence::default().listed);
        for name in &names {
            agenda.wake(name, now);
        }
        while let Some(name) = agenda.next(now) {
            agenda.ended(&name, Ended::Quiet, now);
        }
        let first = agenda.due().expect("all wait");
        assert!(first >= now + AUDIT_PERIOD / 4 * 3, "{:?}", first - now);
        assert!(first < now + AUDIT_PERIOD);
        agenda.wake_at(&names[7], now);
        assert_eq!(
            agenda.next(now).as_ref(),
            Some(&names[7]),
            "a list shows a change"
        );
        agenda.ended(&names[7], Ended::Quiet, now);
        agenda.retain(now, |name| name != names[3]);
        assert_eq!(
            agenda.due(),
            Some(now + Cadence::default().sweep),
            "too few for lists"
        );
    }
}
