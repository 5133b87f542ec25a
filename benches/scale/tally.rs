//! Who answers calls, and what is counted of them.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;
use trueup::clock::Timestamp;
use trueup::resource::call::{Answer, Call};
use trueup::world::World;

/// Calls by operation, and the time that the world took to answer them: it is not ours.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) calls: BTreeMap<&'static str, u64>,
    pub(crate) answering: Duration,
    /// How long the world had taken when the first changing call was made, and when that was.
    pub(crate) changed: Option<(Duration, Instant)>,
}

impl Tally {
    pub(crate) fn call(&mut self, world: &mut World, now: Timestamp, call: &Call) -> Answer {
        *self.calls.entry(call.op).or_default() += 1;
        let start = Instant::now();
        if call.mutates() && self.changed.is_none() {
            self.changed = Some((self.answering, start));
        }
        let answer = world.call(now, call);
        self.answering += start.elapsed();
        answer
    }

    /// All calls.
    pub(crate) fn all(&self) -> u64 {
        self.calls.values().sum()
    }

    /// Those that look at one thing.
    pub(crate) fn describes(&self) -> u64 {
        let describes = self.calls.iter();
        describes
            .filter(|(op, _)| op.starts_with("Describe"))
            .map(|(_, count)| count)
            .sum()
    }
}
