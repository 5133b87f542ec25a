//! Retry policies: a job that failed for a reason of the service's is run again, after a while.

use serde_json::Value;

use super::definition::Definition;
use super::execution::{StepState, StepStatus};
use super::steps::Within;
use crate::clock::{SignedDuration, Timestamp};
use crate::world::World;
use crate::world::records::Key;
use crate::world::request::items;

/// The service's own figures, where a policy says nothing.
const INTERVAL_SECONDS: f64 = 1.0;
const BACKOFF_RATE: f64 = 2.0;
const ATTEMPTS_MORE: u64 = 5;
/// The longest that is waited between two attempts (the service's figure).
const INTERVAL_SECONDS_MAX: f64 = 43_200.0;
/// The longest that is tried again (the service's figure).
const EXPIRE_MINUTES_MAX: i64 = 14_400;

impl World {
    /// Whether a step that failed so is run again; if so, it waits for its time.
    pub(super) fn again(&mut self, key: &Key, name: &str, reason: &str) -> bool {
        let now = self.now;
        let Some(state) = self.execution_mut(key).filter(|state| state.end.is_none()) else {
            return false;
        };
        let document = std::sync::Arc::clone(&state.document);
        let Some(step) = state.steps.get_mut(name) else {
            return false;
        };
        let Ok(definition) = Definition::read(&document) else {
            return false;
        };
        let body = definition.step(name).map_or(&Value::Null, |step| step.body);
        let Some(pause) = pause(items(body, "RetryPolicies"), step, reason, now) else {
            return false;
        };
        let at = now.saturating_add(pause).unwrap_or(Timestamp::MAX);
        step.status = StepStatus::Executing;
        step.reason = None;
        step.again = Some(at);
        self.set_timer(pause, key);
        true
    }

    /// The time of an execution has come: steps that waited for it run again.
    pub(in crate::world) fn execution_due(&mut self, key: &Key) {
        let now = self.now;
        let waiting = |step: &StepState| step.again.is_some_and(|at| at <= now);
        let Some((scope, state)) = self.snapshot(key) else {
            return;
        };
        let steps = state.steps.iter().filter(|(_, step)| waiting(step));
        let names: Vec<String> = steps.map(|(name, _)| name.clone()).collect();
        let document = std::sync::Arc::clone(&state.document);
        let Ok(definition) = Definition::read(&document) else {
            return;
        };
        for name in names {
            if let Some(step) = definition.step(&name) {
                let within = Within {
                    scope: &scope,
                    key,
                    state: &state,
                    definition: &definition,
                };
                self.run_step(within, step);
            }
        }
        self.drive(key);
    }
}

/// How long to wait before the next attempt at a step, if there is one. Of policies that know the
/// reason, the first one counts.
fn pause(
    policies: &[Value],
    step: &StepState,
    reason: &str,
    now: Timestamp,
) -> Option<SignedDuration> {
    let kind = exception(reason)?;
    let policy = policies.iter().find(|policy| {
        let kinds = items(policy, "ExceptionType");
        kinds.iter().any(|one| one == kind) || policy["ExceptionType"] == kind
    })?;
    let number = |name: &str, default: f64| policy[name].as_f64().unwrap_or(default);
    let exponent = i32::try_from(step.attempts.saturating_sub(1)).unwrap_or(i32::MAX);
    let rate = number("BackoffRate", BACKOFF_RATE).powi(exponent);
    let seconds = number("IntervalSeconds", INTERVAL_SECONDS) * rate;
    let pause = SignedDuration::try_from_secs_f64(seconds.min(INTERVAL_SECONDS_MAX)).ok()?;
    let left = if let Some(minutes) = policy["ExpireAfterMin"].as_i64() {
        let until = SignedDuration::from_mins(minutes.min(EXPIRE_MINUTES_MAX));
        now.duration_since(step.started).saturating_add(pause) <= until
    } else {
        let most = policy["MaxAttempts"].as_u64().unwrap_or(ATTEMPTS_MORE);
        u64::from(step.attempts) <= most
    };
    left.then_some(pause)
}

/// What policies call a reason that a job failed for; `None`: it is the job's own.
fn exception(reason: &str) -> Option<&'static str> {
    if reason.starts_with("InternalServerError") {
        Some("SageMaker.JOB_INTERNAL_ERROR")
    } else if reason.starts_with("CapacityError") {
        Some("SageMaker.CAPACITY_ERROR")
    } else if reason.starts_with("ResourceLimitExceeded") {
        Some("SageMaker.RESOURCE_LIMIT")
    } else {
        None
    }
}
