//! The log of calls: what was asked, when, and what came of it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::limits;
use crate::resource::call::Scope;

/// One call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// When it was made.
    pub at: Timestamp,
    /// The operation.
    pub op: String,
    /// Where.
    pub scope: Scope,
    /// The name, ARN or bucket and key that it was about; "" for lists.
    pub name: String,
    /// The code of the refusal; `None` if it was answered.
    pub error: Option<String>,
    /// Whether it could change anything.
    pub mutates: bool,
}

/// Calls of one operation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// All of them.
    pub calls: u64,
    /// Those that were refused.
    pub refused: u64,
}

/// The last calls, and how many there were of each operation since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallLog {
    entries: VecDeque<Arc<LogEntry>>,
    counts: BTreeMap<String, Count>,
    mutations: u64,
}

impl CallLog {
    pub(super) fn push(&mut self, entry: LogEntry) {
        let count = self.counts.entry(entry.op.clone()).or_default();
        count.calls += 1;
        count.refused += u64::from(entry.error.is_some());
        self.mutations += u64::from(entry.mutates);
        if self.entries.len() == limits::WORLD_CALLS_MAX {
            self.entries.pop_front();
        }
        self.entries.push_back(Arc::new(entry));
    }

    /// The last [`limits::WORLD_CALLS_MAX`] calls, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &LogEntry> {
        self.entries.iter().map(|entry| &**entry)
    }

    /// How often `op` was called since the start.
    pub fn count(&self, op: &str) -> Count {
        self.counts.get(op).copied().unwrap_or_default()
    }

    /// Every operation that was called, with its counts.
    pub fn counts(&self) -> &BTreeMap<String, Count> {
        &self.counts
    }

    /// How many calls could have changed something, refused ones too.
    pub fn mutations(&self) -> u64 {
        self.mutations
    }
}
