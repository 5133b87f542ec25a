//! What a target is told of an event: all of it, a part, something constant, or a text made of parts.

use serde_json::{Map, Value, json};

use crate::world::request::text;

/// The values that a template has besides its own.
pub(super) struct Reserved<'a> {
    pub(super) rule: &'a str,
    pub(super) rule_arn: &'a str,
    pub(super) at: &'a str,
}

/// What `target` wants to be told of `event`.
pub(super) fn of(target: &Value, event: &Value, reserved: &Reserved<'_>) -> String {
    if let Some(constant) = target.get("Input").and_then(Value::as_str) {
        return constant.to_owned();
    }
    if let Some(path) = target.get("InputPath").and_then(Value::as_str) {
        return at(event, path).unwrap_or(&Value::Null).to_string();
    }
    if let Some(transformer) = target.get("InputTransformer") {
        let paths = transformer.get("InputPathsMap").and_then(Value::as_object);
        let values = values(paths, event, reserved);
        return filled(text(transformer, "InputTemplate"), &values);
    }
    event.to_string()
}

fn values(
    paths: Option<&Map<String, Value>>,
    event: &Value,
    reserved: &Reserved<'_>,
) -> Map<String, Value> {
    let own = paths.into_iter().flatten();
    let own = own.map(|(name, path)| {
        let found = path.as_str().and_then(|path| at(event, path));
        (name.clone(), found.cloned().unwrap_or(Value::Null))
    });
    let given = [
        ("aws.events.rule-arn", json!(reserved.rule_arn)),
        ("aws.events.rule-name", json!(reserved.rule)),
        ("aws.events.event.ingestion-time", json!(reserved.at)),
        ("aws.events.event", event.clone()),
        ("aws.events.event.json", event.clone()),
    ];
    let given = given
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value));
    own.chain(given).collect()
}

/// What a path such as `$.detail.tags[0]` leads to.
pub(super) fn at<'a>(event: &'a Value, path: &str) -> Option<&'a Value> {
    let mut rest = path.strip_prefix('$')?;
    let mut value = event;
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('[') {
            let (step, after) = inside.split_once(']')?;
            let name = step.trim_matches(['\'', '"']);
            value = match step.parse::<usize>() {
                Ok(number) => value.get(number)?,
                Err(_) => value.get(name)?,
            };
            rest = after;
        } else {
            let inside = rest.strip_prefix('.')?;
            let end = inside.find(['.', '[']).unwrap_or(inside.len());
            value = value.get(&inside[..end])?;
            rest = &inside[end..];
        }
    }
    Some(value)
}

/// Whether a path is of a form that is understood.
pub(super) fn is_path(path: &str) -> bool {
    let Some(mut rest) = path.strip_prefix('$') else {
        return false;
    };
    while !rest.is_empty() {
        let end = if let Some(inside) = rest.strip_prefix('[') {
            inside.find(']').filter(|end| *end > 0).map(|end| end + 2)
        } else {
            let inside = rest.strip_prefix('.');
            let length = inside.map(|inside| inside.find(['.', '[']).unwrap_or(inside.len()));
            length.filter(|length| *length > 0).map(|length| length + 1)
        };
        match end {
            Some(end) => rest = &rest[end..],
            None => return false,
        }
    }
    true
}

/// A template with values in the places of their names: within quotes as text, else as JSON.
fn filled(template: &str, values: &Map<String, Value>) -> String {
    let mut filled = String::with_capacity(template.len());
    let (mut rest, mut quoted) = (template, false);
    while let Some(next) = rest.chars().next() {
        let name = rest
            .strip_prefix('<')
            .and_then(|inside| inside.split_once('>'));
        if let Some((name, after)) = name
            && let Some(value) = values.get(name)
        {
            let shown = match (quoted, value) {
                (true, Value::String(text)) => inner(text),
                (true, value) => inner(&value.to_string()),
                (false, value) => value.to_string(),
            };
            filled.push_str(&shown);
            rest = after;
            continue;
        }
        let mut taken = next.len_utf8();
        if quoted && next == '\\' {
            taken += rest[1..].chars().next().map_or(0, char::len_utf8);
        } else if next == '"' {
            quoted = !quoted;
        }
        filled.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    filled
}

/// A text as it stands between quotes in JSON.
fn inner(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(target: Value, expect: &str) {
        let event =
            json!({"id": "1", "detail": {"name": "a \"b\"", "count": 2, "list": ["x", "y"]}});
        let reserved = Reserved {
            rule: "r",
            rule_arn: "arn:r",
            at: "now",
        };
        assert_eq!(of(&target, &event, &reserved), expect, "{target}");
    }

    #[test]
    fn a_target_is_told_what_it_asks_for() {
        check(json!({"Input": "{\"a\": 1}"}), "{\"a\": 1}");
        check(json!({"InputPath": "$.detail.count"}), "2");
        check(json!({"InputPath": "$.detail['list'][1]"}), "\"y\"");
        check(json!({"InputPath": "$.none"}), "null");
        let paths =
            json!({"name": "$.detail.name", "count": "$.detail.count", "list": "$.detail.list"});
        let template = |template: &str| json!({"InputTransformer": {"InputPathsMap": paths, "InputTemplate": template}});
        check(
            template("{\"n\": <name>, \"c\": <count>, \"l\": <list>}"),
            "{\"n\": \"a \\\"b\\\"\", \"c\": 2, \"l\": [\"x\",\"y\"]}",
        );
        check(template("\"<name> is <count>\""), "\"a \\\"b\\\" is 2\"");
        check(
            template("\"<else> \\\"<aws.events.rule-name>\""),
            "\"<else> \\\"r\"",
        );
        check(template("<aws.events.rule-arn>"), "\"arn:r\"");
    }

    #[test]
    fn paths_are_of_a_form() {
        for good in ["$", "$.a", "$.a.b[0]", "$['a'].b"] {
            assert!(is_path(good), "{good}");
        }
        for bad in ["", "a", "$a", "$.", "$..a", "$[", "$[]"] {
            assert!(!is_path(bad), "{bad}");
        }
    }
}
