//! A real repository: packed as servers have them, with commits on top.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use git2::build::TreeUpdateBuilder;
use git2::{Buf, FileMode, ObjectType, Oid, Repository, RepositoryInitOptions, Signature, Time};
use trueup::git::Source;
use trueup::snapshot::ObjectId;

use super::files::{BRANCH, Files};

/// Above Git's own stores: what is written goes to memory first, and is packed at the end.
const FIRST: i32 = 1_000;

/// Where a fleet's repository is.
pub(crate) fn path(folder: &Path) -> PathBuf {
    folder.join("repository.git")
}

/// The fleet's repository as a source.
pub(crate) fn source(folder: &Path) -> Source {
    let text = format!("{}#{BRANCH}", path(folder).display());
    text.parse().expect("a path and a branch")
}

/// The id that a repository gives to these bytes.
pub(crate) fn blob(bytes: &[u8]) -> ObjectId {
    let id = Oid::hash_object(ObjectType::Blob, bytes);
    id.expect("bytes have an id").into()
}

/// A bare repository with one commit of these files, in one pack.
pub(crate) fn create(path: &Path, files: &Files) {
    let mut options = RepositoryInitOptions::new();
    options
        .bare(true)
        .initial_head(BRANCH)
        .external_template(false);
    let git = Repository::init_opts(path, &options).expect("the folder can be written");
    let store = git.odb().expect("a repository has a store");
    let memory = store
        .add_new_mempack_backend(FIRST)
        .expect("a store takes another");
    let all = files.iter().map(|(path, bytes)| (path.as_str(), &**bytes));
    let commit = commit_on(&git, None, all);
    let mut pack = Buf::new();
    memory.dump(&git, &mut pack).expect("objects can be packed");
    let mut writer = store.packwriter().expect("the store takes packs");
    writer.write_all(&pack).expect("the pack can be written");
    writer.commit().expect("the pack is sound");
    point(&git, commit);
}

/// Commits one file on top of the branch.
pub(crate) fn commit(path: &Path, file: &str, text: &str) {
    let git = Repository::open_bare(path).expect("the fleet's repository");
    let reference = format!("refs/heads/{BRANCH}");
    let parent = git.refname_to_id(&reference).expect("the branch is there");
    let commit = commit_on(&git, Some(parent), std::iter::once((file, text.as_bytes())));
    point(&git, commit);
}

fn point(git: &Repository, commit: Oid) {
    git.reference(&format!("refs/heads/{BRANCH}"), commit, true, "grown")
        .expect("a branch can be moved");
}

fn commit_on<'a>(
    git: &Repository,
    parent: Option<Oid>,
    files: impl Iterator<Item = (&'a str, &'a [u8])>,
) -> Oid {
    let written = "objects can be written";
    let parent = parent.map(|id| git.find_commit(id).expect("the tip is a commit"));
    let base = if let Some(parent) = &parent {
        parent.tree().expect("a commit has a tree")
    } else {
        let empty = git.treebuilder(None).and_then(|empty| empty.write());
        git.find_tree(empty.expect(written)).expect(written)
    };
    let mut update = TreeUpdateBuilder::new();
    for (path, bytes) in files {
        update.upsert(path, git.blob(bytes).expect(written), FileMode::Blob);
    }
    let tree = update.create_updated(git, &base).expect(written);
    let tree = git.find_tree(tree).expect(written);
    // Each later than the one before, as people's are: Git's walks through history count on it.
    let before = parent
        .as_ref()
        .map_or(1_000, |parent| parent.time().seconds());
    let when = Time::new(before + 60, 0);
    let who = Signature::new("someone", "someone@example.org", &when);
    let who = who.expect("a name and an address");
    let parents: Vec<_> = parent.iter().collect();
    git.commit(None, &who, &who, "change", &tree, &parents)
        .expect(written)
}
