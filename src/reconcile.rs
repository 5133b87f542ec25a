//! One pass over a repository, from commit to convergence.
//!
//! Level-triggered: every pass looks again and does the next safe thing. What it remembers from one
//! pass to the next only changes words.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use tokio::task::{JoinError, JoinSet, spawn_blocking};

use crate::aws::Aws;
use crate::clock::{Clock, Timestamp};
use crate::cloud::{Machine, Next};
use crate::config::installation::Installation;
use crate::config::{Loaded, LoadedModel, load};
use crate::diagnostic::{Diagnostic, any_error};
use crate::execute::model::{ModelPass, Prepared, Standing, conclude, past, prepare, review};
use crate::execute::pass::{Mode, UnitPass};
use crate::execute::steps::Outcome;
use crate::git::{Author, Fetched, GitError, Mirror, Source, WriteError, Written};
use crate::limits::{HISTORY_COMMITS_MAX, PASTS_MAX, REVIEW_COMMITS_MAX};
use crate::plan::planner::Hints;
use crate::plan::release::Past;
use crate::plan::report::State;
use crate::plan::review::Verdict;
use crate::release::Release;
use crate::resource::unit::Unit;
use crate::snapshot::{ObjectId, Snapshot, Write};

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

/// What one pass came to.
#[derive(Debug, Clone)]
pub struct RepositoryPass {
    /// The branch that decides.
    pub branch: String,
    /// The commit.
    pub commit: ObjectId,
    /// When the pass began.
    pub at: Timestamp,
    /// Findings about the repository as a whole.
    pub diagnostics: Vec<Diagnostic>,
    /// The models.
    pub models: Vec<ModelReport>,
    /// What was written to Git.
    pub writes: Vec<WriteReport>,
    /// The commit's files.
    pub snapshot: Arc<Snapshot>,
}

/// What a pass came to for one model.
#[derive(Debug, Clone)]
pub struct ModelReport {
    /// The model's name, or its folder where the name cannot be read.
    pub name: String,
    /// Its folder.
    pub folder: String,
    /// Findings about its files.
    pub diagnostics: Vec<Diagnostic>,
    /// Environment to the release that the commit names for it.
    pub releases: BTreeMap<String, Release>,
    /// The pass; `None` where the files do not allow one, or where it broke off.
    pub pass: Option<ModelPass>,
    /// Why it broke off: a defect of trueup's.
    pub defect: Option<String>,
}

/// A commit that was, or was not, made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WriteReport {
    /// The branch.
    pub branch: String,
    /// Why.
    pub reason: String,
    /// The new commit.
    pub commit: Option<ObjectId>,
    /// Why not.
    pub error: Option<String>,
}

impl ModelReport {
    /// The model's state.
    pub fn state(&self) -> State {
        match &self.pass {
            Some(pass) => pass.state(),
            None if self.defect.is_some() => State::Unknown,
            None => State::Blocked,
        }
    }

    /// Whether nothing was left to do.
    pub fn is_settled(&self) -> bool {
        self.pass.as_ref().is_some_and(ModelPass::is_settled)
    }
}

impl RepositoryPass {
    /// Whether nothing was left to do anywhere, and everything is known.
    pub fn is_settled(&self) -> bool {
        !any_error(&self.diagnostics)
            && self.models.iter().all(ModelReport::is_settled)
            && self.writes.is_empty()
    }

    /// Every unit that was passed over, with the model it belongs to.
    pub fn units(&self) -> impl Iterator<Item = (&ModelReport, &UnitPass)> {
        self.models.iter().flat_map(|model| {
            let units = model.pass.iter().flat_map(|pass| &pass.units);
            units.map(move |unit| (model, unit))
        })
    }

    /// Whether the pass changed anything, in AWS or in Git. A step that was refused changed nothing.
    pub fn changed(&self) -> bool {
        let acted = |unit: &UnitPass| unit.outcome.as_ref().is_some_and(Outcome::changed);
        self.writes.iter().any(|write| write.commit.is_some())
            || self.units().any(|(_, unit)| acted(unit))
    }

    /// Whether anything is on its way, or could not be seen for a reason that may pass: worth
    /// another look before long, whatever else is held or broken beside it.
    pub fn in_motion(&self) -> bool {
        self.models.iter().any(|model| model.defect.is_some())
            || self.units().any(|(_, unit)| unit.in_motion())
    }
}

/// Reconciles one repository, pass after pass.
pub struct Reconciler {
    mirror: Arc<Mutex<Mirror>>,
    aws: Aws,
    options: Options,
    settled: BTreeMap<Unit, (ObjectId, Timestamp)>,
    pasts: Arc<Mutex<Pasts>>,
}

/// What commits of the past asked for, by folder and commit: they do not change, and reading one
/// costs as much as reading the present. Another `trueup.yaml` forgets them.
#[derive(Default)]
struct Pasts {
    installation: Option<Installation>,
    known: BTreeMap<(String, ObjectId), Past>,
}

impl Pasts {
    fn of(&mut self, installation: &Installation, folder: &str, snapshot: &Snapshot) -> Past {
        if self.installation.as_ref() != Some(installation) || self.known.len() >= PASTS_MAX {
            *self = Self {
                installation: Some(installation.clone()),
                known: BTreeMap::new(),
            };
        }
        let key = (folder.to_owned(), snapshot.commit.clone());
        self.known
            .entry(key)
            .or_insert_with(|| past(installation, folder, snapshot))
            .clone()
    }
}

impl Reconciler {
    /// Opens the repository's mirror.
    pub async fn open(options: Options, aws: Aws) -> Result<Self, ReconcileError> {
        let (cache, source) = (options.cache.clone(), options.source.clone());
        let mirror = spawn_blocking(move || Mirror::open(&cache, source)).await??;
        Ok(Self {
            mirror: Arc::new(Mutex::new(mirror)),
            aws,
            options,
            settled: BTreeMap::new(),
            pasts: Arc::default(),
        })
    }

    /// What is reconciled.
    pub fn source(&self) -> &Source {
        &self.options.source
    }

    /// Asks the remote where its branches are.
    pub async fn fetch(&self) -> Result<Fetched, ReconcileError> {
        let now = self.options.clock.now();
        Ok(self.with_mirror(move |mirror| mirror.fetch(now)).await??)
    }

    /// One pass over what was fetched.
    pub async fn pass(
        &mut self,
        fetched: &Fetched,
        mode: Mode,
    ) -> Result<RepositoryPass, ReconcileError> {
        let at = self.options.clock.now();
        let commit = fetched.tip.clone();
        let snapshot = self
            .with_mirror(move |mirror| mirror.snapshot(&commit, None))
            .await??;
        let snapshot = Arc::new(snapshot);
        let Loaded {
            installation,
            models,
            diagnostics,
        } = load(&snapshot);
        let mut pass = RepositoryPass {
            branch: fetched.branch.clone(),
            commit: fetched.tip.clone(),
            at,
            diagnostics,
            models: Vec::new(),
            writes: Vec::new(),
            snapshot: snapshot.clone(),
        };
        let Some(installation) = installation else {
            return Ok(pass);
        };
        let repository = Repository {
            mirror: self.mirror.clone(),
            pasts: self.pasts.clone(),
            aws: self.aws.clone(),
            clock: self.options.clock.clone(),
            installation,
            snapshot,
            branch: fetched.branch.clone(),
            branches: fetched.branches.keys().cloned().collect(),
            hints: self.hints(&fetched.tip),
            mode,
        };
        pass.models = models_in_parallel(Arc::new(repository), models).await;
        if mode == Mode::Apply {
            pass.writes = self.write(&pass.models).await?;
        }
        self.remember(&pass);
        Ok(pass)
    }

    /// Units that were in sync with this very commit: what differs now is drift.
    fn hints(&self, commit: &ObjectId) -> BTreeMap<Unit, Hints> {
        let same = self.settled.iter().filter(|(_, (seen, _))| seen == commit);
        same.map(|(unit, (_, at))| {
            (
                unit.clone(),
                Hints {
                    settled_at: Some(*at),
                },
            )
        })
        .collect()
    }

    fn remember(&mut self, pass: &RepositoryPass) {
        let units = pass
            .models
            .iter()
            .filter_map(|model| model.pass.as_ref())
            .flat_map(|pass| &pass.units);
        for unit in units.filter(|unit| unit.is_settled()) {
            self.settled
                .insert(unit.plan.unit.clone(), (pass.commit.clone(), pass.at));
        }
    }

    /// Makes the commits that the models ask for: those on one branch as one commit.
    async fn write(&self, models: &[ModelReport]) -> Result<Vec<WriteReport>, ReconcileError> {
        let wanted = models
            .iter()
            .filter_map(|model| model.pass.as_ref())
            .flat_map(|pass| pass.writes.clone());
        let (author, now) = (self.options.author.clone(), self.options.clock.now());
        let mut reports = Vec::new();
        for write in batched(wanted) {
            let author = author.clone();
            let sent = write.clone();
            let written = self
                .with_mirror(move |mirror| mirror.write(&sent, &author, now))
                .await?;
            reports.extend(report(write, written));
        }
        Ok(reports)
    }

    async fn with_mirror<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Mirror) -> T + Send + 'static,
    ) -> Result<T, JoinError> {
        with_mirror(self.mirror.clone(), work).await
    }
}

/// Git is not asynchronous: it has threads of its own, and one at a time has the mirror.
async fn with_mirror<T: Send + 'static>(
    mirror: Arc<Mutex<Mirror>>,
    work: impl FnOnce(&mut Mirror) -> T + Send + 'static,
) -> Result<T, JoinError> {
    spawn_blocking(move || work(&mut mirror.lock().unwrap_or_else(PoisonError::into_inner))).await
}

/// A branch that exists already is as good as made.
fn report(write: Write, written: Result<Written, WriteError>) -> Option<WriteReport> {
    let Write { branch, reason, .. } = write;
    let (commit, error) = match written {
        Ok(Written::Commit(commit)) => (Some(commit), None),
        Ok(Written::Nothing | Written::Exists(_)) => return None,
        Err(error) => (None, Some(format!("{error}; {}", error.help()))),
    };
    Some(WriteReport {
        branch,
        reason,
        commit,
        error,
    })
}

/// Commits on one branch become one: their files together, their messages under one title.
fn batched(writes: impl Iterator<Item = Write>) -> Vec<Write> {
    let mut batches: Vec<Write> = Vec::new();
    for write in writes {
        let same =
            |batch: &&mut Write| batch.branch == write.branch && batch.expected == write.expected;
        match batches.iter_mut().find(same) {
            Some(batch) => {
                batch.files.extend(write.files);
                batch.message = format!("{}\n{}", batch.message, write.message);
                batch.reason = format!("{}; {}", batch.reason, write.reason);
            }
            None => batches.push(write),
        }
    }
    batches
}

/// What all models of one pass share.
struct Repository {
    mirror: Arc<Mutex<Mirror>>,
    pasts: Arc<Mutex<Pasts>>,
    aws: Aws,
    clock: Arc<dyn Clock>,
    installation: Installation,
    snapshot: Arc<Snapshot>,
    branch: String,
    branches: BTreeSet<String>,
    hints: BTreeMap<Unit, Hints>,
    mode: Mode,
}

/// Each model by itself, panics included.
async fn models_in_parallel(
    repository: Arc<Repository>,
    models: Vec<LoadedModel>,
) -> Vec<ModelReport> {
    let mut tasks = JoinSet::new();
    let mut reports: Vec<ModelReport> = Vec::new();
    let mut places = BTreeMap::new();
    for (place, model) in models.into_iter().enumerate() {
        reports.push(ModelReport {
            name: model.name.clone().unwrap_or_else(|| model.folder.clone()),
            folder: model.folder.clone(),
            diagnostics: model.diagnostics.clone(),
            releases: model.releases.clone(),
            pass: None,
            defect: None,
        });
        let repository = repository.clone();
        let task = tasks.spawn(async move { repository.model(model).await });
        places.insert(task.id(), place);
    }
    while let Some(ended) = tasks.join_next_with_id().await {
        let (id, outcome) = match ended {
            Ok((id, outcome)) => (id, outcome),
            Err(error) => (
                error.id(),
                Err(Broken::Defect(format!("the pass broke off: {error}"))),
            ),
        };
        let Some(report) = places.get(&id).and_then(|place| reports.get_mut(*place)) else {
            continue;
        };
        match outcome {
            Ok(pass) => report.pass = Some(pass),
            Err(Broken::Files(finding)) => report.diagnostics.extend(finding),
            Err(Broken::Defect(words)) => report.defect = Some(words),
        }
    }
    reports
}

/// Why a model had no pass.
enum Broken {
    /// Its files do not allow one; a finding that is not among the loader's.
    Files(Option<Diagnostic>),
    /// A defect of trueup's.
    Defect(String),
}

impl Repository {
    async fn model(self: Arc<Self>, model: LoadedModel) -> Result<ModelPass, Broken> {
        let config = model.config.clone().ok_or(Broken::Files(None))?;
        let prepared = prepare(&self.installation, &model, &config, &self.snapshot)
            .map_err(|finding| Broken::Files(Some(*finding)))?;
        let units = self.units(&prepared, &model).await?;
        let mirror = self.mirror.clone();
        let concluded = with_mirror(mirror, move |mirror| {
            let standing = Standing {
                snapshot: &self.snapshot,
                branch: &self.branch,
                branches: &self.branches,
            };
            let history = || {
                let snapshots = mirror
                    .history(&self.snapshot.commit, &model.folder, HISTORY_COMMITS_MAX)
                    .map_while(Result::ok);
                snapshots.map(|snapshot| {
                    let mut pasts = self.pasts.lock().unwrap_or_else(PoisonError::into_inner);
                    pasts.of(&self.installation, &model.folder, &snapshot)
                })
            };
            conclude(
                (&model, &config),
                &prepared,
                units,
                standing,
                history,
                self.clock.now(),
            )
        });
        concluded
            .await
            .map_err(|error| Broken::Defect(error.to_string()))
    }

    async fn units(
        self: &Arc<Self>,
        prepared: &Prepared,
        model: &LoadedModel,
    ) -> Result<Vec<UnitPass>, Broken> {
        let mut units = Vec::new();
        for pass in prepared.passes(&self.hints, self.mode) {
            let unit = drive(pass, &self.aws, self.clock.as_ref()).await;
            let mut unit =
                unit.ok_or_else(|| Broken::Defect("a pass ended before it had looked".to_owned()))?;
            if unit.unreviewed {
                let verdict = self.clone().verdict(model.clone(), unit.clone()).await;
                if let Some(steps) = unit.judged(verdict?) {
                    unit.acted(drive(steps, &self.aws, self.clock.as_ref()).await);
                }
            }
            units.push(unit);
        }
        Ok(units)
    }

    /// Judges a release that was merged, by the history of its file.
    async fn verdict(
        self: Arc<Self>,
        model: LoadedModel,
        unit: UnitPass,
    ) -> Result<Verdict, Broken> {
        let judged = with_mirror(self.mirror.clone(), move |mirror| {
            let snapshots =
                mirror.history(&self.snapshot.commit, &model.folder, REVIEW_COMMITS_MAX);
            let history = snapshots.map(|snapshot| {
                let snapshot = snapshot?;
                let mut pasts = self.pasts.lock().unwrap_or_else(PoisonError::into_inner);
                Ok::<_, GitError>(pasts.of(&self.installation, &model.folder, &snapshot))
            });
            review(&model, &unit, history)
        });
        judged
            .await
            .map_err(|error| Broken::Defect(error.to_string()))
    }
}

/// Drives a machine over AWS: the calls that it hands out together go out together.
pub async fn drive<M: Machine>(mut machine: M, aws: &Aws, clock: &dyn Clock) -> M::Output {
    let mut open = JoinSet::new();
    while let Next::Calls(calls) = machine.next(clock.now()) {
        for (id, call) in calls {
            let aws = aws.clone();
            open.spawn(async move { (id, aws.call(&call).await) });
        }
        match open.join_next().await {
            Some(Ok((id, answer))) => machine.done(id, answer, clock.now()),
            // A lost task leaves its call unanswered: the machine reports it as unknown.
            Some(Err(_)) | None => break,
        }
    }
    machine.finish()
}
