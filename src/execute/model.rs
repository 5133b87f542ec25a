//! One pass over one model: every unit of it, then the releases.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use super::pass::{Mode, Pass, UnitPass};
use crate::clock::{SignedDuration, Timestamp};
use crate::compile::run::{Identity, identity};
use crate::compile::{CompileError, Subject, home, serve};
use crate::config::installation::Installation;
use crate::config::model::ModelConfig;
use crate::config::{LoadedModel, load_model, quarantine_file, release_file};
use crate::diagnostic::{Diagnostic, Span};
use crate::limits::KEPT_RELEASES;
use crate::plan::planner::Hints;
use crate::plan::release::{Past, PastRelease, Releases, Served, decide};
use crate::plan::report::State;
use crate::plan::review::{Review, Verdict};
use crate::plan::rollback::{Place, Return};
use crate::plan::upstream::Upstream;
use crate::release::{MAIN_SLOT, Release};
use crate::resource::broken::Broken;
use crate::resource::desired::{Desired, Origin};
use crate::resource::kind::Naming;
use crate::snapshot::{Snapshot, Write};

/// A model that is ready to be passed over.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// What it is to be, unit by unit: home first, then the environments in order of promotion.
    pub desired: Vec<Desired>,
    /// What it asks to be trained and served.
    pub identity: Identity,
    /// The environments that follow another, with what is wanted there: what is merged for them is
    /// reviewed, and rolls after it has proven itself there.
    later: BTreeMap<String, Upstream>,
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
            "F003",
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
    let environments = subject.config.environments.iter();
    let later = environments.filter_map(|environment| {
        let from = environment.promote.from.clone()?;
        let soak = i64::try_from(environment.promote.soak.0).unwrap_or(i64::MAX);
        let soak = SignedDuration::from_secs(soak);
        let upstream = upstream(&desired, from, soak);
        Some((environment.name.clone(), upstream))
    });
    let later = later.collect();
    Ok(Prepared {
        desired,
        identity: identity(subject)?,
        later,
    })
}

/// An environment that another follows, before anything of it was looked at.
fn upstream(desired: &[Desired], environment: String, soak: SignedDuration) -> Upstream {
    let mut units = desired.iter();
    let unit = units.find(|one| one.unit.place == environment);
    let resources = unit.map_or(&[][..], |one| &one.resources).iter();
    let wanted = resources.filter(|one| one.kind.naming == Naming::Digest);
    Upstream {
        wanted: wanted.cloned().collect(),
        environment,
        converged_since: None,
        moves: false,
        soak,
    }
}

pub(super) fn subject<'a>(
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

pub(super) fn origin(model: &LoadedModel, pointer: &str) -> Option<Origin> {
    let Span { file, line, .. } = span(model, pointer);
    (line > 0).then_some(Origin { file, line })
}

impl Prepared {
    /// The machine that passes over one of the units, which come in order, each driven to its end before
    /// the next. One that comes back unreviewed is to be judged (see [`review`]), and the steps that
    /// this allows are to be driven.
    pub fn pass(&self, desired: Desired, hints: Hints, mode: Mode) -> Pass {
        let reviewed = self.later.contains_key(&desired.unit.place);
        let pass = Pass::new(desired, hints, mode);
        if reviewed { pass.with_review() } else { pass }
    }

    /// The same pass once the units before it are passed over: what is to roll in an environment waits
    /// for what became of it in the one before.
    #[must_use]
    pub fn after(&self, pass: Pass, done: &[UnitPass]) -> Pass {
        let Some(upstream) = self.later.get(&pass.unit().place) else {
            return pass;
        };
        let mut done = done.iter();
        let unit = done.find(|unit| unit.plan.unit.place == upstream.environment);
        pass.with_upstream(Upstream {
            converged_since: unit.and_then(|unit| unit.converged_since),
            moves: unit.is_some_and(|unit| unit.in_motion() || !unit.plan.is_empty()),
            ..upstream.clone()
        })
    }
}

/// Judges the release of a unit that came back unreviewed. `history` yields the model's commits,
/// newest first (see [`past`]); it is only read as far as the verdict needs.
pub fn review<E: Display>(
    model: &LoadedModel,
    unit: &UnitPass,
    history: impl Iterator<Item = Result<Past, E>>,
) -> Verdict {
    let environment = &unit.plan.unit.place;
    let ordered = unit.in_force.as_ref();
    let release = match ordered {
        Some(order) => Some(&order.back.release),
        None => model.releases.get(environment),
    };
    let Some(release) = release else {
        return Verdict::Goes;
    };
    let history = ordered
        .map(|order| Ok(order.past()))
        .into_iter()
        .chain(history);
    let review = Review {
        environment,
        release,
        file: &release_file(&model.folder, environment),
        quarantine: &model.quarantine,
        quarantine_file: &quarantine_file(&model.folder),
    };
    review.verdict(history)
}

/// The artefacts of the last [`KEPT_RELEASES`] releases of an environment: what serves them is kept.
/// `history` yields the model's commits, newest first (see [`past`]). `None` where it cannot be read.
pub fn kept<E>(
    environment: &str,
    history: impl Iterator<Item = Result<Past, E>>,
) -> Option<BTreeSet<String>> {
    let (mut files, mut kept) = (BTreeSet::new(), BTreeSet::new());
    for past in history {
        if let Some(release) = past.ok()?.releases.remove(environment) {
            files.insert(release.file);
            if files.len() > KEPT_RELEASES {
                break;
            }
            kept.extend(release.artefacts);
        }
    }
    Some(kept)
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
    let returns = returns(&units);
    if !returns.is_empty() {
        let filing = filing((model, config), &returns, standing);
        let writes = filing.into_iter().collect();
        return ModelPass { units, writes };
    }
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

/// What the orders that are in force return to. While there are any nothing is released: what the
/// commit's releases say is not what is served.
fn returns(units: &[UnitPass]) -> Vec<Return> {
    let orders = units.iter().filter_map(|unit| unit.in_force.as_ref());
    orders.map(|order| order.back.clone()).collect()
}

/// The commit that files them.
fn filing(
    (model, config): (&LoadedModel, &ModelConfig),
    returns: &[Return],
    standing: Standing<'_>,
) -> Option<Write> {
    let place = Place {
        model: &config.name,
        folder: &model.folder,
        branch: standing.branch,
        snapshot: standing.snapshot,
        releases: &model.releases,
        quarantine: &model.quarantine,
    };
    place.commit(returns)
}

/// One commit of the past, as far as releases go.
pub fn past(installation: &Installation, folder: &str, snapshot: &Snapshot) -> Past {
    let model = load_model(snapshot, folder, installation);
    let said = |environment: &str, release: &Release| {
        let packages = release.packages.values();
        let file = snapshot.files.get(&release_file(folder, environment))?;
        Some(PastRelease {
            package: release.main()?.arn.clone(),
            previous: release.previous.get(MAIN_SLOT).cloned(),
            file: file.blob.0.clone(),
            artefacts: packages.map(|one| one.model_data.uri.clone()).collect(),
        })
    };
    let releases = model
        .releases
        .iter()
        .filter_map(|(environment, release)| {
            Some((environment.clone(), said(environment, release)?))
        })
        .collect();
    let origin = |_: &str| None;
    let identity = model.config.as_ref().and_then(|config| {
        identity(&subject(installation, &model, config, snapshot, &origin)).ok()
    });
    Past { identity, releases }
}
