//! The shape of the files. Most of these are found while reading (`yaml/`, `shape.rs`).

use serde_json::Value;

use super::{Rule, Severity, Subject};
use crate::config::document::join;
use crate::diagnostic::Diagnostic;

/// Not YAML, or over a limit.
pub(super) const S000: Rule = Rule {
    code: "S000",
    title: "a file that cannot be read",
    severity: Severity::Error,
    docs: "The file is not YAML 1.2 in UTF-8, or it is larger or nested deeper than a file of this \
           kind may be. Nothing in it is used: a guess at what was meant could deploy it.",
    check: None,
};

/// An unknown key.
pub(super) const S001: Rule = Rule {
    code: "S001",
    title: "an unknown key",
    severity: Severity::Error,
    docs: "A key that means nothing is most often a misspelt key that means something, so it is not \
           passed over. Keys are written in `snake_case`: `instance_type`, not `InstanceType`.",
    check: None,
};

/// A value of the wrong shape.
pub(super) const S002: Rule = Rule {
    code: "S002",
    title: "a value of the wrong type, outside of its choices, or missing",
    severity: Severity::Error,
    docs: "The message names the key and what it takes. Durations are written `90s`, `15m`, `2h` or \
           `7d`; conditions as comparisons with a number joined by `and`. A key that is required may \
           stand in the base or in every environment.",
    check: None,
};

/// A variable.
pub(super) const S003: Rule = Rule {
    code: "S003",
    title: "a variable that is not resolved",
    severity: Severity::Error,
    docs: "Version 1 of the format has no variables: `${…}` in a value would reach AWS as it is \
           written. Write the value out; what environments share stands in the base of the file.",
    check: Some(variables),
};

/// A variable in a name.
pub(super) const S004: Rule = Rule {
    code: "S004",
    title: "a variable in a name or a key",
    severity: Severity::Error,
    docs: "What a thing is called decides which resource it is. A name that could change with a \
           variable would leave the old resource behind and make a new one.",
    check: Some(variable_names),
};

/// A duplicate key or an account id that is a number.
pub(super) const S007: Rule = Rule {
    code: "S007",
    title: "a key that is written twice, or an account id that is not twelve digits in quotes",
    severity: Severity::Error,
    docs: "Of two equal keys, readers of YAML disagree on which one counts. An account id without \
           quotes is a number, and a number loses the zeros at its start: write \
           `account: \"012345678901\"`.",
    check: None,
};

/// YAML outside of the subset.
pub(super) const S011: Rule = Rule {
    code: "S011",
    title: "YAML that is not used here",
    severity: Severity::Error,
    docs: "Anchors, aliases, tags, several documents in a file, keys that are not strings and \
           numbers that are not finite are refused: a file should read the same to everyone. What \
           environments share stands in the base; `environments.<name>` says what differs.",
    check: None,
};

/// More findings than are shown.
pub(super) const S014: Rule = Rule {
    code: "S014",
    title: "more findings than are shown",
    severity: Severity::Info,
    docs: "Only the worst findings of a model are shown, and the rest is counted. Mend these first; \
           many of the others are often of the same cause.",
    check: None,
};

fn variables(subject: &Subject<'_>, findings: &mut Vec<Diagnostic>) {
    let mut visit = |pointer: &str, _: Option<&str>, value: &Value| {
        if pointer != "/name" && value.as_str().is_some_and(|text| text.contains("${")) {
            let message = "a variable that is not resolved";
            let finding = S003.at(subject.origins.origin(pointer), message);
            findings.push(finding.help("write the value out"));
        }
    };
    walk(String::new(), None, subject.document, &mut visit);
}

fn variable_names(subject: &Subject<'_>, findings: &mut Vec<Diagnostic>) {
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
fn walk(
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
