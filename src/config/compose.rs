//! From the file to the resolved document: defaults, then the base, then each environment's keys.

use super::document::merge;
use super::yaml::{Entry, Kind, Node};

/// Keys of the base that every environment starts from.
pub(super) const INHERITED: [&str; 13] = [
    "account",
    "region",
    "roles",
    "network",
    "encryption",
    "tags",
    "deployment",
    "monitors",
    "notifications",
    "drift",
    "state",
    "deletion",
    "suspend",
];

/// Resolves every environment of a file. Whatever has the wrong shape passes through as it is, so
/// that the schema can say what is wrong with it. Built-in values have the place of the
/// environment's name.
pub(super) fn compose(file: &Node) -> Node {
    let mut entries: Vec<Entry> = file.entries().to_vec();
    entries
        .retain(|entry| !["deployment", "monitors", "notifications"].contains(&entry.key.as_str()));
    if !matches!(file.kind, Kind::Mapping(_)) {
        return file.clone();
    }
    if let Some(entry) = entries.iter_mut().find(|entry| entry.key == "environments")
        && let Kind::Mapping(environments) = &entry.value.kind
    {
        let mut previous = None;
        let mut resolved = Vec::new();
        for one in environments {
            resolved.push(environment(file, one, previous));
            previous = Some(one);
        }
        entry.value = Node::mapping(entry.value.mark, resolved);
    }
    Node::mapping(file.mark, entries)
}

/// Resolves one environment; `previous` is the one before it in the file.
fn environment(file: &Node, entry: &Entry, previous: Option<&Entry>) -> Entry {
    if !matches!(entry.value.kind, Kind::Mapping(_)) {
        return entry.clone();
    }
    let inherited = file.entries().iter();
    let inherited = inherited.filter(|base| INHERITED.contains(&base.key.as_str()));
    let base = Node::mapping(entry.mark, inherited.cloned().collect());
    let value = merge(&merge(&defaults(entry, previous), &base), &entry.value);
    let mut value = with_variants(value, entry);
    value = with_promotion(value, entry);
    Entry {
        value,
        ..entry.clone()
    }
}

/// What holds where neither the base nor the environment says anything.
fn defaults(entry: &Entry, previous: Option<&Entry>) -> Node {
    let mode = if entry.key == "production" {
        "production"
    } else {
        "development"
    };
    let mut promote = Vec::new();
    if let Some(previous) = previous {
        promote.push(item(entry, "from", previous.key.as_str()));
        promote.push(item(entry, "soak", 0));
    }
    Node::mapping(
        entry.mark,
        vec![
            item(entry, "mode", mode),
            nested(entry, "promote", promote),
            nested(entry, "deployment", Vec::new()),
        ],
    )
}

/// A deployment without variants has one.
fn with_variants(mut environment: Node, entry: &Entry) -> Node {
    let one = nested(entry, "AllTraffic", Vec::new());
    let variants = nested(entry, "variants", vec![one]);
    if let Some(deployment) = child(&mut environment, nested(entry, "deployment", Vec::new())) {
        child(deployment, variants);
    }
    environment
}

/// Who writes the release follows from where versions come from.
fn with_promotion(mut environment: Node, entry: &Entry) -> Node {
    if let Some(promote) = child(&mut environment, nested(entry, "promote", Vec::new())) {
        let mode = if promote.get("from").is_some() {
            "branch"
        } else {
            "commit"
        };
        child(promote, item(entry, "mode", mode));
    }
    environment
}

/// The value of a key in a map, which is put there if it is not; none in what is not a map.
fn child(map: &mut Node, default: Entry) -> Option<&mut Node> {
    let Kind::Mapping(entries) = &mut map.kind else {
        return None;
    };
    let at = entries.iter().position(|entry| entry.key == default.key);
    let at = at.unwrap_or_else(|| {
        entries.push(default);
        entries.len() - 1
    });
    Some(&mut entries[at].value)
}

fn item(entry: &Entry, key: &str, value: impl Into<serde_json::Value>) -> Entry {
    Entry {
        key: key.to_owned(),
        mark: entry.mark,
        value: Node::scalar(entry.mark, value),
    }
}

fn nested(entry: &Entry, key: &str, entries: Vec<Entry>) -> Entry {
    Entry {
        key: key.to_owned(),
        mark: entry.mark,
        value: Node::mapping(entry.mark, entries),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::config::document::split;
    use crate::config::yaml::read;

    /// Composes `text` and compares the environment `name`.
    #[track_caller]
    fn check(text: &str, name: &str, expected: Value) {
        let root = read("f", text.as_bytes()).root.unwrap();
        let (value, _) = split("f", &compose(&root));
        assert_eq!(value["environments"][name], expected);
    }

    #[test]
    fn defaults_stand_below_the_base_and_the_base_below_the_environment() {
        let text = "account: a\nregion: r\ntags: {x: '1', y: '2'}\n\
            monitors: {data_quality: {schedule: daily}}\n\
            environments:\n  one: {}\n  production: {tags: {x: null}, monitors: null}\n  \
            three: {mode: production, promote: {from: one}, deployment: {variants: {B: {}}}}\n";
        check(
            text,
            "one",
            json!({"mode": "development", "account": "a", "region": "r",
                "tags": {"x": "1", "y": "2"}, "promote": {"mode": "commit"},
                "deployment": {"variants": {"AllTraffic": {}}},
                "monitors": {"data_quality": {"schedule": "daily"}}}),
        );
        check(
            text,
            "production",
            json!({"mode": "production", "account": "a", "region": "r", "tags": {"y": "2"},
                "promote": {"mode": "branch", "from": "one", "soak": 0},
                "deployment": {"variants": {"AllTraffic": {}}}}),
        );
        check(
            text,
            "three",
            json!({"mode": "production", "account": "a", "region": "r",
                "tags": {"x": "1", "y": "2"},
                "promote": {"mode": "branch", "from": "one", "soak": 0},
                "deployment": {"variants": {"B": {}}},
                "monitors": {"data_quality": {"schedule": "daily"}}}),
        );
    }

    #[test]
    fn what_is_misshapen_passes_through() {
        for text in [
            "5\n",
            "environments: [a]\n",
            "environments: {a: 5, b: {promote: 5, deployment: []}}\n",
        ] {
            let root = read("f", text.as_bytes()).root.unwrap();
            drop(compose(&root));
        }
        check(
            "environments: {a: {promote: 5}}\n",
            "a",
            json!({"mode": "development",
            "promote": 5, "deployment": {"variants": {"AllTraffic": {}}}}),
        );
    }
}
