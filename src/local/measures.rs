//! What endpoints measure of themselves, kept for a second and then given to `CloudWatch`'s metrics.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::StatusCode;
use tokio::sync::watch;
use tokio::time::timeout;

use super::engine::Engine;
use crate::clock::Timestamp;
use crate::resource::call::Scope;
use crate::world::invocations::Backlog;
use crate::world::metrics::{Datum, Distribution, Metric};

/// How often what was measured is handed on.
const FLUSH_EVERY: Duration = Duration::from_secs(1);
/// How many of those times the queues are looked at once.
const BACKLOG_EVERY: u32 = 10;
const NAMESPACE: &str = "AWS/SageMaker";

/// Where, what, in which unit and in which second.
type Key = (Scope, Metric, &'static str, i64);

/// What was measured and is not yet handed on.
#[derive(Default)]
pub(super) struct Measures(Mutex<BTreeMap<Key, Distribution>>);

/// One invocation, as far as it is measured.
pub(super) struct Measured<'a> {
    pub(super) scope: &'a Scope,
    pub(super) endpoint: &'a str,
    pub(super) variant: &'a str,
    /// Instances that share the load.
    pub(super) instances: u64,
    /// What the model answered, if it did.
    pub(super) status: Option<StatusCode>,
    /// How long the model took.
    pub(super) model: Duration,
    /// How long everything around it took.
    pub(super) overhead: Duration,
}

impl Measures {
    /// Takes note of an invocation.
    ///
    /// <https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html>
    pub(super) fn invocation(&self, at: Timestamp, one: &Measured<'_>) {
        let status = one.status.map_or(500, |status| status.as_u16());
        let flag = |is: bool| f64::from(u8::from(is));
        #[expect(clippy::cast_precision_loss, reason = "instances are few")]
        let share = 1.0 / one.instances.max(1) as f64;
        let values = [
            ("Invocations", "Count", 1.0),
            (
                "Invocation4XXErrors",
                "Count",
                flag((400..500).contains(&status)),
            ),
            ("Invocation5XXErrors", "Count", flag(status >= 500)),
            (
                "InvocationModelErrors",
                "Count",
                flag(!(200..300).contains(&status)),
            ),
            ("InvocationsPerInstance", "None", share),
            (
                "ModelLatency",
                "Microseconds",
                one.model.as_secs_f64() * 1e6,
            ),
            (
                "OverheadLatency",
                "Microseconds",
                one.overhead.as_secs_f64() * 1e6,
            ),
        ];
        let dimensions = [("EndpointName", one.endpoint), ("VariantName", one.variant)];
        for (name, unit, value) in values {
            self.note(one.scope, at, metric(name, &dimensions), unit, value);
        }
    }

    /// Takes note of how much waits in a queue.
    fn backlog(&self, at: Timestamp, one: &Backlog) {
        #[expect(clippy::cast_precision_loss, reason = "queues are bounded")]
        let (size, instances) = (one.size as f64, one.instances as f64);
        let without_capacity = f64::from(u8::from(one.size > 0 && one.instances == 0));
        let values = [
            ("ApproximateBacklogSize", size),
            (
                "ApproximateBacklogSizePerInstance",
                size / instances.max(1.0),
            ),
            ("HasBacklogWithoutCapacity", without_capacity),
        ];
        for (name, value) in values {
            let metric = metric(name, &[("EndpointName", &one.endpoint)]);
            self.note(&one.scope, at, metric, "Count", value);
        }
    }

    fn note(&self, scope: &Scope, at: Timestamp, metric: Metric, unit: &'static str, value: f64) {
        let key = (scope.clone(), metric, unit, at.as_second());
        let mut all = self.0.lock().expect("no holder of this lock panics");
        all.entry(key)
            .or_default()
            .merge(&Distribution::of(value, 1.0));
    }

    /// Forgets what is not yet handed on.
    pub(super) fn forget(&self) {
        drop(self.take());
    }

    fn take(&self) -> BTreeMap<Key, Distribution> {
        std::mem::take(&mut *self.0.lock().expect("no holder of this lock panics"))
    }
}

fn metric(name: &str, dimensions: &[(&str, &str)]) -> Metric {
    let dimensions = dimensions.iter();
    Metric {
        namespace: NAMESPACE.to_owned(),
        name: name.to_owned(),
        dimensions: dimensions
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
    }
}

/// Hands on what was measured, every second.
pub(super) async fn keep_flushing(engine: Arc<Engine>, mut quit: watch::Receiver<bool>) {
    let mut times = 0_u32;
    while timeout(FLUSH_EVERY, quit.changed()).await.is_err() {
        times = times.wrapping_add(1);
        if times.is_multiple_of(BACKLOG_EVERY) {
            let now = engine.now();
            for backlog in engine.with_world(crate::world::World::backlogs) {
                engine.measures.backlog(now, &backlog);
            }
        }
        flush(&engine);
    }
}

fn flush(engine: &Engine) {
    let mut data: BTreeMap<Scope, Vec<Datum>> = BTreeMap::new();
    for ((scope, metric, unit, second), values) in engine.measures.take() {
        data.entry(scope).or_default().push(Datum {
            metric,
            unit: unit.to_owned(),
            at: Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH),
            values,
        });
    }
    for (scope, data) in data {
        engine.measure(&scope, data);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invocation_is_seven_measures() {
        let measures = Measures::default();
        let scope = Scope {
            account: "111122223333".to_owned(),
            region: "eu-west-1".to_owned(),
        };
        let at = Timestamp::UNIX_EPOCH;
        let mut one = Measured {
            scope: &scope,
            endpoint: "e",
            variant: "v",
            instances: 2,
            status: Some(StatusCode::OK),
            model: Duration::from_millis(3),
            overhead: Duration::from_millis(1),
        };
        measures.invocation(at, &one);
        one.status = None;
        measures.invocation(at, &one);
        let all = measures.take();
        let sum = |name: &str| {
            let mut found = all
                .iter()
                .filter(|((_, metric, ..), _)| metric.name == name);
            let (_, values) = found.next().unwrap();
            format!("{values:?}")
        };
        assert_eq!(all.len(), 7);
        assert!(sum("Invocations").contains("sum: 2.0"));
        assert!(sum("Invocation5XXErrors").contains("sum: 1.0"));
        assert!(sum("Invocation4XXErrors").contains("sum: 0.0"));
        assert!(sum("InvocationsPerInstance").contains("sum: 1.0"));
        assert!(sum("ModelLatency").contains("sum: 6000.0"));
        assert!(measures.take().is_empty());
    }
}
