//! The planner: every step that is safe now, in order, and what the rest waits for.

use std::ops::Range;

use serde_json::Value;

use super::cause::Cause;
use super::drift::Quarantine;
use super::observed::Observed;
use super::report::{Note, PlanReport, State};
use super::resolve::{Resolution, Resolved, resolution};
use super::rollout;
use super::run;
use super::step::{Action, Effect, Guard, Plan, Reason, Step};
use super::upstream::Upstream;
use crate::clock::{Timestamp, floor_to_minute};
use crate::limits::{ENDPOINT_DEADLINE, PLAN_STEPS_MAX};
use crate::resource::broken::Broken;
use crate::resource::call::Call;
use crate::resource::desired::{Change, Desired, Key, Resource};
use crate::resource::kind::{FieldClass, Kind, Status};
use crate::resource::kinds::{MODEL_PACKAGE, MODEL_PACKAGE_GROUP, PIPELINE, PIPELINE_EXECUTION};

/// What is remembered of a unit, or follows from the rest of the fleet. It changes the words of a plan,
/// or makes it do less.
#[derive(Debug, Clone, Default)]
pub struct Hints {
    /// When this unit was last seen in sync with this very commit: what differs now was changed
    /// since, behind Git's back.
    pub settled_at: Option<Timestamp>,
    /// Members that were put back so often that they are left.
    pub quarantine: Quarantine,
    /// Why nothing is taken down: the commit takes down more than one commit may.
    pub removal_held: Option<String>,
    /// Whether it is time to look for what is left over.
    pub survey: bool,
    /// The environment that this one follows, as far as it has come.
    pub upstream: Option<Upstream>,
}

/// Plans one unit.
pub fn plan(
    desired: &Desired,
    observed: &Observed,
    hints: &Hints,
    now: Timestamp,
) -> (Plan, PlanReport) {
    let resolution = resolution(desired, observed);
    let mut planner = Planner {
        desired,
        observed,
        resolution: &resolution,
        hints,
        now: floor_to_minute(now),
        steps: Vec::new(),
        first: 0..0,
        report: PlanReport {
            unit: desired.unit.clone(),
            notes: Vec::new(),
            observed_at: observed.at,
        },
    };
    planner.run();
    let Planner {
        mut steps,
        mut report,
        ..
    } = planner;
    if steps.len() > PLAN_STEPS_MAX {
        let left = steps.len() - PLAN_STEPS_MAX;
        steps.truncate(PLAN_STEPS_MAX);
        report.note(
            Cause::MoreSteps,
            "plan",
            format!("{left} more steps in the next pass"),
        );
    }
    if !steps.is_empty() {
        let plural = if steps.len() == 1 { "step" } else { "steps" };
        report.note(
            Cause::StepsPlanned,
            "plan",
            format!("{} {plural}", steps.len()),
        );
    }
    let plan = Plan {
        unit: desired.unit.clone(),
        scope: desired.scope.clone(),
        steps,
    };
    (plan, report)
}

pub(super) struct Planner<'a> {
    pub(super) desired: &'a Desired,
    pub(super) observed: &'a Observed,
    pub(super) resolution: &'a Resolution,
    pub(super) hints: &'a Hints,
    pub(super) now: Timestamp,
    pub(super) steps: Vec<Step>,
    /// The steps that are taken before all others.
    pub(super) first: Range<usize>,
    pub(super) report: PlanReport,
}

impl Planner<'_> {
    fn run(&mut self) {
        let desired = self.desired;
        if desired.lifecycle.is_absent() {
            let words = "nothing is to run here";
            self.report
                .note(Cause::Absent, desired.unit.to_string(), words);
        } else if desired.resources.is_empty() {
            self.report
                .note(Cause::NoRelease, desired.unit.to_string(), "no release yet");
        }
        let before_run = |resource: &&Resource| resource.kind.rank < PIPELINE_EXECUTION.rank;
        for resource in desired.resources.iter().filter(before_run) {
            self.resource(resource);
        }
        if desired.run.is_some() {
            let ready = self
                .report
                .notes
                .iter()
                .all(|note| note.state < State::Waiting)
                || desired.broken == Broken::RunAnyway;
            let step = run::plan(desired, self.observed, ready, &mut self.report);
            self.steps
                .extend(step.map(|step| self.under_our_parent(step)));
        }
        for resource in desired
            .resources
            .iter()
            .filter(|resource| !before_run(resource))
        {
            self.resource(resource);
        }
        self.removal();
        let first = self.first.clone();
        self.steps[..first.end].rotate_right(first.len());
    }

    /// A run belongs to its pipeline and a package to its group: they must still be ours. What is
    /// made in this very pass is.
    fn under_our_parent(&self, mut step: Step) -> Step {
        let parent = if *step.kind == PIPELINE_EXECUTION {
            &PIPELINE
        } else {
            &MODEL_PACKAGE_GROUP
        };
        let of_kind = |resource: &&Resource| *resource.kind == *parent;
        if let Some(resource) = self.desired.resources.iter().find(of_kind)
            && let Some(object) = self.observed.object(parent, &resource.stem)
        {
            step.guards
                .extend(Guard::same_tags(self.desired, parent, object));
        }
        step
    }

    fn resource(&mut self, resource: &Resource) {
        let subject = subject(resource.kind, &resource.stem);
        let Some(resolved) = self.resolution.resources.get(&resource.key) else {
            self.report.note(
                Cause::NotLookedAt,
                subject,
                "it was not looked at: something before it is unknown",
            );
            return;
        };
        match resolved {
            Resolved::Unknown { name } => {
                let why = self
                    .observed
                    .gaps
                    .iter()
                    .find(|gap| gap.what == format!("{} {name}", resource.kind.name));
                let words = why.map_or_else(
                    || "it was not looked at".to_owned(),
                    |gap| gap.error.to_string(),
                );
                self.report.note(Cause::Unreadable, subject, words);
            }
            Resolved::Foreign { name } => {
                let words = format!(
                    "`{name}` exists and is not ours: its owner tag is not `{}`",
                    self.desired.owner
                );
                self.report.note(Cause::NotOurs, subject, words);
            }
            Resolved::Stuck { on } => {
                let words = format!("it waits for {} {}", on.kind, on.role);
                self.report
                    .note(Cause::WaitingForDependency, subject, words.trim_end());
            }
            Resolved::Create { name, body } => self.create(resource, name, body),
            Resolved::Exists {
                name,
                body,
                changes,
            } => self.exists(resource, name, body, changes),
        }
    }

    fn exists(&mut self, resource: &Resource, name: &str, body: &Value, changes: &[Change]) {
        let kind = resource.kind;
        let Some(object) = self.observed.object(kind, name) else {
            return;
        };
        match (kind.status)(&object.body) {
            Status::Moving(status) if self.desired.broken != Broken::MovingIsReady => {
                self.moving(kind, name, &status, &object.body);
            }
            Status::Deleting => self.moving(kind, name, "Deleting", &object.body),
            Status::Failed(reason) => {
                rollout::failed(self, resource, name, object, changes, &reason);
            }
            Status::Ready | Status::Moving(_) => {
                let missing = self.missing_tags(resource, object);
                let differs = [changes, &missing].concat();
                let brought = self.brought_about(resource, name, body, object, &differs);
                let (tags, brought): (Vec<_>, Vec<_>) = brought
                    .into_iter()
                    .partition(|change| missing.contains(change));
                self.tags(resource, name, object, tags);
                if desired_again(self.desired, kind) {
                    self.update(resource, name, body, object, changes);
                } else if differs.is_empty() {
                    self.hold(resource, name, body, object);
                    rollout::settled(self, resource, name, object);
                } else if changes.is_empty() {
                    rollout::settled(self, resource, name, object);
                } else if let Some(fixed) = brought
                    .iter()
                    .find(|change| change.class == FieldClass::CreateOnly)
                {
                    let words = format!(
                        "`{}` cannot be changed in place; give it another name",
                        fixed.path
                    );
                    self.report
                        .note(Cause::CannotChange, subject(kind, name), words);
                } else if !brought.is_empty() {
                    rollout::update(self, resource, name, body, object, &brought);
                }
            }
        }
    }

    pub(super) fn moving(&mut self, kind: &'static Kind, name: &str, status: &str, body: &Value) {
        let since = body["LastModifiedTime"].as_f64().and_then(run::timestamp);
        let deadline = since.and_then(|since| since.checked_add(ENDPOINT_DEADLINE).ok());
        let late = deadline.is_some_and(|deadline| deadline < self.now);
        let (cause, message) = if late {
            (Cause::Late, format!("it is {status}, past its deadline"))
        } else {
            (Cause::WaitingForService, format!("it is {status}"))
        };
        self.report.notes.push(Note {
            since,
            deadline,
            ..Note::new(cause, subject(kind, name), message)
        });
    }

    pub(super) fn is_ready(&self, key: &Key) -> bool {
        let Some(Resolved::Exists { name, .. }) = self.resolution.resources.get(key) else {
            return false;
        };
        crate::resource::kinds::kind(key.kind)
            .and_then(|kind| Some((kind, self.observed.object(kind, name)?)))
            .is_some_and(|(kind, object)| (kind.status)(&object.body) == Status::Ready)
    }

    pub(super) fn name_of(&self, key: &Key) -> String {
        let resolved = self.resolution.resources.get(key).and_then(Resolved::name);
        resolved.unwrap_or(&key.role).to_owned()
    }

    /// The reason in words: a commit's wish, or a change behind its back.
    pub(super) fn why(&self, wish: &str, drift: &str) -> String {
        match self.hints.settled_at {
            Some(at) => {
                let at = Timestamp::from_second(at.as_second()).unwrap_or(at);
                format!("changed behind Git's back since {at}: {drift}; it is put back")
            }
            None => format!("the commit asks for it: {wish}"),
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "they are the members of a step, in order"
    )]
    pub(super) fn push(
        &mut self,
        action: Action,
        resource: &Resource,
        name: String,
        call: Call,
        guards: Vec<Guard>,
        changes: Vec<Change>,
        effect: Effect,
        text: String,
    ) {
        let reason = Reason {
            text,
            commit: self.desired.commit.clone(),
            origin: resource.origin.clone(),
        };
        self.steps.push(Step {
            action,
            kind: resource.kind,
            name,
            call,
            guards,
            changes,
            effect,
            reason,
        });
    }
}

fn desired_again(desired: &Desired, kind: &Kind) -> bool {
    desired.broken == Broken::ApproveAlways && *kind == MODEL_PACKAGE
}

/// `Endpoint churn-production`
pub(super) fn subject(kind: &Kind, name: &str) -> String {
    format!("{} {name}", kind.name)
}
