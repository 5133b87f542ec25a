//! The files of a commit, as values: read from Git's object store, never from a checkout.

pub mod glob;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// A Git object id, 40 (or 64) lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectId(pub String);

impl ObjectId {
    /// The first 8 digits, as people write it.
    pub fn short(&self) -> &str {
        self.0.get(..8).unwrap_or(&self.0)
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a file may be executed; Git knows no other modes of regular files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Mode {
    /// `100644`
    Regular,
    /// `100755`
    Executable,
}

/// One file of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Regular or executable. Symbolic links and submodules are never part of a snapshot.
    pub mode: Mode,
    /// The blob's id: equal ids are equal bytes.
    pub blob: ObjectId,
    /// The content.
    pub bytes: Arc<[u8]>,
}

/// The files of one commit (or of the part of it that was asked for).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The commit.
    pub commit: ObjectId,
    /// When it was committed.
    pub time: Timestamp,
    /// Path from the repository's root, `/`-separated, to file.
    pub files: BTreeMap<String, File>,
    /// Paths that were left out and why: symbolic links, submodules, over a limit.
    pub skipped: BTreeMap<String, String>,
}

impl Snapshot {
    /// The content of `path` as text, if it exists and is UTF-8.
    pub fn text(&self, path: &str) -> Option<&str> {
        std::str::from_utf8(&self.files.get(path)?.bytes).ok()
    }

    /// The files below `folder` (empty: all), with paths relative to it.
    pub fn below<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = (&'a str, &'a File)> {
        self.files.iter().filter_map(move |(path, file)| {
            let rest = if folder.is_empty() {
                path.as_str()
            } else {
                path.strip_prefix(folder)?.strip_prefix('/')?
            };
            Some((rest, file))
        })
    }
}

/// One commit of a file's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The commit.
    pub commit: ObjectId,
    /// The file's blob in it; `None` where there is no such file.
    pub file: Option<ObjectId>,
}

/// A commit that the reconciler wants to make: whole files, on top of a known tip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Write {
    /// The branch to write, without `refs/heads/`.
    pub branch: String,
    /// What the branch must be: `Some(tip)` for compare-and-swap on an existing branch,
    /// `None` to create it, which does nothing where it exists.
    pub expected: Option<ObjectId>,
    /// The commit that the new one stands on.
    pub base: ObjectId,
    /// Path to new content.
    pub files: BTreeMap<String, String>,
    /// The commit message.
    pub message: String,
    /// Why, in one phrase, for people.
    pub reason: String,
}

/// The path of a file of a folder; the folder is empty for the root.
pub fn below(folder: &str, relative: &str) -> String {
    if folder.is_empty() {
        relative.to_owned()
    } else {
        format!("{folder}/{relative}")
    }
}
