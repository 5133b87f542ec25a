//! The interpreter: starts the steps whose turn has come, until nothing more can start.

use serde_json::{Value, json};

use super::definition::{Definition, Step};
use super::execution::{ExecutionState, StepState, StepStatus};
use super::expression::Surroundings;
use super::steps::{Started, Within};
use crate::resource::call::Scope;
use crate::world::World;
use crate::world::jobs::names;
use crate::world::kind::Id;
use crate::world::records::{Key, State};
use crate::world::request::{Refusal, cut, epoch, text};

/// Characters of an execution's `FailureReason`.
const REASON_MAX: usize = 1300;

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
            let within = Within {
                scope: &scope,
                key,
                state: &state,
                definition: &definition,
            };
            self.run_step(within, step);
        }
    }

    /// Starts a step, for the first time or again.
    pub(super) fn run_step(&mut self, within: Within<'_>, step: &Step<'_>) {
        let seq = self.next();
        let started = self.start_step(within, step);
        let fails = (step.kind == "Fail").then(|| started.reason.clone());
        self.enter(within.key, step.name, seq, started);
        if let Some(reason) = fails {
            self.end_early(within.key, "Failed", reason);
        }
    }

    /// A job of a step ended.
    pub(in crate::world) fn step_job_done(&mut self, key: &Key, step: &str, job: &Key) {
        let Some(record) = self.records.get(job) else {
            return;
        };
        let mut reason = match text(&record.body, "FailureReason") {
            "" => None,
            reason => Some(reason.to_owned()),
        };
        let mut status = match text(&record.body, names(job.id).status) {
            "Completed" => StepStatus::Succeeded,
            "Stopped" => StepStatus::Stopped,
            _ => StepStatus::Failed,
        };
        match (status, &reason) {
            (StepStatus::Failed, Some(words)) if self.again(key, step, words) => return,
            (StepStatus::Succeeded, _) => {
                if let Some(violated) = self.violated(key, step) {
                    (status, reason) = (StepStatus::Failed, Some(violated));
                }
            }
            _ => {}
        }
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
            // What waits to run again has nothing to stop.
            if step.again.take().is_some() {
                step.status = StepStatus::Stopped;
                step.ended = Some(now);
                continue;
            }
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

    /// Calls `with` with what the functions of an execution can refer to.
    pub(super) fn around<T>(
        &self,
        state: &ExecutionState,
        definition: &Definition<'_>,
        with: impl FnOnce(&Surroundings<'_>) -> T,
    ) -> T {
        let step = |name: &str| -> Option<&Value> {
            let step = state.steps.get(name)?;
            let checked = step.metadata.as_ref().and_then(|it| it.get("QualityCheck"));
            let made = || Some(&self.records.get(step.made.as_ref()?)?.body);
            checked.or_else(made)
        };
        with(&Surroundings {
            definition,
            parameters: &state.parameters,
            execution: &state.facts,
            step: &step,
            objects: &self.objects,
        })
    }

    /// The experiment that an execution belongs to: unless its definition says none, there is one of
    /// the pipeline's name, with a trial for each execution.
    pub(super) fn experiment(&self, state: &ExecutionState) -> Result<Option<Value>, Refusal> {
        let usual = json!({
            "ExperimentName": {"Get": "Execution.PipelineName"},
            "TrialName": {"Get": "Execution.PipelineExecutionId"},
        });
        let config = state.document.get("PipelineExperimentConfig");
        let config = config.unwrap_or(&usual);
        if config.is_null() {
            return Ok(None);
        }
        let definition = Definition::read(&state.document).map_err(Refusal::invalid)?;
        let config = self.around(state, &definition, |around| around.resolve(config));
        Ok(Some(config.map_err(Refusal::invalid)?).filter(Value::is_object))
    }

    pub(super) fn snapshot(&self, key: &Key) -> Option<(Scope, ExecutionState)> {
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

    fn enter(&mut self, key: &Key, name: &str, seq: u64, started: Started) {
        let now = self.now;
        if let Some(state) = self.execution_mut(key) {
            let before = state.steps.remove(name);
            let entered = StepState {
                seq: before.as_ref().map_or(seq, |before| before.seq),
                status: started.status,
                started: before.as_ref().map_or(now, |before| before.started),
                ended: (!started.status.runs()).then_some(now),
                reason: started.reason,
                branch: started.branch,
                made: started.made,
                metadata: started.metadata,
                attempts: before.map_or(0, |before| before.attempts) + 1,
                again: None,
                signature: started.signature,
                taken: started.taken,
            };
            state.steps.insert(name.to_owned(), entered);
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
        let chosen = state
            .chosen
            .as_ref()
            .is_none_or(|chosen| chosen.contains(step.name));
        !state.steps.contains_key(step.name) && taken && ready && chosen
    })
}
