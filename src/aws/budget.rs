//! How often an operation may be called: one token bucket for each operation, account and region.
//!
//! SageMaker's limits hold for an account and region, whoever calls, and cannot be raised. So the
//! buckets are shared by everything in the process, and are as large as the account's quotas say.
//! Throttling lowers the rate of the operation that was throttled; answers raise it again, up to where
//! it began.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::limits::{CALL_QUEUE_MAX, CHANGES_PER_SECOND, LOOKS_PER_SECOND, QUOTA_RATE_MAX};
use crate::resource::call::{Call, Scope};

/// Seconds of calls that may come at once after a pause.
const BURST: f64 = 5.0;
/// What throttling makes of a rate.
const LOWERED: f64 = 0.5;
/// What an answer gives back, as a part of the rate that the bucket began with.
const RAISED: f64 = 0.02;
/// The part of its first rate that a bucket never falls below.
const LEAST: f64 = 0.05;

/// The buckets of one process.
#[derive(Debug, Default)]
pub(super) struct Budget {
    buckets: Mutex<BTreeMap<(&'static str, Scope), Bucket>>,
    /// What the account's quotas say, by account and region; empty until it is known.
    rates: Mutex<BTreeMap<Scope, Rates>>,
    /// Who is finding them out.
    learning: Mutex<JoinSet<()>>,
}

/// Calls a second, by operation.
pub(super) type Rates = BTreeMap<String, f64>;

impl Budget {
    /// How long a call has to wait for its turn, which is then reserved. `Err`: so long that it is
    /// not worth it, and nothing was reserved.
    pub(super) fn reserve(&self, call: &Call, now: Instant) -> Result<Duration, Duration> {
        let mut buckets = self.buckets();
        let bucket = buckets
            .entry((call.op, call.scope.clone()))
            .or_insert_with(|| Bucket::full(self.rate(call), now));
        bucket.reserve(now, CALL_QUEUE_MAX)
    }

    /// Whether nothing was asked of this account and region before.
    pub(super) fn is_new(&self, scope: &Scope) -> bool {
        let mut rates = self.rates();
        let new = !rates.contains_key(scope);
        if new {
            rates.insert(scope.clone(), Rates::new());
        }
        new
    }

    /// Lets something be found out meanwhile.
    pub(super) fn meanwhile(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut learning = self.learning.lock().unwrap_or_else(PoisonError::into_inner);
        learning.spawn(work);
    }

    /// Takes the rates of an account and region. Buckets that exist begin anew.
    pub(super) fn learn(&self, scope: &Scope, learnt: Rates) {
        let mut buckets = self.buckets();
        buckets.retain(|(op, of), _| of != scope || !learnt.contains_key(*op));
        self.rates()
            .entry(scope.clone())
            .or_default()
            .extend(learnt);
    }

    fn rate(&self, call: &Call) -> f64 {
        let rates = self.rates();
        let known = rates.get(&call.scope).and_then(|rates| rates.get(call.op));
        let known = known.map(|rate| rate.clamp(CHANGES_PER_SECOND * LEAST, QUOTA_RATE_MAX));
        known.unwrap_or_else(|| usual(call))
    }

    fn rates(&self) -> MutexGuard<'_, BTreeMap<Scope, Rates>> {
        self.rates.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of an answer.
    pub(super) fn answered(&self, call: &Call, throttled: bool, now: Instant) {
        let key = (call.op, call.scope.clone());
        if let Some(bucket) = self.buckets().get_mut(&key) {
            if throttled {
                bucket.lower(now);
            } else {
                bucket.raise(now);
            }
        }
    }

    fn buckets(&self) -> MutexGuard<'_, BTreeMap<(&'static str, Scope), Bucket>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn usual(call: &Call) -> f64 {
    if call.mutates() {
        CHANGES_PER_SECOND
    } else {
        LOOKS_PER_SECOND
    }
}

/// Tokens that come at a rate, and calls that wait for them in order.
#[derive(Debug)]
struct Bucket {
    first_rate: f64,
    rate: f64,
    /// Tokens; below nothing where calls wait.
    level: f64,
    at: Instant,
}

impl Bucket {
    fn full(rate: f64, now: Instant) -> Self {
        Self {
            first_rate: rate,
            rate,
            level: rate * BURST,
            at: now,
        }
    }

    fn refill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.level = (self.level + passed * self.rate).min(self.rate * BURST);
        self.at = self.at.max(now);
    }

    fn reserve(&mut self, now: Instant, longest: Duration) -> Result<Duration, Duration> {
        self.refill(now);
        let wait = Duration::from_secs_f64((1.0 - self.level).max(0.0) / self.rate);
        if wait > longest {
            return Err(wait);
        }
        self.level -= 1.0;
        Ok(wait)
    }

    fn lower(&mut self, now: Instant) {
        self.refill(now);
        self.rate = (self.rate * LOWERED).max(self.first_rate * LEAST);
        self.level = self.level.min(0.0);
    }

    fn raise(&mut self, now: Instant) {
        self.refill(now);
        self.rate = (self.rate + self.first_rate * RAISED).min(self.first_rate);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn call(op: &'static str, region: &str) -> Call {
        let scope = Scope {
            account: "111122223333".to_owned(),
            region: region.to_owned(),
        };
        Call::new(op, &scope, json!({}))
    }

    /// Calls that go out within `seconds` of a queue that is never empty.
    fn sent(budget: &Budget, call: &Call, start: Instant, seconds: u64) -> usize {
        let end = Duration::from_secs(seconds);
        let waits = std::iter::from_fn(|| budget.reserve(call, start).ok());
        waits.take_while(|wait| *wait <= end).count()
    }

    #[test]
    fn a_bucket_is_as_large_as_the_quota_says() {
        let (budget, start) = (Budget::default(), Instant::now());
        let look = call("DescribeModel", "eu-west-1");
        assert!(budget.is_new(&look.scope) && !budget.is_new(&look.scope));
        assert_eq!(
            sent(&budget, &look, start, 10),
            30,
            "2 a second, 10 at once"
        );
        let rates = [
            ("DescribeModel", 10.0),
            ("CreateModel", 1e9),
            ("ListModels", 0.0),
        ];
        let rates = rates.map(|(op, rate)| (op.to_owned(), rate));
        budget.learn(&look.scope, Rates::from(rates));
        assert_eq!(sent(&budget, &look, start, 10), 150);
        let most = call("CreateModel", "eu-west-1");
        let second = Duration::from_secs_f64(1.0 / QUOTA_RATE_MAX);
        let burst = sent(&budget, &most, start, 0);
        let wait = budget.reserve(&most, start).expect("its turn comes");
        assert!(burst > 1000 && wait >= second, "{burst} {wait:?}");
        let least = call("ListModels", "eu-west-1");
        assert!(sent(&budget, &least, start, 60) > 0);
        let elsewhere = call("DescribeModel", "us-east-1");
        assert_eq!(sent(&budget, &elsewhere, start, 10), 30);
    }

    #[test]
    fn calls_are_spread_and_operations_and_regions_do_not_share() {
        let (budget, start) = (Budget::default(), Instant::now());
        let look = call("DescribeModel", "eu-west-1");
        assert_eq!(
            sent(&budget, &look, start, 10),
            30,
            "2 a second, 10 at once"
        );
        for other in [
            call("DescribeEndpoint", "eu-west-1"),
            call("DescribeModel", "us-east-1"),
        ] {
            assert_eq!(budget.reserve(&other, start), Ok(Duration::ZERO));
        }
        let change = call("CreateModel", "eu-west-1");
        assert_eq!(
            sent(&budget, &change, start, 10),
            15,
            "1 a second, 5 at once"
        );
    }

    #[test]
    fn a_queue_has_an_end() {
        let (budget, start) = (Budget::default(), Instant::now());
        let look = call("DescribeModel", "eu-west-1");
        let all = std::iter::from_fn(|| budget.reserve(&look, start).ok());
        let last = all.last().expect("some go out");
        assert!(last <= CALL_QUEUE_MAX);
        let refused = budget.reserve(&look, start).expect_err("the queue is full");
        assert!(refused > CALL_QUEUE_MAX);
        assert!(budget.reserve(&look, start + refused).is_ok(), "it empties");
    }

    #[test]
    fn throttling_lowers_the_rate_and_answers_raise_it_again() {
        let (budget, start) = (Budget::default(), Instant::now());
        let look = call("DescribeModel", "eu-west-1");
        let free = sent(&budget, &look, start, 10);
        let later = start + Duration::from_hours(1);
        for _ in 0..100 {
            budget.answered(&look, true, later);
        }
        let throttled = sent(&budget, &look, later, 10);
        assert!(
            throttled >= 1 && throttled * 10 <= free,
            "{throttled} of {free}"
        );
        let much_later = later + Duration::from_hours(1);
        for _ in 0..100 {
            budget.answered(&look, false, much_later);
        }
        let healed = much_later + Duration::from_hours(1);
        assert_eq!(sent(&budget, &look, healed, 10), free);
    }
}
