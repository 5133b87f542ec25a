//! What policies come to, told to whoever asks.

use serde_json::{Value, json};

use super::condition::Context;
use super::decide::{Decision, Named, Question, decide};
use super::document::{Document, Purpose};
use super::{account_and_name, no_role, page};
use crate::limits::SIMULATED_MAX;
use crate::world::World;
use crate::world::request::{Refusal, Reply, Request, items, text};

impl World {
    /// What the policies of a role come to, with those of the request. Of a role that was never
    /// made nothing is known: it may do everything.
    pub(super) fn simulate_principal(&self, request: &Request<'_>) -> Reply {
        let arn = request.text("PolicySourceArn");
        let Some((account, name)) = account_and_name(arn, "role") else {
            return answered(request, |_, _| allowed());
        };
        let role = self.iam.role(account, name).filter(|role| role.arn == arn);
        let Some(role) = role else {
            if self.iam.role(account, name).is_some() || self.knows_no(account, name) {
                return Err(no_role(name));
            }
            return answered(request, |_, _| allowed());
        };
        let own = role.inline.iter();
        let own = own.map(|(name, document)| (name.clone(), document.clone()));
        let shared = role.attached.iter().filter_map(|arn| {
            let (_, name) = account_and_name(arn, "policy")?;
            Some((name.to_owned(), self.policy_text(arn)?))
        });
        let mut policies = own
            .chain(shared)
            .map(|(name, text)| named(name, &text))
            .collect::<Result<Vec<_>, _>>()?;
        policies.extend(given(request, "PolicyInputList")?);
        let mut boundary = given(request, "PermissionsBoundaryPolicyInputList")?;
        let bound = role.boundary.as_deref();
        if let Some(text) = bound
            .filter(|_| boundary.is_empty())
            .map(|arn| self.policy_text(arn))
        {
            boundary.push(named("boundary".to_owned(), &text.unwrap_or_default())?);
        }
        simulated(request, &policies, &boundary)
    }
}

/// What the policies of a request come to.
pub(super) fn custom(request: &Request<'_>) -> Reply {
    let policies = given(request, "PolicyInputList")?;
    let boundary = given(request, "PermissionsBoundaryPolicyInputList")?;
    simulated(request, &policies, &boundary)
}

fn simulated(request: &Request<'_>, policies: &[Named], boundary: &[Named]) -> Reply {
    let context = context(request);
    let boundary = Some(boundary).filter(|boundary| !boundary.is_empty());
    answered(request, |action, resource| {
        let question = Question {
            action,
            resource,
            context: &context,
        };
        shown(&decide(policies, boundary, &question))
    })
}

/// An answer for each action on each resource.
fn answered(request: &Request<'_>, each: impl Fn(&str, &str) -> Value) -> Reply {
    for member in ["ResourcePolicy", "OrderedOrganizationPolicyInputList"] {
        if request.get(member).is_some() {
            let words = format!("{member} is not supported here.");
            return Err(Refusal::new("InvalidInput", words));
        }
    }
    let everywhere = [json!("*")];
    let resources = match request.items("ResourceArns") {
        [] => &everywhere,
        some => some,
    };
    let actions = request.items("ActionNames");
    if actions.len().saturating_mul(resources.len()) > SIMULATED_MAX {
        let words = format!("More than {SIMULATED_MAX} evaluations are asked for.");
        return Err(Refusal::new("InvalidInput", words));
    }
    let pairs = actions.iter().filter_map(Value::as_str);
    let pairs = pairs.flat_map(|action| {
        let resources = resources.iter().filter_map(Value::as_str);
        resources.map(move |on| (action, on))
    });
    let results = pairs.enumerate().map(|(at, (action, on))| {
        let mut result = each(action, on);
        result["EvalActionName"] = action.into();
        result["EvalResourceName"] = on.into();
        (format!("{at:08}"), result)
    });
    page(request, "EvaluationResults", results)
}

/// What is answered of what nothing is known of.
fn allowed() -> Value {
    json!({"EvalDecision": "allowed"})
}

fn shown(decision: &Decision) -> Value {
    let matched = decision.matched.iter();
    let matched: Vec<Value> = matched
        .map(|name| json!({"SourcePolicyId": name, "SourcePolicyType": "IAM Policy"}))
        .collect();
    let mut shown = json!({
        "EvalDecision": decision.verdict.word(),
        "MatchedStatements": matched,
        "MissingContextValues": decision.missing,
    });
    if let Some(within) = decision.within_boundary {
        shown["PermissionsBoundaryDecisionDetail"] =
            json!({"AllowedByPermissionsBoundary": within});
    }
    shown
}

/// The policies of a request, by the names that IAM has for them.
fn given(request: &Request<'_>, member: &str) -> Result<Vec<Named>, Refusal> {
    let texts = request.items(member).iter().filter_map(Value::as_str);
    let numbered = (1..).zip(texts);
    numbered
        .map(|(number, text)| named(format!("{member}.{number}"), text))
        .collect()
}

fn named(name: String, text: &str) -> Result<Named, Refusal> {
    let document = Document::read(text, Purpose::Identity)
        .map_err(|refusal| Refusal::new("InvalidInput", refusal.message))?;
    Ok(Named { name, document })
}

fn context(request: &Request<'_>) -> Context {
    let entries = request.items("ContextEntries").iter();
    entries
        .map(|entry| {
            let values = items(entry, "ContextKeyValues").iter();
            let values = values.filter_map(Value::as_str).map(str::to_owned);
            let key = text(entry, "ContextKeyName").to_ascii_lowercase();
            (key, values.collect())
        })
        .collect()
}
