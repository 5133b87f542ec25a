//! The one way in which trueup writes YAML: block style, a fixed order of keys, strings in double
//! quotes, LF. Equal values are equal bytes, so that a commit shows only what changed.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Map, Value};

use super::document::split;
use super::schema::SCHEMAS;
use super::yaml;
use crate::pin::Pin;
use crate::release::Release;

/// Keys of pins, in the order of writing.
const PIN_ORDER: &[&str] = &[
    "apiVersion",
    "name",
    "source",
    "version",
    "uri",
    "file",
    "snapshot",
    "content",
    "strength",
    "objects",
    "bytes",
];

/// Keys of releases, in the order of writing.
const RELEASE_ORDER: &[&str] = &[
    "version",
    "attempt",
    "packages",
    "evaluation",
    "previous",
    "main",
    "arn",
    "run",
    "commit",
    "data",
    "model_data",
    "image",
    "code",
    "uri",
    "checksum",
    "size",
    "digest",
    "entry_point",
    "on",
];

/// Writes a value: keys of `order` first, in that order at every level, then the others by
/// alphabet. Reading the text gives the value back.
pub fn emit(value: &Value, order: &[&str]) -> String {
    let mut text = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => block_map(&mut text, map, order, 0),
        Value::Array(items) if !items.is_empty() => block_list(&mut text, items, order, 0),
        other => {
            flow(&mut text, other);
            text.push('\n');
        }
    }
    text
}

/// The text of a pin. Keys of `previous` that trueup does not know are kept.
pub fn emit_pin(pin: &Pin, previous: Option<&str>) -> String {
    rewrite(pin, &SCHEMAS.pin, previous, PIN_ORDER)
}

/// The text of a release. Keys of `previous` that trueup does not know are kept.
pub fn emit_release(release: &Release, previous: Option<&str>) -> String {
    rewrite(release, &SCHEMAS.release, previous, RELEASE_ORDER)
}

/// The text of a quarantine list.
pub fn emit_quarantine(list: &[super::Quarantined]) -> String {
    emit(&value_of(&list), &["package", "reason", "by", "at"])
}

fn value_of(data: &impl Serialize) -> Value {
    serde_json::to_value(data).expect("these types have JSON forms")
}

fn rewrite(
    data: &impl Serialize,
    schema: &Value,
    previous: Option<&str>,
    order: &[&str],
) -> String {
    let mut value = value_of(data);
    let previous = previous.and_then(|text| yaml::read("previous", text.as_bytes()).root);
    if let Some(root) = previous {
        keep_unknown(&mut value, &split("previous", &root).0, schema);
    }
    emit(&value, order)
}

/// Takes over what stands in `previous` and means nothing to the type behind `schema`. Keys of
/// maps, such as slots, are data: those are not taken over.
fn keep_unknown(value: &mut Value, previous: &Value, schema: &Value) {
    let (Value::Object(map), Value::Object(old)) = (value, previous) else {
        return;
    };
    let known = schema.get("properties").and_then(Value::as_object);
    for (key, old) in old {
        let inner = super::schema::at(schema, &[key]);
        if let (Some(value), Some(inner)) = (map.get_mut(key), inner) {
            keep_unknown(value, old, inner);
        } else if known.is_some_and(|known| !known.contains_key(key)) {
            map.insert(key.clone(), old.clone());
        }
    }
}

fn block_map(text: &mut String, map: &Map<String, Value>, order: &[&str], indent: usize) {
    let rank = |key: &str| {
        order
            .iter()
            .position(|one| *one == key)
            .unwrap_or(order.len())
    };
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_by(|(a, _), (b, _)| (rank(a), a).cmp(&(rank(b), b)));
    for (key, value) in entries {
        pad(text, indent);
        if is_plain(key) {
            text.push_str(key);
        } else {
            quoted(text, key);
        }
        text.push(':');
        block(text, value, order, indent);
    }
}

fn block_list(text: &mut String, items: &[Value], order: &[&str], indent: usize) {
    for item in items {
        pad(text, indent);
        text.push('-');
        match item {
            // The first entry of a map stands beside the dash.
            Value::Object(map) if !map.is_empty() => {
                let mut inner = String::new();
                block_map(&mut inner, map, order, indent + 2);
                text.push(' ');
                text.push_str(inner.trim_start());
            }
            other => block(text, other, order, indent),
        }
    }
}

/// What follows a key or a dash.
fn block(text: &mut String, value: &Value, order: &[&str], indent: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            text.push('\n');
            block_map(text, map, order, indent + 2);
        }
        Value::Array(items) if !items.is_empty() => {
            text.push('\n');
            block_list(text, items, order, indent + 2);
        }
        other => {
            text.push(' ');
            flow(text, other);
            text.push('\n');
        }
    }
}

fn flow(text: &mut String, value: &Value) {
    match value {
        Value::String(held) => quoted(text, held),
        other => write!(text, "{other}").expect("writing to a string succeeds"),
    }
}

fn pad(text: &mut String, indent: usize) {
    text.extend(std::iter::repeat_n(' ', indent));
}

/// Whether a key reads as itself without quotes.
fn is_plain(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_alphabetic())
        && key
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
            .contains(&key.to_ascii_lowercase().as_str())
}

fn quoted(text: &mut String, held: &str) {
    text.push('"');
    for c in held.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            c if c.is_control()
                || matches!(
                    c,
                    '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
                ) =>
            {
                write!(text, "\\u{:04x}", u32::from(c)).expect("writing to a string succeeds");
            }
            c => text.push(c),
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn parse(text: &str) -> Value {
        let read = yaml::read("f", text.as_bytes());
        assert_eq!(read.diagnostics, [], "{text}");
        split("f", &read.root.unwrap()).0
    }

    #[track_caller]
    fn check(value: Value, order: &[&str], expected: &str) {
        let text = emit(&value, order);
        assert_eq!(text, expected);
        assert_eq!(parse(&text), value);
    }

    #[test]
    fn values_have_one_text() {
        check(json!({}), &[], "{}\n");
        check(json!([]), &[], "[]\n");
        check(
            json!({"b": [1, {"x": "y", "z": {}}, [], [true]], "a": null, "é": 1.5, "no": "\u{1b}\n\"\\"}),
            &["b"],
            "b:\n  - 1\n  - x: \"y\"\n    z: {}\n  - []\n  -\n    - true\na: null\n\"no\": \"\\u001b\\n\\\"\\\\\"\n\"é\": 1.5\n",
        );
    }

    const PIN: &str = "apiVersion: \"trueup/data.v1\"\nname: \"train\"\nsource:\n  file: \"data/hdma.csv\"\nversion:\n  content: \"sha256:3e\"\n  strength: \"sha256\"\n  objects: 1\n  bytes: 202832\n";

    #[test]
    fn a_pin_is_written_as_it_was_read_and_keeps_what_is_unknown() {
        let pin: Pin = serde_json::from_value(parse(PIN)).unwrap();
        assert_eq!(emit_pin(&pin, None), PIN);
        let previous = format!("{PIN}  asOf: \"2026\"\nnote: {{by: ann}}\n");
        let text = emit_pin(&pin, Some(&previous));
        assert_eq!(
            text,
            format!("{PIN}  asOf: \"2026\"\nnote:\n  by: \"ann\"\n")
        );
        assert_eq!(emit_pin(&pin, Some(&text)), text);
        // What cannot be read has nothing to keep.
        assert_eq!(emit_pin(&pin, Some("a: [")), PIN);
    }

    #[test]
    fn a_release_drops_slots_that_are_gone_and_keeps_what_is_unknown() {
        let package = json!({"arn": "a", "run": "r", "commit": "c", "data": {"train": "sha256:1"},
            "model_data": {"uri": "s3://b/k", "checksum": "crc64:1", "size": 7}, "image": "i@sha256:2",
            "code": {"uri": "s3://b/c", "digest": "sha256:3", "entry_point": "src/i.py"}});
        let release: Release = serde_json::from_value(json!({"version": 1, "attempt": 2,
            "packages": {"main": package}, "evaluation": {"auc": 0.75}}))
        .unwrap();
        let previous = "version: 1\nattempt: 1\nticket: ML-7\npackages:\n  main:\n    signed: by ann\n    \
            code: {sbom: x}\n  old: {arn: b}\nprevious: {main: z}\n";
        let value = parse(&emit_release(&release, Some(previous)));
        assert_eq!(value["ticket"], "ML-7");
        assert_eq!(value["packages"]["main"]["signed"], "by ann");
        assert_eq!(value["packages"]["main"]["code"]["sbom"], "x");
        assert_eq!(value["packages"].get("old"), None);
        assert_eq!(value["previous"], json!({}));
        assert_eq!(value["attempt"], 2);
        let known: Release = serde_json::from_value(value).unwrap();
        assert_eq!(known, release);
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>()
                .prop_filter("finite", |f| f.is_finite())
                .prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[ -~\n\t]{0,20}".prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 60, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                proptest::collection::btree_map("\\PC{0,12}|[a-z]{0,5}|[0-9.]{1,4}", inner, 0..6)
                    .prop_map(|map| map.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn reading_what_was_written_gives_it_back(value in values()) {
            let text = emit(&value, &["a", "b"]);
            let read = parse(&text);
            prop_assert_eq!(&read, &value, "{}", text);
            prop_assert_eq!(emit(&read, &["a", "b"]), text);
        }
    }
}
