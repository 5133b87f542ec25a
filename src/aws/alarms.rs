//! `CloudWatch`'s alarms, over the SDK's typed builders: its protocol is binary.

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{
    AlarmType, ComparisonOperator, Dimension, MetricAlarm, StandardUnit, StateValue, Statistic, Tag,
};
use aws_smithy_types::DateTime;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::clients;
use super::exchange::Exchange;
use super::typed::{TagPair, invalid, members, parse, sent, tag_list, text};
use crate::resource::call::{Answer, Call, OpError};

/// Every operation of `CloudWatch` that can be called.
pub(super) const OPERATIONS: &[&str] = &[
    "DeleteAlarms",
    "DescribeAlarms",
    "PutMetricAlarm",
    "SetAlarmState",
    "cloudwatch:ListTagsForResource",
    "cloudwatch:TagResource",
];

/// Sends a call; `None`: it is not `CloudWatch`'s.
pub(super) async fn send(
    clients: &clients::Region,
    call: &Call,
    exchange: &Exchange,
) -> Option<Answer> {
    let client = clients.cloudwatch(call);
    Some(match call.op {
        "DeleteAlarms" => delete(client, call, exchange).await,
        "DescribeAlarms" => describe(client, call, exchange).await,
        "PutMetricAlarm" => put(client, call, exchange).await,
        "SetAlarmState" => set_state(client, call, exchange).await,
        "cloudwatch:ListTagsForResource" => list_tags(client, call, exchange).await,
        "cloudwatch:TagResource" => tag(client, call, exchange).await,
        _ => return None,
    })
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Pair {
    name: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "they are the service's")]
struct Alarm {
    alarm_name: String,
    alarm_description: Option<String>,
    actions_enabled: Option<bool>,
    #[serde(rename = "OKActions")]
    ok_actions: Option<Vec<String>>,
    alarm_actions: Option<Vec<String>>,
    insufficient_data_actions: Option<Vec<String>>,
    metric_name: String,
    namespace: String,
    statistic: Option<String>,
    extended_statistic: Option<String>,
    #[serde(default)]
    dimensions: Vec<Pair>,
    period: i32,
    unit: Option<String>,
    evaluation_periods: i32,
    datapoints_to_alarm: Option<i32>,
    threshold: f64,
    comparison_operator: String,
    treat_missing_data: Option<String>,
    evaluate_low_sample_count_percentile: Option<String>,
    #[serde(default)]
    tags: Vec<TagPair>,
}

async fn put(client: &Client, call: &Call, exchange: &Exchange) -> Answer {
    let alarm: Alarm = parse(call)?;
    let dimensions = alarm.dimensions.into_iter();
    let dimensions =
        dimensions.map(|Pair { name, value }| Dimension::builder().name(name).value(value).build());
    let request = client
        .put_metric_alarm()
        .alarm_name(alarm.alarm_name)
        .set_alarm_description(alarm.alarm_description)
        .set_actions_enabled(alarm.actions_enabled)
        .set_ok_actions(alarm.ok_actions)
        .set_alarm_actions(alarm.alarm_actions)
        .set_insufficient_data_actions(alarm.insufficient_data_actions)
        .metric_name(alarm.metric_name)
        .namespace(alarm.namespace)
        .set_statistic(alarm.statistic.as_deref().map(Statistic::from))
        .set_extended_statistic(alarm.extended_statistic)
        .set_dimensions(Some(dimensions.collect()))
        .period(alarm.period)
        .set_unit(alarm.unit.as_deref().map(StandardUnit::from))
        .evaluation_periods(alarm.evaluation_periods)
        .set_datapoints_to_alarm(alarm.datapoints_to_alarm)
        .threshold(alarm.threshold)
        .comparison_operator(ComparisonOperator::from(alarm.comparison_operator.as_str()))
        .set_treat_missing_data(alarm.treat_missing_data)
        .set_evaluate_low_sample_count_percentile(alarm.evaluate_low_sample_count_percentile)
        .set_tags((!alarm.tags.is_empty()).then(|| tags(alarm.tags)));
    sent!(request, call, exchange)?;
    Ok(json!({}))
}

fn tags(pairs: Vec<TagPair>) -> Vec<Tag> {
    let pairs = pairs.into_iter();
    pairs
        .map(|TagPair { key, value }| Tag::builder().key(key).value(value).build())
        .collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Named {
    alarm_names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Asked {
    alarm_names: Option<Vec<String>>,
    alarm_name_prefix: Option<String>,
    #[serde(default)]
    alarm_types: Vec<String>,
    max_records: Option<i32>,
    next_token: Option<String>,
}

async fn delete(client: &Client, call: &Call, exchange: &Exchange) -> Answer {
    let named: Named = parse(call)?;
    let request = client
        .delete_alarms()
        .set_alarm_names(Some(named.alarm_names));
    sent!(request, call, exchange)?;
    Ok(json!({}))
}

async fn describe(client: &Client, call: &Call, exchange: &Exchange) -> Answer {
    let asked: Asked = parse(call)?;
    let types = asked.alarm_types.iter();
    let types: Vec<_> = types.map(|name| AlarmType::from(name.as_str())).collect();
    let request = client
        .describe_alarms()
        .set_alarm_names(asked.alarm_names)
        .set_alarm_name_prefix(asked.alarm_name_prefix)
        .set_alarm_types((!types.is_empty()).then_some(types))
        .set_max_records(asked.max_records)
        .set_next_token(asked.next_token);
    let output = sent!(request, call, exchange)?;
    let alarms: Result<Vec<_>, _> = output
        .metric_alarms()
        .iter()
        .map(|alarm| shown(call, alarm))
        .collect();
    Ok(members([
        ("MetricAlarms", Some(alarms?.into())),
        ("NextToken", text(output.next_token())),
    ]))
}

/// An alarm in the service's shape. One of another sort than ours is not read as one of ours.
fn shown(call: &Call, alarm: &MetricAlarm) -> Result<Value, OpError> {
    if !alarm.metrics().is_empty() {
        return Err(invalid(call, "the alarm is of several metrics"));
    }
    let dimensions: Value = alarm
        .dimensions()
        .iter()
        .map(|one| json!({"Name": one.name(), "Value": one.value()}))
        .collect();
    Ok(members([
        ("ActionsEnabled", alarm.actions_enabled().map(Value::from)),
        ("AlarmActions", Some(json!(alarm.alarm_actions()))),
        ("AlarmArn", text(alarm.alarm_arn())),
        (
            "AlarmConfigurationUpdatedTimestamp",
            alarm.alarm_configuration_updated_timestamp().map(seconds),
        ),
        ("AlarmDescription", text(alarm.alarm_description())),
        ("AlarmName", text(alarm.alarm_name())),
        (
            "ComparisonOperator",
            text(alarm.comparison_operator().map(ComparisonOperator::as_str)),
        ),
        (
            "DatapointsToAlarm",
            alarm.datapoints_to_alarm().map(Value::from),
        ),
        ("Dimensions", Some(dimensions)),
        (
            "EvaluateLowSampleCountPercentile",
            text(alarm.evaluate_low_sample_count_percentile()),
        ),
        (
            "EvaluationPeriods",
            alarm.evaluation_periods().map(Value::from),
        ),
        ("ExtendedStatistic", text(alarm.extended_statistic())),
        (
            "InsufficientDataActions",
            Some(json!(alarm.insufficient_data_actions())),
        ),
        ("MetricName", text(alarm.metric_name())),
        ("Namespace", text(alarm.namespace())),
        ("OKActions", Some(json!(alarm.ok_actions()))),
        ("Period", alarm.period().map(Value::from)),
        ("StateReason", text(alarm.state_reason())),
        (
            "StateUpdatedTimestamp",
            alarm.state_updated_timestamp().map(seconds),
        ),
        (
            "StateValue",
            text(alarm.state_value().map(StateValue::as_str)),
        ),
        ("Statistic", text(alarm.statistic().map(Statistic::as_str))),
        ("Threshold", alarm.threshold().map(Value::from)),
        ("TreatMissingData", text(alarm.treat_missing_data())),
        ("Unit", text(alarm.unit().map(StandardUnit::as_str))),
    ]))
}

fn seconds(time: &DateTime) -> Value {
    Value::from(time.as_secs_f64())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "they are the service's")]
struct State {
    alarm_name: String,
    state_value: String,
    state_reason: String,
}

async fn set_state(client: &Client, call: &Call, exchange: &Exchange) -> Answer {
    let state: State = parse(call)?;
    let request = client
        .set_alarm_state()
        .alarm_name(state.alarm_name)
        .state_value(StateValue::from(state.state_value.as_str()))
        .state_reason(state.state_reason);
    sent!(request, call, exchange)?;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tagged {
    #[serde(rename = "ResourceARN")]
    arn: String,
    #[serde(rename = "Tags", default)]
    tags: Vec<TagPair>,
}

async fn list_tags(client: &Client, call: &Call, exchange: &Exchange) -> Answer {
    let tagged: Tagged = parse(call)?;
    let request = client.list_tags_for_resource().resource_arn(tagged.arn);
    let output = sent!(request, call, exchange)?;
    let tags = output.tags().iter();
    Ok(tag_list(tags.map(|tag| (tag.key(), tag.value()))))
}

async fn tag(client: &Client, call: &Call, exchange: &Exchange) -> Answer {
    let tagged: Tagged = parse(call)?;
    let request = client
        .tag_resource()
        .resource_arn(tagged.arn)
        .set_tags(Some(tags(tagged.tags)));
    sent!(request, call, exchange)?;
    Ok(json!({}))
}
