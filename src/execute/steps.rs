//! Takes the steps of a plan, one after the other, one attempt each.
//!
//! Right before a step its guards are looked at again. The first step that is not taken ends the
//! plan: what comes after may stand on it. What a lost answer did is not guessed; the next pass
//! looks.

use serde::Serialize;

use super::pending::Pending;
use crate::clock::Timestamp;
use crate::cloud::{CallId, Machine, Next};
use crate::plan::step::{Action, Expect, Guard, Plan, Step};
use crate::resource::call::{Answer, Call, OpError};
use crate::resource::compare::covers;
use crate::resource::error::Class;
use crate::resource::owner;

/// The execution of one plan.
#[derive(Debug, Clone)]
pub struct Steps {
    planned: Vec<Step>,
    at: usize,
    guards_left: Vec<Guard>,
    started: bool,
    ended: bool,
    pending: Pending<Purpose>,
    outcome: Outcome,
}

#[derive(Debug, Clone)]
enum Purpose {
    Guard(Guard),
    Step,
}

/// What came of a plan.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Outcome {
    /// One result for each step that was reached.
    pub results: Vec<StepResult>,
}

/// What came of one step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepResult {
    /// What it does.
    pub action: Action,
    /// `Endpoint churn-production`
    pub subject: String,
    /// How it ended.
    pub end: End,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum End {
    /// The service accepted it.
    Done,
    /// What it was planned on has changed since; why.
    Skipped(String),
    /// The service refused it, or its outcome is unknown.
    Failed(OpError),
}

impl Outcome {
    /// Whether every step that was reached was taken.
    pub fn is_clean(&self) -> bool {
        self.results.iter().all(|result| result.end == End::Done)
    }

    /// Whether any step was taken.
    pub fn changed(&self) -> bool {
        self.results.iter().any(|result| result.end == End::Done)
    }

    /// The error that ended the plan.
    pub fn error(&self) -> Option<&OpError> {
        self.results.iter().find_map(|result| match &result.end {
            End::Failed(error) => Some(error),
            _ => None,
        })
    }
}

impl Steps {
    /// Takes the steps of `plan`.
    pub fn new(plan: &Plan) -> Self {
        Self {
            planned: plan.steps.clone(),
            at: 0,
            guards_left: Vec::new(),
            started: false,
            ended: false,
            pending: Pending::default(),
            outcome: Outcome::default(),
        }
    }

    fn end(&mut self, end: End) {
        let Some(step) = self.planned.get(self.at) else {
            return;
        };
        let subject = format!("{} {}", step.kind.name, step.name);
        self.ended = end != End::Done;
        self.outcome.results.push(StepResult {
            action: step.action,
            subject,
            end,
        });
        self.at += 1;
        self.started = false;
    }

    /// The next call of the step at hand: a guard, or the step itself.
    fn call(&mut self) -> Option<(Call, Purpose)> {
        let step = self.planned.get(self.at)?;
        if !self.started {
            self.started = true;
            self.guards_left = step.guards.iter().rev().cloned().collect();
        }
        Some(match self.guards_left.pop() {
            Some(guard) => (guard.call.clone(), Purpose::Guard(guard)),
            None => (step.call.clone(), Purpose::Step),
        })
    }
}

impl Machine for Steps {
    type Output = Outcome;

    fn next(&mut self, _now: Timestamp) -> Next {
        if !self.pending.is_empty() {
            return Next::Calls(Vec::new());
        }
        match self.call().filter(|_| !self.ended) {
            Some((call, purpose)) => Next::Calls(vec![self.pending.add(call, purpose)]),
            None => Next::Done,
        }
    }

    fn done(&mut self, id: CallId, answer: Answer, _now: Timestamp) {
        match self.pending.take(id) {
            Some(Purpose::Guard(guard)) => {
                if let Err(why) = holds(&guard, answer) {
                    self.end(End::Skipped(why));
                }
            }
            Some(Purpose::Step) => match answer {
                Ok(_) => self.end(End::Done),
                Err(error) => self.end(End::Failed(error)),
            },
            None => {}
        }
    }

    fn finish(self) -> Outcome {
        self.outcome
    }
}

fn holds(guard: &Guard, answer: Answer) -> Result<(), String> {
    let op = guard.call.op;
    match (&guard.expect, answer) {
        (Expect::Absent, Err(error)) if error.class == Class::NotFound => Ok(()),
        (_, Err(error)) => Err(error.to_string()),
        (Expect::Absent, Ok(_)) => Err(format!("{op}: it exists by now")),
        (Expect::Same(seen), Ok(now)) if *seen == now => Ok(()),
        (Expect::Same(_), Ok(_)) => Err(format!("{op}: it has changed since it was looked at")),
        (Expect::Covers(wanted), Ok(now)) if covers(&now, wanted) => Ok(()),
        (Expect::Covers(wanted), Ok(_)) => {
            Err(format!("{op}: it is not what the release says: {wanted}"))
        }
        (Expect::Tags(seen), Ok(now)) if *seen == owner::from_list(&now["Tags"]) => Ok(()),
        (Expect::Tags(_), Ok(_)) => Err(format!(
            "{op}: its tags have changed since it was looked at"
        )),
    }
}
