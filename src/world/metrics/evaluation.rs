//! The state of an alarm: what its metric says of it, as often as that can change.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Metric, before};
use crate::clock::Timestamp;
use crate::limits::ALARM_HISTORY_MAX;
use crate::resource::call::Scope;
use crate::world::World;
use crate::world::kind::Id;
use crate::world::records::{Key, State};
use crate::world::request::{epoch, items, text};

/// What an alarm remembers besides its description.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::world) struct AlarmState {
    /// When it is evaluated next, if that is known.
    next: Option<Timestamp>,
    /// What happened to it, the newest last.
    pub(super) history: VecDeque<Value>,
}

/// What an alarm watches, and how it judges.
struct Rule<'a> {
    metric: Metric,
    statistic: &'a str,
    unit: Option<&'a str>,
    period: i64,
    evaluated: i64,
    to_alarm: usize,
    missing: &'a str,
    comparison: &'a str,
    threshold: f64,
}

impl<'a> Rule<'a> {
    /// The rule of an alarm over one metric. `None`: it is over something that is not computed here,
    /// such as metric math.
    fn of(body: &'a Value) -> Option<Self> {
        let stat = match items(body, "Metrics") {
            [] => None,
            [only] => Some(only.get("MetricStat")?),
            _ => return None,
        };
        let metric = Metric::of(stat.map_or(body, |stat| &stat["Metric"]));
        let from = stat.unwrap_or(body);
        let statistic = ["Stat", "Statistic", "ExtendedStatistic"]
            .map(|member| text(from, member))
            .into_iter()
            .find(|name| !name.is_empty())?;
        let evaluated = body["EvaluationPeriods"].as_i64()?;
        let to_alarm = body["DatapointsToAlarm"].as_u64();
        let to_alarm = to_alarm.unwrap_or_else(|| evaluated.unsigned_abs());
        Some(Self {
            metric,
            statistic,
            unit: from.get("Unit").and_then(Value::as_str),
            period: from["Period"].as_i64()?,
            evaluated,
            to_alarm: usize::try_from(to_alarm).ok()?,
            missing: text(body, "TreatMissingData"),
            comparison: text(body, "ComparisonOperator"),
            threshold: body["Threshold"].as_f64()?,
        })
    }

    fn looks_back(&self) -> i64 {
        self.period.saturating_mul(self.evaluated)
    }

    fn is_breaching(&self, value: f64) -> bool {
        match self.comparison {
            "GreaterThanOrEqualToThreshold" => value >= self.threshold,
            "GreaterThanThreshold" => value > self.threshold,
            "LessThanThreshold" => value < self.threshold,
            "LessThanOrEqualToThreshold" => value <= self.threshold,
            _ => false,
        }
    }

    /// The state that data points make, the newest first and missing ones among them; `None`: it
    /// stays as it is.
    ///
    /// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html>
    fn state(&self, points: &[Option<f64>]) -> Option<&'static str> {
        let is_bad = |point: &Option<f64>| point.is_some_and(|value| self.is_breaching(value));
        let missing = points.iter().filter(|point| point.is_none()).count();
        let breaching = points.iter().filter(|point| is_bad(point)).count();
        let state = |alarms: bool| Some(if alarms { "ALARM" } else { "OK" });
        if breaching >= self.to_alarm || breaching + missing < self.to_alarm {
            return state(breaching >= self.to_alarm);
        }
        // What is missing decides.
        match self.missing {
            "breaching" => state(true),
            "notBreaching" => state(false),
            "ignore" => None,
            _ if missing == points.len() => Some("INSUFFICIENT_DATA"),
            _ => {
                let oldest_bad = points.iter().rposition(is_bad);
                let good = points
                    .iter()
                    .position(|point| point.is_some() && !is_bad(point));
                match (oldest_bad, good) {
                    (Some(bad), good)
                        if bad + 1 >= self.to_alarm && good.is_none_or(|good| good > bad) =>
                    {
                        state(true)
                    }
                    (_, Some(_)) => state(false),
                    // It is too early to say.
                    _ => None,
                }
            }
        }
    }
}

impl World {
    /// Has an alarm evaluated soon: it is new, or was changed.
    pub(in crate::world) fn wake_alarm(&mut self, key: &Key) {
        let now = self.now;
        let state = self.alarm_state(key);
        if state.is_some_and(|state| state.next.is_none_or(|next| next <= now)) {
            let next = self.set_timer(self.pace.alarm_evaluation, key);
            if let Some(state) = self.alarm_state(key) {
                state.next = Some(next);
            }
        }
    }

    /// Has those alarms evaluated soon that watch one of these metrics.
    pub(super) fn wake_alarms(&mut self, scope: &Scope, metrics: &[Metric]) {
        let alarms = self.records.under(Id::Alarm, scope, "");
        let woken = alarms.filter(|alarm| {
            let rule = Rule::of(&alarm.body);
            rule.is_some_and(|rule| metrics.contains(&rule.metric))
        });
        let woken: Vec<_> = woken
            .map(|alarm| Key::new(Id::Alarm, scope, &alarm.name))
            .collect();
        for key in woken {
            self.wake_alarm(&key);
        }
    }

    /// A timer of an alarm has come.
    pub(in crate::world) fn alarm_due(&mut self, key: &Key) {
        let now = self.now;
        let due = self.alarm_state(key).and_then(|state| state.next);
        if due.is_none_or(|due| due > now) {
            return;
        }
        let Some(record) = self.records.get(key) else {
            return;
        };
        let (scope, body) = (record.scope.clone(), record.body.clone());
        let Some(rule) = Rule::of(&body) else {
            return;
        };
        // The windows end now, and not with a full minute: what goes wrong is seen within it.
        let points = (0..rule.evaluated).map(|back| {
            let to = before(now, back * rule.period);
            let range = (before(to, rule.period), to);
            let values = self.metrics.between(&scope, &rule.metric, range, rule.unit);
            values.and_then(|values| values.statistic(rule.statistic))
        });
        let points: Vec<_> = points.collect();
        let found = rule.state(&points);
        let looked_at = before(now, rule.looks_back());
        let is_measured = self.metrics.is_measured(&scope, &rule.metric, looked_at);
        if let Some(state) = self.alarm_state(key) {
            state.next = None;
        }
        // Without data it would be found as it is now, until there are some.
        if is_measured {
            self.wake_alarm(key);
        }
        match found {
            Some(found) if found != text(&body, "StateValue") => {
                let (reason, data) = reason(&rule, found, &points);
                self.turn_alarm(key, found, &reason, &data);
            }
            // What scales goes on doing so while its alarm stays.
            Some("ALARM") => self.alarm_acts(key, "ALARM"),
            _ => {}
        }
    }

    /// Puts an alarm into a state; what watches it sees it at once.
    pub(in crate::world) fn turn_alarm(&mut self, key: &Key, to: &str, reason: &str, data: &str) {
        let now = self.now;
        let Some(record) = self.records.get_mut(key) else {
            return;
        };
        let scope = record.scope.clone();
        let from = text(&record.body, "StateValue").to_owned();
        let body = &mut record.body;
        body["StateValue"] = to.into();
        body["StateReason"] = reason.into();
        if !data.is_empty() {
            body["StateReasonData"] = data.into();
        }
        body["StateUpdatedTimestamp"] = epoch(now);
        if from == to {
            return;
        }
        body["StateTransitionedTimestamp"] = epoch(now);
        let what = format!("Alarm updated from {from} to {to}");
        self.note_alarm(key, "StateUpdate", &what);
        self.alarm_acts(key, &from);
        let endpoints = self.records.under(Id::Endpoint, &scope, "");
        let endpoints: Vec<_> = endpoints
            .map(|record| Key::new(Id::Endpoint, &record.scope, &record.name))
            .collect();
        for endpoint in endpoints {
            self.deployment_step(&endpoint);
        }
    }

    /// Adds to the history of an alarm.
    pub(in crate::world) fn note_alarm(&mut self, key: &Key, kind: &str, summary: &str) {
        let now = epoch(self.now);
        let Some(record) = self.records.get(key) else {
            return;
        };
        let entry = json!({
            "AlarmName": record.name,
            "AlarmType": "MetricAlarm",
            "Timestamp": now,
            "HistoryItemType": kind,
            "HistorySummary": summary,
        });
        if let Some(state) = self.alarm_state(key) {
            state.history.push_back(entry);
            if state.history.len() > ALARM_HISTORY_MAX {
                state.history.pop_front();
            }
        }
    }

    fn alarm_state(&mut self, key: &Key) -> Option<&mut AlarmState> {
        match &mut self.records.get_mut(key)?.state {
            State::Alarm(state) => Some(state),
            _ => None,
        }
    }
}

/// Why an alarm is in a state: in words, and as data.
fn reason(rule: &Rule<'_>, state: &str, points: &[Option<f64>]) -> (String, String) {
    let known: Vec<f64> = points.iter().copied().flatten().collect();
    let breaching = known.iter().filter(|value| rule.is_breaching(**value));
    let breaching = breaching.count();
    let shown: Vec<_> = known.iter().take(5).map(ToString::to_string).collect();
    let (of, shown, threshold) = (points.len(), shown.join(", "), rule.threshold);
    let words = match (state, known.is_empty()) {
        ("INSUFFICIENT_DATA", _) => "Insufficient Data: no datapoints were received".to_owned(),
        (_, true) => format!("Threshold Crossed: no datapoints were received for {of} periods"),
        ("ALARM", _) => format!(
            "Threshold Crossed: {breaching} out of the last {of} datapoints [{shown}] breached the \
             threshold ({threshold:?}) ({} needed for an alarm).",
            rule.to_alarm
        ),
        _ => format!(
            "Threshold Crossed: {} out of the last {of} datapoints [{shown}] did not breach the \
             threshold ({threshold:?}).",
            known.len() - breaching
        ),
    };
    let data = json!({"version": "1.0", "statistic": rule.statistic, "period": rule.period,
        "recentDatapoints": known, "threshold": threshold});
    (words, data.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_points_count_as_the_alarm_says() {
        let check = |missing: &str, points: &[Option<f64>], expected: Option<&str>| {
            let body = json!({
                "Namespace": "N", "MetricName": "m", "Statistic": "Sum", "Period": 60,
                "EvaluationPeriods": 3, "DatapointsToAlarm": 2, "Threshold": 5.0,
                "TreatMissingData": missing, "ComparisonOperator": "GreaterThanThreshold",
            });
            let found = Rule::of(&body).unwrap().state(points);
            assert_eq!(found, expected, "{missing} {points:?}");
        };
        let (bad, good) = (Some(6.0), Some(5.0));
        for missing in ["missing", "ignore", "breaching", "notBreaching"] {
            check(missing, &[bad, bad, good], Some("ALARM"));
            check(missing, &[bad, good, good], Some("OK"));
        }
        let none = [None, None, None];
        check("missing", &none, Some("INSUFFICIENT_DATA"));
        check("ignore", &none, None);
        check("breaching", &none, Some("ALARM"));
        check("notBreaching", &none, Some("OK"));
        let some = [None, bad, None];
        check("missing", &some, Some("ALARM"));
        check("ignore", &some, None);
        check("breaching", &some, Some("ALARM"));
        check("notBreaching", &some, Some("OK"));
        check("missing", &[bad, None, None], None);
        check("missing", &[bad, None, good], Some("OK"));
        check("missing", &[None, bad, good], Some("ALARM"));
        check("breaching", &[bad, None, good], Some("ALARM"));
    }

    #[test]
    fn what_is_not_computed_here_has_no_rule() {
        let math = json!({"Metrics": [{"Id": "a", "Expression": "b*2"}], "EvaluationPeriods": 1});
        assert!(Rule::of(&math).is_none());
    }
}
