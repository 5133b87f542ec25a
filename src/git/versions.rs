//! What one file was, commit by commit.

use git2::Oid;

use super::error::GitError;
use super::mirror::Mirror;
use crate::snapshot::{ObjectId, Version};

impl Mirror {
    /// The file at `path` in `tip` and in each commit before it, along first parents, the newest
    /// first. At most `limit` commits are looked at, none before it is asked for; after an error
    /// there is no more.
    pub fn versions(&self, tip: &ObjectId, path: &str, limit: usize) -> Versions<'_> {
        Versions {
            mirror: self,
            next: Some(tip.clone()),
            path: path.to_owned(),
            left: limit,
        }
    }

    /// The text of a blob; `None` where it is no text of bounded size, or no blob.
    ///
    /// Errors: [`GitError::Damaged`] where there is no such object, or it is broken.
    pub fn text_of(&self, blob: &ObjectId) -> Result<Option<String>, GitError> {
        let id = Oid::from_str(&blob.0).map_err(|error| self.damage(error))?;
        self.text(Some(id))
    }
}

/// See [`Mirror::versions`].
#[derive(Debug)]
pub struct Versions<'a> {
    mirror: &'a Mirror,
    next: Option<ObjectId>,
    path: String,
    left: usize,
}

impl Versions<'_> {
    fn advance(&mut self) -> Result<Option<Version>, GitError> {
        let Some(id) = self.next.take().filter(|_| self.left > 0) else {
            return Ok(None);
        };
        self.left -= 1;
        let commit = self.mirror.commit(&id)?;
        let file = self.mirror.oid_at(&commit, &self.path)?;
        self.next = commit.parent_id(0).ok().map(ObjectId::from);
        Ok(Some(Version {
            commit: id,
            file: file.map(ObjectId::from),
        }))
    }
}

impl Iterator for Versions<'_> {
    type Item = Result<Version, GitError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().transpose()
    }
}
