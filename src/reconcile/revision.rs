//! A commit, as far as the repository as a whole goes.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::signed::UNSIGNED;
use crate::config::installation::{History, Installation, Verify};
use crate::config::yaml::first_byte;
use crate::config::{INSTALLATION_FILE, MODEL_FILE, Policy};
use crate::config::{left_out, load_installation, too_many_models};
use crate::diagnostic::Diagnostic;
use crate::git::{Fetched, GitError, Index, Mirror};
use crate::limits::MODELS_MAX;
use crate::snapshot::{ObjectId, Snapshot};

/// What every model shares, beside its own folder.
const SHARED: [&str; 2] = [INSTALLATION_FILE, "presets"];

/// One commit of a repository: what it shares, and where its models are.
#[derive(Debug, Clone)]
pub struct Revision {
    /// The branch that decides.
    pub branch: String,
    /// The commit.
    pub commit: ObjectId,
    /// Every branch and its newest commit.
    pub branches: BTreeMap<String, ObjectId>,
    /// `trueup.yaml`; absent if it is missing or has an error.
    pub installation: Option<Installation>,
    /// Findings about the repository as a whole.
    pub diagnostics: Vec<Diagnostic>,
    /// The files that belong to no model.
    pub shared: Arc<Snapshot>,
    /// What it asks of the commits after it.
    pub(super) policy: Policy,
    shared_ids: [Option<ObjectId>; 2],
    index: Index,
    standing: Standing,
}

/// Whether the branch contains what was acted on, and is signed as that asks.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Standing {
    /// As far as is known.
    Follows,
    /// It is not: this is an older commit that stays in force.
    InForce,
    /// It is not, and there is no such commit, or it is not known here: nothing is in force.
    Barred,
}

/// The finding that the branch does not contain the commit in force.
const REWRITTEN: &str = "O002";

impl Revision {
    /// Reads what was fetched. No file of a model is read, and no folder that is as `before` had it.
    pub(super) fn read(
        mirror: &Mirror,
        fetched: &Fetched,
        before: Option<&Self>,
    ) -> Result<Self, GitError> {
        let commit = fetched.tip.clone();
        let [trueup, presets] = SHARED;
        let shared_ids = [
            mirror.id_at(&commit, trueup)?,
            mirror.id_at(&commit, presets)?,
        ];
        let shared = mirror.snapshot(&commit, Some(&SHARED))?;
        let (installation, mut diagnostics) = load_installation(&shared);
        let policy = match &installation {
            Some(installation) => {
                let (policy, findings) = policy(mirror, &commit, installation, &shared)?;
                diagnostics.extend(findings);
                policy
            }
            None => Policy::Off,
        };
        let index = match &installation {
            Some(installation) if installation.models.ends_with(MODEL_FILE) => {
                let known = Index::default();
                let before = before.map_or(&known, |before| &before.index);
                let mut index = mirror.index(&commit, &installation.models, before)?;
                let left_out = index.skipped.iter().map(|(path, why)| left_out(path, why));
                diagnostics.extend(left_out);
                if index.folders.len() > MODELS_MAX {
                    diagnostics.push(too_many_models(index.folders.len()));
                    index.folders = index.folders.into_iter().take(MODELS_MAX).collect();
                }
                index
            }
            _ => Index::default(),
        };
        Ok(Self {
            branch: fetched.branch.clone(),
            branches: fetched.branches.clone(),
            installation,
            diagnostics,
            shared: Arc::new(shared),
            policy,
            shared_ids,
            index,
            standing: Standing::Follows,
            commit,
        })
    }

    /// This revision, still in force, where what was fetched does not contain it: an older commit
    /// would undo what was done since, and nobody asked for that.
    pub(super) fn in_force_over(&self, mirror: &Mirror, fetched: &Fetched) -> Option<Self> {
        let contained = mirror.contains(&fetched.tip, &self.commit);
        if self.follows() || self.is_barred() || fetched.branch != self.branch || contained {
            return None;
        }
        Some(self.clone().in_force_for(&fetched.tip))
    }

    /// What is in force where `head` was acted on before, by this process or another: this revision
    /// where it may follow it (`None`), else what the branch is at, else that commit, else nothing.
    /// `verified`: that commit asked for signatures.
    pub(super) fn in_force_after(
        &self,
        mirror: &Mirror,
        fetched: &Fetched,
        head: &ObjectId,
        verified: bool,
    ) -> Result<Option<Self>, GitError> {
        let there = Fetched {
            tip: head.clone(),
            ..fetched.clone()
        };
        let Ok(before) = Self::read(mirror, &there, None) else {
            return Ok(self.in_force_without(fetched, head, verified));
        };
        if self.standing == Standing::InForce && mirror.contains(&self.commit, head) {
            let finding = self.objection(mirror, Some(&before))?;
            return Ok(finding.map(|finding| before.held_by(finding)));
        }
        if let Some(held) = before.in_force_over(mirror, fetched) {
            return Ok(Some(held));
        }
        let follows = self.standing == Standing::Follows && self.commit == fetched.tip;
        let tip = if follows {
            self.clone()
        } else {
            Self::read(mirror, fetched, None)?
        };
        let finding = tip.objection(mirror, Some(&before))?;
        Ok(match finding {
            Some(finding) => Some(before.held_by(finding)),
            None => Some(tip).filter(|_| !follows),
        })
    }

    /// The same, where the mirror does not have `head`. What it asked for cannot be read, and a commit that
    /// is to be signed does not say of itself that it need not be.
    fn in_force_without(&self, fetched: &Fetched, head: &ObjectId, verified: bool) -> Option<Self> {
        if self.follows() && !verified {
            return None;
        }
        let finding = rewritten(&self.branch, head, &fetched.tip).help(UNKNOWN_HELP);
        Some(self.clone().barred_by(finding))
    }

    /// The same, in force though the branch is at `tip`.
    fn in_force_for(self, tip: &ObjectId) -> Self {
        let finding = rewritten(&self.branch, &self.commit, tip).help(REWRITTEN_HELP);
        self.held_by(finding)
    }

    /// The same, in force because what came after it is not followed.
    pub(super) fn held_by(mut self, finding: Diagnostic) -> Self {
        self.standing = Standing::InForce;
        self.say(finding);
        self
    }

    /// The same, not in force.
    pub(super) fn barred_by(mut self, finding: Diagnostic) -> Self {
        self.standing = Standing::Barred;
        self.say(finding);
        self
    }

    /// One reason at a time is told why the branch is not followed.
    fn say(&mut self, finding: Diagnostic) {
        let reasons = [REWRITTEN, UNSIGNED];
        self.diagnostics
            .retain(|other| !reasons.contains(&other.code.as_str()));
        self.diagnostics.push(finding);
    }

    fn follows(&self) -> bool {
        let installation = self.installation.as_ref();
        installation.is_some_and(|one| one.history == History::Follow)
    }

    /// Whether the branch is elsewhere: then nothing is committed to it.
    pub(super) fn is_held(&self) -> bool {
        self.standing != Standing::Follows
    }

    /// Whether nothing is in force: then nothing is changed.
    pub(super) fn is_barred(&self) -> bool {
        self.standing == Standing::Barred
    }

    /// The folders of the models.
    pub fn folders(&self) -> impl Iterator<Item = &String> {
        self.index.folders.keys()
    }

    /// Whether there is a model in `folder`.
    pub fn holds(&self, folder: &str) -> bool {
        self.index.folders.contains_key(folder)
    }

    /// The tree of the model in `folder`.
    pub(super) fn tree(&self, folder: &str) -> Option<&ObjectId> {
        self.index.folders.get(folder)
    }

    /// The models whose files are not as they were, those that are gone included.
    pub(super) fn touched(&self, before: Option<&Self>) -> BTreeSet<String> {
        let Some(before) = before else {
            return self.index.folders.keys().cloned().collect();
        };
        let (now, then) = (&self.index.folders, &before.index.folders);
        if self.shared_ids != before.shared_ids {
            return now.keys().chain(then.keys()).cloned().collect();
        }
        differing(now, then)
    }

    /// The branches that are not where they were, the tracked one excepted.
    pub(super) fn moved_branches<'a>(
        &'a self,
        before: &'a Self,
    ) -> impl Iterator<Item = &'a String> {
        let all = self.branches.keys().chain(before.branches.keys());
        all.filter(|name| **name != self.branch)
            .filter(|name| self.branches.get(*name) != before.branches.get(*name))
    }
}

/// What a commit asks of those after it. Its lists of keys may lie anywhere.
fn policy(
    mirror: &Mirror,
    commit: &ObjectId,
    installation: &Installation,
    shared: &Snapshot,
) -> Result<(Policy, Vec<Diagnostic>), GitError> {
    if installation.commits.verify == Verify::Off {
        return Ok((Policy::Off, Vec::new()));
    }
    let lists: Vec<&str> = installation.commits.lists().collect();
    let mut files = mirror.snapshot(commit, Some(&lists))?;
    let trueup = shared.files.get_key_value(INSTALLATION_FILE);
    files
        .files
        .extend(trueup.map(|(path, file)| (path.clone(), file.clone())));
    Ok(Policy::read(&files, installation))
}

/// The keys of which two maps do not hold the same. Both are walked once, side by side: of thousands of
/// models few differ.
fn differing(one: &Folders, other: &Folders) -> BTreeSet<String> {
    let (mut one, mut other) = (one.iter().peekable(), other.iter().peekable());
    let mut found = BTreeSet::new();
    loop {
        let (next, before) = match (one.peek(), other.peek()) {
            (Some(next), Some(before)) => match next.0.cmp(before.0) {
                Ordering::Less => (one.next(), None),
                Ordering::Greater => (None, other.next()),
                Ordering::Equal => (one.next(), other.next()),
            },
            (Some(_), None) => (one.next(), None),
            (None, Some(_)) => (None, other.next()),
            (None, None) => return found,
        };
        if next != before {
            found.extend(next.or(before).map(|(folder, _)| folder.clone()));
        }
    }
}

/// Folders by path, with their trees.
type Folders = BTreeMap<String, ObjectId>;

/// How to go on where the commit in force is known.
const REWRITTEN_HELP: &str = "push a commit that contains it; to have a branch followed wherever it is, \
    write `history: follow`; to follow it this once, stop trueup, delete the installation's lease in S3, \
    and start it anew";
/// And where it is not.
const UNKNOWN_HELP: &str = "nothing is changed until the branch contains it: push it, or a commit that \
    contains it; or write `history: follow` into this commit's trueup.yaml; or stop trueup, delete the \
    installation's lease in S3, and start it anew";

fn rewritten(branch: &str, commit: &ObjectId, tip: &ObjectId) -> Diagnostic {
    let words = format!(
        "the branch `{branch}` is at {}, which does not contain {}, the commit in force: its history \
         was rewritten, or the server that answers lags behind",
        tip.short(),
        commit.short()
    );
    Diagnostic::error(REWRITTEN, first_byte(INSTALLATION_FILE), words)
}
