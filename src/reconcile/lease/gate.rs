//! The last question before something is changed: may it be, now?

use std::sync::Arc;

use tokio::time::Instant;

use crate::clock::{Clock, SignedDuration, Timestamp};
use crate::execute::permit::Permit;

/// By two clocks, because each of them may stand still or jump: one shows the time of day, which
/// people and servers set, the other counts on, but not while the machine sleeps.
#[derive(Clone)]
pub(in crate::reconcile) struct Gate {
    steady: Steady,
    day: Arc<dyn Clock>,
    counted: Permit,
    shown: Permit,
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gate")
            .field("counted", &self.counted)
            .field("shown", &self.shown)
            .finish_non_exhaustive()
    }
}

/// A clock that only goes forward: when the process began, and what was counted since.
#[derive(Debug, Clone, Copy)]
pub(super) struct Steady {
    start: Timestamp,
    since: Instant,
}

impl Clock for Steady {
    fn now(&self) -> Timestamp {
        let counted = SignedDuration::try_from(self.since.elapsed());
        let counted = counted.unwrap_or(SignedDuration::MAX);
        self.start.saturating_add(counted).unwrap_or(Timestamp::MAX)
    }
}

impl Gate {
    /// One that lets nothing through yet.
    pub(super) fn new(day: Arc<dyn Clock>) -> Self {
        Self {
            steady: Steady {
                start: day.now(),
                since: Instant::now(),
            },
            day,
            counted: Permit::never(),
            shown: Permit::never(),
        }
    }

    /// The clock that leases are counted by.
    pub(super) fn steady(&self) -> Steady {
        self.steady
    }

    /// Lets changes through until then, by the steady clock.
    pub(super) fn set(&self, until: Option<Timestamp>) {
        // In this order: what passes between the two is taken off.
        let day = self.day.now();
        let left = until.map(|until| until.duration_since(self.steady.now()));
        self.counted.set(until);
        let shown = left.and_then(|left| day.checked_add(left).ok());
        self.shown.set(shown);
    }

    /// Whether something may be changed now.
    pub(in crate::reconcile) fn allows(&self) -> bool {
        self.counted.allows(self.steady.now()) && self.shown.allows(self.day.now())
    }

    /// For those who have the time of day.
    pub(in crate::reconcile) fn permit(&self) -> &Permit {
        &self.shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    #[test]
    fn whichever_clock_is_later_ends_it() {
        let minute = SignedDuration::from_mins(1);
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        let gate = Gate::new(Arc::new(clock.clone()));
        assert!(!gate.allows(), "nothing before it is said");
        let open = || {
            gate.set(Some(gate.steady().now() + minute));
            assert!(gate.allows());
        };
        open();
        clock.advance(minute);
        assert!(!gate.allows(), "the machine slept");
        gate.set(Some(gate.steady().now() - minute));
        clock.advance(-minute * 10);
        assert!(
            gate.shown.allows(clock.now()),
            "somebody set the clock back"
        );
        assert!(!gate.allows(), "the other counted on");
        open();
        gate.set(None);
        assert!(!gate.allows());
    }
}
