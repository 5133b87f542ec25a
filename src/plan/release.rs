//! Releases: which package an environment is to serve, and when trueup may say so itself.
//!
//! People win: a package that a release file's history already held and left is not written again
//! for the same candidate. History is read along first parents, newest first.

use std::collections::{BTreeMap, BTreeSet};

use super::candidate::Candidate;
use super::cause::Cause;
use super::report::Note;
use crate::clock::{SignedDuration, Timestamp};
use crate::compile::run::Identity;
use crate::config::model::{Environment, ModelConfig, PromoteMode};
use crate::config::{emit, quarantine_file, release_file};
use crate::limits::HISTORY_COMMITS_MAX;
use crate::release::{MAIN_SLOT, Release, ReleasedPackage};
use crate::resource::broken::Broken;
use crate::resource::lifecycle::Presence;
use crate::snapshot::{ObjectId, Snapshot, Write};

/// One commit of a model's history, as far as releases go.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    /// What it asked to be trained and served; `None` where it did not compile.
    pub identity: Option<Identity>,
    /// Environment to what its release file said.
    pub releases: BTreeMap<String, PastRelease>,
}

/// What a release file of the past said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastRelease {
    /// The package of the main slot.
    pub package: String,
    /// The package that it was to follow.
    pub previous: Option<String>,
    /// The file's blob: equal ids are equal bytes.
    pub file: String,
    /// The artefacts of its packages.
    pub artefacts: Vec<String>,
}

impl Past {
    /// The package that an environment's release file named.
    fn package(&self, environment: &str) -> Option<&str> {
        let release = self.releases.get(environment)?;
        Some(&release.package)
    }
}

/// What is known of one environment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Served {
    /// Since when it has run exactly what its release says.
    pub converged_since: Option<Timestamp>,
}

/// What releases are decided from.
pub struct Releases<'a> {
    /// The model.
    pub config: &'a ModelConfig,
    /// Its folder.
    pub folder: &'a str,
    /// The commit and its files.
    pub snapshot: &'a Snapshot,
    /// The tracked branch.
    pub branch: &'a str,
    /// Every branch of the repository.
    pub branches: &'a BTreeSet<String>,
    /// The releases of the commit, by environment.
    pub committed: &'a BTreeMap<String, Release>,
    /// Packages that automation must not use again.
    pub quarantine: &'a BTreeSet<String>,
    /// What the commit asks for.
    pub identity: &'a Identity,
    /// The package that it came to, once there is one.
    pub candidate: Option<&'a Candidate>,
    /// What each environment serves.
    pub served: &'a BTreeMap<String, Served>,
    /// Now.
    pub now: Timestamp,
    /// What is broken on purpose: nothing, outside of tests.
    #[doc(hidden)]
    pub broken: Broken,
}

/// The commits to make and, by environment, what is held or diverges.
pub type Decision = (Vec<Write>, Vec<(String, Note)>);

/// Decides for every environment of a model. History is only walked where something would be
/// written.
pub fn decide<I: Iterator<Item = Past>>(input: &Releases<'_>, history: impl Fn() -> I) -> Decision {
    let mut writes = Vec::new();
    let mut notes = Vec::new();
    let released = |one: &&Environment| {
        let suspended = one.suspend.as_ref();
        one.state == Presence::Present && suspended.is_none_or(|one| one.until <= input.now)
    };
    for environment in input.config.environments.iter().filter(released) {
        let decided = match &environment.promote.from {
            None => first(input, environment, &history),
            Some(from) => later(input, environment, from, &history),
        };
        match decided {
            Some(Decided::Write(write)) => writes.push(write),
            Some(Decided::Note(cause, message)) => {
                let subject = format!("release {}", environment.name);
                let note = Note::new(cause, subject, message);
                notes.push((environment.name.clone(), note));
            }
            None => {}
        }
    }
    (writes, notes)
}

enum Decided {
    Write(Write),
    Note(Cause, String),
}

/// The first environment follows the candidate of the commit.
fn first<I: Iterator<Item = Past>>(
    input: &Releases<'_>,
    environment: &Environment,
    history: &impl Fn() -> I,
) -> Option<Decided> {
    let candidate = input.candidate?;
    let current = input.committed.get(&environment.name);
    let package = match candidate.released() {
        Ok(package) => package,
        Err(missing) => return Some(Decided::Note(Cause::PackageIncomplete, missing)),
    };
    if current
        .and_then(Release::main)
        .is_some_and(|main| main.arn == package.arn)
    {
        return None;
    }
    if is_quarantined(input, &package.arn) {
        return Some(Decided::Note(
            Cause::Quarantined,
            format!("`{}` is quarantined", package.arn),
        ));
    }
    let measured = match candidate.gates(input.config.evaluation.as_ref()) {
        Ok(measured) => measured,
        Err(_) if input.broken == Broken::IgnoreGates => BTreeMap::new(),
        Err(missed) => {
            return Some(Decided::Note(
                Cause::GateMissed,
                format!("{}: {missed}", package.arn),
            ));
        }
    };
    let same = |past: &Past| past.identity.as_ref() == Some(input.identity);
    if taken_back(input, history(), same, &environment.name, &package.arn) {
        let words = format!(
            "`{}` was released for this commit and taken back: people win",
            package.arn
        );
        return Some(Decided::Note(Cause::TakenBack, words));
    }
    let mut evaluation = measured;
    if let Some(dataset) = input
        .config
        .evaluation
        .as_ref()
        .map(|evaluation| &evaluation.dataset)
    {
        let digest = package
            .data
            .get(dataset)
            .or_else(|| package.data.values().next());
        evaluation.extend(digest.map(|digest| ("on".to_owned(), digest.clone().into())));
    }
    let release = Release {
        evaluation,
        ..release(package, current)
    };
    let base = &input.snapshot.commit;
    Some(Decided::Write(write(
        input,
        environment,
        &release,
        input.branch,
        Some(base),
    )))
}

/// A later environment follows the release of the one before it.
fn later<I: Iterator<Item = Past>>(
    input: &Releases<'_>,
    environment: &Environment,
    from: &str,
    history: &impl Fn() -> I,
) -> Option<Decided> {
    let source = input.committed.get(from)?;
    let package = source.main()?;
    let current = input.committed.get(&environment.name);
    if current
        .and_then(Release::main)
        .is_some_and(|main| main.arn == package.arn)
    {
        return None;
    }
    if is_quarantined(input, &package.arn) {
        return Some(Decided::Note(
            Cause::Quarantined,
            format!("`{}` is quarantined", package.arn),
        ));
    }
    let branch = promotion_branch(&input.config.name, &environment.name, package);
    let proposed =
        environment.promote.mode == PromoteMode::Branch && input.branches.contains(&branch);
    let soaked = soaked(input, environment, from);
    if !proposed && input.now < soaked? {
        let words = format!("it soaks in {from} until {}", soaked?);
        return Some(Decided::Note(Cause::Soaking, words));
    }
    let same = |past: &Past| past.package(from) == Some(&package.arn);
    if taken_back(input, history(), same, &environment.name, &package.arn) {
        let words = format!("`{}` was promoted and taken back: people win", package.arn);
        return Some(Decided::Note(Cause::TakenBack, words));
    }
    if proposed {
        let words = format!(
            "{from} serves `{}`; merge `{branch}` to bring it here, or, to reject it, add \
             `- package: {}` to `{}`",
            package.arn,
            package.arn,
            quarantine_file(input.folder)
        );
        return Some(Decided::Note(Cause::PromotionProposed, words));
    }
    let release = Release {
        evaluation: source.evaluation.clone(),
        ..release(package.clone(), current)
    };
    let base = &input.snapshot.commit;
    Some(Decided::Write(match environment.promote.mode {
        PromoteMode::Commit => write(input, environment, &release, input.branch, Some(base)),
        PromoteMode::Branch => write(input, environment, &release, &branch, None),
    }))
}

/// Until when `from` is left alone with what it serves; `None` while it has not come to serve it.
fn soaked(input: &Releases<'_>, environment: &Environment, from: &str) -> Option<Timestamp> {
    let since = input.served.get(from)?.converged_since?;
    let soak =
        SignedDuration::from_secs(i64::try_from(environment.promote.soak.0).unwrap_or(i64::MAX));
    since.checked_add(soak).ok()
}

fn is_quarantined(input: &Releases<'_>, arn: &str) -> bool {
    input.quarantine.contains(arn) && input.broken != Broken::IgnoreQuarantine
}

fn taken_back(
    input: &Releases<'_>,
    history: impl Iterator<Item = Past>,
    same: impl Fn(&Past) -> bool,
    environment: &str,
    package: &str,
) -> bool {
    input.broken != Broken::PeopleLose && left_before(history, same, environment, package)
}

/// Whether, in the newest stretch of history in which `same` holds, the release of `environment`
/// named `package` and then did not.
fn left_before(
    history: impl Iterator<Item = Past>,
    same: impl Fn(&Past) -> bool,
    environment: &str,
    package: &str,
) -> bool {
    history
        .take(HISTORY_COMMITS_MAX)
        .take_while(same)
        .any(|past| past.package(environment) == Some(package))
}

/// One immutable branch for each candidate: its version and the beginning of its run digest.
pub fn promotion_branch(model: &str, environment: &str, package: &ReleasedPackage) -> String {
    let version = package.arn.rsplit('/').next().unwrap_or_default();
    let run = package.run.get(..8).unwrap_or(&package.run);
    format!("trueup/promote/{model}/{environment}/{version}-{run}")
}

fn release(package: ReleasedPackage, current: Option<&Release>) -> Release {
    let previous = current
        .and_then(Release::main)
        .map(|main| (MAIN_SLOT.to_owned(), main.arn.clone()));
    Release {
        version: 1,
        attempt: 1,
        packages: BTreeMap::from([(MAIN_SLOT.to_owned(), package)]),
        evaluation: BTreeMap::new(),
        previous: previous.into_iter().collect(),
    }
}

fn write(
    input: &Releases<'_>,
    environment: &Environment,
    release: &Release,
    branch: &str,
    expected: Option<&ObjectId>,
) -> Write {
    let path = release_file(input.folder, &environment.name);
    let text = emit::emit_release(release, input.snapshot.text(&path));
    let package = release
        .main()
        .expect("a release that trueup makes has a main slot");
    let version = package.arn.rsplit('/').next().unwrap_or_default();
    let model = &input.config.name;
    let run = package.run.get(..8).unwrap_or(&package.run);
    let title = format!(
        "release({model}): {} serves version {version}",
        environment.name
    );
    let how = if expected.is_some() {
        String::new()
    } else {
        format!(
            "Merging this branch is the approval. To reject it, name the package in\n\
             `{}`: a branch that is only deleted is made again.\n\n",
            quarantine_file(input.folder)
        )
    };
    let message = format!(
        "{title}\n\nModel package: {}\nTrained from: {}\nRun: {run}\n\n{how}[skip ci]\n",
        package.arn, package.commit
    );
    Write {
        branch: branch.to_owned(),
        expected: expected.cloned(),
        base: input.snapshot.commit.clone(),
        files: BTreeMap::from([(path, text)]),
        message,
        reason: title,
    }
}
