//! Counting instances by their load: what scaling policies do when their alarms say so.

use serde_json::{Value, json};

use super::{Metric, before};
use crate::resource::call::Scope;
use crate::world::World;
use crate::world::kind::Id;
use crate::world::records::{Key, Record, State};
use crate::world::request::{items, text};

/// Seconds between two steps of a policy where it does not say: those of Application Auto Scaling.
const COOLDOWN_SECONDS: i64 = 300;
/// The load below which instances are taken away, as a share of what is aimed at.
pub(in crate::world) const LOW: f64 = 0.9;

/// What a target-tracking policy aims at.
pub(in crate::world) struct Target {
    /// The metric in the shape of a request, with its statistic.
    pub(in crate::world) metric: Value,
    pub(in crate::world) value: f64,
}

impl Target {
    /// The target of a policy. `None`: it follows a metric that is not computed here.
    pub(in crate::world) fn of(policy: &Value) -> Option<Self> {
        let config = policy.get("TargetTrackingScalingPolicyConfiguration")?;
        let value = config["TargetValue"].as_f64()?;
        let predefined = config.pointer("/PredefinedMetricSpecification/PredefinedMetricType");
        let metric = match predefined.and_then(Value::as_str) {
            Some("SageMakerVariantInvocationsPerInstance") => {
                let mut parts = text(policy, "ResourceId").split('/').skip(1).step_by(2);
                let dimension =
                    |name: &str, value: Option<&str>| json!({"Name": name, "Value": value});
                json!({
                    "Namespace": "AWS/SageMaker", "MetricName": "InvocationsPerInstance",
                    "Statistic": "Sum",
                    "Dimensions": [
                        dimension("EndpointName", parts.next()),
                        dimension("VariantName", parts.next()),
                    ],
                })
            }
            Some(_) => return None,
            None => {
                let custom = config.get("CustomizedMetricSpecification")?;
                custom.get("MetricName")?;
                custom.clone()
            }
        };
        Some(Self { metric, value })
    }
}

impl World {
    /// Does what the policy of an ARN does about an alarm of its.
    pub(super) fn apply_policy(&mut self, scope: &Scope, arn: &str, alarm: &str) {
        let policies = self.records.under(Id::ScalingPolicy, scope, "");
        let named = policies.filter(|record| record.body["PolicyARN"] == *arn);
        let found = named.map(|one| (one.name.clone(), one.body.clone())).last();
        let Some((name, policy)) = found else {
            return;
        };
        let resource = text(&policy, "ResourceId").to_owned();
        let alarm = self.records.get(&Key::new(Id::Alarm, scope, alarm));
        let Some((running, wanted)) = alarm.and_then(|alarm| self.wanted(&policy, alarm)) else {
            return;
        };
        let key = Key::new(Id::ScalingPolicy, scope, &name);
        let out = wanted > running;
        if wanted == running || self.is_cooling(&key, &policy, out) {
            return;
        }
        let mut parts = resource.split('/').skip(1).step_by(2);
        if let (Some(endpoint), Some(variant)) = (parts.next(), parts.next())
            && !self.is_suspended(scope, &resource, out)
            && self.scale(scope, endpoint, variant, wanted)
            && let Some(record) = self.records.get_mut(&key)
        {
            record.state = State::Scaled(self.now);
        }
    }

    /// How many instances there are, and how many the load that an alarm watches asks for.
    fn wanted(&self, policy: &Value, alarm: &Record) -> Option<(u64, u64)> {
        let mut parts = text(policy, "ResourceId").split('/').skip(1).step_by(2);
        let variant = self.variant(&alarm.scope, parts.next()?, parts.next()?)?;
        let running = variant["CurrentInstanceCount"].as_u64()?;
        let value = self.last_value(alarm)?;
        let wanted = match Target::of(policy) {
            Some(target) => tracked(running, value / target.value, is_high(&alarm.body)),
            None => stepped(running, value - alarm.body["Threshold"].as_f64()?, policy)?,
        };
        Some((running, wanted))
    }

    /// The value of the last period of the metric that an alarm watches.
    fn last_value(&self, alarm: &Record) -> Option<f64> {
        let body = &alarm.body;
        let range = (before(self.now, body["Period"].as_i64()?), self.now);
        let metric = Metric::of(body);
        let values = self.metrics.between(&alarm.scope, &metric, range, None)?;
        values.statistic(text(body, "Statistic"))
    }

    /// Whether a policy acted too short a time ago to act again.
    fn is_cooling(&self, key: &Key, policy: &Value, out: bool) -> bool {
        let tracking = &policy["TargetTrackingScalingPolicyConfiguration"];
        let member = if out {
            "ScaleOutCooldown"
        } else {
            "ScaleInCooldown"
        };
        let steps = &policy["StepScalingPolicyConfiguration"]["Cooldown"];
        let seconds = tracking[member].as_i64().or(steps.as_i64());
        let since = before(self.now, seconds.unwrap_or(COOLDOWN_SECONDS));
        let state = self.records.get(key).map(|record| &record.state);
        matches!(state, Some(State::Scaled(at)) if *at > since)
    }

    fn is_suspended(&self, scope: &Scope, resource: &str, out: bool) -> bool {
        let target = self
            .records
            .get(&Key::new(Id::ScalableTarget, scope, resource));
        let member = if out {
            "DynamicScalingOutSuspended"
        } else {
            "DynamicScalingInSuspended"
        };
        target.is_none_or(|target| target.body["SuspendedState"][member] == true)
    }
}

/// Whether an alarm is about too much.
fn is_high(alarm: &Value) -> bool {
    text(alarm, "ComparisonOperator").starts_with("Greater")
}

/// As many instances as bring `load`, a part of what is aimed at, to one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "instances are few, and a float that is too great is cut to the greatest number"
)]
fn tracked(running: u64, load: f64, high: bool) -> u64 {
    let wanted = (running as f64 * load).ceil() as u64;
    // An alarm leads one way only.
    if high {
        wanted.max(running + 1)
    } else {
        wanted.min(running)
    }
}

/// What a step policy makes of so many instances when its metric is `over` the alarm's threshold.
fn stepped(running: u64, over: f64, policy: &Value) -> Option<u64> {
    let config = policy.get("StepScalingPolicyConfiguration")?;
    let step = items(config, "StepAdjustments").iter().find(|step| {
        let bound = |member: &str| step[member].as_f64();
        bound("MetricIntervalLowerBound").is_none_or(|least| over >= least)
            && bound("MetricIntervalUpperBound").is_none_or(|most| over < most)
    })?;
    let by = step["ScalingAdjustment"].as_i64()?;
    let running = i64::try_from(running).ok()?;
    let least = config["MinAdjustmentMagnitude"].as_i64().unwrap_or(1);
    let wanted = match text(config, "AdjustmentType") {
        "ExactCapacity" => by,
        "PercentChangeInCapacity" => {
            let change = running * by / 100;
            running + change.abs().max(least) * by.signum()
        }
        _ => running + by,
    };
    u64::try_from(wanted.max(0)).ok()
}

/// An alarm that a tracking policy makes for itself: its side, threshold and periods.
pub(in crate::world) fn alarm(target: &Target, name: &str, side: &str, policy: &str) -> Value {
    let high = side == "AlarmHigh";
    let mut put = target.metric.clone();
    put["AlarmName"] = name.into();
    put["AlarmDescription"] =
        format!("DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {policy}.").into();
    put["Period"] = 60.into();
    put["EvaluationPeriods"] = if high { 3 } else { 15 }.into();
    put["Threshold"] = (target.value * if high { 1.0 } else { LOW }).into();
    put["ComparisonOperator"] = if high {
        "GreaterThanThreshold"
    } else {
        "LessThanThreshold"
    }
    .into();
    put["AlarmActions"] = json!([policy]);
    put
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_follow_the_load() {
        assert_eq!(tracked(2, 1.5, true), 3);
        assert_eq!(tracked(2, 1.01, true), 3);
        assert_eq!(tracked(2, 0.5, true), 3);
        assert_eq!(tracked(4, 0.3, false), 2);
        assert_eq!(tracked(4, 0.0, false), 0);
        assert_eq!(tracked(4, 2.0, false), 4);
    }

    #[test]
    fn steps_are_chosen_by_how_far_the_threshold_is_passed() {
        let check = |kind: &str, over: f64, expected: Option<u64>| {
            let policy = json!({"StepScalingPolicyConfiguration": {
            "AdjustmentType": kind, "MinAdjustmentMagnitude": 2,
            "StepAdjustments": [
                {"MetricIntervalLowerBound": 0.0, "MetricIntervalUpperBound": 10.0,
                 "ScalingAdjustment": 1},
                {"MetricIntervalLowerBound": 10.0, "ScalingAdjustment": 50},
            ]}});
            assert_eq!(stepped(4, over, &policy), expected, "{kind} {over}");
        };
        check("ChangeInCapacity", 0.0, Some(5));
        check("ChangeInCapacity", 10.0, Some(54));
        check("ChangeInCapacity", -1.0, None);
        check("ExactCapacity", 11.0, Some(50));
        check("PercentChangeInCapacity", 1.0, Some(6));
        check("PercentChangeInCapacity", 11.0, Some(6));
    }
}
