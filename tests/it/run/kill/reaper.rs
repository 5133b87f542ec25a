//! Who kills a process at a call: once before it is passed on, and once when its answer has come and
//! nobody has heard it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::Instant;

use crate::support::relay::{Act, Asked, Fate};

/// Words about the lease in one life that are told apart: taken, what was acted on, renewed.
const WORDS: usize = 3;

/// Which calls are one and the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// Those of one operation about one thing.
    Each,
    /// The same, as long as nothing was changed in between: so somebody dies at each call in each
    /// state that there is on the way.
    EachState,
    /// Those that change something; at others nobody dies.
    Changes,
}

/// How somebody dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// `kill -9`.
    Killed,
    /// Asked to end when a call is made, which is passed on.
    Asked,
}

/// A moment of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum When {
    Before,
    Halfway,
    After,
}

/// Kills whom it watches, at each call once before and once after.
#[derive(Clone)]
pub(super) struct Reaper(Arc<Mutex<State>>);

struct State {
    manner: Manner,
    depth: Depth,
    victim: Option<Pid>,
    /// Whether the moment at which the victim dies is chosen.
    doomed: bool,
    chapter: usize,
    /// Changes that were passed on.
    changes: usize,
    /// Words about the lease in this life.
    words: usize,
    died: BTreeSet<(String, When)>,
    /// When the last one was told to end.
    struck: Option<Instant>,
}

impl Reaper {
    pub(super) fn new(manner: Manner, depth: Depth) -> Self {
        Self(Arc::new(Mutex::new(State {
            manner,
            depth,
            victim: None,
            doomed: false,
            chapter: 0,
            changes: 0,
            words: 0,
            died: BTreeSet::new(),
            struck: None,
        })))
    }

    /// From now on this process is watched.
    pub(super) fn watch(&self, pid: u32) {
        let mut state = self.0.lock().unwrap();
        state.victim = Pid::from_raw(pid.try_into().unwrap());
        (state.doomed, state.words) = (false, 0);
    }

    /// From now on nobody is watched.
    pub(super) fn rest(&self) {
        self.0.lock().unwrap().victim = None;
    }

    /// The same, unless who is watched is dying already.
    pub(super) fn spares(&self) -> bool {
        let mut state = self.0.lock().unwrap();
        !state.doomed && state.victim.take().is_some()
    }

    /// From now on calls are told apart like this.
    pub(super) fn look_as(&self, depth: Depth) {
        self.0.lock().unwrap().depth = depth;
    }

    /// From now on the same call is another one.
    pub(super) fn turn_the_page(&self) {
        self.0.lock().unwrap().chapter += 1;
    }

    /// How long ago the last one was told to end.
    pub(super) fn since(&self) -> Duration {
        let struck = self.0.lock().unwrap().struck;
        struck.map_or(Duration::ZERO, |struck| struck.elapsed())
    }

    /// The moments at which somebody died: at calls that change something, and at all.
    pub(super) fn deaths(&self) -> (usize, usize) {
        let state = self.0.lock().unwrap();
        let before = |(_, when): &&(String, When)| *when == When::Before;
        (state.died.iter().filter(before).count(), state.died.len())
    }

    /// What becomes of a request.
    pub(super) fn judge(&self, asked: &Asked) -> Fate {
        let mut state = self.0.lock().unwrap();
        let fate = state.judge(asked);
        let when = match fate {
            None => return Fate::Pass,
            Some(When::Before) => {
                state.strike();
                return Fate::Vanish;
            }
            Some(when) => when,
        };
        state.doomed = true;
        if state.manner == Manner::Asked {
            state.strike();
            return Fate::Pass;
        }
        let shared = Arc::clone(&self.0);
        let act: Act = Box::new(move || shared.lock().unwrap().strike());
        if when == When::Halfway {
            Fate::Cut(act)
        } else {
            Fate::Lose(act)
        }
    }
}

impl State {
    fn judge(&mut self, asked: &Asked) -> Option<When> {
        let name = self.name(asked);
        let looks = self.depth == Depth::Changes && !asked.changes;
        if self.victim.is_none() || self.doomed || looks {
            self.changes += usize::from(asked.changes);
            return None;
        }
        let pack = asked.about.starts_with("/repo.git/git-upload-pack");
        let killed = self.manner == Manner::Killed;
        let when = [
            (asked.changes && killed).then_some(When::Before),
            (pack && killed).then_some(When::Halfway),
            Some(When::After),
        ];
        let mut when = when.into_iter().flatten();
        let when = when.find(|when| self.died.insert((name.clone(), *when)));
        self.changes += usize::from(asked.changes && when != Some(When::Before));
        when
    }

    fn name(&mut self, asked: &Asked) -> String {
        let mut name = format!("{} {} {}", self.chapter, asked.operation, asked.about);
        if asked.changes && asked.about.contains("/trueup/lease/") {
            self.words = WORDS.min(self.words + 1);
            name = format!("{name} {}", self.words);
        } else if self.depth == Depth::EachState {
            name = format!("{name} {}", self.changes);
        }
        name
    }

    fn strike(&mut self) {
        if let Some(victim) = self.victim.take() {
            let signal = match self.manner {
                Manner::Killed => Signal::KILL,
                Manner::Asked => Signal::TERM,
            };
            // It is ours, and nobody has waited for it yet.
            kill_process(victim, signal).unwrap();
            self.struck = Some(Instant::now());
        }
    }
}
