//! Steps: what a plan is made of.

use serde::Serialize;
use serde_json::{Value, json};

use super::observed::Object;
use super::survey::Found;
use crate::resource::broken::Broken;
use crate::resource::call::{Call, Scope};
use crate::resource::desired::{Change, Desired, Origin};
use crate::resource::kind::Kind;
use crate::resource::owner::Tags;
use crate::resource::unit::Unit;

/// One call that changes something, with everything that it needs: nothing is left to choose.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What it does.
    pub action: Action,
    /// To a resource of which kind.
    pub kind: &'static Kind,
    /// Called what.
    pub name: String,
    /// The call.
    pub call: Call,
    /// What must still be so right before.
    pub guards: Vec<Guard>,
    /// What differs.
    pub changes: Vec<Change>,
    /// What it means for traffic.
    pub effect: Effect,
    /// Why.
    pub reason: Reason,
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Makes a new one.
    Create,
    /// Starts a run.
    Start,
    /// Changes one.
    Update,
    /// Notes a fact in the tags of one.
    Mark,
    /// Takes one away.
    Delete,
}

impl Action {
    /// The sign in front of it.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Create | Self::Start => "+",
            Self::Update => "~",
            Self::Mark => "·",
            Self::Delete => "-",
        }
    }
}

/// What a step means for traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// None.
    None,
    /// A change in place.
    Live,
    /// Traffic moves to other instances.
    Roll,
    /// Traffic moves back to what it was on before.
    Rollback,
    /// A pipeline runs.
    Run,
    /// The resource is gone for a while.
    Recreate,
    /// The resource is gone.
    Destroy,
}

impl Effect {
    /// Whether only so many at once are begun in an account: a rollback waits for nobody.
    pub fn takes_turns(self) -> bool {
        matches!(self, Self::Roll | Self::Run | Self::Recreate)
    }
}

/// Why a step is planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// In words.
    pub text: String,
    /// The commit that asks for it.
    pub commit: String,
    /// The line that asks for it.
    pub origin: Option<Origin>,
}

/// Something that is looked at again right before a step. If it does not hold the step is not
/// taken: the next pass sees anew.
#[derive(Debug, Clone, PartialEq)]
pub struct Guard {
    /// The look.
    pub call: Call,
    /// What its answer must be.
    pub expect: Expect,
}

impl Guard {
    /// The object is described as it was seen, and its tags are those that were seen: it is as it was,
    /// and still ours.
    pub(super) fn unchanged(
        desired: &Desired,
        kind: &'static Kind,
        name: &str,
        object: &Object,
    ) -> Vec<Self> {
        let mut guards = vec![Self {
            call: Call::new(kind.ops.describe, &desired.scope, kind.located(name)),
            expect: Expect::Same(object.body.clone()),
        }];
        guards.extend(Self::same_tags(desired, kind, object));
        guards
    }

    /// The object's tags are still those that were seen: it is still ours.
    pub(super) fn same_tags(
        desired: &Desired,
        kind: &'static Kind,
        object: &Object,
    ) -> Option<Self> {
        let arn = kind.arn.filter(|_| desired.broken != Broken::NoGuards)?;
        let request = json!({"ResourceArn": object.body[arn]});
        Some(Self {
            call: Call::new("ListTags", &desired.scope, request),
            expect: Expect::Tags(object.tags.clone()),
        })
    }
}

/// What a guard's answer must be.
#[derive(Debug, Clone, PartialEq)]
pub enum Expect {
    /// Exactly this description: nothing moved since the plan was made.
    Same(Value),
    /// A description that holds this. Where it does not, a person must act.
    Covers(Value),
    /// A description of this kind in which nothing of this body differs.
    Matches(&'static Kind, Value),
    /// An answer that has a value at `from`, a pointer. What was seen there becomes the member
    /// `into` of every [`Self::Matches`] that follows and of the call itself.
    Yields {
        /// A pointer into the answer.
        from: &'static str,
        /// A member of the requests.
        into: &'static str,
    },
    /// Exactly these tags.
    Tags(Tags),
    /// An answer of which the list at this pointer is empty.
    Nothing(&'static str),
    /// No such thing.
    Absent,
}

/// What is to be done in one unit, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The unit.
    pub unit: Unit,
    /// Where.
    pub scope: Scope,
    /// The steps.
    pub steps: Vec<Step>,
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The plan as JSON, for people's tools.
    pub fn json(&self) -> Value {
        let steps: Vec<_> = self.steps.iter().map(Step::json).collect();
        json!({"unit": self.unit, "scope": self.scope.to_string(), "steps": steps})
    }
}

impl Step {
    /// Takes away what was found, if it is as it was found. `None` where a kind cannot be taken away.
    pub(super) fn deletion(
        desired: &Desired,
        found: &Found,
        effect: Effect,
        reason: Reason,
    ) -> Option<Self> {
        let (kind, name, object) = (found.kind, &found.name, &found.object);
        let request = kind.deletion(name, &object.body);
        Some(Self {
            action: Action::Delete,
            kind,
            name: name.clone(),
            call: Call::new(kind.ops.delete?, &desired.scope, request),
            guards: Guard::unchanged(desired, kind, name, object),
            changes: Vec::new(),
            effect,
            reason,
        })
    }

    fn json(&self) -> Value {
        json!({
            "action": self.action,
            "kind": self.kind.name,
            "name": self.name,
            "call": self.call.op,
            "changes": self.changes,
            "effect": self.effect,
            "reason": self.reason,
        })
    }
}
