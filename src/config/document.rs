//! A document as plain JSON, and where each of its values was written.

use std::collections::BTreeMap;

use serde_json::Value;

use super::yaml::{Entry, Kind, Mark, Node};
use crate::diagnostic::Span;

/// Where the values of one document were written: JSON pointer to place.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Origins {
    file: String,
    places: BTreeMap<String, Place>,
}

/// Where one value was written.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Place {
    key: Option<Mark>,
    value: Mark,
    broken: bool,
}

impl Origins {
    /// The file that the values were written in.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Where the value at `pointer` (such as `/environments/production/deployment/variants`) was
    /// written. A value that nobody wrote, a default, has the place of the nearest one around it.
    pub fn origin(&self, pointer: &str) -> Span {
        self.near(pointer)
            .map_or(Mark::START, |place| place.value)
            .span(&self.file)
    }

    /// Where the key of `pointer` was written; of an item of a list, the item; of the whole
    /// document, its first byte.
    pub fn key(&self, pointer: &str) -> Span {
        let place = self.near(pointer);
        let mark = place.map_or(Mark::START, |place| {
            place.key.unwrap_or(if pointer.is_empty() {
                Mark::START
            } else {
                place.value
            })
        });
        mark.span(&self.file)
    }

    /// A place for a finding about the value at `pointer`: the value where it fits a line, else
    /// its key.
    pub fn spot(&self, pointer: &str, value: &Value) -> Span {
        match value {
            Value::Object(_) | Value::Array(_) => self.key(pointer),
            _ => self.origin(pointer),
        }
    }

    /// Whether the value at `pointer`, or one around it, was refused when the file was read.
    pub fn broken(&self, pointer: &str) -> bool {
        self.near(pointer).is_some_and(|place| place.broken)
    }

    fn near(&self, pointer: &str) -> Option<&Place> {
        let mut pointer = pointer;
        loop {
            if let Some(place) = self.places.get(pointer) {
                return Some(place);
            }
            pointer = &pointer[..pointer.rfind('/')?];
        }
    }
}

/// Appends a step to a pointer, escaped.
pub fn join(pointer: &str, step: &str) -> String {
    format!("{pointer}/{}", step.replace('~', "~0").replace('/', "~1"))
}

/// Splits a tree into its value and the places of its values.
pub fn split(file: &str, node: &Node) -> (Value, Origins) {
    let mut origins = Origins {
        file: file.to_owned(),
        places: BTreeMap::new(),
    };
    let value = visit(node, None, String::new(), &mut origins.places);
    (value, origins)
}

fn visit(
    node: &Node,
    key: Option<Mark>,
    pointer: String,
    places: &mut BTreeMap<String, Place>,
) -> Value {
    let value = match &node.kind {
        Kind::Scalar(value) => value.clone(),
        Kind::Broken => Value::Null,
        Kind::Sequence(items) => items
            .iter()
            .enumerate()
            .map(|(at, item)| visit(item, None, format!("{pointer}/{at}"), places))
            .collect(),
        Kind::Mapping(entries) => entries
            .iter()
            .map(|Entry { key, mark, value }| {
                (
                    key.clone(),
                    visit(value, Some(*mark), join(&pointer, key), places),
                )
            })
            .collect(),
    };
    let place = Place {
        key,
        value: node.mark,
        broken: node.kind == Kind::Broken,
    };
    places.insert(pointer, place);
    value
}

/// Lays `over` on `base`: maps merge key by key, anything else replaces, null deletes.
pub fn merge(base: &Node, over: &Node) -> Node {
    let (Kind::Mapping(below), Kind::Mapping(above)) = (&base.kind, &over.kind) else {
        return without_nulls(over);
    };
    let mut entries = below.clone();
    for entry in above {
        let at = entries.iter().position(|known| known.key == entry.key);
        match (at, entry.value.is_null()) {
            (Some(at), true) => drop(entries.remove(at)),
            (None, true) => {}
            (Some(at), false) => {
                let merged = merge(&entries[at].value, &entry.value);
                entries[at] = Entry {
                    value: merged,
                    ..entry.clone()
                };
            }
            (None, false) => entries.push(Entry {
                value: without_nulls(&entry.value),
                ..entry.clone()
            }),
        }
    }
    Node::mapping(over.mark, entries)
}

/// A value of an overlay where there is nothing below it: its nulls have nothing to delete.
fn without_nulls(node: &Node) -> Node {
    let Kind::Mapping(entries) = &node.kind else {
        return node.clone();
    };
    let kept = entries.iter().filter(|entry| !entry.value.is_null());
    let entries = kept.map(|entry| Entry {
        value: without_nulls(&entry.value),
        ..entry.clone()
    });
    Node::mapping(node.mark, entries.collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::yaml::read;

    /// Merges two texts; compares the value and the line that `pointer` comes from.
    #[track_caller]
    fn check(base: &str, over: &str, expected: Value, pointer: &str, line: usize) {
        let tree = |text: &str| read("f", text.as_bytes()).root.unwrap();
        // The overlay's lines are counted on from 101.
        let over = "\n".repeat(100) + over;
        let (value, origins) = split("f", &merge(&tree(base), &tree(&over)));
        assert_eq!(value, expected);
        assert_eq!(origins.origin(pointer).line, line, "{pointer}");
    }

    #[test]
    fn overlays_merge_maps_replace_the_rest_and_delete_by_null() {
        let base = "a: {x: 1,\n y: {p: 1,\n q: 2}}\nl: [1, 2]\n";
        let over = "a: {y: {q: 3, r: null}}\nl: [3]\n";
        let both = json!({"a": {"x": 1, "y": {"p": 1, "q": 3}}, "l": [3]});
        check(base, over, both.clone(), "/a/x", 1);
        check(base, over, both.clone(), "/a/y/p", 2);
        check(base, over, both.clone(), "/a/y/q", 101);
        check(base, over, both.clone(), "/l/0", 102);
        check(base, over, both, "/a/y/r/s", 101);
        check("a: {b: 1}\n", "a: null\n", json!({}), "/a", 101);
        check(
            "a: 1\n",
            "a: {b: {c: null}}\n",
            json!({"a": {"b": {}}}),
            "/a/b",
            101,
        );
    }

    #[test]
    fn steps_are_escaped_in_pointers() {
        let (_, origins) = split("f", &read("f", b"'a/b~c': 1\n").root.unwrap());
        assert_eq!(origins.origin(&join("", "a/b~c")).column, 10);
        assert_eq!(origins.key("/a~1b~0c").column, 1);
    }
}
