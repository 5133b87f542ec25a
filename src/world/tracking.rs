//! What the service writes down about jobs that belong to an experiment: a trial component each,
//! and what led to what.

use serde_json::{Map, Value, json};

use super::World;
use super::jobs::names;
use super::kind::Id;
use super::records::Key;
use super::request::{Refusal, epoch, items, text};
use crate::resource::call::Scope;

/// What is written down of a kind of jobs: the end of the component's name, and its source's type.
fn about(id: Id) -> (&'static str, &'static str) {
    match id {
        Id::TrainingJob => ("aws-training-job", "SageMakerTrainingJob"),
        Id::TransformJob => ("aws-transform-job", "SageMakerTransformJob"),
        _ => ("aws-processing-job", "SageMakerProcessingJob"),
    }
}

impl World {
    /// Makes the experiment and the trial of an execution, unless they are there.
    pub(super) fn open_trial(
        &mut self,
        scope: &Scope,
        pipeline: &str,
        config: &Value,
    ) -> Result<(), Refusal> {
        let (experiment, trial) = (text(config, "ExperimentName"), text(config, "TrialName"));
        for (op, id, name) in [
            ("CreateExperiment", Id::Experiment, experiment),
            ("CreateTrial", Id::Trial, trial),
        ] {
            let key = Key::new(id, scope, name);
            if name.is_empty() || self.records.get(&key).is_some() {
                continue;
            }
            let wanted = match id {
                Id::Trial => json!({"TrialName": name, "ExperimentName": experiment}),
                _ => json!({"ExperimentName": name}),
            };
            self.invoke(op, scope, &wanted, |world, request| {
                world.create(id.kind(), request)
            })?;
            if let Some(record) = self.records.get_mut(&key) {
                record.body["Source"] =
                    json!({"SourceArn": pipeline, "SourceType": "SageMakerPipeline"});
            }
        }
        Ok(())
    }

    /// Whether what a job's `ExperimentConfig` names is there.
    pub(super) fn check_experiment(&self, scope: &Scope, config: &Value) -> Result<(), Refusal> {
        for (member, id) in [("ExperimentName", Id::Experiment), ("TrialName", Id::Trial)] {
            let name = text(config, member);
            if !name.is_empty() && self.records.get(&Key::new(id, scope, name)).is_none() {
                return Err(id.kind().missing(scope, name));
            }
        }
        Ok(())
    }

    /// Makes the trial component of a job that belongs to an experiment, and puts it in its trial.
    pub(super) fn open_component(&mut self, job: &Key) -> Option<()> {
        let record = self.records.get(job)?;
        let config = record.body.get("ExperimentConfig")?.clone();
        let scope = record.scope.clone();
        let (end, source) = about(job.id);
        let name = format!("{}-{end}", record.name.to_ascii_lowercase());
        let display = match text(&config, "TrialComponentDisplayName") {
            "" => record.name.clone(),
            display => display.to_owned(),
        };
        let (inputs, parameters) = (inputs(job.id, &record.body), parameters(&record.body));
        let component = json!({
            "TrialComponentName": name,
            "DisplayName": display,
            "Status": {"PrimaryStatus": "InProgress"},
            "StartTime": record.body[names(job.id).start],
            "Parameters": parameters,
            "InputArtifacts": artifacts(&inputs),
        });
        let arn = record.body[job.id.kind().arn].clone();
        let made = self.invoke(
            "CreateTrialComponent",
            &scope,
            &component,
            |world, request| world.create(Id::TrialComponent.kind(), request),
        );
        made.ok()?;
        let key = Key::new(Id::TrialComponent, &scope, &name);
        let body = &mut self.records.get_mut(&key)?.body;
        body["Source"] = json!({"SourceArn": arn, "SourceType": source});
        let trial = text(&config, "TrialName");
        if !trial.is_empty() {
            let both = json!({"TrialComponentName": name, "TrialName": trial});
            let associated = self.invoke("AssociateTrialComponent", &scope, &both, Self::associate);
            associated.ok()?;
        }
        Some(())
    }

    /// Writes down how a job of an experiment ended, and what led to what.
    pub(super) fn close_component(&mut self, job: &Key) -> Option<()> {
        let record = self.records.get(job)?;
        record.body.get("ExperimentConfig")?;
        let (scope, body) = (record.scope.clone(), record.body.clone());
        let (end, _) = about(job.id);
        let name = format!("{}-{end}", record.name.to_ascii_lowercase());
        let key = Key::new(Id::TrialComponent, &scope, &name);
        let status = text(&body, names(job.id).status);
        let outputs = match status {
            "Completed" => outputs(job.id, &body),
            _ => Vec::new(),
        };
        let now = self.now;
        let component = &mut self.records.get_mut(&key)?.body;
        component["Status"] = json!({"PrimaryStatus": status});
        if let Some(reason) = body.get("FailureReason") {
            component["Status"]["Message"] = reason.clone();
        }
        component["EndTime"] = epoch(now);
        component["LastModifiedTime"] = epoch(now);
        if !outputs.is_empty() {
            component["OutputArtifacts"] = artifacts(&outputs);
        }
        let metrics: Vec<Value> = items(&body, "FinalMetricDataList")
            .iter()
            .map(|metric| summary(metric, &body[job.id.kind().arn]))
            .collect();
        if !metrics.is_empty() {
            component["Metrics"] = metrics.into();
        }
        let arn = text(component, "TrialComponentArn").to_owned();
        for one in inputs(job.id, &body) {
            if let Some(artifact) = self.artifact(&scope, &one.uri, one.kind) {
                self.lead(&scope, &artifact, &arn, "ContributedTo");
            }
        }
        for one in outputs {
            if let Some(artifact) = self.artifact(&scope, &one.uri, one.kind) {
                self.lead(&scope, &arn, &artifact, "Produced");
            }
        }
        Some(())
    }

    /// Writes down what led to a model package, and to which group it belongs.
    pub(super) fn track_package(&mut self, scope: &Scope, package: &Key) -> Option<()> {
        let body = self.records.get(package)?.body.clone();
        let arn = self.artifact(scope, text(&body, "ModelPackageArn"), "ModelPackage")?;
        let containers = items(&body["InferenceSpecification"], "Containers");
        for container in containers {
            let data = text(container, "ModelDataUrl");
            if let Some(data) = self.artifact(scope, data, "Model") {
                self.lead(scope, &data, &arn, "ContributedTo");
            }
        }
        let group = text(&body, "ModelPackageGroupName");
        let name = format!("{group}-aws-model-group");
        let key = Key::new(Id::Context, scope, &name);
        if self.records.get(&key).is_none() {
            let uri = Id::PackageGroup.kind().arn(scope, group);
            let wanted = json!({
                "ContextName": name, "ContextType": "ModelGroup", "Source": {"SourceUri": uri},
            });
            let made = self.invoke("CreateContext", scope, &wanted, |world, request| {
                world.create(Id::Context.kind(), request)
            });
            made.ok()?;
        }
        let group = Id::Context.kind().arn(scope, &name);
        self.lead(scope, &arn, &group, "AssociatedWith");
        Some(())
    }
}

/// Something that a job reads or writes.
struct Artifact {
    name: String,
    uri: String,
    kind: &'static str,
}

impl Artifact {
    fn new(name: &str, uri: &Value, kind: &'static str) -> Option<Self> {
        let uri = uri.as_str().filter(|uri| !uri.is_empty())?.to_owned();
        let name = name.to_owned();
        Some(Self { name, uri, kind })
    }
}

fn inputs(id: Id, body: &Value) -> Vec<Artifact> {
    let data = |name: &str, uri: &Value| Artifact::new(name, uri, "DataSet");
    let image = match id {
        Id::TrainingJob => &body["AlgorithmSpecification"]["TrainingImage"],
        Id::ProcessingJob => &body["AppSpecification"]["ImageUri"],
        _ => &Value::Null,
    };
    let image = Artifact::new("SageMaker.ImageUri", image, "Image");
    let channels = items(body, "InputDataConfig").iter().filter_map(|channel| {
        let uri = &channel["DataSource"]["S3DataSource"]["S3Uri"];
        data(text(channel, "ChannelName"), uri)
    });
    let processed = items(body, "ProcessingInputs");
    let processed = processed
        .iter()
        .filter_map(|input| data(text(input, "InputName"), &input["S3Input"]["S3Uri"]));
    let transformed = &body["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"];
    let transformed = data("SageMaker.TransformInput", transformed);
    let all = image.into_iter().chain(channels).chain(processed);
    all.chain(transformed).collect()
}

fn outputs(id: Id, body: &Value) -> Vec<Artifact> {
    let model = match id {
        Id::TrainingJob => &body["ModelArtifacts"]["S3ModelArtifacts"],
        _ => &Value::Null,
    };
    let model = Artifact::new("SageMaker.ModelArtifact", model, "Model");
    let processed = items(&body["ProcessingOutputConfig"], "Outputs");
    let processed = processed.iter().filter_map(|output| {
        let uri = &output["S3Output"]["S3Uri"];
        Artifact::new(text(output, "OutputName"), uri, "DataSet")
    });
    let transformed = &body["TransformOutput"]["S3OutputPath"];
    let transformed = Artifact::new("SageMaker.TransformOutput", transformed, "DataSet");
    let all = model.into_iter().chain(processed);
    all.chain(transformed).collect()
}

fn artifacts(all: &[Artifact]) -> Value {
    let all = all.iter();
    let all = all.map(|one| (one.name.clone(), json!({"Value": one.uri})));
    Value::Object(all.collect())
}

/// A training job's hyperparameters, numbers as such.
fn parameters(body: &Value) -> Value {
    let none = Map::new();
    let given = body["HyperParameters"].as_object().unwrap_or(&none).iter();
    let given = given.map(|(name, value)| {
        let text = value.as_str().unwrap_or_default();
        let value = match text.parse::<f64>().ok().filter(|number| number.is_finite()) {
            Some(number) => json!({"NumberValue": number}),
            None => json!({"StringValue": text}),
        };
        (name.clone(), value)
    });
    Value::Object(given.collect())
}

/// A metric's only value, as a summary of all values.
fn summary(metric: &Value, job: &Value) -> Value {
    let value = &metric["Value"];
    json!({
        "MetricName": metric["MetricName"], "SourceArn": job, "TimeStamp": metric["Timestamp"],
        "Max": value, "Min": value, "Last": value, "Avg": value, "Count": 1,
    })
}
