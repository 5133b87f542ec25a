//! Whose turn it is to roll an endpoint or to start a run: only so many at once in an account, so that
//! a mistake that concerns everything does not reach everything.
//!
//! What is remembered here only holds back: forgotten, it lets a few more begin.

use std::collections::BTreeMap;

use super::pass::UnitPass;
use crate::limits::{TURNS_MIN, TURNS_PERCENT};
use crate::plan::cause::Cause;
use crate::resource::unit::{HOME, Unit};

/// The units that were passed over, and those that are at it.
#[derive(Debug, Clone, Default)]
pub struct Turns {
    /// By folder and place.
    places: BTreeMap<String, BTreeMap<String, Place>>,
    crowds: BTreeMap<Crowd, Count>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    crowd: Crowd,
    moving: bool,
}

/// Who takes turns with whom: the homes of an account, which run, or its environments, which roll.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Crowd {
    account: String,
    runs: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Count {
    units: usize,
    moving: usize,
}

impl Crowd {
    fn of(pass: &UnitPass) -> Self {
        Self {
            account: pass.plan.scope.account.clone(),
            runs: pass.plan.unit.place == HOME,
        }
    }
}

impl Count {
    /// How many may be at it at once.
    fn room(self) -> usize {
        TURNS_MIN.max(self.units * TURNS_PERCENT / 100)
    }
}

impl Turns {
    /// Asks for a turn for what a unit plans. `Err` says who is at it.
    pub fn ask(&mut self, folder: &str, pass: &UnitPass) -> Result<(), String> {
        let crowd = Crowd::of(pass);
        if self.is_moving(folder, &pass.plan.unit) {
            return Ok(());
        }
        let count = self.crowds.get(&crowd).copied().unwrap_or_default();
        if count.moving >= count.room() {
            let what = if crowd.runs { "runs" } else { "rollouts" };
            return Err(format!(
                "{} {what} are under way in account {}; no more are begun at once",
                count.moving, crowd.account
            ));
        }
        self.put(folder, pass, true);
        Ok(())
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
        let seen = pass.report.notes.iter().any(|note| moves(note.reason));
        let acted = pass
            .outcome
            .as_ref()
            .is_some_and(super::steps::Outcome::changed);
        let moving = seen || begun && acted;
        self.put(folder, pass, moving);
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

    fn put(&mut self, folder: &str, pass: &UnitPass, moving: bool) {
        let place = Place {
            crowd: Crowd::of(pass),
            moving,
        };
        let count = self.crowds.entry(place.crowd.clone()).or_default();
        count.units += 1;
        count.moving += usize::from(moving);
        let places = self.places.entry(folder.to_owned()).or_default();
        if let Some(before) = places.insert(pass.plan.unit.place.clone(), place) {
            self.leave(&before);
        }
    }

    fn leave(&mut self, place: &Place) {
        if let Some(count) = self.crowds.get_mut(&place.crowd) {
            count.units -= 1;
            count.moving -= usize::from(place.moving);
        }
    }
}

#[cfg(test)]
#[path = "turns_tests.rs"]
mod tests;
