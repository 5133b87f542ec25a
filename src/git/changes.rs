//! Which commits changed a file.

use std::str::from_utf8;

use git2::{Commit, ObjectType, Oid};

use super::error::GitError;
use super::mirror::Mirror;
use crate::clock::Timestamp;
use crate::limits::YAML_BYTES_MAX;
use crate::snapshot::ObjectId;

/// One commit that changed one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The commit.
    pub commit: ObjectId,
    /// When it was committed.
    pub at: Timestamp,
    /// Who wrote it: a name.
    pub author: String,
    /// The first line of its message.
    pub title: String,
    /// The file.
    pub path: String,
    /// What the file said before; `None` where there was none, or no text of bounded size.
    pub before: Option<String>,
    /// What it has said since.
    pub after: Option<String>,
}

impl Mirror {
    /// The changes of these files along the first parents of `tip`, the newest first. A merged
    /// branch counts as its merge. At most `limit` commits are looked at.
    ///
    /// Errors: [`GitError::NoCommit`], and [`GitError::Damaged`] where an object is missing or
    /// broken.
    pub fn changes(
        &self,
        tip: &ObjectId,
        paths: &[String],
        limit: usize,
    ) -> Result<Vec<Change>, GitError> {
        let mut changes = Vec::new();
        let mut next = Some(self.commit(tip)?);
        let mut left = limit;
        while let Some(commit) = next.take().filter(|_| left > 0) {
            left -= 1;
            let parent = commit.parent(0).ok();
            for path in paths {
                let after = self.oid_at(&commit, path)?;
                let before = match &parent {
                    Some(parent) => self.oid_at(parent, path)?,
                    None => None,
                };
                if before != after {
                    let texts = (self.text(before)?, self.text(after)?);
                    changes.push(change(&commit, path, texts));
                }
            }
            next = parent;
        }
        Ok(changes)
    }

    pub(super) fn text(&self, id: Option<Oid>) -> Result<Option<String>, GitError> {
        let Some(id) = id else { return Ok(None) };
        let failed = |error| self.damage(error);
        let odb = self.repository.odb().map_err(failed)?;
        let (size, kind) = odb.read_header(id).map_err(failed)?;
        if kind != ObjectType::Blob || size > YAML_BYTES_MAX {
            return Ok(None);
        }
        let object = odb.read(id).map_err(failed)?;
        Ok(from_utf8(object.data()).ok().map(str::to_owned))
    }
}

fn change(
    commit: &Commit<'_>,
    path: &str,
    (before, after): (Option<String>, Option<String>),
) -> Change {
    let text =
        |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned();
    let seconds = commit.time().seconds();
    Change {
        commit: commit.id().into(),
        at: Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH),
        author: text(Some(commit.author().name_bytes())),
        title: text(commit.summary_bytes()),
        path: path.to_owned(),
        before,
        after,
    }
}
