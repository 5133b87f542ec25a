//! Looking at the remote.

use std::collections::BTreeMap;

use git2::Oid;

use super::error::GitError;
use super::mirror::{Known, Mirror};
use super::remote::{self, Advertisement};
use super::talk;
use crate::clock::Timestamp;
use crate::snapshot::ObjectId;

/// Branches named in a hint.
const BRANCHES_SHOWN: usize = 5;

/// What a look at the remote found. All of it can be read from the mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The branch that decides, without `refs/heads/`: the source's, or what `HEAD` names.
    pub branch: String,
    /// Its newest commit.
    pub tip: ObjectId,
    /// All branches and their newest commits.
    pub branches: BTreeMap<String, ObjectId>,
    /// Whether any branch is not where the mirror last saw it; always so at the first look.
    pub moved: bool,
    /// Where the branch was, if its history was rewritten since (a force push): `tip` does not
    /// contain this commit. Only the mirror's memory; compare with what was acted on to be sure.
    pub rewritten: Option<ObjectId>,
    /// When the remote said so.
    pub at: Timestamp,
}

impl Mirror {
    /// Asks the remote for its branches, once; where none moved, nothing is downloaded. A damaged
    /// mirror is fetched anew.
    ///
    /// Errors: see [`GitError`]. After [`GitError::BranchGone`] the mirror is as it was, so that
    /// what was last seen can still be read.
    pub fn fetch(&mut self, now: Timestamp) -> Result<Fetched, GitError> {
        self.writable()?;
        if !self.damaged.get() {
            match self.fetch_once(now) {
                Err(error) if error.is_damage() => {}
                outcome => return outcome,
            }
        }
        self.recreate()?;
        self.fetch_once(now)
    }

    /// What was last fetched, as of `now`; `None` where nothing ever was.
    pub fn last_seen(&self, now: Timestamp) -> Result<Option<Fetched>, GitError> {
        let Some(Known { branch, tip }) = self.last_known()? else {
            return Ok(None);
        };
        let known = self.known().map_err(|error| self.damage(error))?;
        let branches = known.into_iter().map(|(name, tip)| (name, tip.into()));
        Ok(Some(Fetched {
            branch,
            tip,
            branches: branches.collect(),
            moved: false,
            rewritten: None,
            at: now,
        }))
    }

    fn fetch_once(&mut self, now: Timestamp) -> Result<Fetched, GitError> {
        let known = self.known().map_err(|error| self.damage(error))?;
        let found = self.look(&known)?;
        let (branch, tip) = self.choose(&found, &known)?;
        let before = known.get(&branch).copied();
        self.keep_head(&branch)
            .map_err(|error| self.damage(error))?;
        if found.branches != known {
            self.move_branches(&known, &found.branches)
                .map_err(|error| self.damage(error))?;
            self.pack_if_many()?;
        }
        let readable = self
            .repository
            .find_commit(tip)
            .and_then(|commit| commit.tree());
        drop(readable.map_err(|error| self.damage(error))?);
        let (tip, before) = (ObjectId::from(tip), before.map(ObjectId::from));
        Ok(Fetched {
            branch,
            rewritten: before.filter(|before| !self.contains(&tip, before)),
            tip,
            moved: found.branches != known,
            branches: found
                .branches
                .into_iter()
                .map(|(name, tip)| (name, tip.into()))
                .collect(),
            at: now,
        })
    }

    fn look(&self, known: &BTreeMap<String, Oid>) -> Result<Advertisement, GitError> {
        let (source, path, known) = (self.source.clone(), self.path.clone(), known.clone());
        let bounds = self.bounds;
        talk::within(&self.source, bounds.deadline, move |talk| {
            let branch = source.branch.clone();
            remote::look(&source, &path, talk, bounds, |found| {
                let tracked = branch.as_ref().or(found.default.as_ref());
                found.branches != known
                    && tracked.is_some_and(|branch| found.branches.contains_key(branch))
            })
        })
    }

    /// The branch that decides and its tip.
    fn choose(
        &self,
        found: &Advertisement,
        known: &BTreeMap<String, Oid>,
    ) -> Result<(String, Oid), GitError> {
        let url = self.source.url.clone();
        let branches = || {
            found
                .branches
                .keys()
                .take(BRANCHES_SHOWN)
                .cloned()
                .collect()
        };
        if found.branches.is_empty() && known.is_empty() {
            return Err(GitError::Empty { url });
        }
        let Some(branch) = self.source.branch.clone().or_else(|| found.default.clone()) else {
            return Err(if found.branches.is_empty() {
                GitError::Empty { url }
            } else {
                GitError::NoDefaultBranch {
                    url,
                    branches: branches(),
                }
            });
        };
        match (found.branches.get(&branch), known.get(&branch)) {
            (Some(tip), _) => Ok((branch, *tip)),
            (None, Some(last)) => Err(GitError::BranchGone {
                url,
                branch,
                last: (*last).into(),
                renamed: found
                    .branches
                    .iter()
                    .find(|(name, tip)| *tip == last && !known.contains_key(*name))
                    .map(|(name, _)| name.clone()),
            }),
            (None, None) => Err(GitError::NoBranch {
                url,
                branch,
                branches: branches(),
                is_tag: found.is_tag,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::remote::Bounds;

    /// What fetching a repository of three branches and some kilobytes comes to.
    fn check(bounds: Bounds) -> Result<Fetched, GitError> {
        let folder = tempfile::tempdir().unwrap();
        let remote = folder.path().join("remote.git");
        let git = git2::Repository::init_bare(&remote).unwrap();
        let mut tree = git.treebuilder(None).unwrap();
        let noise: Vec<u8> = (0..4_000_u32)
            .flat_map(|n| n.wrapping_mul(0x9e37_79b9).to_le_bytes())
            .collect();
        tree.insert("noise", git.blob(&noise).unwrap(), 0o100_644)
            .unwrap();
        let tree = git.find_tree(tree.write().unwrap()).unwrap();
        let who = git2::Signature::new("a", "a@b", &git2::Time::new(0, 0)).unwrap();
        let commit = git.commit(None, &who, &who, "x", &tree, &[]).unwrap();
        for branch in ["a", "b", "c"] {
            git.reference(&format!("refs/heads/{branch}"), commit, true, "")
                .unwrap();
        }
        let source = format!("{}#a", remote.display()).parse().unwrap();
        let mut mirror = Mirror::open(&folder.path().join("cache"), source).unwrap();
        mirror.bounds = bounds;
        mirror.fetch(Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn no_more_branches_and_bytes_are_taken_than_allowed() {
        assert_eq!(check(Bounds::DEFAULT).unwrap().branches.len(), 3);
        let what = |bounds| match check(bounds) {
            Err(GitError::TooMuch { what, .. }) => what,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            what(Bounds {
                branches: 2,
                ..Bounds::DEFAULT
            }),
            "branches"
        );
        assert_eq!(
            what(Bounds {
                bytes: 1_000,
                ..Bounds::DEFAULT
            }),
            "bytes to fetch"
        );
    }
}
