//! How often each member was put back: who fights somebody else's program wins nothing.

use std::collections::BTreeMap;

use super::pass::UnitPass;
use super::steps::End;
use crate::clock::Timestamp;
use crate::limits::{FLAP_WINDOW, FLAPS_MAX};
use crate::plan::drift::{Member, Quarantine};
use crate::plan::step::{Action, Effect};
use crate::resource::unit::Unit;

/// When each member was put back, by folder and unit. A commit that concerns the model forgets it, and
/// so may anybody else: forgotten, a member is put back once more.
#[derive(Debug, Clone, Default)]
pub struct Flaps(BTreeMap<String, BTreeMap<Unit, BTreeMap<Member, Vec<Timestamp>>>>);

impl Flaps {
    /// Takes note of what a pass put back.
    pub fn note(&mut self, folder: &str, pass: &UnitPass, now: Timestamp) {
        // What an order says is not put back but brought.
        if pass.in_force.is_some() {
            return;
        }
        let results = pass.outcome.iter().flat_map(|outcome| &outcome.results);
        let updated = pass.plan.steps.iter().zip(results);
        // An endpoint that is brought a new config has a count of its own: see `plan::attempt`.
        let updated = updated.filter(|(step, result)| {
            let back = step.action == Action::Update && step.effect != Effect::Roll;
            back && result.end == End::Done
        });
        for (step, result) in updated {
            let units = self.0.entry(folder.to_owned()).or_default();
            let members = units.entry(pass.plan.unit.clone()).or_default();
            for change in &step.changes {
                let member = Member {
                    subject: result.subject.clone(),
                    path: change.path.clone(),
                };
                let times = members.entry(member).or_default();
                times.push(now);
                times.retain(|at| recent(*at, now));
            }
        }
    }

    /// The members of a unit that are left from now on.
    pub fn of(&self, folder: &str, unit: &Unit, now: Timestamp) -> Quarantine {
        let units = self.0.get(folder);
        let members = units.and_then(|units| units.get(unit));
        let often = members
            .into_iter()
            .flatten()
            .filter(|(_, times)| times.iter().filter(|at| recent(**at, now)).count() >= FLAPS_MAX);
        often.map(|(member, _)| member.clone()).collect()
    }

    /// Forgets a model.
    pub fn forget(&mut self, folder: &str) {
        self.0.remove(folder);
    }
}

fn recent(at: Timestamp, now: Timestamp) -> bool {
    now < at + FLAP_WINDOW
}
