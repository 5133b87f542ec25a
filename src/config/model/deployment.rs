//! How a model is served.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::autoscaling::Autoscaling;
use super::rollout::Rollout;
use super::variant::{ShadowVariant, Variant};

/// How a model is served.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// The kind of endpoint.
    #[serde(default, rename = "type")]
    pub kind: DeploymentType,
    /// Variants by name. Each serves the release's package of its name, or else the one called
    /// `main`.
    pub variants: BTreeMap<String, Variant>,
    /// A variant that gets copies of requests and answers nobody, by name: one beside one
    /// production variant. It serves the release's package of its name, and is left out while there
    /// is none.
    #[serde(default)]
    pub shadow: BTreeMap<String, ShadowVariant>,
    /// Environment variables of the serving container, beside those that trueup sets.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// How many instances each variant has, by its load.
    #[serde(default)]
    pub autoscaling: Option<Autoscaling>,
    /// How traffic moves to what is new. Default: all at once, as soon as it is up.
    #[serde(default)]
    pub rollout: Option<Rollout>,
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

fn default_capture_modes() -> Vec<CaptureMode> {
    vec![CaptureMode::Input, CaptureMode::Output]
}
