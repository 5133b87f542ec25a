//! What differs between a working tree and where its branch left another.

use std::collections::BTreeSet;
use std::path::Path;

use git2::{DiffOptions, Repository};

/// Changes that cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum TouchedError {
    /// There is no repository around the folder, or none with a working tree.
    #[error("`{0}` is in no working tree of Git")]
    NoTree(String),
    /// The name leads to no commit.
    #[error("`{name}` is no commit of this repository")]
    NoCommit {
        /// The name.
        name: String,
        /// Why.
        source: git2::Error,
    },
    /// Git could not compare the two.
    #[error("the working tree could not be compared with `{name}`")]
    Failed {
        /// The name.
        name: String,
        /// Why.
        source: git2::Error,
    },
}

/// The files below `folder` that are not as they were at the newest commit that `HEAD` and `base` have
/// in common, with paths relative to `folder`: changed, new, removed or renamed, committed or not.
/// What Git ignores is left out. `base` is a branch, a tag or a commit, such as `origin/main`.
pub fn touched(folder: &Path, base: &str) -> Result<BTreeSet<String>, TouchedError> {
    let no_tree = || TouchedError::NoTree(folder.display().to_string());
    let folder = folder.canonicalize().map_err(|_| no_tree())?;
    let repository = Repository::discover(&folder).map_err(|_| no_tree())?;
    let top = repository.workdir().and_then(|top| top.canonicalize().ok());
    let top = top.ok_or_else(no_tree)?;
    let inside = folder.strip_prefix(&top).map_err(|_| no_tree())?.to_owned();
    let no_commit = |source| TouchedError::NoCommit {
        name: base.to_owned(),
        source,
    };
    let failed = |source| TouchedError::Failed {
        name: base.to_owned(),
        source,
    };
    let base = repository.revparse_single(base).map_err(no_commit)?;
    let base = base.peel_to_commit().map_err(no_commit)?;
    let head = repository.head().and_then(|head| head.peel_to_commit());
    // Without a common commit, everything that differs counts.
    let common = head.and_then(|head| repository.merge_base(head.id(), base.id()));
    let common = common.unwrap_or_else(|_| base.id());
    let tree = repository
        .find_commit(common)
        .and_then(|commit| commit.tree());
    let tree = tree.map_err(failed)?;
    let mut options = DiffOptions::new();
    options.include_untracked(true).recurse_untracked_dirs(true);
    let diff = repository.diff_tree_to_workdir_with_index(Some(&tree), Some(&mut options));
    let diff = diff.map_err(failed)?;
    let files = diff
        .deltas()
        .flat_map(|delta| [delta.old_file().path(), delta.new_file().path()]);
    let below = files
        .flatten()
        .filter_map(|path| path.strip_prefix(&inside).ok());
    let text = |path: &Path| {
        let steps = path.iter().map(|step| step.to_string_lossy());
        steps.collect::<Vec<_>>().join("/")
    };
    Ok(below.map(text).collect())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use git2::{IndexAddOption, Signature};

    use super::*;

    fn write(folder: &Path, path: &str, text: &str) {
        let file = folder.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    fn commit(repository: &Repository) {
        let mut index = repository.index().unwrap();
        index.add_all(["*"], IndexAddOption::DEFAULT, None).unwrap();
        index.update_all(["*"], None).unwrap();
        let tree = repository.find_tree(index.write_tree().unwrap()).unwrap();
        index.write().unwrap();
        let who = Signature::now("t", "t@example.test").unwrap();
        let parent = repository
            .head()
            .ok()
            .map(|head| head.peel_to_commit().unwrap());
        let parents: Vec<_> = parent.iter().collect();
        repository
            .commit(Some("HEAD"), &who, &who, "m", &tree, &parents)
            .unwrap();
    }

    #[test]
    fn what_a_branch_and_the_disk_changed_is_told_and_what_the_base_did_since_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (path, repository) = (folder.path(), Repository::init(folder.path()).unwrap());
        for model in ["a", "b", "c", "d", "e"] {
            write(
                path,
                &format!("ml/models/{model}/config.yaml"),
                "version: 1\n",
            );
        }
        write(path, ".gitignore", "*.log\n");
        commit(&repository);
        let first = repository.head().unwrap().peel_to_commit().unwrap();
        repository.branch("base", &first, false).unwrap();
        write(path, "ml/models/a/config.yaml", "version: 2\n");
        fs::remove_file(path.join("ml/models/d/config.yaml")).unwrap();
        commit(&repository);
        // The base goes its own way.
        let who = Signature::now("t", "t@example.test").unwrap();
        let mut index = repository.index().unwrap();
        index.read_tree(&first.tree().unwrap()).unwrap();
        index
            .remove_path(Path::new("ml/models/e/config.yaml"))
            .unwrap();
        let tree = repository.find_tree(index.write_tree().unwrap()).unwrap();
        repository
            .commit(Some("refs/heads/base"), &who, &who, "m", &tree, &[&first])
            .unwrap();
        // And the disk goes on.
        write(path, "ml/models/b/src/new.py", "x");
        write(path, "ml/models/b/x.log", "x");
        let found = touched(&path.join("ml"), "base").unwrap();
        let found: Vec<_> = found.iter().map(String::as_str).collect();
        let expect = [
            "models/a/config.yaml",
            "models/b/src/new.py",
            "models/d/config.yaml",
        ];
        assert_eq!(found, expect);
    }

    #[test]
    fn what_is_no_commit_and_what_is_no_tree_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let said = touched(folder.path(), "main").unwrap_err();
        assert!(matches!(said, TouchedError::NoTree(_)), "{said}");
        Repository::init(folder.path()).unwrap();
        let said = touched(folder.path(), "main").unwrap_err();
        assert!(matches!(said, TouchedError::NoCommit { .. }), "{said}");
    }
}
