//! One pass over one model: every unit of it, then the releases.

use std::collections::{BTreeMap, BTreeSet};

use super::pass::{Mode, Pass, UnitPass};
use crate::clock::Timestamp;
use crate::compile::run::{Identity, identity};
use crate::compile::{CompileError, Subject, home, serve};
use crate::config::installation::Installation;
use crate::config::model::ModelConfig;
use crate::config::{LoadedModel, load_model};
use crate::diagnostic::{Diagnostic, Span};
use crate::plan::planner::Hints;
use crate::plan::release::{Past, Releases, Served, decide};
use crate::plan::report::State;
use crate::resource::broken::Broken;
use crate::resource::desired::{Desired, Origin};
use crate::resource::unit::Unit;
use crate::snapshot::{Snapshot, Write};

/// A model that is ready to be passed over.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// What it is to be, unit by unit: home first, then the environments in order of promotion.
    pub desired: Vec<Desired>,
    /// What it asks to be trained and served.
    pub identity: Identity,
}

/// What a pass over a model came to.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelPass {
    /// The units, home first.
    pub units: Vec<UnitPass>,
    /// The commits that trueup wants to make.
    pub writes: Vec<Write>,
}

impl ModelPass {
    /// The worst state of any unit.
    pub fn state(&self) -> State {
        self.units
            .iter()
            .map(UnitPass::state)
            .max()
            .unwrap_or(State::InSync)
    }

    /// Whether nothing was left to do, in AWS or in Git.
    pub fn is_settled(&self) -> bool {
        self.writes.is_empty() && self.units.iter().all(UnitPass::is_settled)
    }
}

/// Where the repository stands, as far as releases need to know.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    /// The commit's files.
    pub snapshot: &'a Snapshot,
    /// The tracked branch.
    pub branch: &'a str,
    /// Every branch.
    pub branches: &'a BTreeSet<String>,
}

/// Compiles every unit of a model, or says what cannot be compiled, and where it is written.
pub fn prepare(
    installation: &Installation,
    model: &LoadedModel,
    config: &ModelConfig,
    snapshot: &Snapshot,
) -> Result<Prepared, Box<Diagnostic>> {
    let origin = |pointer: &str| origin(model, pointer);
    let subject = subject(installation, model, config, snapshot, &origin);
    compile(&subject).map_err(|error| {
        let mut text = error.to_string();
        if let Some(source) = std::error::Error::source(&error) {
            text = format!("{text}: {source}");
        }
        Box::new(Diagnostic::error(
            "C001",
            span(model, error.pointer()),
            text,
        ))
    })
}

fn compile(subject: &Subject<'_>) -> Result<Prepared, CompileError> {
    let mut desired = vec![home::home(subject)?];
    for environment in &subject.config.environments {
        desired.push(serve::environment(subject, environment)?);
    }
    Ok(Prepared {
        desired,
        identity: identity(subject)?,
    })
}

fn subject<'a>(
    installation: &'a Installation,
    model: &'a LoadedModel,
    config: &'a ModelConfig,
    snapshot: &'a Snapshot,
    origin: &'a dyn Fn(&str) -> Option<Origin>,
) -> Subject<'a> {
    Subject {
        installation,
        folder: &model.folder,
        config,
        pins: &model.pins,
        releases: &model.releases,
        snapshot,
        origin,
    }
}

fn span(model: &LoadedModel, pointer: &str) -> Span {
    model.origins.origin(pointer)
}

fn origin(model: &LoadedModel, pointer: &str) -> Option<Origin> {
    let Span { file, line, .. } = span(model, pointer);
    (line > 0).then_some(Origin { file, line })
}

impl Prepared {
    /// The machines that pass over the units, in order. Each is driven to its end before the next.
    pub fn passes(&self, hints: &BTreeMap<Unit, Hints>, mode: Mode) -> impl Iterator<Item = Pass> {
        self.desired.iter().map(move |desired| {
            let hints = hints.get(&desired.unit).copied().unwrap_or_default();
            Pass::new(desired.clone(), hints, mode)
        })
    }
}

/// Ends the pass over a model: decides what is to be released, from what its units came to.
/// `history` yields the model's commits, newest first (see [`past`]); it is only asked where
/// something would be written.
pub fn conclude<I: Iterator<Item = Past>>(
    (model, config): (&LoadedModel, &ModelConfig),
    prepared: &Prepared,
    mut units: Vec<UnitPass>,
    standing: Standing<'_>,
    history: impl Fn() -> I,
    now: Timestamp,
) -> ModelPass {
    let served: BTreeMap<_, _> = units
        .iter()
        .map(|unit| {
            (
                unit.plan.unit.place.clone(),
                Served {
                    converged_since: unit.converged_since,
                },
            )
        })
        .collect();
    let candidate = units.iter().find_map(|unit| unit.candidate.clone());
    let releases = Releases {
        config,
        folder: &model.folder,
        snapshot: standing.snapshot,
        branch: standing.branch,
        branches: standing.branches,
        committed: &model.releases,
        quarantine: &model
            .quarantine
            .iter()
            .map(|one| one.package.clone())
            .collect(),
        identity: &prepared.identity,
        candidate: candidate.as_ref(),
        served: &served,
        now,
        broken: prepared
            .desired
            .first()
            .map_or(Broken::Nothing, |home| home.broken),
    };
    let (writes, notes) = decide(&releases, history);
    for (environment, note) in notes {
        if let Some(unit) = units
            .iter_mut()
            .find(|unit| unit.plan.unit.place == environment)
        {
            unit.report.notes.push(note);
        }
    }
    ModelPass { units, writes }
}

/// One commit of the past, as far as releases go.
pub fn past(installation: &Installation, folder: &str, snapshot: &Snapshot) -> Past {
    let model = load_model(snapshot, folder, installation);
    let releases = model
        .releases
        .iter()
        .filter_map(|(environment, release)| {
            Some((environment.clone(), release.main()?.arn.clone()))
        })
        .collect();
    let origin = |_: &str| None;
    let identity = model.config.as_ref().and_then(|config| {
        identity(&subject(installation, &model, config, snapshot, &origin)).ok()
    });
    Past { identity, releases }
}
