//! How long the service takes over things.

use serde::{Deserialize, Serialize};

use crate::clock::SignedDuration;

/// How long changes take at least, apart from the work that they wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    /// An endpoint stays `Creating` at least so long.
    pub endpoint_create: SignedDuration,
    /// An endpoint stays `Updating` at least so long when its config changes.
    pub endpoint_update: SignedDuration,
    /// An endpoint stays `Updating` so long when weights or counts change.
    pub endpoint_weights: SignedDuration,
    /// An endpoint stays `Deleting` so long.
    pub endpoint_delete: SignedDuration,
    /// A monitoring schedule stays `Pending` so long after every change.
    pub schedule_pending: SignedDuration,
    /// How long after something new is measured an alarm is looked at, and how often then.
    #[serde(default = "minute")]
    pub alarm_evaluation: SignedDuration,
    /// What a deployment waits on purpose, after each step and at its end, is waited for at most so
    /// long.
    #[serde(default = "unbounded")]
    pub traffic_wait_most: SignedDuration,
}

fn minute() -> SignedDuration {
    SignedDuration::from_secs(60)
}

fn unbounded() -> SignedDuration {
    SignedDuration::MAX
}

impl Pace {
    /// The service's own pace, for virtual time: minutes.
    pub const fn simulated() -> Self {
        Self {
            endpoint_create: SignedDuration::from_secs(240),
            endpoint_update: SignedDuration::from_secs(300),
            endpoint_weights: SignedDuration::from_secs(60),
            endpoint_delete: SignedDuration::from_secs(30),
            schedule_pending: SignedDuration::from_secs(45),
            alarm_evaluation: SignedDuration::from_secs(60),
            traffic_wait_most: SignedDuration::MAX,
        }
    }

    /// Where nothing is run: every state lasts so long.
    pub const fn of(each: SignedDuration) -> Self {
        Self {
            endpoint_create: each,
            endpoint_update: each,
            endpoint_weights: each,
            endpoint_delete: each,
            schedule_pending: each,
            alarm_evaluation: SignedDuration::from_secs(1),
            traffic_wait_most: each,
        }
    }

    /// For real work on one machine: states are passed through, but only the work takes time.
    pub const fn local() -> Self {
        Self {
            endpoint_create: SignedDuration::from_millis(200),
            endpoint_update: SignedDuration::from_millis(200),
            endpoint_weights: SignedDuration::from_millis(200),
            endpoint_delete: SignedDuration::from_millis(200),
            schedule_pending: SignedDuration::from_millis(200),
            alarm_evaluation: SignedDuration::from_secs(1),
            traffic_wait_most: SignedDuration::from_secs(3),
        }
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self::simulated()
    }
}
