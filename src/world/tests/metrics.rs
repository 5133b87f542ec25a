//! Metrics, the alarms over them, and what scales by them.

use serde_json::{Value, json};

use super::{Bench, scope};
use crate::limits::INVOCATIONS_QUEUED_MAX;
use crate::world::invocations::AsyncRequest;
use crate::world::metrics::{Datum, Distribution, Metric};
use crate::world::work::{Done, Invoked};

const RESOURCE: &str = "endpoint/e/variant/main";

impl Bench {
    fn put_metric(&mut self, name: &str, values: &[f64]) {
        let body = json!({"Namespace": "Mine", "MetricData":
            [{"MetricName": name, "Values": values, "Unit": "Count",
              "Dimensions": [{"Name": "d", "Value": "v"}]}]});
        self.ask("PutMetricData", body);
    }

    fn alarm(&mut self, name: &str, periods: u64) {
        self.ask(
            "PutMetricAlarm",
            json!({"AlarmName": name, "Namespace": "Mine", "MetricName": "errors",
                "Dimensions": [{"Name": "d", "Value": "v"}], "Statistic": "Sum", "Period": 60,
                "EvaluationPeriods": periods, "Threshold": 0.0,
                "ComparisonOperator": "GreaterThanThreshold"}),
        );
    }

    fn state(&mut self, name: &str) -> String {
        let found = self.ask("DescribeAlarms", json!({"AlarmNames": [name]}));
        found["MetricAlarms"][0]["StateValue"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// An endpoint of one instance whose config is `one`.
    fn serving(&mut self) {
        self.model("m");
        self.config("one", "m");
        let body = json!({"EndpointName": "e", "EndpointConfigName": "one"});
        self.ask("CreateEndpoint", body);
        self.fleets(None);
        self.wait(240);
    }

    /// So many requests within this second.
    fn load(&mut self, requests: f64) {
        let dimensions = [("EndpointName", "e"), ("VariantName", "main")];
        let dimensions = dimensions.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let datum = Datum {
            metric: Metric {
                namespace: "AWS/SageMaker".to_owned(),
                name: "InvocationsPerInstance".to_owned(),
                dimensions: dimensions.into(),
            },
            unit: "None".to_owned(),
            at: self.now,
            values: Distribution::of(1.0, requests),
        };
        self.world.measure(self.now, &scope(), vec![datum]);
    }

    fn instances(&mut self) -> Value {
        let found = self.ask("DescribeEndpoint", json!({"EndpointName": "e"}));
        found["ProductionVariants"][0]["DesiredInstanceCount"].clone()
    }
}

#[test]
fn what_was_put_is_found_again() {
    let mut bench = Bench::new();
    let from = bench.now.as_second();
    bench.put_metric("errors", &[1.0, 2.0, 3.0]);
    bench.wait(60);
    bench.put_metric("errors", &[10.0]);
    bench.put_metric("other", &[1.0]);
    let asked = json!({"Namespace": "Mine", "MetricName": "errors",
        "Dimensions": [{"Name": "d", "Value": "v"}], "StartTime": from, "EndTime": from + 120,
        "Period": 60, "Statistics": ["Sum", "Average"], "ExtendedStatistics": ["p50"]});
    let found = bench.ask("GetMetricStatistics", asked.clone());
    let points = found["Datapoints"].as_array().unwrap();
    assert_eq!(points.len(), 2);
    assert_eq!(
        (&points[0]["Sum"], &points[0]["Average"]),
        (&json!(6.0), &json!(2.0))
    );
    assert_eq!(points[0]["Unit"], "Count");
    assert!((points[1]["ExtendedStatistics"]["p50"].as_f64().unwrap() - 10.0).abs() < 0.2);

    let query = |stat: &str| {
        json!([{"Id": "q", "MetricStat": {"Stat": stat, "Period": 60,
        "Metric": {"Namespace": "Mine", "MetricName": "errors",
            "Dimensions": [{"Name": "d", "Value": "v"}]}}}])
    };
    let data = |queries: Value| {
        json!({"StartTime": from, "EndTime": from + 120,
        "MetricDataQueries": queries})
    };
    let found = bench.ask("GetMetricData", data(query("Maximum")));
    assert_eq!(found["MetricDataResults"][0]["Values"], json!([10.0, 3.0]));
    assert_eq!(found["MetricDataResults"][0]["StatusCode"], "Complete");
    let listed = bench.ask(
        "ListMetrics",
        json!({"Namespace": "Mine", "MetricName": "errors"}),
    );
    assert_eq!(listed["Metrics"].as_array().unwrap().len(), 1);

    bench.refused(
        "GetMetricData",
        data(query("tm90")),
        "InvalidParameterValue",
        "tm90",
    );
    let math = json!([{"Id": "q", "Expression": "a + b"}]);
    bench.refused(
        "GetMetricData",
        data(math),
        "ValidationError",
        "metric math",
    );
    let mut long = asked.clone();
    long["StartTime"] = json!(from - 86_400 * 2);
    bench.refused(
        "GetMetricStatistics",
        long,
        "InvalidParameterCombination",
        "limit of 1440",
    );
    let mut backwards = asked;
    backwards["StartTime"] = json!(from + 120);
    bench.refused(
        "GetMetricStatistics",
        backwards,
        "InvalidParameterValue",
        "StartTime",
    );
}

#[test]
fn values_that_cannot_be_are_refused() {
    let mut bench = Bench::new();
    let now = bench.now.as_second();
    let mut check = |namespace: &str, datum: Value, code: &str| {
        let mut datum = datum;
        datum["MetricName"] = "m".into();
        let body = json!({"Namespace": namespace, "MetricData": [datum]});
        bench.refused("PutMetricData", body, code, "");
    };
    check(
        "AWS/SageMaker",
        json!({"Value": 1.0}),
        "InvalidParameterValue",
    );
    check("Mine", json!({}), "InvalidParameterCombination");
    check("Mine", json!({"Value": 1e300}), "InvalidParameterValue");
    check(
        "Mine",
        json!({"Values": [1.0, 2.0], "Counts": [1.0]}),
        "InvalidParameterValue",
    );
    check(
        "Mine",
        json!({"Value": 1.0, "Timestamp": now + 9000}),
        "InvalidParameterValue",
    );
    check(
        "Mine",
        json!({"Value": 1.0, "Timestamp": now - 1_500_000}),
        "InvalidParameterValue",
    );
}

#[test]
fn an_alarm_follows_its_metric() {
    let mut bench = Bench::new();
    bench.alarm("a", 2);
    assert_eq!(bench.state("a"), "INSUFFICIENT_DATA");
    for (value, expected) in [(0.0, "OK"), (1.0, "OK"), (1.0, "ALARM"), (0.0, "OK")] {
        bench.put_metric("errors", &[value]);
        bench.wait(60);
        assert_eq!(bench.state("a"), expected);
    }
    bench.wait(600);
    assert_eq!(bench.state("a"), "INSUFFICIENT_DATA");
    assert_eq!(bench.world.next_timer(), None);
    let history = bench.ask(
        "DescribeAlarmHistory",
        json!({"AlarmName": "a", "HistoryItemType": "StateUpdate"}),
    );
    let history = history["AlarmHistoryItems"].as_array().unwrap();
    assert_eq!(history.len(), 4);
    assert_eq!(
        history[0]["HistorySummary"],
        "Alarm updated from OK to INSUFFICIENT_DATA"
    );
    let of_metric = json!({"Namespace": "Mine", "MetricName": "errors",
        "Dimensions": [{"Name": "d", "Value": "v"}]});
    let found = bench.ask("DescribeAlarmsForMetric", of_metric);
    assert_eq!(found["MetricAlarms"][0]["AlarmName"], "a");
}

impl Bench {
    /// A topic and a queue that hears what is said on it.
    fn heard(&mut self, name: &str) -> (String, Value) {
        let topic = self.ask("CreateTopic", json!({"Name": name}))["TopicArn"].clone();
        let url = self.ask("CreateQueue", json!({"QueueName": name}))["QueueUrl"].clone();
        let arn = format!("arn:aws:sqs:eu-west-1:111122223333:{name}");
        let told = json!({"TopicArn": topic, "Protocol": "sqs", "Endpoint": arn,
            "Attributes": {"RawMessageDelivery": "true"}});
        self.ask("Subscribe", told);
        (topic.as_str().unwrap().to_owned(), url)
    }

    fn messages(&mut self, url: &Value) -> Vec<Value> {
        let found = self.ask(
            "ReceiveMessage",
            json!({"QueueUrl": url, "MaxNumberOfMessages": 10}),
        );
        let messages = found["Messages"].as_array().cloned().unwrap_or_default();
        let bodies = messages.iter().map(|one| one["Body"].as_str().unwrap());
        bodies
            .map(|body| serde_json::from_str(body).unwrap())
            .collect()
    }
}

#[test]
fn a_topic_hears_of_an_alarm_once() {
    let mut bench = Bench::new();
    let (topic, url) = bench.heard("alarms");
    bench.alarm("a", 1);
    let mut changed =
        bench.ask("DescribeAlarms", json!({"AlarmNames": ["a"]}))["MetricAlarms"][0].clone();
    for own in [
        "AlarmArn",
        "StateValue",
        "StateReason",
        "StateUpdatedTimestamp",
        "AlarmConfigurationUpdatedTimestamp",
    ] {
        changed.as_object_mut().unwrap().remove(own);
    }
    changed["AlarmActions"] = json!([topic, "arn:aws:sns:eu-west-1:111122223333:gone"]);
    bench.ask("PutMetricAlarm", changed);
    for _ in 0..3 {
        bench.put_metric("errors", &[1.0]);
        bench.wait(60);
    }
    let messages = bench.messages(&url);
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert_eq!(messages[0]["NewStateValue"], "ALARM");
    assert_eq!(messages[0]["OldStateValue"], "INSUFFICIENT_DATA");
    assert_eq!(messages[0]["Trigger"]["Statistic"], "SUM");
}

#[test]
fn topics_hear_of_queued_invocations() {
    let mut bench = Bench::new();
    let (good, heard_good) = bench.heard("good");
    let (bad, heard_bad) = bench.heard("bad");
    bench.model("m");
    let config = json!({
        "EndpointConfigName": "later",
        "ProductionVariants": [{"VariantName": "main", "ModelName": "m",
            "InstanceType": "ml.m5.large", "InitialInstanceCount": 2}],
        "AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://b/out/",
            "NotificationConfig": {"SuccessTopic": good, "ErrorTopic": bad}}},
    });
    bench.ask("CreateEndpointConfig", config);
    bench.ask(
        "CreateEndpoint",
        json!({"EndpointName": "e", "EndpointConfigName": "later"}),
    );
    bench.fleets(None);
    bench.wait(240);
    let request = AsyncRequest {
        endpoint: "e".to_owned(),
        input: "s3://b/in".to_owned(),
        inference_id: Some("mine".to_owned()),
        ..AsyncRequest::default()
    };
    for failure in [None, Some("no luck")] {
        let queued = bench
            .world
            .invoke_async(bench.now, &scope(), request.clone())
            .unwrap();
        let backlog = &bench.world.backlogs()[0];
        assert_eq!((backlog.size, backlog.instances), (1, 2));
        assert!(queued.output.unwrap().starts_with("s3://b/out/"));
        let invoked = Invoked {
            id: queued.id,
            failure: failure.map(str::to_owned),
            content_type: "text/csv".to_owned(),
        };
        bench.world.finish(bench.now, Done::Invocation(invoked));
    }
    let messages = bench.messages(&heard_good);
    assert_eq!(messages[0]["invocationStatus"], "Completed");
    assert_eq!(messages[0]["inferenceId"], "mine");
    assert_eq!(messages[0]["responseParameters"]["contentType"], "text/csv");
    let messages = bench.messages(&heard_bad);
    assert_eq!(messages[0]["failureReason"], "no luck");
    for _ in 0..INVOCATIONS_QUEUED_MAX {
        bench
            .world
            .invoke_async(bench.now, &scope(), request.clone())
            .unwrap();
    }
    let full = bench
        .world
        .invoke_async(bench.now, &scope(), request)
        .unwrap_err();
    assert_eq!(full.code, "ServiceUnavailable");
}

#[test]
fn the_history_of_an_alarm_has_an_end() {
    let mut bench = Bench::new();
    bench.alarm("a", 1);
    for n in 0..crate::limits::ALARM_HISTORY_MAX {
        let to = if n % 2 == 0 { "ALARM" } else { "OK" };
        let body = json!({"AlarmName": "a", "StateValue": to, "StateReason": "test"});
        bench.ask("SetAlarmState", body);
    }
    let mut body = json!({"AlarmName": "a"});
    let first = bench.ask("DescribeAlarmHistory", body.clone());
    assert_eq!(first["AlarmHistoryItems"].as_array().unwrap().len(), 100);
    assert_eq!(first.get("NextToken"), None);
    body["HistoryItemType"] = "ConfigurationUpdate".into();
    let created = bench.ask("DescribeAlarmHistory", body);
    assert_eq!(created["AlarmHistoryItems"], json!([]));
}

#[test]
fn errors_that_are_measured_roll_a_deployment_back() {
    let mut bench = Bench::new();
    bench.serving();
    bench.config("two", "m");
    bench.alarm("errors", 1);
    bench.put_metric("errors", &[0.0]);
    bench.wait(60);
    assert_eq!(bench.state("errors"), "OK");
    bench.ask(
        "UpdateEndpoint",
        json!({"EndpointName": "e", "EndpointConfigName": "two",
        "DeploymentConfig": {
            "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration":
                {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 600}},
            "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]}}}),
    );
    bench.fleets(None);
    bench.wait(330);
    bench.put_metric("errors", &[3.0]);
    bench.wait(60);
    assert_eq!(bench.state("errors"), "ALARM");
    bench.wait(60);
    let found = bench.ask("DescribeEndpoint", json!({"EndpointName": "e"}));
    assert_eq!(found["EndpointStatus"], "InService");
    assert_eq!(found["EndpointConfigName"], "one");
    assert!(
        found["FailureReason"]
            .as_str()
            .unwrap()
            .contains("alarm errors")
    );
}

#[test]
fn load_counts_instances_within_bounds() {
    let mut bench = Bench::new();
    bench.serving();
    let located = json!({"ServiceNamespace": "sagemaker", "ResourceId": RESOURCE,
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"});
    let with = |more: Value| {
        let mut body = located.clone();
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        body
    };
    bench.ask(
        "RegisterScalableTarget",
        with(json!({"MinCapacity": 1, "MaxCapacity": 3})),
    );
    bench.ask(
        "PutScalingPolicy",
        with(json!({
        "PolicyName": "p", "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 10.0, "ScaleInCooldown": 0,
            "PredefinedMetricSpecification":
                {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}}})),
    );
    let mut minutes = |load: f64, count: usize| {
        for _ in 0..count {
            bench.load(load);
            bench.wait(60);
        }
        bench.instances()
    };
    assert_eq!(minutes(20.0, 2), 1, "three minutes of it are wanted");
    assert_eq!(minutes(20.0, 2), 2);
    assert_eq!(minutes(90.0, 2), 2, "it cools for five minutes");
    assert_eq!(minutes(90.0, 5), 3, "no more than there may be");
    assert_eq!(minutes(1.0, 12), 3, "a quarter of an hour of it is wanted");
    assert_eq!(minutes(1.0, 5), 1);
    let suspended = json!({"SuspendedState": {"DynamicScalingOutSuspended": true}});
    bench.ask("RegisterScalableTarget", with(suspended));
    let mut minutes = |load: f64, count: usize| {
        for _ in 0..count {
            bench.load(load);
            bench.wait(60);
        }
        bench.instances()
    };
    assert_eq!(minutes(90.0, 10), 1);
}
