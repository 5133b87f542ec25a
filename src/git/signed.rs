//! Commits as they are judged by their signatures.

use git2::{Delta, FileMode, ObjectType, Oid, Repository};

use super::error::GitError;
use super::mirror::Mirror;
use crate::clock::Timestamp;
use crate::limits::SIGNED_COMMIT_BYTES_MAX;
use crate::signing::{self, CommitError, read_commit};
use crate::snapshot::ObjectId;

/// One commit, with what its signature covers.
#[derive(Debug, Clone)]
pub struct Described {
    /// Its id.
    pub commit: ObjectId,
    /// Its parents, the first one first.
    pub parents: Vec<ObjectId>,
    /// When it says that it was committed.
    pub at: Timestamp,
    /// Who it says that it is from: a name and an address.
    pub author: String,
    /// What there is to judge.
    pub object: Result<signing::Commit, CommitError>,
}

/// A file that a commit put somewhere, or took away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Altered {
    /// Its path from the repository's root.
    pub path: String,
    /// Whether a regular file is there now.
    pub is_file: bool,
}

impl Mirror {
    /// A commit with its signature.
    ///
    /// Errors: [`GitError::NoCommit`], and [`GitError::Damaged`] where an object is missing or broken.
    pub fn describe(&self, id: &ObjectId) -> Result<Described, GitError> {
        let commit = self.commit(id)?;
        let who = commit.author();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Described {
            commit: commit.id().into(),
            parents: commit.parent_ids().map(ObjectId::from).collect(),
            at: Timestamp::from_second(commit.time().seconds()).unwrap_or(Timestamp::UNIX_EPOCH),
            author: format!("{} <{}>", text(who.name_bytes()), text(who.email_bytes())),
            object: self.signed_object(commit.id())?,
        })
    }

    fn signed_object(&self, id: Oid) -> Result<Result<signing::Commit, CommitError>, GitError> {
        let failed = |error| self.damage(error);
        let odb = self.repository.odb().map_err(failed)?;
        let (size, _) = odb.read_header(id).map_err(failed)?;
        if size > SIGNED_COMMIT_BYTES_MAX {
            return Ok(Err(CommitError::Size));
        }
        let object = odb.read(id).map_err(failed)?;
        debug_assert_eq!(object.kind(), ObjectType::Commit);
        Ok(read_commit(object.data()))
    }

    /// The commits that `tip` has in its history and `base` has not, the newest first; `None` where they are
    /// more than `limit`.
    ///
    /// Errors: [`GitError::NoCommit`], and [`GitError::Damaged`] where an object is missing or broken.
    pub fn gained(
        &self,
        base: &ObjectId,
        tip: &ObjectId,
        limit: usize,
    ) -> Result<Option<Vec<ObjectId>>, GitError> {
        let failed = |error| self.damage(error);
        let (base, tip) = (self.commit(base)?.id(), self.commit(tip)?.id());
        let mut walk = self.repository.revwalk().map_err(failed)?;
        walk.push(tip).map_err(failed)?;
        walk.hide(base).map_err(failed)?;
        let mut gained = Vec::new();
        for id in walk {
            if gained.len() == limit {
                return Ok(None);
            }
            gained.push(id.map_err(failed)?.into());
        }
        Ok(Some(gained))
    }

    /// Whether a commit merges two others and changes nothing itself: its files are those that merging the
    /// two gives, without a conflict.
    ///
    /// Errors: [`GitError::NoCommit`], and [`GitError::Damaged`] where an object is missing or broken.
    pub fn only_merges(&self, commit: &ObjectId) -> Result<bool, GitError> {
        let commit = self.commit(commit)?;
        let parents: Vec<Oid> = commit.parent_ids().collect();
        let [ours, theirs] = parents[..] else {
            return Ok(false);
        };
        let failed = |error| self.damage(error);
        // A file that both changed is written while they are merged: into memory.
        let scratch = Repository::open_bare(&self.path).map_err(failed)?;
        let odb = scratch.odb().map_err(failed)?;
        let _memory = odb.add_new_mempack_backend(i32::MAX).map_err(failed)?;
        let find = |id| scratch.find_commit(id).map_err(failed);
        let index = scratch.merge_commits(&find(ours)?, &find(theirs)?, None);
        let index = index.map_err(failed)?;
        if index.has_conflicts() {
            return Ok(false);
        }
        let tree = scratch.find_tree(commit.tree_id()).map_err(failed)?;
        let diff = scratch.diff_tree_to_index(Some(&tree), Some(&index), None);
        Ok(diff.map_err(failed)?.deltas().len() == 0)
    }

    /// What a commit altered of its first parent, or of nothing.
    ///
    /// Errors: [`GitError::NoCommit`], and [`GitError::Damaged`] where an object is missing or broken.
    pub fn altered(&self, commit: &ObjectId) -> Result<Vec<Altered>, GitError> {
        let commit = self.commit(commit)?;
        let failed = |error| self.damage(error);
        let before = match commit.parent_id(0) {
            Ok(parent) => Some(self.commit(&parent.into())?.tree().map_err(failed)?),
            Err(_) => None,
        };
        let after = commit.tree().map_err(failed)?;
        let diff = self
            .repository
            .diff_tree_to_tree(before.as_ref(), Some(&after), None)
            .map_err(failed)?;
        let altered = diff.deltas().map(|delta| {
            let file = delta.new_file();
            let path = file.path_bytes().unwrap_or_default();
            let mode = file.mode();
            let regular = matches!(mode, FileMode::Blob | FileMode::BlobExecutable);
            Altered {
                path: String::from_utf8_lossy(path).into_owned(),
                is_file: regular && delta.status() != Delta::Deleted,
            }
        });
        Ok(altered.collect())
    }
}
