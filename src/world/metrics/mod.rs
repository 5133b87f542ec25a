//! `CloudWatch`'s metrics: what was measured, by the second, and what is asked of it.
//!
//! They are kept in memory: a world that is written down and read again has none.

mod actions;
mod distribution;
mod evaluation;
mod publish;
mod query;
pub(super) mod tracking;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

pub use distribution::Distribution;
pub(super) use evaluation::AlarmState;

use super::World;
use super::operations::Operation;
use super::request::{items, text};
use crate::clock::{SignedDuration, Timestamp};
use crate::limits::{METRIC_SECONDS_MAX, METRICS_MAX};
use crate::resource::call::Scope;

/// The operations of `CloudWatch`.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation::special("PutMetricAlarm", World::put_alarm),
    Operation::special("DescribeAlarms", |world, request| {
        world.describe_alarms(request)
    }),
    Operation::special("DeleteAlarms", World::delete_alarms),
    Operation::special("SetAlarmState", World::set_alarm_state),
    Operation::special("EnableAlarmActions", World::enable_alarm_actions),
    Operation::special("DisableAlarmActions", World::disable_alarm_actions),
    Operation::special("DescribeAlarmsForMetric", |world, request| {
        world.alarms_for_metric(request)
    }),
    Operation::special("DescribeAlarmHistory", |world, request| {
        world.alarm_history(request)
    }),
    Operation::special("PutMetricData", World::put_metric_data),
    Operation::special("GetMetricStatistics", |world, request| {
        world.metric_statistics(request)
    }),
    Operation::special("GetMetricData", |world, request| world.metric_data(request)),
    Operation::special("ListMetrics", |world, request| world.list_metrics(request)),
];

/// What is measured: namespace, name and dimensions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Metric {
    /// Such as `AWS/SageMaker`.
    pub namespace: String,
    /// Such as `ModelLatency`.
    pub name: String,
    /// What it is measured of, such as `EndpointName`.
    pub dimensions: BTreeMap<String, String>,
}

/// Something that was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Datum {
    /// Of what.
    pub metric: Metric,
    /// The unit in the service's words, such as `Count`.
    pub unit: String,
    /// When.
    pub at: Timestamp,
    /// The values.
    pub values: Distribution,
}

/// Everything that was measured in all accounts and regions.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Metrics {
    series: Arc<BTreeMap<Scope, BTreeMap<Metric, Arc<Series>>>>,
}

/// Values of one metric by second and unit.
#[derive(Debug, Clone, Default, PartialEq)]
struct Series(BTreeMap<(i64, Arc<str>), Distribution>);

impl Metric {
    /// The metric that a member of a request names, if it does.
    pub(super) fn of(body: &Value) -> Self {
        let dimensions = items(body, "Dimensions").iter();
        Self {
            namespace: text(body, "Namespace").to_owned(),
            name: text(body, "MetricName").to_owned(),
            dimensions: dimensions
                .map(|one| (text(one, "Name").to_owned(), text(one, "Value").to_owned()))
                .collect(),
        }
    }
}

impl Metrics {
    /// Keeps what was measured. `false`: there are too many metrics to begin another one.
    fn put(&mut self, scope: &Scope, datum: Datum) -> bool {
        let all = Arc::make_mut(&mut self.series);
        let count: usize = all.values().map(BTreeMap::len).sum();
        let here = all.entry(scope.clone()).or_default();
        if count >= METRICS_MAX && !here.contains_key(&datum.metric) {
            return false;
        }
        let series = Arc::make_mut(here.entry(datum.metric).or_default());
        let key = (datum.at.as_second(), Arc::from(datum.unit));
        series.0.entry(key).or_default().merge(&datum.values);
        if series.0.len() > METRIC_SECONDS_MAX {
            series.0.pop_first();
        }
        true
    }

    /// What was measured from `from` on and before `to`, in one unit if one is asked for.
    fn between(
        &self,
        scope: &Scope,
        metric: &Metric,
        (from, to): (Timestamp, Timestamp),
        unit: Option<&str>,
    ) -> Option<Distribution> {
        let series = self.series.get(scope)?.get(metric)?;
        let range = (from.as_second(), Arc::from(""))..(to.as_second(), Arc::from(""));
        let found = series.0.range(range);
        let found = found.filter(|((_, own), _)| unit.is_none_or(|unit| **own == *unit));
        let mut all = None::<Distribution>;
        for (_, values) in found {
            all.get_or_insert_default().merge(values);
        }
        all
    }

    /// The same by periods of so many seconds, from when each begins, and by units.
    fn periods(
        &self,
        scope: &Scope,
        metric: &Metric,
        (from, to): (Timestamp, Timestamp),
        seconds: i64,
    ) -> BTreeMap<(i64, &str), Distribution> {
        let series = self.series.get(scope).and_then(|here| here.get(metric));
        let first = from.as_second().div_euclid(seconds) * seconds;
        let range = (first, Arc::from(""))..(to.as_second(), Arc::from(""));
        let found = series
            .map(|series| series.0.range(range))
            .into_iter()
            .flatten();
        let mut periods = BTreeMap::<_, Distribution>::new();
        for ((second, unit), values) in found {
            let start = second.div_euclid(seconds) * seconds;
            periods.entry((start, &**unit)).or_default().merge(values);
        }
        periods
    }

    /// Whether anything was measured from `from` on.
    fn is_measured(&self, scope: &Scope, metric: &Metric, from: Timestamp) -> bool {
        let series = self.series.get(scope).and_then(|here| here.get(metric));
        let last = series.and_then(|series| series.0.last_key_value());
        last.is_some_and(|((second, _), _)| *second >= from.as_second())
    }

    fn all(&self, scope: &Scope) -> impl Iterator<Item = (&Metric, Timestamp)> {
        let here = self.series.get(scope).into_iter().flatten();
        here.map(|(metric, series)| {
            let last = series
                .0
                .last_key_value()
                .map_or(0, |((second, _), _)| *second);
            let last = Timestamp::from_second(last).unwrap_or(Timestamp::UNIX_EPOCH);
            (metric, last)
        })
    }
}

impl World {
    /// Keeps what was measured in an account and region, and wakes the alarms that watch it. What
    /// is beyond [`METRICS_MAX`] metrics is dropped.
    pub fn measure(&mut self, now: Timestamp, scope: &Scope, data: Vec<Datum>) {
        self.run_until(now);
        self.keep(scope, data);
    }

    fn keep(&mut self, scope: &Scope, data: Vec<Datum>) -> bool {
        let mut metrics: Vec<_> = data.iter().map(|datum| datum.metric.clone()).collect();
        let mut kept = true;
        for datum in data {
            kept &= self.metrics.put(scope, datum);
        }
        metrics.sort();
        metrics.dedup();
        self.wake_alarms(scope, &metrics);
        kept
    }
}

/// `seconds` before an instant, as far as time goes.
fn before(at: Timestamp, seconds: i64) -> Timestamp {
    at.saturating_sub(SignedDuration::from_secs(seconds))
        .unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric(name: &str) -> Metric {
        Metric {
            namespace: "N".to_owned(),
            name: name.to_owned(),
            dimensions: BTreeMap::new(),
        }
    }

    fn datum(name: &str, second: i64) -> Datum {
        Datum {
            metric: metric(name),
            unit: "Count".to_owned(),
            at: Timestamp::from_second(second).unwrap(),
            values: Distribution::of(1.0, 1.0),
        }
    }

    #[test]
    fn old_seconds_and_metrics_too_many_are_dropped() {
        let scope = Scope {
            account: "111122223333".to_owned(),
            region: "eu-west-1".to_owned(),
        };
        let mut metrics = Metrics::default();
        let last = i64::try_from(METRIC_SECONDS_MAX).unwrap();
        for second in 0..=last {
            assert!(metrics.put(&scope, datum("a", second)));
        }
        let at = |second| Timestamp::from_second(second).unwrap();
        let count = |from, to| {
            let found = metrics.between(&scope, &metric("a"), (at(from), at(to)), None);
            found.map(|values| values.statistic("SampleCount").unwrap())
        };
        assert_eq!(count(0, 1), None);
        assert_eq!(count(1, 3), Some(2.0));
        assert_eq!(count(last, last + 1), Some(1.0));
        let unit = |unit| metrics.between(&scope, &metric("a"), (at(1), at(3)), Some(unit));
        assert_eq!((unit("Count").is_some(), unit("Bytes")), (true, None));

        for n in 1..METRICS_MAX {
            assert!(metrics.put(&scope, datum(&n.to_string(), 0)));
        }
        assert!(!metrics.put(&scope, datum("one more", 0)));
        assert!(metrics.put(&scope, datum("1", 0)));
    }
}
