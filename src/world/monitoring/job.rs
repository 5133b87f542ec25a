//! The processing job of an execution: what the service makes of a schedule and of what was
//! captured.

use serde_json::{Map, Value, json};

use super::super::World;
use super::super::kind::Id;
use super::super::objects::split_uri;
use super::super::records::{Key, Record};
use super::super::request::{items, text};
use super::super::timetable::{Timetable, hours_of};
use crate::clock::Timestamp;
use crate::resource::call::Scope;
use crate::resource::canonical::sha256;

/// Where the container finds the baseline: input, folder, environment variable, and file where the
/// baseline is a folder.
const BASELINE: [[&str; 5]; 2] = [
    [
        "ConstraintsResource",
        "constraints",
        "/opt/ml/processing/baseline/constraints",
        "baseline_constraints",
        "constraints.json",
    ],
    [
        "StatisticsResource",
        "baseline",
        "/opt/ml/processing/baseline/stats",
        "baseline_statistics",
        "statistics.json",
    ],
];
/// The user's own scripts: where they are named, and the variable that says where they are.
const SCRIPTS: [[&str; 2]; 2] = [
    ["RecordPreprocessorSourceUri", "record_preprocessor_script"],
    [
        "PostAnalyticsProcessorSourceUri",
        "post_analytics_processor_script",
    ],
];
const CODE: &str = "/opt/ml/processing/code";

/// The parts of a job definition, named or inline.
struct Definition<'a> {
    application: &'a Value,
    baseline: &'a Value,
    input: &'a Value,
    output: &'a Value,
    resources: &'a Value,
    environment: &'a Value,
    /// What has the same name in both.
    rest: &'a Value,
}

impl Definition<'_> {
    /// Where the results go.
    fn target(&self) -> &Value {
        let target = self.output.pointer("/MonitoringOutputs/0/S3Output");
        target.unwrap_or(&Value::Null)
    }
}

impl World {
    /// The request for the job of an execution; or why the execution fails without one.
    pub(super) fn monitoring_job(
        &self,
        schedule: &Key,
        at: Timestamp,
        execution: &str,
    ) -> Result<Map<String, Value>, String> {
        let gone = || "The monitoring schedule does not exist any more.".to_owned();
        let record = self.records.get(schedule).ok_or_else(gone)?;
        let kind = text(&record.body, "MonitoringType");
        if kind != "DataQuality" {
            return Err(format!("{kind} is not analyzed here: only DataQuality is."));
        }
        let config = &record.body["MonitoringScheduleConfig"];
        let definition = self.monitor_definition(&record.scope, config)?;
        let window = Timetable::of(config.get("ScheduleConfig"))?.window(at);
        let source = &definition.input["EndpointInput"];
        let captured = self.captured(record, source, window)?;
        if captured.is_empty() {
            return Err("Job inputs had no data".to_owned());
        }
        let mut environment = environment(record, &definition, window);
        let mut inputs = self.baseline(&record.scope, definition.baseline, &mut environment);
        inputs.extend(scripts(definition.application, &mut environment));
        inputs.extend(captured);
        for (name, value) in definition.environment.as_object().into_iter().flatten() {
            environment[name] = value.clone();
        }
        let mut body = request(record, &definition, at);
        let seed = sha256(format!("{}/{execution}", schedule.place).as_bytes());
        let name = format!(
            "model-monitoring-{}-{}",
            at.strftime("%Y%m%d%H%M"),
            &seed[..24]
        );
        body["ProcessingJobName"] = json!(name);
        body["ProcessingInputs"] = json!(inputs);
        body["Environment"] = environment;
        Ok(body.as_object().cloned().unwrap_or_default())
    }

    fn monitor_definition<'a>(
        &'a self,
        scope: &Scope,
        config: &'a Value,
    ) -> Result<Definition<'a>, String> {
        if let Some(inline) = config.get("MonitoringJobDefinition") {
            return Ok(Definition {
                application: &inline["MonitoringAppSpecification"],
                baseline: &inline["BaselineConfig"],
                input: &inline["MonitoringInputs"][0],
                output: &inline["MonitoringOutputConfig"],
                resources: &inline["MonitoringResources"],
                environment: &inline["Environment"],
                rest: inline,
            });
        }
        let name = text(config, "MonitoringJobDefinitionName");
        let kind = Id::DataQuality.kind();
        let record = self.records.get(&Key::new(Id::DataQuality, scope, name));
        let body = &record
            .ok_or_else(|| kind.missing(scope, name).message)?
            .body;
        let application = &body["DataQualityAppSpecification"];
        Ok(Definition {
            application,
            baseline: &body["DataQualityBaselineConfig"],
            input: &body["DataQualityJobInput"],
            output: &body["DataQualityJobOutputConfig"],
            resources: &body["JobResources"],
            environment: &application["Environment"],
            rest: body,
        })
    }

    /// An input for each hour and variant of which something was captured.
    fn captured(
        &self,
        schedule: &Record,
        source: &Value,
        window: (Timestamp, Timestamp),
    ) -> Result<Vec<Value>, String> {
        if source.is_null() {
            return Err(
                "BatchTransformInput is not analyzed here: only what an endpoint captures is."
                    .to_owned(),
            );
        }
        let (scope, name) = (&schedule.scope, text(source, "EndpointName"));
        let endpoint = self.records.get(&Key::new(Id::Endpoint, scope, name));
        let endpoint = endpoint.ok_or_else(|| Id::Endpoint.kind().missing(scope, name).message)?;
        let capture = &endpoint.body["DataCaptureConfig"];
        let Some((bucket, prefix)) = split_uri(text(capture, "DestinationS3Uri")) else {
            return Ok(Vec::new());
        };
        let prefix = match prefix.trim_end_matches('/') {
            "" => String::new(),
            prefix => format!("{prefix}/"),
        };
        let variants = items(&endpoint.body, "ProductionVariants").iter();
        let variants = variants.map(|variant| text(variant, "VariantName"));
        let folders = variants.flat_map(|variant| {
            hours_of(window).map(move |hour| format!("{name}/{variant}/{}", folder(hour)))
        });
        let held = folders.filter(|folder| self.objects.any(bucket, &format!("{prefix}{folder}/")));
        let inputs = (1..).zip(held).map(|(number, folder)| {
            let mut input = input(
                &format!("endpoint_input_{number}"),
                &format!("s3://{bucket}/{prefix}{folder}"),
                &format!("{}/{folder}", text(source, "LocalPath")),
            );
            for member in ["S3InputMode", "S3DataDistributionType"] {
                input["S3Input"][member] = source[member].clone();
            }
            input
        });
        Ok(inputs.collect())
    }

    /// The inputs that are the baseline: named by their places, or by the job that made them.
    fn baseline(&self, scope: &Scope, config: &Value, environment: &mut Value) -> Vec<Value> {
        let job = text(config, "BaseliningJobName");
        let job = self.records.get(&Key::new(Id::ProcessingJob, scope, job));
        let made = job.and_then(|job| {
            let outputs = job
                .body
                .pointer("/ProcessingOutputConfig/Outputs/0/S3Output")?;
            Some(text(outputs, "S3Uri").trim_end_matches('/'))
        });
        let inputs = BASELINE
            .iter()
            .filter_map(|[member, name, path, variable, file]| {
                let uri = match (text(&config[*member], "S3Uri"), made) {
                    ("", made) => format!("{}/{file}", made?),
                    (uri, _) => uri.to_owned(),
                };
                let last = uri.rsplit('/').next().filter(|last| !last.is_empty());
                environment[*variable] = json!(format!("{path}/{}", last.unwrap_or(file)));
                Some(input(name, &uri, path))
            });
        inputs.collect()
    }
}

/// What the container is told by its environment.
fn environment(
    schedule: &Record,
    definition: &Definition<'_>,
    window: (Timestamp, Timestamp),
) -> Value {
    let source = &definition.input["EndpointInput"];
    let format = json!({"sagemakerCaptureJson":
        {"captureIndexNames": ["endpointInput", "endpointOutput"]}});
    json!({
        "dataset_format": format.to_string(),
        "dataset_source": text(source, "LocalPath"),
        "output_path": text(definition.target(), "LocalPath"),
        "publish_cloudwatch_metrics": "Enabled",
        "monitoring_input_type": "ENDPOINT_INPUT",
        "sagemaker_endpoint_name": text(source, "EndpointName"),
        "sagemaker_monitoring_schedule_name": schedule.name,
        "start_time": window.0.to_string(),
        "end_time": window.1.to_string(),
        "metric_time": window.0.to_string(),
    })
}

/// What the definition alone says of the job, and where its results go.
fn request(schedule: &Record, definition: &Definition<'_>, at: Timestamp) -> Value {
    let (application, target) = (definition.application, definition.target());
    let uri = format!(
        "{}/{}/{}/{}",
        text(target, "S3Uri").trim_end_matches('/'),
        text(&definition.input["EndpointInput"], "EndpointName"),
        schedule.name,
        folder(at)
    );
    let mut body = json!({
        "RoleArn": definition.rest["RoleArn"],
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "result", "S3Output": {
            "S3Uri": uri, "LocalPath": target["LocalPath"], "S3UploadMode": target["S3UploadMode"],
        }}]},
        "ProcessingResources": {"ClusterConfig": definition.resources["ClusterConfig"]},
        "AppSpecification": {"ImageUri": application["ImageUri"]},
        "StoppingCondition": definition.rest["StoppingCondition"],
    });
    for member in ["ContainerEntrypoint", "ContainerArguments"] {
        if let Some(words) = application.get(member) {
            body["AppSpecification"][member] = words.clone();
        }
    }
    if let Some(network) = definition.rest.get("NetworkConfig") {
        body["NetworkConfig"] = network.clone();
    }
    body
}

fn scripts(application: &Value, environment: &mut Value) -> Vec<Value> {
    let inputs = SCRIPTS.iter().filter_map(|[member, variable]| {
        let uri = application.get(*member)?.as_str()?;
        let file = uri.rsplit('/').next().unwrap_or(uri);
        let folder = format!("{CODE}/{variable}");
        environment[*variable] = json!(format!("{folder}/{file}"));
        Some(input(variable, uri, &folder))
    });
    inputs.collect()
}

fn input(name: &str, uri: &str, path: &str) -> Value {
    json!({"InputName": name, "AppManaged": false, "S3Input": {
        "S3Uri": uri, "LocalPath": path, "S3DataType": "S3Prefix", "S3InputMode": "File",
        "S3DataDistributionType": "FullyReplicated", "S3CompressionType": "None",
    }})
}

/// The folder of an hour: `2026/01/31/23`.
fn folder(hour: Timestamp) -> String {
    hour.strftime("%Y/%m/%d/%H").to_string()
}
