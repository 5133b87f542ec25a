//! How often to look.

use std::time::Duration;

use crate::limits::{POLL_INTERVAL, SEARCH_MARGIN, SWEEP_LISTED_MIN};

/// How often to look, at what.
#[derive(Debug, Clone, Copy)]
pub struct Cadence {
    /// At the remote's branches.
    pub poll: Duration,
    /// At a model in which something moves.
    pub motion: Duration,
    /// At a model in which nothing happened, or at lists of everything.
    pub sweep: Duration,
    /// After a failure, doubled each time up to the sweep's.
    pub retry: Duration,
    /// Models from which on lists say which of them to look at.
    pub listed: usize,
    /// How late something may show in a search.
    pub margin: Duration,
    /// How long a commit of trueup's waits for others to join it.
    pub batch: Duration,
}

impl Default for Cadence {
    fn default() -> Self {
        Self {
            poll: POLL_INTERVAL,
            motion: Duration::from_secs(30),
            sweep: Duration::from_mins(10),
            retry: Duration::from_secs(5),
            listed: SWEEP_LISTED_MIN,
            margin: SEARCH_MARGIN,
            batch: Duration::from_secs(30),
        }
    }
}

impl Cadence {
    /// For the local SageMaker, which throttles nobody and answers at once.
    pub fn local() -> Self {
        Self {
            poll: Duration::from_secs(5),
            motion: Duration::from_millis(500),
            sweep: Duration::from_secs(2),
            retry: Duration::from_secs(1),
            listed: SWEEP_LISTED_MIN,
            margin: Duration::ZERO,
            batch: Duration::ZERO,
        }
    }

    /// How long to wait after the `failures`-th failure in a row.
    pub fn backoff(&self, failures: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
        self.retry
            .saturating_mul(doubled)
            .min(self.sweep.max(self.retry))
    }
}
