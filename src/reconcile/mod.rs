//! Reconciling one repository, from commit to convergence.
//!
//! ```text
//! fetch   where the branches are
//! revise  which models the commit touched             no other model's files are read
//! pass    over a model: look, plan, act, decide       each by itself
//! write   the commits that the passes ask for         those on one branch as one
//! sweep   what changed behind Git's back              by lists, and whose turn it is for a pass
//! ```
//!
//! Level-triggered: every pass looks again and does the next safe thing.

mod away;
mod leading;
mod lease;
mod memory;
mod model;
mod orders;
mod past;
mod report;
mod revision;
mod signed;
mod sweep;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinSet, spawn_blocking};

pub use self::away::AWAY;
pub use self::leading::{HELD, UNREADABLE};
use self::lease::Lease;
pub use self::lease::Leases;
use self::model::Shared;
pub use self::model::{drive, roles};
pub use self::report::{ModelReport, RepositoryPass, WriteReport};
pub use self::revision::Revision;
use self::write::{batched, refused, report};
use crate::aws::Aws;
use crate::clock::{Clock, Timestamp};
use crate::diagnostic::Diagnostic;
use crate::execute::pass::Mode;
use crate::git::{Author, Fetched, GitError, Mirror, Source};
use crate::limits::PASSES_AT_ONCE;
use crate::plan::approval::{Approved, digest_of_write};
use crate::resource::unit::Unit;
use crate::snapshot::Write;

/// What a repository is reconciled with.
#[derive(Clone)]
pub struct Options {
    /// The repository.
    pub source: Source,
    /// Where mirrors are kept.
    pub cache: PathBuf,
    /// Who trueup's commits are from.
    pub author: Author,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Called in each pass over a model, with its folder; a panic in it is one of that pass.
    pub probe: Option<fn(&str)>,
}

/// Why there was no pass at all.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// Git failed.
    #[error("the repository could not be read")]
    Git(#[from] GitError),
    /// A worker ended without an answer.
    #[error("a worker was lost")]
    Worker(#[from] JoinError),
}

impl ReconcileError {
    /// Whether the Git host asks to be left alone for a while.
    pub fn is_throttling(&self) -> bool {
        matches!(self, Self::Git(error) if error.is_throttling())
    }

    /// How long the Git host wants to be left alone, where it says so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Git(error) => error.retry_after(),
            Self::Worker(_) => None,
        }
    }
}

/// Reconciles one repository.
pub struct Reconciler {
    shared: Arc<Shared>,
    options: Options,
    revision: Option<Arc<Revision>>,
    approval: Option<Arc<Approval>>,
    /// When what no commit declares was last looked for.
    orphans_at: Option<Timestamp>,
    leases: Option<Leases>,
    lease: Option<Arc<Lease>>,
    /// The fence under which the revision is known to contain what was acted on before.
    contains: Option<u64>,
    /// That the repository is away, and why.
    away: Option<Diagnostic>,
}

/// What people approved of what a pass would do.
#[derive(Debug, Clone, Default)]
pub struct Approval {
    /// The plans; where a unit has none, nothing is done in it.
    pub units: BTreeMap<Unit, Approved>,
    /// The digests of the commits: see [`digest_of_write`].
    pub writes: BTreeSet<String>,
}

impl Approval {
    /// What may be done in a unit.
    fn of(&self, unit: &Unit) -> Approved {
        let known = self.units.get(unit).cloned();
        known.unwrap_or_else(Approved::nothing)
    }
}

impl Reconciler {
    /// Opens the repository's mirror.
    pub async fn open(options: Options, aws: Aws) -> Result<Self, ReconcileError> {
        let (cache, source) = (options.cache.clone(), options.source.clone());
        let mirror = spawn_blocking(move || Mirror::open(&cache, source)).await??;
        Ok(Self::of(
            Arc::new(Shared::new(mirror, aws, &options)),
            options,
        ))
    }

    fn of(shared: Arc<Shared>, options: Options) -> Self {
        Self {
            shared,
            options,
            revision: None,
            approval: None,
            orphans_at: None,
            leases: None,
            lease: None,
            contains: None,
            away: None,
        }
    }

    /// From now on nothing is done that was not approved.
    pub fn approve(&mut self, approval: Approval) {
        self.approval = Some(Arc::new(approval));
    }

    /// What is reconciled.
    pub fn source(&self) -> &Source {
        &self.options.source
    }

    /// The commit that passes are over, once there is one.
    pub fn revision(&self) -> Option<&Arc<Revision>> {
        self.revision.as_ref()
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.options.clock.now()
    }

    /// Asks the remote where its branches are.
    pub fn fetch(&self) -> impl Future<Output = Result<Fetched, ReconcileError>> + use<> {
        let (shared, now) = (self.shared.clone(), self.now());
        async move {
            Ok(shared
                .with_mirror(move |_, mirror| mirror.fetch(now))
                .await??)
        }
    }

    /// Takes what was fetched for the commit that passes are over from now on, unless it does not
    /// contain the one before, or is not signed as that asks: then that one stays in force, and a finding
    /// says so. Gives the folders of
    /// the models that are to be passed over because of it: their files changed, a name that they
    /// claim is claimed or given up by another, or a branch of theirs moved.
    pub async fn revise(&mut self, fetched: &Fetched) -> Result<BTreeSet<String>, ReconcileError> {
        let (asked, before) = (fetched.clone(), self.revision.clone());
        let revise = move |shared: &Shared, mirror: &mut Mirror| {
            let before = before.as_deref();
            if let Some(held) = before.and_then(|before| before.in_force_over(mirror, &asked)) {
                return Ok((held, BTreeSet::new()));
            }
            let mut revision = Revision::read(mirror, &asked, before)?;
            let base = before.filter(|before| !before.is_barred());
            match (revision.objection(mirror, base)?, base) {
                (None, _) => {}
                (Some(finding), None) => revision = revision.barred_by(finding),
                (Some(finding), Some(base)) => {
                    return Ok((base.clone().held_by(finding), BTreeSet::new()));
                }
            }
            let touched = touch(shared, mirror, &revision, before)?;
            Ok::<_, GitError>((revision, touched))
        };
        let (revision, mut touched) = self.shared.with_mirror(revise).await??;
        self.revision = Some(Arc::new(revision));
        self.find_lease().await;
        touched.extend(self.heed_heads(fetched).await?);
        Ok(touched)
    }

    /// One pass over the model in `folder`, to be driven by a task of its own.
    ///
    /// Panics where there is no revision yet.
    pub fn model(
        &self,
        folder: &str,
        mode: Mode,
    ) -> impl Future<Output = ModelReport> + Send + use<> {
        let revision = self.revision.clone().expect("a revision comes first");
        let approval = self.approval.clone();
        let shared = self.shared.clone();
        let mode = if self.leads() { mode } else { Mode::Plan };
        shared.pass(revision, folder.to_owned(), mode, approval)
    }

    /// What a pass over these models came to.
    ///
    /// Panics where there is no revision yet.
    pub fn report(
        &self,
        at: Timestamp,
        models: Vec<ModelReport>,
        writes: Vec<WriteReport>,
    ) -> RepositoryPass {
        let revision = self.revision.as_ref().expect("a revision comes first");
        let orphaned = sweep::findings(&self.shared.memory().orphans);
        let diagnostics = revision.diagnostics.iter().cloned();
        RepositoryPass {
            branch: revision.branch.clone(),
            commit: revision.commit.clone(),
            at,
            diagnostics: diagnostics
                .chain(orphaned)
                .chain(self.lease_finding())
                .chain(self.away.clone())
                .collect(),
            models,
            writes,
            shared: revision.shared.clone(),
        }
    }

    /// One pass over everything that was fetched.
    pub async fn pass(
        &mut self,
        fetched: &Fetched,
        mode: Mode,
    ) -> Result<RepositoryPass, ReconcileError> {
        let at = self.now();
        self.revise(fetched).await?;
        let mut models = self.all_models(mode).await;
        if let Some(approval) = &self.approval {
            let approved = |write: &Write| approval.writes.contains(&digest_of_write(write));
            let passes = models.iter_mut().filter_map(|model| model.pass.as_mut());
            passes.for_each(|pass| pass.writes.retain(approved));
        }
        let mut writes = Vec::new();
        if mode == Mode::Apply {
            let wanted = models.iter().filter_map(|model| model.pass.as_ref());
            let wanted = wanted.flat_map(|pass| pass.writes.clone()).collect();
            writes = self.write(wanted).await?;
        }
        self.look_for_orphans().await;
        Ok(self.report(at, models, writes))
    }

    /// Each model by itself, panics included.
    async fn all_models(&self, mode: Mode) -> Vec<ModelReport> {
        let folders = self.revision.iter().flat_map(|revision| revision.folders());
        let mut tasks = JoinSet::new();
        let mut names = BTreeMap::new();
        let places = Arc::new(Semaphore::new(PASSES_AT_ONCE));
        for folder in folders {
            let (pass, places) = (self.model(folder, mode), places.clone());
            let task = tasks.spawn(async move {
                let _place = places.acquire().await;
                pass.await
            });
            names.insert(task.id(), folder.clone());
        }
        let mut reports = BTreeMap::new();
        while let Some(ended) = tasks.join_next_with_id().await {
            let (folder, report) = match ended {
                Ok((_, report)) => (report.folder.clone(), report),
                Err(error) => {
                    let folder = names.remove(&error.id()).unwrap_or_default();
                    let report = lost(&folder, &error);
                    (folder, report)
                }
            };
            reports.insert(folder, report);
        }
        reports.into_values().collect()
    }

    /// Makes the commits that models ask for: those on one branch as one commit. None, while the branch
    /// does not contain the commit that they were decided on.
    pub async fn write(&self, wanted: Vec<Write>) -> Result<Vec<WriteReport>, ReconcileError> {
        let mut reports = Vec::new();
        let held = |revision: &Arc<Revision>| revision.is_held();
        if self.revision.as_ref().is_some_and(held) || !self.leads() {
            return Ok(reports);
        }
        let key = self.options.source.signing.as_deref();
        let unsigned = self.revision.as_ref();
        let unsigned = unsigned.and_then(|revision| revision.policy.objection_to_own(key));
        for write in batched(wanted) {
            if let Some(why) = &unsigned {
                reports.push(refused(write, why.clone()));
                continue;
            }
            let (author, now) = (self.options.author.clone(), self.now());
            let sent = write.clone();
            // The mirror may have been busy for long.
            let send = move |shared: &Shared, mirror: &mut Mirror| {
                let may = shared.may_change();
                may.then(|| mirror.write(&sent, &author, now))
            };
            let written = self.shared.with_mirror(send).await?;
            reports.extend(written.and_then(|written| report(write, written)));
        }
        Ok(reports)
    }
}

/// The report on a model whose pass panicked.
pub fn lost(folder: &str, error: &JoinError) -> ModelReport {
    ModelReport::broken_off(folder, format!("the pass broke off: {error}"))
}

/// Which models a revision concerns; what was remembered of them is forgotten.
fn touch(
    shared: &Shared,
    mirror: &Mirror,
    revision: &Revision,
    before: Option<&Revision>,
) -> Result<BTreeSet<String>, GitError> {
    let mut concerned = BTreeSet::new();
    for folder in revision.touched(before) {
        let installation = revision.installation.as_ref();
        let census = if let Some(installation) = installation.filter(|_| revision.holds(&folder)) {
            let (_, model) = model::read(mirror, revision, installation, &folder)?;
            shared.memory().census.record(&model)
        } else {
            shared.memory().turns.forget(&folder);
            shared.memory().census.forget(&folder)
        };
        concerned.extend(census);
        concerned.insert(folder);
    }
    for folder in &concerned {
        shared.memory().forget(folder);
    }
    if let Some(before) = before {
        let moved = revision.moved_branches(before);
        let names: BTreeSet<_> = moved.filter_map(|branch| promoted(branch)).collect();
        concerned.extend(shared.memory().census.named(&names));
    }
    concerned.retain(|folder| revision.holds(folder));
    Ok(concerned)
}

/// The model that a branch of trueup's proposes something for.
fn promoted(branch: &str) -> Option<&str> {
    branch.strip_prefix("trueup/promote/")?.split('/').next()
}
