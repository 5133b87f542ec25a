//! Git: every transport, hostile trees, rewritten history, racing writers.
#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test may fail like the test"
)]

mod mirrors;
mod remotes;
mod trees;
mod writes;

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use trueup::clock::Timestamp;
use trueup::git::{Author, Fetched, GitError, Mirror, Source, WriteError, Written};
use trueup::snapshot::{ObjectId, Snapshot, Write};

use crate::support::git_server::GitServer;
use crate::support::repository::TempRepository;
use crate::support::ssh_server::{SshServer, keys_of};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

/// A mirror in a cache of its own.
struct Cached {
    mirror: Mirror,
    cache: TempDir,
}

fn mirror(url: &str) -> Cached {
    let cache = tempfile::tempdir().unwrap();
    let mut source: Source = url.parse().unwrap();
    if source.is_ssh() {
        source.keys = keys_of(url.split('#').next().unwrap());
    }
    let mirror = Mirror::open(cache.path(), source).unwrap();
    Cached { mirror, cache }
}

impl Cached {
    fn fetch(&mut self) -> Fetched {
        self.mirror.fetch(NOW).unwrap()
    }

    fn refused(&mut self) -> GitError {
        let error = self.mirror.fetch(NOW).unwrap_err();
        assert!(!error.help().is_empty());
        error
    }

    fn all(&self, commit: &ObjectId) -> Snapshot {
        self.mirror.snapshot(commit, None).unwrap()
    }
}

/// A write of one file on top of `expected`.
fn put(branch: &str, expected: &ObjectId, path: &str, text: &str) -> Write {
    Write {
        branch: branch.to_owned(),
        expected: Some(expected.clone()),
        base: expected.clone(),
        files: BTreeMap::from([(path.to_owned(), text.to_owned())]),
        message: "release churn".to_owned(),
        reason: "a test".to_owned(),
    }
}

fn write(mirror: &mut Mirror, write: &Write) -> Result<Written, WriteError> {
    mirror.write(write, &Author::default(), NOW)
}

/// An error and all its causes, both as people and as logs see it.
fn whole(error: &dyn Error) -> String {
    let mut text = format!("{error:?}");
    let mut next = Some(error);
    while let Some(one) = next {
        write!(text, "\n{one}").unwrap();
        next = one.source();
    }
    text
}

/// Every file below a folder.
fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(walk(&path));
        } else {
            files.push(path);
        }
    }
    files
}

/// The same repository over every transport.
fn over_all(check: impl Fn(&TempRepository, &str)) {
    let repository = TempRepository::bare();
    check(&repository, &repository.path());
    let repository = TempRepository::bare();
    check(&repository, &format!("file://{}", repository.path()));
    let repository = TempRepository::bare();
    let server = GitServer::open(repository.root());
    check(&repository, &server.url(""));
    let repository = TempRepository::bare();
    let server = GitServer::closed(repository.root(), "robot", "s3cr3t/token");
    check(&repository, &server.url("robot:s3cr3t%2Ftoken@"));
    let repository = TempRepository::bare();
    if let Some(server) = SshServer::open(repository.root()) {
        check(&repository, server.url());
    }
}
