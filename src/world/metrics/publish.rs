//! What is put into metrics from outside.

use serde_json::{Value, json};

use super::distribution::Distribution;
use super::{Datum, Metric, before};
use crate::clock::Timestamp;
use crate::world::World;
use crate::world::request::{Refusal, Reply, Request, items, text};

/// How far back, and how far ahead, a time may lie: two weeks and two hours.
const PAST_SECONDS_MAX: i64 = 14 * 86_400;
const AHEAD_SECONDS_MAX: i64 = 2 * 3600;
/// The greatest number that is taken, either way: 2^360.
const VALUE_MAX: f64 = 2.348_542_582_773_833e108;

impl World {
    pub(in crate::world) fn put_metric_data(&mut self, request: &Request<'_>) -> Reply {
        let namespace = request.text("Namespace");
        if namespace.starts_with("AWS/") {
            return Err(refused(format!(
                "The value {namespace} for parameter Namespace is invalid: names that begin with \
                 AWS/ are the services' own."
            )));
        }
        let entities = request.items("EntityMetricData").iter();
        let of_entities = entities.flat_map(|entity| items(entity, "MetricData"));
        let all = request.items("MetricData").iter().chain(of_entities);
        let data = all.map(|datum| read(namespace, datum, request.now));
        let data: Vec<_> = data.collect::<Result<_, _>>()?;
        if !self.keep(request.scope, data) {
            return Err(Refusal::new(
                "LimitExceeded",
                "There are too many metrics to begin another one.",
            ));
        }
        Ok(json!({}))
    }
}

fn read(namespace: &str, datum: &Value, now: Timestamp) -> Result<Datum, Refusal> {
    let mut metric = Metric::of(datum);
    namespace.clone_into(&mut metric.namespace);
    let given = datum.get("Timestamp").and_then(Value::as_f64);
    let at = given.map_or(Some(now), instant).filter(|at| {
        (before(now, PAST_SECONDS_MAX)..=before(now, -AHEAD_SECONDS_MAX)).contains(at)
    });
    let unit = text(datum, "Unit");
    Ok(Datum {
        values: values(datum)?,
        metric,
        unit: if unit.is_empty() { "None" } else { unit }.to_owned(),
        at: at.ok_or_else(|| {
            refused(
                "The parameter MetricData.member.1.Timestamp must specify a time within the past \
                 two weeks and no more than two hours in the future.",
            )
        })?,
    })
}

/// An instant of seconds since the epoch.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a float out of range is cut to its bounds"
)]
pub(super) fn instant(seconds: f64) -> Option<Timestamp> {
    Timestamp::from_millisecond((seconds * 1000.0) as i64).ok()
}

fn values(datum: &Value) -> Result<Distribution, Refusal> {
    let number = |value: &Value| {
        let number = value.as_f64().unwrap_or(f64::NAN);
        (number.abs() <= VALUE_MAX)
            .then_some(number)
            .ok_or_else(|| refused("The value must be a number from -2^360 to 2^360."))
    };
    match (
        datum.get("Value"),
        datum.get("StatisticValues"),
        datum.get("Values"),
    ) {
        (Some(value), None, None) => Ok(Distribution::of(number(value)?, 1.0)),
        (None, Some(set), None) => {
            let member = |name: &str| number(&set[name]);
            let (least, most) = (member("Minimum")?, member("Maximum")?);
            Ok(Distribution::summed(
                member("SampleCount")?,
                member("Sum")?,
                least,
                most,
            ))
        }
        (None, None, Some(_)) => {
            let (values, counts) = (items(datum, "Values"), items(datum, "Counts"));
            if !counts.is_empty() && counts.len() != values.len() {
                return Err(refused(
                    "The parameters Values and Counts must have the same number of members.",
                ));
            }
            let mut all = Distribution::default();
            for (at, value) in values.iter().enumerate() {
                let count = counts.get(at).map_or(Ok(1.0), number)?;
                all.merge(&Distribution::of(number(value)?, count));
            }
            Ok(all)
        }
        _ => Err(Refusal::new(
            "InvalidParameterCombination",
            "Exactly one of Value, Values and StatisticValues must be given for each metric.",
        )),
    }
}

fn refused(words: impl Into<String>) -> Refusal {
    Refusal::new("InvalidParameterValue", words)
}
