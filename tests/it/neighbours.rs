//! Application Auto Scaling, CloudWatch and SNS: the SDK against the local server, each in its own
//! protocol, and what comes back is what was asked for.

use serde_json::{Value, json};
use trueup::aws::{Aws, Options};
use trueup::local::{LocalHandle, LocalOptions, serve};
use trueup::resource::call::{Answer, Call, Scope};
use trueup::resource::compare::changes;
use trueup::resource::error::Class;
use trueup::resource::kind::Kind;
use trueup::resource::kinds::{ALARM, SCALABLE_TARGET, SCALING_POLICY, SUBSCRIPTION, TOPIC};
use trueup::resource::wire::topic_arn;

struct Cloud {
    aws: Aws,
    local: LocalHandle,
}

fn scope() -> Scope {
    Scope {
        account: "111122223333".to_owned(),
        region: "eu-west-1".to_owned(),
    }
}

impl Cloud {
    async fn start() -> Self {
        let options = LocalOptions {
            supervisor: Some(env!("CARGO_BIN_EXE_trueup").into()),
            ..LocalOptions::default()
        };
        let local = serve(options).await.expect("a local server");
        let aws = Aws::connect(Options::local(&local.url)).await;
        Self { aws, local }
    }

    async fn try_ask(&self, op: &'static str, body: Value) -> Answer {
        self.aws.call(&Call::new(op, &scope(), body)).await
    }

    async fn ask(&self, op: &'static str, body: Value) -> Value {
        let answer = self.try_ask(op, body).await;
        answer.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Makes one with tags; what is described covers what was asked for, and the tags are there.
    async fn check(&self, kind: &'static Kind, name: &str, body: Value) -> Value {
        let missing = self.try_ask(kind.ops.describe, kind.located(name)).await;
        let missing = missing.expect_err("it is not made yet");
        assert_eq!(missing.class, Class::NotFound, "{kind:?}");
        let mut request = body.clone();
        let located = kind.located(name);
        let members = located.as_object().expect("members").clone();
        request.as_object_mut().expect("members").extend(members);
        if kind.arn.is_some() {
            request["Tags"] = json!([{"Key": "trueup:self", "Value": "a/b"}]);
        }
        self.ask(kind.ops.create.expect("it can be made"), request)
            .await;
        let found = self.ask(kind.ops.describe, located).await;
        assert_eq!(changes(kind, &body, &found), [], "{found:#}");
        if let Some(arn) = kind.arn {
            let about = json!({"ResourceArn": found[arn]});
            let tags = self.ask("ListTags", about.clone()).await;
            let one = json!({"Key": "trueup:self", "Value": "a/b"});
            assert_eq!(tags, json!({"Tags": [one]}), "{kind:?}");
            let mut more = about.clone();
            more["Tags"] = json!([{"Key": "team", "Value": "growth & co"}]);
            self.ask("AddTags", more.clone()).await;
            let tags = self.ask("ListTags", about).await;
            assert_eq!(tags, json!({"Tags": [more["Tags"][0], one]}), "{kind:?}");
        }
        found
    }
}

#[tokio::test]
async fn alarms_and_topics_are_what_was_asked_for() {
    let cloud = Cloud::start().await;
    let topic = json!({"Attributes": {"DisplayName": "A <B> & \"C\""}});
    let arn = cloud.check(&TOPIC, "ops", topic).await["TopicArn"].clone();
    assert_eq!(arn, json!(topic_arn(&scope(), "ops")));
    let set = json!({"TopicArn": arn, "AttributeName": "DisplayName", "AttributeValue": "Ops"});
    cloud.ask("SetTopicAttributes", set).await;
    let found = cloud.ask("DescribeTopic", json!({"Name": "ops"})).await;
    assert_eq!(found["Attributes"]["DisplayName"], "Ops");
    let body = json!({"TopicArn": arn, "Protocol": "email", "Endpoint": "ann+ml@acme.test"});
    cloud
        .check(&SUBSCRIPTION, "ops/email/ann+ml@acme.test", body)
        .await;

    let alarm = json!({
        "AlarmActions": [arn],
        "AlarmDescription": "what for",
        "ComparisonOperator": "GreaterThanThreshold",
        "DatapointsToAlarm": 2,
        "Dimensions": [{"Name": "EndpointName", "Value": "e"}],
        "EvaluationPeriods": 3,
        "ExtendedStatistic": "p95",
        "MetricName": "ModelLatency",
        "Namespace": "AWS/SageMaker",
        "Period": 60,
        "Threshold": 200_000.0,
        "TreatMissingData": "notBreaching",
        "Unit": "Microseconds",
    });
    let found = cloud.check(&ALARM, "Bad one", alarm).await;
    assert_eq!(found["StateValue"], "INSUFFICIENT_DATA");
    assert!(found["StateUpdatedTimestamp"].is_number(), "{found:#}");
    let state = json!({"AlarmName": "Bad one", "StateValue": "ALARM", "StateReason": "r"});
    cloud.ask("SetAlarmState", state).await;
    let found = cloud.ask("DescribeAlarm", ALARM.located("Bad one")).await;
    assert_eq!(
        (&found["StateValue"], &found["StateReason"]),
        (&json!("ALARM"), &json!("r"))
    );
    cloud.ask("DeleteAlarm", ALARM.located("Bad one")).await;
    let gone = cloud
        .try_ask("DescribeAlarm", ALARM.located("Bad one"))
        .await;
    assert_eq!(gone.unwrap_err().class, Class::NotFound);
    cloud.local.shutdown().await;
}

#[tokio::test]
async fn refusals_come_with_their_codes() {
    let cloud = Cloud::start().await;
    let target = SCALABLE_TARGET.located("endpoint/none/variant/main");
    let policy = SCALING_POLICY.located("endpoint/none/variant/main/p");
    for (op, body, code, class) in [
        (
            "DescribeScalableTarget",
            target.clone(),
            "ResourceNotFound",
            Class::NotFound,
        ),
        (
            "DescribeScalingPolicy",
            policy,
            "ResourceNotFound",
            Class::NotFound,
        ),
        (
            "DeregisterScalableTarget",
            target,
            "ObjectNotFoundException",
            Class::NotFound,
        ),
        (
            "DescribeTopic",
            json!({"Name": "none"}),
            "NotFound",
            Class::NotFound,
        ),
        (
            "SetAlarmState",
            json!({"AlarmName": "none", "StateValue": "OK", "StateReason": "r"}),
            "ResourceNotFound",
            Class::NotFound,
        ),
        (
            "CreateTopic",
            json!({"Name": "a b"}),
            "InvalidParameter",
            Class::Invalid,
        ),
        (
            "PutMetricAlarm",
            json!({"AlarmName": "a", "Metrics": []}),
            "InvalidCall",
            Class::Invalid,
        ),
    ] {
        let error = cloud.try_ask(op, body).await.unwrap_err();
        assert_eq!((error.code.as_str(), error.class), (code, class), "{error}");
    }
    cloud.local.shutdown().await;
}
