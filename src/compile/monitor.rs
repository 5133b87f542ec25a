//! Monitors of one environment.

use serde_json::json;

use super::serve::stem;
use super::{CompileError, Subject, network, role_arn, tags};
use crate::config::model::{DataQuality, Environment, MonitorEngine};
use crate::facts::images;
use crate::resource::call::Scope;
use crate::resource::desired::{Key, Resource};
use crate::resource::kinds::{DATA_QUALITY_JOB_DEFINITION, ENDPOINT, MONITORING_SCHEDULE};

const DATA_QUALITY: &str = "data-quality";

/// The job definitions and schedules of an environment.
pub(super) fn resources(
    subject: &Subject<'_>,
    environment: &Environment,
    scope: &Scope,
) -> Result<Vec<Resource>, CompileError> {
    match &environment.monitors.data_quality {
        Some(monitor) => match monitor.engine {
            MonitorEngine::ModelMonitor => data_quality(subject, environment, scope, monitor),
        },
        None => Ok(Vec::new()),
    }
}

fn data_quality(
    subject: &Subject<'_>,
    environment: &Environment,
    scope: &Scope,
    monitor: &DataQuality,
) -> Result<Vec<Resource>, CompileError> {
    let endpoint = stem(&subject.config.name, &environment.name);
    let pointer = "/monitors/data_quality";
    let origin = (subject.origin)(&format!("/environments/{}{pointer}", environment.name))
        .or_else(|| (subject.origin)(pointer));
    let definition = Resource {
        key: Key::new(&DATA_QUALITY_JOB_DEFINITION, DATA_QUALITY),
        kind: &DATA_QUALITY_JOB_DEFINITION,
        stem: format!("{endpoint}-{DATA_QUALITY}"),
        body: network::monitoring(
            json!({
                "DataQualityAppSpecification": {"ImageUri": images::monitor_uri(&scope.region)?},
                "DataQualityJobInput": {"EndpointInput": {
                    "EndpointName": endpoint,
                    "LocalPath": "/opt/ml/processing/input/endpoint",
                }},
                "DataQualityJobOutputConfig": {"MonitoringOutputs": [{"S3Output": {
                    "S3Uri": format!("{}/monitoring", subject.prefix(scope)),
                    "LocalPath": "/opt/ml/processing/output",
                }}]},
                "JobResources": {"ClusterConfig": {
                    "InstanceCount": 1,
                    "InstanceType": monitor.instance_type,
                    "VolumeSizeInGB": 20,
                }},
                "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
                "RoleArn": role_arn(&environment.roles, &environment.account, &subject.config.name),
            }),
            &environment.network,
            &environment.encryption,
        )
        .into(),
        tags: tags(subject.config, &environment.tags),
        content: None,
        verify: Vec::new(),
        after: vec![Key::new(&ENDPOINT, "")],
        origin: origin.clone(),
    };
    let schedule = Resource {
        key: Key::new(&MONITORING_SCHEDULE, DATA_QUALITY),
        kind: &MONITORING_SCHEDULE,
        stem: format!("{endpoint}-{DATA_QUALITY}"),
        body: json!({
            "MonitoringScheduleConfig": {
                "ScheduleConfig": {"ScheduleExpression": monitor.schedule.cron()},
                "MonitoringJobDefinitionName": {"$ref": DATA_QUALITY},
                "MonitoringType": "DataQuality",
            },
            "MonitoringScheduleStatus": "Scheduled",
        })
        .into(),
        tags: tags(subject.config, &environment.tags),
        content: None,
        verify: Vec::new(),
        after: vec![Key::new(&ENDPOINT, "")],
        origin,
    };
    Ok(vec![definition, schedule])
}
