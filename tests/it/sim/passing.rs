//! One pass over the repository, as the reconciler composes it, one call at a time: so that two
//! daemons can take turns, and a process can die between any two calls.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use trueup::clock::Timestamp;
use trueup::cloud::{CallId, Machine as _, Next};
use trueup::config::release_file;
use trueup::execute::flaps::Flaps;
use trueup::execute::model::{Standing, conclude, kept, review};
use trueup::execute::overriding::{Ordered, compiled, judge};
use trueup::execute::pass::{Mode, Pass, UnitPass};
use trueup::execute::permit::Permit;
use trueup::execute::steps::Steps;
use trueup::plan::overriding::Override;
use trueup::plan::planner::Hints;
use trueup::resource::broken::Broken;
use trueup::resource::call::{Answer, Call, OpError};
use trueup::resource::unit::Unit;
use trueup::snapshot::{ObjectId, Write};

use super::forge::MAIN;
use super::present::{Present, past_of, present};
use super::stage::{Stage, Sweep};
use super::weather::{Fate, Moment, Sight, Weather};

/// What is driven.
enum Driven {
    Pass(Box<Pass>),
    /// The steps of a unit that was judged by history.
    Steps(Box<UnitPass>, Steps),
}

/// A pass that is going on.
pub(crate) struct Passing {
    daemon: usize,
    mode: Mode,
    permit: Permit,
    now: Timestamp,
    commit: ObjectId,
    present: Arc<Present>,
    hints: BTreeMap<Unit, Hints>,
    model: usize,
    unit: usize,
    machine: Option<Driven>,
    open: Vec<(CallId, Call)>,
    /// The changes of the unit at hand, as they were called.
    called: Vec<Call>,
    units: Vec<UnitPass>,
    writes: Vec<Write>,
    sweep: Sweep,
}

impl Passing {
    /// A pass of a daemon over the newest commit, or the one before if its Git server lags.
    pub(crate) fn new(stage: &Stage, daemon: usize, mode: Mode, lag: bool, now: Timestamp) -> Self {
        let tip = stage.forge.tip(MAIN);
        let held = stage.in_force.as_ref() == Some(&tip);
        let commit = if lag && !held {
            stage.forge.parent(&tip).unwrap_or(tip)
        } else {
            tip
        };
        let present = present(&stage.forge, &commit);
        let same = stage.settled[daemon]
            .iter()
            .filter(|(_, (seen, _))| *seen == commit);
        let hints = same
            .map(|(unit, (_, at))| (unit.clone(), super::hints(Some(*at))))
            .collect();
        Self {
            daemon,
            mode,
            permit: Permit::always(),
            now,
            commit,
            sweep: Sweep::default(),
            present,
            hints,
            model: 0,
            unit: 0,
            machine: None,
            open: Vec::new(),
            called: Vec::new(),
            units: Vec::new(),
            writes: Vec::new(),
        }
    }

    /// Changes nothing that the permit does not allow.
    pub(crate) fn under(mut self, permit: &Permit) -> Self {
        self.permit = permit.clone();
        self
    }

    /// From now on it is this late.
    pub(crate) fn at(&mut self, now: Timestamp) {
        self.now = now;
    }

    /// Does one thing. `false`: there is nothing more to do, or the process died.
    pub(crate) fn step(&mut self, stage: &mut Stage, weather: &mut dyn Weather) -> bool {
        if self.sweep.crashed {
            return false;
        }
        let Some(model) = self.present.models.get(self.model) else {
            return self.write(stage, weather);
        };
        if self.unit == model.prepared.desired.len() {
            self.conclude(stage);
            return true;
        }
        if self.machine.is_none() {
            self.machine = Some(self.bound(self.pass(stage)));
        }
        if self.open.is_empty() {
            let next = match &mut self.machine {
                Some(Driven::Pass(pass)) => pass.next(self.now),
                Some(Driven::Steps(_, steps)) => steps.next(self.now),
                None => Next::Done,
            };
            match next {
                Next::Calls(calls) => self.open = calls.into_iter().rev().collect(),
                Next::Done => {
                    let Some(unit) = self.ended(stage) else {
                        return true;
                    };
                    stage.ledger.unit_done(&unit, &self.called, &stage.world);
                    self.called.clear();
                    self.units.push(unit);
                    self.unit += 1;
                }
            }
            return true;
        }
        if let Some((id, call)) = self.open.pop() {
            let Some(answer) = self.answer(&call, stage, weather) else {
                self.sweep.crashed = true;
                return false;
            };
            match &mut self.machine {
                Some(Driven::Pass(pass)) => pass.done(id, answer, self.now),
                Some(Driven::Steps(_, steps)) => steps.done(id, answer, self.now),
                None => {}
            }
        }
        true
    }

    /// The pass over the unit at hand.
    fn pass(&self, stage: &Stage) -> Pass {
        let model = &self.present.models[self.model];
        let mut desired = model.prepared.desired[self.unit].clone();
        let (_, flaps) = &stage.flaps[self.daemon];
        let hints = Hints {
            survey: stage.survey,
            removal_held: self.present.removals.get(&desired.scope).cloned(),
            quarantine: flaps.of(&model.loaded.folder, &desired.unit, self.now),
            ..self.hints.get(&desired.unit).cloned().unwrap_or_default()
        };
        desired.broken = stage.broken;
        model.prepared.pass(desired, hints, self.mode)
    }

    fn bound(&self, pass: Pass) -> Driven {
        let prepared = &self.present.models[self.model].prepared;
        let pass = prepared.after(pass.with_turns(), &self.units);
        Driven::Pass(Box::new(pass.under(&self.permit)))
    }

    /// The pass that an order on the endpoint leads to; `None`: to none.
    fn ordered(&self, stage: &Stage, unit: &mut UnitPass, order: &Override) -> Option<Driven> {
        let Present {
            models,
            installation,
            snapshot,
            ..
        } = &*self.present;
        let (model, place) = (&models[self.model], unit.plan.unit.place.clone());
        let path = release_file(&model.loaded.folder, &place);
        let history = stage.forge.versions(&self.commit, &path);
        let text = |blob: &ObjectId| Ok(stage.forge.text_of(&self.commit, &path, blob));
        let subject = (&model.loaded, place.as_str());
        let pass = match judge(subject, order, history.map(Ok::<_, String>), text) {
            Ordered::Held(why) => {
                unit.hold_order(&why);
                return None;
            }
            Ordered::Void => self.pass(stage).without_orders(),
            Ordered::Serve(order) => {
                let (loaded, config) = (&model.loaded, &model.config);
                let desired = compiled(installation, loaded, config, snapshot, &order.back);
                let mut desired = desired.expect("it compiled once");
                desired.broken = stage.broken;
                let pass = model.prepared.pass(desired, Hints::default(), self.mode);
                pass.following(*order)
            }
        };
        Some(self.bound(pass))
    }

    /// The unit whose machine has ended; `None`: history let steps be taken, which come now.
    fn ended(&mut self, stage: &mut Stage) -> Option<UnitPass> {
        let mut unit = match self.machine.take()? {
            Driven::Pass(pass) => pass.finish().expect("a pass that was driven to its end"),
            Driven::Steps(mut unit, steps) => {
                unit.acted(steps.finish());
                self.note(stage, &unit);
                return Some(*unit);
            }
        };
        if let Some(order) = unit.ordered.clone() {
            self.machine = self.ordered(stage, &mut unit, &order);
            if self.machine.is_some() {
                return None;
            }
        }
        if unit.unreviewed {
            let loaded = &self.present.models[self.model].loaded;
            let installation = &self.present.installation;
            let states = stage.forge.history(&self.commit);
            let states =
                states.map(|state| Ok::<_, String>(past_of(installation, &loaded.folder, &state)));
            let verdict = review(loaded, &unit, states);
            if let Some(steps) = unit.judged(verdict) {
                let steps = steps.under(&self.permit);
                self.machine = Some(Driven::Steps(Box::new(unit), steps));
                return None;
            }
        }
        if unit.unturned {
            let turn = stage.turns[self.daemon].ask(self.folder(), &unit);
            if let Some(steps) = unit.turn(turn) {
                let steps = steps.under(&self.permit);
                self.machine = Some(Driven::Steps(Box::new(unit), steps));
                return None;
            }
        }
        if !unit.collectable.is_empty() {
            let folder = &self.present.models[self.model].loaded.folder;
            let installation = &self.present.installation;
            let states = stage.forge.history(&self.commit);
            let states = states.map(|state| Ok::<_, String>(past_of(installation, folder, &state)));
            let kept = kept(&unit.plan.unit.place, states);
            if let Some(steps) = unit.collect(kept.as_ref()) {
                let steps = steps.under(&self.permit);
                self.machine = Some(Driven::Steps(Box::new(unit), steps));
                return None;
            }
        }
        self.note(stage, &unit);
        Some(unit)
    }

    fn folder(&self) -> &str {
        &self.present.models[self.model].loaded.folder
    }

    fn note(&self, stage: &mut Stage, unit: &UnitPass) {
        if self.mode == Mode::Apply {
            stage.turns[self.daemon].note(self.folder(), unit);
            let (commit, flaps) = &mut stage.flaps[self.daemon];
            if commit.as_ref() != Some(&self.commit) {
                (*commit, *flaps) = (Some(self.commit.clone()), Flaps::default());
            }
            flaps.note(self.folder(), unit, self.now);
        }
    }

    /// `None`: the process died.
    fn answer(
        &mut self,
        call: &Call,
        stage: &mut Stage,
        weather: &mut dyn Weather,
    ) -> Option<Answer> {
        stage.ledger.asked += 1;
        if !call.mutates() {
            return Some(look(call, stage, weather));
        }
        // As the last thing before it is sent.
        if !self.permit.allows(self.now) {
            return Some(Err(OpError::refused(call.op, "NoLease", "it ran out")));
        }
        if weather.around(Moment::Before, call.op, stage) {
            return None;
        }
        weather.meddle(call.op, stage);
        let desired = &self.present.models[self.model].prepared.desired[self.unit];
        let fate = weather.fate(call, stage);
        stage.ledger.before(call, desired, &stage.world);
        self.called.push(call.clone());
        let refused = |code: &str, words: &str| Err(OpError::refused(call.op, code, words));
        let answer = match fate {
            Fate::Made | Fate::Lost | Fate::MadeAndBroken => {
                let made = stage.world.call(stage.now, call);
                stage.ledger.after(call, &made);
                match fate {
                    Fate::Made => made,
                    Fate::Lost => Err(OpError::lost(call.op, "the answer was lost")),
                    _ => refused("InternalFailure", "an internal error"),
                }
            }
            Fate::Throttled => refused("ThrottlingException", "Rate exceeded"),
            Fate::Broken => refused("InternalFailure", "an internal error"),
            Fate::Quota => refused("ResourceLimitExceeded", "The account-level limit is 0"),
            Fate::Denied => refused("AccessDeniedException", "not authorized"),
        };
        if weather.around(Moment::After, call.op, stage) {
            return None;
        }
        Some(answer)
    }

    fn conclude(&mut self, stage: &mut Stage) {
        let present = self.present.clone();
        let model = &present.models[self.model];
        let branches = stage.forge.branches();
        let standing = Standing {
            snapshot: &present.snapshot,
            branch: MAIN,
            branches: &branches,
        };
        let history = || {
            let installation = &present.installation;
            let folder = &model.loaded.folder;
            stage
                .forge
                .history(&self.commit)
                .map(move |snapshot| past_of(installation, folder, &snapshot))
        };
        let units = std::mem::take(&mut self.units);
        let subject = (&model.loaded, &model.config);
        let mut prepared = std::borrow::Cow::Borrowed(&model.prepared);
        if stage.broken != Broken::Nothing {
            prepared.to_mut().desired[0].broken = stage.broken;
        }
        let pass = conclude(subject, &prepared, units, standing, history, self.now);
        self.writes.extend(pass.writes.iter().cloned());
        self.sweep.models.push(pass);
        self.model += 1;
        self.unit = 0;
    }

    /// Makes one commit; those of one branch are one.
    fn write(&mut self, stage: &mut Stage, weather: &mut dyn Weather) -> bool {
        let allowed = self.mode == Mode::Apply && self.permit.allows(self.now) && !stage.away;
        if !allowed || self.writes.is_empty() {
            return false;
        }
        let mut write = self.writes.remove(0);
        let same = |other: &Write| other.branch == write.branch && other.expected == write.expected;
        let (joined, rest): (Vec<_>, Vec<_>) = self.writes.drain(..).partition(same);
        self.writes = rest;
        for other in joined {
            write.files.extend(other.files);
        }
        let change = format!("commit to {}", write.branch);
        if weather.around(Moment::Before, &change, stage) {
            self.sweep.crashed = true;
            return false;
        }
        stage
            .ledger
            .write(&write, &stage.forge, &stage.world, stage.now);
        self.sweep.commits += usize::from(stage.forge.write(&write));
        if weather.around(Moment::After, &change, stage) {
            self.sweep.crashed = true;
            return false;
        }
        !self.writes.is_empty()
    }

    /// What it came to, whose it was, and which commit it was about.
    pub(crate) fn finish(self) -> (Sweep, usize, ObjectId) {
        (self.sweep, self.daemon, self.commit)
    }
}

fn look(call: &Call, stage: &mut Stage, weather: &mut dyn Weather) -> Answer {
    match weather.sight(call, stage) {
        Sight::Clear => stage.world.call(stage.now, call),
        Sight::Lost => Err(OpError::lost(call.op, "the answer was lost")),
        Sight::Throttled => Err(OpError::refused(
            call.op,
            "ThrottlingException",
            "Rate exceeded",
        )),
        Sight::Denied => Err(OpError::refused(
            call.op,
            "AccessDeniedException",
            "not authorized",
        )),
        Sight::Stale => {
            let Some(older) = &mut stage.older else {
                return stage.world.call(stage.now, call);
            };
            let then = older.now();
            Arc::make_mut(older).call(then, call)
        }
        Sight::Partial => {
            let mut short = call.clone();
            short.body["MaxResults"] = Value::from(1);
            stage.world.call(stage.now, &short)
        }
    }
}
