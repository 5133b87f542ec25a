//! Takes the steps of a plan, one after the other, one attempt each.
//!
//! Right before a step its guards are looked at again. The first step that is not taken ends the
//! plan: what comes after may stand on it. What a lost answer did is not guessed; the next pass
//! looks.

use serde::Serialize;
use serde_json::Value;

use super::pending::Pending;
use super::permit::Permit;
use crate::clock::Timestamp;
use crate::cloud::{CallId, Machine, Next};
use crate::plan::step::{Action, Expect, Guard, Plan, Step};
use crate::resource::call::{Answer, Call, OpError};
use crate::resource::compare::{changes, covers};
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
    permit: Permit,
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
    /// What it was planned on has changed since, or could not be looked at; why.
    Skipped(String),
    /// What it stands on is not as the commit says, and will not be until a person acts; why.
    Blocked(String),
    /// Whoever changes something needs the lease, and it has run out or is another's; in words.
    Unleased(String),
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

    /// Whether the plan ended on something that only a person can change.
    pub fn is_final(&self) -> bool {
        self.results.iter().any(|result| match &result.end {
            End::Done | End::Skipped(_) | End::Unleased(_) => false,
            End::Blocked(_) => true,
            End::Failed(error) => error.class.is_final(),
        })
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
            permit: Permit::always(),
            outcome: Outcome::default(),
        }
    }

    /// Takes no step that the permit does not allow at the very moment it would be taken.
    #[must_use]
    pub fn under(mut self, permit: &Permit) -> Self {
        self.permit = permit.clone();
        self
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

    /// Puts what a guard has seen into the comparisons that follow it and into the step's call.
    fn put(&mut self, into: &str, seen: &Value) {
        for guard in &mut self.guards_left {
            if matches!(guard.expect, Expect::Matches(..)) {
                guard.call.body[into] = seen.clone();
            }
        }
        if let Some(step) = self.planned.get_mut(self.at) {
            step.call.body[into] = seen.clone();
        }
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

    fn next(&mut self, now: Timestamp) -> Next {
        if !self.pending.is_empty() {
            return Next::Calls(Vec::new());
        }
        let call = self.call().filter(|_| !self.ended);
        if matches!(call, Some((_, Purpose::Step))) && !self.permit.allows(now) {
            let words = "the lease ran out before it was renewed: another may hold it by now";
            self.end(End::Unleased(words.to_owned()));
            return Next::Done;
        }
        match call {
            Some((call, purpose)) => Next::Calls(vec![self.pending.add(call, purpose)]),
            None => Next::Done,
        }
    }

    fn done(&mut self, id: CallId, answer: Answer, _now: Timestamp) {
        match self.pending.take(id) {
            Some(Purpose::Guard(guard)) => match holds(&guard, answer) {
                Ok(None) => {}
                Ok(Some((into, seen))) => self.put(into, &seen),
                Err(end) => self.end(end),
            },
            Some(Purpose::Step) => match answer {
                Ok(_) => self.end(End::Done),
                Err(error) if error.class == Class::Overtaken => {
                    self.end(End::Unleased(error.to_string()));
                }
                Err(error) => self.end(End::Failed(error)),
            },
            None => {}
        }
    }

    fn finish(self) -> Outcome {
        self.outcome
    }
}

/// What a guard's answer comes to: nothing to say, a value for what follows, or the step's end.
fn holds(guard: &Guard, answer: Answer) -> Result<Option<(&'static str, Value)>, End> {
    let op = guard.call.op;
    let moved = |words: &str| Err(End::Skipped(format!("{op}: {words}")));
    let now = match (&guard.expect, answer) {
        (Expect::Absent, Err(error)) if error.class == Class::NotFound => return Ok(None),
        (Expect::Absent, Ok(_)) => return moved("it exists by now"),
        (Expect::Covers(_), Err(error)) if error.class == Class::NotFound => {
            return Err(End::Blocked(error.to_string()));
        }
        (_, Err(error)) if error.class.is_final() => return Err(End::Failed(error)),
        (_, Err(error)) => return Err(End::Skipped(error.to_string())),
        (_, Ok(now)) => now,
    };
    match &guard.expect {
        Expect::Same(seen) if *seen != now => moved("it has changed since it was looked at"),
        Expect::Tags(seen) if *seen != owner::from_list(&now["Tags"]) => {
            moved("its tags have changed since it was looked at")
        }
        Expect::Matches(kind, body) if !changes(kind, body, &now).is_empty() => {
            moved("it is not what the commit asks for")
        }
        Expect::Covers(wanted) if !covers(&now, wanted) => Err(End::Blocked(format!(
            "{op}: it is not what the release says: {wanted}"
        ))),
        Expect::Nothing(list) if now.pointer(list) != Some(&Value::Array(Vec::new())) => {
            moved("something uses it")
        }
        Expect::Yields { from, into } => match now.pointer(from) {
            Some(seen) => Ok(Some((into, seen.clone()))),
            None => moved(&format!("there is no `{from}` yet")),
        },
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::drive;
    use crate::plan::step::{Effect, Reason};
    use crate::resource::call::Scope;
    use crate::resource::kinds::{PIPELINE, PIPELINE_EXECUTION};
    use crate::resource::owner::Tags;
    use crate::resource::unit::Unit;
    use serde_json::json;

    fn scope() -> Scope {
        Scope {
            account: "111122223333".to_owned(),
            region: "eu-west-1".to_owned(),
        }
    }

    fn guard(op: &'static str, expect: Expect) -> Guard {
        Guard {
            call: Call::new(op, &scope(), json!({"PipelineName": "churn"})),
            expect,
        }
    }

    fn start(guards: Vec<Guard>) -> Plan {
        let call = Call::new("StartPipelineExecution", &scope(), json!({}));
        Plan {
            unit: Unit::home("churn"),
            scope: scope(),
            steps: vec![Step {
                action: Action::Start,
                kind: &PIPELINE_EXECUTION,
                name: "run".to_owned(),
                call,
                guards,
                changes: Vec::new(),
                effect: Effect::Run,
                reason: Reason {
                    text: String::new(),
                    commit: String::new(),
                    origin: None,
                },
            }],
        }
    }

    /// How the step ends when its guard is answered so, and the calls that were made.
    fn check(guards: Vec<Guard>, answers: &[Answer], expect: &End, calls: &[Value]) {
        let mut made = Vec::new();
        let mut answers = answers.iter().cloned();
        let outcome = drive(Steps::new(&start(guards)), Timestamp::UNIX_EPOCH, |call| {
            made.push(json!([call.op, call.body]));
            answers.next().expect("no more calls than answers")
        });
        assert_eq!(outcome.results[0].end, *expect);
        assert_eq!(made, calls);
    }

    #[test]
    fn what_a_guard_yields_goes_into_what_follows() {
        let yields = Expect::Yields {
            from: "/PipelineVersionSummaries/0/PipelineVersionId",
            into: "PipelineVersionId",
        };
        let wanted = json!({"PipelineDefinition": "{\"Steps\": [], \"Version\": 1}"});
        let guards = || {
            vec![
                guard("ListPipelineVersions", yields.clone()),
                guard(
                    "DescribePipeline",
                    Expect::Matches(&PIPELINE, wanted.clone()),
                ),
                guard("ListTags", Expect::Tags(Tags::default())),
            ]
        };
        let listed = Ok(json!({"PipelineVersionSummaries": [{"PipelineVersionId": 7}]}));
        let list = json!(["ListPipelineVersions", {"PipelineName": "churn"}]);
        let look = json!(["DescribePipeline", {"PipelineName": "churn", "PipelineVersionId": 7}]);
        let same = Ok(json!({"PipelineDefinition": "{\"Version\":1,\"Steps\":[]}"}));
        let tags = json!(["ListTags", {"PipelineName": "churn"}]);
        let act = json!(["StartPipelineExecution", {"PipelineVersionId": 7}]);
        check(
            guards(),
            &[listed.clone(), same, Ok(json!({"Tags": []})), Ok(json!({}))],
            &End::Done,
            &[list.clone(), look.clone(), tags, act],
        );
        let other = Ok(json!({"PipelineDefinition": "{\"Version\":2}"}));
        let words = "DescribePipeline: it is not what the commit asks for";
        check(
            guards(),
            &[listed, other],
            &End::Skipped(words.to_owned()),
            &[list.clone(), look],
        );
        let words = "ListPipelineVersions: there is no \
                     `/PipelineVersionSummaries/0/PipelineVersionId` yet";
        check(
            guards(),
            &[Ok(json!({"PipelineVersionSummaries": []}))],
            &End::Skipped(words.to_owned()),
            &[list],
        );
    }

    #[test]
    fn a_step_is_not_taken_once_the_lease_has_run_out_whatever_its_guards_say() {
        let (start_of_time, plan) = (Timestamp::UNIX_EPOCH, start(Vec::new()));
        let permit = Permit::never();
        let ends = |permit: &Permit, answer: Answer| {
            let mut asked = 0;
            let steps = Steps::new(&plan).under(permit);
            let outcome = drive(steps, start_of_time, |_| {
                asked += 1;
                answer.clone()
            });
            (asked, outcome.results[0].end.clone())
        };
        assert!(matches!(
            ends(&permit, Ok(json!({}))),
            (0, End::Unleased(_))
        ));
        permit.set(Some(
            start_of_time + crate::clock::SignedDuration::from_secs(1),
        ));
        assert_eq!(ends(&permit, Ok(json!({}))), (1, End::Done));
        let late = OpError::refused("StartPipelineExecution", "NoLease", "it ran out");
        assert!(matches!(ends(&permit, Err(late)), (1, End::Unleased(_))));
    }

    #[test]
    fn a_guard_that_does_not_hold_says_who_must_act() {
        let look = || vec![json!(["HeadObject", {"PipelineName": "churn"}])];
        let refused = |code: &str| OpError::refused("HeadObject", code, "words");
        let one = |expect: Expect, answer: Answer, end: &End| {
            check(vec![guard("HeadObject", expect)], &[answer], end, &look());
        };
        let covers = || Expect::Covers(json!({"ContentLength": 3}));
        one(
            covers(),
            Ok(json!({"ContentLength": 4})),
            &End::Blocked(
                "HeadObject: it is not what the release says: {\"ContentLength\":3}".to_owned(),
            ),
        );
        let gone = refused("NotFound");
        one(covers(), Err(gone.clone()), &End::Blocked(gone.to_string()));
        let busy = refused("ThrottlingException");
        one(covers(), Err(busy.clone()), &End::Skipped(busy.to_string()));
        let denied = refused("AccessDenied");
        one(covers(), Err(denied.clone()), &End::Failed(denied));
        one(
            Expect::Same(json!({"a": 1})),
            Err(gone.clone()),
            &End::Skipped(gone.to_string()),
        );
        one(
            Expect::Absent,
            Ok(json!({})),
            &End::Skipped("HeadObject: it exists by now".to_owned()),
        );
    }
}
