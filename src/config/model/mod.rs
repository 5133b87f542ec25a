//! The typed `config.yaml` of one model, after composition: what the rest of the program reads.

mod autoscaling;
mod data;
mod deployment;
mod environment;
mod monitors;
mod network;
mod notifications;
mod rollout;
mod scalar;
mod training;
mod variant;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::resource::lifecycle::{Deletion, Drift, Presence, Suspension};

pub use autoscaling::Autoscaling;
pub use data::{DataFormat, Dataset, PinMode};
pub use deployment::{CaptureMode, DataCapture, Deployment, DeploymentType};
pub use environment::{Environment, EnvironmentMode, Promote, PromoteMode};
pub use monitors::{DataQuality, MonitorEngine, MonitorSchedule, Monitors};
pub use network::{Encryption, Network, Vpc};
pub use notifications::{Notifications, Protocol, Route, RouteType, Subscription};
pub use rollout::{Rollout, Strategy};
pub use scalar::Scalar;
pub use training::{Evaluation, Gate, ProblemType, Processing, Training};
pub use variant::{Routing, ShadowVariant, Variant};

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
    /// The network of the model's jobs.
    #[serde(default)]
    pub network: Network,
    /// The keys that the model's jobs encrypt with.
    #[serde(default)]
    pub encryption: Encryption,
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
    /// What is done about a change that no commit made.
    /// Default: as `drift` in trueup.yaml.
    #[serde(default)]
    pub drift: Option<Drift>,
    /// Whether the model is to run at all. `absent` takes everything down and needs
    /// `deletion: destroy`.
    #[serde(default)]
    pub state: Presence,
    /// What is done about what was made for this file and is not asked for any more.
    #[serde(default)]
    pub deletion: Deletion,
    /// That nothing is to be done, for a while: no run, no release, no change, no deletion.
    #[serde(default)]
    pub suspend: Option<Suspension>,
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

fn default_job_instance() -> String {
    "ml.m5.xlarge".to_owned()
}

fn one() -> u32 {
    1
}
