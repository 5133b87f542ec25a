//! The typed `config.yaml` of one model, after composition: what the rest of the program reads.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::units::{Comparison, Seconds};

/// One model's `config.yaml`, with every environment resolved: defaults, then the file's base, then
/// the environment's own keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// Major version of the format.
    #[schemars(extend("const" = 1))]
    pub version: u32,
    /// The model's name: lower-case letters, digits and single hyphens.
    #[schemars(extend("pattern" = r"^[a-z0-9](-?[a-z0-9])*$",
        "x-expected" = "lower-case letters, digits and single hyphens between them"))]
    pub name: String,
    /// Who answers for the model.
    #[serde(default)]
    pub owner: Option<String>,
    /// What the model is for.
    #[serde(default)]
    pub description: Option<String>,
    /// Tags for every resource of the model.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// The home account: where the code, the pipeline, the runs and the package group live.
    #[schemars(extend("pattern" = "^[0-9]{12}$", "x-expected" = "12 digits in quotes"))]
    pub account: String,
    /// The home region.
    #[schemars(extend("pattern" = "^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$",
        "x-expected" = "a region such as `eu-west-1`"))]
    pub region: String,
    /// Framework and version, such as `sklearn@1.2-1`.
    #[schemars(extend("pattern" = "^[a-z0-9-]+@[A-Za-z0-9.-]+$",
        "x-expected" = "a framework and its version, such as `sklearn@1.2-1`"))]
    pub framework: String,
    /// IAM roles.
    #[serde(default)]
    pub roles: Roles,
    /// Datasets by name.
    pub data: BTreeMap<String, Dataset>,
    /// Processing steps by name, run before training.
    #[serde(default)]
    pub processing: BTreeMap<String, Processing>,
    /// How the model is trained.
    pub training: Training,
    /// How it is measured, and what it must reach.
    #[serde(default)]
    pub evaluation: Option<Evaluation>,
    /// How it answers.
    #[serde(default)]
    pub serving: Serving,
    /// Where its versions are registered.
    #[serde(default)]
    pub registration: Registration,
    /// Where it is served, in the order of promotion.
    pub environments: Vec<Environment>,
}

/// IAM roles.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Roles {
    /// The role that jobs and endpoints run under. Default: `trueup-<model>` in the account.
    #[serde(default)]
    pub execution: Option<ExecutionRole>,
}

/// A role that exists.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExecutionRole {
    /// Its ARN.
    #[schemars(extend("pattern" = "^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$",
        "x-expected" = "the ARN of an IAM role"))]
    pub arn: String,
}

/// A dataset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// A file of the repository, relative to the model's folder.
    pub file: String,
    /// How the bytes are laid out.
    #[serde(default)]
    pub format: DataFormat,
    /// The column to predict.
    #[serde(default)]
    pub target: Option<String>,
    /// Whether `data/<name>.pin.yaml` must name the exact bytes.
    #[serde(default)]
    pub pin: PinMode,
}

/// How a dataset is laid out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DataFormat {
    /// Comma-separated values with a header line.
    #[default]
    Csv,
    /// One JSON document a line.
    Jsonl,
}

/// Whether a dataset is pinned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PinMode {
    /// A pin must exist and agree.
    #[default]
    Required,
    /// The bytes of the commit are used as they are.
    None,
}

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

/// A scalar of the configuration: kept as it was written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "serde_json::Value", into = "serde_json::Value")]
pub struct Scalar(serde_json::Value);

impl JsonSchema for Scalar {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Scalar".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["string", "number", "boolean"]})
    }
}

impl TryFrom<serde_json::Value> for Scalar {
    type Error = String;

    fn try_from(value: serde_json::Value) -> Result<Self, Self::Error> {
        match value {
            serde_json::Value::String(_)
            | serde_json::Value::Number(_)
            | serde_json::Value::Bool(_) => Ok(Self(value)),
            other => Err(format!(
                "expected a string, a number or a boolean, found `{other}`"
            )),
        }
    }
}

impl From<Scalar> for serde_json::Value {
    fn from(scalar: Scalar) -> Self {
        scalar.0
    }
}

impl Scalar {
    /// As text: strings as they are, numbers and booleans in JSON's notation.
    pub fn text(&self) -> String {
        match &self.0 {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }
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

/// How the model answers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Serving {
    /// The inference module, relative to the model's folder. Default: the training script.
    #[serde(default)]
    pub entry_point: Option<String>,
}

/// Where versions are registered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// The model package group. Default: the model's name.
    #[serde(default)]
    pub model_package_group: Option<String>,
    /// Who approves a version in the registry.
    #[serde(default)]
    pub approval: Approval,
}

/// Who approves a version in the registry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Approval {
    /// The merge that brings it to production.
    #[default]
    Manual,
    /// Every release.
    Auto,
}

/// One environment: where a release is served.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// Its name; the key under `environments`.
    pub name: String,
    /// How strict. Default: `production` for an environment of that name, else `development`.
    pub mode: EnvironmentMode,
    /// The account that serves.
    #[schemars(extend("pattern" = "^[0-9]{12}$", "x-expected" = "12 digits in quotes"))]
    pub account: String,
    /// The region that serves.
    #[schemars(extend("pattern" = "^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$",
        "x-expected" = "a region such as `eu-west-1`"))]
    pub region: String,
    /// IAM roles.
    #[serde(default)]
    pub roles: Roles,
    /// Tags for every resource of the model in this environment.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// How a version gets here.
    pub promote: Promote,
    /// How it is served.
    pub deployment: Deployment,
    /// What is watched.
    #[serde(default)]
    pub monitors: Monitors,
}

/// How strict an environment is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EnvironmentMode {
    /// For trying.
    #[default]
    Development,
    /// For users.
    Production,
}

/// How a version gets to an environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Promote {
    /// Who writes the release.
    pub mode: PromoteMode,
    /// The environment that a version must have converged in. Absent in the first.
    #[serde(default)]
    pub from: Option<String>,
    /// How long it must have been there.
    #[serde(default)]
    pub soak: Seconds,
}

/// Who writes a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PromoteMode {
    /// trueup, on the tracked branch.
    Commit,
    /// trueup proposes a branch; merging it is the approval.
    Branch,
}

/// How a model is served.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// The kind of endpoint.
    #[serde(default, rename = "type")]
    pub kind: DeploymentType,
    /// Variants by name.
    pub variants: BTreeMap<String, Variant>,
    /// What is kept of requests and answers.
    #[serde(default)]
    pub data_capture: Option<DataCapture>,
}

/// The kind of endpoint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DeploymentType {
    /// Instances that are always up.
    #[default]
    Realtime,
}

/// One production variant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Instance type.
    #[serde(default = "default_serving_instance")]
    #[schemars(extend("pattern" = r"^ml\.[a-z0-9-]+\.[a-z0-9]+$",
        "x-expected" = "an instance type such as `ml.m5.large`"))]
    pub instance_type: String,
    /// Instances at the start.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1000))]
    pub initial_instance_count: u32,
    /// Share of the traffic, relative to the other variants.
    #[serde(default = "default_weight")]
    #[schemars(range(min = 0.0, max = 1_000_000.0))]
    pub initial_weight: f64,
}

/// What is kept of requests and answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataCapture {
    /// Share of requests, 0 to 100.
    #[schemars(range(max = 100))]
    pub sampling_percentage: u32,
    /// Which sides.
    #[serde(default = "default_capture_modes")]
    #[schemars(length(min = 1, max = 2))]
    pub modes: Vec<CaptureMode>,
    /// Where to. Default: below the model's prefix of the account's bucket.
    #[serde(default)]
    #[schemars(extend("pattern" = "^s3://[a-z0-9][a-z0-9.-]+(/.*)?$",
        "x-expected" = "an S3 address such as `s3://bucket/prefix/`"))]
    pub s3_uri: Option<String>,
}

/// A side of a request.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum CaptureMode {
    /// The request.
    Input,
    /// The answer.
    Output,
}

/// What is watched.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Monitors {
    /// The distribution of the requests.
    #[serde(default)]
    pub data_quality: Option<DataQuality>,
}

/// Watches the distribution of the requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataQuality {
    /// What does the work.
    pub engine: MonitorEngine,
    /// How often.
    pub schedule: MonitorSchedule,
    /// The dataset that is normal.
    pub baseline: String,
    /// Instance type of the monitoring job.
    #[serde(default = "default_job_instance")]
    #[schemars(extend("pattern" = r"^ml\.[a-z0-9-]+\.[a-z0-9]+$",
        "x-expected" = "an instance type such as `ml.m5.large`"))]
    pub instance_type: String,
}

/// What does a monitor's work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MonitorEngine {
    /// SageMaker Model Monitor, for accounts that have it (`accounts.<id>.legacy: true`).
    ModelMonitor,
}

/// How often a monitor runs: the shapes that Model Monitor takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MonitorSchedule {
    /// Every hour.
    Hourly,
    /// Every day.
    Daily,
}

impl MonitorSchedule {
    /// SageMaker's expression for it.
    pub fn cron(self) -> &'static str {
        match self {
            Self::Hourly => "cron(0 * ? * * *)",
            Self::Daily => "cron(0 0 ? * * *)",
        }
    }
}

fn default_job_instance() -> String {
    "ml.m5.xlarge".to_owned()
}

fn default_serving_instance() -> String {
    "ml.m5.large".to_owned()
}

fn one() -> u32 {
    1
}

fn default_volume() -> u32 {
    30
}

fn default_weight() -> f64 {
    1.0
}

fn default_max_runtime() -> Seconds {
    Seconds(24 * 60 * 60)
}

fn default_capture_modes() -> Vec<CaptureMode> {
    vec![CaptureMode::Input, CaptureMode::Output]
}
