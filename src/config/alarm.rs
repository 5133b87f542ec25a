//! Conditions of alarms: `5xx > 1% for 3m`.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::units::{Relation, Seconds};

/// When an alarm goes off: a metric of a variant that is beyond a bound for so long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Condition {
    /// What is measured.
    pub metric: Metric,
    /// How it is compared.
    pub relation: Relation,
    /// With what, in the unit that was written.
    pub bound: f64,
    /// The unit.
    pub unit: Unit,
    /// For how long: whole minutes, 1 to 1440.
    pub lasting: Seconds,
}

/// What is measured of one variant, each minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Metric {
    /// Requests that were wrong: `4xx`.
    ClientErrors,
    /// Requests that failed: `5xx`.
    ServerErrors,
    /// How long the model took on average: `latency`.
    Latency,
    /// How long the model took at most in so many of a hundred cases: `p95`, `p99.9`.
    Percentile(String),
    /// Requests: `invocations`.
    Invocations,
    /// What is used of an instance, on average; of several processors it is the sum.
    Utilization(Resource),
}

/// A resource of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// `cpu`
    Cpu,
    /// `memory`
    Memory,
    /// `disk`
    Disk,
    /// `gpu`
    Gpu,
    /// `gpu_memory`
    GpuMemory,
}

/// The unit of a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A number of requests a minute.
    Count,
    /// `%`
    Percent,
    /// `ms`
    Milliseconds,
    /// `s`
    Seconds,
}

const RESOURCES: [(&str, Resource); 5] = [
    ("cpu", Resource::Cpu),
    ("memory", Resource::Memory),
    ("disk", Resource::Disk),
    ("gpu", Resource::Gpu),
    ("gpu_memory", Resource::GpuMemory),
];

/// The longest time that an alarm may look back: CloudWatch's own figure.
const LASTING_MAX: u64 = 86_400;

impl JsonSchema for Condition {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Condition".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let compared = r"\s*(>=|<=|>|<)\s*[0-9]{1,9}(\.[0-9]{1,6})?";
        let minutes = "([1-9][0-9]{0,2}|1[0-3][0-9]{2}|14[0-3][0-9]|1440)m";
        let hours = "([1-9]|1[0-9]|2[0-4])h";
        json_schema!({
            "type": "string",
            "pattern": format!(
                "^((4xx|5xx){compared}%?|(p[0-9]{{1,2}}(\\.[0-9]{{1,2}})?|latency){compared}m?s\
                 |(cpu|memory|disk|gpu|gpu_memory){compared}%|invocations{compared})\
                 \\s+for\\s+({minutes}|{hours})$"
            ),
            "x-expected": "a condition such as `5xx > 1% for 3m`, `p95 > 200ms for 5m` or \
                `cpu > 90% for 10m`",
        })
    }
}

impl TryFrom<String> for Condition {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        parse(&text).ok_or_else(|| {
            format!("expected a condition such as `5xx > 1% for 3m`, found `{text}`")
        })
    }
}

fn parse(text: &str) -> Option<Condition> {
    let (what, lasting) = text.split_once(" for ")?;
    let lasting = Seconds::try_from(serde_json::Value::from(lasting.trim())).ok()?;
    let whole = lasting.0 % 60 == 0 && (60..=LASTING_MAX).contains(&lasting.0);
    let at = what.find(['<', '>'])?;
    let (name, rest) = what.split_at(at);
    let signs = ["<=", ">=", "<", ">"];
    let sign = signs.into_iter().find(|sign| rest.starts_with(sign))?;
    let relation = Relation::of(sign)?;
    let value = rest[sign.len()..].trim();
    let digits = value
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(value.len());
    let unit = match &value[digits..] {
        "" => Unit::Count,
        "%" => Unit::Percent,
        "ms" => Unit::Milliseconds,
        "s" => Unit::Seconds,
        _ => return None,
    };
    let condition = Condition {
        metric: metric(name.trim())?,
        relation,
        bound: value[..digits].parse().ok()?,
        unit,
        lasting,
    };
    (whole && condition.has_its_unit()).then_some(condition)
}

fn metric(name: &str) -> Option<Metric> {
    Some(match name {
        "4xx" => Metric::ClientErrors,
        "5xx" => Metric::ServerErrors,
        "latency" => Metric::Latency,
        "invocations" => Metric::Invocations,
        _ => match name.strip_prefix('p') {
            Some(number) if is_percentile(number) => Metric::Percentile(number.to_owned()),
            _ => {
                let known = RESOURCES.iter().find(|(known, _)| *known == name)?;
                Metric::Utilization(known.1)
            }
        },
    })
}

fn is_percentile(number: &str) -> bool {
    number.starts_with(|c: char| c.is_ascii_digit())
        && number.parse::<f64>().is_ok_and(|number| number <= 100.0)
}

impl Condition {
    fn has_its_unit(&self) -> bool {
        match self.metric {
            Metric::ClientErrors | Metric::ServerErrors => {
                matches!(self.unit, Unit::Count | Unit::Percent)
            }
            Metric::Latency | Metric::Percentile(_) => {
                matches!(self.unit, Unit::Milliseconds | Unit::Seconds)
            }
            Metric::Invocations => self.unit == Unit::Count,
            Metric::Utilization(_) => self.unit == Unit::Percent,
        }
    }
}

impl From<Condition> for String {
    fn from(condition: Condition) -> Self {
        let metric = match &condition.metric {
            Metric::ClientErrors => "4xx".to_owned(),
            Metric::ServerErrors => "5xx".to_owned(),
            Metric::Latency => "latency".to_owned(),
            Metric::Percentile(number) => format!("p{number}"),
            Metric::Invocations => "invocations".to_owned(),
            Metric::Utilization(resource) => {
                let known = RESOURCES.iter().find(|(_, known)| known == resource);
                known.map(|(name, _)| *name).unwrap_or_default().to_owned()
            }
        };
        let unit = match condition.unit {
            Unit::Count => "",
            Unit::Percent => "%",
            Unit::Milliseconds => "ms",
            Unit::Seconds => "s",
        };
        let minutes = condition.lasting.0 / 60;
        let (relation, bound) = (condition.relation, condition.bound);
        format!("{metric} {relation} {bound}{unit} for {minutes}m")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, again: Option<&str>) {
        let read = Condition::try_from(text.to_owned()).map(String::from);
        assert_eq!(read.ok().as_deref(), again, "{text}");
        let mut generator = SchemaGenerator::default();
        let schema = Condition::json_schema(&mut generator).to_value();
        assert_eq!(
            jsonschema::is_valid(&schema, &text.into()),
            again.is_some(),
            "{text} against the schema"
        );
    }

    #[test]
    fn conditions_read_back_as_they_were_meant() {
        check("5xx > 1% for 3m", Some("5xx > 1% for 3m"));
        check("4xx>=10 for 1h", Some("4xx >= 10 for 60m"));
        check("p99.9 > 1.5s for 24h", Some("p99.9 > 1.5s for 1440m"));
        check("latency > 200ms for 5m", Some("latency > 200ms for 5m"));
        check("gpu_memory < 5% for 10m", Some("gpu_memory < 5% for 10m"));
        check("invocations < 1 for 1h", Some("invocations < 1 for 60m"));
        for wrong in [
            "",
            "5xx",
            "5xx > 1%",
            "5xx = 1% for 3m",
            "5xx > 1ms for 3m",
            "p95 > 200 for 5m",
            "q95 > 200ms for 5m",
            "cpu > 90 for 5m",
            "invocations < 1% for 5m",
            "5xx > -1% for 3m",
            "5xx > 1% for 0m",
            "5xx > 1% for 90s",
            "5xx > 1% for 25h",
            "5xx > 1% for 1441m",
        ] {
            check(wrong, None);
        }
    }
}
