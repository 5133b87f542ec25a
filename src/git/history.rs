//! What a folder was, commit by commit.

use git2::Oid;

use super::error::GitError;
use super::mirror::Mirror;
use super::snapshot::{Caps, Wanted};
use crate::snapshot::{ObjectId, Snapshot};

/// What the whole repository shares, beside the model's own folder.
const SHARED: [&str; 2] = ["trueup.yaml", "presets"];

impl Mirror {
    /// The states of `folder` (and of `trueup.yaml` and `presets/`, which every model shares), the
    /// newest first: `tip` itself, then each commit, along first parents, whose state differs from
    /// the one given before it. A merged branch counts as its merge. At most `limit` commits are
    /// looked at. Nothing is read before it is asked for; after an error there is no more.
    ///
    /// So each item is the newest commit that had its state, and the snapshot holds that state's
    /// files only.
    pub fn history(&self, tip: &ObjectId, folder: &str, limit: usize) -> History<'_> {
        let folder = folder.trim_matches('/').to_owned();
        let wanted = Wanted::new(Some(&[folder.as_str(), SHARED[0], SHARED[1]]));
        History {
            mirror: self,
            next: Some(tip.clone()),
            given: None,
            left: limit,
            folder,
            wanted,
        }
    }
}

/// See [`Mirror::history`].
#[derive(Debug)]
pub struct History<'a> {
    mirror: &'a Mirror,
    next: Option<ObjectId>,
    given: Option<[Option<Oid>; 3]>,
    left: usize,
    folder: String,
    wanted: Wanted,
}

impl History<'_> {
    /// The next commit with another state than the one given last.
    fn advance(&mut self) -> Result<Option<Snapshot>, GitError> {
        while let Some(id) = self.next.take().filter(|_| self.left > 0) {
            self.left -= 1;
            let commit = self.mirror.commit(&id)?;
            self.next = commit.parent_id(0).ok().map(ObjectId::from);
            let state = [
                self.mirror.oid_at(&commit, &self.folder)?,
                self.mirror.oid_at(&commit, SHARED[0])?,
                self.mirror.oid_at(&commit, SHARED[1])?,
            ];
            if self.given != Some(state) {
                self.given = Some(state);
                return self
                    .mirror
                    .read(&commit, &self.wanted, Caps::DEFAULT)
                    .map(Some);
            }
        }
        Ok(None)
    }
}

impl Iterator for History<'_> {
    type Item = Result<Snapshot, GitError>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.advance().transpose();
        if !matches!(item, Some(Ok(_))) {
            self.next = None;
        }
        item
    }
}
