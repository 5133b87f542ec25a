//! How often the sources of one Git host are looked at. No clock of its own: `now` is an argument.
//!
//! Where the host bears it each source has its usual interval. Where it does not, those that moved lately
//! keep theirs as far as half of what is borne allows, and the others share the rest.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::cadence::Cadence;
use crate::limits::SOURCE_BUSY_PERIOD;

const MINUTE: Duration = Duration::from_mins(1);

/// What one host bears, and what was asked of it.
#[derive(Debug)]
pub(super) struct Pace {
    /// Looks in a minute; `None`: as many as are wanted.
    bears: Option<u32>,
    /// Source to when it last moved.
    sources: BTreeMap<u64, Option<Instant>>,
    next_id: u64,
    /// When the looks that were let through would have ended, had they come one after the other.
    spent: Option<Instant>,
    /// Until when the host is left alone, and how often in a row it asked for that.
    alone_until: Option<Instant>,
    refusals: u32,
}

impl Pace {
    pub(super) fn new(bears: Option<u32>) -> Self {
        Self {
            bears,
            sources: BTreeMap::new(),
            next_id: 0,
            spent: None,
            alone_until: None,
            refusals: 0,
        }
    }

    /// One source more.
    pub(super) fn join(&mut self) -> u64 {
        self.next_id += 1;
        self.sources.insert(self.next_id, None);
        self.next_id
    }

    /// One source less.
    pub(super) fn leave(&mut self, id: u64) {
        self.sources.remove(&id);
    }

    /// Takes note of a look that was answered.
    pub(super) fn answered(&mut self, id: u64, moved: bool, now: Instant) {
        self.refusals = 0;
        if let Some(last) = self.sources.get_mut(&id).filter(|_| moved) {
            *last = Some(now);
        }
    }

    /// Takes note that the host asked to be left alone, for how long if it said so; gives how long it is.
    pub(super) fn refused(&mut self, asked: Option<Duration>, now: Instant) -> Duration {
        // Those that were on their way already are told the same.
        let again = self.alone_until.is_none_or(|until| until <= now);
        self.refusals += u32::from(again);
        let pause = Cadence::throttled(self.refusals, asked);
        let until = now + pause;
        self.alone_until = self.alone_until.max(Some(until));
        pause
    }

    /// Lets one look through, or says when to ask again. A minute's looks may come at once.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Instant> {
        if let Some(until) = self.alone_until.filter(|until| now < *until) {
            return Err(until);
        }
        let Some(bears) = self.bears else {
            return Ok(());
        };
        let spent = self.spent.map_or(now, |spent| spent.max(now)) + MINUTE / bears;
        if spent > now + MINUTE {
            return Err(spent - MINUTE);
        }
        self.spent = Some(spent);
        Ok(())
    }

    /// How long a source waits between two looks that is to be looked at every `poll`.
    pub(super) fn interval(&self, id: u64, poll: Duration, now: Instant) -> Duration {
        let Some(bears) = self.bears else {
            return poll;
        };
        let is_busy = |last: &Option<Instant>| {
            last.is_some_and(|last| now.saturating_duration_since(last) < SOURCE_BUSY_PERIOD)
        };
        let all = count(self.sources.len());
        let busy = count(self.sources.values().filter(|last| is_busy(last)).count());
        let quiet = all - busy;
        let every = |sources: u32, bears: u32| (MINUTE * sources / bears.max(1)).max(poll);
        if every(all, bears) == poll {
            return poll;
        }
        let wanted = u32::try_from(MINUTE.as_millis() * u128::from(busy) / poll.as_millis().max(1));
        let half = if quiet == 0 { bears } else { bears / 2 };
        let for_busy = wanted.unwrap_or(u32::MAX).min(half);
        if self.sources.get(&id).is_some_and(is_busy) {
            every(busy, for_busy)
        } else {
            every(quiet, bears - for_busy)
        }
    }
}

fn count(sources: usize) -> u32 {
    u32::try_from(sources).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{GIT_THROTTLED_PAUSE, HOST_LOOKS_PER_MINUTE, POLL_INTERVAL, SOURCES_MAX};

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// A host with so many sources.
    fn host(bears: u32, sources: usize) -> (Pace, Vec<u64>) {
        let mut pace = Pace::new(Some(bears));
        let ids = (0..sources).map(|_| pace.join()).collect();
        (pace, ids)
    }

    #[test]
    fn a_host_that_bears_it_is_asked_as_often_as_is_wanted() {
        let now = Instant::now();
        let (pace, ids) = host(HOST_LOOKS_PER_MINUTE, 150);
        assert_eq!(pace.interval(ids[0], POLL_INTERVAL, now), secs(15));
        let (pace, ids) = host(HOST_LOOKS_PER_MINUTE, 500);
        assert_eq!(pace.interval(ids[0], POLL_INTERVAL, now), secs(50));
        let (pace, ids) = host(HOST_LOOKS_PER_MINUTE, SOURCES_MAX);
        assert_eq!(pace.interval(ids[0], POLL_INTERVAL, now), secs(100));
        let mut local = Pace::new(None);
        let id = local.join();
        assert_eq!(local.interval(id, POLL_INTERVAL, now), secs(15));
    }

    #[test]
    fn what_moved_lately_is_looked_at_more_often_and_all_is_borne() {
        let now = Instant::now();
        let (mut pace, ids) = host(60, 100);
        for id in &ids[..5] {
            pace.answered(*id, true, now);
        }
        pace.answered(ids[7], false, now);
        // Five every 15 s are 20 of the 60 a minute; 95 share 40.
        assert_eq!(pace.interval(ids[0], secs(15), now), secs(15));
        assert_eq!(
            pace.interval(ids[7], secs(15), now),
            secs(142) + secs(1) / 2
        );
        let later = now + SOURCE_BUSY_PERIOD;
        assert_eq!(pace.interval(ids[0], secs(15), later), secs(100));
        for id in &ids {
            pace.answered(*id, true, now);
        }
        assert_eq!(pace.interval(ids[0], secs(15), now), secs(100));
        for id in &ids[..20] {
            pace.leave(*id);
        }
        assert_eq!(pace.interval(ids[30], secs(15), now), secs(80));
        let (mut pace, ids) = host(1, 2);
        pace.answered(ids[0], true, now);
        assert_eq!(pace.interval(ids[1], secs(15), now), secs(60));
    }

    #[test]
    fn no_more_looks_begin_than_are_borne() {
        let start = Instant::now();
        let (mut pace, _) = host(60, 500);
        let mut begun: Vec<u64> = Vec::new();
        let mut now = start;
        while now < start + secs(300) {
            match pace.take(now) {
                Ok(()) => begun.push((now - start).as_secs()),
                Err(at) => {
                    assert!(at > now);
                    now = at;
                }
            }
        }
        assert_eq!(begun.iter().filter(|at| **at == 0).count(), 60);
        for minute in 1..5 {
            let within = begun.iter().filter(|at| **at / 60 == minute).count();
            assert_eq!(within, 60, "in minute {minute}");
        }
    }

    #[test]
    fn a_host_that_asks_for_it_is_left_alone_by_all() {
        let now = Instant::now();
        let (mut pace, ids) = host(600, 2);
        assert_eq!(pace.refused(None, now), GIT_THROTTLED_PAUSE);
        assert_eq!(
            pace.refused(None, now),
            GIT_THROTTLED_PAUSE,
            "no second time"
        );
        let end = now + GIT_THROTTLED_PAUSE;
        assert_eq!(pace.take(now), Err(end));
        assert_eq!(pace.take(end), Ok(()));
        assert_eq!(pace.refused(None, end), GIT_THROTTLED_PAUSE * 2);
        let end = end + GIT_THROTTLED_PAUSE * 2;
        pace.answered(ids[0], false, end);
        assert_eq!(pace.refused(Some(secs(7)), end), secs(7), "as it says");
        assert_eq!(pace.take(end), Err(end + secs(7)));
    }
}
