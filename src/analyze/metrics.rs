//! What is published of each column, in the form in which a monitor's container hands it over.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::check::Drift;
use super::column::Column;
use super::constraints::Constraints;
use super::dataset::Dataset;

/// A metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    name: String,
    values: Values,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Values {
    One(f64),
    Many {
        count: u64,
        sum: f64,
        min: f64,
        max: f64,
    },
}

/// What metrics are about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// The endpoint.
    pub endpoint: Option<String>,
    /// The schedule.
    pub schedule: Option<String>,
    /// When, as RFC 3339 has it.
    pub time: Option<String>,
}

impl Metric {
    /// One line of the file that metrics are handed over in; none for what is not finite.
    pub fn line(&self, about: &About) -> Option<Value> {
        let dimensions = [
            ("Endpoint", &about.endpoint),
            ("MonitoringSchedule", &about.schedule),
        ];
        let dimensions = dimensions.into_iter().filter_map(|(name, value)| {
            value
                .as_ref()
                .map(|value| json!({"Name": name, "Value": value}))
        });
        let mut line = json!({
            "MetricName": self.name, "Dimensions": dimensions.collect::<Vec<_>>(), "Unit": "None",
        });
        if let Some(time) = &about.time {
            line["Timestamp"] = json!(time);
        }
        match self.values {
            Values::One(value) => {
                value.is_finite().then_some(())?;
                line["Value"] = json!(value);
            }
            Values::Many {
                count,
                sum,
                min,
                max,
            } => {
                sum.is_finite().then_some(())?;
                line["StatisticValues"] = json!({
                    "SampleCount": count, "Sum": sum, "Minimum": min, "Maximum": max,
                });
            }
        }
        Some(line)
    }
}

/// Those of the columns that the baseline does not say to publish nothing of.
pub(super) fn of(
    dataset: &Dataset,
    baseline: Option<&Constraints>,
    drifts: &BTreeMap<String, Drift>,
) -> Vec<Metric> {
    let silent = |column: &&Column| {
        baseline.is_some_and(|baseline| {
            let mut features = baseline.features.iter();
            let feature = features.find(|feature| feature.name == column.name);
            feature.is_some_and(|feature| !baseline.rules(feature).emits)
        })
    };
    let columns = dataset.columns().iter();
    columns
        .filter(|column| !silent(column))
        .flat_map(|column| of_column(dataset, column, drifts.get(&column.name)))
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
fn of_column(dataset: &Dataset, column: &Column, drift: Option<&Drift>) -> Vec<Metric> {
    let (rows, present) = (dataset.rows(), column.present());
    let metric = |name: &str, values| Metric {
        name: format!("feature_{name}_{}", column.name),
        values,
    };
    // One for a value that is there, and nothing for one that is not.
    let there = Values::Many {
        count: rows,
        sum: present as f64,
        min: f64::from(u8::from(present == rows)),
        max: f64::from(u8::from(present > 0)),
    };
    let mut metrics = vec![metric("non_null", there)];
    let numbers = &column.numbers;
    if numbers.count() > 0 {
        let values = Values::Many {
            count: numbers.count(),
            sum: numbers.sum(),
            min: numbers.min,
            max: numbers.max,
        };
        metrics.push(metric("data", values));
    }
    metrics.extend(drift.map(|drift| metric("baseline_drift", Values::One(drift.distance))));
    metrics
}
