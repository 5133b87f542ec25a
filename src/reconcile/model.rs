//! One pass over one model, from its files to the commits that it asks for.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::{JoinError, JoinSet, spawn_blocking};

use super::lease::Gate;
use super::memory::Memory;
use super::past::Pasts;
use super::report::ModelReport;
use super::revision::Revision;
use super::{Approval, Options};
use crate::aws::{Aws, Role, Roles};
use crate::clock::Clock;
use crate::cloud::{Machine, Next};
use crate::config::installation::Installation;
use crate::config::{LoadedModel, load_model, release_file};
use crate::execute::model::{ModelPass, Prepared, Standing, conclude, kept, prepare, review};
use crate::execute::overriding::{InForce, Ordered, compiled, judge};
use crate::execute::pass::{Mode, Pass, UnitPass};
use crate::execute::permit::Permit;
use crate::execute::steps::Steps;
use crate::git::{GitError, Mirror};
use crate::limits::{HISTORY_COMMITS_MAX, REVIEW_COMMITS_MAX};
use crate::plan::overriding::Override;
use crate::plan::planner::Hints;
use crate::plan::release::Past;
use crate::plan::review::Verdict;
use crate::snapshot::{ObjectId, Snapshot};

/// What the passes over one repository share.
pub(super) struct Shared {
    mirror: Mutex<Mirror>,
    aws: Mutex<Aws>,
    gate: Mutex<Option<Gate>>,
    clock: Arc<dyn Clock>,
    probe: Option<fn(&str)>,
    memory: Mutex<Memory>,
    pasts: Mutex<Pasts>,
}

/// What a pass changes things with.
struct Hand {
    aws: Aws,
    permit: Permit,
}

/// One model of one revision, read and compiled.
pub(super) struct Ready {
    model: LoadedModel,
    prepared: Option<Prepared>,
    files: Arc<Snapshot>,
}

impl Shared {
    pub(super) fn new(mirror: Mirror, aws: Aws, options: &Options) -> Self {
        Self {
            mirror: Mutex::new(mirror),
            aws: Mutex::new(aws),
            gate: Mutex::default(),
            clock: options.clock.clone(),
            probe: options.probe,
            memory: Mutex::default(),
            pasts: Mutex::default(),
        }
    }

    pub(super) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    pub(super) fn aws(&self) -> Aws {
        let aws = self.aws.lock().unwrap_or_else(PoisonError::into_inner);
        aws.clone()
    }

    /// From now on, nothing is changed but through the gate of a lease.
    pub(super) fn act_through(&self, gate: &Gate) {
        let mut held = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        *held = Some(gate.clone());
    }

    fn gate(&self) -> Option<Gate> {
        let gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        gate.clone()
    }

    /// Whether something may be changed now.
    pub(super) fn may_change(&self) -> bool {
        self.gate().is_none_or(|gate| gate.allows())
    }

    /// From now on, calls are made as the roles that this installation names.
    pub(super) fn act_as(&self, installation: &Installation) {
        self.memory().limit(installation);
        let mut aws = self.aws.lock().unwrap_or_else(PoisonError::into_inner);
        *aws = aws.with_roles(&roles(installation));
    }

    /// What a pass changes things with: through the gate, where there is one.
    fn hand(&self) -> Hand {
        let (aws, gate) = (self.aws(), self.gate());
        let Some(gate) = gate else {
            let permit = Permit::always();
            return Hand { aws, permit };
        };
        let permit = gate.permit().clone();
        Hand {
            aws: aws.where_allowed(move || gate.allows()),
            permit,
        }
    }

    /// Git is not asynchronous: it has threads of its own, and one at a time has the mirror.
    pub(super) async fn with_mirror<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self, &mut Mirror) -> T + Send + 'static,
    ) -> Result<T, JoinError> {
        let shared = self.clone();
        spawn_blocking(move || {
            let mut mirror = shared.mirror.lock().unwrap_or_else(PoisonError::into_inner);
            work(&shared, &mut mirror)
        })
        .await
    }

    /// Passes over the model in `folder` of `revision`.
    pub(super) async fn pass(
        self: Arc<Self>,
        revision: Arc<Revision>,
        folder: String,
        mode: Mode,
        approval: Option<Arc<Approval>>,
    ) -> ModelReport {
        if let Some(probe) = self.probe {
            probe(&folder);
        }
        let at = self.clock.now();
        let ready = match self.ready(&revision, &folder).await {
            Ok(ready) => ready,
            Err(why) => return ModelReport::broken_off(&folder, why),
        };
        let mut report = ready.report();
        if ready.prepared.is_some() {
            match self.over(revision, ready, mode, approval).await {
                Ok((pass, had_turn)) => {
                    report.had_turn = had_turn;
                    self.memory().remember(&folder, &pass, at);
                    report.pass = Some(pass);
                }
                Err(why) => report.defect = Some(why),
            }
        }
        report
    }

    /// The model as it was read last, or read now.
    async fn ready(
        self: &Arc<Self>,
        revision: &Arc<Revision>,
        folder: &str,
    ) -> Result<Arc<Ready>, String> {
        let kept = self.memory().ready(folder);
        if let Some(ready) = kept.filter(|ready| ready.files.commit == revision.commit) {
            return Ok(ready);
        }
        let (asked, at) = (revision.clone(), folder.to_owned());
        let read = self.with_mirror(move |shared, mirror| {
            let installation = asked.installation.as_ref().ok_or("no installation")?;
            let (files, mut model) = read(mirror, &asked, installation, &at)
                .map_err(|error| format!("the model's files could not be read: {error}"))?;
            shared.memory().census.refuse(&mut model);
            Ok::<_, String>(Arc::new(Ready::new(installation, model, files)))
        });
        let ready = read.await.map_err(broken)??;
        self.memory().keep(folder, &ready);
        Ok(ready)
    }

    /// Passes over every unit; also gives whether one has had its turn.
    async fn over(
        self: &Arc<Self>,
        revision: Arc<Revision>,
        ready: Arc<Ready>,
        mode: Mode,
        approval: Option<Arc<Approval>>,
    ) -> Result<(ModelPass, bool), String> {
        let prepared = ready.prepared.as_ref().ok_or("the model is not compiled")?;
        let now = self.clock.now();
        let hints = self.memory().hints(prepared, &ready.model.folder, now);
        let (mut units, mut had_turn, hand) = (Vec::new(), false, self.hand());
        for desired in &prepared.desired {
            let fresh = || {
                let hints = hints.get(&desired.unit).cloned().unwrap_or_default();
                prepared.pass(desired.clone(), hints, mode)
            };
            let bound = |pass: Pass| {
                let pass = prepared.after(pass, &units);
                match &approval {
                    // All of it was approved at once.
                    Some(approval) => {
                        let approved = approval.of(pass.unit());
                        pass.with_approval(approved)
                    }
                    None => pass.with_turns(),
                }
            };
            let mut unit = self
                .over_unit(&revision, &ready, bound(fresh()), &hand)
                .await?;
            let again = self
                .ordered(&revision, &ready, &mut unit, fresh, mode)
                .await?;
            if let Some(pass) = again {
                unit = self
                    .over_unit(&revision, &ready, bound(pass), &hand)
                    .await?;
            }
            if mode == Mode::Apply {
                let folder = &ready.model.folder;
                had_turn |= self.memory().turns.note(folder, &unit);
            }
            units.push(unit);
        }
        let concluded = self
            .with_mirror(move |shared, mirror| shared.conclude(mirror, &revision, &ready, units));
        Ok((concluded.await.map_err(broken)??, had_turn))
    }

    /// Passes over one unit: looks, asks what a look cannot tell, and acts.
    async fn over_unit(
        self: &Arc<Self>,
        revision: &Arc<Revision>,
        ready: &Arc<Ready>,
        pass: Pass,
        hand: &Hand,
    ) -> Result<UnitPass, String> {
        let unit = drive(pass.under(&hand.permit), &hand.aws, self.clock()).await;
        let mut unit = unit.ok_or("a pass ended before it had looked")?;
        if unit.unreviewed {
            let verdict = self.verdict(revision, ready, &unit).await?;
            let steps = unit.judged(verdict);
            self.act(steps, hand, &mut unit).await;
        }
        if unit.unturned {
            let turn = self.memory().turns.ask(&ready.model.folder, &unit);
            let steps = unit.turn(turn);
            self.act(steps, hand, &mut unit).await;
        }
        if !unit.collectable.is_empty() {
            let kept = self.kept(revision, ready, &unit).await?;
            let steps = unit.collect(kept.as_ref());
            self.act(steps, hand, &mut unit).await;
        }
        Ok(unit)
    }

    /// Takes the steps that a unit was allowed, if any, and tells it what came of them.
    async fn act(&self, steps: Option<Steps>, hand: &Hand, unit: &mut UnitPass) {
        if let Some(steps) = steps {
            unit.acted(drive(steps.under(&hand.permit), &hand.aws, self.clock()).await);
        }
    }

    /// The pass that an order on the endpoint leads to; `None`: to none.
    async fn ordered(
        self: &Arc<Self>,
        revision: &Arc<Revision>,
        ready: &Arc<Ready>,
        unit: &mut UnitPass,
        fresh: impl FnOnce() -> Pass,
        mode: Mode,
    ) -> Result<Option<Pass>, String> {
        let Some(order) = unit.ordered.clone() else {
            return Ok(None);
        };
        match self.judge(revision, ready, unit, order).await? {
            Ordered::Held(why) => {
                unit.hold_order(&why);
                Ok(None)
            }
            Ordered::Void => Ok(Some(fresh().without_orders())),
            Ordered::Serve(order) => {
                let pass = ready.following(revision, *order, mode);
                let pass = pass.ok_or("the earlier release does not compile")?;
                Ok(Some(pass))
            }
        }
    }

    /// Judges an order that an endpoint carries, by the history of its release file.
    async fn judge(
        self: &Arc<Self>,
        revision: &Arc<Revision>,
        ready: &Arc<Ready>,
        unit: &UnitPass,
        order: Override,
    ) -> Result<Ordered, String> {
        let (revision, ready) = (revision.clone(), ready.clone());
        let place = unit.plan.unit.place.clone();
        let judged = self.with_mirror(move |_, mirror| {
            let path = release_file(&ready.model.folder, &place);
            let history = mirror.versions(&revision.commit, &path, REVIEW_COMMITS_MAX);
            let text = |blob: &ObjectId| mirror.text_of(blob);
            judge((&ready.model, &place), &order, history, text)
        });
        judged.await.map_err(broken)
    }

    /// The artefacts that a rollback may need.
    async fn kept(
        self: &Arc<Self>,
        revision: &Arc<Revision>,
        ready: &Arc<Ready>,
        unit: &UnitPass,
    ) -> Result<Option<BTreeSet<String>>, String> {
        let (revision, ready) = (revision.clone(), ready.clone());
        let place = unit.plan.unit.place.clone();
        let read = self.with_mirror(move |shared, mirror| {
            let folder = &ready.model.folder;
            kept(
                &place,
                shared.history(mirror, &revision, folder, HISTORY_COMMITS_MAX),
            )
        });
        read.await.map_err(broken)
    }

    /// Judges a release that was merged, by the history of its file.
    async fn verdict(
        self: &Arc<Self>,
        revision: &Arc<Revision>,
        ready: &Arc<Ready>,
        unit: &UnitPass,
    ) -> Result<Verdict, String> {
        let (revision, ready, unit) = (revision.clone(), ready.clone(), unit.clone());
        let judged = self.with_mirror(move |shared, mirror| {
            let history =
                shared.history(mirror, &revision, &ready.model.folder, REVIEW_COMMITS_MAX);
            review(&ready.model, &unit, history)
        });
        judged.await.map_err(broken)
    }

    /// What the model's commits asked for, the newest first.
    fn history<'a>(
        &'a self,
        mirror: &'a Mirror,
        revision: &'a Revision,
        folder: &'a str,
        limit: usize,
    ) -> impl Iterator<Item = Result<Past, GitError>> + 'a {
        let installation = revision.installation.iter();
        installation.flat_map(move |installation| {
            let snapshots = mirror.history(&revision.commit, folder, limit);
            snapshots.map(move |snapshot| {
                let snapshot = snapshot?;
                let mut pasts = self.pasts.lock().unwrap_or_else(PoisonError::into_inner);
                Ok(pasts.of(installation, folder, &snapshot))
            })
        })
    }

    /// Decides what is to be released. History is only walked where something would be written.
    fn conclude(
        &self,
        mirror: &Mirror,
        revision: &Revision,
        ready: &Ready,
        units: Vec<UnitPass>,
    ) -> Result<ModelPass, String> {
        let (Some(config), Some(prepared)) = (&ready.model.config, &ready.prepared) else {
            return Err("the model is not compiled".to_owned());
        };
        let branches: BTreeSet<_> = revision.branches.keys().cloned().collect();
        let standing = Standing {
            snapshot: &ready.files,
            branch: &revision.branch,
            branches: &branches,
        };
        let folder = &ready.model.folder;
        let history = || {
            let history = self.history(mirror, revision, folder, HISTORY_COMMITS_MAX);
            history.map_while(Result::ok)
        };
        let now = self.clock.now();
        let model = (&ready.model, config);
        Ok(conclude(model, prepared, units, standing, history, now))
    }
}

/// The roles that an installation names for its accounts, each for the regions that are observed.
pub fn roles(installation: &Installation) -> Roles {
    let scopes = installation.scopes();
    let regions = |account: &str| {
        let own = scopes.iter().filter(|scope| scope.account == account);
        own.map(|scope| scope.region.clone()).collect()
    };
    let accounts = installation.accounts.iter();
    let roles = accounts.filter_map(|(id, account)| {
        let role = Role {
            name: account.role.clone()?,
            external_id: account.external_id.clone(),
            regions: regions(id),
        };
        Some((id.clone(), role))
    });
    roles.collect()
}

fn broken(error: JoinError) -> String {
    format!("the pass broke off: {error}")
}

/// Reads one model's files, and those that every model shares.
pub(super) fn read(
    mirror: &Mirror,
    revision: &Revision,
    installation: &Installation,
    folder: &str,
) -> Result<(Arc<Snapshot>, LoadedModel), GitError> {
    let files = match revision.tree(folder) {
        Some(tree) => mirror.with_folder(&revision.shared, folder, tree)?,
        None => Snapshot::clone(&revision.shared),
    };
    let model = load_model(&files, folder, installation);
    Ok((Arc::new(files), model))
}

impl Ready {
    fn new(installation: &Installation, mut model: LoadedModel, files: Arc<Snapshot>) -> Self {
        let prepared = model
            .config
            .as_ref()
            .map(|config| prepare(installation, &model, config, &files));
        let prepared = match prepared.transpose() {
            Ok(prepared) => prepared,
            Err(finding) => {
                model.diagnostics.push(*finding);
                None
            }
        };
        Self {
            model,
            prepared,
            files,
        }
    }

    /// The pass that follows an order. What differs from the commit is nobody's drift.
    fn following(&self, revision: &Revision, order: InForce, mode: Mode) -> Option<Pass> {
        let installation = revision.installation.as_ref()?;
        let (config, prepared) = (self.model.config.as_ref()?, self.prepared.as_ref()?);
        let desired = compiled(installation, &self.model, config, &self.files, &order.back)?;
        let pass = prepared.pass(desired, Hints::default(), mode);
        Some(pass.following(order))
    }

    fn report(&self) -> ModelReport {
        let Self { model, files, .. } = self;
        let shown = !model.diagnostics.is_empty();
        ModelReport {
            name: model.name.clone().unwrap_or_else(|| model.folder.clone()),
            diagnostics: model.diagnostics.clone(),
            files: shown.then(|| files.clone()),
            releases: model.releases.clone(),
            ..ModelReport::unread(&model.folder)
        }
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
