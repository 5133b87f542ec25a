//! Deployments that move traffic in steps, and alarms that take them back.

use serde_json::{Value, json};

use super::super::Settings;
use super::{Bench, scope};

/// A bench with an endpoint `e` of four instances in service on `one`, a config `two`, and an alarm.
fn serving() -> Bench {
    let mut bench = Bench::new();
    bench.model("m");
    for name in ["one", "two"] {
        bench.ask(
            "CreateEndpointConfig",
            json!({"EndpointConfigName": name, "ProductionVariants": [{
                "VariantName": "main", "ModelName": "m", "InstanceType": "ml.m5.large",
                "InitialInstanceCount": 4}]}),
        );
    }
    bench.ask("PutMetricAlarm", alarm("bad"));
    bench.ask(
        "CreateEndpoint",
        json!({"EndpointName": "e", "EndpointConfigName": "one"}),
    );
    bench.fleets(None);
    bench.wait(240);
    bench
}

fn alarm(name: &str) -> Value {
    json!({"AlarmName": name, "Namespace": "AWS/SageMaker", "MetricName": "Invocation5XXErrors",
        "Statistic": "Average", "Period": 60, "EvaluationPeriods": 1, "Threshold": 0.1,
        "ComparisonOperator": "GreaterThanThreshold"})
}

fn update(bench: &mut Bench, policy: Value) {
    let mut policy = policy;
    policy["AutoRollbackConfiguration"] = json!({"Alarms": [{"AlarmName": "bad"}]});
    bench.ask(
        "UpdateEndpoint",
        json!({"EndpointName": "e", "EndpointConfigName": "two", "DeploymentConfig": policy}),
    );
    bench.fleets(None);
}

fn set(bench: &mut Bench, state: &str) {
    bench.ask(
        "SetAlarmState",
        json!({"AlarmName": "bad", "StateValue": state, "StateReason": "a test"}),
    );
}

fn describe(bench: &mut Bench) -> Value {
    bench.ask("DescribeEndpoint", json!({"EndpointName": "e"}))
}

fn canary() -> Value {
    json!({"BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {"Type": "CANARY", "WaitIntervalInSeconds": 600,
            "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 10}},
        "TerminationWaitInSeconds": 120,
    }})
}

/// Config, share of the old fleet, share and instances of the new one.
fn check(bench: &mut Bench, config: &str, old: f64, new: Option<(f64, u64)>) {
    let endpoint = describe(bench);
    assert_eq!(endpoint["EndpointConfigName"], config, "{endpoint:#}");
    let serving = &endpoint["ProductionVariants"][0];
    assert_eq!(serving["CurrentWeight"], json!(old), "{endpoint:#}");
    let pending = &endpoint["PendingDeploymentSummary"]["ProductionVariants"][0];
    let found = new.map(|_| {
        (
            pending["CurrentWeight"].as_f64().unwrap(),
            pending["CurrentInstanceCount"].as_u64().unwrap(),
        )
    });
    assert_eq!(found, new, "{endpoint:#}");
}

#[test]
fn a_canary_gets_a_part_and_then_everything() {
    let mut bench = serving();
    let old = bench.world.route(&scope(), "e", None, 0.5).unwrap().fleet;
    update(&mut bench, canary());
    check(&mut bench, "one", 1.0, Some((0.0, 0)));
    bench.wait(300);
    check(&mut bench, "one", 0.9, Some((0.1, 4)));
    let few = bench.world.route(&scope(), "e", None, 0.05).unwrap();
    assert_eq!(few.config, "two");
    assert_ne!(few.fleet, old);
    let most = bench.world.route(&scope(), "e", None, 0.11).unwrap();
    assert_eq!((most.fleet, most.config.as_str()), (old, "one"));
    bench.wait(600);
    check(&mut bench, "one", 0.0, Some((1.0, 4)));
    assert_eq!(describe(&mut bench)["EndpointStatus"], "Updating");
    bench.wait(119);
    assert_eq!(describe(&mut bench)["EndpointConfigName"], "one");
    bench.wait(1);
    check(&mut bench, "two", 1.0, None);
    let endpoint = describe(&mut bench);
    assert_eq!(endpoint["EndpointStatus"], "InService");
    assert_eq!(
        endpoint["LastDeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"][0]["AlarmName"],
        "bad"
    );
}

#[test]
fn linear_steps_are_equal_and_batches_exchange_instances() {
    let mut bench = serving();
    let size = json!({"Type": "CAPACITY_PERCENT", "Value": 50});
    update(
        &mut bench,
        json!({"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration":
            {"Type": "LINEAR", "WaitIntervalInSeconds": 60, "LinearStepSize": size}}}),
    );
    bench.wait(300);
    check(&mut bench, "one", 0.5, Some((0.5, 4)));
    bench.wait(60);
    check(&mut bench, "two", 1.0, None);

    let mut bench = serving();
    update(
        &mut bench,
        json!({"RollingUpdatePolicy": {"MaximumBatchSize": size, "WaitIntervalInSeconds": 60}}),
    );
    bench.wait(300);
    check(&mut bench, "one", 0.5, Some((0.5, 2)));
    let endpoint = describe(&mut bench);
    assert_eq!(endpoint["ProductionVariants"][0]["CurrentInstanceCount"], 2);
    bench.wait(60);
    check(&mut bench, "two", 1.0, None);
}

#[test]
fn an_alarm_takes_a_deployment_back_in_silence() {
    let mut bench = serving();
    let old = bench.world.route(&scope(), "e", None, 0.0).unwrap().fleet;
    update(&mut bench, canary());
    bench.wait(300);
    set(&mut bench, "ALARM");
    check(&mut bench, "one", 1.0, Some((0.0, 4)));
    let route = bench.world.route(&scope(), "e", None, 0.0).unwrap();
    assert_eq!(route.fleet, old, "traffic is back at once");
    set(&mut bench, "OK");
    bench.wait(60);
    let endpoint = describe(&mut bench);
    assert_eq!(endpoint["EndpointStatus"], "InService");
    assert_eq!(endpoint["EndpointConfigName"], "one");
    let reason = endpoint["FailureReason"].as_str().unwrap();
    assert!(reason.contains("alarm bad was in ALARM"), "{reason}");
    check(&mut bench, "one", 1.0, None);
}

#[test]
fn an_alarm_that_is_bad_already_ends_a_deployment_and_a_missing_one_forbids_it() {
    let mut bench = serving();
    set(&mut bench, "ALARM");
    update(&mut bench, canary());
    bench.wait(300);
    check(&mut bench, "one", 1.0, Some((0.0, 4)));
    bench.wait(60);
    assert_eq!(describe(&mut bench)["EndpointConfigName"], "one");
    bench.ask("DeleteAlarms", json!({"AlarmNames": ["bad"]}));
    bench.refused(
        "UpdateEndpoint",
        json!({"EndpointName": "e", "EndpointConfigName": "two", "DeploymentConfig":
            {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "bad"}]}}}),
        "ValidationException",
        "bad in AutoRollbackConfiguration does not exist",
    );
}

#[test]
fn what_takes_too_long_is_given_up() {
    let mut bench = serving();
    let mut policy = canary();
    policy["BlueGreenUpdatePolicy"]["MaximumExecutionTimeoutInSeconds"] = json!(700);
    update(&mut bench, policy);
    bench.wait(700);
    bench.wait(60);
    let endpoint = describe(&mut bench);
    assert_eq!(endpoint["EndpointConfigName"], "one");
    assert_eq!(endpoint["EndpointStatus"], "InService");
    assert!(
        endpoint["FailureReason"]
            .as_str()
            .unwrap()
            .contains("MaximumExecutionTimeout")
    );
}

#[test]
fn a_rolling_deployment_may_fail_to_roll_back() {
    let mut bench = serving();
    bench.world.set(Settings {
        rollback_fails: true,
        ..Settings::default()
    });
    let size = json!({"Type": "CAPACITY_PERCENT", "Value": 25});
    update(
        &mut bench,
        json!({"RollingUpdatePolicy": {"MaximumBatchSize": size, "WaitIntervalInSeconds": 60}}),
    );
    bench.wait(300);
    set(&mut bench, "ALARM");
    bench.wait(60);
    let endpoint = describe(&mut bench);
    assert_eq!(endpoint["EndpointStatus"], "UpdateRollbackFailed");
    bench.world.set(Settings::default());
    update(&mut bench, json!({}));
    set(&mut bench, "OK");
    bench.wait(300);
    assert_eq!(describe(&mut bench)["EndpointConfigName"], "two");
}
