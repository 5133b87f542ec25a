//! The commits that models ask for, until they are made.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::snapshot::{ObjectId, Write};

/// By model: what it asks for, and since when.
#[derive(Debug, Default)]
pub(super) struct Writes {
    wanted: BTreeMap<String, Wanted>,
}

#[derive(Debug)]
struct Wanted {
    since: Instant,
    writes: Vec<Write>,
    /// Times that it was sent and did not arrive.
    failures: u32,
    /// The branches that it was sent to, until it is known whether it arrived.
    sent: Vec<String>,
}

impl Writes {
    /// What a pass over the model in `folder` asks for, in place of what the one before did. What
    /// is asked for again does not wait anew.
    pub(super) fn want(&mut self, folder: &str, writes: Vec<Write>, now: Instant) {
        if writes.is_empty() {
            self.wanted.remove(folder);
            return;
        }
        let wanted = self.wanted.entry(folder.to_owned());
        let wanted = wanted.or_insert(Wanted {
            since: now,
            writes: Vec::new(),
            failures: 0,
            sent: Vec::new(),
        });
        (wanted.writes, wanted.sent) = (writes, Vec::new());
    }

    /// Forgets the models that are not in `keep`.
    pub(super) fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.wanted.retain(|folder, _| keep(folder));
    }

    /// When the next commit is to be made; those that come until then join it.
    pub(super) fn due(&self, batch: Duration) -> Option<Instant> {
        let waiting = self.wanted.values().filter(|one| !one.writes.is_empty());
        waiting.map(|one| one.since + batch).min()
    }

    /// What to send, all of it decided on the commit `base`; and the models that decided on another
    /// commit, which are to decide again.
    pub(super) fn take(&mut self, base: &ObjectId) -> (Vec<Write>, Vec<String>) {
        let (mut current, mut stale) = (Vec::new(), Vec::new());
        for (folder, wanted) in &mut self.wanted {
            let writes = std::mem::take(&mut wanted.writes);
            if writes.is_empty() {
                continue;
            }
            if writes.iter().all(|write| write.base == *base) {
                wanted.sent = writes.iter().map(|write| write.branch.clone()).collect();
                current.extend(writes);
            } else {
                stale.push(folder.clone());
            }
        }
        (current, stale)
    }

    /// Takes note that what was sent arrived, except on the branches in `failed`. Gives the models
    /// that are to ask again, and how often they were refused in a row.
    pub(super) fn arrived(&mut self, failed: &BTreeSet<String>) -> Vec<(String, u32)> {
        let mut again = Vec::new();
        self.wanted.retain(|folder, wanted| {
            let missed = wanted.sent.iter().any(|branch| failed.contains(branch));
            if missed {
                wanted.failures += 1;
                again.push((folder.clone(), wanted.failures));
            }
            missed || wanted.sent.is_empty()
        });
        again
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BATCH: Duration = Duration::from_secs(30);

    fn commit(digit: char) -> ObjectId {
        ObjectId(digit.to_string().repeat(40))
    }

    fn write(base: char, branch: &str) -> Write {
        Write {
            branch: branch.to_owned(),
            expected: None,
            base: commit(base),
            files: BTreeMap::new(),
            message: String::new(),
            reason: String::new(),
        }
    }

    #[test]
    fn commits_wait_for_others_but_not_anew() {
        let start = Instant::now();
        let mut writes = Writes::default();
        assert_eq!(writes.due(BATCH), None);
        writes.want("a", vec![write('1', "main")], start);
        writes.want("b", vec![write('1', "main")], start + BATCH / 2);
        writes.want("a", vec![write('1', "main")], start + BATCH / 2);
        assert_eq!(writes.due(BATCH), Some(start + BATCH));
        writes.want("a", Vec::new(), start + BATCH);
        assert_eq!(writes.due(BATCH), Some(start + BATCH / 2 + BATCH));
    }

    #[test]
    fn what_was_decided_on_an_old_commit_is_decided_again_and_then_made_at_once() {
        let start = Instant::now();
        let mut writes = Writes::default();
        writes.want("a", vec![write('1', "main")], start);
        writes.want("b", vec![write('2', "main")], start + BATCH);
        let (current, stale) = writes.take(&commit('2'));
        assert_eq!(
            (current, stale),
            (vec![write('2', "main")], vec!["a".to_owned()])
        );
        assert!(writes.arrived(&BTreeSet::new()).is_empty());
        assert_eq!(
            writes.due(BATCH),
            None,
            "nothing is to be sent before it is decided"
        );
        writes.want("a", vec![write('2', "main")], start + BATCH * 2);
        assert_eq!(writes.due(BATCH), Some(start + BATCH));
    }

    #[test]
    fn what_did_not_arrive_is_asked_for_again() {
        let start = Instant::now();
        let mut writes = Writes::default();
        writes.want("a", vec![write('1', "main")], start);
        writes.want("b", vec![write('1', "other")], start);
        assert_eq!(writes.take(&commit('1')).0.len(), 2);
        let failed = BTreeSet::from(["main".to_owned()]);
        assert_eq!(writes.arrived(&failed), [("a".to_owned(), 1)]);
        writes.want("a", vec![write('1', "main")], start + BATCH * 9);
        assert_eq!(writes.due(BATCH), Some(start + BATCH));
        writes.retain(|folder| folder != "a");
        assert_eq!(writes.due(BATCH), None);
    }
}
