//! Which files are linted.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::cli::connect;
use crate::cli::error::CommandError;
use crate::cli::shell::Shell;
use crate::clock::{Clock as _, SystemClock};
use crate::config::{INSTALLATION_FILE, below};
use crate::git::touched::{TouchedError, touched};
use crate::git::{Source, worktree};
use crate::snapshot::Snapshot;

/// Files, and which of them are asked about.
pub(super) struct Subject {
    pub(super) snapshot: Snapshot,
    /// Where they are on disk; nowhere, where they are of a commit.
    pub(super) root: Option<PathBuf>,
    /// A folder below the root; empty for all.
    pub(super) folder: String,
    /// The files that changed, where only models with such files are asked about.
    pub(super) touched: Option<BTreeSet<String>>,
}

impl Subject {
    /// The newest commit of a repository.
    pub(super) fn of_source(source: Source, shell: &Shell) -> Result<Self, CommandError> {
        let mut mirror = connect::mirror_to_look(source, shell)?;
        let fetched = mirror.fetch(SystemClock.now())?;
        Ok(Self {
            snapshot: mirror.snapshot(&fetched.tip, None)?,
            root: None,
            folder: String::new(),
            touched: None,
        })
    }

    /// The files of the repository that `folder` is in: its root is the nearest folder at or above
    /// it with a `trueup.yaml`, else the working tree's.
    pub(super) fn on_disk(folder: &Path) -> Result<Self, CommandError> {
        let failed = |error| CommandError::new(&error).context("the folder cannot be read");
        let folder = folder.canonicalize().map_err(failed)?;
        let tree = worktree::root(&folder);
        let inside = |one: &&Path| tree.as_ref().is_none_or(|tree| one.starts_with(tree));
        let mut around = folder.ancestors().take_while(inside);
        let marked = around.find(|one| one.join(INSTALLATION_FILE).is_file());
        let root = marked.or(tree.as_deref()).unwrap_or(&folder);
        let rest = folder.strip_prefix(root).unwrap_or_else(|_| Path::new(""));
        let steps = rest.iter().map(|step| step.to_string_lossy());
        let snapshot = worktree::snapshot(root, SystemClock.now());
        Ok(Self {
            snapshot: snapshot.map_err(|error| CommandError::new(&error))?,
            folder: steps.collect::<Vec<_>>().join("/"),
            root: Some(root.to_owned()),
            touched: None,
        })
    }

    /// Asks only about models with files that are not as they were where the branch left `base`.
    pub(super) fn only_since(&mut self, base: &str) -> Result<(), CommandError> {
        let Some(root) = &self.root else {
            let words = "`--changed` is for files on disk";
            return Err(CommandError::usage(words));
        };
        let found = touched(root, base).map_err(|error| match &error {
            TouchedError::Failed { .. } => CommandError::new(&error),
            _ => CommandError::usage(error.to_string()),
        });
        self.touched = Some(found?);
        Ok(())
    }

    /// Whether a model is asked about: it lies in the folder asked for, or around it, and something of
    /// it, or of what all models share, changed.
    pub(super) fn asks_for(&self, model: &str) -> bool {
        let holds = |outer: &str, inner: &str| {
            outer.is_empty() || inner == outer || inner.starts_with(&below(outer, ""))
        };
        let near = holds(&self.folder, model) || holds(model, &self.folder);
        let changed = self.touched.as_ref().is_none_or(|all| {
            all.contains(INSTALLATION_FILE) || all.iter().any(|path| holds(model, path))
        });
        near && changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::snapshot::ObjectId;

    fn subject(folder: &str, touched: Option<&[&str]>) -> Subject {
        Subject {
            snapshot: Snapshot {
                commit: ObjectId("0".repeat(40)),
                time: Timestamp::UNIX_EPOCH,
                files: std::collections::BTreeMap::new(),
                skipped: std::collections::BTreeMap::new(),
            },
            root: None,
            folder: folder.to_owned(),
            touched: touched.map(|all| all.iter().map(|one| (*one).to_owned()).collect()),
        }
    }

    #[test]
    fn a_folder_asks_for_the_models_in_it_and_around_it() {
        let check = |model: &str, folder: &str, expect: bool| {
            assert_eq!(
                subject(folder, None).asks_for(model),
                expect,
                "{model:?} {folder:?}"
            );
        };
        check("models/churn", "", true);
        check("models/churn", "models", true);
        check("models/churn", "models/churn", true);
        check("models/churn", "models/churn/src", true);
        check("", "src", true);
        check("models/churn-b", "models/churn", false);
        check("models/fraud", "models/churn", false);
    }

    #[test]
    fn a_model_is_changed_by_its_files_and_by_what_is_shared() {
        let check = |model: &str, touched: &[&str], expect: bool| {
            let subject = subject("", Some(touched));
            assert_eq!(subject.asks_for(model), expect, "{model:?} {touched:?}");
        };
        check("models/churn", &["models/churn/src/train.py"], true);
        check(
            "models/churn",
            &["models/churn-b/config.yaml", "README.md"],
            false,
        );
        check("models/churn", &["trueup.yaml"], true);
        check("models/churn", &[], false);
        check("", &["src/train.py"], true);
    }
}
