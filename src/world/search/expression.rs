//! What is searched for: expressions over a record's properties and tags.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::clock::Timestamp;
use crate::world::request::{Refusal, epoch, items, text};

/// A record that may be what is searched for.
pub(super) struct Candidate<'a> {
    pub(super) body: Cow<'a, Value>,
    pub(super) tags: Option<&'a BTreeMap<String, String>>,
}

impl Candidate<'_> {
    /// As Search shows it: what Describe answers, with its tags and without a pipeline's definition.
    pub(super) fn shown(self) -> Value {
        let mut shown = self.body.into_owned();
        let tags = self.tags.into_iter().flatten();
        let tags: Vec<_> = tags
            .map(|(key, value)| json!({"Key": key, "Value": value}))
            .collect();
        if let Some(members) = shown.as_object_mut() {
            members.remove("PipelineDefinition");
            if !tags.is_empty() {
                members.insert("Tags".to_owned(), tags.into());
            }
        }
        shown
    }
}

/// Whether a record is what an expression describes.
pub(super) fn holds(expression: &Value, record: &Candidate<'_>) -> Result<bool, Refusal> {
    let any = text(expression, "Operator") == "Or";
    let mut results = Vec::new();
    for filter in items(expression, "Filters") {
        results.push(passes(filter, record)?);
    }
    for nested in items(expression, "NestedFilters") {
        let mut inner = true;
        for filter in items(nested, "Filters") {
            inner &= passes(filter, record)?;
        }
        results.push(inner);
    }
    for inner in items(expression, "SubExpressions") {
        results.push(holds(inner, record)?);
    }
    Ok(if any {
        results.is_empty() || results.contains(&true)
    } else {
        !results.contains(&false)
    })
}

fn passes(filter: &Value, record: &Candidate<'_>) -> Result<bool, Refusal> {
    let name = text(filter, "Name");
    let wanted = text(filter, "Value");
    let found = values(name, record);
    let operator = match text(filter, "Operator") {
        "" => "Equals",
        operator => operator,
    };
    let any = |matches: &dyn Fn(&str) -> bool| found.iter().any(|value| matches(value));
    Ok(match operator {
        "Equals" => any(&|value| value == wanted),
        "NotEquals" => !any(&|value| value == wanted),
        "Contains" => any(&|value| value.contains(wanted)),
        "Exists" => !found.is_empty(),
        "NotExists" => found.is_empty(),
        "In" => any(&|value| wanted.split(',').any(|one| one.trim() == value)),
        "GreaterThan" => any(&|value| number(value) > number(wanted)),
        "GreaterThanOrEqualTo" => any(&|value| number(value) >= number(wanted)),
        "LessThan" => any(&|value| number(value) < number(wanted)),
        "LessThanOrEqualTo" => any(&|value| number(value) <= number(wanted)),
        other => {
            return Err(Refusal::invalid(format!(
                "The operator {other} is not supported for {name}."
            )));
        }
    })
}

/// A number, or a time in ISO 8601 as seconds since the epoch.
fn number(text: &str) -> Option<f64> {
    let time = || {
        let at: Timestamp = format!("{}Z", text.trim_end_matches('Z')).parse().ok()?;
        epoch(at).as_f64()
    };
    text.parse().ok().or_else(time)
}

/// The values of a property such as `EndpointName`, `Tags.trueup:owner` or
/// `ProductionVariants.VariantName`, as text.
fn values(name: &str, record: &Candidate<'_>) -> Vec<String> {
    if let Some(key) = name.strip_prefix("Tags.") {
        let tags = record.tags.and_then(|tags| tags.get(key));
        return tags.into_iter().cloned().collect();
    }
    let mut found = vec![&*record.body];
    for part in name.split('.') {
        found = found
            .into_iter()
            .filter_map(|value| value.get(part))
            .flat_map(|value| match value {
                Value::Array(items) => items.iter().collect(),
                one => vec![one],
            })
            .collect();
    }
    found
        .into_iter()
        .filter_map(|value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
            _ => None,
        })
        .collect()
}
