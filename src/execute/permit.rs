//! Until when something may be changed, as those who change things see it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::clock::Timestamp;

/// Shared between who keeps the lease and who acts under it: each change asks it right before it is
/// made, so that one who slept through the end of the lease changes nothing when waking up.
#[derive(Debug, Clone)]
pub struct Permit(Arc<AtomicI64>);

/// Microseconds that no clock shows.
const ALWAYS: i64 = i64::MAX;
const NEVER: i64 = i64::MIN;

impl Default for Permit {
    fn default() -> Self {
        Self::always()
    }
}

impl Permit {
    /// For those who need no lease.
    pub fn always() -> Self {
        Self(Arc::new(AtomicI64::new(ALWAYS)))
    }

    /// One that allows nothing yet.
    pub fn never() -> Self {
        Self(Arc::new(AtomicI64::new(NEVER)))
    }

    /// Allows changes before `until`; none at all where there is no such time.
    pub fn set(&self, until: Option<Timestamp>) {
        let until = until.map_or(NEVER, Timestamp::as_microsecond);
        self.0.store(until, Ordering::SeqCst);
    }

    /// Whether something may be changed now.
    pub fn allows(&self, now: Timestamp) -> bool {
        now.as_microsecond() < self.0.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SignedDuration;

    #[test]
    fn it_ends_when_it_says_and_for_all_who_share_it() {
        let start = Timestamp::UNIX_EPOCH;
        let permit = Permit::never();
        let shared = permit.clone();
        assert!(!shared.allows(Timestamp::MIN));
        permit.set(Some(start));
        assert!(shared.allows(start - SignedDuration::from_micros(1)));
        assert!(!shared.allows(start), "the instant itself is too late");
        permit.set(None);
        assert!(!shared.allows(Timestamp::MIN));
        assert!(Permit::always().allows(Timestamp::MAX));
    }
}
