//! What was written over a moment ago, for readers that lag behind.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::kind::Id;
use super::records::{Key, Record};
use super::shelf::Shelf;
use crate::clock::{SignedDuration, Timestamp};

/// The newest past.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Past {
    lag: SignedDuration,
    now: Timestamp,
    /// When a record was written over, and what was there before.
    notes: Arc<VecDeque<Note>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Note {
    at: Timestamp,
    key: Key,
    before: Option<Arc<Record>>,
}

impl Past {
    /// Remembers so much from now on.
    pub(super) fn remember(&mut self, lag: SignedDuration) {
        self.lag = lag;
        self.forget();
    }

    pub(super) fn tick(&mut self, now: Timestamp) {
        self.now = now;
        self.forget();
    }

    fn forget(&mut self) {
        let seen = self.seen();
        if self.notes.iter().any(|note| note.at <= seen) {
            Arc::make_mut(&mut self.notes).retain(|note| note.at > seen);
        }
    }

    /// The instant that late readers see.
    fn seen(&self) -> Timestamp {
        self.now.saturating_sub(self.lag).unwrap_or(self.now)
    }

    /// Notes what is there before it is written over.
    pub(super) fn note(&mut self, shelves: &BTreeMap<Id, Arc<Shelf>>, key: &Key) {
        if self.lag.is_zero() {
            return;
        }
        let before = shelves.get(&key.id);
        let before = before.and_then(|shelf| shelf.get(&key.place).cloned());
        let note = Note {
            at: self.now,
            key: key.clone(),
            before,
        };
        Arc::make_mut(&mut self.notes).push_back(note);
    }

    /// Puts back what a late reader does not know to be written over.
    pub(super) fn lay_over(&self, id: Id, start: &str, seen: &mut BTreeMap<String, Arc<Record>>) {
        // The oldest note of a record is what was there at the instant that is seen.
        for note in self.notes.iter().rev() {
            if note.key.id != id || !note.key.place.starts_with(start) {
                continue;
            }
            match &note.before {
                Some(before) => drop(seen.insert(note.key.place.clone(), before.clone())),
                None => drop(seen.remove(&note.key.place)),
            }
        }
    }
}
