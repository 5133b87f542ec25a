//! Pipelines: stored definitions with versions and aliases, and their executions.
//!
//! What the interpreter does not do: steps of types other than Processing, Training, Transform,
//! Tuning, Model, `QualityCheck`, Condition, `RegisterModel` and Fail end the execution as failed,
//! saying so. The service's own calls do not fail here for its own reasons, so of the reasons that
//! `RetryPolicies` name those of jobs occur.

mod again;
mod cache;
mod check;
mod condition;
mod definition;
mod execution;
mod expression;
mod retry;
mod run;
mod selection;
mod steps;
mod versions;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(super) use execution::{ExecutionState, steps_of};

use super::World;
use super::create::user;
use super::kind::Id;
use super::objects::split_uri;
use super::records::{Key, Record, State};
use super::request::{Refusal, Reply, Request, epoch, text};
use definition::Definition;
use versions::version_number;

/// What a pipeline remembers besides its Describe.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct PipelineState {
    /// The token that it was created with.
    token: String,
    /// Every version's Describe and parsed definition, the first one first.
    versions: Vec<Arc<Version>>,
    /// Versions by alias, counted from 1.
    aliases: BTreeMap<String, usize>,
    /// Executions by the token that started them.
    started: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Version {
    body: Value,
    definition: Arc<Value>,
    at: Value,
    /// What people call it.
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    description: Option<String>,
}

impl World {
    pub(super) fn create_pipeline(&mut self, request: &Request<'_>) -> Reply {
        let kind = Id::Pipeline.kind();
        let name = request.text("PipelineName");
        let key = Key::new(Id::Pipeline, request.scope, name);
        let (text, definition) = self
            .definition(request)?
            .ok_or_else(|| Refusal::invalid("A pipeline definition must be provided."))?;
        if let Some((record, state)) = self.pipeline(&key) {
            let first = state.versions.first();
            let repeated = state.token == request.text("ClientRequestToken")
                && first.is_some_and(|first| first.definition == definition);
            if repeated {
                return Ok(json!({"PipelineArn": record.body["PipelineArn"]}));
            }
            return Err(kind.exists(request.scope, name));
        }
        let body = json!({
            "PipelineName": name,
            "PipelineDisplayName": name,
            "PipelineDefinition": text,
            "PipelineStatus": "Active",
            "CreatedBy": user(request.scope),
        });
        let state = PipelineState {
            token: request.text("ClientRequestToken").to_owned(),
            ..PipelineState::default()
        };
        let answer = self.put(kind, request, name, body, State::Pipeline(state))?;
        self.new_version(&key, request, definition);
        Ok(answer)
    }

    pub(super) fn update_pipeline(&mut self, request: &Request<'_>) -> Reply {
        self.find(Id::Pipeline.kind(), request)?;
        let key = Key::new(Id::Pipeline, request.scope, request.text("PipelineName"));
        let (text, definition) = match (self.definition(request)?, self.pipeline(&key)) {
            (Some((text, definition)), _) => (Some(text), definition),
            (None, Some((_, state))) => (None, latest(state)),
            (None, None) => (None, Arc::default()),
        };
        if let (Some(text), Some(record)) = (text, self.records.get_mut(&key)) {
            record.body["PipelineDefinition"] = json!(text);
        }
        let version = self.new_version(&key, request, definition);
        let arn = Id::Pipeline
            .kind()
            .arn(request.scope, request.text("PipelineName"));
        Ok(json!({"PipelineArn": arn, "PipelineVersionId": version}))
    }

    pub(super) fn describe_pipeline(&self, request: &Request<'_>) -> Reply {
        let record = self.find(Id::Pipeline.kind(), request)?;
        let State::Pipeline(state) = &record.state else {
            return Ok(record.body.clone());
        };
        let number = version_number(record, state, request)?;
        let mut body = record.body.clone();
        if number != state.versions.len() {
            body.clone_from(&state.versions[number - 1].body);
            body["LastModifiedTime"] = state.versions[number - 1].at.clone();
        }
        state.versions[number - 1].name(&mut body);
        state.alias(number, &mut body);
        Ok(body)
    }

    pub(super) fn delete_pipeline(&mut self, request: &Request<'_>) -> Reply {
        let record = self.find(Id::Pipeline.kind(), request)?;
        let arn = record.body["PipelineArn"].clone();
        let start = format!("{}/execution/", record.name.to_ascii_lowercase());
        let executions: Vec<&Record> = self
            .records
            .under(Id::Execution, request.scope, &start)
            .collect();
        let running = executions.iter().any(|execution| {
            matches!(
                text(&execution.body, "PipelineExecutionStatus"),
                "Executing" | "Stopping"
            )
        });
        if running {
            return Err(Refusal::new(
                "ConflictException",
                format!("Pipeline {arn} has executions that are running; stop them first."),
            ));
        }
        let mut keys: Vec<Key> = executions
            .iter()
            .map(|record| Key::new(Id::Execution, &record.scope, &record.name))
            .collect();
        keys.push(Key::new(
            Id::Pipeline,
            request.scope,
            request.text("PipelineName"),
        ));
        for key in &keys {
            self.drop_record(key);
        }
        Ok(json!({"PipelineArn": arn}))
    }

    /// The record of a pipeline and its state.
    fn pipeline(&self, key: &Key) -> Option<(&Record, &PipelineState)> {
        let record = self.records.get(key)?;
        match &record.state {
            State::Pipeline(state) => Some((record, state)),
            _ => None,
        }
    }

    /// Writes what a request says into the pipeline, as a new version; its number.
    fn new_version(&mut self, key: &Key, request: &Request<'_>, definition: Arc<Value>) -> usize {
        let Some(record) = self.records.get_mut(key) else {
            return 0;
        };
        for member in [
            "PipelineDisplayName",
            "PipelineDescription",
            "RoleArn",
            "ParallelismConfiguration",
        ] {
            if let Some(value) = request.get(member) {
                record.body[member] = value.clone();
            }
        }
        record.body["LastModifiedTime"] = epoch(request.now);
        record.body["LastModifiedBy"] = user(request.scope);
        let body = record.body.clone();
        let State::Pipeline(state) = &mut record.state else {
            return 0;
        };
        state.versions.push(Arc::new(Version {
            body,
            definition,
            at: epoch(request.now),
            display_name: None,
            description: None,
        }));
        let number = state.versions.len();
        for alias in request.items("PipelineVersionAliases") {
            let alias = alias.as_str().unwrap_or("").to_owned();
            state.aliases.insert(alias, number);
        }
        number
    }

    /// The definition that a request gives, checked: its text and its document.
    fn definition(&self, request: &Request<'_>) -> Result<Option<(String, Arc<Value>)>, Refusal> {
        let text = match (
            request.text("PipelineDefinition"),
            request.get("PipelineDefinitionS3Location"),
        ) {
            ("", None) => return Ok(None),
            (text, None) => text.to_owned(),
            ("", Some(place)) => self.stored_definition(place)?,
            _ => {
                return Err(Refusal::invalid(
                    "Only one of PipelineDefinition and PipelineDefinitionS3Location may be \
                     provided.",
                ));
            }
        };
        let document: Value = serde_json::from_str(&text)
            .map_err(|error| Refusal::invalid(format!("Invalid pipeline definition: {error}")))?;
        Definition::read(&document)
            .map_err(|reason| Refusal::invalid(format!("Invalid pipeline definition: {reason}")))?;
        Ok(Some((text, Arc::new(document))))
    }

    fn stored_definition(&self, place: &Value) -> Result<String, Refusal> {
        let uri = format!(
            "s3://{}/{}",
            text(place, "Bucket"),
            text(place, "ObjectKey")
        );
        let (bucket, key) = split_uri(&uri).unwrap_or(("", ""));
        self.objects
            .head(bucket, key)
            .and_then(|object| String::from_utf8(object.inline.as_deref()?.to_vec()).ok())
            .ok_or_else(|| {
                Refusal::invalid(format!("Could not read the pipeline definition at {uri}."))
            })
    }
}

/// The document of the newest version.
fn latest(state: &PipelineState) -> Arc<Value> {
    state
        .versions
        .last()
        .map(|version| Arc::clone(&version.definition))
        .unwrap_or_default()
}
