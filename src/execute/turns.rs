//! Whose turn it is to roll an endpoint or to start a run: only so many at once in an account, so that
//! a mistake that concerns everything does not reach everything.
//!
//! What is remembered here only holds back: forgotten, it lets a few more begin.

use std::collections::{BTreeMap, BTreeSet};

use super::pass::UnitPass;
use crate::config::installation::{Installation, Turns as Limits};
use crate::plan::cause::Cause;
use crate::resource::unit::{HOME, Unit};

/// The units that were passed over, and those that are at it.
#[derive(Debug, Clone, Default)]
pub struct Turns {
    limits: Limits,
    confirmed: Vec<String>,
    /// By folder and place.
    places: BTreeMap<String, BTreeMap<String, Place>>,
    crowds: BTreeMap<Crowd, Count>,
}

/// Why it is not a unit's turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Which reason it is.
    pub cause: Cause,
    /// In words.
    pub words: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    crowd: Crowd,
    production: bool,
    moving: bool,
    /// It asked in vain.
    waiting: bool,
}

/// Who takes turns with whom: the homes of an account, which run, or its environments, which roll.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Crowd {
    account: String,
    runs: bool,
}

#[derive(Debug, Clone, Default)]
struct Count {
    units: usize,
    production: usize,
    moving: usize,
    waiting: usize,
    wave: Wave,
}

/// What was begun since nobody moved and nobody waited.
#[derive(Debug, Clone, Default)]
struct Wave {
    /// The first 12 digits of the commit that the first of them was begun for.
    commit: String,
    /// Production endpoints.
    begun: BTreeSet<(String, String)>,
}

impl Crowd {
    fn of(pass: &UnitPass) -> Self {
        Self {
            account: pass.plan.scope.account.clone(),
            runs: pass.plan.unit.place == HOME,
        }
    }
}

impl Turns {
    /// Takes the limits that a commit sets.
    pub fn limit(&mut self, installation: &Installation) {
        self.limits = installation.turns;
        self.confirmed.clone_from(&installation.confirm_rollouts);
    }

    /// Asks for a turn for what a unit plans. `Err` says why it is not its turn.
    pub fn ask(&mut self, folder: &str, pass: &UnitPass) -> Result<(), Refused> {
        let crowd = Crowd::of(pass);
        if self.is_moving(folder, &pass.plan.unit) {
            return Ok(());
        }
        let allowed = self
            .room(&crowd)
            .and_then(|()| self.join(folder, pass, &crowd));
        self.put(folder, pass, allowed.is_ok(), allowed.is_err());
        allowed
    }

    /// Whether one more may be at it.
    fn room(&self, crowd: &Crowd) -> Result<(), Refused> {
        let Some(count) = self.crowds.get(crowd) else {
            return Ok(());
        };
        let room = self.limits.min.max(count.units * self.limits.percent / 100);
        if count.moving < room {
            return Ok(());
        }
        let what = if crowd.runs { "runs" } else { "rollouts" };
        Err(Refused {
            cause: Cause::WaitingForTurn,
            words: format!(
                "{} {what} are under way in account {}; no more are begun at once",
                count.moving, crowd.account
            ),
        })
    }

    /// Counts a production endpoint among those that a change has reached.
    fn join(&mut self, folder: &str, pass: &UnitPass, crowd: &Crowd) -> Result<(), Refused> {
        if !pass.production {
            return Ok(());
        }
        let unit = (folder.to_owned(), pass.plan.unit.place.clone());
        let count = self.crowds.entry(crowd.clone()).or_default();
        let Wave { commit, begun } = &mut count.wave;
        if begun.is_empty() {
            let first = pass
                .plan
                .steps
                .first()
                .map(|step| step.reason.commit.as_str());
            *commit = first.unwrap_or_default().chars().take(DIGITS).collect();
        }
        let most = self
            .limits
            .min
            .max(count.production * self.limits.unconfirmed / 100);
        if begun.len() < most || begun.contains(&unit) || self.confirmed.contains(commit) {
            begun.insert(unit);
            return Ok(());
        }
        Err(Refused {
            cause: Cause::RolloutHeld,
            words: format!(
                "{} of {} production endpoints in account {} were begun to be rolled since commit \
                 {commit}: no more are until `confirm_rollouts` in trueup.yaml holds \"{commit}\"",
                begun.len(),
                count.production,
                crowd.account
            ),
        })
    }

    /// Takes note of what a pass came to: a unit that is at rest has had its turn, and one that is seen
    /// to move takes one, whoever moved it. Gives whether a turn is free now that was not before.
    pub fn note(&mut self, folder: &str, pass: &UnitPass) -> bool {
        let begun = self.is_moving(folder, &pass.plan.unit);
        let moves = |cause: Cause| {
            matches!(
                cause,
                Cause::WaitingForService | Cause::WaitingForInstances | Cause::WaitingForRun
            )
        };
        let waits = |cause: Cause| matches!(cause, Cause::WaitingForTurn | Cause::RolloutHeld);
        let says = |which: &dyn Fn(Cause) -> bool| {
            let mut notes = pass.report.notes.iter();
            notes.any(|note| which(note.reason))
        };
        let acted = pass
            .outcome
            .as_ref()
            .is_some_and(super::steps::Outcome::changed);
        let moving = says(&moves) || begun && acted;
        self.put(folder, pass, moving, says(&waits));
        begun && !moving
    }

    /// Forgets a model that is gone.
    pub fn forget(&mut self, folder: &str) {
        for place in self.places.remove(folder).unwrap_or_default().into_values() {
            self.leave(&place);
        }
    }

    fn is_moving(&self, folder: &str, unit: &Unit) -> bool {
        let place = self
            .places
            .get(folder)
            .and_then(|places| places.get(&unit.place));
        place.is_some_and(|place| place.moving)
    }

    fn put(&mut self, folder: &str, pass: &UnitPass, moving: bool, waiting: bool) {
        let place = Place {
            crowd: Crowd::of(pass),
            production: pass.production,
            moving,
            waiting,
        };
        let count = self.crowds.entry(place.crowd.clone()).or_default();
        count.units += 1;
        count.production += usize::from(place.production);
        count.moving += usize::from(moving);
        count.waiting += usize::from(waiting);
        let places = self.places.entry(folder.to_owned()).or_default();
        if let Some(before) = places.insert(pass.plan.unit.place.clone(), place) {
            self.leave(&before);
        }
    }

    fn leave(&mut self, place: &Place) {
        if let Some(count) = self.crowds.get_mut(&place.crowd) {
            count.units -= 1;
            count.production -= usize::from(place.production);
            count.moving -= usize::from(place.moving);
            count.waiting -= usize::from(place.waiting);
            if count.moving == 0 && count.waiting == 0 {
                count.wave = Wave::default();
            }
        }
    }
}

/// Digits of a commit that name it.
const DIGITS: usize = 12;

#[cfg(test)]
#[path = "turns_tests.rs"]
mod tests;
