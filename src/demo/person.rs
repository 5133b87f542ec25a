//! What the person of the demo does with Git: a clone, commits, merges and a revert, pushed to the
//! shared repository as anybody would.

use std::io;
use std::path::{Path, PathBuf};

use git2::build::CheckoutBuilder;
use git2::{
    BranchType, Commit, Index, MergeOptions, Oid, PushOptions, RemoteCallbacks, Repository,
};
use git2::{RepositoryInitOptions, Signature};

use super::example::{self, Edit};

const MAIN: &str = "refs/heads/main";
const TRACKED: &str = "refs/remotes/origin/main";
/// Where promotions are proposed.
pub(super) const PROMOTIONS: &str = "trueup/promote/mortgage/production/";
/// How often a push is tried again when somebody else was faster.
const PUSHES_MAX: u32 = 5;

/// Why something could not be done with Git.
#[derive(Debug, thiserror::Error)]
pub enum PersonError {
    /// Git's own reason.
    #[error("git failed")]
    Git(#[from] git2::Error),
    /// A file could not be read or written.
    #[error("could not {doing} {path}")]
    File {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The text to be edited is not there.
    #[error("`{0}` does not hold the text that was to be edited")]
    Edit(&'static str),
    /// The merge or the revert has conflicts.
    #[error("{0} has conflicts")]
    Conflict(String),
    /// Others pushed first every time.
    #[error("the push to main was refused {PUSHES_MAX} times: {0}")]
    Push(String),
    /// A worker ended without an answer.
    #[error("a worker was lost")]
    Worker(#[from] tokio::task::JoinError),
}

/// A person with a clone.
#[derive(Debug, Clone)]
pub struct Person {
    /// The shared bare repository.
    pub origin: PathBuf,
    /// The person's clone of it.
    pub clone: PathBuf,
}

impl Person {
    /// Makes the shared repository with the example, edited, as its first commit; gives its id.
    pub async fn found(&self, edits: Vec<Edit>) -> Result<Oid, PersonError> {
        self.with(move |person| person.found_now(&edits)).await
    }

    /// Edits a file, commits and pushes.
    pub async fn commit(&self, edit: Edit, message: &'static str) -> Result<Oid, PersonError> {
        self.with(move |person| {
            person.push_until_accepted(|repository, tip| {
                apply(&person.clone, edit)?;
                let mut index = repository.index()?;
                index.add_path(Path::new(edit.0))?;
                index.write()?;
                let tree = index.write_tree()?;
                commit(repository, tree, message, &[tip])
            })
        })
        .await
    }

    /// Merges a branch of the shared repository with a merge commit, even where none is needed, and
    /// pushes.
    pub async fn merge(&self, branch: String) -> Result<Oid, PersonError> {
        self.with(move |person| {
            person.push_until_accepted(|repository, tip| {
                let name = format!("origin/{branch}");
                let theirs = repository.find_branch(&name, BranchType::Remote)?;
                let theirs = theirs.get().peel_to_commit()?;
                let index = repository.merge_commits(tip, &theirs, Some(&MergeOptions::new()))?;
                let tree = tree(repository, index, &branch)?;
                let message = format!("Merge branch '{branch}'\n");
                commit(repository, tree, &message, &[tip, &theirs])
            })
        })
        .await
    }

    /// `git revert -m 1` of a merge, and pushes.
    pub async fn revert(&self, merge: Oid) -> Result<Oid, PersonError> {
        self.with(move |person| {
            person.push_until_accepted(|repository, tip| {
                let merge = repository.find_commit(merge)?;
                let index = repository.revert_commit(&merge, tip, 1, None)?;
                let tree = tree(repository, index, "the revert")?;
                let title = merge.summary()?.unwrap_or_default();
                let message = format!(
                    "Revert \"{title}\"\n\nThis reverts commit {}, reversing\nchanges made to {}.\n",
                    merge.id(),
                    merge.parent_id(0)?
                );
                commit(repository, tree, &message, &[tip])
            })
        })
        .await
    }

    /// The newest promotion that waits for a merge, if there is one.
    pub async fn proposed(&self) -> Result<Option<String>, PersonError> {
        self.with(|person| {
            let origin = Repository::open(&person.origin)?;
            let main = origin.refname_to_id(MAIN)?;
            let mut open = Vec::new();
            for branch in origin.branches(Some(BranchType::Local))? {
                let (branch, _) = branch?;
                let Some(name) = branch.name()?.filter(|name| name.starts_with(PROMOTIONS)) else {
                    continue;
                };
                let tip = branch.get().peel_to_commit()?;
                if tip.id() != main && !origin.graph_descendant_of(main, tip.id())? {
                    open.push((tip.time().seconds(), name.to_owned()));
                }
            }
            Ok(open.into_iter().max().map(|(_, name)| name))
        })
        .await
    }

    /// Git is not asynchronous.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, PersonError> + Send + 'static,
    ) -> Result<T, PersonError> {
        let person = self.clone();
        tokio::task::spawn_blocking(move || work(&person)).await?
    }

    fn found_now(&self, edits: &[Edit]) -> Result<Oid, PersonError> {
        let mut bare = RepositoryInitOptions::new();
        bare.bare(true).mkpath(true).initial_head("main");
        let _origin = Repository::init_opts(&self.origin, &bare)?;
        let mut plain = RepositoryInitOptions::new();
        plain.mkpath(true).initial_head("main");
        let repository = Repository::init_opts(&self.clone, &plain)?;
        // The files are to be committed byte by byte, whatever this machine's settings are: a pin
        // names the digest of one of them.
        repository.config()?.set_bool("core.autocrlf", false)?;
        repository.remote("origin", &self.origin.to_string_lossy())?;
        let file = |source| PersonError::File {
            doing: "write the example to",
            path: self.clone.clone(),
            source,
        };
        example::write(&self.clone).map_err(file)?;
        let mut index = repository.index()?;
        for edit in edits {
            apply(&self.clone, *edit)?;
        }
        for file in example::FILES {
            index.add_path(Path::new(file.path))?;
        }
        index.write()?;
        let tree = index.write_tree()?;
        let id = commit(&repository, tree, "Add the mortgage model\n", &[])?;
        repository.reference(MAIN, id, true, "first commit")?;
        push(&repository)?.map_err(PersonError::Push)?;
        fetch(&repository)?;
        let mut main = repository.find_branch("main", BranchType::Local)?;
        main.set_upstream(Some("origin/main"))?;
        Ok(id)
    }

    /// Brings the clone to what is shared, lets `make` make a commit on it, and pushes that. Where
    /// somebody else pushed meanwhile, all over again.
    fn push_until_accepted(
        &self,
        make: impl Fn(&Repository, &Commit<'_>) -> Result<Oid, PersonError>,
    ) -> Result<Oid, PersonError> {
        let repository = Repository::open(&self.clone)?;
        let mut refused = String::new();
        for _ in 0..PUSHES_MAX {
            fetch(&repository)?;
            let tip = repository.find_commit(repository.refname_to_id(TRACKED)?)?;
            move_to(&repository, tip.id())?;
            let made = make(&repository, &tip)?;
            move_to(&repository, made)?;
            match push(&repository)? {
                Ok(()) => return Ok(made),
                Err(reason) => refused = reason,
            }
        }
        Err(PersonError::Push(refused))
    }
}

/// The shared repository's main.
pub(super) fn tip(origin: &Path) -> Result<Oid, git2::Error> {
    Repository::open(origin)?.refname_to_id(MAIN)
}

fn apply(clone: &Path, (path, from, to): Edit) -> Result<(), PersonError> {
    let file = clone.join(path);
    let failed = |doing| {
        let path = file.clone();
        move |source| PersonError::File {
            doing,
            path,
            source,
        }
    };
    let text = std::fs::read_to_string(&file).map_err(failed("read"))?;
    if !text.contains(from) {
        return Err(PersonError::Edit(path));
    }
    std::fs::write(&file, text.replacen(from, to, 1)).map_err(failed("write"))
}

fn tree(repository: &Repository, mut index: Index, what: &str) -> Result<Oid, PersonError> {
    if index.has_conflicts() {
        return Err(PersonError::Conflict(what.to_owned()));
    }
    Ok(index.write_tree_to(repository)?)
}

fn commit(
    repository: &Repository,
    tree: Oid,
    message: &str,
    parents: &[&Commit<'_>],
) -> Result<Oid, PersonError> {
    let who = Signature::now("demo", "demo@localhost")?;
    let tree = repository.find_tree(tree)?;
    Ok(repository.commit(None, &who, &who, message, &tree, parents)?)
}

/// Puts main, the index and the files at a commit.
fn move_to(repository: &Repository, commit: Oid) -> Result<(), git2::Error> {
    repository.reference(MAIN, commit, true, "demo")?;
    repository.set_head(MAIN)?;
    repository.checkout_head(Some(CheckoutBuilder::new().force()))
}

fn fetch(repository: &Repository) -> Result<(), git2::Error> {
    repository
        .find_remote("origin")?
        .fetch(&[] as &[&str], None, None)
}

/// Pushes main; the inner error is the other side's reason to refuse.
fn push(repository: &Repository) -> Result<Result<(), String>, git2::Error> {
    let mut refused = None;
    let mut callbacks = RemoteCallbacks::new();
    callbacks.push_update_reference(|_, status| {
        refused = status.map(ToOwned::to_owned);
        Ok(())
    });
    let mut options = PushOptions::new();
    options.remote_callbacks(callbacks);
    let pushed = repository
        .find_remote("origin")?
        .push(&[format!("{MAIN}:{MAIN}")], Some(&mut options));
    drop(options);
    match pushed {
        Ok(()) => Ok(refused.map_or(Ok(()), Err)),
        Err(error) if error.code() == git2::ErrorCode::NotFastForward => {
            Ok(Err(error.message().to_owned()))
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(person: &Person) -> Option<String> {
        let origin = Repository::open(&person.origin).unwrap();
        let tree = origin.revparse_single("main^{tree}").unwrap();
        let tree = tree.peel_to_tree().unwrap();
        let entry = tree.get_path(Path::new("release.yaml")).ok()?;
        let blob = origin.find_blob(entry.id()).unwrap();
        Some(String::from_utf8(blob.content().to_vec()).unwrap())
    }

    /// What trueup does: a branch with a file, on top of main.
    fn propose(person: &Person, version: &str) -> String {
        let origin = Repository::open(&person.origin).unwrap();
        let main = origin.find_commit(tip(&person.origin).unwrap()).unwrap();
        let mut index = Index::new().unwrap();
        index.read_tree(&main.tree().unwrap()).unwrap();
        let path = person.origin.join("scratch");
        std::fs::write(&path, version).unwrap();
        let blob = origin.blob_path(&path).unwrap();
        let mut files = git2::build::TreeUpdateBuilder::new();
        files.upsert("release.yaml", blob, git2::FileMode::Blob);
        let tree = files
            .create_updated(&origin, &main.tree().unwrap())
            .unwrap();
        let made = commit(&origin, tree, "release", &[&main]).unwrap();
        let name = format!("{PROMOTIONS}{version}");
        origin
            .reference(&format!("refs/heads/{name}"), made, false, "")
            .unwrap();
        name
    }

    #[tokio::test]
    async fn a_person_commits_merges_and_reverts() {
        let folder = tempfile::tempdir().unwrap();
        let person = Person {
            origin: folder.path().join("origin.git"),
            clone: folder.path().join("work"),
        };
        let first = person.found(vec![example::NO_GATES]).await.unwrap();
        assert_eq!(tip(&person.origin).unwrap(), first);
        assert_eq!(person.proposed().await.unwrap(), None);

        let one = propose(&person, "1-aa");
        assert_eq!(person.proposed().await.unwrap(), Some(one.clone()));
        person.merge(one).await.unwrap();
        assert_eq!(person.proposed().await.unwrap(), None);
        assert_eq!(release(&person).as_deref(), Some("1-aa"));

        let edited = person.commit(example::IMPROVEMENT, "Better").await.unwrap();
        assert_eq!(tip(&person.origin).unwrap(), edited);
        let two = propose(&person, "2-bb");
        let merge = person.merge(two).await.unwrap();
        assert_eq!(release(&person).as_deref(), Some("2-bb"));
        let merged = Repository::open(&person.origin).unwrap();
        assert_eq!(merged.find_commit(merge).unwrap().parent_count(), 2);

        person.revert(merge).await.unwrap();
        assert_eq!(release(&person).as_deref(), Some("1-aa"));
        let features = std::fs::read_to_string(person.clone.join(example::FEATURES)).unwrap();
        assert!(
            features.contains(example::IMPROVEMENT.2),
            "only the merge is undone"
        );
    }
}
