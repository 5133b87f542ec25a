//! Values with a unit or a small grammar: durations and gate conditions.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::model::Gate;

/// A duration in whole seconds; written as a number of seconds or as `90s`, `15m`, `2h`, `7d`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "serde_json::Value", into = "u64")]
pub struct Seconds(pub u64);

impl Seconds {
    /// The longest duration that a file may ask for: ten years.
    pub const MAX: u64 = 10 * 365 * 86_400;
}

impl JsonSchema for Seconds {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Seconds".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["integer", "string"],
            "minimum": 0,
            "maximum": Self::MAX,
            "pattern": "^([0-9]{1,9}s|[0-9]{1,7}m|[0-9]{1,5}h|[0-9]{1,4}d)$",
            "x-expected": "a duration such as `90s`, `15m`, `2h` or `7d`",
        })
    }
}

impl JsonSchema for Gate {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Gate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let one = r"\s*(>=|<=|>|<)\s*[-+]?([0-9]{1,15}(\.[0-9]{0,15})?|\.[0-9]{1,15})([eE][-+]?[0-9]{1,2})?\s*";
        json_schema!({
            "type": "string",
            "pattern": format!("^{one}( and {one})*$"),
            "x-expected": "comparisons with a number joined by `and`, such as `>= 0.80 and <= 0.99`",
        })
    }
}

/// A number of instances, or a share of all: `2`, or `10%`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "serde_json::Value", into = "serde_json::Value")]
pub enum Size {
    /// So many.
    Instances(u32),
    /// So many in a hundred.
    Percent(u32),
}

impl JsonSchema for Size {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["integer", "string"],
            "minimum": 1,
            "maximum": 1000,
            "pattern": "^([1-9][0-9]?|100)%$",
            "x-expected": "a share such as `10%`, or a number of instances",
        })
    }
}

impl TryFrom<serde_json::Value> for Size {
    type Error = String;

    fn try_from(value: serde_json::Value) -> Result<Self, Self::Error> {
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        let percent = value.as_str().and_then(|text| text.strip_suffix('%'));
        let percent = percent.and_then(|number| number.parse().ok());
        let size = number
            .map(Self::Instances)
            .or_else(|| percent.map(Self::Percent));
        size.ok_or_else(|| {
            format!("expected a share such as `10%`, or a number of instances, found `{value}`")
        })
    }
}

impl From<Size> for serde_json::Value {
    fn from(size: Size) -> Self {
        match size {
            Size::Instances(number) => number.into(),
            Size::Percent(number) => format!("{number}%").into(),
        }
    }
}

impl From<Seconds> for u64 {
    fn from(seconds: Seconds) -> Self {
        seconds.0
    }
}

impl TryFrom<serde_json::Value> for Seconds {
    type Error = String;

    fn try_from(value: serde_json::Value) -> Result<Self, Self::Error> {
        let wrong =
            || format!("expected a duration such as `90s`, `15m`, `2h` or `7d`, found `{value}`");
        if let Some(seconds) = value.as_u64() {
            return Ok(Self(seconds));
        }
        let text = value.as_str().ok_or_else(wrong)?;
        let unit_at = text
            .len()
            .checked_sub(1)
            .filter(|at| text.is_char_boundary(*at))
            .ok_or_else(wrong)?;
        let (number, unit) = text.split_at(unit_at);
        let factor = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            _ => return Err(wrong()),
        };
        let number: u64 = number.parse().map_err(|_| wrong())?;
        number.checked_mul(factor).map(Self).ok_or_else(wrong)
    }
}

/// A relation of a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// `>=`
    AtLeast,
    /// `>`
    Above,
    /// `<=`
    AtMost,
    /// `<`
    Below,
}

impl Relation {
    const ALL: [(&'static str, Self); 4] = [
        (">=", Self::AtLeast),
        ("<=", Self::AtMost),
        (">", Self::Above),
        ("<", Self::Below),
    ];

    /// The relation that a sign stands for.
    pub fn of(sign: &str) -> Option<Self> {
        let known = Self::ALL.iter().find(|(known, _)| *known == sign);
        known.map(|(_, relation)| *relation)
    }

    /// CloudWatch's word for it.
    pub fn alarm_operator(self) -> &'static str {
        match self {
            Self::AtLeast => "GreaterThanOrEqualToThreshold",
            Self::Above => "GreaterThanThreshold",
            Self::AtMost => "LessThanOrEqualToThreshold",
            Self::Below => "LessThanThreshold",
        }
    }

    /// The condition type of a SageMaker pipeline.
    pub fn condition_type(self) -> &'static str {
        match self {
            Self::AtLeast => "GreaterThanOrEqualTo",
            Self::Above => "GreaterThan",
            Self::AtMost => "LessThanOrEqualTo",
            Self::Below => "LessThan",
        }
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, _) = Self::ALL
            .iter()
            .find(|(_, one)| one == self)
            .expect("every relation has a sign");
        f.write_str(sign)
    }
}

/// One comparison of a gate with a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// How.
    pub relation: Relation,
    /// With what.
    pub bound: f64,
}

impl TryFrom<String> for Gate {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let wrong = |part: &str| {
            format!("expected `>=`, `>`, `<=` or `<` and a number, joined by `and`, found `{part}`")
        };
        text.split(" and ")
            .map(|part| {
                let part = part.trim();
                let (sign, relation) = Relation::ALL
                    .into_iter()
                    .find(|(sign, _)| part.starts_with(sign))
                    .ok_or_else(|| wrong(part))?;
                let bound: f64 = part[sign.len()..].trim().parse().map_err(|_| wrong(part))?;
                if bound.is_finite() {
                    Ok(Comparison { relation, bound })
                } else {
                    Err(wrong(part))
                }
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl From<Gate> for String {
    fn from(gate: Gate) -> Self {
        let parts: Vec<_> = gate
            .0
            .iter()
            .map(|one| format!("{} {}", one.relation, one.bound))
            .collect();
        parts.join(" and ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn durations_carry_their_unit() {
        let parse = |value| Seconds::try_from(value).map(|seconds| seconds.0);
        assert_eq!(parse(json!("2h")), Ok(7200));
        assert_eq!(parse(json!("0s")), Ok(0));
        assert_eq!(parse(json!(90)), Ok(90));
        for wrong in [
            json!("h"),
            json!(""),
            json!("2 weeks"),
            json!(-1),
            json!("é"),
            json!("99999999999999999999d"),
        ] {
            assert!(parse(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn gates_read_back_as_they_were_written() {
        let read = |text: &str| Gate::try_from(text.to_owned());
        assert_eq!(
            String::from(read(">= 0.8 and <0.99").unwrap()),
            ">= 0.8 and < 0.99"
        );
        for wrong in ["", "0.8", "= 1", ">= x", ">= champion - 0.005", ">= NaN"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
