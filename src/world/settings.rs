//! What is unlike the ideal service: how late readers see, what an account may have, what a region
//! has left. All of it is off at first.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::faults::FaultKind;
use super::request::epoch;
use crate::clock::{SignedDuration, Timestamp};

/// The service's moods.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own, by its name in requests"
)]
pub struct Settings {
    /// Lists and Search show what was so this long ago.
    pub lists_lag: SignedDuration,
    /// For so long after its creation an endpoint config is not seen by `CreateEndpoint` and
    /// `UpdateEndpoint`.
    pub configs_lag: SignedDuration,
    /// Instances for endpoints that an account may have in a region, by instance type; what is not
    /// named has no bound.
    pub quotas: BTreeMap<String, u64>,
    /// Instance types of which the region has none left.
    pub without_capacity: BTreeSet<String>,
    /// Whether a rolling deployment that fails cannot be rolled back either.
    pub rollback_fails: bool,
    /// Whether members of a request that the service does not know are refused, as its clients
    /// refuse them. The service itself drops them.
    pub strict: bool,
    /// Whether what a request refers to outside of SageMaker need not exist: objects of S3.
    pub unchecked: bool,
    /// Whether only roles count that were made in IAM.
    pub known_roles_only: bool,
    /// Endpoints whose next deployments do not pass the health check.
    pub unhealthy: BTreeSet<String>,
    /// Faults that calls meet by chance.
    pub chances: Vec<Chance>,
    /// How long every answer takes at least, where answers take time at all.
    pub latency: SignedDuration,
}

/// A fault that calls meet by chance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chance {
    /// An operation, or `*` for any.
    pub operation: String,
    /// What is met.
    pub fault: FaultKind,
    /// How often, from 0 to 1.
    pub rate: f64,
}

impl Settings {
    /// Whether an endpoint config is seen by what is to use it.
    pub(super) fn sees_config(&self, config: &Value, now: Timestamp) -> bool {
        self.configs_lag.is_zero() || {
            let seen = now.saturating_sub(self.configs_lag).unwrap_or(now);
            config["CreationTime"].as_f64() <= epoch(seen).as_f64()
        }
    }

    /// Why the fleets of an endpoint cannot come up.
    pub(super) fn ill(&self, endpoint: &str) -> Option<String> {
        self.unhealthy.contains(endpoint).then(|| {
            "The primary container did not pass the ping health check. Please check CloudWatch logs \
             for this endpoint."
                .to_owned()
        })
    }

    /// The fault of those that are met by chance that a call meets. `dice` is a number from 0 up to
    /// 1.
    pub(super) fn met(&self, op: &str, dice: f64) -> Option<FaultKind> {
        let mut left = dice;
        let chances = self.chances.iter();
        let mut chances = chances.filter(|one| one.operation == op || one.operation == "*");
        let met = chances.find(|one| {
            left -= one.rate;
            left < 0.0
        });
        met.map(|one| one.fault)
    }

    /// The service's words where instances of one of these types cannot be had.
    pub(super) fn starved<'a>(
        &self,
        mut instances: impl Iterator<Item = (&'a str, u64)>,
    ) -> Option<String> {
        let starved = instances.any(|(kind, _)| self.without_capacity.contains(kind));
        starved.then(|| {
            "Unable to provision requested ML compute capacity due to \
             InsufficientInstanceCapacity error. Please retry using a different ML instance type \
             or after some time."
                .to_owned()
        })
    }
}
