//! Going back to an earlier release: which one it is, and the commit that does it.
//!
//! One builder for all who ask: a person with `trueup rollback`, and the pass that files what was
//! ordered while Git was down.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Display, Write as _};

use crate::clock::Timestamp;
use crate::config::{Quarantined, quarantine_file, quarantined, read_release, release_file};
use crate::limits::REVIEW_COMMITS_MAX;
use crate::release::Release;
use crate::snapshot::{ObjectId, Snapshot, Version, Write};

/// An earlier state of a release file.
#[derive(Debug, Clone, PartialEq)]
pub struct Earlier {
    /// The newest commit that had it.
    pub commit: ObjectId,
    /// Its blob.
    pub file: ObjectId,
    /// Its text.
    pub text: String,
    /// What that says.
    pub release: Release,
}

/// Why there is nothing to go back to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Nowhere {
    /// No earlier state names other packages.
    #[error("`{file}` never named another package")]
    Nothing {
        /// The release file.
        file: String,
    },
    /// The commit that was asked for is not one of the branch's.
    #[error("no commit of the branch's first-parent history begins with `{commit}`")]
    NoCommit {
        /// The digits.
        commit: String,
    },
    /// There was no such file, or none that can be used.
    #[error("`{file}` cannot be read in {}", commit.short())]
    Unreadable {
        /// The release file.
        file: String,
        /// The commit that was asked for.
        commit: ObjectId,
    },
    /// It names the same packages.
    #[error("`{file}` named the same package in {}", commit.short())]
    Same {
        /// The release file.
        file: String,
        /// The commit that was asked for.
        commit: ObjectId,
    },
    /// The earlier package must not be used.
    #[error("`{package}`, which `{file}` named in {}, is quarantined{why}", commit.short())]
    Quarantined {
        /// The release file.
        file: String,
        /// The commit that had it last.
        commit: ObjectId,
        /// The package.
        package: String,
        /// Who said so, in parentheses.
        why: String,
    },
    /// The history could not be read.
    #[error("the history of `{file}` could not be read: {why}")]
    History {
        /// The release file.
        file: String,
        /// Why not.
        why: String,
    },
}

impl Nowhere {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Nothing { .. } => {
                "there is no release to go back to; to take the environment down, say `state: absent`"
            }
            Self::NoCommit { .. } | Self::Unreadable { .. } | Self::Same { .. } => {
                "`trueup history` lists the commits that changed it"
            }
            Self::Quarantined { .. } => {
                "name an older release with `--to COMMIT`, as `trueup history` lists them, or take the \
                 package out of `quarantine.yaml`"
            }
            Self::History { .. } => "fetch again; a mirror that is damaged is fetched anew",
        }
    }
}

/// The release that is left.
#[derive(Debug, Clone, Copy)]
pub struct Left<'a> {
    /// The release file's path from the repository's root.
    pub file: &'a str,
    /// What it says now.
    pub release: &'a Release,
    /// Packages that automation must not use again.
    pub quarantine: &'a [Quarantined],
}

impl Left<'_> {
    /// The newest earlier state that names other packages, or that of the commit `to`, by the first
    /// digits of its id. `history` is the file's, the newest commit first, along first parents; `text`
    /// reads a blob.
    pub fn earlier<E: Display>(
        &self,
        to: Option<&str>,
        history: impl Iterator<Item = Result<Version, E>>,
        text: impl Fn(&ObjectId) -> Result<Option<String>, E>,
    ) -> Result<Earlier, Nowhere> {
        let unknown = |error: E| Nowhere::History {
            file: self.file.to_owned(),
            why: error.to_string(),
        };
        let mut seen = BTreeSet::new();
        for version in history.take(REVIEW_COMMITS_MAX) {
            let Version { commit, file } = version.map_err(unknown)?;
            let asked = to.is_some_and(|to| commit.0.starts_with(to));
            let new = file.as_ref().is_some_and(|file| seen.insert(file.clone()));
            if !asked && (to.is_some() || !new) {
                continue;
            }
            let read = match &file {
                Some(file) => text(file).map_err(unknown)?,
                None => None,
            };
            let release = read.as_ref().and_then(|text| read_release(text.as_bytes()));
            let (Some(file), Some(text), Some(release)) = (file, read, release) else {
                if asked {
                    let file = self.file.to_owned();
                    return Err(Nowhere::Unreadable { file, commit });
                }
                continue;
            };
            if packages(&release) != packages(self.release) {
                return self.allowed(Earlier {
                    commit,
                    file,
                    text,
                    release,
                });
            }
            if asked {
                let file = self.file.to_owned();
                return Err(Nowhere::Same { file, commit });
            }
        }
        let file = self.file.to_owned();
        Err(match to {
            Some(commit) => Nowhere::NoCommit {
                commit: commit.to_owned(),
            },
            None => Nowhere::Nothing { file },
        })
    }

    fn allowed(&self, earlier: Earlier) -> Result<Earlier, Nowhere> {
        match forbidden(&earlier.release, self.quarantine) {
            None => Ok(earlier),
            Some(one) => Err(Nowhere::Quarantined {
                file: self.file.to_owned(),
                commit: earlier.commit,
                package: one.package.clone(),
                why: one.why(),
            }),
        }
    }
}

/// Slot to package.
fn packages(release: &Release) -> BTreeMap<&str, &str> {
    let packages = release.packages.iter();
    let named = packages.map(|(slot, package)| (slot.as_str(), package.arn.as_str()));
    named.collect()
}

/// What of a release must not be used.
pub fn forbidden<'a>(release: &Release, quarantine: &'a [Quarantined]) -> Option<&'a Quarantined> {
    let named = |one: &&Quarantined| {
        let mut packages = release.packages.values();
        packages.any(|package| package.arn == one.package)
    };
    quarantine.iter().find(named)
}

/// What an environment returns to, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Return {
    /// The environment.
    pub environment: String,
    /// The release file as it was.
    pub text: String,
    /// What that says.
    pub release: Release,
    /// Whether the packages that are left are to be quarantined.
    pub quarantine: bool,
    /// Who said so.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// A model at the newest commit.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The model's name.
    pub model: &'a str,
    /// Its folder.
    pub folder: &'a str,
    /// The tracked branch.
    pub branch: &'a str,
    /// The commit and its files.
    pub snapshot: &'a Snapshot,
    /// The releases of the commit, by environment.
    pub releases: &'a BTreeMap<String, Release>,
    /// Packages that automation must not use again.
    pub quarantine: &'a [Quarantined],
}

impl Place<'_> {
    /// The path of an environment's release file.
    pub fn release_file(&self, environment: &str) -> String {
        release_file(self.folder, environment)
    }

    /// The packages that a return leaves and that are to be quarantined by it.
    pub fn leaves(&self, back: &Return) -> Vec<String> {
        let left = self.releases.get(&back.environment);
        let left = left.filter(|_| back.quarantine);
        let left = left.into_iter().flat_map(|left| left.packages.values());
        let known = |arn: &String| self.quarantine.iter().any(|one| one.package == *arn);
        let kept = |arn: &String| back.release.packages.values().any(|one| one.arn == *arn);
        let arns: BTreeSet<_> = left.map(|package| package.arn.clone()).collect();
        let arns = arns.into_iter();
        arns.filter(|arn| !known(arn) && !kept(arn)).collect()
    }

    /// The one commit by which environments return; `None` where all is as it is to be. A list of
    /// quarantined packages that cannot be read is left alone.
    pub fn commit(&self, returns: &[Return]) -> Option<Write> {
        let mut files = BTreeMap::new();
        let (mut quarantine, mut titles, mut words) = (Vec::new(), Vec::new(), Vec::new());
        for back in returns {
            let file = self.release_file(&back.environment);
            if self.snapshot.text(&file) == Some(&back.text) {
                continue;
            }
            files.insert(file, back.text.clone());
            titles.push(title(back));
            words.push(self.words(back));
            let leaves = self.leaves(back).into_iter();
            quarantine.extend(leaves.map(|package| Quarantined {
                package,
                reason: back.reason.clone(),
                by: back.by.clone(),
                at: back.at.to_string(),
            }));
        }
        if files.is_empty() {
            return None;
        }
        quarantine.sort_by(|one, other| one.package.cmp(&other.package));
        quarantine.dedup_by(|one, other| one.package == other.package);
        let path = quarantine_file(self.folder);
        if !quarantine.is_empty()
            && let Some(text) = quarantined(self.snapshot.text(&path), &quarantine)
        {
            files.insert(path, text);
        }
        let title = format!("rollback({}): {}", self.model, titles.join(", "));
        Some(Write {
            branch: self.branch.to_owned(),
            expected: Some(self.snapshot.commit.clone()),
            base: self.snapshot.commit.clone(),
            files,
            message: format!("{title}\n\n{}\n[skip ci]\n", words.join("\n")),
            reason: title,
        })
    }

    fn words(&self, back: &Return) -> String {
        let arn = |release: Option<&Release>| {
            let main = release.and_then(Release::main);
            main.map_or_else(|| "none".to_owned(), |main| main.arn.clone())
        };
        let left = arn(self.releases.get(&back.environment));
        let mut words = format!(
            "Model package: {}\nIn place of: {left}\nOrdered by: {} at {}\n",
            arn(Some(&back.release)),
            back.by,
            back.at
        );
        if !back.reason.is_empty() {
            writeln!(words, "Because: {}", back.reason).expect("a string takes everything");
        }
        words
    }
}

fn title(back: &Return) -> String {
    let main = back.release.main();
    let version = main.and_then(|main| main.arn.rsplit('/').next());
    let version = version.unwrap_or_default();
    format!("{} returns to version {version}", back.environment)
}

#[cfg(test)]
#[path = "rollback_tests.rs"]
mod tests;
