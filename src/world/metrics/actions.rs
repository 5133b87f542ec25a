//! What alarms do, and what is remembered and asked of it.

use serde_json::{Value, json};

use super::Metric;
use crate::world::World;
use crate::world::kind::Id;
use crate::world::list::paged;
use crate::world::records::{Key, State};
use crate::world::request::{Reply, Request, items, text};
use crate::world::window::{Rank, Window};

/// Entries of a page of history.
const PAGE: usize = 100;

impl World {
    /// Does what an alarm is to do in its state.
    pub(super) fn alarm_acts(&mut self, key: &Key) {
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
        let (scope, alarm) = (record.scope.clone(), record.name.clone());
        let actions = items(&record.body, member).to_vec();
        for action in actions.iter().filter_map(Value::as_str) {
            if action.contains(":scalingPolicy:") {
                self.apply_policy(&scope, action, &alarm);
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
