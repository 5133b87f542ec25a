//! The pipeline's definition: a function of the configuration alone. What belongs to one run is a
//! parameter.

use serde_json::{Map, Value, json};

use super::{CompileError, Subject, network, role_arn};
use crate::config::model::{Evaluation, ProblemType, Processing};
use crate::facts::images;

/// Parameter: where the training code is.
pub const CODE_URI: &str = "CodeUri";
/// Parameter: where the serving code is.
pub const SERVING_URI: &str = "ServingCodeUri";
/// Parameter: the serving code's digest.
pub const SERVING_DIGEST: &str = "ServingDigest";
/// Parameter: the run digest.
pub const RUN_DIGEST: &str = "RunDigest";
/// Parameter: the commit.
pub const COMMIT: &str = "Commit";

const TRAIN: &str = "train";
const EVALUATE: &str = "evaluate";
const GATE: &str = "gate";
const REGISTER: &str = "register";
const BELOW_GATE: &str = "below-gate";
const REPORT: &str = "EvaluationReport";

/// Metadata of a package: the run digest.
pub const RUN_KEY: &str = "trueup:run";
/// Metadata of a package: the commit.
pub const COMMIT_KEY: &str = "trueup:commit";
/// Metadata of a package: the serving code's digest.
pub const SERVING_KEY: &str = "trueup:serving";
/// Metadata of a package, followed by the dataset's name: its content digest.
pub const DATA_KEY: &str = "trueup:data:";

/// The parameter with a dataset's URI.
pub fn data_uri(dataset: &str) -> String {
    format!("Data-{dataset}-Uri")
}

/// The parameter with a dataset's content digest.
pub fn data_digest(dataset: &str) -> String {
    format!("Data-{dataset}-Digest")
}

/// What the description of a package says about its origin, so that a list is enough to find it.
pub fn package_description(run: &str, serving: &str) -> String {
    format!("trueup run {run} serving {serving}")
}

/// What an inference container is told.
pub fn serving_environment(region: &str, entry_point: &str, code: Value) -> Value {
    json!({
        "SAGEMAKER_CONTAINER_LOG_LEVEL": "20",
        "SAGEMAKER_PROGRAM": entry_point,
        "SAGEMAKER_REGION": region,
        "SAGEMAKER_SUBMIT_DIRECTORY": code,
    })
}

/// The definition as JSON.
pub fn definition(
    subject: &Subject<'_>,
    source: &super::source::Source,
) -> Result<Value, CompileError> {
    Definition {
        subject,
        source,
        image: images::uri(&subject.config.framework, &subject.config.region)?,
    }
    .build()
}

struct Definition<'a> {
    subject: &'a Subject<'a>,
    source: &'a super::source::Source,
    image: String,
}

fn get(path: impl Into<String>) -> Value {
    json!({"Get": path.into()})
}

fn parameter(name: &str) -> Value {
    get(format!("Parameters.{name}"))
}

fn join(on: &str, values: Vec<Value>) -> Value {
    json!({"Std:Join": {"On": on, "Values": values}})
}

impl Definition<'_> {
    fn build(&self) -> Result<Value, CompileError> {
        let config = self.subject.config;
        let mut names = vec![CODE_URI, SERVING_URI, SERVING_DIGEST, RUN_DIGEST, COMMIT]
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>();
        for dataset in config.data.keys() {
            names.extend([data_uri(dataset), data_digest(dataset)]);
        }
        let parameters: Vec<_> = names
            .iter()
            .map(|name| json!({"Name": name, "Type": "String"}))
            .collect();

        let mut steps = Vec::new();
        for (name, step) in &config.processing {
            if [TRAIN, EVALUATE, GATE, REGISTER, BELOW_GATE].contains(&name.as_str()) {
                return Err(CompileError::ReservedStep { name: name.clone() });
            }
            steps.push(self.process(name, step)?);
        }
        steps.push(self.train()?);
        let register = self.register();
        match &config.evaluation {
            None => steps.push(register),
            Some(evaluation) => {
                steps.push(self.evaluate(evaluation)?);
                steps.push(gate(evaluation, register));
            }
        }
        Ok(json!({
            "Version": "2020-12-01",
            "Metadata": {},
            "Parameters": parameters,
            "PipelineExperimentConfig": null,
            "Steps": steps,
        }))
    }

    fn role(&self) -> String {
        let config = self.subject.config;
        role_arn(&config.roles, &config.account, &config.name)
    }

    /// Below the run's own prefix.
    fn output_uri(&self, step: &str, output: &str) -> Value {
        let prefix = self.subject.prefix(&self.subject.home_scope());
        join(
            "/",
            vec![
                format!("{prefix}/runs").into(),
                get("Execution.PipelineExecutionId"),
                step.into(),
                output.into(),
            ],
        )
    }

    /// A dataset, or the output of a processing step: where a step finds it.
    fn input_uri(&self, name: &str) -> Result<Value, CompileError> {
        let config = self.subject.config;
        let output = |step: &str, output: &str| {
            get(format!(
                "Steps.{step}.ProcessingOutputConfig.Outputs['{output}'].S3Output.S3Uri"
            ))
        };
        if let Some((step, of)) = name.split_once('.')
            && config
                .processing
                .get(step)
                .is_some_and(|step| step.outputs.iter().any(|one| one == of))
        {
            return Ok(output(step, of));
        }
        if config.data.contains_key(name) {
            return Ok(parameter(&data_uri(name)));
        }
        let mut writers = config
            .processing
            .iter()
            .filter(|(_, step)| step.outputs.iter().any(|one| one == name));
        match (writers.next(), writers.next()) {
            (Some((step, _)), None) => Ok(output(step, name)),
            _ => Err(CompileError::NoInput {
                name: name.to_owned(),
            }),
        }
    }

    /// The output of a processing step goes before the dataset of the same name.
    fn measured_uri(&self, name: &str) -> Result<Value, CompileError> {
        let written = self
            .subject
            .config
            .processing
            .iter()
            .find(|(_, step)| step.outputs.iter().any(|one| one == name));
        match written {
            Some((step, _)) => self.input_uri(&format!("{step}.{name}")),
            None => self.input_uri(name),
        }
    }

    /// A processing job that unpacks the code and runs one script of it.
    fn processing_job(&self, job: &ProcessingJob<'_>) -> Result<Value, CompileError> {
        let mut arguments = vec![self.source.relative(job.script)?];
        let mut inputs = vec![input("code", parameter(CODE_URI))];
        for (name, uri) in &job.inputs {
            arguments.extend([
                format!("--input-{name}"),
                format!("/opt/ml/processing/input/{name}"),
            ]);
            inputs.push(input(name, uri.clone()));
        }
        let mut outputs = Vec::new();
        for name in &job.outputs {
            arguments.extend([
                format!("--output-{name}"),
                format!("/opt/ml/processing/output/{name}"),
            ]);
            outputs.push(json!({
                "OutputName": name,
                "S3Output": {
                    "S3Uri": self.output_uri(job.step, name),
                    "LocalPath": format!("/opt/ml/processing/output/{name}"),
                    "S3UploadMode": "EndOfJob",
                },
            }));
        }
        let request = json!({
            "ProcessingResources": {"ClusterConfig": {
                "InstanceType": job.instance_type,
                "InstanceCount": job.instance_count,
                "VolumeSizeInGB": 30,
            }},
            "AppSpecification": {
                "ImageUri": self.image,
                "ContainerEntrypoint": [
                    "/bin/sh", "-ec",
                    "cd /opt/ml/processing/input/code; tar -xzf sourcedir.tar.gz; exec python3 \"$@\"",
                    "trueup",
                ],
                "ContainerArguments": arguments,
            },
            "Environment": environment(),
            "RoleArn": self.role(),
            "StoppingCondition": {"MaxRuntimeInSeconds": job.max_runtime},
            "ProcessingInputs": inputs,
            "ProcessingOutputConfig": {"Outputs": outputs},
        });
        let config = self.subject.config;
        Ok(network::processing(
            request,
            &config.network,
            &config.encryption,
        ))
    }

    fn process(&self, name: &str, step: &Processing) -> Result<Value, CompileError> {
        let inputs = step
            .inputs
            .iter()
            .map(|input| {
                let short = input.rsplit('.').next().unwrap_or(input);
                Ok((short.to_owned(), self.input_uri(input)?))
            })
            .collect::<Result<_, CompileError>>()?;
        let job = ProcessingJob {
            step: name,
            script: &step.script,
            inputs,
            outputs: step.outputs.iter().map(String::as_str).collect(),
            instance_type: &step.instance_type,
            instance_count: step.instance_count,
            max_runtime: step.max_runtime.0.min(PROCESSING_SECONDS_MAX),
        };
        Ok(json!({"Name": name, "Type": "Processing", "Arguments": self.processing_job(&job)?}))
    }

    fn train(&self) -> Result<Value, CompileError> {
        let config = self.subject.config;
        let training = &config.training;
        let mut hyperparameters: Map<String, Value> = training
            .hyperparameters
            .iter()
            .map(|(name, value)| (name.clone(), value.text().into()))
            .collect();
        // The toolkit in the container reads its own hyperparameters as JSON.
        let program = Value::from(self.source.relative(&training.entry_point)?).to_string();
        hyperparameters.insert("sagemaker_program".to_owned(), program.into());
        let quoted = join("", vec!["\"".into(), parameter(CODE_URI), "\"".into()]);
        hyperparameters.insert("sagemaker_submit_directory".to_owned(), quoted);
        let channels = self
            .channels()?
            .into_iter()
            .map(|(name, uri)| {
                json!({
                    "ChannelName": name,
                    "DataSource": {"S3DataSource": {
                        "S3DataType": "S3Prefix",
                        "S3Uri": uri,
                        "S3DataDistributionType": "FullyReplicated",
                    }},
                })
            })
            .collect::<Vec<_>>();
        let prefix = self.subject.prefix(&self.subject.home_scope());
        let output = join(
            "/",
            vec![
                format!("{prefix}/runs").into(),
                get("Execution.PipelineExecutionId"),
                TRAIN.into(),
            ],
        );
        let request = json!({
            "AlgorithmSpecification": {"TrainingImage": self.image, "TrainingInputMode": "File"},
            "HyperParameters": hyperparameters,
            "Environment": environment(),
            "InputDataConfig": channels,
            "OutputDataConfig": {"S3OutputPath": output},
            "ResourceConfig": {
                "InstanceType": training.instance_type,
                "InstanceCount": training.instance_count,
                "VolumeSizeInGB": training.volume_size_in_gb,
            },
            "RoleArn": self.role(),
            "StoppingCondition": {"MaxRuntimeInSeconds": training.max_runtime.0},
        });
        let request = network::training(request, &config.network, &config.encryption);
        Ok(json!({"Name": TRAIN, "Type": "Training", "Arguments": request}))
    }

    /// What the training script finds under its channels: everything that processing wrote, or the
    /// datasets where nothing is processed.
    fn channels(&self) -> Result<Vec<(String, Value)>, CompileError> {
        let config = self.subject.config;
        if config.processing.is_empty() {
            return config
                .data
                .keys()
                .map(|name| Ok((name.clone(), self.input_uri(name)?)))
                .collect();
        }
        config
            .processing
            .iter()
            .flat_map(|(step, processing)| {
                processing.outputs.iter().map(move |output| (step, output))
            })
            .map(|(step, output)| {
                Ok((output.clone(), self.input_uri(&format!("{step}.{output}"))?))
            })
            .collect()
    }

    fn evaluate(&self, evaluation: &Evaluation) -> Result<Value, CompileError> {
        let dataset = evaluation
            .dataset
            .rsplit('.')
            .next()
            .unwrap_or(&evaluation.dataset)
            .to_owned();
        let job = ProcessingJob {
            step: EVALUATE,
            script: &evaluation.script,
            inputs: vec![
                (
                    "model".to_owned(),
                    get(format!("Steps.{TRAIN}.ModelArtifacts.S3ModelArtifacts")),
                ),
                (dataset, self.measured_uri(&evaluation.dataset)?),
            ],
            outputs: vec!["evaluation"],
            instance_type: &evaluation.instance_type,
            instance_count: 1,
            max_runtime: 3600,
        };
        Ok(json!({
            "Name": EVALUATE,
            "Type": "Processing",
            "Arguments": self.processing_job(&job)?,
            "PropertyFiles": [{
                "PropertyFileName": REPORT,
                "OutputName": "evaluation",
                "FilePath": "evaluation.json",
            }],
        }))
    }

    fn register(&self) -> Value {
        let config = self.subject.config;
        let mut metadata = Map::from_iter([
            (RUN_KEY.to_owned(), parameter(RUN_DIGEST)),
            (COMMIT_KEY.to_owned(), parameter(COMMIT)),
            (SERVING_KEY.to_owned(), parameter(SERVING_DIGEST)),
        ]);
        for dataset in config.data.keys() {
            metadata.insert(
                format!("{DATA_KEY}{dataset}"),
                parameter(&data_digest(dataset)),
            );
        }
        let code = parameter(SERVING_URI);
        let mut arguments = json!({
            "ModelPackageGroupName": self.subject.group(),
            "ModelPackageDescription": join("", vec![
                "trueup run ".into(), parameter(RUN_DIGEST), " serving ".into(), parameter(SERVING_DIGEST),
            ]),
            "ModelApprovalStatus": "PendingManualApproval",
            "CustomerMetadataProperties": metadata,
            "InferenceSpecification": {
                "Containers": [{
                    "Image": self.image,
                    "ModelDataUrl": get(format!("Steps.{TRAIN}.ModelArtifacts.S3ModelArtifacts")),
                    "Environment": serving_environment(&config.region, &self.source.serving_entry, code),
                }],
                "SupportedContentTypes": ["application/json", "text/csv"],
                "SupportedResponseMIMETypes": ["application/json", "text/csv"],
            },
            "SkipModelValidation": "All",
        });
        if config.evaluation.is_some() {
            let Value::Object(report) = &self.output_uri(EVALUATE, "evaluation") else {
                unreachable!("a join is an object")
            };
            let mut uri = Value::Object(report.clone());
            if let Some(values) = uri["Std:Join"]["Values"].as_array_mut() {
                values.push("evaluation.json".into());
            }
            arguments["ModelMetrics"] = json!({"ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": uri}}});
        }
        json!({"Name": REGISTER, "Type": "RegisterModel", "Arguments": arguments})
    }
}

/// In every job, so that a cached step implies the same bytes.
fn environment() -> Value {
    json!({"TRUEUP_RUN": parameter(RUN_DIGEST), "TRUEUP_COMMIT": parameter(COMMIT)})
}

/// The longest that SageMaker lets a processing job run.
const PROCESSING_SECONDS_MAX: u64 = 7 * 24 * 60 * 60;

struct ProcessingJob<'a> {
    step: &'a str,
    script: &'a str,
    inputs: Vec<(String, Value)>,
    outputs: Vec<&'a str>,
    instance_type: &'a str,
    instance_count: u32,
    max_runtime: u64,
}

fn input(name: &str, uri: Value) -> Value {
    json!({
        "InputName": name,
        "S3Input": {
            "S3Uri": uri,
            "LocalPath": format!("/opt/ml/processing/input/{name}"),
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
            "S3DataDistributionType": "FullyReplicated",
        },
    })
}

/// Registers if every gate holds, else fails the run in words.
fn gate(evaluation: &Evaluation, register: Value) -> Value {
    let mut conditions = Vec::new();
    let mut words = Vec::new();
    for (metric, gate) in &evaluation.gates {
        for comparison in &gate.0 {
            words.push(format!(
                "{metric} {} {}",
                comparison.relation, comparison.bound
            ));
            conditions.push(json!({
                "Type": comparison.relation.condition_type(),
                "LeftValue": {"Std:JsonGet": {
                    "PropertyFile": {"Get": format!("Steps.{EVALUATE}.PropertyFiles.{REPORT}")},
                    "Path": metric_path(evaluation.problem_type, metric),
                }},
                "RightValue": comparison.bound,
            }));
        }
    }
    if conditions.is_empty() {
        // Nothing is gated, but what is registered is measured first all the same.
        let mut register = register;
        register["DependsOn"] = json!([EVALUATE]);
        return register;
    }
    let message = format!("a gate was not reached: {}", words.join(", "));
    json!({"Name": GATE, "Type": "Condition", "DependsOn": [EVALUATE], "Arguments": {
        "Conditions": conditions,
        "IfSteps": [register],
        "ElseSteps": [{"Name": BELOW_GATE, "Type": "Fail", "Arguments": {"ErrorMessage": message}}],
    }})
}

/// Where a metric stands in `evaluation.json`.
pub fn metric_path(problem: ProblemType, metric: &str) -> String {
    let group = match problem {
        ProblemType::BinaryClassification => "binary_classification_metrics",
        ProblemType::MulticlassClassification => "multiclass_classification_metrics",
        ProblemType::Regression => "regression_metrics",
    };
    format!("{group}.{metric}.value")
}
