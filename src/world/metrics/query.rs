//! What is read out of metrics.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::distribution::{Distribution, percent};
use super::publish::instant;
use super::{Metric, before};
use crate::clock::Timestamp;
use crate::world::World;
use crate::world::list::paged;
use crate::world::request::{Refusal, Reply, Request, epoch, text};
use crate::world::window::{Rank, Window};

/// Data points that one question for statistics may have.
const POINTS_MAX: i64 = 1440;
/// Data points in an answer to a question for data.
const DATA_POINTS_MAX: usize = 100_800;
/// Metrics of a page.
const PAGE: usize = 500;
/// A metric is recently active for so long: three hours.
const ACTIVE_SECONDS: i64 = 3 * 3600;
/// The statistics that every value has.
const PLAIN: &[&str] = &["SampleCount", "Average", "Sum", "Minimum", "Maximum"];

impl World {
    pub(in crate::world) fn metric_statistics(&self, request: &Request<'_>) -> Reply {
        let range = range(request)?;
        let seconds = period(request.get("Period"))?;
        let points = (range.1.as_second() - range.0.as_second()).div_euclid(seconds);
        if points > POINTS_MAX {
            return Err(Refusal::new(
                "InvalidParameterCombination",
                format!(
                    "You have requested up to {points} datapoints, which exceeds the limit of \
                     {POINTS_MAX}. You may reduce the datapoints requested by increasing Period, \
                     or decreasing the time range."
                ),
            ));
        }
        let (plain, extended) = (
            request.items("Statistics"),
            request.items("ExtendedStatistics"),
        );
        if plain.is_empty() && extended.is_empty() {
            return Err(Refusal::new(
                "InvalidParameterCombination",
                "Statistics or ExtendedStatistics must be given",
            ));
        }
        for name in extended.iter().filter_map(Value::as_str) {
            known(name)?;
        }
        let metric = Metric::of(&request.object());
        let unit = request.text("Unit");
        let periods = self.metrics.periods(request.scope, &metric, range, seconds);
        let points = periods
            .iter()
            .filter(|((_, own), _)| unit.is_empty() || *own == unit);
        let points: Vec<_> = points
            .map(|((start, unit), values)| {
                let mut point = statistics(values, plain);
                point.insert("Timestamp".to_owned(), json!(start));
                point.insert("Unit".to_owned(), json!(unit));
                if !extended.is_empty() {
                    let extended = statistics(values, extended);
                    point.insert("ExtendedStatistics".to_owned(), extended.into());
                }
                Value::Object(point)
            })
            .collect();
        Ok(json!({"Label": metric.name, "Datapoints": points}))
    }

    pub(in crate::world) fn metric_data(&self, request: &Request<'_>) -> Reply {
        let range = range(request)?;
        let oldest_first = request.text("ScanBy") == "TimestampAscending";
        let mut left = DATA_POINTS_MAX;
        let mut results = Vec::new();
        for query in request.items("MetricDataQueries") {
            let Some(wanted) = query.get("MetricStat") else {
                return Err(Refusal::new(
                    "ValidationError",
                    format!(
                        "The query {} has an Expression: metric math is not supported here, only \
                         MetricStat is.",
                        text(query, "Id")
                    ),
                ));
            };
            let metric = Metric::of(&wanted["Metric"]);
            let points = self.points(request, wanted, &metric, range)?;
            if query.get("ReturnData") == Some(&Value::Bool(false)) {
                continue;
            }
            let all = points.len();
            let mut points: Vec<_> = points.into_iter().collect();
            if !oldest_first {
                points.reverse();
            }
            points.truncate(left);
            left -= points.len();
            let label = text(query, "Label");
            results.push(json!({
                "Id": query["Id"],
                "Label": if label.is_empty() { &metric.name } else { label },
                "Timestamps": points.iter().map(|(at, _)| *at).collect::<Vec<_>>(),
                "Values": points.iter().map(|(_, value)| *value).collect::<Vec<_>>(),
                "StatusCode": if points.len() < all { "PartialData" } else { "Complete" },
            }));
        }
        Ok(json!({"MetricDataResults": results, "Messages": []}))
    }

    /// The values of one statistic by the seconds at which their periods begin.
    fn points(
        &self,
        request: &Request<'_>,
        wanted: &Value,
        metric: &Metric,
        range: (Timestamp, Timestamp),
    ) -> Result<BTreeMap<i64, f64>, Refusal> {
        let seconds = period(wanted.get("Period"))?;
        let (name, unit) = (text(wanted, "Stat"), text(wanted, "Unit"));
        known(name)?;
        let mut all = BTreeMap::<i64, Distribution>::new();
        for ((start, own), values) in self.metrics.periods(request.scope, metric, range, seconds) {
            if unit.is_empty() || own == unit {
                all.entry(start).or_default().merge(&values);
            }
        }
        let points = all.into_iter();
        Ok(points
            .filter_map(|(start, values)| Some((start, values.statistic(name)?)))
            .collect())
    }

    pub(in crate::world) fn list_metrics(&self, request: &Request<'_>) -> Reply {
        let is = |member: &str, own: &str| {
            let wanted = request.text(member);
            wanted.is_empty() || wanted == own
        };
        let active = request.text("RecentlyActive") == "PT3H";
        let since = before(request.now, ACTIVE_SECONDS);
        let takes = |metric: &Metric, last: Timestamp| {
            is("Namespace", &metric.namespace)
                && is("MetricName", &metric.name)
                && (!active || last >= since)
                && request.items("Dimensions").iter().all(|wanted| {
                    let own = metric.dimensions.get(text(wanted, "Name"));
                    own.is_some_and(|own| {
                        wanted
                            .get("Value")
                            .is_none_or(|value| value == own.as_str())
                    })
                })
        };
        let found = self.metrics.all(request.scope);
        let found = found.filter(|(metric, last)| takes(metric, *last));
        let found = found.map(|(metric, _)| {
            let dimensions = metric.dimensions.iter();
            let dimensions: Vec<_> = dimensions
                .map(|(name, value)| json!({"Name": name, "Value": value}))
                .collect();
            let shown = json!({"Namespace": metric.namespace, "MetricName": metric.name,
                "Dimensions": dimensions});
            ((Rank::Text(shown.to_string()), 0), shown)
        });
        let (page, next) = Window::ascending(request, "MaxRecords", PAGE)?.whole(found)?;
        Ok(paged("Metrics", page, next))
    }
}

fn statistics(values: &Distribution, names: &[Value]) -> Map<String, Value> {
    let names = names.iter().filter_map(Value::as_str);
    let found = names.filter_map(|name| Some((name.to_owned(), values.statistic(name)?.into())));
    found.collect()
}

/// Refuses a statistic that is not computed here.
fn known(name: &str) -> Result<(), Refusal> {
    if PLAIN.contains(&name) || percent(name).is_some() {
        return Ok(());
    }
    Err(Refusal::new(
        "InvalidParameterValue",
        format!(
            "The statistic {name} is not one of {} and p0 to p100.",
            PLAIN.join(", ")
        ),
    ))
}

fn range(request: &Request<'_>) -> Result<(Timestamp, Timestamp), Refusal> {
    let at = |member: &str| {
        let seconds = request.get(member).and_then(Value::as_f64);
        seconds.and_then(instant).unwrap_or(request.now)
    };
    let (from, to) = (at("StartTime"), at("EndTime"));
    if from >= to {
        return Err(Refusal::new(
            "InvalidParameterValue",
            format!(
                "The parameter StartTime must be less than the parameter EndTime: {} is not less \
                 than {}.",
                epoch(from),
                epoch(to)
            ),
        ));
    }
    Ok((from, to))
}

/// Seconds of a period: a few, or minutes.
fn period(value: Option<&Value>) -> Result<i64, Refusal> {
    let seconds = value.and_then(Value::as_i64).unwrap_or(60);
    if matches!(seconds, 1 | 5 | 10 | 20 | 30) || (seconds > 0 && seconds % 60 == 0) {
        return Ok(seconds);
    }
    Err(Refusal::new(
        "InvalidParameterValue",
        format!(
            "The value {seconds} for parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60."
        ),
    ))
}
