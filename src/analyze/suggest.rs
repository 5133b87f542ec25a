//! The constraints that a dataset suggests.

use super::column::Column;
use super::constraints::{Constraints, Feature, OfNumbers, OfStrings};
use super::dataset::Dataset;

/// Of so many different values, one may be there only once: where there are more such values, they
/// do not look like all that there can be.
const RARE_SHARE: usize = 10;

pub(super) fn of(dataset: &Dataset) -> Constraints {
    let features = dataset.columns().iter().map(|column| {
        let inferred = column.inferred();
        let mut feature = Feature::new(&column.name, inferred, dataset.completeness(column));
        if inferred.is_numeric() {
            feature.num_constraints = Some(OfNumbers {
                is_non_negative: column.numbers.min >= 0.0,
            });
        } else {
            feature.string_constraints = domains(column);
        }
        feature
    });
    Constraints::of(features.collect())
}

fn domains(column: &Column) -> Option<OfStrings> {
    let counts = column.values.counts()?;
    let rare = counts.values().filter(|count| **count == 1).count();
    let domains = !counts.is_empty() && rare * RARE_SHARE <= counts.len();
    domains.then(|| OfStrings {
        domains: counts.keys().cloned().collect(),
    })
}
