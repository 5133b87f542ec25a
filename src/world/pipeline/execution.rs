//! Executions: starting, stopping and showing them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::definition::Definition;
use super::versions::version_number;
use crate::clock::Timestamp;
use crate::world::World;
use crate::world::create::user;
use crate::world::encode::letters;
use crate::world::kind::Id;
use crate::world::list::paged;
use crate::world::records::{Key, Record, State};
use crate::world::request::{Refusal, Reply, Request, default, epoch, items, text};
use crate::world::window::{Rank, Window};

/// What an execution remembers besides its Describe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::world) struct ExecutionState {
    /// The 12 letters and digits of its ARN.
    pub(super) id: String,
    /// The definition as it was at the start.
    text: Arc<str>,
    pub(super) document: Arc<Value>,
    /// Every parameter's value, typed.
    pub(super) parameters: Arc<Map<String, Value>>,
    /// What `Execution.` stands for.
    pub(super) facts: Arc<Value>,
    /// Steps that can run at the same time.
    pub(super) limit: u64,
    /// Steps that have started, by name.
    pub(super) steps: BTreeMap<String, StepState>,
    /// The status and reason to end with, once it was decided to end early.
    pub(super) end: Option<(String, Option<String>)>,
    /// The token of the last retry.
    #[serde(default)]
    pub(super) retried: Option<String>,
    /// The steps that run, where not all do.
    #[serde(default)]
    pub(super) chosen: Option<BTreeSet<String>>,
}

/// A step that has started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct StepState {
    pub(super) seq: u64,
    pub(super) status: StepStatus,
    pub(super) started: Timestamp,
    pub(super) ended: Option<Timestamp>,
    pub(super) reason: Option<String>,
    /// Which branch a condition took.
    pub(super) branch: Option<bool>,
    /// What it made: a job, a package.
    pub(super) made: Option<Key>,
    pub(super) metadata: Option<Value>,
    /// How often it was started.
    #[serde(default = "one")]
    pub(super) attempts: u32,
    /// When it runs again, while it waits for that.
    #[serde(default)]
    pub(super) again: Option<Timestamp>,
    /// What a later step with the same arguments knows it by.
    #[serde(default)]
    pub(super) signature: Option<String>,
    #[serde(default)]
    pub(super) taken: Option<Taken>,
}

fn one() -> u32 {
    1
}

/// The execution whose step was taken over: for its arguments, or as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Taken {
    Cached(String),
    Asked(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum StepStatus {
    Executing,
    Stopping,
    Stopped,
    Failed,
    Succeeded,
}

impl StepStatus {
    pub(super) fn runs(self) -> bool {
        matches!(self, Self::Executing | Self::Stopping)
    }
}

/// Steps at the same time when nothing limits them (the service's own bound).
const STEPS_AT_ONCE: u64 = 50;

impl World {
    pub(in crate::world) fn start_execution(&mut self, request: &Request<'_>) -> Reply {
        let record = self.find(Id::Pipeline.kind(), request)?;
        let State::Pipeline(state) = &record.state else {
            return Err(Id::Pipeline.kind().missing(&record.scope, &record.name));
        };
        let token = request.text("ClientRequestToken").to_owned();
        if let Some(arn) = state.started.get(&token) {
            return Ok(json!({"PipelineExecutionArn": arn}));
        }
        let pipeline = Key::new(Id::Pipeline, &record.scope, &record.name);
        let seed = format!("{}/{}", pipeline.place, self.next());
        let (name, body, execution) = self.prepare(&pipeline, &letters(&seed, 12), request)?;
        if let Some(config) = body.get("PipelineExperimentConfig") {
            let arn = text(&body, "PipelineArn");
            self.open_trial(request.scope, arn, config)?;
        }
        let inside = Request {
            scope: request.scope,
            body: Cow::Owned(Map::new()),
            ..*request
        };
        let state = State::Execution(Box::new(execution));
        let answer = self.put(Id::Execution.kind(), &inside, &name, body, state)?;
        let arn = text(&answer, "PipelineExecutionArn").to_owned();
        if let Some(record) = self.records.get_mut(&pipeline) {
            record.body["LastRunTime"] = epoch(request.now);
            if let State::Pipeline(state) = &mut record.state {
                state.started.insert(token, arn);
            }
        }
        self.drive(&Key::new(Id::Execution, request.scope, &name));
        Ok(answer)
    }

    /// An execution's name, Describe and state.
    fn prepare(
        &self,
        pipeline: &Key,
        id: &str,
        request: &Request<'_>,
    ) -> Result<(String, Value, ExecutionState), Refusal> {
        let Some((record, state)) = self.pipeline(pipeline) else {
            return Err(Id::Pipeline.kind().missing(request.scope, "?"));
        };
        let number = version_number(record, state, request)?;
        let version = &state.versions[number - 1];
        let parameters = parameters(&version.definition, request)?;
        let name = format!("{}/execution/{id}", record.name);
        let arn = Id::Execution.kind().arn(&record.scope, &name);
        let started = request.now.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
        let facts = json!({
            "PipelineName": record.name,
            "PipelineArn": record.body["PipelineArn"],
            "PipelineExecutionId": id,
            "PipelineExecutionArn": arn,
            "StartDateTime": started,
            "CurrentDateTime": started,
        });
        let mut body = json!({
            "PipelineArn": record.body["PipelineArn"],
            "PipelineExecutionStatus": "Executing",
            "PipelineVersionId": number,
            "LastModifiedTime": epoch(request.now),
            "CreatedBy": user(request.scope),
            "LastModifiedBy": user(request.scope),
        });
        for member in [
            "PipelineExecutionDisplayName",
            "PipelineExecutionDescription",
            "RoleArn",
        ] {
            if let Some(value) = request.get(member) {
                body[member] = value.clone();
            }
        }
        let unnamed = format!("execution-{}", request.now.as_millisecond());
        default(&mut body, "PipelineExecutionDisplayName", unnamed);
        let parallelism = request
            .get("ParallelismConfiguration")
            .or_else(|| version.body.get("ParallelismConfiguration"));
        if let Some(parallelism) = parallelism {
            body["ParallelismConfiguration"] = parallelism.clone();
        }
        let limit = body["ParallelismConfiguration"]["MaxParallelExecutionSteps"].as_u64();
        drop_null(&mut body, "ParallelismConfiguration");
        let mut execution = ExecutionState {
            id: id.to_owned(),
            text: Arc::from(text(&version.body, "PipelineDefinition")),
            document: Arc::clone(&version.definition),
            parameters: Arc::new(parameters),
            facts: Arc::new(facts),
            limit: limit.unwrap_or(STEPS_AT_ONCE),
            steps: BTreeMap::new(),
            end: None,
            retried: None,
            chosen: None,
        };
        if let Some(config) = request.get("SelectiveExecutionConfig") {
            body["SelectiveExecutionConfig"] = self.choose(&mut execution, pipeline, config)?;
        }
        if let Some(config) = self.experiment(&execution)? {
            body["PipelineExperimentConfig"] = config;
        }
        Ok((name, body, execution))
    }

    pub(in crate::world) fn stop_execution(&mut self, request: &Request<'_>) -> Reply {
        let record = self.find(Id::Execution.kind(), request)?;
        let arn = record.body["PipelineExecutionArn"].clone();
        let status = text(&record.body, "PipelineExecutionStatus");
        if !matches!(status, "Executing" | "Stopping") {
            return Err(Refusal::invalid(format!(
                "Pipeline execution {arn} is in status {status} and cannot be stopped."
            )));
        }
        let key = Key::new(Id::Execution, &record.scope, &record.name);
        self.end_early(&key, "Stopped", None);
        self.drive(&key);
        Ok(json!({"PipelineExecutionArn": arn}))
    }

    pub(in crate::world) fn list_executions(&self, request: &Request<'_>) -> Reply {
        let record = self.find(Id::Pipeline.kind(), request)?;
        let start = format!("{}/execution/", record.name.to_ascii_lowercase());
        self.list(Id::Execution.kind(), &start, request)
    }

    pub(in crate::world) fn list_steps(&self, request: &Request<'_>) -> Reply {
        let (_, state) = self.execution(request)?;
        let definition = Definition::read(&state.document).map_err(Refusal::invalid)?;
        let steps = state.steps.iter().map(|(name, step)| {
            let body = definition.step(name).map(|step| step.body);
            ((Rank::None, step.seq), shown(name, step, body))
        });
        let (page, next) = Window::of(request, 100)?.whole(steps)?;
        Ok(paged("PipelineExecutionSteps", page, next))
    }

    pub(in crate::world) fn list_parameters(&self, request: &Request<'_>) -> Reply {
        let (_, state) = self.execution(request)?;
        let parameters = state
            .parameters
            .iter()
            .enumerate()
            .map(|(at, (name, value))| {
                let value = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                (
                    (Rank::None, at as u64),
                    json!({"Name": name, "Value": value}),
                )
            });
        let (page, next) = Window::of(request, 100)?.whole(parameters)?;
        Ok(paged("PipelineParameters", page, next))
    }

    pub(in crate::world) fn describe_definition(&self, request: &Request<'_>) -> Reply {
        let (record, state) = self.execution(request)?;
        Ok(json!({
            "PipelineDefinition": &*state.text,
            "CreationTime": record.body["CreationTime"],
        }))
    }

    fn execution(&self, request: &Request<'_>) -> Result<(&Record, &ExecutionState), Refusal> {
        let record = self.find(Id::Execution.kind(), request)?;
        match &record.state {
            State::Execution(state) => Ok((record, state)),
            _ => Err(Id::Execution.kind().missing(&record.scope, &record.name)),
        }
    }
}

/// The value of every declared parameter: the request's, typed, or the default.
fn parameters(document: &Value, request: &Request<'_>) -> Result<Map<String, Value>, Refusal> {
    let definition = Definition::read(document).map_err(Refusal::invalid)?;
    let given = request.items("PipelineParameters");
    for parameter in given {
        let name = text(parameter, "Name");
        if !definition.parameters.contains_key(name) {
            return Err(Refusal::invalid(format!(
                "The parameter [{name}] is not defined in the pipeline definition."
            )));
        }
    }
    let mut values = Map::new();
    for (name, declared) in &definition.parameters {
        let value = match given.iter().find(|given| text(given, "Name") == *name) {
            Some(given) => typed(name, declared, text(given, "Value"))?,
            None => declared
                .get("DefaultValue")
                .filter(|value| !value.is_null())
                .cloned()
                .ok_or_else(|| {
                    Refusal::invalid(format!(
                        "The parameter [{name}] has no default value and none was given."
                    ))
                })?,
        };
        values.insert((*name).to_owned(), value);
    }
    Ok(values)
}

fn typed(name: &str, declared: &Value, value: &str) -> Result<Value, Refusal> {
    let kind = text(declared, "Type");
    let typed = match kind {
        "Integer" => value.parse::<i64>().ok().map(Value::from),
        "Float" => value
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite())
            .map(Value::from),
        "Boolean" => value
            .to_ascii_lowercase()
            .parse::<bool>()
            .ok()
            .map(Value::from),
        _ => Some(Value::from(value)),
    };
    let typed = typed.ok_or_else(|| {
        Refusal::invalid(format!(
            "The value '{value}' of parameter [{name}] is not of type {kind}."
        ))
    })?;
    let allowed = items(declared, "EnumValues");
    if !allowed.is_empty() && !allowed.contains(&typed) {
        return Err(Refusal::invalid(format!(
            "The value '{value}' of parameter [{name}] is not one of its values."
        )));
    }
    Ok(typed)
}

fn shown(name: &str, step: &StepState, body: Option<&Value>) -> Value {
    let mut shown = json!({
        "StepName": name,
        "StartTime": epoch(step.started),
        "StepStatus": step.status,
        "AttemptCount": step.attempts,
    });
    for (member, from) in [
        ("StepDisplayName", "DisplayName"),
        ("StepDescription", "Description"),
    ] {
        if let Some(text) = body.and_then(|body| body.get(from)) {
            shown[member] = text.clone();
        }
    }
    if let Some(ended) = step.ended {
        shown["EndTime"] = epoch(ended);
    }
    if let Some(reason) = &step.reason {
        shown["FailureReason"] = json!(reason);
    }
    if let Some(metadata) = &step.metadata {
        shown["Metadata"] = metadata.clone();
    }
    match &step.taken {
        Some(Taken::Cached(from)) => {
            shown["CacheHitResult"] = json!({"SourcePipelineExecutionArn": from});
        }
        Some(Taken::Asked(from)) => {
            shown["SelectiveExecutionResult"] = json!({"SourcePipelineExecutionArn": from});
        }
        None => {}
    }
    shown
}

/// The steps of an execution that have started, as they are listed, each with its type.
pub(in crate::world) fn steps_of(record: &Record) -> Vec<Value> {
    let State::Execution(state) = &record.state else {
        return Vec::new();
    };
    let definition = Definition::read(&state.document).ok();
    let steps = state.steps.iter().map(|(name, step)| {
        let own = definition
            .as_ref()
            .and_then(|definition| definition.step(name));
        let body = own.map(|own| own.body);
        let mut shown = shown(name, step, body);
        shown["StepType"] = body.map_or(Value::Null, |body| body["Type"].clone());
        shown
    });
    steps.collect()
}

fn drop_null(body: &mut Value, member: &str) {
    if body[member].is_null()
        && let Some(body) = body.as_object_mut()
    {
        body.remove(member);
    }
}
