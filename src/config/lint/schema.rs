//! The shape of the files. Most of these are found while reading (`yaml/`, `shape.rs`).

use serde_json::Value;

use super::{Findings, Level, Rule, Subject};
use crate::config::document::join;

/// Not YAML, or over a limit.
pub(super) const S000: Rule = Rule {
    code: "S000",
    title: "a file that cannot be read",
    level: Level::REFUSED,
    page: page!("S000"),
    check: None,
};

/// An unknown key.
pub(super) const S001: Rule = Rule {
    code: "S001",
    title: "an unknown key",
    level: Level::REFUSED,
    page: page!("S001"),
    check: None,
};

/// A value of the wrong shape.
pub(super) const S002: Rule = Rule {
    code: "S002",
    title: "a value of the wrong type, outside of its choices, or missing",
    level: Level::REFUSED,
    page: page!("S002"),
    check: None,
};

/// A variable.
pub(super) const S003: Rule = Rule {
    code: "S003",
    title: "a variable that is not resolved",
    level: Level::REFUSED,
    page: page!("S003"),
    check: Some(variables),
};

/// A variable in a name.
pub(super) const S004: Rule = Rule {
    code: "S004",
    title: "a variable in a name or a key",
    level: Level::REFUSED,
    page: page!("S004"),
    check: Some(variable_names),
};

/// A duplicate key or an account id that is a number.
pub(super) const S007: Rule = Rule {
    code: "S007",
    title: "a key that is written twice, or an account id that is not twelve digits in quotes",
    level: Level::REFUSED,
    page: page!("S007"),
    check: None,
};

/// YAML outside of the subset.
pub(super) const S011: Rule = Rule {
    code: "S011",
    title: "YAML that is not used here",
    level: Level::REFUSED,
    page: page!("S011"),
    check: None,
};

/// More findings than are shown.
pub(super) const S014: Rule = Rule {
    code: "S014",
    title: "more findings than are shown",
    level: Level::INFO,
    page: page!("S014"),
    check: None,
};

fn variables(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let mut visit = |pointer: &str, _: Option<&str>, value: &Value| {
        if pointer != "/name" && value.as_str().is_some_and(|text| text.contains("${")) {
            let message = "a variable that is not resolved";
            let finding = S003.at(subject.origins.origin(pointer), message);
            findings.push(finding.help("write the value out"));
        }
    };
    walk(String::new(), None, subject.document, &mut visit);
}

fn variable_names(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let mut visit = |pointer: &str, key: Option<&str>, value: &Value| {
        let in_key = key.is_some_and(|key| key.contains("${"));
        let in_name = pointer == "/name" && value.as_str().is_some_and(|name| name.contains("${"));
        let span = if in_name {
            subject.origins.origin(pointer)
        } else if in_key {
            subject.origins.key(pointer)
        } else {
            return;
        };
        let finding = S004.at(
            span,
            "a variable in a name: what it names would change with it",
        );
        findings.push(finding.help("write the name out"));
    };
    walk(String::new(), None, subject.document, &mut visit);
}

/// Visits every value with its pointer and, in a map, its key.
pub(super) fn walk(
    pointer: String,
    key: Option<&str>,
    value: &Value,
    visit: &mut impl FnMut(&str, Option<&str>, &Value),
) {
    visit(&pointer, key, value);
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                walk(join(&pointer, key), Some(key), value, visit);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                walk(format!("{pointer}/{at}"), None, item, visit);
            }
        }
        _ => {}
    }
}
