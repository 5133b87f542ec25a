//! Conditions: a list that must hold in every part.

use std::cmp::Ordering;

use serde_json::Value;

use super::expression::Surroundings;
use crate::world::request::{items, text};

/// Whether all conditions hold.
pub(super) fn all_hold(conditions: &[Value], around: &Surroundings<'_>) -> Result<bool, String> {
    for condition in conditions {
        if !holds(condition, around)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn holds(condition: &Value, around: &Surroundings<'_>) -> Result<bool, String> {
    let side = |name: &str| around.resolve(condition.get(name).unwrap_or(&Value::Null));
    match text(condition, "Type") {
        "Equals" => Ok(same(&side("LeftValue")?, &side("RightValue")?)),
        "In" => {
            let sought = side("QueryValue")?;
            let values = side("Values")?;
            Ok(values
                .as_array()
                .is_some_and(|values| values.iter().any(|value| same(value, &sought))))
        }
        "Not" => Ok(!holds(
            condition.get("Expression").unwrap_or(&Value::Null),
            around,
        )?),
        "Or" => {
            for one in items(condition, "Conditions") {
                if holds(one, around)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        kind @ ("GreaterThan" | "GreaterThanOrEqualTo" | "LessThan" | "LessThanOrEqualTo") => {
            let order = order(&side("LeftValue")?, &side("RightValue")?)?;
            Ok(match kind {
                "GreaterThan" => order == Ordering::Greater,
                "GreaterThanOrEqualTo" => order != Ordering::Less,
                "LessThan" => order == Ordering::Less,
                _ => order != Ordering::Greater,
            })
        }
        kind => Err(format!("unknown condition type '{kind}'")),
    }
}

fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(_), Value::Number(_)) => order(left, right) == Ok(Ordering::Equal),
        _ => left == right,
    }
}

fn order(left: &Value, right: &Value) -> Result<Ordering, String> {
    let compared = match (left, right) {
        (Value::Number(left), Value::Number(right)) => match (left.as_i64(), right.as_i64()) {
            (Some(left), Some(right)) => Some(left.cmp(&right)),
            _ => left
                .as_f64()
                .zip(right.as_f64())
                .and_then(|(left, right)| left.partial_cmp(&right)),
        },
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        _ => None,
    };
    compared.ok_or_else(|| format!("cannot compare {left} with {right}"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;
    use crate::world::objects::Objects;
    use crate::world::pipeline::definition::Definition;

    fn check(condition: Value, expected: Result<bool, &str>) {
        let document = json!({
            "Version": "2020-12-01", "Steps": [{"Name": "a", "Type": "Fail"}]
        });
        let definition = Definition::read(&document).unwrap();
        let around = Surroundings {
            definition: &definition,
            parameters: &Map::new(),
            execution: &Value::Null,
            step: &|_| None,
            objects: &Objects::default(),
        };
        let found = all_hold(std::slice::from_ref(&condition), &around);
        assert_eq!(
            found.as_ref().copied().map_err(String::as_str),
            expected,
            "{condition}"
        );
    }

    #[test]
    fn conditions_compare_and_combine() {
        let two = |kind: &str, left: Value, right: Value| json!({"Type": kind, "LeftValue": left, "RightValue": right});
        check(two("Equals", json!(1), json!(1.0)), Ok(true));
        check(two("Equals", json!("1"), json!(1)), Ok(false));
        check(two("GreaterThan", json!(0.9), json!(0.9)), Ok(false));
        check(
            two("GreaterThanOrEqualTo", json!(0.9), json!(0.9)),
            Ok(true),
        );
        check(two("LessThan", json!(1), json!(2)), Ok(true));
        check(two("LessThanOrEqualTo", json!(3), json!(2)), Ok(false));
        check(
            two("LessThan", json!("NaN"), json!(2)),
            Err("cannot compare \"NaN\" with 2"),
        );
        check(
            json!({"Type": "In", "QueryValue": "b", "Values": ["a", "b"]}),
            Ok(true),
        );
        let never = two("LessThan", json!(3), json!(2));
        check(json!({"Type": "Not", "Expression": never}), Ok(true));
        let either = json!([
            two("LessThan", json!(3), json!(2)),
            two("Equals", json!(1), json!(1))
        ]);
        check(json!({"Type": "Or", "Conditions": either}), Ok(true));
        check(
            json!({"Type": "Maybe"}),
            Err("unknown condition type 'Maybe'"),
        );
    }
}
