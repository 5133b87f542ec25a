//! File contents by blob id, shared by all snapshots.

use std::collections::BTreeMap;
use std::sync::Arc;

use git2::Oid;

/// The most recently used contents, up to a budget of bytes.
#[derive(Debug)]
pub(super) struct Blobs {
    budget: usize,
    used: usize,
    tick: u64,
    by_id: BTreeMap<Oid, (u64, Arc<[u8]>)>,
    by_use: BTreeMap<u64, Oid>,
}

impl Blobs {
    /// An empty cache that keeps at most `budget` bytes.
    pub(super) fn new(budget: usize) -> Self {
        Self {
            budget,
            used: 0,
            tick: 0,
            by_id: BTreeMap::new(),
            by_use: BTreeMap::new(),
        }
    }

    /// The content of `id`, if it is here.
    pub(super) fn get(&mut self, id: Oid) -> Option<Arc<[u8]>> {
        self.tick += 1;
        let (used, bytes) = self.by_id.get_mut(&id)?;
        self.by_use.remove(used);
        *used = self.tick;
        self.by_use.insert(self.tick, id);
        Some(Arc::clone(bytes))
    }

    /// Keeps the content of `id`, in place of what was not used for longest.
    pub(super) fn keep(&mut self, id: Oid, bytes: &Arc<[u8]>) {
        if bytes.len() > self.budget || self.by_id.contains_key(&id) {
            return;
        }
        while self.used + bytes.len() > self.budget {
            let Some((_, oldest)) = self.by_use.pop_first() else {
                break;
            };
            if let Some((_, gone)) = self.by_id.remove(&oldest) {
                self.used -= gone.len();
            }
        }
        self.tick += 1;
        self.used += bytes.len();
        self.by_use.insert(self.tick, id);
        self.by_id.insert(id, (self.tick, Arc::clone(bytes)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_goes_first() {
        let id = |byte: u8| Oid::from_bytes(&[byte; 20]).unwrap();
        let bytes = |length| Arc::<[u8]>::from(vec![0; length]);
        let mut blobs = Blobs::new(10);
        blobs.keep(id(1), &bytes(4));
        blobs.keep(id(2), &bytes(4));
        assert!(blobs.get(id(1)).is_some());
        blobs.keep(id(3), &bytes(4));
        assert!(blobs.get(id(2)).is_none());
        assert!(blobs.get(id(1)).is_some() && blobs.get(id(3)).is_some());
        blobs.keep(id(4), &bytes(11));
        assert!(blobs.get(id(4)).is_none());
        assert_eq!(blobs.used, 8);
    }
}
