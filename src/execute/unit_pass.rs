//! What one pass over one unit came to, and what may be done about it yet.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::limits::COLLECTED_MAX;
use crate::plan::candidate::Candidate;
use crate::plan::cause::Cause;
use crate::plan::collect::Collectable;
use crate::plan::observed::Gap;
use crate::plan::overriding::Override;
use crate::plan::report::{PlanReport, State};
use crate::plan::review::Verdict;
use crate::plan::step::{Action, Plan};
use crate::resource::desired::Desired;
use crate::resource::kinds::MODEL;
#[cfg(test)]
use crate::resource::unit::Unit;

use super::inventory::Mark;
use super::overriding::InForce;
use super::seen::{Seen, SeenRun};
use super::steps::{End, Outcome, Steps};
use super::turns::Refused;

/// What one pass over a unit came to.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitPass {
    /// What was to be done.
    pub plan: Plan,
    /// What was found besides.
    pub report: PlanReport,
    /// What was done, in [`super::pass::Mode::Apply`].
    pub outcome: Option<Outcome>,
    /// Since when the endpoint has run exactly what the commit asks for.
    pub converged_since: Option<Timestamp>,
    /// The package that the commit's run came to.
    pub candidate: Option<Candidate>,
    /// What could not be read.
    pub gaps: Vec<Gap>,
    /// An order on the endpoint to serve an earlier release, which is to be judged by history first: no
    /// step was taken, and the unit is passed over anew. See [`super::overriding::judge`].
    pub ordered: Option<Override>,
    /// The order that this pass followed.
    pub in_force: Option<Arc<InForce>>,
    /// Whether the plan brings a package that the endpoint never ran, to an environment where that
    /// is to be judged by history first: no step was taken. See [`UnitPass::judged`].
    pub unreviewed: bool,
    /// Whether the plan takes a turn that was not asked for: no step was taken. See [`UnitPass::turn`].
    pub unturned: bool,
    /// Whether users depend on the unit.
    pub production: bool,
    /// What nobody needs any more, unless history does: see [`UnitPass::collect`].
    pub collectable: Vec<Collectable>,
    /// What was seen of each resource.
    pub seen: Vec<Seen>,
    /// The runs that were seen.
    pub runs: Vec<SeenRun>,
    /// What lists would show of it, where it is settled.
    pub marks: Vec<Mark>,
    /// How the plan differs from the one that was approved, where one had to be: no step was taken.
    pub unapproved: Option<String>,
}

impl UnitPass {
    /// The unit's state after the pass.
    pub fn state(&self) -> State {
        match &self.outcome {
            Some(outcome) if outcome.is_final() => self.report.state().max(State::Blocked),
            Some(outcome) if outcome.error().is_some() => self.report.state().max(State::Degraded),
            _ => self.report.state(),
        }
    }

    /// Whether nothing was left to do in this unit.
    pub fn is_settled(&self) -> bool {
        let failed = self
            .outcome
            .as_ref()
            .is_some_and(|outcome| !outcome.is_clean());
        let ordered = self.ordered.is_some();
        self.plan.is_empty() && self.report.is_settled() && !failed && !ordered
    }

    /// Whether another look before long is worth it: something moves or changes, or failed or could
    /// not be read for a reason that may pass. What was refused for good, is blocked or held is not,
    /// nor what waits for that: that a person acted is seen by the next sweep, or by the commit that
    /// does it.
    pub fn in_motion(&self) -> bool {
        let notes = &self.report.notes;
        let may_pass = |gap: &Gap| !gap.error.class.is_final();
        let readable = self.gaps.is_empty() || self.gaps.iter().any(may_pass);
        let blocked = notes.iter().any(|note| note.state == State::Blocked);
        notes.iter().any(|note| match note.state {
            State::Changing => true,
            // It is woken when a turn is free.
            State::Waiting if note.reason == Cause::WaitingForTurn => false,
            // What moves by itself has a deadline; the rest waits for something in the same unit.
            State::Waiting => !blocked || note.deadline.is_some(),
            State::Unknown => readable,
            _ => false,
        })
    }

    /// Whether it waits for others to have had their turn.
    pub fn is_queued(&self) -> bool {
        let mut notes = self.report.notes.iter();
        notes.any(|note| note.reason == Cause::WaitingForTurn)
    }

    /// Takes the verdict on a release that was not reviewed: the steps that may be taken now, or
    /// none. What they come to is handed to [`UnitPass::acted`].
    pub fn judged(&mut self, verdict: Verdict) -> Option<Steps> {
        self.unreviewed = false;
        let (cause, message) = match verdict {
            Verdict::Goes if self.unapproved.is_some() => {
                self.disapprove();
                return None;
            }
            Verdict::Goes if self.unturned => return None,
            Verdict::Goes => {
                let act = self.outcome.is_some() && !self.plan.is_empty();
                return act.then(|| Steps::new(&self.plan));
            }
            Verdict::Held(words) => (Cause::PromotionHeld, words),
            Verdict::Unknown(words) => (Cause::Unreadable, words),
        };
        self.rest();
        let subject = format!("release {}", self.plan.unit.place);
        self.report.note(cause, subject, message);
        None
    }

    /// Takes the answer to whether it is this unit's turn: the steps that may be taken now. What is
    /// new is made in any case; without a turn, nothing that exists is touched.
    pub fn turn(&mut self, turn: Result<(), Refused>) -> Option<Steps> {
        self.unturned = false;
        if let Err(Refused { cause, words }) = turn {
            let new = self.plan.steps.iter();
            let new =
                new.take_while(|step| step.action == Action::Create && !step.effect.takes_turns());
            let new = new.count();
            self.plan.steps.truncate(new);
            self.settle();
            if new > 0 {
                self.report
                    .note(Cause::StepsPlanned, "plan", "what is new is made");
            }
            self.report.note(cause, self.plan.unit.to_string(), words);
        }
        (!self.plan.is_empty()).then(|| Steps::new(&self.plan))
    }

    /// Takes no step, because the plan is not the approved one.
    pub(super) fn disapprove(&mut self) {
        let Some(differs) = &self.unapproved else {
            return;
        };
        let words = format!("{differs}: nothing is done here; plan again and approve that");
        self.rest();
        self.report.note(Cause::NotApproved, "plan", words);
    }

    /// Takes which artefacts history needs, and gives the steps that collect some of what nobody
    /// needs; where history could not be read that is nothing.
    pub fn collect(&mut self, kept: Option<&BTreeSet<String>>) -> Option<Steps> {
        let (needed, free): (Vec<_>, Vec<_>) = std::mem::take(&mut self.collectable)
            .into_iter()
            .partition(|one| kept.is_none_or(|kept| one.is_kept(kept)));
        let models: BTreeSet<_> = needed.into_iter().flat_map(|one| one.models).collect();
        let free = free.into_iter().map(|one| one.step);
        let free = free.filter(|step| *step.kind != MODEL || !models.contains(&step.name));
        self.plan.steps.extend(free.take(COLLECTED_MAX));
        (!self.plan.is_empty()).then(|| Steps::new(&self.plan))
    }

    /// No step of the plan is taken.
    fn rest(&mut self) {
        self.plan.steps.clear();
        self.unturned = false;
        self.settle();
        // What waited for those steps waits no more; what moves by itself goes on.
        let notes = &mut self.report.notes;
        notes.retain(|note| note.state != State::Waiting || note.deadline.is_some());
    }

    /// Nothing will change by the plan of this pass.
    fn settle(&mut self) {
        let notes = &mut self.report.notes;
        notes.retain(|note| note.state != State::Changing);
    }

    /// Takes what the steps came to.
    pub fn acted(&mut self, outcome: Outcome) {
        if outcome.is_final() {
            self.settle();
        }
        for step in &outcome.results {
            let (cause, words) = match &step.end {
                End::Done => continue,
                End::Skipped(why) => (Cause::ChangedMeanwhile, why.clone()),
                End::Blocked(why) => (Cause::NotAsReleased, why.clone()),
                End::Unleased(why) => (Cause::NoLease, why.clone()),
                End::Failed(error) if error.class.is_final() => (Cause::Refused, error.to_string()),
                End::Failed(error) => (Cause::CallFailed, error.to_string()),
            };
            self.report.note(cause, step.subject.clone(), words);
        }
        self.outcome = Some(outcome);
    }
}

impl UnitPass {
    /// A unit in which nothing is to be done, as far as is known.
    pub(super) fn unplanned(desired: &Desired, observed_at: Option<Timestamp>) -> Self {
        let unit = desired.unit.clone();
        Self {
            plan: Plan {
                unit: unit.clone(),
                scope: desired.scope.clone(),
                steps: Vec::new(),
            },
            report: PlanReport {
                unit,
                notes: Vec::new(),
                observed_at,
            },
            ordered: None,
            in_force: None,
            outcome: None,
            converged_since: None,
            candidate: None,
            gaps: Vec::new(),
            unreviewed: false,
            unturned: false,
            unapproved: None,
            production: false,
            collectable: Vec::new(),
            seen: Vec::new(),
            runs: Vec::new(),
            marks: Vec::new(),
        }
    }

    /// For tests, which fill in what they are about: a unit in which nothing was seen.
    #[cfg(test)]
    pub(crate) fn nothing(unit: Unit) -> Self {
        Self::unplanned(&Desired::nothing(unit), None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::report::Note;
    use crate::resource::call::OpError;

    /// Notes as state and whether there is a deadline, the codes of looks that failed, and whether
    /// another look before long is worth it.
    fn check(notes: &[(State, bool)], gaps: &[&str], expect: bool) {
        let note = |&(state, late): &(State, bool)| Note {
            state,
            reason: Cause::MoreSteps,
            subject: String::new(),
            message: String::new(),
            since: None,
            deadline: late.then_some(Timestamp::UNIX_EPOCH),
        };
        let gap = |code: &&str| Gap {
            what: String::new(),
            error: OpError::refused("DescribeEndpoint", *code, "words"),
        };
        let mut pass = UnitPass::nothing(Unit::environment("churn", "staging"));
        pass.report.notes = notes.iter().map(note).collect();
        pass.gaps = gaps.iter().map(gap).collect();
        assert_eq!(pass.in_motion(), expect, "{notes:?} {gaps:?}");
    }

    #[test]
    fn what_only_a_person_can_change_is_not_in_motion() {
        use State::{Blocked, Changing, Degraded, Held, Unknown, Waiting};
        check(&[], &[], false);
        check(&[(Held, false), (Degraded, false)], &[], false);
        check(&[(Changing, false)], &[], true);
        check(&[(Waiting, false)], &[], true);
        check(&[(Waiting, false), (Blocked, false)], &[], false);
        check(&[(Waiting, true), (Blocked, false)], &[], true);
        check(&[(Unknown, false)], &[], true);
        check(&[(Unknown, false)], &["ThrottlingException"], true);
        check(&[(Unknown, false)], &["AccessDeniedException"], false);
        let both = ["AccessDeniedException", "ThrottlingException"];
        check(&[(Unknown, false)], &both, true);
    }
}
