//! How many instances a variant has, by its load.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::units::Seconds;

/// Keeps the load of each instance near a target, within bounds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Autoscaling {
    /// The fewest instances.
    #[schemars(range(min = 1, max = 1000))]
    pub min: u32,
    /// The most instances.
    #[schemars(range(min = 1, max = 1000))]
    pub max: u32,
    /// Requests a minute that one instance is to get.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub target_invocations_per_instance: u32,
    /// How long to wait after instances were taken away, at most 1h.
    #[serde(default = "default_cooldown")]
    pub scale_in_cooldown: Seconds,
    /// How long to wait after instances were added, at most 1h.
    #[serde(default = "default_cooldown")]
    pub scale_out_cooldown: Seconds,
    /// Whether instances are only ever added.
    #[serde(default)]
    pub disable_scale_in: bool,
}

fn default_cooldown() -> Seconds {
    Seconds(300)
}
