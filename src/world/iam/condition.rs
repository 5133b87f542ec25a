//! Conditions of a statement: operators over what is known of a request.

use std::cmp::Ordering;
use std::collections::BTreeMap;
// The addresses of `core` are plain data: nothing here goes over a network.
use core::net::IpAddr;

use serde_json::{Map, Value};

use super::document::texts;
use super::wildcard::{matches, matches_arn};
use crate::clock::Timestamp;

/// What is known of a request: keys in lower case, and their values.
pub(super) type Context = BTreeMap<String, Vec<String>>;

/// An operator as it is written: of which values, which test, and what if there is no such key.
struct Operator<'a> {
    of: Quantity,
    test: &'a str,
    if_exists: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quantity {
    One,
    All,
    Any,
}

impl<'a> Operator<'a> {
    fn read(text: &'a str) -> Self {
        let (of, rest) = match text.split_once(':') {
            Some(("ForAllValues", rest)) => (Quantity::All, rest),
            Some(("ForAnyValue", rest)) => (Quantity::Any, rest),
            _ => (Quantity::One, text),
        };
        let test = rest.strip_suffix("IfExists");
        Self {
            of,
            test: test.unwrap_or(rest),
            if_exists: test.is_some(),
        }
    }

    /// The test without its negation, and whether it is negated.
    fn plain(&self) -> (String, bool) {
        let plain = self.test.replacen("Not", "", 1);
        (plain.clone(), plain != self.test)
    }

    fn is_known(&self) -> bool {
        let (plain, negated) = self.plain();
        let compared = ["Numeric", "Date"]
            .iter()
            .find_map(|of| plain.strip_prefix(of));
        match (plain.as_str(), compared) {
            ("Null", _) => !negated && self.of == Quantity::One && !self.if_exists,
            ("Bool" | "BinaryEquals", _) => !negated,
            (
                "StringEquals"
                | "StringEqualsIgnoreCase"
                | "StringLike"
                | "ArnEquals"
                | "ArnLike"
                | "IpAddress",
                _,
            )
            | (_, Some("Equals")) => true,
            (_, Some("LessThan" | "LessThanEquals" | "GreaterThan" | "GreaterThanEquals")) => {
                !negated
            }
            _ => false,
        }
    }

    fn holds(&self, values: Option<&Vec<String>>, wanted: &[String]) -> bool {
        let (plain, negated) = self.plain();
        if plain == "Null" {
            let absent = values.is_none_or(Vec::is_empty);
            return wanted.iter().any(|wanted| (wanted == "true") == absent);
        }
        let passes = |value: &String| {
            let like = wanted.iter().any(|wanted| compare(&plain, value, wanted));
            like != negated
        };
        let values = values.map(Vec::as_slice).unwrap_or_default();
        match self.of {
            _ if values.is_empty() && self.if_exists => true,
            Quantity::All => values.iter().all(passes),
            Quantity::Any => values.iter().any(passes),
            Quantity::One if values.is_empty() => negated,
            Quantity::One if negated => values.iter().all(passes),
            Quantity::One => values.iter().any(passes),
        }
    }
}

/// Whether a value of a request is what a test wants.
fn compare(test: &str, value: &str, wanted: &str) -> bool {
    match test {
        "StringEquals" | "BinaryEquals" => value == wanted,
        "StringEqualsIgnoreCase" => value.to_lowercase() == wanted.to_lowercase(),
        "StringLike" => matches(wanted, value),
        "ArnEquals" | "ArnLike" => matches_arn(wanted, value),
        "Bool" => value.eq_ignore_ascii_case(wanted),
        "IpAddress" => within(value, wanted),
        _ => {
            let relation = test
                .trim_start_matches("Numeric")
                .trim_start_matches("Date");
            order(test, value, wanted).is_some_and(|order| match relation {
                "Equals" => order.is_eq(),
                "LessThan" => order.is_lt(),
                "LessThanEquals" => order.is_le(),
                "GreaterThan" => order.is_gt(),
                _ => order.is_ge(),
            })
        }
    }
}

/// How two numbers or two instants follow each other; nothing where one of the two is none.
fn order(test: &str, value: &str, wanted: &str) -> Option<Ordering> {
    if test.starts_with("Numeric") {
        number(value)?.partial_cmp(&number(wanted)?)
    } else {
        Some(instant(value)?.cmp(&instant(wanted)?))
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

/// An instant as a date, a date with a time, or seconds since 1970.
fn instant(text: &str) -> Option<Timestamp> {
    let seconds = text.parse().ok().map(Timestamp::from_second);
    let day = || format!("{text}T00:00:00Z").parse().ok();
    seconds.map_or_else(|| text.parse().ok().or_else(day), Result::ok)
}

/// Whether an address is one, or in one range.
fn within(address: &str, range: &str) -> bool {
    let (base, length) = match range.split_once('/') {
        Some((base, length)) => (base, length.parse::<u32>().ok()),
        None => (range, Some(128)),
    };
    let (Ok(address), Ok(base), Some(length)) = (address.parse(), base.parse(), length) else {
        return false;
    };
    let bits = |address: IpAddr| match address {
        IpAddr::V4(four) => (u128::from(u32::from(four)) << 96, 32),
        IpAddr::V6(six) => (u128::from(six), 128),
    };
    let ((address, of), (base, base_of)) = (bits(address), bits(base));
    let length = length.min(base_of);
    let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
    of == base_of && address & mask == base & mask
}

/// Refuses operators that there are not, and values that are none.
pub(super) fn check(conditions: &Map<String, Value>) -> Result<(), String> {
    for (operator, keys) in conditions {
        if !Operator::read(operator).is_known() {
            return Err(format!("Invalid condition operator: {operator}"));
        }
        let keys = keys.as_object().ok_or("Syntax errors in policy.")?;
        if keys.values().any(|wanted| read(wanted).is_none()) {
            return Err("Syntax errors in policy.".to_owned());
        }
    }
    Ok(())
}

/// What a condition wants: texts, numbers and truths, one or several.
fn read(wanted: &Value) -> Option<Vec<String>> {
    match wanted {
        Value::Bool(_) | Value::Number(_) => Some(vec![wanted.to_string()]),
        Value::Array(all) if !all.iter().all(Value::is_string) => {
            let each = all.iter().map(|one| read(one)?.pop());
            each.collect()
        }
        _ => texts(wanted),
    }
}

/// Whether all conditions of a statement hold. `filled` puts what is known into a value.
pub(super) fn hold(
    conditions: &Map<String, Value>,
    context: &Context,
    filled: impl Fn(&str) -> Option<String>,
) -> bool {
    conditions.iter().all(|(operator, keys)| {
        let operator = Operator::read(operator);
        keys.as_object().into_iter().flatten().all(|(key, wanted)| {
            let wanted = read(wanted).unwrap_or_default();
            let wanted: Vec<String> = wanted.iter().filter_map(|one| filled(one)).collect();
            operator.holds(context.get(&key.to_ascii_lowercase()), &wanted)
        })
    })
}

/// The keys that conditions are over.
pub(super) fn keys(conditions: &Map<String, Value>) -> impl Iterator<Item = &String> {
    let all = conditions.values().filter_map(Value::as_object);
    all.flat_map(Map::keys)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Whether `operator` holds of a key with these values; none at all is no such key.
    fn check(operator: &str, values: &[&str], wanted: Value, expected: bool) {
        let mut conditions = Map::new();
        conditions.insert(operator.to_owned(), json!({"Aws:Key": wanted}));
        assert_eq!(super::check(&conditions), Ok(()), "{operator}");
        let values: Vec<String> = values.iter().map(|one| (*one).to_owned()).collect();
        let context: Context = [("aws:key".to_owned(), values)]
            .into_iter()
            .filter(|(_, values)| !values.is_empty())
            .collect();
        let holds = hold(&conditions, &context, |text| Some(text.to_owned()));
        assert_eq!(holds, expected, "{operator} {conditions:?} {context:?}");
    }

    #[test]
    fn texts_are_compared() {
        check("StringEquals", &["a"], json!("a"), true);
        check("StringEquals", &["a"], json!(["b", "a"]), true);
        check("StringEquals", &["A"], json!("a"), false);
        check("StringEquals", &[], json!("a"), false);
        check("StringEqualsIfExists", &[], json!("a"), true);
        check("StringEqualsIfExists", &["b"], json!("a"), false);
        check("StringNotEquals", &["a"], json!(["a", "b"]), false);
        check("StringNotEquals", &["c"], json!(["a", "b"]), true);
        check("StringNotEquals", &[], json!("a"), true);
        check("StringEqualsIgnoreCase", &["A"], json!("a"), true);
        check("StringNotEqualsIgnoreCase", &["A"], json!("a"), false);
        check("StringLike", &["home/a"], json!("home/*"), true);
        check("StringNotLike", &["home/a"], json!("home/?"), false);
        check("Bool", &["true"], json!("true"), true);
        check("Bool", &["True"], json!(true), true);
        check("Bool", &["false"], json!("true"), false);
    }

    #[test]
    fn numbers_dates_arns_and_addresses_are_compared() {
        check("NumericLessThan", &["9"], json!("10"), true);
        check("NumericLessThanEquals", &["10"], json!(10), true);
        check("NumericGreaterThan", &["9"], json!(["x", "8"]), true);
        check("NumericNotEquals", &["9"], json!("9.0"), false);
        check("NumericEquals", &["x"], json!("x"), false);
        check(
            "DateLessThan",
            &["2026-01-01T00:00:00Z"],
            json!("2026-01-02"),
            true,
        );
        check(
            "DateGreaterThanEquals",
            &["1767225600"],
            json!("2026-01-01T00:00:00Z"),
            true,
        );
        check("DateEquals", &["soon"], json!("soon"), false);
        check(
            "ArnLike",
            &["arn:aws:sns:e:1:t"],
            json!("arn:aws:sns:*:*:t"),
            true,
        );
        check(
            "ArnNotEquals",
            &["arn:aws:sns:e:1:t"],
            json!("arn:aws:sns:*:*:t"),
            false,
        );
        check("IpAddress", &["10.1.2.3"], json!("10.1.0.0/16"), true);
        check("IpAddress", &["10.2.2.3"], json!("10.1.0.0/16"), false);
        check("IpAddress", &["10.1.2.3"], json!("10.1.2.3"), true);
        check("IpAddress", &["10.1.2.3"], json!("0.0.0.0/0"), true);
        check("IpAddress", &["2001:db8::1"], json!("2001:db8::/32"), true);
        check("IpAddress", &["10.1.2.3"], json!("::/0"), false);
        check("NotIpAddress", &["10.1.2.3"], json!("10.0.0.0/8"), false);
    }

    #[test]
    fn keys_may_be_absent_or_have_several_values() {
        check("Null", &[], json!("true"), true);
        check("Null", &["x"], json!("true"), false);
        check("Null", &["x"], json!(false), true);
        check(
            "ForAllValues:StringEquals",
            &["a", "b"],
            json!(["a", "b", "c"]),
            true,
        );
        check(
            "ForAllValues:StringEquals",
            &["a", "d"],
            json!(["a", "b"]),
            false,
        );
        check("ForAllValues:StringEquals", &[], json!("a"), true);
        check(
            "ForAnyValue:StringEquals",
            &["d", "a"],
            json!(["a", "b"]),
            true,
        );
        check("ForAnyValue:StringEquals", &["d"], json!("a"), false);
        check("ForAnyValue:StringEquals", &[], json!("a"), false);
        check("ForAnyValue:StringEqualsIfExists", &[], json!("a"), true);
        check(
            "ForAllValues:StringNotEquals",
            &["c"],
            json!(["a", "b"]),
            true,
        );
    }

    #[test]
    fn other_operators_are_refused() {
        for operator in [
            "Strings",
            "BoolNot",
            "NumericLike",
            "NotNull",
            "NullIfExists",
        ] {
            let mut conditions = Map::new();
            conditions.insert(operator.to_owned(), json!({"a": "b"}));
            assert!(super::check(&conditions).is_err(), "{operator}");
        }
    }
}
