//! One pass over one unit: look, plan, act.

use crate::clock::Timestamp;
use crate::cloud::{CallId, Machine, Next};
use crate::plan::candidate::Candidate;
use crate::plan::observed::Observed;
use crate::plan::planner::{Hints, plan};
use crate::plan::report::{Note, PlanReport, State};
use crate::plan::rollout::converged_since;
use crate::plan::step::Plan;
use crate::resource::call::Answer;
use crate::resource::desired::Desired;

use super::observe::Observe;
use super::steps::{End, Outcome, Steps};

/// Whether a pass may change anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Looks and plans.
    Plan,
    /// Also acts.
    Apply,
}

/// The pass over one unit.
#[derive(Debug, Clone)]
pub struct Pass {
    desired: Desired,
    hints: Hints,
    mode: Mode,
    stage: Stage,
    result: Option<UnitPass>,
}

#[derive(Debug, Clone)]
enum Stage {
    Look(Box<Observe>),
    Act(Steps),
    Done,
}

/// What one pass over a unit came to.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitPass {
    /// What was to be done.
    pub plan: Plan,
    /// What was found besides.
    pub report: PlanReport,
    /// What was done, in [`Mode::Apply`].
    pub outcome: Option<Outcome>,
    /// Since when the endpoint has run exactly what the commit asks for.
    pub converged_since: Option<Timestamp>,
    /// The package that the commit's run came to.
    pub candidate: Option<Candidate>,
}

impl UnitPass {
    /// The unit's state after the pass.
    pub fn state(&self) -> State {
        match &self.outcome {
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
        self.plan.is_empty() && self.report.is_settled() && !failed
    }
}

impl Pass {
    /// A pass over what `desired` asks for.
    pub fn new(desired: Desired, hints: Hints, mode: Mode) -> Self {
        let stage = Stage::Look(Box::new(Observe::new(&desired)));
        Self {
            desired,
            hints,
            mode,
            stage,
            result: None,
        }
    }

    fn plan(&mut self, observed: &Observed, now: Timestamp) -> Stage {
        let (plan, mut report) = plan(&self.desired, observed, self.hints, now);
        for gap in &observed.gaps {
            let words = gap.error.to_string();
            let told = |note: &Note| note.state == State::Unknown && note.message == words;
            if !report.notes.iter().any(told) {
                report.note(State::Unknown, gap.what.clone(), words);
            }
        }
        let act = self.mode == Mode::Apply && !plan.is_empty();
        let stage = if act {
            Stage::Act(Steps::new(&plan))
        } else {
            Stage::Done
        };
        self.result = Some(UnitPass {
            converged_since: converged_since(&self.desired, observed),
            candidate: observed.candidate.clone(),
            outcome: (self.mode == Mode::Apply).then(Outcome::default),
            plan,
            report,
        });
        stage
    }
}

impl Machine for Pass {
    type Output = Option<UnitPass>;

    fn next(&mut self, now: Timestamp) -> Next {
        loop {
            let next = match &mut self.stage {
                Stage::Look(look) => look.next(now),
                Stage::Act(steps) => steps.next(now),
                Stage::Done => return Next::Done,
            };
            if next != Next::Done {
                return next;
            }
            self.stage = match std::mem::replace(&mut self.stage, Stage::Done) {
                Stage::Look(look) => self.plan(&look.finish(), now),
                Stage::Act(steps) => {
                    self.acted(steps.finish());
                    Stage::Done
                }
                Stage::Done => Stage::Done,
            };
        }
    }

    fn done(&mut self, id: CallId, answer: Answer, now: Timestamp) {
        match &mut self.stage {
            Stage::Look(look) => look.done(id, answer, now),
            Stage::Act(steps) => steps.done(id, answer, now),
            Stage::Done => {}
        }
    }

    /// `None` where the pass was dropped before it had looked at everything.
    fn finish(self) -> Option<UnitPass> {
        self.result
    }
}

impl Pass {
    fn acted(&mut self, outcome: Outcome) {
        let Some(result) = &mut self.result else {
            return;
        };
        for step in &outcome.results {
            match &step.end {
                End::Done => {}
                End::Skipped(why) => {
                    result
                        .report
                        .note(State::Waiting, step.subject.clone(), why.clone());
                }
                End::Failed(error) => {
                    result
                        .report
                        .note(State::Degraded, step.subject.clone(), error.to_string());
                }
            }
        }
        result.outcome = Some(outcome);
    }
}
