//! The commits that models ask for, and what became of them.

use super::report::WriteReport;
use crate::git::{WriteError, Written};
use crate::snapshot::Write;

/// Commits on one branch become one: their files together, their messages under one title.
pub(super) fn batched(writes: impl IntoIterator<Item = Write>) -> Vec<Write> {
    let mut batches: Vec<Write> = Vec::new();
    for write in writes {
        let same =
            |batch: &&mut Write| batch.branch == write.branch && batch.expected == write.expected;
        match batches.iter_mut().find(same) {
            Some(batch) => {
                batch.files.extend(write.files);
                batch.message = format!("{}\n{}", batch.message, write.message);
                batch.reason = format!("{}; {}", batch.reason, write.reason);
            }
            None => batches.push(write),
        }
    }
    batches
}

/// A branch that exists already is as good as made.
pub(super) fn report(write: Write, written: Result<Written, WriteError>) -> Option<WriteReport> {
    let Write { branch, reason, .. } = write;
    let (commit, error) = match written {
        Ok(Written::Commit(commit)) => (Some(commit), None),
        Ok(Written::Nothing | Written::Exists(_)) => return None,
        Err(error) => (None, Some(format!("{error}; {}", error.help()))),
    };
    Some(WriteReport {
        branch,
        reason,
        commit,
        error,
    })
}

/// A commit that was not made.
pub(super) fn refused(write: Write, error: String) -> WriteReport {
    WriteReport {
        branch: write.branch,
        reason: write.reason,
        commit: None,
        error: Some(error),
    }
}
