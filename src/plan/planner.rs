//! The planner: every step that is safe now, in order, and what the rest waits for.

use std::ops::Range;

use serde_json::{Value, json};

use super::cause::Cause;
use super::observed::{Object, Observed};
use super::report::{Note, PlanReport, State};
use super::resolve::{Resolution, Resolved, resolution};
use super::rollout;
use super::run;
use super::step::{Action, Effect, Expect, Guard, Plan, Reason, Step};
use crate::clock::{Timestamp, floor_to_minute};
use crate::limits::{ENDPOINT_DEADLINE, PLAN_STEPS_MAX};
use crate::resource::broken::Broken;
use crate::resource::call::Call;
use crate::resource::canonical;
use crate::resource::desired::{Change, Desired, Key, Resource};
use crate::resource::kind::{FieldClass, Kind, Status, Update};
use crate::resource::kinds::{MODEL_PACKAGE, MODEL_PACKAGE_GROUP, PIPELINE, PIPELINE_EXECUTION};
use crate::resource::owner::{self, Tags};

/// What only changes the words of a plan.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hints {
    /// When this unit was last seen in sync with this very commit: what differs now was changed
    /// since, behind Git's back.
    pub settled_at: Option<Timestamp>,
}

/// Plans one unit.
pub fn plan(
    desired: &Desired,
    observed: &Observed,
    hints: Hints,
    now: Timestamp,
) -> (Plan, PlanReport) {
    let mut planner = Planner {
        desired,
        observed,
        resolution: resolution(desired, observed).into_owned(),
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
    pub(super) resolution: Resolution,
    hints: Hints,
    pub(super) now: Timestamp,
    pub(super) steps: Vec<Step>,
    /// The steps that are taken before all others.
    pub(super) first: Range<usize>,
    pub(super) report: PlanReport,
}

impl Planner<'_> {
    fn run(&mut self) {
        let desired = self.desired;
        if desired.resources.is_empty() {
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
            step.guards.extend(self.same_tags(parent, object));
        }
        step
    }

    fn resource(&mut self, resource: &Resource) {
        let subject = subject(resource.kind, &resource.stem);
        let Some(resolved) = self.resolution.resources.get(&resource.key).cloned() else {
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
            } => self.exists(resource, &name, &body, &changes),
        }
    }

    fn create(&mut self, resource: &Resource, name: String, body: Value) {
        let ordered = self.desired.broken != Broken::IgnoreOrder;
        let missing = resource
            .after
            .iter()
            .find(|key| ordered && !self.is_ready(key));
        if let Some(missing) = missing {
            let words = format!(
                "it is created once {} {} is ready",
                missing.kind,
                self.name_of(missing)
            );
            self.report.note(
                Cause::WaitingForDependency,
                subject(resource.kind, &name),
                words,
            );
            return;
        }
        let Some(op) = resource.kind.ops.create else {
            let words = format!("`{name}` does not exist, and only a run can make it");
            self.report
                .note(Cause::OnlyARunMakesIt, subject(resource.kind, &name), words);
            return;
        };
        let memory = rollout::creation_tags(self, resource);
        let request = create_body(self.desired, resource, &name, &body, memory);
        let mut call = Call::new(op, &self.desired.scope, request);
        if let Some(content) = &resource.content {
            match content.bytes() {
                Ok(bytes) => call.blob = Some(bytes),
                Err(error) => {
                    let words = format!("its archive cannot be made: {error}");
                    self.report
                        .note(Cause::ArchiveFailed, subject(resource.kind, &name), words);
                    return;
                }
            }
        }
        let guards = resource
            .verify
            .iter()
            .map(|(call, expect)| Guard {
                call: call.clone(),
                expect: Expect::Covers(expect.clone()),
            })
            .collect();
        let text = self.why("it does not exist", "it is gone");
        self.push(
            Action::Create,
            resource,
            name,
            call,
            guards,
            Vec::new(),
            Effect::None,
            text,
        );
    }

    fn exists(&mut self, resource: &Resource, name: &str, body: &Value, changes: &[Change]) {
        let kind = resource.kind;
        let Some(object) = self.observed.object(kind, name).cloned() else {
            return;
        };
        match (kind.status)(&object.body) {
            Status::Moving(status) if self.desired.broken != Broken::MovingIsReady => {
                self.moving(kind, name, &status, &object.body);
            }
            Status::Deleting => self.moving(kind, name, "Deleting", &object.body),
            Status::Failed(reason) => {
                rollout::failed(self, resource, name, &object, changes, &reason);
            }
            Status::Ready | Status::Moving(_) => {
                self.tags(resource, name, &object);
                if desired_again(self.desired, kind) {
                    self.update(resource, name, body, &object, changes);
                } else if changes.is_empty() {
                    rollout::settled(self, resource, name, &object);
                } else if let Some(fixed) = changes
                    .iter()
                    .find(|change| change.class == FieldClass::CreateOnly)
                {
                    let words = format!(
                        "`{}` cannot be changed in place; give it another name",
                        fixed.path
                    );
                    self.report
                        .note(Cause::CannotChange, subject(kind, name), words);
                } else {
                    rollout::update(self, resource, name, body, &object, changes);
                }
            }
        }
    }

    /// The calls that bring changes about in place.
    pub(super) fn update(
        &mut self,
        resource: &Resource,
        name: &str,
        body: &Value,
        object: &Object,
        changes: &[Change],
    ) {
        let named = resource.kind.references().next();
        let named_now = named.and_then(|(path, target)| {
            let name = object.body.pointer(path)?.as_str()?;
            Some(
                &self
                    .observed
                    .object(crate::resource::kinds::kind(target)?, name)?
                    .body,
            )
        });
        let named_wanted = named.and_then(|(path, target)| {
            let role = resource.body.pointer(path)?["$ref"].as_str()?;
            let key = Key {
                kind: target,
                role: role.to_owned(),
            };
            self.resolution
                .resources
                .get(&key)
                .and_then(|resolved| match resolved {
                    Resolved::Create { body, .. } | Resolved::Exists { body, .. } => Some(body),
                    _ => None,
                })
        });
        let update = Update {
            name,
            desired: body,
            observed: &object.body,
            changes,
            named_now,
            named_wanted,
        };
        let calls = (resource.kind.update)(&update);
        let words: Vec<_> = changes.iter().map(in_words).collect();
        let words = words.join(", ");
        let text = self.why("what runs differs", &words);
        let effect = rollout::update_effect(resource.kind, changes);
        for (op, mut body) in calls {
            if self.desired.broken == Broken::RetainNothing
                && let Some(retain) = body.get_mut("RetainAllVariantProperties")
            {
                *retain = Value::Bool(false);
            }
            let call = Call::new(op, &self.desired.scope, body);
            let guards = self.unchanged(resource.kind, name, object);
            self.push(
                Action::Update,
                resource,
                name.to_owned(),
                call,
                guards,
                changes.to_vec(),
                effect,
                text.clone(),
            );
        }
    }

    /// Configured tags that are missing or differ. Ours are set at creation and never again: a
    /// resource that lost them is not ours.
    fn tags(&mut self, resource: &Resource, name: &str, object: &Object) {
        let missing: Tags = resource
            .tags
            .iter()
            .filter(|_| self.desired.broken != Broken::BlindToTags)
            .filter(|(key, value)| object.tags.get(*key) != Some(value))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        let Some(arn) = resource.kind.arn.filter(|_| !missing.is_empty()) else {
            return;
        };
        let keys: Vec<_> = missing.keys().map(|key| format!("tag {key}")).collect();
        let changes = missing
            .iter()
            .map(|(key, value)| Change {
                path: format!("/Tags/{key}"),
                from: object.tags.get(key).map(|value| value.clone().into()),
                to: value.clone().into(),
                class: FieldClass::Live,
            })
            .collect();
        let text = self.why(
            &format!("it differs in {}", keys.join(", ")),
            &format!("{} differs", keys.join(", ")),
        );
        let call = self.add_tags(&object.body[arn], &missing);
        let guards = self.unchanged(resource.kind, name, object);
        self.push(
            Action::Update,
            resource,
            name.to_owned(),
            call,
            guards,
            changes,
            Effect::Live,
            text,
        );
    }

    /// A note in the tags of a resource.
    pub(super) fn mark(
        &mut self,
        resource: &Resource,
        name: &str,
        arn: &Value,
        tag: (&str, String),
        text: String,
    ) {
        let call = self.add_tags(arn, &Tags::from([(tag.0.to_owned(), tag.1)]));
        let object = self.observed.object(resource.kind, name);
        let guards = object.and_then(|object| self.same_tags(resource.kind, object));
        self.push(
            Action::Mark,
            resource,
            name.to_owned(),
            call,
            guards.into_iter().collect(),
            Vec::new(),
            Effect::None,
            text,
        );
    }

    fn add_tags(&self, arn: &Value, tags: &Tags) -> Call {
        Call::new(
            "AddTags",
            &self.desired.scope,
            json!({"ResourceArn": arn, "Tags": owner::to_list(tags)}),
        )
    }

    /// Takes a resource away, to make it anew.
    pub(super) fn delete(
        &mut self,
        resource: &Resource,
        name: &str,
        object: &Object,
        text: String,
    ) {
        let Some(op) = resource.kind.ops.delete else {
            return;
        };
        let call = Call::new(op, &self.desired.scope, resource.kind.located(name));
        let guards = self.unchanged(resource.kind, name, object);
        self.push(
            Action::Delete,
            resource,
            name.to_owned(),
            call,
            guards,
            Vec::new(),
            Effect::Recreate,
            text,
        );
    }

    /// The object is still as it was seen, and still ours.
    pub(super) fn unchanged(&self, kind: &'static Kind, name: &str, object: &Object) -> Vec<Guard> {
        let scope = &self.desired.scope;
        let mut guards = vec![Guard {
            call: Call::new(kind.ops.describe, scope, kind.located(name)),
            expect: Expect::Same(object.body.clone()),
        }];
        guards.extend(self.same_tags(kind, object));
        guards
    }

    /// The object's tags are still those that were seen: it is still ours.
    fn same_tags(&self, kind: &'static Kind, object: &Object) -> Option<Guard> {
        let arn = &object.body[kind
            .arn
            .filter(|_| self.desired.broken != Broken::NoGuards)?];
        let request = json!({"ResourceArn": arn});
        Some(Guard {
            call: Call::new("ListTags", &self.desired.scope, request),
            expect: Expect::Tags(object.tags.clone()),
        })
    }

    fn moving(&mut self, kind: &'static Kind, name: &str, status: &str, body: &Value) {
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

    fn is_ready(&self, key: &Key) -> bool {
        let Some(Resolved::Exists { name, .. }) = self.resolution.resources.get(key) else {
            return false;
        };
        crate::resource::kinds::kind(key.kind)
            .and_then(|kind| Some((kind, self.observed.object(kind, name)?)))
            .is_some_and(|(kind, object)| (kind.status)(&object.body) == Status::Ready)
    }

    fn name_of(&self, key: &Key) -> String {
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

/// A difference, with its values where they are short enough to read.
fn in_words(change: &Change) -> String {
    let short = |value: &Value| {
        Some(value.to_string()).filter(|text| text.len() <= SHORT_CHARS && !value.is_object())
    };
    match (change.from.as_ref().and_then(short), short(&change.to)) {
        (Some(from), Some(to)) => format!("{} is {from}, not {to}", change.path),
        _ => format!("{} differs", change.path),
    }
}

/// The longest value that a reason quotes.
const SHORT_CHARS: usize = 80;

/// The request that creates a resource: what is declared, its name, and whose it is.
fn create_body(
    desired: &Desired,
    resource: &Resource,
    name: &str,
    body: &Value,
    memory: Tags,
) -> Value {
    let mut request = body.clone();
    if let (Some(members), Value::Object(located)) =
        (request.as_object_mut(), resource.kind.located(name))
    {
        for field in resource
            .kind
            .fields
            .iter()
            .filter(|field| field.class == FieldClass::LiveOnly)
        {
            members.remove(field.path.trim_start_matches('/'));
        }
        members.extend(located);
    }
    if resource.kind.arn.is_some() {
        let mut tags = resource.tags.clone();
        tags.extend(memory);
        tags.insert(owner::OWNER.to_owned(), desired.owner.clone());
        tags.insert(owner::SELF.to_owned(), name.to_owned());
        tags.retain(|key, _| key != owner::SELF || desired.broken != Broken::ForgetSelf);
        tags.insert(
            owner::DIGEST.to_owned(),
            format!("v1:{}", canonical::digest(body)),
        );
        tags.insert(owner::COMMIT.to_owned(), desired.commit.clone());
        request["Tags"] = owner::to_list(&tags);
    }
    canonical::canonical(&request)
}
