//! `constraints.json`: what must hold of each column, and how strictly it is looked at.

use serde::{Deserialize, Serialize};

use super::cell::Type;

/// The file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Constraints {
    version: f64,
    pub(super) features: Vec<Feature>,
    #[serde(default)]
    monitoring_config: Monitoring,
}

/// What must hold of one column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Feature {
    pub(super) name: String,
    pub(super) inferred_type: Type,
    /// The share of rows that must have a value.
    #[serde(default)]
    pub(super) completeness: f64,
    /// What it says is suggested by the service and checked by none of its checks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) num_constraints: Option<OfNumbers>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) string_constraints: Option<OfStrings>,
    /// The service's documents spell it in both ways.
    #[serde(
        default,
        alias = "monitoringConfigOverrides",
        skip_serializing_if = "Option::is_none"
    )]
    monitoring_config_overrides: Option<Monitoring>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OfNumbers {
    #[serde(default)]
    pub(super) is_non_negative: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OfStrings {
    /// The values that there may be.
    #[serde(default)]
    pub(super) domains: Vec<String>,
}

/// How strictly columns are looked at; what it does not say is as usual.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Monitoring {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    evaluate_constraints: Option<Switch>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    emit_metrics: Option<Switch>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    datatype_check_threshold: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    domain_content_threshold: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    distribution_constraints: Option<Distribution>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Distribution {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    perform_comparison: Option<Switch>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    comparison_threshold: Option<f64>,
    // The service's documents have it with a letter missing, too.
    #[serde(
        default,
        alias = "comparion_method",
        skip_serializing_if = "Option::is_none"
    )]
    comparison_method: Option<Method>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    categorical_comparison_threshold: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    categorical_drift_method: Option<CategoricalMethod>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Switch {
    Enabled,
    Disabled,
}

/// How two distributions are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Method {
    /// The largest difference between the shares.
    Simple,
    /// The same, less what it may be by chance in samples of these sizes.
    Robust,
}

/// How the values of two columns of texts are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum CategoricalMethod {
    /// The largest difference between the shares of a value.
    LInfinity,
    /// How likely such counts are by chance.
    ChiSquared,
}

/// How strictly one column is looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rules {
    pub(super) evaluates: bool,
    pub(super) emits: bool,
    pub(super) types: f64,
    pub(super) domain: f64,
    pub(super) compares: bool,
    pub(super) distance: f64,
    pub(super) method: Method,
    pub(super) categorical_distance: f64,
    pub(super) categorical_method: CategoricalMethod,
}

impl Constraints {
    /// Those of some columns, looked at as usual.
    pub(super) fn of(features: Vec<Feature>) -> Self {
        Self {
            version: 0.0,
            features,
            monitoring_config: Monitoring::usual(),
        }
    }

    /// How strictly a column is looked at.
    pub(super) fn rules(&self, feature: &Feature) -> Rules {
        let own = feature.monitoring_config_overrides.as_ref();
        let layers = [
            own,
            Some(&self.monitoring_config),
            Some(&Monitoring::usual()),
        ]
        .map(|layer| layer.cloned().unwrap_or_default());
        let on = |of: fn(&Monitoring) -> Option<Switch>| {
            layers.iter().find_map(of) != Some(Switch::Disabled)
        };
        let share = |of: fn(&Monitoring) -> Option<f64>| {
            layers
                .iter()
                .find_map(of)
                .expect("the usual rules are whole")
        };
        let spread = |layer: &Monitoring| layer.distribution_constraints.unwrap_or_default();
        let method = layers
            .iter()
            .find_map(|layer| spread(layer).comparison_method);
        let categorical = layers
            .iter()
            .find_map(|layer| spread(layer).categorical_drift_method);
        Rules {
            evaluates: on(|layer| layer.evaluate_constraints),
            emits: on(|layer| layer.emit_metrics),
            types: share(|layer| layer.datatype_check_threshold),
            domain: share(|layer| layer.domain_content_threshold),
            compares: on(|layer| layer.distribution_constraints?.perform_comparison),
            distance: share(|layer| layer.distribution_constraints?.comparison_threshold),
            method: method.unwrap_or(Method::Robust),
            categorical_distance: share(|layer| {
                layer
                    .distribution_constraints?
                    .categorical_comparison_threshold
            }),
            categorical_method: categorical.unwrap_or(CategoricalMethod::LInfinity),
        }
    }
}

impl Feature {
    pub(super) fn new(name: &str, inferred_type: Type, completeness: f64) -> Self {
        Self {
            name: name.to_owned(),
            inferred_type,
            completeness,
            num_constraints: None,
            string_constraints: None,
            monitoring_config_overrides: None,
        }
    }
}

impl Monitoring {
    /// What the service's analyzer suggests.
    fn usual() -> Self {
        Self {
            evaluate_constraints: Some(Switch::Enabled),
            emit_metrics: Some(Switch::Enabled),
            datatype_check_threshold: Some(1.0),
            domain_content_threshold: Some(1.0),
            distribution_constraints: Some(Distribution {
                perform_comparison: Some(Switch::Enabled),
                comparison_threshold: Some(0.1),
                comparison_method: Some(Method::Robust),
                categorical_comparison_threshold: Some(0.1),
                categorical_drift_method: Some(CategoricalMethod::LInfinity),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_column_overrides_what_holds_for_all() {
        let read: Constraints = serde_json::from_value(json!({
            "version": 0,
            "features": [
                {"name": "a", "inferred_type": "Integral", "completeness": 1.0,
                    "monitoringConfigOverrides": {"evaluate_constraints": "Disabled",
                        "distribution_constraints": {"comparison_threshold": 0.5}}},
                {"name": "b", "inferred_type": "String"},
            ],
            "monitoring_config": {"datatype_check_threshold": 0.9,
                "distribution_constraints": {"comparion_method": "Simple"}},
        }))
        .unwrap();
        let usual = Constraints::of(Vec::new());
        let b = read.rules(&read.features[1]);
        let expected = Rules {
            types: 0.9,
            method: Method::Simple,
            ..usual.rules(&read.features[1])
        };
        assert_eq!(b, expected);
        let a = read.rules(&read.features[0]);
        let expected = Rules {
            evaluates: false,
            distance: 0.5,
            ..b
        };
        assert_eq!(a, expected);
    }

    #[test]
    fn a_suggestion_says_how_strictly_it_is_looked_at() {
        let written = serde_json::to_value(Constraints::of(Vec::new())).unwrap();
        assert_eq!(
            written,
            json!({"version": 0.0, "features": [], "monitoring_config": {
                "evaluate_constraints": "Enabled", "emit_metrics": "Enabled",
                "datatype_check_threshold": 1.0, "domain_content_threshold": 1.0,
                "distribution_constraints": {
                    "perform_comparison": "Enabled", "comparison_threshold": 0.1,
                    "comparison_method": "Robust", "categorical_comparison_threshold": 0.1,
                    "categorical_drift_method": "LInfinity",
                },
            }})
        );
    }
}
