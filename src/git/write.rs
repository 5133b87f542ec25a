//! Commits that trueup makes: by compare-and-swap, never by force.

use git2::Oid;

use super::error::GitError;
use super::mirror::{Mirror, full};
use super::{build, push};
use crate::clock::Timestamp;
use crate::snapshot::{ObjectId, Write};

/// Who a commit says that it is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// A name.
    pub name: String,
    /// An address.
    pub email: String,
}

impl Default for Author {
    fn default() -> Self {
        Self {
            name: "trueup".to_owned(),
            email: "trueup@localhost".to_owned(),
        }
    }
}

/// What a write came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// The branch is this new commit.
    Commit(ObjectId),
    /// The files are as they are to be: there was nothing to commit.
    Nothing,
    /// The branch was to be created and exists, at this commit. It was left alone.
    Exists(ObjectId),
}

/// Why nothing was written, or may not have been.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The branch is not, or no longer, what was expected: fetch and decide again.
    #[error("`{branch}` of {url} moved: it was expected at {}", expected.short())]
    Moved {
        /// The repository.
        url: String,
        /// The branch.
        branch: String,
        /// Where it should have been.
        expected: ObjectId,
        /// Where it is, as far as known; `None` where it is gone.
        actual: Option<ObjectId>,
    },
    /// The server does not let this branch be written like this.
    #[error("{url} refused the write to `{branch}`: {reason}")]
    Refused {
        /// The repository.
        url: String,
        /// The branch.
        branch: String,
        /// The server's words.
        reason: String,
    },
    /// Somebody works on the branch in that very folder.
    #[error("`{branch}` is checked out in {url}")]
    CheckedOut {
        /// The repository.
        url: String,
        /// The branch.
        branch: String,
    },
    /// A file cannot be put at this path.
    #[error("could not put a file at `{path}`: {reason}")]
    Path {
        /// The path.
        path: String,
        /// Why not.
        reason: String,
    },
    /// Not a name that Git allows for a branch.
    #[error("`{branch}` is not a branch name that Git allows")]
    Branch {
        /// The name.
        branch: String,
    },
    /// Not a name and address that Git allows in a commit.
    #[error("`{name} <{email}>` cannot be the author of a commit")]
    Author {
        /// The name.
        name: String,
        /// The address.
        email: String,
    },
    /// The new commit would not stand on what the branch is expected to be.
    #[error("{} does not contain {}, where `{branch}` is expected", base.short(), expected.short())]
    Base {
        /// The branch.
        branch: String,
        /// What the commit was to stand on.
        base: ObjectId,
        /// Where the branch should be.
        expected: ObjectId,
    },
    /// No answer after the commit was sent: it may or may not be there. Fetch and look.
    #[error("{url} did not say whether {} is now `{branch}`", commit.short())]
    Unknown {
        /// The repository.
        url: String,
        /// The branch.
        branch: String,
        /// The commit that was sent.
        commit: ObjectId,
        /// How the conversation ended.
        source: Box<GitError>,
    },
    /// The repository could not be looked at; nothing was sent.
    #[error("could not write to `{branch}`")]
    Git {
        /// The branch.
        branch: String,
        /// Why not.
        source: Box<GitError>,
    },
}

impl WriteError {
    /// What to do about it, in one phrase.
    pub fn help(&self) -> String {
        match self {
            Self::Moved { .. } => "nothing to do: the next pass looks again".to_owned(),
            Self::Refused { .. } => {
                "let trueup write this branch, or set `writeback.branch` to one that it may"
                    .to_owned()
            }
            Self::CheckedOut { branch, .. } => format!(
                "push to a bare repository, check out another branch than `{branch}`, or \
                 `git config receive.denyCurrentBranch updateInstead` there"
            ),
            Self::Path { .. } => "make room for it in the repository".to_owned(),
            Self::Branch { .. } => {
                "choose another name; `git check-ref-format` has the rules".to_owned()
            }
            Self::Author { .. } => {
                "give a name and an address without `<`, `>` and line ends".to_owned()
            }
            Self::Base { .. } | Self::Unknown { .. } => {
                "nothing to do: the next pass looks again".to_owned()
            }
            Self::Git { source, .. } => source.help(),
        }
    }
}

impl Mirror {
    /// Commits `write.files` on top of `write.base` and moves `write.branch` there, if and only if
    /// it is still `write.expected`. Never forced, never empty, one attempt. The mirror's own
    /// branches move with the next fetch.
    ///
    /// A repository on this machine is written directly, under Git's own lock on the branch; its
    /// hooks are not run. Elsewhere the commit is pushed; an answer that got lost is looked for.
    pub fn write(
        &mut self,
        write: &Write,
        author: &Author,
        now: Timestamp,
    ) -> Result<Written, WriteError> {
        if !git2::Reference::is_valid_name(&full(&write.branch)) {
            let branch = write.branch.escape_debug().to_string();
            return Err(WriteError::Branch { branch });
        }
        if let Some(expected) = &write.expected
            && !self.contains(&write.base, expected)
        {
            return Err(WriteError::Base {
                branch: write.branch.clone(),
                base: write.base.clone(),
                expected: expected.clone(),
            });
        }
        self.writable().map_err(|source| WriteError::Git {
            branch: write.branch.clone(),
            source: Box::new(source),
        })?;
        match self.source.local_path() {
            Some(path) => push::local(&self.source, &path, write, author, now),
            None => self.push(write, author, now),
        }
    }

    fn push(&self, write: &Write, author: &Author, now: Timestamp) -> Result<Written, WriteError> {
        let built = build::commit(&self.repository, &self.source, write, author, now);
        if let Err(WriteError::Git { source, .. }) = &built {
            self.damaged.set(source.is_damage());
        }
        match built? {
            Some(commit) => push::remote(&self.source, &self.path, self.bounds, write, commit),
            None => Ok(Written::Nothing),
        }
    }
}

/// The outcome of finding the branch at `actual` where something else was expected.
pub(super) fn elsewhere(
    url: &str,
    write: &Write,
    actual: Option<Oid>,
) -> Result<Written, WriteError> {
    match (&write.expected, actual) {
        (None, Some(actual)) => Ok(Written::Exists(actual.into())),
        (expected, actual) => Err(WriteError::Moved {
            url: url.to_owned(),
            branch: write.branch.clone(),
            // A branch to be created, made and deleted again by others meanwhile.
            expected: expected.clone().unwrap_or_else(|| write.base.clone()),
            actual: actual.map(ObjectId::from),
        }),
    }
}
