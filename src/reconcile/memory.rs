//! What is remembered from one pass to the next. All of it may be forgotten at any time: it saves work,
//! finds words, or makes a pass do less.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::model::Ready;
use crate::clock::Timestamp;
use crate::config::Census;
use crate::config::installation::Installation;
use crate::execute::flaps::Flaps;
use crate::execute::inventory::Inventory;
use crate::execute::model::{ModelPass, Prepared};
use crate::execute::orders::Orders;
use crate::execute::sweep::Orphan;
use crate::execute::turns::Turns;
use crate::limits::{AUDIT_PERIOD, READY_MAX};
use crate::plan::planner::Hints;
use crate::plan::report::State;
use crate::resource::call::Scope;
use crate::resource::canonical;
use crate::resource::desired::Desired;
use crate::resource::unit::Unit;

/// The memory of the passes over one repository.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) census: Census,
    /// The models that are not at rest, as they were read last.
    ready: BTreeMap<String, Arc<Ready>>,
    /// By folder: when each unit was last seen in line with these very files.
    settled: BTreeMap<String, Vec<(Unit, Timestamp)>>,
    /// What the models that are settled now looked like.
    pub(super) inventory: Inventory,
    /// When each model is looked through for what is left over.
    surveys: BTreeMap<String, Survey>,
    /// What was put back, and when.
    flaps: Flaps,
    /// Where a commit takes down more than it may, and why nothing is.
    removals: BTreeMap<Scope, String>,
    /// Whose turn it is.
    pub(super) turns: Turns,
    /// What was ordered, as far as it was looked for.
    pub(super) orders: Orders,
    /// What of ours the last sweep found undeclared.
    pub(super) orphans: Vec<Orphan>,
}

/// When a model is looked through next.
#[derive(Debug, Clone, Copy)]
struct Survey {
    due: Timestamp,
    /// Whether what is left over is to go: then it is looked for until nothing is left to do.
    destroys: bool,
}

impl Memory {
    /// Forgets what depends on a model's files, or on what other models claim.
    pub(super) fn forget(&mut self, folder: &str) {
        self.ready.remove(folder);
        self.settled.remove(folder);
        self.surveys.remove(folder);
        self.flaps.forget(folder);
        self.inventory.forget(folder);
    }

    /// Takes note of how much at once a commit allows, and of what it takes down beyond that.
    pub(super) fn limit(&mut self, installation: &Installation) {
        let removals = self.census.removals().into_iter();
        let held = removals.filter(|removal| removal.is_held(installation));
        self.turns.limit(installation);
        self.removals = held.map(|one| (one.scope.clone(), one.words())).collect();
    }

    /// A model as it was read last.
    pub(super) fn ready(&self, folder: &str) -> Option<Arc<Ready>> {
        self.ready.get(folder).cloned()
    }

    /// Keeps a model as it was read.
    pub(super) fn keep(&mut self, folder: &str, ready: &Arc<Ready>) {
        if self.ready.len() >= READY_MAX {
            self.ready.pop_first();
        }
        self.ready.insert(folder.to_owned(), ready.clone());
    }

    /// What the planner is told about each unit of a model.
    pub(super) fn hints(
        &mut self,
        prepared: &Prepared,
        folder: &str,
        now: Timestamp,
    ) -> BTreeMap<Unit, Hints> {
        let destroys = prepared.desired.iter().any(|one| one.lifecycle.destroys());
        let first = || Survey {
            due: if destroys {
                now
            } else {
                now + jittered(folder)
            },
            destroys,
        };
        let survey = *self.surveys.entry(folder.to_owned()).or_insert_with(first);
        let settled = self.settled.get(folder);
        let settled = |unit: &Unit| {
            let mut units = settled.into_iter().flatten();
            units.find(|(one, _)| one == unit).map(|(_, at)| *at)
        };
        let hints = |desired: &Desired| Hints {
            settled_at: settled(&desired.unit),
            quarantine: self.flaps.of(folder, &desired.unit, now),
            removal_held: self.removals.get(&desired.scope).cloned(),
            survey: survey.due <= now,
            upstream: None,
        };
        let units = prepared.desired.iter();
        units
            .map(|desired| (desired.unit.clone(), hints(desired)))
            .collect()
    }

    /// Takes note of what a pass that began at `at` came to.
    pub(super) fn remember(&mut self, folder: &str, pass: &ModelPass, at: Timestamp) {
        let known = self.settled.entry(folder.to_owned()).or_default();
        for unit in &pass.units {
            let (name, ordered) = (&unit.plan.unit, unit.in_force.is_some());
            let settled = unit.is_settled() && unit.state() != State::Drifted && !ordered;
            if settled || ordered {
                known.retain(|(one, _)| one != name);
            }
            if settled {
                known.push((name.clone(), at));
            }
        }
        self.inventory.record(folder, pass, at);
        for unit in &pass.units {
            self.flaps.note(folder, unit, at);
        }
        if let Some(survey) = self.surveys.get_mut(folder)
            && survey.due <= at
            && (pass.is_settled() || !survey.destroys)
        {
            survey.due = at + AUDIT_PERIOD;
        }
        if pass.is_settled() {
            // What is at rest is not passed over again before long.
            self.ready.remove(folder);
        }
    }
}

/// When a model is first looked through, so that not all of them are at once.
fn jittered(folder: &str) -> Duration {
    let digest = canonical::sha256(folder.as_bytes());
    let share = digest
        .bytes()
        .take(4)
        .fold(0, |sum, byte| sum * 31 + u32::from(byte))
        % 1000;
    (AUDIT_PERIOD / 24).max(AUDIT_PERIOD * share / 1000)
}
