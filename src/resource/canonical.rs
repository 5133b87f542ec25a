//! One byte form for a JSON value, and digests over it.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use serde::{Serialize, Serializer};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// The value with sorted keys and without nulls, at every depth.
pub fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut sorted: Vec<_> = members
                .iter()
                .filter(|(_, member)| !member.is_null())
                .collect();
            sorted.sort_by_key(|(key, _)| *key);
            Value::Object(
                sorted
                    .into_iter()
                    .map(|(key, member)| (key.clone(), canonical(member)))
                    .collect(),
            )
        }
        Value::Array(items) => Value::Array(items.iter().map(canonical).collect()),
        other => other.clone(),
    }
}

/// The canonical text: compact JSON of [`canonical`].
pub fn text(value: &Value) -> String {
    String::from_utf8(written(&Canonical(value))).expect("JSON is UTF-8")
}

/// Appends the canonical text.
pub fn write(to: &mut Vec<u8>, value: &Value) {
    serde_json::to_writer(to, &Canonical(value)).expect("values are written without fail");
}

fn written(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("values are written without fail")
}

/// A value that is written as [`canonical`] makes it, without making it.
struct Canonical<'a>(&'a Value);

impl Serialize for Canonical<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(members) => {
                let mut sorted: Vec<_> = members
                    .iter()
                    .filter(|(_, member)| !member.is_null())
                    .collect();
                sorted.sort_by_key(|(key, _)| *key);
                to.collect_map(sorted.into_iter().map(|(key, member)| (key, Self(member))))
            }
            Value::Array(items) => to.collect_seq(items.iter().map(Canonical)),
            other => other.serialize(to),
        }
    }
}

/// SHA-256 of the canonical text, 64 lower-case hexadecimal digits.
pub fn digest(value: &Value) -> String {
    sha256(&written(&Canonical(value)))
}

/// The digest of an object with these members.
pub fn digest_of(members: &BTreeMap<&str, &Value>) -> String {
    let members = members.iter().filter(|(_, member)| !member.is_null());
    let members: BTreeMap<_, _> = members
        .map(|(name, member)| (name, Canonical(member)))
        .collect();
    sha256(&written(&members))
}

/// SHA-256 of bytes, 64 lower-case hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn order_and_nulls_do_not_matter() {
        let one = json!({"b": [1, {"y": null, "x": 2}], "a": null});
        let two = json!({"b": [1, {"x": 2}]});
        assert_eq!(digest(&one), digest(&two));
        assert_eq!(text(&one), r#"{"b":[1,{"x":2}]}"#);
        assert_eq!(text(&one), canonical(&one).to_string());
        let members = BTreeMap::from([("b", &one["b"]), ("a", &one["a"])]);
        assert_eq!(digest_of(&members), digest(&two));
        assert_ne!(
            digest(&one),
            digest(&json!({"b": [{"x": 2}, 1]})),
            "the order of a list does"
        );
    }

    #[test]
    fn sha256_of_abc_is_the_standards_figure() {
        assert_eq!(
            sha256(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
