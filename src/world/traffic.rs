//! How traffic moves to new fleets: the steps of a deployment policy, and where it stands.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::request::{Refusal, epoch, text};
use crate::clock::{SignedDuration, Timestamp};

/// The steps in which a deployment moves traffic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Steps {
    /// Shares of the traffic that new fleets have after each step, the last of them 100.
    shares: Vec<u32>,
    /// Whether instances are exchanged, rather than a second fleet brought up.
    pub(super) rolling: bool,
    /// How long a step is watched before the next.
    wait: SignedDuration,
    /// How long the last one is.
    last_wait: SignedDuration,
    /// How long the whole may take.
    pub(super) most: Option<SignedDuration>,
}

/// Where a deployment stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Phase {
    /// New fleets come up.
    Starting,
    /// So many steps are taken, and the last of them is watched.
    Watching {
        /// Steps.
        taken: usize,
        /// Until when.
        until: Timestamp,
    },
    /// Traffic is back where it was, and the new fleets go.
    Returning {
        /// Until when.
        until: Timestamp,
        /// Why.
        reason: String,
    },
}

impl Steps {
    /// The steps of a `DeploymentConfig` over a fleet of so many instances; all at once without one.
    pub(super) fn of(config: Option<&Value>, instances: u64) -> Result<Self, Refusal> {
        let none = Value::Null;
        let config = config.unwrap_or(&none);
        let (blue_green, rolling) = (
            config.get("BlueGreenUpdatePolicy"),
            config.get("RollingUpdatePolicy"),
        );
        if blue_green.is_some() && rolling.is_some() {
            return Err(Refusal::invalid(
                "BlueGreenUpdatePolicy and RollingUpdatePolicy are mutually exclusive.",
            ));
        }
        let policy = rolling.or(blue_green).unwrap_or(&none);
        let routing = &policy["TrafficRoutingConfiguration"];
        let waits = if rolling.is_some() { policy } else { routing };
        let wait = seconds(&waits["WaitIntervalInSeconds"]);
        let ending = seconds(&policy["TerminationWaitInSeconds"]);
        let (shares, last_wait) = match (rolling, text(routing, "Type")) {
            (Some(policy), _) => {
                let step = share(&policy["MaximumBatchSize"], instances, (5, 50))?;
                (equal(step), SignedDuration::ZERO)
            }
            (None, "CANARY") => {
                let first = share(&routing["CanarySize"], instances, (1, 50))?;
                (vec![first, 100], ending)
            }
            (None, "LINEAR") => {
                let step = share(&routing["LinearStepSize"], instances, (10, 50))?;
                (equal(step), ending)
            }
            _ => (vec![100], wait + ending),
        };
        let most = policy.get("MaximumExecutionTimeoutInSeconds").map(seconds);
        Ok(Self {
            shares,
            rolling: rolling.is_some(),
            wait,
            last_wait,
            most,
        })
    }

    /// The share of the traffic after so many steps.
    pub(super) fn share(&self, taken: usize) -> u32 {
        let taken = taken.checked_sub(1);
        taken
            .and_then(|at| self.shares.get(at))
            .copied()
            .unwrap_or(0)
    }

    /// Whether so many steps are all.
    pub(super) fn are_all(&self, taken: usize) -> bool {
        taken >= self.shares.len()
    }

    /// How long the step that was just taken is watched.
    pub(super) fn wait(&self, taken: usize) -> SignedDuration {
        if self.are_all(taken) {
            self.last_wait
        } else {
            self.wait
        }
    }
}

fn equal(step: u32) -> Vec<u32> {
    (1..=100)
        .map(|n| (n * step).min(100))
        .take_while({
            let mut whole = false;
            move |share| !std::mem::replace(&mut whole, *share == 100)
        })
        .collect()
}

fn seconds(value: &Value) -> SignedDuration {
    SignedDuration::from_secs(value.as_i64().unwrap_or(0))
}

/// A part of a fleet in percent.
fn share(size: &Value, instances: u64, (least, most): (u64, u64)) -> Result<u32, Refusal> {
    let value = size["Value"].as_u64().unwrap_or(0);
    let percent = match text(size, "Type") {
        "INSTANCE_COUNT" => {
            if value * 2 > instances.max(2) {
                return Err(Refusal::invalid(format!(
                    "The capacity size of {value} instances must be at most 50% of the variant's \
                     {instances} instances."
                )));
            }
            (value * 100).div_ceil(instances.max(1)).min(most)
        }
        _ => value,
    };
    if !(least..=most).contains(&percent) && text(size, "Type") == "CAPACITY_PERCENT" {
        return Err(Refusal::invalid(format!(
            "The capacity size of {value} percent must be from {least} to {most} percent."
        )));
    }
    Ok(u32::try_from(percent.clamp(1, 100)).unwrap_or(100))
}

/// Shows where traffic is: `share` percent of it on what is pending.
pub(super) fn show(body: &mut Value, steps: &Steps, share: u32, status: &str, now: Timestamp) {
    let (new, old) = (f64::from(share) / 100.0, f64::from(100 - share) / 100.0);
    let each = |variants: Option<&mut Value>, part: f64, counts: bool, status: Option<&str>| {
        let variants = variants.and_then(Value::as_array_mut);
        for variant in variants.into_iter().flatten() {
            let desired = variant["DesiredWeight"].as_f64().unwrap_or(0.0);
            variant["CurrentWeight"] = json!(desired * part);
            if let Some(count) = variant["DesiredInstanceCount"].as_u64() {
                variant["CurrentInstanceCount"] =
                    json!(if counts { portion(count, part) } else { count });
            }
            if let Some(status) = status {
                variant["VariantStatus"] = json!([{"Status": status, "StartTime": epoch(now)}]);
            }
        }
    };
    each(
        body.pointer_mut("/PendingDeploymentSummary/ProductionVariants"),
        new,
        steps.rolling,
        Some(status),
    );
    each(body.get_mut("ProductionVariants"), old, steps.rolling, None);
}

/// A part of a number of instances, rounded up.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "instances are few, and the part is from 0 to 1"
)]
fn portion(count: u64, part: f64) -> u64 {
    (count as f64 * part - 1e-9).ceil().max(0.0) as u64
}

/// The alarms that a `DeploymentConfig` names.
pub(super) fn alarms(config: Option<&Value>) -> impl Iterator<Item = &str> {
    let alarms = config.and_then(|config| config.pointer("/AutoRollbackConfiguration/Alarms"));
    let alarms = alarms.and_then(Value::as_array).into_iter().flatten();
    alarms.filter_map(|alarm| alarm["AlarmName"].as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(config: Value, instances: u64, shares: &[u32], waits: (i64, i64)) {
        let steps = Steps::of(Some(&config), instances).unwrap();
        assert_eq!(steps.shares, shares, "{config}");
        let found = (steps.wait.as_secs(), steps.last_wait.as_secs());
        assert_eq!(found, waits, "{config}");
    }

    fn blue_green(routing: Value) -> Value {
        json!({"BlueGreenUpdatePolicy":
            {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": 30}})
    }

    #[test]
    fn policies_are_steps() {
        check(json!({}), 1, &[100], (0, 0));
        check(
            blue_green(json!({"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 60})),
            1,
            &[100],
            (60, 90),
        );
        let size = |kind: &str, value: u64| json!({"Type": kind, "Value": value});
        check(
            blue_green(json!({"Type": "CANARY", "WaitIntervalInSeconds": 60,
                "CanarySize": size("INSTANCE_COUNT", 1)})),
            4,
            &[25, 100],
            (60, 30),
        );
        check(
            blue_green(json!({"Type": "LINEAR", "WaitIntervalInSeconds": 60,
                "LinearStepSize": size("CAPACITY_PERCENT", 40)})),
            4,
            &[40, 80, 100],
            (60, 30),
        );
        check(
            json!({"RollingUpdatePolicy": {"WaitIntervalInSeconds": 5,
                "MaximumBatchSize": size("CAPACITY_PERCENT", 50)}}),
            4,
            &[50, 100],
            (5, 0),
        );
        for wrong in [
            json!({"RollingUpdatePolicy": {}, "BlueGreenUpdatePolicy": {}}),
            blue_green(json!({"Type": "CANARY", "CanarySize": size("CAPACITY_PERCENT", 51)})),
            blue_green(json!({"Type": "LINEAR", "LinearStepSize": size("CAPACITY_PERCENT", 9)})),
            blue_green(json!({"Type": "CANARY", "CanarySize": size("INSTANCE_COUNT", 3)})),
        ] {
            assert!(Steps::of(Some(&wrong), 4).is_err(), "{wrong}");
        }
    }

    #[test]
    fn parts_of_instances_are_whole() {
        assert_eq!(
            [0.0, 0.1, 0.5, 1.0].map(|part| portion(4, part)),
            [0, 1, 2, 4]
        );
    }
}
