//! Takes down what a unit is not to have any more, in the reverse of the order of creation.
//!
//! Only where the commit says `deletion: destroy`, only what our tags are on, only after everything
//! could be read, and not where one commit would take down a great part of an account at once. The
//! registry, code, data and artefacts stay: they cannot be made again.

use super::cause::Cause;
use super::planner::Planner;
use super::step::{Effect, Reason, Step};
use super::survey::Found;
use crate::resource::broken::Broken;
use crate::resource::kind::{Naming, Status};
use crate::resource::kinds::ENDPOINT;
use crate::resource::owner::owns;

impl Planner<'_> {
    pub(super) fn removal(&mut self) {
        let left = self.left_over();
        if left.is_empty() {
            return;
        }
        let unit = self.desired.unit.to_string();
        let blind = !self.observed.gaps.is_empty() && self.desired.broken != Broken::GapIsAbsent;
        if blind {
            let words = "nothing is taken down while not everything can be read";
            return self.report.note(Cause::NotLookedAt, unit, words);
        }
        if let Some(held) = &self.hints.removal_held {
            return self.report.note(Cause::RemovalHeld, unit, held.clone());
        }
        for found in left {
            let kind = found.kind;
            match (kind.status)(&found.object.body) {
                Status::Deleting => self.moving(kind, &found.name, "Deleting", &found.object.body),
                Status::Moving(status) => {
                    self.moving(kind, &found.name, &status, &found.object.body);
                }
                Status::Ready | Status::Failed(_) => self.take_down(&found),
            }
            // It goes slowly, and stands on all that follows.
            if *kind == ENDPOINT {
                break;
            }
        }
    }

    /// What is ours and not asked for, the last made first.
    fn left_over(&self) -> Vec<Found> {
        let (desired, lifecycle) = (self.desired, self.desired.lifecycle);
        let survey = self.observed.survey.iter();
        let found = survey.flat_map(|survey| survey.found.iter().rev());
        let declared = |found: &Found| {
            let mut own = desired.resources.iter();
            own.any(|one| one.kind == found.kind && one.stem == found.name)
        };
        // What is named for its content is collected at leisure: a rollback may need it.
        let left = |found: &&Found| {
            let ours = owns(&found.object.tags, &desired.owner, &found.name)
                || desired.broken == Broken::SkipOwner;
            let named = found.kind.naming == Naming::Mutable;
            ours && (lifecycle.is_absent() || named && !declared(found))
        };
        found
            .filter(|_| lifecycle.destroys())
            .filter(left)
            .cloned()
            .collect()
    }

    fn take_down(&mut self, found: &Found) {
        let text = if self.desired.lifecycle.is_absent() {
            "the commit takes everything down here"
        } else {
            "no commit asks for it any more"
        };
        let reason = Reason {
            text: text.to_owned(),
            commit: self.desired.commit.clone(),
            origin: self.desired.removal.clone(),
        };
        let step = Step::deletion(self.desired, found, Effect::Destroy, reason);
        self.steps.extend(step);
    }
}
