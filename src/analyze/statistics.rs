//! `statistics.json`: what is in each column.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::cell::Type;
use super::column::{Column, Numbers};
use super::dataset::Dataset;
use super::number;
use super::sketch::{Ranks, Written};

/// Ranges of equal width that numbers are counted in.
const BUCKETS: u32 = 10;

/// The file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    version: f64,
    dataset: Items,
    pub(super) features: Vec<Feature>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Items {
    item_count: u64,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Feature {
    pub(super) name: String,
    pub(super) inferred_type: Type,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    numerical_statistics: Option<Numerical>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    string_statistics: Option<Strings>,
}

impl Feature {
    /// What is known of the distribution of its numbers; none if it has none.
    pub(super) fn ranks(&self) -> Option<Ranks> {
        let numbers = self.numerical_statistics.as_ref()?;
        let ranks = numbers.distribution.as_ref()?.kll.sketch.ranks();
        (ranks.total() > 0).then_some(ranks)
    }

    /// How often it has each of its values, where it is of texts and they are few; none if it has
    /// none.
    pub(super) fn counts(&self) -> Option<BTreeMap<&str, u64>> {
        let texts = self.string_statistics.as_ref()?;
        let buckets = &texts.distribution.as_ref()?.categorical.buckets;
        let counts = buckets.iter().map(|bucket| (&*bucket.value, bucket.count));
        let counts: BTreeMap<&str, u64> = counts.collect();
        (counts.values().sum::<u64>() > 0).then_some(counts)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Common {
    num_present: u64,
    num_missing: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Numerical {
    common: Common,
    #[serde(with = "number")]
    mean: f64,
    #[serde(with = "number")]
    sum: f64,
    #[serde(with = "number")]
    std_dev: f64,
    #[serde(with = "number")]
    min: f64,
    #[serde(with = "number")]
    max: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    distribution: Option<NumericalDistribution>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct NumericalDistribution {
    kll: Kll,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Kll {
    buckets: Vec<Bucket>,
    sketch: Written,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Bucket {
    lower_bound: f64,
    upper_bound: f64,
    count: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Strings {
    common: Common,
    distinct_count: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    distribution: Option<StringDistribution>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct StringDistribution {
    categorical: Categorical,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Categorical {
    buckets: Vec<Category>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Category {
    value: String,
    count: u64,
}

/// Those of a dataset.
pub(super) fn of(dataset: &Dataset) -> Statistics {
    let features = dataset.columns().iter().map(|column| {
        let common = Common {
            num_present: column.present(),
            num_missing: dataset.rows() - column.present().min(dataset.rows()),
        };
        let inferred_type = column.inferred();
        let numeric = inferred_type.is_numeric();
        Feature {
            name: column.name.clone(),
            inferred_type,
            numerical_statistics: numeric.then(|| numerical(&column.numbers, common)),
            string_statistics: (!numeric).then(|| strings(column, common)),
        }
    });
    Statistics {
        version: 0.0,
        dataset: Items {
            item_count: dataset.rows(),
        },
        features: features.collect(),
    }
}

fn numerical(numbers: &Numbers, common: Common) -> Numerical {
    let kll = Kll {
        buckets: buckets(numbers),
        sketch: numbers.sketch.written(),
    };
    Numerical {
        common,
        mean: numbers.mean(),
        sum: numbers.sum(),
        std_dev: numbers.deviation(),
        min: numbers.min,
        max: numbers.max,
        distribution: Some(NumericalDistribution { kll }),
    }
}

/// How many numbers are in each range: its lower bound is part of it, and of the last the upper one
/// too.
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
fn buckets(numbers: &Numbers) -> Vec<Bucket> {
    let ranks = numbers.sketch.ranks();
    let bound = |at: u32| {
        let share = f64::from(at) / f64::from(BUCKETS);
        // Not by the width: of huge numbers it would not be finite. Rounding may not lead out.
        (numbers.min * (1.0 - share) + numbers.max * share).clamp(numbers.min, numbers.max)
    };
    let bounds = (0..=BUCKETS).map(|at| match at {
        0 => numbers.min,
        BUCKETS => numbers.max,
        _ => bound(at),
    });
    let bounds: Vec<f64> = bounds.collect();
    let mut buckets: Vec<Bucket> = bounds
        .windows(2)
        .map(|pair| Bucket {
            lower_bound: pair[0],
            upper_bound: pair[1],
            count: ranks.below(pair[1]).saturating_sub(ranks.below(pair[0])) as f64,
        })
        .collect();
    if let Some(last) = buckets.last_mut() {
        last.count = ranks.total().saturating_sub(ranks.below(last.lower_bound)) as f64;
    }
    buckets
}

fn strings(column: &Column, common: Common) -> Strings {
    let distribution = column.values.counts().map(|counts| {
        let buckets = counts.iter().map(|(value, count)| Category {
            value: value.clone(),
            count: *count,
        });
        let categorical = Categorical {
            buckets: buckets.collect(),
        };
        StringDistribution { categorical }
    });
    Strings {
        common,
        distinct_count: column.values.distinct(),
        distribution,
    }
}
