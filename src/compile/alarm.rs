//! Alarms in the API's shape.

use serde_json::{Value, json};

use crate::config::alarm::{Condition, Metric, Resource, Unit};
use crate::config::units::Relation;

/// Seconds over which a point of a metric is taken: SageMaker reports each minute.
const PERIOD: u64 = 60;

/// A condition on one variant of an endpoint, without the alarm's name.
pub(super) fn body(condition: &Condition, endpoint: &str, variant: &str) -> Value {
    let (namespace, metric) = source(&condition.metric);
    let mut body = json!({
        "Namespace": namespace,
        "MetricName": metric,
        "Dimensions": [
            {"Name": "EndpointName", "Value": endpoint},
            {"Name": "VariantName", "Value": variant},
        ],
        "Period": PERIOD,
        "EvaluationPeriods": condition.lasting.0 / PERIOD,
        "Threshold": threshold(condition),
        "ComparisonOperator": condition.relation.alarm_operator(),
        "TreatMissingData": missing(condition),
    });
    match statistic(condition) {
        Statistic::Plain(name) => body["Statistic"] = name.into(),
        Statistic::Extended(name) => body["ExtendedStatistic"] = name.into(),
    }
    body
}

fn source(metric: &Metric) -> (&'static str, &'static str) {
    const REQUESTS: &str = "AWS/SageMaker";
    const INSTANCES: &str = "/aws/sagemaker/Endpoints";
    match metric {
        Metric::ClientErrors => (REQUESTS, "Invocation4XXErrors"),
        Metric::ServerErrors => (REQUESTS, "Invocation5XXErrors"),
        Metric::Latency | Metric::Percentile(_) => (REQUESTS, "ModelLatency"),
        Metric::Invocations => (REQUESTS, "Invocations"),
        Metric::Utilization(resource) => (
            INSTANCES,
            match resource {
                Resource::Cpu => "CPUUtilization",
                Resource::Memory => "MemoryUtilization",
                Resource::Disk => "DiskUtilization",
                Resource::Gpu => "GPUUtilization",
                Resource::GpuMemory => "GPUMemoryUtilization",
            },
        ),
    }
}

enum Statistic {
    Plain(&'static str),
    Extended(String),
}

/// An error metric counts 1 or 0 for each request: its average is the share of errors.
fn statistic(condition: &Condition) -> Statistic {
    match (&condition.metric, condition.unit) {
        (Metric::Percentile(number), _) => Statistic::Extended(format!("p{number}")),
        (Metric::Invocations, _) | (_, Unit::Count) => Statistic::Plain("Sum"),
        _ => Statistic::Plain("Average"),
    }
}

/// The bound in the metric's own unit: latencies are in microseconds.
fn threshold(condition: &Condition) -> f64 {
    let bound = condition.bound;
    match (&condition.metric, condition.unit) {
        (_, Unit::Milliseconds) => bound * 1_000.0,
        (_, Unit::Seconds) => bound * 1_000_000.0,
        (Metric::ClientErrors | Metric::ServerErrors, Unit::Percent) => bound / 100.0,
        _ => bound,
    }
}

/// No requests are no errors and no delay; where there should be some, none are too few.
fn missing(condition: &Condition) -> &'static str {
    match (&condition.metric, condition.relation) {
        (Metric::Invocations, Relation::Below | Relation::AtMost) => "breaching",
        _ => "notBreaching",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(condition: &str, expect: Value) {
        let condition = Condition::try_from(condition.to_owned()).unwrap();
        let found = body(&condition, "e", "v");
        assert_eq!(
            found["Dimensions"][1],
            json!({"Name": "VariantName", "Value": "v"})
        );
        assert!(
            crate::resource::compare::covers(&found, &expect),
            "{found:#} is not {expect:#}"
        );
    }

    #[test]
    fn conditions_come_in_the_metrics_own_units() {
        check(
            "5xx > 1% for 3m",
            json!({"MetricName": "Invocation5XXErrors", "Statistic": "Average", "Threshold": 0.01,
                "EvaluationPeriods": 3, "ComparisonOperator": "GreaterThanThreshold",
                "TreatMissingData": "notBreaching", "Namespace": "AWS/SageMaker"}),
        );
        check(
            "4xx >= 10 for 1h",
            json!({"Statistic": "Sum", "Threshold": 10.0, "EvaluationPeriods": 60}),
        );
        check(
            "p95 > 200ms for 5m",
            json!({"MetricName": "ModelLatency", "ExtendedStatistic": "p95",
                "Threshold": 200_000.0}),
        );
        check("latency > 1.5s for 5m", json!({"Threshold": 1_500_000.0}));
        check(
            "cpu > 90% for 10m",
            json!({"Namespace": "/aws/sagemaker/Endpoints", "Threshold": 90.0}),
        );
        check(
            "invocations < 1 for 1h",
            json!({"Statistic": "Sum", "TreatMissingData": "breaching"}),
        );
    }
}
