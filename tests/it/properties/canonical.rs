//! The one form of a JSON value, and digests over it.

use proptest::prelude::*;
use serde_json::{Value, json};
use trueup::resource::canonical::{canonical, digest, text};

use super::json;
use crate::sim::random::Random;

/// The same value as a text in which keys come in another order, with space between and nulls added.
fn written_otherwise(value: &Value, random: &mut Random) -> String {
    match value {
        Value::Object(members) => {
            let mut parts: Vec<_> = members
                .iter()
                .map(|(key, member)| {
                    let member = written_otherwise(member, random);
                    format!("{} :\n{member}", json!(key))
                })
                .collect();
            if !members.contains_key("nothing") {
                parts.push("\"nothing\": null".to_owned());
            }
            random.shuffle(&mut parts);
            format!("{{ {} }}", parts.join(" , "))
        }
        Value::Array(items) => {
            let items = items.iter().map(|item| written_otherwise(item, random));
            format!("[{}]", items.collect::<Vec<_>>().join(",\t"))
        }
        leaf => leaf.to_string(),
    }
}

proptest! {
    #[test]
    fn the_order_of_keys_and_what_is_null_make_no_difference(value in json(), seed in any::<u64>()) {
        let otherwise = written_otherwise(&value, &mut Random::new(seed, 0));
        let otherwise: Value = serde_json::from_str(&otherwise).unwrap();
        prop_assert_eq!(text(&otherwise), text(&value));
        prop_assert_eq!(digest(&otherwise), digest(&value));
    }

    #[test]
    fn what_was_printed_reads_as_what_it_was(value in json()) {
        let once = canonical(&value);
        let read: Value = serde_json::from_str(&text(&value)).unwrap();
        prop_assert_eq!(&read, &once);
        prop_assert_eq!(canonical(&read), once);
    }

    #[test]
    fn another_value_has_another_digest(one in json(), other in json()) {
        prop_assert_eq!(digest(&one) == digest(&other), canonical(&one) == canonical(&other));
        prop_assert_ne!(digest(&json!([one])), digest(&json!([one, 0])));
        prop_assert_ne!(digest(&json!({"a": true, "b": one})), digest(&json!({"a": one, "b": false})));
    }
}
