//! How an endpoint moves to what is new, in the API's shape.

use serde_json::{Value, json};

use crate::config::model::{Rollout, Strategy};
use crate::config::units::Size;

/// A tenth, where the file names no canary and no step.
const STEP: Size = Size::Percent(10);
/// A quarter, where the file names no batch.
const BATCH: Size = Size::Percent(25);

/// The `DeploymentConfig` of an update, watched by these alarms.
pub(super) fn deployment_config(rollout: &Rollout, alarms: &[String]) -> Value {
    let bake = rollout.bake().0;
    let mut policy = match rollout.strategy {
        Strategy::Rolling => json!({
            "MaximumBatchSize": size(rollout.batch_size.unwrap_or(BATCH)),
            "WaitIntervalInSeconds": bake,
            "RollbackMaximumBatchSize": rollout.rollback_batch_size.map(size),
        }),
        strategy => json!({
            "TrafficRoutingConfiguration": routing(strategy, rollout, bake),
            "TerminationWaitInSeconds": rollout.termination_wait.map(|wait| wait.0),
        }),
    };
    policy["MaximumExecutionTimeoutInSeconds"] =
        json!(rollout.max_execution_time.map(|most| most.0));
    let name = match rollout.strategy {
        Strategy::Rolling => "RollingUpdatePolicy",
        _ => "BlueGreenUpdatePolicy",
    };
    let mut config = json!({ name: policy });
    if !alarms.is_empty() {
        let alarms: Vec<_> = alarms
            .iter()
            .map(|name| json!({"AlarmName": name}))
            .collect();
        config["AutoRollbackConfiguration"] = json!({ "Alarms": alarms });
    }
    crate::resource::canonical::canonical(&config)
}

fn routing(strategy: Strategy, rollout: &Rollout, bake: u64) -> Value {
    match strategy {
        Strategy::Canary => json!({
            "Type": "CANARY",
            "CanarySize": size(rollout.canary_size.unwrap_or(STEP)),
            "WaitIntervalInSeconds": bake,
        }),
        Strategy::Linear => json!({
            "Type": "LINEAR",
            "LinearStepSize": size(rollout.step_size.unwrap_or(STEP)),
            "WaitIntervalInSeconds": bake,
        }),
        Strategy::AllAtOnce | Strategy::Rolling => {
            json!({"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": bake})
        }
    }
}

fn size(size: Size) -> Value {
    match size {
        Size::Instances(number) => json!({"Type": "INSTANCE_COUNT", "Value": number}),
        Size::Percent(share) => json!({"Type": "CAPACITY_PERCENT", "Value": share}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rollout: Value, expect: Value) {
        let rollout: Rollout = serde_json::from_value(rollout).unwrap();
        assert_eq!(deployment_config(&rollout, &["a".to_owned()]), expect);
    }

    #[test]
    fn every_strategy_has_its_policy() {
        let watched = json!({"Alarms": [{"AlarmName": "a"}]});
        check(
            json!({}),
            json!({
                "AutoRollbackConfiguration": watched,
                "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration":
                    {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}},
            }),
        );
        check(
            json!({"strategy": "canary", "canary_size": 1, "bake": "15m",
                "termination_wait": "10m", "max_execution_time": "1h"}),
            json!({
                "AutoRollbackConfiguration": watched,
                "BlueGreenUpdatePolicy": {
                    "TrafficRoutingConfiguration": {
                        "Type": "CANARY", "WaitIntervalInSeconds": 900,
                        "CanarySize": {"Type": "INSTANCE_COUNT", "Value": 1},
                    },
                    "TerminationWaitInSeconds": 600,
                    "MaximumExecutionTimeoutInSeconds": 3600,
                },
            }),
        );
        check(
            json!({"strategy": "linear", "step_size": "25%"}),
            json!({
                "AutoRollbackConfiguration": watched,
                "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {
                    "Type": "LINEAR", "WaitIntervalInSeconds": 600,
                    "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 25},
                }},
            }),
        );
        check(
            json!({"strategy": "rolling", "rollback_batch_size": "100%", "bake": 0}),
            json!({
                "AutoRollbackConfiguration": watched,
                "RollingUpdatePolicy": {
                    "MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 25},
                    "RollbackMaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 100},
                    "WaitIntervalInSeconds": 0,
                },
            }),
        );
    }
}
