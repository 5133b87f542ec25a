//! How a step of each type starts.

use serde_json::{Value, json};

use super::condition::all_hold;
use super::definition::{Definition, Step};
use super::execution::{ExecutionState, StepStatus, Taken};
use crate::resource::call::Scope;
use crate::world::World;
use crate::world::encode::letters;
use crate::world::jobs::Owner;
use crate::world::kind::Id;
use crate::world::records::Key;
use crate::world::request::{Refusal, Reply, Request, cut, items, text};
use crate::world::shape;

/// Characters of a step's `FailureReason`.
const STEP_REASON_MAX: usize = 1024;

/// What starting a step came to.
pub(super) struct Started {
    pub(super) status: StepStatus,
    pub(super) reason: Option<String>,
    pub(super) branch: Option<bool>,
    pub(super) made: Option<Key>,
    pub(super) metadata: Option<Value>,
    /// What a later step with the same arguments is known by.
    pub(super) signature: Option<String>,
    /// The execution whose step was taken over.
    pub(super) taken: Option<Taken>,
}

impl Started {
    pub(super) fn new(status: StepStatus) -> Self {
        Self {
            status,
            reason: None,
            branch: None,
            made: None,
            metadata: None,
            signature: None,
            taken: None,
        }
    }

    pub(super) fn failed(reason: &str) -> Self {
        Self {
            reason: Some(cut(reason, STEP_REASON_MAX)),
            ..Self::new(StepStatus::Failed)
        }
    }

    /// A step that has made something, which goes on or is all there is to it.
    pub(super) fn made(key: Key, metadata: Value, status: StepStatus) -> Self {
        Self {
            made: Some(key),
            metadata: Some(metadata),
            ..Self::new(status)
        }
    }
}

/// The execution whose step starts.
#[derive(Clone, Copy)]
pub(super) struct Within<'a> {
    pub(super) scope: &'a Scope,
    pub(super) key: &'a Key,
    pub(super) state: &'a ExecutionState,
    pub(super) definition: &'a Definition<'a>,
}

impl World {
    /// Starts a step, or takes over what an earlier one with the same arguments came to.
    pub(super) fn start_step(&mut self, within: Within<'_>, step: &Step<'_>) -> Started {
        let resolved = match step.kind {
            // Only the branches' own steps resolve what stands in them.
            "Condition" => return self.decide(within, step),
            _ => self.around(within.state, within.definition, |around| {
                around.resolve(step.body)
            }),
        };
        let mut body = match resolved {
            Ok(resolved) => resolved,
            Err(reason) => return Started::failed(&format!("ClientError: {reason}")),
        };
        let signature = super::cache::signature(step.kind, &body);
        if let Some(signature) = &signature
            && let Some(started) = self.cached(within, step, signature)
        {
            return started;
        }
        let arguments = match body["Arguments"].take() {
            Value::Null => json!({}),
            arguments => arguments,
        };
        let started = match step.kind {
            "Training" | "Processing" | "Transform" | "Tuning" => {
                self.start_job(within, step, arguments)
            }
            "QualityCheck" => self.start_check(within, step, &body, arguments),
            "Model" => self.make_model(within, step, arguments),
            "RegisterModel" => self.register(within, arguments),
            "Fail" => {
                let message = text(&arguments, "ErrorMessage").to_owned();
                let mut started = Started::failed(&message);
                started.metadata = Some(json!({"Fail": {"ErrorMessage": message}}));
                started
            }
            kind => Started::failed(&format!("Steps of type {kind} are not run here.")),
        };
        Started {
            signature,
            ..started
        }
    }

    fn decide(&self, within: Within<'_>, step: &Step<'_>) -> Started {
        let conditions = step.body.get("Arguments").unwrap_or(&Value::Null);
        let conditions = items(conditions, "Conditions");
        let held = self.around(within.state, within.definition, |around| {
            all_hold(conditions, around)
        });
        match held {
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

    fn start_job(&mut self, within: Within<'_>, step: &Step<'_>, arguments: Value) -> Started {
        let id = match step.kind {
            "Training" => Id::TrainingJob,
            "Transform" => Id::TransformJob,
            "Tuning" => Id::TuningJob,
            _ => Id::ProcessingJob,
        };
        match self.launch_for(within, step, id, arguments) {
            Err(reason) => Started::failed(&reason),
            Ok((key, arn)) => {
                let metadata = json!({format!("{}Job", step.kind): {"Arn": arn}});
                Started::made(key, metadata, StepStatus::Executing)
            }
        }
    }

    /// Launches the job of a step: its key and ARN, or why it cannot be.
    pub(super) fn launch_for(
        &mut self,
        within: Within<'_>,
        step: &Step<'_>,
        id: Id,
        mut arguments: Value,
    ) -> Result<(Key, Value), String> {
        let op = match id {
            Id::TrainingJob => "CreateTrainingJob",
            Id::TransformJob => "CreateTransformJob",
            Id::TuningJob => "CreateHyperParameterTuningJob",
            _ => "CreateProcessingJob",
        };
        let (kind, seq) = (id.kind(), self.next());
        let name = match id {
            Id::TuningJob => tuning_name(&within.state.id, step.name, seq),
            _ => generated_name(&within.state.id, step.name, seq),
        };
        arguments[kind.name] = json!(name);
        if let Some(config) = self.experiment_of(within.key) {
            arguments["ExperimentConfig"] = config;
        }
        let owner = Some(Owner::Step(within.key.clone(), step.name.to_owned()));
        let launched = self.invoke(op, within.scope, &arguments, |world, request| match id {
            Id::TuningJob => world.launch_tuning(request, owner),
            _ => world.launch(request, owner),
        });
        let answer = launched.map_err(|refusal| not_invoked(op, &refusal))?;
        Ok((Key::new(id, within.scope, &name), answer[kind.arn].clone()))
    }

    fn make_model(&mut self, within: Within<'_>, step: &Step<'_>, mut arguments: Value) -> Started {
        let op = "CreateModel";
        let kind = Id::Model.kind();
        let seq = self.next();
        let name = generated_name(&within.state.id, step.name, seq);
        arguments[kind.name] = json!(name);
        let made = self.invoke(op, within.scope, &arguments, |world, request| {
            world.create(kind, request)
        });
        match made {
            Err(refusal) => Started::failed(&not_invoked(op, &refusal)),
            Ok(answer) => Started::made(
                Key::new(Id::Model, within.scope, &name),
                json!({"Model": {"Arn": answer[kind.arn]}}),
                StepStatus::Succeeded,
            ),
        }
    }

    /// Registers a model package; the service creates a group that is missing.
    fn register(&mut self, within: Within<'_>, arguments: Value) -> Started {
        let scope = within.scope;
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
                    return Started::failed(&not_invoked(op, &refusal));
                }
            }
        }
        let op = "CreateModelPackage";
        match self.invoke(op, scope, &arguments, Self::create_package) {
            Err(refusal) => Started::failed(&not_invoked(op, &refusal)),
            Ok(answer) => {
                let arn = text(&answer, "ModelPackageArn");
                let key = self.key(Id::Package.kind(), scope, arn);
                if self.experiment_of(within.key).is_some() {
                    let _tracked = self.track_package(scope, &key);
                }
                let metadata = json!({"RegisterModel": {"Arn": arn}});
                Started::made(key, metadata, StepStatus::Succeeded)
            }
        }
    }

    /// The experiment and the trial of an execution, if it has them.
    fn experiment_of(&self, execution: &Key) -> Option<Value> {
        let record = self.records.get(execution)?;
        record.body.get("PipelineExperimentConfig").cloned()
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
}

/// `pipelines-<execution>-<step>-<10 letters and digits>`, at most 63 characters.
fn generated_name(execution: &str, step: &str, seq: u64) -> String {
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

fn not_invoked(op: &str, refusal: &Refusal) -> String {
    format!(
        "ClientError: Failed to invoke sagemaker:{op}. Error Details: {}",
        refusal.message
    )
}
