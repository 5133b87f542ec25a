//! What was written over since it was last told of.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::world::kind::Id;
use crate::world::records::{Key, Record};
use crate::world::shelf::Shelf;

/// What was there before each change, if somebody listens.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::world) struct News {
    listening: bool,
    /// Told of within the step in which it changes.
    #[serde(skip)]
    before: BTreeMap<Key, Option<Arc<Record>>>,
}

impl News {
    /// Listens from now on, or no longer.
    pub(in crate::world) fn listen(&mut self, listening: bool) {
        self.listening = listening;
        self.before.clear();
    }

    /// Notes what is there before it is written over.
    pub(in crate::world) fn note(&mut self, shelves: &BTreeMap<Id, Arc<Shelf>>, key: &Key) {
        if !self.listening || !key.id.is_sagemakers() || self.before.contains_key(key) {
            return;
        }
        let before = shelves.get(&key.id);
        let before = before.and_then(|shelf| shelf.get(&key.place).cloned());
        self.before.insert(key.clone(), before);
    }

    /// What changed, with what was there before.
    pub(in crate::world) fn take(&mut self) -> BTreeMap<Key, Option<Arc<Record>>> {
        std::mem::take(&mut self.before)
    }
}
