//! Moving a branch by compare-and-swap.

use std::cell::RefCell;
use std::path::Path;

use git2::build::CheckoutBuilder;
use git2::{Direction, ErrorCode, Oid, PushOptions, Repository, StatusOptions};

use super::build;
use super::error::{self, GitError};
use super::mirror::full;
use super::remote::{self, Bounds};
use super::source::Source;
use super::talk::{self, Talk};
use super::write::{Author, WriteError, Written, elsewhere};
use crate::clock::Timestamp;
use crate::limits::GIT_WORDS_MAX;
use crate::snapshot::Write;

/// What servers say when they lost the race, or won it for somebody else.
const MOVED: [&str; 8] = [
    "non-fast-forward",
    "fetch first",
    "stale info",
    "failed to update ref",
    "failed to lock",
    "cannot lock ref",
    "incorrect old value",
    "reference already exists",
];

/// How a push ended, as far as the server said.
enum Sent {
    /// It is there.
    Done,
    /// The advertisement, or the server, says that the branch is not where it was expected.
    Elsewhere(Option<Oid>),
    /// The server said no, in its own words.
    Refused(String),
    /// The conversation broke off after the commands may have been sent.
    Lost(GitError),
}

/// Pushes `commit`, which the mirror at `mirror` has.
pub(super) fn remote(
    source: &Source,
    mirror: &Path,
    bounds: Bounds,
    write: &Write,
    commit: Oid,
) -> Result<Written, WriteError> {
    let failed = |error| WriteError::Git {
        branch: write.branch.clone(),
        source: Box::new(error),
    };
    let (to, path, wanted) = (source.clone(), mirror.to_owned(), write.clone());
    let talked = talk::within(source, bounds.deadline, move |talk| {
        send(&to, &path, bounds, (&wanted, commit), talk)
    });
    let sent = match talked {
        Ok(sent) => sent,
        // Whether anything was sent is not known either.
        Err(error @ (GitError::Deadline { .. } | GitError::Broken { .. })) => Sent::Lost(error),
        Err(error) => return Err(failed(error)),
    };
    let reason = match sent {
        Sent::Done => return Ok(Written::Commit(commit.into())),
        Sent::Elsewhere(actual) => return elsewhere(&source.url, write, actual),
        Sent::Refused(reason) => Ok(reason),
        Sent::Lost(error) => Err(error),
    };
    // The words do not decide: where the branch is does.
    let (to, path, branch) = (source.clone(), mirror.to_owned(), write.branch.clone());
    let look = talk::within(source, bounds.deadline, move |talk| {
        let found = remote::look(&to, &path, talk, bounds, |_| false)?;
        Ok(found.branches.get(&branch).copied())
    });
    match (look, reason) {
        (Ok(Some(actual)), _) if actual == commit => Ok(Written::Commit(commit.into())),
        (Ok(actual), reason) if actual.map(Into::into) != write.expected || lost_race(&reason) => {
            elsewhere(&source.url, write, actual)
        }
        (_, Ok(reason)) => Err(WriteError::Refused {
            url: source.url.clone(),
            branch: write.branch.clone(),
            reason,
        }),
        (_, Err(error)) => Err(WriteError::Unknown {
            url: source.url.clone(),
            branch: write.branch.clone(),
            commit: commit.into(),
            source: Box::new(error),
        }),
    }
}

fn lost_race(reason: &Result<String, GitError>) -> bool {
    let Ok(reason) = reason else { return false };
    MOVED.iter().any(|words| reason.contains(words))
}

/// One conversation: look where the branch is, and if it is as expected, push.
fn send(
    source: &Source,
    mirror: &Path,
    bounds: Bounds,
    (write, commit): (&Write, Oid),
    talk: &Talk,
) -> Result<Sent, GitError> {
    let failed = |error| error::remote(source, "push to", error);
    let repository = Repository::open_bare(mirror).map_err(|error| error::object(source, error))?;
    let mut remote = repository.remote_anonymous(&source.url).map_err(failed)?;
    let callbacks = remote::callbacks(source, talk);
    let mut connection = remote
        .connect_auth(Direction::Push, Some(callbacks), Some(remote::proxy()))
        .map_err(failed)?;
    let found = remote::advertisement(source, &connection, bounds)?;
    let actual = found.branches.get(&write.branch).copied();
    if actual.map(Into::into) != write.expected {
        return Ok(Sent::Elsewhere(actual));
    }
    let heard = RefCell::new(Heard::default());
    let mut callbacks = remote::callbacks(source, talk);
    callbacks.push_update_reference(|_, status| {
        let mut heard = heard.borrow_mut();
        match status {
            Some(reason) => heard.refusal = Some(reason.to_owned()),
            None => heard.done = true,
        }
        Ok(())
    });
    callbacks.sideband_progress(|words| {
        let mut heard = heard.borrow_mut();
        let room = GIT_WORDS_MAX.saturating_sub(heard.words.len());
        heard.words.extend(words.iter().take(room));
        talk.goes_on()
    });
    callbacks.push_negotiation(|_| {
        heard.borrow_mut().sent = talk.goes_on();
        if talk.goes_on() {
            Ok(())
        } else {
            Err(git2::Error::from_str("nobody waits any more"))
        }
    });
    let mut options = PushOptions::new();
    options
        .remote_callbacks(callbacks)
        .proxy_options(remote::proxy());
    let refspec = format!("{commit}:{}", full(&write.branch));
    let outcome = connection.remote().push(&[refspec], Some(&mut options));
    drop(options);
    let heard = heard.into_inner();
    match outcome {
        Ok(()) if heard.refusal.is_none() && heard.done => Ok(Sent::Done),
        Err(error) if error.code() == ErrorCode::NotFastForward => Ok(Sent::Elsewhere(actual)),
        _ if heard.refusal.is_some() => Ok(Sent::Refused(heard.reason(source))),
        Err(error) if heard.sent => Ok(Sent::Lost(failed(error))),
        Err(error) => Err(failed(error)),
        Ok(()) => Ok(Sent::Lost(GitError::Broken {
            url: source.url.clone(),
        })),
    }
}

/// What came back during a push.
#[derive(Default)]
struct Heard {
    sent: bool,
    done: bool,
    refusal: Option<String>,
    words: Vec<u8>,
}

impl Heard {
    /// The server's words, fit to be shown.
    fn reason(&self, source: &Source) -> String {
        let mut text = self.refusal.clone().unwrap_or_default();
        let words = String::from_utf8_lossy(&self.words);
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        if !words.is_empty() {
            text = format!("{text} ({words})");
        }
        let text: String = text
            .chars()
            .filter(|c| !c.is_control())
            .take(GIT_WORDS_MAX)
            .collect();
        source.redact(&text)
    }
}

/// Writes to a repository on this machine: libgit2's own push to one would overwrite what another
/// writer did since it looked, so the branch is moved under its lock, by comparing.
pub(super) fn local(
    source: &Source,
    path: &Path,
    write: &Write,
    author: &Author,
    now: Timestamp,
) -> Result<Written, WriteError> {
    let failed = |error| WriteError::Git {
        branch: write.branch.clone(),
        source: Box::new(error::remote(source, "write to", error)),
    };
    let repository = Repository::open(path).map_err(failed)?;
    let tip = |repository: &Repository| repository.refname_to_id(&full(&write.branch)).ok();
    if tip(&repository).map(Into::into) != write.expected {
        return elsewhere(&source.url, write, tip(&repository));
    }
    let at = checked_out(&repository, &write.branch).map_err(failed)?;
    let Some(commit) = build::commit(&repository, source, write, author, now)? else {
        return Ok(Written::Nothing);
    };
    let moved = match at {
        None => swap(&repository, write, commit),
        Some(work) if may_update(&work).map_err(failed)? => update(&work, write, commit),
        Some(_) => {
            return Err(WriteError::CheckedOut {
                url: source.url.clone(),
                branch: write.branch.clone(),
            });
        }
    };
    match moved {
        Ok(()) => Ok(Written::Commit(commit.into())),
        Err(error) => {
            let actual = tip(&repository);
            let race = matches!(
                error.code(),
                ErrorCode::Modified | ErrorCode::Exists | ErrorCode::Locked
            );
            if race || actual.map(Into::into) != write.expected {
                return elsewhere(&source.url, write, actual);
            }
            Err(failed(error))
        }
    }
}

/// Moves the branch, if it is where it is expected.
fn swap(repository: &Repository, write: &Write, commit: Oid) -> Result<(), git2::Error> {
    let name = full(&write.branch);
    match &write.expected {
        Some(expected) => {
            let expected = Oid::from_str(&expected.0)?;
            repository.reference_matching(&name, commit, true, expected, "trueup")?;
        }
        None => {
            repository.reference(&name, commit, false, "trueup")?;
        }
    }
    Ok(())
}

/// The repository, or the linked working tree of it, that has the branch checked out.
fn checked_out(repository: &Repository, branch: &str) -> Result<Option<Repository>, git2::Error> {
    let name = full(branch);
    let here = |repository: &Repository| {
        let head = repository.find_reference("HEAD").ok();
        head.is_some_and(|head| head.symbolic_target().ok().flatten() == Some(name.as_str()))
    };
    if !repository.is_bare() && here(repository) {
        return Repository::open(repository.path()).map(Some);
    }
    for tree in repository.worktrees()?.iter().flatten().flatten() {
        let opened = repository
            .find_worktree(tree)
            .and_then(|tree| Repository::open_from_worktree(&tree));
        if let Some(work) = opened.ok().filter(here) {
            return Ok(Some(work));
        }
    }
    Ok(None)
}

/// Whether its owner lets a push update the working tree, and nothing there would be lost.
fn may_update(work: &Repository) -> Result<bool, git2::Error> {
    let setting = work
        .config()?
        .snapshot()?
        .get_string("receive.denycurrentbranch");
    if !setting.is_ok_and(|value| value.eq_ignore_ascii_case("updateInstead")) {
        return Ok(false);
    }
    let mut options = StatusOptions::new();
    options
        .include_untracked(false)
        .include_ignored(false)
        .exclude_submodules(true);
    Ok(work.statuses(Some(&mut options))?.is_empty())
}

/// Updates the working tree, then moves its branch; where the branch is no longer as expected the
/// tree is put back.
fn update(work: &Repository, write: &Write, commit: Oid) -> Result<(), git2::Error> {
    let before = work.find_reference("HEAD")?.peel_to_tree()?;
    let after = work.find_commit(commit)?.tree()?;
    work.checkout_tree(after.as_object(), Some(CheckoutBuilder::new().safe()))?;
    swap(work, write, commit).inspect_err(|_| {
        let back = work.checkout_tree(before.as_object(), Some(CheckoutBuilder::new().safe()));
        if let Err(error) = back {
            tracing::warn!(%error, "a working tree could not be put back");
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_s_words_are_bounded_and_harmless() {
        let heard = Heard {
            refusal: Some("hook declined\x1b[2J by hunter2".to_owned()),
            words: vec![b'x'; 10 * GIT_WORDS_MAX],
            ..Heard::default()
        };
        let source: Source = "https://robot:hunter2@h/a".parse().unwrap();
        let reason = heard.reason(&source);
        assert!(
            reason.starts_with("hook declined[2J by *** (xxx"),
            "{reason}"
        );
        assert!(reason.len() <= GIT_WORDS_MAX);
    }
}
