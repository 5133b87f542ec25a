//! What alarms do, and what is remembered and asked of it.

use serde_json::{Value, json};

use super::Metric;
use super::publish::instant;
use crate::world::World;
use crate::world::kind::Id;
use crate::world::list::paged;
use crate::world::records::{Key, Record, State};
use crate::world::request::{Reply, Request, items, text};
use crate::world::topics::Publishing;
use crate::world::window::{Rank, Window};

/// Entries of a page of history.
const PAGE: usize = 100;

/// What a topic is told of an alarm that came to another state.
///
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html>
fn told(record: &Record, before: &str) -> Publishing {
    let body = &record.body;
    let (scope, state) = (&record.scope, text(body, "StateValue"));
    let at = |member: &str| {
        let seconds = body[member].as_f64().and_then(instant);
        seconds.map(|at| at.strftime("%Y-%m-%dT%H:%M:%S.%3f+0000").to_string())
    };
    let dimensions = items(body, "Dimensions").iter();
    let dimensions: Vec<_> = dimensions
        .map(|one| json!({"name": one["Name"], "value": one["Value"]}))
        .collect();
    let message = json!({
        "AlarmName": record.name,
        "AlarmDescription": body["AlarmDescription"],
        "AWSAccountId": scope.account,
        "AlarmArn": body["AlarmArn"],
        "AlarmConfigurationUpdatedTimestamp": at("AlarmConfigurationUpdatedTimestamp"),
        "NewStateValue": state,
        "NewStateReason": body["StateReason"],
        "StateChangeTime": at("StateUpdatedTimestamp"),
        "Region": scope.region,
        "OldStateValue": before,
        "OKActions": body["OKActions"],
        "AlarmActions": body["AlarmActions"],
        "InsufficientDataActions": body["InsufficientDataActions"],
        "Trigger": {
            "MetricName": body["MetricName"], "Namespace": body["Namespace"],
            "StatisticType": "Statistic", "Statistic": text(body, "Statistic").to_uppercase(),
            "Unit": body["Unit"], "Dimensions": dimensions, "Period": body["Period"],
            "EvaluationPeriods": body["EvaluationPeriods"],
            "DatapointsToAlarm": body["DatapointsToAlarm"],
            "ComparisonOperator": body["ComparisonOperator"], "Threshold": body["Threshold"],
            "TreatMissingData": body["TreatMissingData"],
        },
    });
    Publishing {
        message: message.to_string(),
        subject: Some(format!("{state}: \"{}\" in {}", record.name, scope.region)),
        ..Publishing::default()
    }
}

impl World {
    /// Does what an alarm is to do in its state, which it had `before` or has just come to.
    pub(super) fn alarm_acts(&mut self, key: &Key, before: &str) {
        let Some(record) = self.records.get(key) else {
            return;
        };
        if record.body["ActionsEnabled"] != true {
            return;
        }
        let member = match text(&record.body, "StateValue") {
            "ALARM" => "AlarmActions",
            "OK" => "OKActions",
            _ => "InsufficientDataActions",
        };
        let record = record.clone();
        let told = (text(&record.body, "StateValue") != before).then(|| told(&record, before));
        for action in items(&record.body, member).iter().filter_map(Value::as_str) {
            if action.contains(":scalingPolicy:") {
                self.apply_policy(&record.scope, action, &record.name);
            } else if let Some(told) = &told {
                // A topic that is gone hears nothing, and the alarm goes on.
                let _told = self.publish_to(action, told.clone());
            }
        }
    }

    pub(in crate::world) fn enable_alarm_actions(&mut self, request: &Request<'_>) -> Reply {
        self.switch_actions(request, true)
    }

    pub(in crate::world) fn disable_alarm_actions(&mut self, request: &Request<'_>) -> Reply {
        self.switch_actions(request, false)
    }

    /// What does not exist is passed over.
    #[expect(clippy::unnecessary_wraps, reason = "it is one of many operations")]
    fn switch_actions(&mut self, request: &Request<'_>, on: bool) -> Reply {
        for name in request.items("AlarmNames").iter().filter_map(Value::as_str) {
            let key = Key::new(Id::Alarm, request.scope, name);
            if let Some(record) = self.records.get_mut(&key) {
                record.body["ActionsEnabled"] = on.into();
            }
        }
        Ok(json!({}))
    }

    #[expect(clippy::unnecessary_wraps, reason = "it is one of many operations")]
    pub(in crate::world) fn alarms_for_metric(&self, request: &Request<'_>) -> Reply {
        let wanted = Metric::of(&request.object());
        let same = |body: &Value, member: &str| {
            let wanted = request.get(member);
            wanted.is_none_or(|wanted| body[member] == *wanted)
        };
        let alarms = self.records.under(Id::Alarm, request.scope, "");
        let found = alarms.map(|record| &record.body).filter(|body| {
            Metric::of(body) == wanted
                && ["Statistic", "ExtendedStatistic", "Period", "Unit"]
                    .iter()
                    .all(|member| same(body, member))
        });
        Ok(json!({"MetricAlarms": found.collect::<Vec<_>>()}))
    }

    pub(in crate::world) fn alarm_history(&self, request: &Request<'_>) -> Reply {
        let (name, kind) = (request.text("AlarmName"), request.text("HistoryItemType"));
        let is = |entry: &Value| kind.is_empty() || text(entry, "HistoryItemType") == kind;
        let oldest_first = request.text("ScanBy") == "TimestampAscending";
        let alarms = self.records.under(Id::Alarm, request.scope, "");
        let alarms = alarms.filter(|record| name.is_empty() || record.name == name);
        let found = alarms.flat_map(|record| {
            let history = match &record.state {
                State::Alarm(state) => Some(&state.history),
                _ => None,
            };
            let entries = history.into_iter().flatten().enumerate();
            entries.map(|(nth, entry)| {
                let at = entry["Timestamp"].as_f64().unwrap_or(0.0).to_bits();
                let at = if oldest_first { at } else { u64::MAX - at };
                let nth = u64::try_from(nth).unwrap_or(u64::MAX);
                let nth = if oldest_first { nth } else { u64::MAX - nth };
                ((Rank::Bits(at), nth), entry.clone())
            })
        });
        let found = found.filter(|(_, entry)| is(entry));
        let (page, next) = Window::ascending(request, "MaxRecords", PAGE)?.whole(found)?;
        Ok(paged("AlarmHistoryItems", page, next))
    }
}
