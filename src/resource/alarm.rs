//! An alarm of `CloudWatch`'s: what SageMaker watches during a deployment.

use serde_json::{Value, json};

use super::kind::{
    Compare, Field, FieldClass, Kind, Listed, Naming, Ops, Update, Within, always_ready,
};

/// `PutMetricAlarm`: put again it is changed, whole. Tags count when it is made.
pub const ALARM: Kind = Kind {
    name: "Alarm",
    rank: 75,
    naming: Naming::Mutable,
    id: "AlarmName",
    arn: Some("AlarmArn"),
    locate: None,
    ops: Ops {
        create: Some("PutMetricAlarm"),
        describe: "DescribeAlarm",
        update: Some("PutMetricAlarm"),
        delete: Some("DeleteAlarm"),
    },
    listed: Some(Listed {
        op: "DescribeAlarms",
        resource: None,
        request: || json!({"AlarmTypes": ["MetricAlarm"], "MaxRecords": 100}),
        items: "MetricAlarms",
        name: |alarm| Some(alarm["AlarmName"].as_str()?.to_owned()),
        members: &["AlarmConfigurationUpdatedTimestamp", "ActionsEnabled"],
    }),
    within: Some(Within {
        op: "DescribeAlarms",
        by: "AlarmNamePrefix",
        items: "MetricAlarms",
        name: "AlarmName",
    }),
    fields: &[
        Field::new("/ActionConfiguration", FieldClass::Live),
        Field::new("/ActionsEnabled", FieldClass::Live),
        Field::with("/AlarmActions", FieldClass::Live, Compare::Unordered),
        Field::new("/AlarmDescription", FieldClass::Live),
        Field::new("/ComparisonOperator", FieldClass::Live),
        Field::new("/DatapointsToAlarm", FieldClass::Live),
        Field::with("/Dimensions", FieldClass::Live, Compare::Unordered),
        Field::new("/EvaluateLowSampleCountPercentile", FieldClass::Live),
        Field::new("/EvaluationCriteria", FieldClass::Live),
        Field::new("/EvaluationInterval", FieldClass::Live),
        Field::new("/EvaluationPeriods", FieldClass::Live),
        Field::new("/EvaluationWindow", FieldClass::Live),
        Field::new("/ExtendedStatistic", FieldClass::Live),
        Field::with(
            "/InsufficientDataActions",
            FieldClass::Live,
            Compare::Unordered,
        ),
        Field::new("/MetricName", FieldClass::Live),
        Field::with("/Metrics", FieldClass::Live, Compare::Keyed("Id")),
        Field::new("/Namespace", FieldClass::Live),
        Field::with("/OKActions", FieldClass::Live, Compare::Unordered),
        Field::new("/Period", FieldClass::Live),
        Field::new("/Statistic", FieldClass::Live),
        Field::new("/Threshold", FieldClass::Live),
        Field::new("/ThresholdMetricId", FieldClass::Live),
        Field::new("/TreatMissingData", FieldClass::Live),
        Field::new("/Unit", FieldClass::Live),
        Field::new("/WarmUpConfiguration", FieldClass::Live),
    ],
    status: always_ready,
    update,
};

/// What is left out would be cleared: everything declared is sent.
fn update(update: &Update<'_>) -> Vec<(&'static str, Value)> {
    let mut body = update.desired.clone();
    body["AlarmName"] = update.name.into();
    vec![("PutMetricAlarm", body)]
}
