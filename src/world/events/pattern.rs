//! Patterns of events: which events a rule is for, and which messages a subscription.

use core::net::IpAddr;

use serde_json::{Map, Value};

use crate::limits::EVENT_PATTERN_DEPTH_MAX;

/// The ways of matching a value that is not simply given.
const WAYS: &[&str] = &[
    "prefix",
    "suffix",
    "anything-but",
    "numeric",
    "exists",
    "equals-ignore-case",
    "wildcard",
    "cidr",
];
/// Says that one of several patterns is enough.
const OR: &str = "$or";

/// What is wrong with a pattern, if something is.
pub(in crate::world) fn fault(pattern: &Value) -> Option<String> {
    let Some(rules) = pattern.as_object() else {
        return Some("Filter is not an object".to_owned());
    };
    if rules.is_empty() {
        return Some("Empty patterns are not allowed".to_owned());
    }
    fault_of_rules(rules, 0)
}

fn fault_of_rules(rules: &Map<String, Value>, depth: usize) -> Option<String> {
    if depth > EVENT_PATTERN_DEPTH_MAX {
        return Some("Pattern is nested too deeply".to_owned());
    }
    rules.iter().find_map(|(key, rule)| match rule {
        Value::Array(any) if key == OR => {
            let each = any.iter().map(|one| one.as_object());
            if any.len() < 2 {
                return Some("Size of \"$or\" must be at least 2".to_owned());
            }
            each.into_iter().find_map(|one| match one {
                Some(rules) => fault_of_rules(rules, depth + 1),
                None => Some("\"$or\" must be an array of objects".to_owned()),
            })
        }
        Value::Array(any) if any.is_empty() => Some("Empty arrays are not allowed".to_owned()),
        Value::Array(any) => any.iter().find_map(fault_of_one),
        Value::Object(rules) if rules.is_empty() => {
            Some("Empty objects are not allowed".to_owned())
        }
        Value::Object(rules) => fault_of_rules(rules, depth + 1),
        _ => Some(format!("\"{key}\" must be an object or an array")),
    })
}

fn fault_of_one(one: &Value) -> Option<String> {
    let Value::Object(ways) = one else {
        return one
            .is_array()
            .then(|| "Nested arrays are not allowed".to_owned());
    };
    let mut ways = ways.iter();
    let (Some((way, rule)), None) = (ways.next(), ways.next()) else {
        return Some("Only one key allowed in match expression".to_owned());
    };
    if !WAYS.contains(&way.as_str()) {
        return Some(format!("Unrecognized match type {way}"));
    }
    let fits = match way.as_str() {
        "exists" => rule.is_boolean(),
        "numeric" => bounds(rule).is_some(),
        "prefix" | "suffix" => affix(rule).is_some(),
        "anything-but" => !rule.is_boolean() && !rule.is_null(),
        "cidr" => rule.as_str().and_then(network).is_some(),
        _ => rule.is_string(),
    };
    (!fits).then(|| format!("{way} match pattern is not of its form"))
}

/// Whether an event is of a pattern that has no fault.
pub(in crate::world) fn matches(pattern: &Value, event: &Value) -> bool {
    let rules = pattern.as_object();
    rules.is_some_and(|rules| rules.iter().all(|(key, rule)| holds(key, rule, event)))
}

fn holds(key: &str, rule: &Value, event: &Value) -> bool {
    match (rule, event.get(key)) {
        (Value::Array(any), _) if key == OR => any.iter().any(|one| matches(one, event)),
        (Value::Array(any), found) => {
            let leaves = leaves(found);
            any.iter().any(|one| one_holds(one, &leaves))
        }
        (_, Some(Value::Array(items))) => items.iter().any(|item| matches(rule, item)),
        (_, found) => matches(rule, found.unwrap_or(&Value::Null)),
    }
}

/// The values at a place, without what has members of its own.
fn leaves(found: Option<&Value>) -> Vec<&Value> {
    match found {
        None | Some(Value::Object(_)) => Vec::new(),
        Some(Value::Array(items)) => items.iter().filter(|item| !item.is_object()).collect(),
        Some(leaf) => vec![leaf],
    }
}

fn one_holds(one: &Value, leaves: &[&Value]) -> bool {
    let way = one.as_object().and_then(|ways| ways.iter().next());
    match way {
        None => leaves.iter().any(|leaf| same(one, leaf)),
        Some((way, rule)) if way == "exists" => rule.as_bool() == Some(!leaves.is_empty()),
        Some((way, rule)) => leaves.iter().any(|leaf| way_holds(way, rule, leaf)),
    }
}

/// Whether two values are equal; numbers are, however they are written.
fn same(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one.total_cmp(&other).is_eq(),
        _ => one == other,
    }
}

fn way_holds(way: &str, rule: &Value, leaf: &Value) -> bool {
    let text = leaf.as_str();
    match way {
        "prefix" => affix_holds(rule, text, |text, start| text.starts_with(start)),
        "suffix" => affix_holds(rule, text, |text, end| text.ends_with(end)),
        "equals-ignore-case" => {
            let rule = rule.as_str().map(str::to_lowercase);
            rule.is_some() && rule == text.map(str::to_lowercase)
        }
        "wildcard" => {
            let pair = rule.as_str().zip(text);
            pair.is_some_and(|(rule, text)| wildcard(rule.as_bytes(), text.as_bytes()))
        }
        "numeric" => {
            let pair = bounds(rule).zip(leaf.as_f64());
            pair.is_some_and(|(bounds, number)| bounds.iter().all(|bound| bound.takes(number)))
        }
        "anything-but" => !excluded(rule, leaf),
        "cidr" => {
            let network = rule.as_str().and_then(network);
            let address = text.and_then(|text| text.parse().ok());
            network
                .zip(address)
                .is_some_and(|(network, address)| within(network, address))
        }
        _ => false,
    }
}

/// The text of a rule about a beginning or an end, and whether its case counts.
fn affix(rule: &Value) -> Option<(&str, bool)> {
    match rule {
        Value::String(text) => Some((text, true)),
        Value::Object(_) => Some((rule["equals-ignore-case"].as_str()?, false)),
        _ => None,
    }
}

fn affix_holds(rule: &Value, text: Option<&str>, fits: fn(&str, &str) -> bool) -> bool {
    match affix(rule).zip(text) {
        Some(((rule, true), text)) => fits(text, rule),
        Some(((rule, false), text)) => fits(&text.to_lowercase(), &rule.to_lowercase()),
        None => false,
    }
}

/// What `anything-but` names: values, or one way of matching several.
fn excluded(rule: &Value, leaf: &Value) -> bool {
    match rule {
        Value::Array(values) => values.iter().any(|value| same(value, leaf)),
        Value::Object(ways) => ways.iter().any(|(way, rule)| match rule {
            Value::Array(rules) => rules.iter().any(|rule| way_holds(way, rule, leaf)),
            rule => way_holds(way, rule, leaf),
        }),
        value => same(value, leaf),
    }
}

/// Whether a text is of a form in which a star is any text. A backslash takes a star's meaning away.
fn wildcard(rule: &[u8], text: &[u8]) -> bool {
    // Where the last star stood, and how much of the text it was taken for.
    let mut star: Option<(usize, usize)> = None;
    let (mut at, mut read) = (0, 0);
    while read < text.len() {
        let plain = match rule.get(at) {
            Some(b'\\') if rule.get(at + 1).is_some() => Some((rule[at + 1], 2)),
            Some(b'*') => {
                star = Some((at + 1, read));
                at += 1;
                continue;
            }
            Some(byte) => Some((*byte, 1)),
            None => None,
        };
        match (plain, star) {
            (Some((byte, length)), _) if byte == text[read] => {
                at += length;
                read += 1;
            }
            (_, Some((after, taken))) => {
                star = Some((after, taken + 1));
                (at, read) = (after, taken + 1);
            }
            (_, None) => return false,
        }
    }
    rule[at..].iter().all(|byte| *byte == b'*')
}

/// One comparison of a number.
struct Bound<'a> {
    how: &'a str,
    with: f64,
}

impl Bound<'_> {
    fn takes(&self, number: f64) -> bool {
        let order = number.total_cmp(&self.with);
        match self.how {
            "=" => order.is_eq(),
            "<" => order.is_lt(),
            "<=" => order.is_le(),
            ">" => order.is_gt(),
            _ => order.is_ge(),
        }
    }
}

fn bounds(rule: &Value) -> Option<Vec<Bound<'_>>> {
    let parts = rule.as_array().filter(|parts| !parts.is_empty())?;
    let pairs = parts.chunks(2).map(|pair| {
        let how = pair[0]
            .as_str()
            .filter(|how| ["=", "<", "<=", ">", ">="].contains(how))?;
        let with = pair.get(1)?.as_f64()?;
        Some(Bound { how, with })
    });
    pairs.collect()
}

fn network(text: &str) -> Option<(IpAddr, u32)> {
    let (address, bits) = text.split_once('/')?;
    let (address, bits): (IpAddr, u32) = (address.parse().ok()?, bits.parse().ok()?);
    (bits <= length(address)).then_some((address, bits))
}

fn length(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn within((network, bits): (IpAddr, u32), address: IpAddr) -> bool {
    let number = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    };
    let shift = length(network) - bits;
    let start = |address: IpAddr| number(address).checked_shr(shift).unwrap_or(0);
    length(network) == length(address) && start(network) == start(address)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn check(pattern: Value, event: Value, expect: bool) {
        assert_eq!(fault(&pattern), None, "{pattern}");
        assert_eq!(matches(&pattern, &event), expect, "{pattern} of {event}");
    }

    #[test]
    fn values_are_matched_in_their_ways() {
        for (rule, good, bad) in [
            (json!("a"), json!("a"), json!("b")),
            (json!(1), json!(1.0), json!("1")),
            (json!(null), json!(null), json!("")),
            (json!({"prefix": "ab"}), json!("abc"), json!("cab")),
            (json!({"suffix": "bc"}), json!("abc"), json!("bca")),
            (
                json!({"prefix": {"equals-ignore-case": "AB"}}),
                json!("abc"),
                json!("b"),
            ),
            (
                json!({"equals-ignore-case": "aB"}),
                json!("Ab"),
                json!("abc"),
            ),
            (json!({"anything-but": "a"}), json!("b"), json!("a")),
            (json!({"anything-but": ["a", 1]}), json!("b"), json!(1)),
            (
                json!({"anything-but": {"prefix": "a"}}),
                json!("b"),
                json!("ab"),
            ),
            (
                json!({"anything-but": {"suffix": ["a", "b"]}}),
                json!("c"),
                json!("ab"),
            ),
            (json!({"numeric": [">", 1, "<=", 5]}), json!(5), json!(1)),
            (json!({"numeric": ["=", 2]}), json!(2.0), json!("2")),
            (json!({"wildcard": "a*c*e"}), json!("abcde"), json!("abcd")),
            (json!({"wildcard": "*/x/*"}), json!("a/x/"), json!("a/y/")),
            (json!({"wildcard": "a\\*"}), json!("a*"), json!("ab")),
            (
                json!({"cidr": "10.0.0.0/24"}),
                json!("10.0.0.255"),
                json!("10.0.1.0"),
            ),
            (
                json!({"cidr": "::/0"}),
                json!("2001:db8::1"),
                json!("10.0.0.1"),
            ),
        ] {
            check(json!({"k": [rule]}), json!({"k": good}), true);
            check(json!({"k": [rule]}), json!({"k": bad}), false);
        }
    }

    #[test]
    fn places_are_matched_all_and_values_any() {
        let event = json!({"source": "s", "detail": {"state": "on", "tags": ["x", "y"],
            "parts": [{"n": 1}, {"n": 2}]}});
        check(
            json!({"detail": {"state": ["off", "on"]}}),
            event.clone(),
            true,
        );
        check(
            json!({"source": ["s"], "detail": {"state": ["off"]}}),
            event.clone(),
            false,
        );
        check(json!({"detail": {"tags": ["y"]}}), event.clone(), true);
        check(
            json!({"detail": {"parts": {"n": [2]}}}),
            event.clone(),
            true,
        );
        check(
            json!({"detail": {"none": [{"exists": false}]}}),
            event.clone(),
            true,
        );
        check(
            json!({"detail": {"state": [{"exists": false}]}}),
            event.clone(),
            false,
        );
        check(
            json!({"else": {"a": [{"exists": false}]}}),
            event.clone(),
            true,
        );
        check(
            json!({"detail": {"state": [{"exists": true}]}}),
            event.clone(),
            true,
        );
        let either = json!({"$or": [{"source": ["t"]}, {"detail": {"state": ["on"]}}]});
        check(either, event.clone(), true);
        let neither = json!({"$or": [{"source": ["t"]}, {"source": ["u"]}]});
        check(neither, event, false);
    }

    #[test]
    fn what_is_no_pattern_is_told() {
        let nested =
            (0..=EVENT_PATTERN_DEPTH_MAX).fold(json!(["a"]), |inner, _| json!({"k": inner}));
        check(nested.clone(), json!({}), false);
        for (pattern, words) in [
            (json!([]), "not an object"),
            (json!({}), "Empty patterns"),
            (json!({"a": "b"}), "must be an object or an array"),
            (json!({"a": []}), "Empty arrays"),
            (json!({"a": [{"else": 1}]}), "Unrecognized match type else"),
            (json!({"a": [{"prefix": 1}]}), "prefix match pattern"),
            (
                json!({"a": [{"numeric": ["!", 1]}]}),
                "numeric match pattern",
            ),
            (
                json!({"a": [{"cidr": "10.0.0.0/33"}]}),
                "cidr match pattern",
            ),
            (json!({"$or": [{"a": ["b"]}]}), "at least 2"),
            (json!({"k": nested}), "too deeply"),
        ] {
            let found = fault(&pattern).unwrap();
            assert!(found.contains(words), "{found} without {words}");
        }
    }

    proptest! {
        #[test]
        fn a_star_is_any_text(parts in proptest::collection::vec("[a-c]{0,3}", 1..5), other in "[a-c]{0,8}") {
            let rule = parts.join("*");
            let text = parts.join(&other);
            prop_assert!(wildcard(rule.as_bytes(), text.as_bytes()));
        }
    }
}
