//! One pass over one unit: look, plan, act.

use std::sync::Arc;

use crate::clock::{Timestamp, floor_to_minute};
use crate::cloud::{CallId, Machine, Next};
use crate::plan::approval::Approved;
use crate::plan::cause::Cause;
use crate::plan::collect::collectable;
use crate::plan::observed::Observed;
use crate::plan::overriding::Override;
use crate::plan::planner::{Hints, plan};
use crate::plan::report::{Note, State};
use crate::plan::rollout::{brings, converged_since};
use crate::plan::step::Plan;
use crate::plan::upstream::Upstream;
use crate::resource::call::Answer;
use crate::resource::desired::{Desired, Key};
use crate::resource::kinds::ENDPOINT;
use crate::resource::lifecycle::Suspension;
use crate::resource::unit::Unit;

use super::inventory;
use super::observe::Observe;
use super::overriding::InForce;
use super::permit::Permit;
use super::seen;
use super::steps::{Outcome, Steps};
use super::survey::Surveying;

pub use super::unit_pass::UnitPass;

/// Whether a pass may change anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Looks and plans.
    Plan,
    /// Also acts.
    Apply,
}

/// The pass over one unit.
#[derive(Debug, Clone)]
pub struct Pass {
    desired: Arc<Desired>,
    hints: Hints,
    mode: Mode,
    reviewed: bool,
    approved: Option<Approved>,
    turns: bool,
    orders: Orders,
    permit: Permit,
    stage: Stage,
    result: Option<UnitPass>,
}

/// What is done about an order on the endpoint.
#[derive(Debug, Clone)]
enum Orders {
    /// The pass stops where there is one: whether it stands is for history to say, which a machine
    /// cannot read.
    Heed,
    /// There is none that stands.
    Ignore,
    /// This one stands, and is what the pass is over.
    Follow(Arc<InForce>),
}

#[derive(Debug, Clone)]
enum Stage {
    Look(Box<Observe>),
    Survey(Box<Observed>, Surveying),
    Act(Steps),
    Done,
}

impl Pass {
    /// A pass over what `desired` asks for.
    pub fn new(desired: Desired, hints: Hints, mode: Mode) -> Self {
        let desired = Arc::new(desired);
        let stage = Stage::Look(Box::new(Observe::new(desired.clone())));
        Self {
            desired,
            hints,
            mode,
            reviewed: false,
            approved: None,
            turns: false,
            orders: Orders::Heed,
            permit: Permit::always(),
            stage,
            result: None,
        }
    }

    /// What it is over.
    pub fn unit(&self) -> &Unit {
        &self.desired.unit
    }

    /// Takes no step that the permit does not allow at the very moment it would be taken.
    #[must_use]
    pub fn under(mut self, permit: &Permit) -> Self {
        self.permit = permit.clone();
        self
    }

    /// Stops before the steps where they bring a package that the endpoint never ran: whether it may
    /// come is for history to say, which a machine cannot read.
    #[must_use]
    pub fn with_review(mut self) -> Self {
        self.reviewed = true;
        self
    }

    /// Moves the endpoint only to what has proven itself in the environment before.
    #[must_use]
    pub fn with_upstream(mut self, upstream: Upstream) -> Self {
        self.hints.upstream = Some(upstream);
        self
    }

    /// Does as if the endpoint carried no order: the one that it carries is void.
    #[must_use]
    pub fn without_orders(mut self) -> Self {
        self.orders = Orders::Ignore;
        self
    }

    /// Follows an order that stands: what is desired is what it says.
    #[must_use]
    pub fn following(mut self, order: InForce) -> Self {
        self.orders = Orders::Follow(Arc::new(order));
        self
    }

    /// Takes no step unless the plan is this one. It is compared where it is made, so that nothing
    /// else is done even where AWS moves right before.
    #[must_use]
    pub fn with_approval(mut self, approved: Approved) -> Self {
        self.approved = Some(approved);
        self
    }

    /// Stops before the steps where they begin something that is begun only so often at once: whose
    /// turn it is depends on the fleet.
    #[must_use]
    pub fn with_turns(mut self) -> Self {
        self.turns = true;
        self
    }

    /// What may be left over is looked for where it is to be taken down, or from time to time.
    fn looked(&mut self, observed: Observed, now: Timestamp) -> Stage {
        if let Some(order) = self.order(&observed, now) {
            self.result = Some(self.stopped(order, observed));
            return Stage::Done;
        }
        if self.desired.lifecycle.is_absent() || self.hints.survey {
            return Stage::Survey(Box::new(observed), Surveying::new(&self.desired));
        }
        self.plan(observed, now)
    }

    /// An order that is to be judged before anything is done.
    fn order(&self, observed: &Observed, now: Timestamp) -> Option<Override> {
        let heeds = matches!(self.orders, Orders::Heed) && !self.desired.lifecycle.is_absent();
        let now = floor_to_minute(now);
        heeds
            .then(|| Override::of(&self.desired, observed, now))
            .flatten()
    }

    /// What a pass came to that stopped for an order.
    fn stopped(&self, order: Override, observed: Observed) -> UnitPass {
        UnitPass {
            outcome: (self.mode == Mode::Apply).then(Outcome::default),
            production: self.desired.production,
            seen: seen::resources(&self.desired, &observed),
            gaps: observed.gaps,
            ordered: Some(order),
            ..UnitPass::unplanned(&self.desired, observed.at)
        }
    }

    fn plan(&mut self, mut observed: Observed, now: Timestamp) -> Stage {
        let (mut plan, mut report) = plan(&self.desired, &observed, &self.hints, now);
        let in_force = match &self.orders {
            Orders::Follow(order) => Some(order.clone()),
            Orders::Heed | Orders::Ignore => None,
        };
        if let Some(order) = &in_force
            && let Some(endpoint) = self.desired.get(&Key::new(&ENDPOINT, ""))
        {
            report.notes.push(order.note(&endpoint.stem));
        }
        let suspension = self.desired.suspension.iter();
        let suspension = suspension.filter(|one| now < one.until && in_force.is_none());
        for suspension in suspension {
            report.notes.push(suspended(suspension, &plan));
            plan.steps.clear();
        }
        for gap in &observed.gaps {
            let words = gap.error.to_string();
            let told = |note: &Note| note.state == State::Unknown && note.message == words;
            if !report.notes.iter().any(told) {
                report.note(Cause::Unreadable, gap.what.clone(), words);
            }
        }
        let unreviewed = self.reviewed && !plan.is_empty() && brings(&self.desired, &observed);
        let approved = self.approved.as_ref();
        let unapproved = approved.and_then(|approved| approved.differs(&plan));
        let planned = !plan.is_empty() && !unreviewed && unapproved.is_none();
        let costly = plan.steps.iter().any(|step| step.effect.takes_turns());
        let unturned = self.turns && self.mode == Mode::Apply && costly && unapproved.is_none();
        let act = self.mode == Mode::Apply && planned && !unturned;
        let stage = if act {
            Stage::Act(Steps::new(&plan).under(&self.permit))
        } else {
            Stage::Done
        };
        let mut result = UnitPass {
            // What an order says is not what the commit asks for.
            converged_since: match in_force {
                Some(_) => None,
                None => converged_since(&self.desired, &observed),
            },
            ordered: None,
            in_force,
            outcome: (self.mode == Mode::Apply).then(Outcome::default),
            plan,
            report,
            unreviewed,
            unturned,
            unapproved,
            production: self.desired.production,
            collectable: Vec::new(),
            seen: seen::resources(&self.desired, &observed),
            runs: seen::runs(&observed),
            marks: Vec::new(),
            candidate: observed.candidate.take(),
            gaps: std::mem::take(&mut observed.gaps),
        };
        if result.is_settled() {
            result.marks = inventory::marks(&observed);
            // A look changes nothing, and nobody approved it.
            if self.mode == Mode::Apply && self.approved.is_none() {
                result.collectable = collectable(&self.desired, &observed, now);
            }
        }
        if !unreviewed {
            result.disapprove();
        }
        self.result = Some(result);
        stage
    }
}

/// What people are told of what a suspension keeps from being done.
fn suspended(suspension: &Suspension, plan: &Plan) -> Note {
    let waits = match plan.steps.len() {
        0 => "nothing waits".to_owned(),
        1 => "1 step waits".to_owned(),
        many => format!("{many} steps wait"),
    };
    let words = format!("suspended ({}): {waits}", suspension.reason);
    Note {
        deadline: Some(suspension.until),
        ..Note::new(Cause::Suspended, plan.unit.to_string(), words)
    }
}

impl Machine for Pass {
    type Output = Option<UnitPass>;

    fn next(&mut self, now: Timestamp) -> Next {
        loop {
            let next = match &mut self.stage {
                Stage::Look(look) => look.next(now),
                Stage::Survey(_, survey) => survey.next(now),
                Stage::Act(steps) => steps.next(now),
                Stage::Done => return Next::Done,
            };
            if next != Next::Done {
                return next;
            }
            self.stage = match std::mem::replace(&mut self.stage, Stage::Done) {
                Stage::Look(look) => self.looked(look.finish(), now),
                Stage::Survey(mut observed, survey) => {
                    let (survey, gaps) = survey.finish();
                    observed.survey = Some(survey);
                    observed.gaps.extend(gaps);
                    self.plan(*observed, now)
                }
                Stage::Act(steps) => {
                    if let Some(result) = &mut self.result {
                        result.acted(steps.finish());
                    }
                    Stage::Done
                }
                Stage::Done => Stage::Done,
            };
        }
    }

    fn done(&mut self, id: CallId, answer: Answer, now: Timestamp) {
        match &mut self.stage {
            Stage::Look(look) => look.done(id, answer, now),
            Stage::Survey(_, survey) => survey.done(id, answer, now),
            Stage::Act(steps) => steps.done(id, answer, now),
            Stage::Done => {}
        }
    }

    /// `None` where the pass was dropped before it had looked at everything.
    fn finish(self) -> Option<UnitPass> {
        self.result
    }
}
