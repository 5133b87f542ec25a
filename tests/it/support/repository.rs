//! Throwaway Git repositories, written object by object.
#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test may fail like the test"
)]

use std::fs;
use std::path::Path;

use git2::build::TreeUpdateBuilder;
use git2::{FileMode, ObjectType, Oid, Repository, RepositoryInitOptions, Signature, Time};
use tempfile::TempDir;
use trueup::snapshot::ObjectId;

/// A repository in a folder that goes with it. Its `HEAD` names `main`.
pub(crate) struct TempRepository {
    folder: TempDir,
    pub(crate) git: Repository,
}

impl TempRepository {
    /// An empty bare repository at `<temporary>/repo.git`, open to pushes over HTTP.
    pub(crate) fn bare() -> Self {
        Self::init(true)
    }

    /// An empty repository with a working tree.
    pub(crate) fn with_work_tree() -> Self {
        Self::init(false)
    }

    fn init(bare: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = RepositoryInitOptions::new();
        options
            .bare(bare)
            .initial_head("main")
            .external_template(false)
            .mkpath(true);
        let git = Repository::init_opts(folder.path().join("repo.git"), &options).unwrap();
        git.config()
            .unwrap()
            .set_bool("http.receivepack", true)
            .unwrap();
        Self { folder, git }
    }

    /// The folder of the repository.
    pub(crate) fn path(&self) -> String {
        self.root().join("repo.git").to_str().unwrap().to_owned()
    }

    /// The folder that the repository's folder is in.
    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    /// From now on, serves like what `git clone --depth 1` made of a commit.
    pub(crate) fn cut_off_at(&self, commit: &ObjectId) {
        fs::write(self.git.path().join("shallow"), format!("{commit}\n")).unwrap();
    }

    /// Serves like a whole repository again.
    pub(crate) fn cut_off_no_more(&self) {
        fs::remove_file(self.git.path().join("shallow")).unwrap();
    }

    /// Commits on top of `branch` (or as its first commit): path to new text, `None` to remove.
    pub(crate) fn commit(&self, branch: &str, files: &[(&str, Option<&str>)]) -> ObjectId {
        let parent = self.tip(branch);
        let parent = parent.map(|id| self.git.find_commit(id).unwrap());
        let base = match &parent {
            Some(parent) => parent.tree().unwrap(),
            None => self.git.find_tree(self.tree(&[])).unwrap(),
        };
        let mut update = TreeUpdateBuilder::new();
        for (path, text) in files {
            match text {
                Some(text) => {
                    let blob = self.git.blob(text.as_bytes()).unwrap();
                    update.upsert(*path, blob, FileMode::Blob)
                }
                None => update.remove(*path),
            };
        }
        let tree = update.create_updated(&self.git, &base).unwrap();
        let parents: Vec<Oid> = parent.iter().map(git2::Commit::id).collect();
        self.commit_tree(branch, tree, &parents)
    }

    /// Commits `tree` and moves `branch` there, whatever it was.
    pub(crate) fn commit_tree(&self, branch: &str, tree: Oid, parents: &[Oid]) -> ObjectId {
        let who = Signature::new("someone", "someone@example.org", &Time::new(1_000, 0)).unwrap();
        let tree = self.git.find_tree(tree).unwrap();
        let parents: Vec<_> = parents
            .iter()
            .map(|id| self.git.find_commit(*id).unwrap())
            .collect();
        let parents: Vec<_> = parents.iter().collect();
        let id = self
            .git
            .commit(None, &who, &who, "change", &tree, &parents)
            .unwrap();
        self.point(branch, id);
        id.into()
    }

    /// Moves (or creates) a branch.
    pub(crate) fn point(&self, branch: &str, id: Oid) {
        self.git
            .reference(&format!("refs/heads/{branch}"), id, true, "test")
            .unwrap();
    }

    /// Deletes a branch.
    pub(crate) fn delete(&self, branch: &str) {
        let name = format!("refs/heads/{branch}");
        self.git.find_reference(&name).unwrap().delete().unwrap();
    }

    /// Where a branch is.
    pub(crate) fn tip(&self, branch: &str) -> Option<Oid> {
        self.git.refname_to_id(&format!("refs/heads/{branch}")).ok()
    }

    /// A tree with these very entries (mode, name, object), checked by nobody.
    pub(crate) fn tree(&self, entries: &[(&str, &[u8], Oid)]) -> Oid {
        let mut bytes = Vec::new();
        for (mode, name, id) in entries {
            bytes.extend_from_slice(mode.as_bytes());
            bytes.push(b' ');
            bytes.extend_from_slice(name);
            bytes.push(0);
            bytes.extend_from_slice(id.as_bytes());
        }
        self.git
            .odb()
            .unwrap()
            .write(ObjectType::Tree, &bytes)
            .unwrap()
    }
}
