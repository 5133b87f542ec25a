//! Commits, built in an object store without a checkout.

use git2::build::TreeUpdateBuilder;
use git2::{Commit, FileMode, ObjectType, Oid, Repository, Signature, Time, Tree};

use super::error::{self, GitError};
use super::names;
use super::source::Source;
use super::write::{Author, WriteError};
use crate::clock::Timestamp;
use crate::signing::SigningKey;
use crate::snapshot::Write;

/// Builds the commit that `write` asks for. No ref is moved. `None`: its tree would be its base's.
pub(super) fn commit(
    repository: &Repository,
    source: &Source,
    write: &Write,
    author: &Author,
    now: Timestamp,
) -> Result<Option<Oid>, WriteError> {
    let failed = |error| WriteError::Git {
        branch: write.branch.clone(),
        source: Box::new(error::object(source, error)),
    };
    let missing = |_| WriteError::Git {
        branch: write.branch.clone(),
        source: Box::new(GitError::NoCommit {
            url: source.url.clone(),
            commit: write.base.0.escape_debug().to_string(),
        }),
    };
    let base = Oid::from_str(&write.base.0).map_err(missing)?;
    let base = repository.find_commit(base).map_err(missing)?;
    let before = base.tree().map_err(failed)?;
    let mut update = TreeUpdateBuilder::new();
    for (path, text) in &write.files {
        let mode = mode_at(&before, path).map_err(|reason| WriteError::Path {
            path: path.escape_debug().to_string(),
            reason,
        })?;
        update.upsert(
            path.as_str(),
            repository.blob(text.as_bytes()).map_err(failed)?,
            mode,
        );
    }
    let after = update.create_updated(repository, &before).map_err(failed)?;
    if after == before.id() {
        return Ok(None);
    }
    let after = repository.find_tree(after).map_err(failed)?;
    let time = Time::new(now.as_second(), 0);
    let who =
        Signature::new(&author.name, &author.email, &time).map_err(|_| WriteError::Author {
            name: author.name.escape_debug().to_string(),
            email: author.email.escape_debug().to_string(),
        })?;
    let message = format!("{}\n", write.message.trim_end());
    let signing = source.signing.as_deref();
    let commit = match signing {
        None => repository.commit(None, &who, &who, &message, &after, &[&base]),
        Some(key) => signed(repository, key, (&who, &message), &after, &base),
    };
    commit.map(Some).map_err(failed)
}

/// The same commit with a signature.
fn signed(
    repository: &Repository,
    key: &SigningKey,
    (who, message): (&Signature<'_>, &str),
    after: &Tree<'_>,
    base: &Commit<'_>,
) -> Result<Oid, git2::Error> {
    let buffer = repository.commit_create_buffer(who, who, message, after, &[base])?;
    let text = std::str::from_utf8(&buffer)
        .map_err(|_| git2::Error::from_str("a commit is not written as text"))?;
    repository.commit_signed(text, &key.sign(text.as_bytes()), None)
}

/// The mode of the file to write at `path`: what it has, else regular. Nothing but a regular file
/// is replaced, and nothing but a folder is entered.
fn mode_at(tree: &Tree<'_>, path: &str) -> Result<FileMode, String> {
    names::path(path)?;
    for (at, _) in path.match_indices('/') {
        let folder = &path[..at];
        if let Ok(entry) = tree.get_path(folder.as_ref())
            && entry.kind() != Some(ObjectType::Tree)
        {
            return Err(format!("`{folder}` is not a folder"));
        }
    }
    match tree.get_path(path.as_ref()).map(|entry| entry.filemode()) {
        Err(_) | Ok(0o100_644) => Ok(FileMode::Blob),
        Ok(0o100_755) => Ok(FileMode::BlobExecutable),
        Ok(_) => Err("something that is not a regular file is there".to_owned()),
    }
}
