//! How a model is made and measured.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::scalar::Scalar;
use super::{default_job_instance, one};
use crate::config::units::{Comparison, Seconds};

/// A processing step before training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Processing {
    /// The script, relative to the model's folder.
    pub script: String,
    /// Datasets, or outputs of earlier steps as `<step>.<output>`, that it reads.
    #[schemars(length(min = 1, max = 10))]
    pub inputs: Vec<String>,
    /// Names of the folders that it writes.
    #[schemars(length(min = 1, max = 10))]
    pub outputs: Vec<String>,
    /// Instance type.
    #[serde(default = "default_job_instance")]
    #[schemars(extend("pattern" = r"^ml\.[a-z0-9-]+\.[a-z0-9]+$",
        "x-expected" = "an instance type such as `ml.m5.large`"))]
    pub instance_type: String,
    /// Instances.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1000))]
    pub instance_count: u32,
    /// When to give up.
    #[serde(default = "default_max_runtime")]
    pub max_runtime: Seconds,
}

/// How the model is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// The script, relative to the model's folder.
    pub entry_point: String,
    /// Instance type.
    #[serde(default = "default_job_instance")]
    #[schemars(extend("pattern" = r"^ml\.[a-z0-9-]+\.[a-z0-9]+$",
        "x-expected" = "an instance type such as `ml.m5.large`"))]
    pub instance_type: String,
    /// Instances.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1000))]
    pub instance_count: u32,
    /// Disk of each instance in GiB.
    #[serde(default = "default_volume")]
    #[schemars(range(min = 1, max = 16_384))]
    pub volume_size_in_gb: u32,
    /// When to give up.
    #[serde(default = "default_max_runtime")]
    pub max_runtime: Seconds,
    /// Hyperparameters, handed to the script as `--name value`.
    #[serde(default)]
    pub hyperparameters: BTreeMap<String, Scalar>,
}

/// How the model is measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    /// The script, relative to the model's folder; it writes `evaluation.json`.
    pub script: String,
    /// What it measures on: a dataset, an output of a processing step, or its bare name where only
    /// one step writes an output of that name.
    pub dataset: String,
    /// The shape of the metrics.
    #[serde(default)]
    pub problem_type: ProblemType,
    /// Instance type.
    #[serde(default = "default_job_instance")]
    #[schemars(extend("pattern" = r"^ml\.[a-z0-9-]+\.[a-z0-9]+$",
        "x-expected" = "an instance type such as `ml.m5.large`"))]
    pub instance_type: String,
    /// Metric to condition: what a version must reach to be registered.
    #[serde(default)]
    pub gates: BTreeMap<String, Gate>,
}

/// The shape of a model's metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ProblemType {
    /// `binary_classification_metrics`
    #[default]
    BinaryClassification,
    /// `multiclass_classification_metrics`
    MulticlassClassification,
    /// `regression_metrics`
    Regression,
}

/// A condition on one metric: comparisons joined by `and`, such as `>= 0.80 and <= 0.99`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Gate(pub Vec<Comparison>);

fn default_volume() -> u32 {
    30
}

fn default_max_runtime() -> Seconds {
    Seconds(24 * 60 * 60)
}
