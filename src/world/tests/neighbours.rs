//! Application Auto Scaling, `CloudWatch`, SNS and IAM.

use serde_json::{Value, json};

use super::{Bench, scope};
use crate::resource::call::Call;
use crate::resource::error::Class;

const RESOURCE: &str = "endpoint/e/variant/main";
const DIMENSION: &str = "sagemaker:variant:DesiredInstanceCount";

fn serving() -> Bench {
    let mut bench = Bench::new();
    bench.model("m");
    bench.config("one", "m");
    bench.ask(
        "CreateEndpoint",
        json!({"EndpointName": "e", "EndpointConfigName": "one"}),
    );
    bench.fleets(None);
    bench.wait(240);
    bench
}

fn located(more: Value) -> Value {
    let mut body = json!({"ServiceNamespace": "sagemaker", "ResourceId": RESOURCE,
        "ScalableDimension": DIMENSION});
    let members = more.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(members);
    body
}

fn port(bench: &mut Bench, op: &'static str, body: Value) -> Result<Value, Class> {
    let call = Call::new(op, &scope(), body);
    let answer = bench.world.call(bench.now, &call);
    answer.map_err(|error| error.class)
}

#[test]
fn a_target_is_registered_changed_and_deregistered_with_its_policies() {
    let mut bench = serving();
    let bounds = json!({"MinCapacity": 1, "MaxCapacity": 4, "Tags": {"a": "b"}});
    let arn = bench.ask("RegisterScalableTarget", located(bounds))["ScalableTargetARN"].clone();
    let tags = bench.ask(
        "application-autoscaling:ListTagsForResource",
        json!({"ResourceARN": arn}),
    );
    assert_eq!(tags, json!({"Tags": {"a": "b"}}));
    bench.ask(
        "RegisterScalableTarget",
        located(json!({"MaxCapacity": 6, "SuspendedState": {"DynamicScalingInSuspended": true}})),
    );
    let found = port(&mut bench, "DescribeScalableTarget", located(json!({}))).unwrap();
    assert_eq!(
        (&found["MinCapacity"], &found["MaxCapacity"]),
        (&json!(1), &json!(6))
    );
    assert_eq!(found["SuspendedState"]["DynamicScalingInSuspended"], true);
    assert_eq!(found["SuspendedState"]["DynamicScalingOutSuspended"], false);
    let policy = located(
        json!({"PolicyName": "p", "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 70.0,
            "PredefinedMetricSpecification":
                {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}}}),
    );
    bench.ask("PutScalingPolicy", policy.clone());
    bench.ask("PutScalingPolicy", policy);
    let name = located(json!({"PolicyName": "p"}));
    let found = port(&mut bench, "DescribeScalingPolicy", name.clone()).unwrap();
    assert_eq!(
        found["TargetTrackingScalingPolicyConfiguration"]["TargetValue"],
        70.0
    );
    let alarms = bench.ask(
        "DescribeAlarms",
        json!({"AlarmNamePrefix": "TargetTracking-"}),
    );
    assert_eq!(alarms["MetricAlarms"].as_array().unwrap().len(), 2);
    bench.ask("DeregisterScalableTarget", located(json!({})));
    assert_eq!(
        port(&mut bench, "DescribeScalingPolicy", name),
        Err(Class::NotFound)
    );
    let gone = port(&mut bench, "DescribeScalableTarget", located(json!({})));
    assert_eq!(gone, Err(Class::NotFound));
    let alarms = bench.ask("DescribeAlarms", json!({}));
    assert_eq!(alarms["MetricAlarms"], json!([]));
    bench.refused(
        "DeregisterScalableTarget",
        located(json!({})),
        "ObjectNotFoundException",
        "No scalable target found",
    );
}

#[test]
fn what_cannot_be_scaled_is_refused() {
    let mut bench = serving();
    let bounds = json!({"MinCapacity": 1, "MaxCapacity": 4});
    let mut other = located(bounds);
    other["ResourceId"] = json!("endpoint/e/variant/none");
    bench.refused(
        "RegisterScalableTarget",
        other,
        "ValidationException",
        "doesn't exist",
    );
    bench.refused(
        "RegisterScalableTarget",
        located(json!({"MinCapacity": 1})),
        "ValidationException",
        "are required",
    );
    bench.refused(
        "RegisterScalableTarget",
        located(json!({"MinCapacity": 5, "MaxCapacity": 4})),
        "ValidationException",
        "cannot be less",
    );
    bench.refused(
        "PutScalingPolicy",
        located(
            json!({"PolicyName": "p", "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 1.0}}),
        ),
        "ObjectNotFoundException",
        "No scalable target registered",
    );
    assert!(!bench.world.scale(&scope(), "e", "main", 3));
}

#[test]
fn load_moves_counts_within_bounds_and_a_target_is_in_the_way() {
    let mut bench = serving();
    bench.ask(
        "RegisterScalableTarget",
        located(json!({"MinCapacity": 2, "MaxCapacity": 4})),
    );
    assert!(bench.world.scale(&scope(), "e", "main", 9));
    assert!(
        !bench.world.scale(&scope(), "e", "main", 3),
        "it is in motion"
    );
    bench.wait(60);
    let endpoint = bench.ask("DescribeEndpoint", json!({"EndpointName": "e"}));
    assert_eq!(endpoint["ProductionVariants"][0]["CurrentInstanceCount"], 4);
    bench.refused(
        "DeleteEndpoint",
        json!({"EndpointName": "e"}),
        "ValidationException",
        "An Application AutoScaling scalable target exists for a variant being deleted",
    );
    bench.ask(
        "CreateEndpointConfig",
        json!({"EndpointConfigName": "big", "ProductionVariants": [{"VariantName": "main",
            "ModelName": "m", "InstanceType": "ml.m5.xlarge", "InitialInstanceCount": 1}]}),
    );
    let update = json!({"EndpointName": "e", "EndpointConfigName": "big"});
    let words = "cannot be changed while";
    bench.refused(
        "UpdateEndpoint",
        update.clone(),
        "ValidationException",
        words,
    );
    bench.ask("DeregisterScalableTarget", located(json!({})));
    bench.ask("UpdateEndpoint", update);
}

#[test]
fn an_alarm_is_put_whole_and_keeps_its_state() {
    let mut bench = Bench::new();
    let alarm = json!({"AlarmName": "Bad", "Namespace": "n", "MetricName": "m",
        "ExtendedStatistic": "p95", "Period": 60, "EvaluationPeriods": 3, "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanThreshold", "AlarmDescription": "d",
        "Tags": [{"Key": "a", "Value": "b"}]});
    bench.ask("PutMetricAlarm", alarm.clone());
    let state = json!({"AlarmName": "Bad", "StateValue": "ALARM", "StateReason": "r"});
    bench.ask("SetAlarmState", state);
    let mut again = alarm.clone();
    again.as_object_mut().unwrap().remove("AlarmDescription");
    again["Tags"] = json!([{"Key": "a", "Value": "c"}]);
    bench.ask("PutMetricAlarm", again);
    let found = port(&mut bench, "DescribeAlarm", json!({"AlarmName": "Bad"})).unwrap();
    assert_eq!(
        found.get("AlarmDescription"),
        None,
        "what is left out is cleared"
    );
    assert_eq!(found["StateValue"], "ALARM");
    assert_eq!(
        found["AlarmArn"],
        "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:Bad"
    );
    let tags = port(
        &mut bench,
        "ListTags",
        json!({"ResourceArn": found["AlarmArn"]}),
    )
    .unwrap();
    assert_eq!(tags["Tags"][0]["Value"], "b", "tags count when it is made");
    for (member, value, words) in [
        ("Statistic", json!("Sum"), "Exactly one of"),
        ("EvaluationPeriods", json!(2000), "more than a day"),
        ("DatapointsToAlarm", json!(4), "DatapointsToAlarm"),
    ] {
        let mut wrong = alarm.clone();
        wrong[member] = value;
        let error = bench.try_ask("PutMetricAlarm", wrong).unwrap_err();
        assert!(error.message.contains(words), "{error}");
    }
    assert_eq!(
        port(&mut bench, "DeleteAlarm", json!({"AlarmName": "Bad"})),
        Ok(json!({}))
    );
    let gone = port(&mut bench, "DescribeAlarm", json!({"AlarmName": "Bad"}));
    assert_eq!(gone, Err(Class::NotFound));
}

#[test]
fn a_topic_is_made_once_and_tells_its_subscribers() {
    let mut bench = Bench::new();
    let topic = json!({"Name": "t", "Attributes": {"DisplayName": "T"},
        "Tags": [{"Key": "a", "Value": "b"}]});
    let made = bench.ask("CreateTopic", topic.clone());
    assert_eq!(bench.ask("CreateTopic", topic.clone()), made);
    let mut other = topic;
    other["Attributes"]["DisplayName"] = json!("U");
    bench.refused(
        "CreateTopic",
        other,
        "InvalidParameter",
        "different attributes",
    );
    let arn = made["TopicArn"].clone();
    for (protocol, endpoint, answered) in [
        ("email", "a@b.c", "pending confirmation"),
        (
            "sqs",
            "arn:aws:sqs:eu-west-1:111122223333:q",
            "arn:aws:sns:",
        ),
    ] {
        let body = json!({"TopicArn": arn, "Protocol": protocol, "Endpoint": endpoint});
        let answer = bench.ask("Subscribe", body);
        let found = answer["SubscriptionArn"].as_str().unwrap();
        assert!(found.starts_with(answered), "{found}");
    }
    let found = port(&mut bench, "DescribeTopic", json!({"Name": "t"})).unwrap();
    assert_eq!(found["Attributes"]["SubscriptionsPending"], "1");
    assert_eq!(found["Attributes"]["SubscriptionsConfirmed"], "1");
    assert_eq!(found["TopicArn"], arn);
    let who = json!({"TopicName": "t", "Protocol": "email", "Endpoint": "a@b.c"});
    let one = port(&mut bench, "DescribeSubscription", who.clone()).unwrap();
    assert_eq!(one["SubscriptionArn"], "PendingConfirmation");
    bench.ask(
        "SetTopicAttributes",
        json!({"TopicArn": arn, "AttributeName": "DisplayName", "AttributeValue": "V"}),
    );
    let found = bench.ask("GetTopicAttributes", json!({"TopicArn": arn}));
    assert_eq!(found["Attributes"]["DisplayName"], "V");
    assert_eq!(
        bench.ask("ListTopics", json!({}))["Topics"][0]["TopicArn"],
        arn
    );
    let listed = bench.ask("ListSubscriptionsByTopic", json!({"TopicArn": arn}));
    assert_eq!(listed["Subscriptions"].as_array().unwrap().len(), 2);
    bench.ask("DeleteTopic", json!({"TopicArn": arn}));
    assert_eq!(
        port(&mut bench, "DescribeSubscription", who),
        Err(Class::NotFound)
    );
    let gone = port(&mut bench, "DescribeTopic", json!({"Name": "t"}));
    assert_eq!(gone, Err(Class::NotFound));
}

#[test]
fn any_role_is_there_and_may_do_everything() {
    let mut bench = Bench::new();
    let role = bench.ask("GetRole", json!({"RoleName": "Judge"}));
    assert_eq!(role["Role"]["Arn"], "arn:aws:iam::111122223333:role/Judge");
    let trust = role["Role"]["AssumeRolePolicyDocument"].as_str().unwrap();
    assert!(trust.starts_with("%7B%22Statement%22%3A%5B"), "{trust}");
    let allowed = bench.ask(
        "SimulatePrincipalPolicy",
        json!({
            "PolicySourceArn": "arn:aws:iam::111122223333:role/Judge",
            "ActionNames": ["s3:PutObject", "s3:GetObject"],
            "ResourceArns": ["arn:aws:s3:::a/*"],
        }),
    );
    let all = allowed["EvaluationResults"].as_array().unwrap();
    assert_eq!(all.len(), 2);
    assert!(
        all.iter().all(|one| one["EvalDecision"] == "allowed"),
        "{all:?}"
    );
    assert_eq!(all[0]["EvalResourceName"], "arn:aws:s3:::a/*");
}
