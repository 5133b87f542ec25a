//! How often to look.

use std::time::Duration;

use crate::limits::{
    GIT_THROTTLED_PAUSE, GIT_THROTTLED_PAUSE_MAX, POLL_INTERVAL, SEARCH_MARGIN, SWEEP_LISTED_MIN,
};

/// The shortest time that a host is left alone that asks for it.
const THROTTLED_MIN: Duration = Duration::from_secs(1);

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
        doubled(self.retry, failures).min(self.sweep.max(self.retry))
    }

    /// How long to leave a Git host alone that has said `times` in a row that it is asked too often:
    /// as long as it asked for, else longer each time.
    pub fn throttled(times: u32, asked: Option<Duration>) -> Duration {
        let pause = asked.unwrap_or_else(|| doubled(GIT_THROTTLED_PAUSE, times));
        pause.clamp(THROTTLED_MIN, GIT_THROTTLED_PAUSE_MAX)
    }
}

/// The `times`-th of pauses of which each is twice as long as the one before.
fn doubled(first: Duration, times: u32) -> Duration {
    first.saturating_mul(2_u32.saturating_pow(times.saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_bound() {
        let (cadence, local) = (Cadence::default(), Cadence::local());
        let backoff = [1, 2, 3, 100].map(|failures| cadence.backoff(failures).as_secs());
        assert_eq!(backoff, [5, 10, 20, 600]);
        assert_eq!(local.backoff(100).as_secs(), 2);
        let throttled = |times| Cadence::throttled(times, None);
        assert_eq!(throttled(1), GIT_THROTTLED_PAUSE);
        let pauses = [2, 4, 5, 6, 100].map(|times| throttled(times).as_secs());
        assert_eq!(pauses, [120, 480, 960, 960, 960]);
        assert_eq!(throttled(100), GIT_THROTTLED_PAUSE_MAX);
        let asked = [0, 7, 100_000].map(|seconds| {
            let asked = Some(Duration::from_secs(seconds));
            Cadence::throttled(9, asked).as_secs()
        });
        assert_eq!(asked, [1, 7, GIT_THROTTLED_PAUSE_MAX.as_secs()]);
    }
}
