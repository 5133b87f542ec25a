//! What environments say, against what they inherit.

use serde_json::Value;

use super::{Findings, Level, Rule, Subject};
use crate::config::compose::INHERITED;
use crate::config::yaml::{Entry, Kind, Node};

/// Said twice.
pub(super) const S005: Rule = Rule {
    code: "S005",
    title: "an environment that says what it inherits",
    level: Level::WARNING,
    page: page!("S005"),
    check: Some(repeated),
};

/// Items that are gone.
pub(super) const S006: Rule = Rule {
    code: "S006",
    title: "a list of an environment that drops what it inherits",
    level: Level::WARNING,
    page: page!("S006"),
    check: Some(dropped),
};

/// A value of an environment that has one below it.
struct Overlaid<'a> {
    /// The environment.
    environment: &'a str,
    base: Option<&'a Node>,
    over: &'a Entry,
    /// Whether the map around it would be empty without it.
    only: bool,
}

/// Every value of an environment, but for maps that lie on maps: those merge.
fn overlaid<'a>(subject: &Subject<'a>) -> Vec<Overlaid<'a>> {
    let mut all = Vec::new();
    let environments = subject
        .written
        .get("environments")
        .map_or(&[][..], Node::entries);
    for environment in environments {
        for over in environment.value.entries() {
            if INHERITED.contains(&over.key.as_str()) {
                let base = subject.written.get(&over.key);
                let only = environment.value.entries().len() == 1;
                descend(&environment.key, base, over, only, &mut all);
            }
        }
    }
    all
}

fn descend<'a>(
    environment: &'a str,
    base: Option<&'a Node>,
    over: &'a Entry,
    only: bool,
    all: &mut Vec<Overlaid<'a>>,
) {
    let maps = |node: &Node| matches!(node.kind, Kind::Mapping(_));
    if base.is_some_and(maps) && maps(&over.value) {
        let entries = over.value.entries();
        for inner in entries {
            let base = base.and_then(|base| base.get(&inner.key));
            descend(environment, base, inner, entries.len() == 1, all);
        }
    } else {
        all.push(Overlaid {
            environment,
            base,
            over,
            only,
        });
    }
}

/// A value without its places; none where a part of it was refused.
fn plain(node: &Node) -> Option<Value> {
    match &node.kind {
        Kind::Scalar(value) => Some(value.clone()),
        Kind::Broken => None,
        Kind::Sequence(items) => items.iter().map(plain).collect(),
        Kind::Mapping(entries) => {
            let entries = entries.iter();
            let all: Option<_> = entries
                .map(|entry| Some((entry.key.clone(), plain(&entry.value)?)))
                .collect();
            all.map(Value::Object)
        }
    }
}

fn repeated(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for one in overlaid(subject) {
        let (key, environment) = (&one.over.key, one.environment);
        let over = plain(&one.over.value);
        let message = match one.base {
            None if one.over.value.is_null() => {
                format!("`{environment}` deletes `{key}`, which it does not inherit")
            }
            Some(base) if over.is_some() && plain(base) == over => {
                format!("`{environment}` inherits `{key}` as it is written here")
            }
            _ => continue,
        };
        let mut finding = S005.at(one.over.mark.span(subject.origins.file()), message);
        let lines = whole_lines(subject.text_of_file(), one.over);
        if let Some((start, end)) = lines.filter(|_| !one.only) {
            finding = finding.mend(true, start, end, "");
        }
        let mode = subject.mode_of(environment);
        findings.push_in(mode, finding.help("leave it out"));
    }
}

/// The bytes of an entry that has its lines to itself.
fn whole_lines(text: &str, entry: &Entry) -> Option<(usize, usize)> {
    let start = text
        .get(..entry.mark.start)?
        .rfind('\n')
        .map_or(0, |at| at + 1);
    let rest = text.get(entry.value.mark.end.max(entry.mark.end)..)?;
    let length = rest.find('\n').map_or(rest.len(), |at| at + 1);
    let end = text.len() - rest.len() + length;
    let alone = text[start..entry.mark.start].trim().is_empty();
    let tail = rest[..length].trim();
    // A comment behind it was about it.
    let ends = tail.is_empty() || tail == ":" || tail.starts_with('#');
    (alone && ends).then_some((start, end))
}

fn dropped(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for one in overlaid(subject) {
        let items = |node: &Node| match plain(node) {
            Some(Value::Array(items)) => Some(items),
            _ => None,
        };
        let (Some(base), Some(over)) = (one.base.and_then(items), items(&one.over.value)) else {
            continue;
        };
        let gone = base.iter().filter(|item| !over.contains(item)).count();
        if gone > 0 {
            let (key, environment) = (&one.over.key, one.environment);
            let message = format!(
                "`{key}` of `{environment}` replaces the inherited list: {gone} of its {} items are gone",
                base.len()
            );
            let finding = S006.at(one.over.mark.span(subject.origins.file()), message);
            let mode = subject.mode_of(environment);
            findings.push_in(
                mode,
                finding.help("lists do not merge: write all that is to hold here"),
            );
        }
    }
}
