//! Policy documents: what they say, and which ones IAM takes.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::condition;
use crate::world::request::Refusal;

/// What a document is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// What somebody may do.
    Identity,
    /// Who may become a role.
    Trust,
}

/// A document.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Document {
    pub(super) statements: Vec<Statement>,
}

/// One statement of a document.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Statement {
    pub(super) allows: bool,
    pub(super) actions: Few,
    /// Of a trust policy there are none: it is about its role.
    pub(super) resources: Option<Few>,
    pub(super) principals: Option<Value>,
    /// Operators, keys and values, as they are written.
    pub(super) conditions: Map<String, Value>,
}

/// These, or all but these.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Few {
    pub(super) except: bool,
    pub(super) names: Vec<String>,
}

/// What a statement may have.
const MEMBERS: &[&str] = &[
    "Sid",
    "Effect",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Principal",
    "NotPrincipal",
    "Condition",
];

impl Document {
    /// Reads a document.
    ///
    /// # Errors
    ///
    /// `MalformedPolicyDocument`, in IAM's words where they are known.
    pub(super) fn read(text: &str, purpose: Purpose) -> Result<Self, Refusal> {
        let syntax = || malformed("Syntax errors in policy.");
        let whole: Value = serde_json::from_str(text).map_err(|_| syntax())?;
        let whole = whole.as_object().ok_or_else(syntax)?;
        let known = ["Version", "Id", "Statement"];
        if whole.keys().any(|name| !known.contains(&name.as_str())) {
            return Err(syntax());
        }
        match whole.get("Version").map(Value::as_str) {
            None | Some(Some("2012-10-17" | "2008-10-17")) => {}
            Some(_) => return Err(syntax()),
        }
        let statements = match whole.get("Statement") {
            Some(Value::Array(all)) if !all.is_empty() => all.iter().collect(),
            Some(one @ Value::Object(_)) => vec![one],
            _ => return Err(syntax()),
        };
        let mut ids = BTreeSet::new();
        for id in statements.iter().filter_map(|one| one.get("Sid")) {
            if !ids.insert(id.as_str().ok_or_else(syntax)?) {
                return Err(malformed(
                    "Statement IDs (SID) in a single policy must be unique.",
                ));
            }
        }
        let read = statements
            .into_iter()
            .map(|one| Statement::read(one, purpose));
        Ok(Self {
            statements: read.collect::<Result<_, _>>()?,
        })
    }
}

impl Statement {
    fn read(given: &Value, purpose: Purpose) -> Result<Self, Refusal> {
        let syntax = || malformed("Syntax errors in policy.");
        let given = given.as_object().ok_or_else(syntax)?;
        if given.keys().any(|name| !MEMBERS.contains(&name.as_str())) {
            return Err(syntax());
        }
        let allows = match given.get("Effect").and_then(Value::as_str) {
            Some("Allow") => true,
            Some("Deny") => false,
            _ => return Err(syntax()),
        };
        let actions = few(given, ["Action", "NotAction"])?
            .ok_or_else(|| malformed("Policy statement must contain actions."))?;
        check_actions(&actions, purpose)?;
        let resources = few(given, ["Resource", "NotResource"])?;
        check_resources(resources.as_ref(), purpose)?;
        let principals = given.get("Principal").or_else(|| given.get("NotPrincipal"));
        match (purpose, principals) {
            (Purpose::Identity, Some(_)) => {
                return Err(malformed("Policy document should not specify a principal."));
            }
            (Purpose::Trust, None) => {
                return Err(malformed("Missing required field Principal"));
            }
            _ => {}
        }
        if given.contains_key("NotPrincipal") {
            return Err(malformed(
                "AssumeRolepolicy contained NotPrincipal, which is not supported.",
            ));
        }
        let conditions = match given.get("Condition") {
            None => Map::new(),
            Some(Value::Object(conditions)) => conditions.clone(),
            Some(_) => return Err(syntax()),
        };
        condition::check(&conditions).map_err(|words| malformed(&words))?;
        Ok(Self {
            allows,
            actions,
            resources,
            principals: principals.cloned(),
            conditions,
        })
    }
}

/// One member or its opposite, never both.
fn few(given: &Map<String, Value>, [with, without]: [&str; 2]) -> Result<Option<Few>, Refusal> {
    let (value, except) = match (given.get(with), given.get(without)) {
        (None, None) => return Ok(None),
        (Some(value), None) => (value, false),
        (None, Some(value)) => (value, true),
        (Some(_), Some(_)) => return Err(malformed("Syntax errors in policy.")),
    };
    let names = texts(value).ok_or_else(|| malformed("Syntax errors in policy."))?;
    Ok(Some(Few { except, names }).filter(|few| !few.names.is_empty()))
}

/// A text, or a list of texts.
pub(super) fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(all) => all
            .iter()
            .map(|one| one.as_str().map(str::to_owned))
            .collect(),
        _ => None,
    }
}

fn check_actions(actions: &Few, purpose: Purpose) -> Result<(), Refusal> {
    let mut names = actions.names.iter();
    if purpose == Purpose::Trust {
        let assumes = |name: &String| {
            let name = name.to_ascii_lowercase();
            name.starts_with("sts:") || name == "*"
        };
        if actions.except || !names.all(assumes) {
            return Err(malformed(
                "AssumeRole policy may only specify STS AssumeRole actions.",
            ));
        }
        return Ok(());
    }
    let prefaced = |name: &String| {
        name == "*"
            || name.split_once(':').is_some_and(|(vendor, name)| {
                let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
                !vendor.is_empty() && !name.is_empty() && vendor.chars().all(fits)
            })
    };
    if !names.all(prefaced) {
        return Err(malformed(
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        ));
    }
    Ok(())
}

fn check_resources(resources: Option<&Few>, purpose: Purpose) -> Result<(), Refusal> {
    match (purpose, resources) {
        (Purpose::Trust, None) => Ok(()),
        (Purpose::Trust, Some(_)) => Err(malformed("Has prohibited field Resource")),
        (Purpose::Identity, None) => Err(malformed("Policy statement must contain resources.")),
        (Purpose::Identity, Some(few)) => {
            let fits = |name: &&String| *name == "*" || name.split(':').count() >= 6;
            match few.names.iter().find(|name| !fits(name)) {
                None => Ok(()),
                Some(wrong) => Err(malformed(&format!(
                    "Resource {wrong} must be in ARN format or \"*\"."
                ))),
            }
        }
    }
}

pub(super) fn malformed(words: &str) -> Refusal {
    Refusal::new("MalformedPolicyDocument", words)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn documents_are_read_or_refused_in_words() {
        let check = |purpose: Purpose, statement: Value, words: &str| {
            let text = json!({"Version": "2012-10-17", "Statement": statement}).to_string();
            let said = match Document::read(&text, purpose) {
                Ok(_) => String::new(),
                Err(refusal) => {
                    assert_eq!(refusal.code, "MalformedPolicyDocument");
                    refusal.message
                }
            };
            assert_eq!(said, words, "{text}");
        };
        let own = Purpose::Identity;
        let good = json!({"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"});
        check(own, good.clone(), "");
        check(own, json!([good, good]), "");
        let with = |member: &str, value: Value| {
            let mut statement = good.clone();
            statement[member] = value;
            statement
        };
        let syntax = "Syntax errors in policy.";
        check(own, json!([]), syntax);
        check(own, with("Effect", json!("Maybe")), syntax);
        check(own, with("Else", json!("x")), syntax);
        check(own, with("NotAction", json!("s3:*")), syntax);
        check(
            own,
            with("Action", json!([])),
            "Policy statement must contain actions.",
        );
        check(
            own,
            with("Action", json!("GetObject")),
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        );
        check(
            own,
            with("Resource", json!("bucket")),
            "Resource bucket must be in ARN format or \"*\".",
        );
        check(
            own,
            with("Principal", json!("*")),
            "Policy document should not specify a principal.",
        );
        let twice = with("Sid", json!("a"));
        check(
            own,
            json!([twice, twice]),
            "Statement IDs (SID) in a single policy must be unique.",
        );
        check(
            own,
            json!({"Effect": "Allow", "Action": "*"}),
            "Policy statement must contain resources.",
        );
        check(
            own,
            with("Condition", json!({"StringSeems": {"a": "b"}})),
            "Invalid condition operator: StringSeems",
        );
        let trust = Purpose::Trust;
        let service = json!({"Service": "sagemaker.amazonaws.com"});
        let good = json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": service});
        check(trust, good, "");
        check(
            trust,
            json!({"Effect": "Allow", "Action": "s3:*", "Principal": service}),
            "AssumeRole policy may only specify STS AssumeRole actions.",
        );
        check(
            trust,
            json!({"Effect": "Allow", "Action": "sts:AssumeRole"}),
            "Missing required field Principal",
        );
        assert!(Document::read("{", own).is_err());
        assert!(Document::read("{\"Version\": \"2020-01-01\"}", own).is_err());
    }
}
