//! One stream: lines in the order of their times, bounded.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::limits::{LOG_EVENTS_MAX, LOG_STREAM_BYTES_MAX};

/// What the service counts for each event besides its text.
pub(super) const EVENT_BYTES: usize = 26;

/// Where an event stands: its time, then the order in which it came.
pub(super) type Spot = (i64, u64);

/// A stream. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Stream {
    pub(super) created: i64,
    /// When something was said last; when it was made, if never.
    pub(super) ingested: i64,
    /// How many events there ever were.
    count: u64,
    bytes: usize,
    events: VecDeque<Event>,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Event {
    pub(super) spot: Spot,
    pub(super) ingested: i64,
    pub(super) message: String,
}

impl Stream {
    pub(super) fn new(created: i64) -> Self {
        Self {
            created,
            ingested: created,
            count: 0,
            bytes: 0,
            events: VecDeque::new(),
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds a line. Of more than is kept, the oldest goes.
    pub(super) fn push(&mut self, at: i64, now: i64, message: String) {
        self.count += 1;
        self.ingested = now;
        self.bytes += message.len() + EVENT_BYTES;
        let event = Event {
            spot: (at, self.count),
            ingested: now,
            message,
        };
        let after = self.events.partition_point(|one| one.spot < event.spot);
        self.events.insert(after, event);
        while self.events.len() > LOG_EVENTS_MAX || self.bytes > LOG_STREAM_BYTES_MAX {
            let Some(oldest) = self.events.pop_front() else {
                return;
            };
            self.bytes -= oldest.message.len() + EVENT_BYTES;
        }
    }

    /// Forgets every line; gives how many bytes they had.
    pub(super) fn forget(&mut self) -> usize {
        self.events.clear();
        std::mem::take(&mut self.bytes)
    }

    /// The lines from a time on, in order.
    pub(super) fn since(&self, from: i64) -> impl DoubleEndedIterator<Item = &Event> {
        let start = self.events.partition_point(|one| one.spot.0 < from);
        self.events.range(start..)
    }
}
