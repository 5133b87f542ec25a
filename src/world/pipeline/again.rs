//! Executions that are changed, or go on after they ended.

use serde_json::{Value, json};

use super::execution::StepStatus;
use crate::world::World;
use crate::world::create::user;
use crate::world::endpoint::forget;
use crate::world::kind::Id;
use crate::world::records::{Key, Record};
use crate::world::request::{Refusal, Reply, Request, epoch, text};

impl World {
    pub(in crate::world) fn update_execution(&mut self, request: &Request<'_>) -> Reply {
        let record = self.find(Id::Execution.kind(), request)?;
        let (key, answer) = named(record);
        if let Some(record) = self.records.get_mut(&key) {
            for member in [
                "PipelineExecutionDisplayName",
                "PipelineExecutionDescription",
            ] {
                if let Some(value) = request.get(member) {
                    record.body[member] = value.clone();
                }
            }
        }
        self.widen(&key, request);
        self.drive(&key);
        Ok(answer)
    }

    /// Goes on where an execution failed or was stopped: what succeeded is not done again.
    pub(in crate::world) fn retry_execution(&mut self, request: &Request<'_>) -> Reply {
        let record = self.find(Id::Execution.kind(), request)?;
        let status = text(&record.body, "PipelineExecutionStatus").to_owned();
        let (key, answer) = named(record);
        let token = request.text("ClientRequestToken");
        let Some(state) = self.execution_mut(&key) else {
            return Ok(answer);
        };
        if state.retried.as_deref() == Some(token) {
            return Ok(answer);
        }
        if !matches!(status.as_str(), "Failed" | "Stopped") {
            return Err(Refusal::new(
                "ConflictException",
                format!("A pipeline execution in status {status} cannot be retried."),
            ));
        }
        let steps = &mut state.steps;
        steps.retain(|_, step| step.status == StepStatus::Succeeded);
        state.end = None;
        state.retried = Some(token.to_owned());
        if let Some(record) = self.records.get_mut(&key) {
            record.body["PipelineExecutionStatus"] = json!("Executing");
            forget(&mut record.body, "FailureReason");
        }
        self.widen(&key, request);
        self.drive(&key);
        Ok(answer)
    }

    /// Takes over how many steps may run at a time, where a request says so, and who said it.
    fn widen(&mut self, key: &Key, request: &Request<'_>) {
        let parallelism = request.get("ParallelismConfiguration");
        if let Some(record) = self.records.get_mut(key) {
            if let Some(parallelism) = parallelism {
                record.body["ParallelismConfiguration"] = parallelism.clone();
            }
            record.body["LastModifiedTime"] = epoch(request.now);
            record.body["LastModifiedBy"] = user(request.scope);
        }
        let limit = parallelism.and_then(|given| given["MaxParallelExecutionSteps"].as_u64());
        if let (Some(limit), Some(state)) = (limit, self.execution_mut(key)) {
            state.limit = limit;
        }
    }
}

/// The key of an execution, and the answer that names it.
fn named(record: &Record) -> (Key, Value) {
    let key = Key::new(Id::Execution, &record.scope, &record.name);
    let answer = json!({"PipelineExecutionArn": record.body["PipelineExecutionArn"]});
    (key, answer)
}
