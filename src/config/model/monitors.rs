//! What is watched while a model serves.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::default_job_instance;

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
