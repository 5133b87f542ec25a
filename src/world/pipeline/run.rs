//! The interpreter: starts the steps whose turn has come, until nothing more can start.

use serde_json::{Value, json};

use super::condition::all_hold;
use super::definition::{Definition, Step};
use super::execution::{ExecutionState, StepState, StepStatus};
use super::expression::Surroundings;
use crate::resource::call::Scope;
use crate::world::World;
use crate::world::encode::letters;
use crate::world::jobs::{Owner, names};
use crate::world::kind::Id;
use crate::world::records::{Key, State};
use crate::world::request::{Refusal, Reply, Request, cut, epoch, items, text};
use crate::world::shape;

/// Characters of a step's `FailureReason`, and of an execution's.
const STEP_REASON_MAX: usize = 1024;
const REASON_MAX: usize = 1300;

/// What starting a step came to.
struct Started {
    status: StepStatus,
    reason: Option<String>,
    branch: Option<bool>,
    made: Option<Key>,
    metadata: Option<Value>,
}

impl Started {
    fn new(status: StepStatus) -> Self {
        Self {
            status,
            reason: None,
            branch: None,
            made: None,
            metadata: None,
        }
    }

    fn failed(reason: &str) -> Self {
        Self {
            reason: Some(cut(reason, STEP_REASON_MAX)),
            ..Self::new(StepStatus::Failed)
        }
    }
}

impl World {
    /// Goes on with an execution as far as it can.
    pub(super) fn drive(&mut self, key: &Key) {
        loop {
            let Some((scope, state)) = self.snapshot(key) else {
                return;
            };
            let Ok(definition) = Definition::read(&state.document) else {
                return;
            };
            let Some(step) = due(&definition, &state) else {
                return self.conclude(key, &state);
            };
            let seq = self.next();
            let started = self.start_step(&scope, key, &state, &definition, step);
            let name = step.name.to_owned();
            let fails = (step.kind == "Fail").then(|| started.reason.clone());
            self.enter(key, name, seq, started);
            if let Some(reason) = fails {
                self.end_early(key, "Failed", reason);
            }
        }
    }

    /// A job of a step ended.
    pub(in crate::world) fn step_job_done(&mut self, key: &Key, step: &str, job: &Key) {
        let Some(record) = self.records.get(job) else {
            return;
        };
        let reason = match text(&record.body, "FailureReason") {
            "" => None,
            reason => Some(reason.to_owned()),
        };
        let status = match text(&record.body, names(job.id).status) {
            "Completed" => StepStatus::Succeeded,
            "Stopped" => StepStatus::Stopped,
            _ => StepStatus::Failed,
        };
        let now = self.now;
        if let Some(state) = self.execution_mut(key)
            && let Some(step) = state.steps.get_mut(step)
        {
            step.status = status;
            step.ended = Some(now);
            step.reason = reason;
        }
        self.drive(key);
    }

    /// Decides how an execution ends: no step starts any more, and what runs is stopped.
    pub(super) fn end_early(&mut self, key: &Key, status: &str, reason: Option<String>) {
        let now = self.now;
        let Some(state) = self.execution_mut(key) else {
            return;
        };
        if state.end.is_none() {
            state.end = Some((status.to_owned(), reason));
        }
        let mut running = Vec::new();
        for step in state.steps.values_mut().filter(|step| step.status.runs()) {
            step.status = StepStatus::Stopping;
            running.extend(step.made.clone());
        }
        if status == "Stopped"
            && let Some(record) = self.records.get_mut(key)
        {
            record.body["PipelineExecutionStatus"] = json!("Stopping");
            record.body["LastModifiedTime"] = epoch(now);
        }
        for job in &running {
            match job.id {
                Id::TuningJob => self.halt_tuning(job),
                _ => self.stop_running(job),
            }
        }
    }

    /// Ends an execution if nothing of it runs any more.
    fn conclude(&mut self, key: &Key, state: &ExecutionState) {
        if state.steps.values().any(|step| step.status.runs()) {
            return;
        }
        let succeeded = |step: &StepState| step.status == StepStatus::Succeeded;
        let (status, reason) = match &state.end {
            Some((status, reason)) => (status.clone(), reason.clone()),
            None if state.steps.values().all(succeeded) => ("Succeeded".to_owned(), None),
            None => (
                "Failed".to_owned(),
                Some("Step failure: One or multiple steps failed.".to_owned()),
            ),
        };
        let now = self.now;
        if let Some(record) = self.records.get_mut(key) {
            let body = &mut record.body;
            if matches!(
                text(body, "PipelineExecutionStatus"),
                "Executing" | "Stopping"
            ) {
                body["PipelineExecutionStatus"] = json!(status);
                body["LastModifiedTime"] = epoch(now);
                if let Some(reason) = reason {
                    body["FailureReason"] = json!(cut(&reason, REASON_MAX));
                }
            }
        }
    }

    fn start_step(
        &mut self,
        scope: &Scope,
        key: &Key,
        state: &ExecutionState,
        definition: &Definition<'_>,
        step: &Step<'_>,
    ) -> Started {
        let arguments = step
            .body
            .get("Arguments")
            .cloned()
            .unwrap_or_else(|| json!({}));
        let resolved = match step.kind {
            // Only the branches' own steps resolve what stands in them.
            "Condition" => Ok(Value::Null),
            _ => self.around(state, definition, |around| around.resolve(&arguments)),
        };
        let resolved = match resolved {
            Ok(resolved) => resolved,
            Err(reason) => return Started::failed(&format!("ClientError: {reason}")),
        };
        match step.kind {
            "Training" | "Processing" | "Tuning" => {
                self.start_job(scope, key, state, step, resolved)
            }
            "RegisterModel" => self.register(scope, resolved),
            "Fail" => {
                let message = text(&resolved, "ErrorMessage").to_owned();
                let mut started = Started::failed(&message);
                started.metadata = Some(json!({"Fail": {"ErrorMessage": message}}));
                started
            }
            "Condition" => {
                let conditions = items(&arguments, "Conditions");
                match self.around(state, definition, |around| all_hold(conditions, around)) {
                    Err(reason) => Started::failed(&format!("ClientError: {reason}")),
                    Ok(holds) => {
                        let outcome = if holds { "True" } else { "False" };
                        Started {
                            branch: Some(holds),
                            metadata: Some(json!({"Condition": {"Outcome": outcome}})),
                            ..Started::new(StepStatus::Succeeded)
                        }
                    }
                }
            }
            kind => Started::failed(&format!("Steps of type {kind} are not run here.")),
        }
    }

    fn start_job(
        &mut self,
        scope: &Scope,
        key: &Key,
        state: &ExecutionState,
        step: &Step<'_>,
        mut arguments: Value,
    ) -> Started {
        let (op, id) = match step.kind {
            "Training" => ("CreateTrainingJob", Id::TrainingJob),
            "Tuning" => ("CreateHyperParameterTuningJob", Id::TuningJob),
            _ => ("CreateProcessingJob", Id::ProcessingJob),
        };
        let kind = id.kind();
        let seq = self.next();
        let name = match id {
            Id::TuningJob => tuning_name(&state.id, step.name, seq),
            _ => job_name(&state.id, step.name, seq),
        };
        arguments[kind.name] = json!(name);
        let launched = self.invoke(op, scope, &arguments, |world, request| {
            let owner = Some(Owner::Step(key.clone(), step.name.to_owned()));
            match id {
                Id::TuningJob => world.launch_tuning(request, owner),
                _ => world.launch(request, owner),
            }
        });
        match launched {
            Err(refusal) => not_invoked(op, &refusal),
            Ok(answer) => Started {
                made: Some(Key::new(id, scope, &name)),
                metadata: Some(json!({format!("{}Job", step.kind): {"Arn": answer[kind.arn]}})),
                ..Started::new(StepStatus::Executing)
            },
        }
    }

    /// Registers a model package; the service creates a group that is missing.
    fn register(&mut self, scope: &Scope, arguments: Value) -> Started {
        let group = text(&arguments, "ModelPackageGroupName");
        if !group.is_empty() {
            let key = self.key(Id::PackageGroup.kind(), scope, group);
            if self.records.get(&key).is_none() {
                let op = "CreateModelPackageGroup";
                let wanted = json!({"ModelPackageGroupName": group});
                let created = self.invoke(op, scope, &wanted, |world, request| {
                    world.create(Id::PackageGroup.kind(), request)
                });
                if let Err(refusal) = created {
                    return not_invoked(op, &refusal);
                }
            }
        }
        let op = "CreateModelPackage";
        match self.invoke(op, scope, &arguments, Self::create_package) {
            Err(refusal) => not_invoked(op, &refusal),
            Ok(answer) => {
                let arn = text(&answer, "ModelPackageArn");
                Started {
                    made: Some(self.key(Id::Package.kind(), scope, arn)),
                    metadata: Some(json!({"RegisterModel": {"Arn": arn}})),
                    ..Started::new(StepStatus::Succeeded)
                }
            }
        }
    }

    /// Carries out a request that the service makes of itself.
    pub(in crate::world) fn invoke(
        &mut self,
        op: &'static str,
        scope: &Scope,
        body: &Value,
        run: impl FnOnce(&mut Self, &Request<'_>) -> Reply,
    ) -> Reply {
        let request = Request {
            op,
            scope,
            body: shape::request(op, body)?,
            now: self.now,
        };
        run(self, &request)
    }

    /// Calls `with` with what the functions of an execution can refer to.
    fn around<T>(
        &self,
        state: &ExecutionState,
        definition: &Definition<'_>,
        with: impl FnOnce(&Surroundings<'_>) -> T,
    ) -> T {
        let step = |name: &str| -> Option<&Value> {
            let made = state.steps.get(name)?.made.as_ref()?;
            self.records.get(made).map(|record| &record.body)
        };
        with(&Surroundings {
            definition,
            parameters: &state.parameters,
            execution: &state.facts,
            step: &step,
            objects: &self.objects,
        })
    }

    /// The experiment that an execution belongs to, if its definition names one.
    pub(super) fn experiment(&self, state: &mut ExecutionState) -> Option<Value> {
        let config = state.document.get("PipelineExperimentConfig")?;
        let definition = Definition::read(&state.document).ok()?;
        self.around(state, &definition, |around| around.resolve(config).ok())
            .filter(Value::is_object)
    }

    fn snapshot(&self, key: &Key) -> Option<(Scope, ExecutionState)> {
        let record = self.records.get(key)?;
        match &record.state {
            State::Execution(state) => Some((record.scope.clone(), (**state).clone())),
            _ => None,
        }
    }

    pub(super) fn execution_mut(&mut self, key: &Key) -> Option<&mut ExecutionState> {
        match &mut self.records.get_mut(key)?.state {
            State::Execution(state) => Some(state),
            _ => None,
        }
    }

    fn enter(&mut self, key: &Key, name: String, seq: u64, started: Started) {
        let now = self.now;
        if let Some(state) = self.execution_mut(key) {
            let entered = StepState {
                seq,
                status: started.status,
                started: now,
                ended: (!started.status.runs()).then_some(now),
                reason: started.reason,
                branch: started.branch,
                made: started.made,
                metadata: started.metadata,
            };
            state.steps.insert(name, entered);
        }
    }
}

/// The first step whose turn has come: all before it succeeded, its branch was taken, there is room
/// beside those that run, and nothing has gone wrong.
fn due<'d, 'a>(definition: &'d Definition<'a>, state: &ExecutionState) -> Option<&'d Step<'a>> {
    let wrong = state
        .steps
        .values()
        .any(|step| matches!(step.status, StepStatus::Failed | StepStatus::Stopped));
    let running = state
        .steps
        .values()
        .filter(|step| step.status.runs())
        .count();
    if wrong || state.end.is_some() || running as u64 >= state.limit {
        return None;
    }
    definition.steps.iter().find(|step| {
        let taken = step.branch.is_none_or(|(condition, branch)| {
            state
                .steps
                .get(condition)
                .is_some_and(|condition| condition.branch == Some(branch))
        });
        let ready = step.after.iter().all(|name| {
            state
                .steps
                .get(*name)
                .is_some_and(|step| step.status == StepStatus::Succeeded)
        });
        !state.steps.contains_key(step.name) && taken && ready
    })
}

/// `pipelines-<execution>-<step>-<10 letters and digits>`, at most 63 characters.
fn job_name(execution: &str, step: &str, seq: u64) -> String {
    let step: String = step.replace('_', "-").chars().take(28).collect();
    let suffix = letters(&format!("{execution}/{step}/{seq}"), 10);
    format!("pipelines-{execution}-{step}-{suffix}")
}

/// `<execution>-<step>-<10 letters and digits>`, at most 32 characters.
fn tuning_name(execution: &str, step: &str, seq: u64) -> String {
    let step: String = step.replace('_', "-").chars().take(7).collect();
    let suffix = letters(&format!("{execution}/{step}/{seq}"), 10);
    format!("{execution}-{}-{suffix}", step.trim_end_matches('-'))
}

fn not_invoked(op: &str, refusal: &Refusal) -> Started {
    Started::failed(&format!(
        "ClientError: Failed to invoke sagemaker:{op}. Error Details: {}",
        refusal.message
    ))
}
