//! A Git repository in memory, as far as the reconciler sees one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use trueup::clock::Timestamp;
use trueup::resource::canonical::sha256;
use trueup::snapshot::{File, Mode, ObjectId, Snapshot, Version, Write};

/// The tracked branch.
pub(crate) const MAIN: &str = "main";

type Tree = BTreeMap<String, File>;

#[derive(Debug)]
struct Commit {
    first_parent: Option<ObjectId>,
    tree: Arc<Tree>,
}

/// Branches and commits. Ids follow from content and parent alone, so equal histories are equal.
#[derive(Debug, Clone, Default)]
pub(crate) struct Forge {
    commits: BTreeMap<ObjectId, Arc<Commit>>,
    branches: BTreeMap<String, ObjectId>,
    /// Commits that trueup made.
    pub(crate) bot_commits: usize,
}

impl Forge {
    /// The tip of a branch.
    pub(crate) fn tip(&self, branch: &str) -> ObjectId {
        self.branches
            .get(branch)
            .cloned()
            .unwrap_or_else(|| panic!("there is no branch {branch}"))
    }

    /// The names of all branches.
    pub(crate) fn branches(&self) -> BTreeSet<String> {
        self.branches.keys().cloned().collect()
    }

    /// The newest promotion of a model: that of the highest version.
    pub(crate) fn promotion(&self, model: &str) -> Option<String> {
        let start = format!("trueup/promote/{model}/");
        let promotions = self.branches.keys().filter(|name| name.starts_with(&start));
        let version = |name: &&String| {
            let last = name.rsplit('/').next()?;
            last.split('-').next()?.parse::<u32>().ok()
        };
        promotions.max_by_key(version).cloned()
    }

    /// The commit before.
    pub(crate) fn parent(&self, commit: &ObjectId) -> Option<ObjectId> {
        self.commits[commit].first_parent.clone()
    }

    /// Puts main back to an older commit, as a force push does.
    pub(crate) fn force(&mut self, commit: &ObjectId) {
        assert!(self.commits.contains_key(commit));
        self.branches.insert(MAIN.to_owned(), commit.clone());
    }

    /// Moves a folder.
    pub(crate) fn rename(&mut self, from: &str, to: &str) {
        let parent = self.tip(MAIN);
        let (start, mut tree) = (format!("{from}/"), Tree::new());
        for (path, file) in self.tree(&parent) {
            let path = match path.strip_prefix(&start) {
                Some(rest) => format!("{to}/{rest}"),
                None => path,
            };
            tree.insert(path, file);
        }
        self.put(MAIN, Some(parent), tree);
    }

    /// Removes a folder.
    pub(crate) fn remove(&mut self, folder: &str) {
        let parent = self.tip(MAIN);
        let start = format!("{folder}/");
        let mut tree = self.tree(&parent);
        tree.retain(|path, _| !path.starts_with(&start));
        self.put(MAIN, Some(parent), tree);
    }

    /// Whether a branch's changes are on main already: merging it would change nothing.
    pub(crate) fn is_merged(&self, branch: &str) -> bool {
        let tip = self.tip(branch);
        let Some(base) = self.commits[&tip].first_parent.clone() else {
            return true;
        };
        let main = self.tree(&self.tip(MAIN));
        let changed = self.difference(&base, &tip);
        changed
            .iter()
            .all(|(path, file)| main.get(path) == file.as_ref())
    }

    /// A commit of a person's on main: path to content, `None` deletes.
    pub(crate) fn commit(&mut self, files: &[(&str, Option<&[u8]>)]) {
        let parent = self.branches.get(MAIN).cloned();
        let mut tree = parent.as_ref().map_or_else(Tree::new, |id| self.tree(id));
        for (path, content) in files {
            match content {
                Some(bytes) => drop(tree.insert((*path).to_owned(), file(bytes))),
                None => drop(tree.remove(*path)),
            }
        }
        self.put(MAIN, parent, tree);
    }

    /// Deletes a branch, merged or not.
    pub(crate) fn delete(&mut self, branch: &str) {
        let gone = self.branches.remove(branch);
        assert!(gone.is_some(), "there is no branch {branch}");
    }

    /// Merges a branch that changed files nobody else has changed since.
    pub(crate) fn merge(&mut self, branch: &str) {
        let tip = self.tip(branch);
        let base = self.commits[&tip]
            .first_parent
            .clone()
            .expect("a promotion stands on a commit");
        let changed = self.difference(&base, &tip);
        self.apply(changed);
    }

    /// Reverts a commit of main's first-parent line, however old.
    pub(crate) fn revert(&mut self, commit: &ObjectId) {
        let parent = self.commits[commit]
            .first_parent
            .clone()
            .expect("the first commit is not reverted");
        let undone = self.difference(commit, &parent);
        self.apply(undone);
    }

    fn apply(&mut self, changed: Vec<(String, Option<File>)>) {
        let parent = self.tip(MAIN);
        let mut tree = self.tree(&parent);
        for (path, file) in changed {
            match file {
                Some(file) => drop(tree.insert(path, file)),
                None => drop(tree.remove(&path)),
            }
        }
        self.put(MAIN, Some(parent), tree);
    }

    fn difference(&self, from: &ObjectId, to: &ObjectId) -> Vec<(String, Option<File>)> {
        let (from, to) = (self.tree(from), self.tree(to));
        let paths: BTreeSet<_> = from.keys().chain(to.keys()).cloned().collect();
        paths
            .into_iter()
            .filter(|path| from.get(path) != to.get(path))
            .map(|path| (path.clone(), to.get(&path).cloned()))
            .collect()
    }

    /// Trueup's write: compare-and-swap, or creation if absent. Whether a commit was made.
    pub(crate) fn write(&mut self, write: &Write) -> bool {
        let now = self.branches.get(&write.branch);
        let allowed = match &write.expected {
            Some(expected) => now == Some(expected),
            None => now.is_none(),
        };
        let mut tree = self.tree(&write.base);
        for (path, text) in &write.files {
            tree.insert(path.clone(), file(text.as_bytes()));
        }
        let makes = allowed && tree != self.tree(&write.base);
        if makes {
            self.put(&write.branch, Some(write.base.clone()), tree);
            self.bot_commits += 1;
        }
        makes
    }

    /// The files of a commit.
    pub(crate) fn snapshot(&self, commit: &ObjectId) -> Snapshot {
        Snapshot {
            commit: commit.clone(),
            time: Timestamp::UNIX_EPOCH,
            files: self.tree(commit),
            skipped: BTreeMap::new(),
        }
    }

    /// The commits of a branch, newest first, along first parents.
    pub(crate) fn history(&self, tip: &ObjectId) -> impl Iterator<Item = Snapshot> {
        let ids = std::iter::successors(Some(tip.clone()), |id| {
            self.commits[id].first_parent.clone()
        });
        ids.map(|id| self.snapshot(&id))
    }

    /// What one file was in each of them.
    pub(crate) fn versions(&self, tip: &ObjectId, path: &str) -> impl Iterator<Item = Version> {
        self.history(tip).map(move |snapshot| Version {
            file: snapshot.files.get(path).map(|file| file.blob.clone()),
            commit: snapshot.commit,
        })
    }

    /// The text of a blob that a file was.
    pub(crate) fn text_of(&self, tip: &ObjectId, path: &str, blob: &ObjectId) -> Option<String> {
        let is_it = |snapshot: &Snapshot| {
            let file = snapshot.files.get(path);
            file.is_some_and(|file| file.blob == *blob)
        };
        let found = self.history(tip).find(is_it)?;
        found.text(path).map(str::to_owned)
    }

    /// The text of a file at the tip of main.
    pub(crate) fn text(&self, path: &str) -> Option<String> {
        self.snapshot(&self.tip(MAIN)).text(path).map(str::to_owned)
    }

    fn tree(&self, commit: &ObjectId) -> Tree {
        (*self.commits[commit].tree).clone()
    }

    fn put(&mut self, branch: &str, first_parent: Option<ObjectId>, tree: Tree) {
        let listing: Vec<_> = tree
            .iter()
            .map(|(path, file)| format!("{path} {}", file.blob))
            .collect();
        let id = sha256(format!("{first_parent:?}\n{}", listing.join("\n")).as_bytes());
        let id = ObjectId(id[..40].to_owned());
        self.commits.insert(
            id.clone(),
            Arc::new(Commit {
                first_parent,
                tree: Arc::new(tree),
            }),
        );
        self.branches.insert(branch.to_owned(), id);
    }
}

fn file(bytes: &[u8]) -> File {
    File {
        mode: Mode::Regular,
        blob: ObjectId(sha256(bytes)[..40].to_owned()),
        bytes: bytes.into(),
    }
}
