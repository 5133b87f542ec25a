//! How traffic moves to what is new.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::alarm::Condition;
use crate::config::units::{Seconds, Size};

/// How traffic moves to what is new, and what stops it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rollout {
    /// In which steps.
    #[serde(default)]
    pub strategy: Strategy,
    /// `canary`: how much goes first, at most half. Default: 10 %.
    #[serde(default)]
    pub canary_size: Option<Size>,
    /// `linear`: how much goes at a time, 10 % to half. Default: 10 %.
    #[serde(default)]
    pub step_size: Option<Size>,
    /// `rolling`: how much is exchanged at a time, 5 % to half. Default: 25 %.
    #[serde(default)]
    pub batch_size: Option<Size>,
    /// `rolling`: how much is put back at a time. Default: everything at once.
    #[serde(default)]
    pub rollback_batch_size: Option<Size>,
    /// How long each step is watched, at most 1h. Default: 10 minutes, and nothing with
    /// `all_at_once`.
    #[serde(default)]
    pub bake: Option<Seconds>,
    /// How long what was there before is kept at the end, at most 1h; not with `rolling`.
    #[serde(default)]
    pub termination_wait: Option<Seconds>,
    /// When to give up, 10m to 8h. Default: SageMaker's.
    #[serde(default)]
    pub max_execution_time: Option<Seconds>,
    /// What makes SageMaker go back by itself, by name: an alarm for each and every variant.
    #[serde(default)]
    pub rollback_on: BTreeMap<String, Condition>,
}

/// In which steps traffic moves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// In one.
    #[default]
    AllAtOnce,
    /// A small part first, then the rest.
    Canary,
    /// In equal parts.
    Linear,
    /// Instances are exchanged in batches, without a second fleet.
    Rolling,
}

/// Seconds of a bake where the file names none and the strategy has steps.
const BAKE: Seconds = Seconds(600);

impl Rollout {
    /// How long each step is watched.
    pub fn bake(&self) -> Seconds {
        self.bake.unwrap_or(match self.strategy {
            Strategy::AllAtOnce => Seconds(0),
            Strategy::Canary | Strategy::Linear | Strategy::Rolling => BAKE,
        })
    }
}
