//! The variants of an endpoint.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::autoscaling::Autoscaling;
use super::one;
use crate::config::units::Seconds;

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
    /// How many instances it has, by its load. Default: as the deployment says.
    #[serde(default)]
    pub autoscaling: Option<Autoscaling>,
    /// Disk of each instance in GiB. Default: SageMaker's.
    #[serde(default)]
    #[schemars(range(min = 1, max = 512))]
    pub volume_size_in_gb: Option<u32>,
    /// How long the download of the model may take, 60s to 1h. Default: SageMaker's.
    #[serde(default)]
    pub model_data_download_timeout: Option<Seconds>,
    /// How long the container may take until it answers its first ping, 60s to 1h. Default:
    /// SageMaker's.
    #[serde(default)]
    pub container_startup_health_check_timeout: Option<Seconds>,
    /// Which instance gets a request. Default: SageMaker's.
    #[serde(default)]
    pub routing: Option<Routing>,
}

/// Which instance of a variant gets a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Routing {
    /// The one with the least to do.
    LeastOutstandingRequests,
    /// Any.
    Random,
}

impl Routing {
    /// SageMaker's word for it.
    pub fn strategy(self) -> &'static str {
        match self {
            Self::LeastOutstandingRequests => "LEAST_OUTSTANDING_REQUESTS",
            Self::Random => "RANDOM",
        }
    }
}

/// A variant that gets copies of requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShadowVariant {
    /// Instance type.
    #[serde(default = "default_serving_instance")]
    #[schemars(extend("pattern" = r"^ml\.[a-z0-9-]+\.[a-z0-9]+$",
        "x-expected" = "an instance type such as `ml.m5.large`"))]
    pub instance_type: String,
    /// Instances.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1000))]
    pub initial_instance_count: u32,
    /// Share of the production variant's requests that it gets a copy of, 0 to 100.
    #[serde(default = "default_sampling")]
    #[schemars(range(max = 100))]
    pub sampling_percentage: u32,
}

fn default_serving_instance() -> String {
    "ml.m5.large".to_owned()
}

fn default_weight() -> f64 {
    1.0
}

fn default_sampling() -> u32 {
    100
}
