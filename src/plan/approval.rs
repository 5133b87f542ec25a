//! What people approved: a plan as it was shown to them, to be carried out as it is or not at all.
//!
//! What binds is what a step does: its call with every byte, its guards and its effect. Why it does
//! so does not, nor does the instant at which an endpoint is noted to hold: that is when it is seen,
//! and a minute passes between a plan and its approval.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::step::{Action, Expect, Guard, Plan, Step};
use crate::resource::canonical::{digest, sha256};
use crate::resource::owner::CONVERGED;
use crate::snapshot::Write;

/// The approved plan of one unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approved {
    /// Of all steps in order: see [`digest_of`].
    pub digest: String,
    /// Each step.
    pub steps: Vec<ApprovedStep>,
}

/// One approved step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovedStep {
    /// For people: `update Endpoint churn-production`.
    pub title: String,
    /// Of what it does: see [`deed`].
    pub digest: String,
}

/// What a step does, as JSON: all that an approval binds.
pub fn deed(step: &Step) -> Value {
    let mut body = step.call.body.clone();
    if step.action == Action::Mark {
        unsign_times(&mut body);
    }
    let guards: Vec<_> = step.guards.iter().map(guard).collect();
    json!({
        "action": step.action,
        "kind": step.kind.name,
        "name": step.name,
        "effect": step.effect,
        "call": step.call.op,
        "scope": step.call.scope.to_string(),
        "body": body,
        "blob": step.call.blob.as_ref().map(|bytes| sha256(bytes)),
        "guards": guards,
    })
}

/// The digest of a [`deed`] that is to be written to a file: that of what a reader of it gets. A
/// number that is read may differ in its last bit from the one that was written.
fn digest_in_file(deed: &Value) -> String {
    let read = serde_json::from_str(&deed.to_string());
    digest(&read.expect("JSON that was just written can be read"))
}

/// The tag that says when something was seen to hold, without its instant.
fn unsign_times(body: &mut Value) {
    let tags = body["Tags"].as_array_mut();
    for tag in tags.into_iter().flatten() {
        if tag["Key"] == CONVERGED {
            tag["Value"] = Value::Null;
        }
    }
}

fn guard(guard: &Guard) -> Value {
    let expect = match &guard.expect {
        Expect::Same(seen) => json!({"same": seen}),
        Expect::Covers(members) => json!({"covers": members}),
        Expect::Matches(kind, body) => json!({"matches": body, "kind": kind.name}),
        Expect::Yields { from, into } => json!({"yields": from, "into": into}),
        Expect::Tags(tags) => json!({"tags": tags}),
        Expect::Nothing(list) => json!({"nothing": list}),
        Expect::Absent => json!("absent"),
    };
    json!({"call": guard.call.op, "body": guard.call.body, "expect": expect})
}

/// The digest of a plan from those of its steps, in order: 64 hexadecimal digits.
pub fn digest_of<'a>(steps: impl Iterator<Item = &'a str>) -> String {
    digest(&json!({"v": 1, "steps": steps.collect::<Vec<_>>()}))
}

/// The digest of a commit that is to be made: all of it but its reason.
pub fn digest_of_write(write: &Write) -> String {
    digest(&json!({
        "v": 1,
        "branch": write.branch,
        "expected": write.expected,
        "base": write.base,
        "files": write.files,
        "message": write.message,
    }))
}

impl Approved {
    /// What is approved with a plan.
    pub fn of(plan: &Plan) -> Self {
        let steps: Vec<_> = plan.steps.iter().map(ApprovedStep::of).collect();
        Self {
            digest: digest_of(steps.iter().map(|step| step.digest.as_str())),
            steps,
        }
    }

    /// Nothing: where no plan was approved, no step may be taken.
    pub fn nothing() -> Self {
        Self {
            digest: digest_of(std::iter::empty()),
            steps: Vec::new(),
        }
    }

    /// Where a plan is not the approved one: the first step that differs, in words.
    pub fn differs(&self, plan: &Plan) -> Option<String> {
        let now = Self::of(plan);
        if now.digest == self.digest {
            return None;
        }
        let longest = self.steps.len().max(now.steps.len());
        let pairs = (0..longest).map(|at| (at + 1, self.steps.get(at), now.steps.get(at)));
        let words = pairs.into_iter().find_map(|(at, approved, now)| {
            Some(match (approved, now) {
                (Some(approved), Some(now)) if approved.digest == now.digest => return None,
                (Some(approved), Some(now)) if approved.title == now.title => {
                    format!("step {at}, `{}`, is not as it was approved", now.title)
                }
                (Some(approved), Some(now)) => {
                    format!(
                        "step {at} is now `{}`, approved was `{}`",
                        now.title, approved.title
                    )
                }
                (Some(approved), None) => {
                    format!(
                        "step {at}, `{}`, was approved and is not planned any more",
                        approved.title
                    )
                }
                (None, Some(now)) => format!("step {at}, `{}`, was not approved", now.title),
                (None, None) => return None,
            })
        });
        Some(words.unwrap_or_else(|| "its digest is not the approved one".to_owned()))
    }
}

impl ApprovedStep {
    fn of(step: &Step) -> Self {
        let verb = match step.action {
            Action::Create => "create",
            Action::Start => "start",
            Action::Update => "update",
            Action::Mark => "note",
            Action::Delete => "delete",
        };
        Self {
            title: format!("{verb} {} {}", step.kind.name, step.name),
            digest: digest_in_file(&deed(step)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::step::{Effect, Reason};
    use crate::resource::call::{Call, Scope};
    use crate::resource::kinds::{ENDPOINT, ENDPOINT_CONFIG};
    use crate::resource::owner;
    use crate::resource::unit::Unit;

    fn scope() -> Scope {
        Scope {
            account: "111122223333".to_owned(),
            region: "eu-west-1".to_owned(),
        }
    }

    fn update(config: &str, modified: f64) -> Step {
        let body = json!({"EndpointName": "churn", "EndpointConfigName": config});
        let look = Call::new(
            "DescribeEndpoint",
            &scope(),
            json!({"EndpointName": "churn"}),
        );
        Step {
            action: Action::Update,
            kind: &ENDPOINT,
            name: "churn".to_owned(),
            call: Call::new("UpdateEndpoint", &scope(), body),
            guards: vec![Guard {
                call: look,
                expect: Expect::Same(json!({"LastModifiedTime": modified})),
            }],
            changes: Vec::new(),
            effect: Effect::Roll,
            reason: Reason {
                text: "the commit asks for it".to_owned(),
                commit: "1a2b".to_owned(),
                origin: None,
            },
        }
    }

    fn mark(key: &str, value: &str) -> Step {
        let tags = owner::Tags::from([(key.to_owned(), value.to_owned())]);
        let body = json!({"ResourceArn": "arn", "Tags": owner::to_list(&tags)});
        Step {
            action: Action::Mark,
            kind: &ENDPOINT_CONFIG,
            name: "churn-1".to_owned(),
            call: Call::new("AddTags", &scope(), body),
            guards: Vec::new(),
            ..update("", 0.0)
        }
    }

    fn plan(steps: &[Step]) -> Plan {
        Plan {
            unit: Unit::environment("churn", "staging"),
            scope: scope(),
            steps: steps.to_vec(),
        }
    }

    fn check(approved: &[Step], now: &[Step], expect: Option<&str>) {
        let approved = Approved::of(&plan(approved));
        assert_eq!(approved.differs(&plan(now)).as_deref(), expect);
    }

    #[test]
    fn a_plan_is_carried_out_as_it_was_approved_or_not_at_all() {
        let (one, two) = (update("a", 1.5), mark(CONVERGED, "10:01"));
        check(&[], &[], None);
        check(
            &[one.clone(), two.clone()],
            &[one.clone(), two.clone()],
            None,
        );
        check(
            std::slice::from_ref(&one),
            &[update("b", 1.5)],
            Some("step 1, `update Endpoint churn`, is not as it was approved"),
        );
        check(
            &[one.clone(), two.clone()],
            std::slice::from_ref(&one),
            Some("step 2, `note EndpointConfig churn-1`, was approved and is not planned any more"),
        );
        check(
            &[],
            std::slice::from_ref(&one),
            Some("step 1, `update Endpoint churn`, was not approved"),
        );
        check(
            &[two],
            &[one],
            Some(
                "step 1 is now `update Endpoint churn`, approved was `note EndpointConfig churn-1`",
            ),
        );
    }

    #[test]
    fn what_was_seen_before_a_step_is_approved_with_it() {
        check(
            &[update("a", 1.5)],
            &[update("a", 1.75)],
            Some("step 1, `update Endpoint churn`, is not as it was approved"),
        );
        let mut other = update("a", 1.5);
        other.call.blob = Some(vec![1].into());
        assert!(
            Approved::of(&plan(&[other]))
                .differs(&plan(&[update("a", 1.5)]))
                .is_some()
        );
    }

    #[test]
    fn reasons_and_the_minute_do_not_matter() {
        let mut reworded = update("a", 1.5);
        reworded.reason.text = "changed behind Git's back".to_owned();
        check(&[update("a", 1.5)], &[reworded], None);
        check(
            &[mark(CONVERGED, "10:01")],
            &[mark(CONVERGED, "10:02")],
            None,
        );
        let differs = "step 1, `note EndpointConfig churn-1`, is not as it was approved";
        check(
            &[mark(owner::UPDATE, "1.1@5.0")],
            &[mark(owner::UPDATE, "1.2@5.0")],
            Some(differs),
        );
    }

    #[test]
    fn a_deed_survives_its_journey_through_a_file() {
        let deed = deed(&update("a", 1_763_800_000.123_456_7));
        let read: Value = serde_json::from_str(&format!("{deed:#}")).unwrap();
        assert_eq!(digest(&read), digest_in_file(&deed));
    }
}
