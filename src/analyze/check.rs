//! `constraint_violations.json`: where a dataset breaks the constraints of a baseline.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Baseline;
use super::cell::Type;
use super::column::Column;
use super::constraints::{CategoricalMethod, Feature, Rules};
use super::dataset::Dataset;
use super::statistics::{self, Statistics};
use super::{chi_squared, distance};

/// The file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Violations {
    /// Each by itself.
    pub violations: Vec<Violation>,
}

/// One constraint that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Of which column.
    pub feature_name: String,
    /// Which check says so.
    pub constraint_check_type: Check,
    /// By how much.
    pub description: String,
}

/// The checks of the service's analyzer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "these are the service's names")]
pub enum Check {
    /// Values are not of the baseline's type.
    DataTypeCheck,
    /// Values are missing.
    CompletenessCheck,
    /// Values are distributed in another way.
    BaselineDriftCheck,
    /// A column of the baseline is not there.
    MissingColumnCheck,
    /// A column is there that the baseline does not have.
    ExtraColumnCheck,
    /// There are values that the baseline does not have.
    CategoricalValuesCheck,
}

/// How far a column is from the baseline's.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Drift {
    pub(super) distance: f64,
    /// What is wrong with that.
    words: Option<String>,
}

/// What broken rates of values are called, with the space that the service ends it with.
fn unmet(share: f64) -> String {
    format!("Value: {share:?} does not meet the constraint requirement! ")
}

/// Compares the columns that both have, and that the baseline wants to be compared.
pub(super) fn drifts(statistics: &Statistics, baseline: &Baseline) -> BTreeMap<String, Drift> {
    let Some(before) = &baseline.statistics else {
        return BTreeMap::new();
    };
    let constraints = &baseline.constraints;
    let features = constraints.features.iter().filter_map(|feature| {
        let rules = constraints.rules(feature);
        if !rules.evaluates || !rules.compares {
            return None;
        }
        let (now, before) = (named(statistics, feature)?, named(before, feature)?);
        Some((feature.name.clone(), drift(now, before, &rules)?))
    });
    features.collect()
}

fn named<'a>(statistics: &'a Statistics, wanted: &Feature) -> Option<&'a statistics::Feature> {
    let mut features = statistics.features.iter();
    features.find(|feature| feature.name == wanted.name)
}

fn drift(now: &statistics::Feature, before: &statistics::Feature, rules: &Rules) -> Option<Drift> {
    let (distance, most) = match (now.ranks(), before.ranks()) {
        (Some(now), Some(before)) => {
            let distance = distance::of_numbers(&now, &before, rules.method);
            (distance, rules.distance)
        }
        (None, None) => {
            let (now, before) = (now.counts()?, before.counts()?);
            if rules.categorical_method == CategoricalMethod::ChiSquared {
                return unlikely(&now, &before, rules.categorical_distance);
            }
            let distance = distance::of_categories(&now, &before, rules.method);
            (distance, rules.categorical_distance)
        }
        _ => return None,
    };
    let words = format!("Baseline drift distance: {distance:?} exceeds threshold: {most:?}");
    Some(Drift {
        distance,
        words: (distance > most).then_some(words),
    })
}

/// Of a test the probability is compared: the smaller, the farther apart.
fn unlikely(now: &BTreeMap<&str, u64>, before: &BTreeMap<&str, u64>, least: f64) -> Option<Drift> {
    let chance = chi_squared::probability(now, before)?;
    let words = format!("Baseline drift p-value: {chance:?} is below threshold: {least:?}");
    Some(Drift {
        distance: chance,
        words: (chance < least).then_some(words),
    })
}

/// Every constraint that does not hold.
pub(super) fn violations(
    dataset: &Dataset,
    baseline: &Baseline,
    drifts: &BTreeMap<String, Drift>,
) -> Violations {
    let mut violations = columns(dataset, baseline);
    for feature in &baseline.constraints.features {
        let rules = baseline.constraints.rules(feature);
        let column = dataset.named(&feature.name).filter(|_| rules.evaluates);
        if let Some(column) = column {
            let mut broken = |check, description| {
                violations.push(Violation {
                    feature_name: feature.name.clone(),
                    constraint_check_type: check,
                    description,
                });
            };
            of_column(dataset, column, feature, &rules, &mut broken);
            if let Some(words) = drifts
                .get(&feature.name)
                .and_then(|drift| drift.words.clone())
            {
                broken(Check::BaselineDriftCheck, words);
            }
        }
    }
    Violations { violations }
}

fn columns(dataset: &Dataset, baseline: &Baseline) -> Vec<Violation> {
    let features = &baseline.constraints.features;
    let known = |name: &str| features.iter().any(|feature| feature.name == name);
    let extra = dataset.columns().iter().any(|column| !known(&column.name));
    let missing = features
        .iter()
        .any(|feature| dataset.named(&feature.name).is_none());
    let counts = format!(
        "Number of columns in current dataset: {}, Number of columns in baseline constraints: {}",
        dataset.columns().len(),
        features.len()
    );
    let violation = |check, words: &str| Violation {
        feature_name: format!("{words} columns"),
        constraint_check_type: check,
        description: format!(
            "There are {} columns in current dataset. {counts}",
            words.to_lowercase()
        ),
    };
    let missing = missing.then(|| violation(Check::MissingColumnCheck, "Missing"));
    let extra = extra.then(|| violation(Check::ExtraColumnCheck, "Extra"));
    missing.into_iter().chain(extra).collect()
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
fn of_column(
    dataset: &Dataset,
    column: &Column,
    feature: &Feature,
    rules: &Rules,
    broken: &mut impl FnMut(Check, String),
) {
    let present = column.present() as f64;
    let wanted = feature.inferred_type;
    let fitting = column.of_type(wanted) as f64 / present;
    if present > 0.0 && wanted != Type::Unknown && fitting < rules.types {
        let (wanted, least, found) = (wanted.name(), rules.types * 100.0, fitting * 100.0);
        broken(
            Check::DataTypeCheck,
            format!(
                "Data type match requirement is not met. Expected data type: {wanted}, Expected \
                 match: {least:?}%. Observed: Only {found:?}% of data is {wanted}."
            ),
        );
    }
    let complete = dataset.completeness(column);
    if complete < feature.completeness {
        broken(Check::CompletenessCheck, unmet(complete));
    }
    // A missing value breaks another constraint.
    let inside = 1.0 - column.outside() as f64 / dataset.rows() as f64;
    if inside < rules.domain {
        broken(Check::CategoricalValuesCheck, unmet(inside));
    }
}
