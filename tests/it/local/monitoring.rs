//! Monitors: a baseline, and executions of schedules over what an endpoint really captured.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{interval, timeout};

use super::endpoints::{SERVE, deploy, settled};
use super::{Client, DEADLINE, ROLE, start};

const ANALYZER: &str =
    "156813124566.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer";
const CLARIFY: &str =
    "205585389593.dkr.ecr.us-east-1.amazonaws.com/sagemaker-clarify-processing:1.0";

/// The rows that the endpoint is asked about, moved by so much; and what it answers to each.
fn rows(by: u32) -> impl Iterator<Item = (String, u32)> {
    (by..by + 200).map(|n| (format!("{n},{}", n % 7), 100 + n + n % 7))
}

fn job(name: &str, image: &str, environment: Value) -> Value {
    json!({
        "ProcessingJobName": name, "RoleArn": ROLE,
        "AppSpecification": {"ImageUri": image},
        "ProcessingResources": {"ClusterConfig": {
            "InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5,
        }},
        "ProcessingInputs": [{"InputName": "baseline_dataset_input", "S3Input": {
            "S3Uri": "s3://ml-data/train", "S3DataType": "S3Prefix", "S3InputMode": "File",
            "LocalPath": "/opt/ml/processing/input/baseline_dataset_input",
        }}],
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "monitoring_output", "S3Output": {
            "S3Uri": "s3://ml-data/base", "LocalPath": "/opt/ml/processing/output",
            "S3UploadMode": "EndOfJob",
        }}]},
        "Environment": environment,
    })
}

/// Runs a job of the analyzer to its end.
async fn run(local: &Client, name: &str, image: &str, extra: Option<(&str, &str)>) -> Value {
    let mut environment = json!({
        "dataset_format": "{\"csv\":{\"header\":true}}",
        "dataset_source": "/opt/ml/processing/input/baseline_dataset_input",
        "output_path": "/opt/ml/processing/output",
        "publish_cloudwatch_metrics": "Disabled",
    });
    if let Some((name, value)) = extra {
        environment[name] = json!(value);
    }
    let request = job(name, image, environment);
    local.call("CreateProcessingJob", request).await.unwrap();
    let name = json!({"ProcessingJobName": name});
    let ended = |found: &Value| found["ProcessingJobStatus"] != "InProgress";
    local.wait("DescribeProcessingJob", name, ended).await
}

async fn capture(local: &Client, by: u32, objects: usize) {
    let rows: Vec<String> = rows(by).map(|(row, _)| row).collect();
    let body = rows.join("\n");
    let (status, _, answer) = local.invoke("churn", "text/csv", &body).await;
    assert_eq!(status, 200, "{answer}");
    let mut ticks = interval(Duration::from_millis(100));
    let written = timeout(DEADLINE, async {
        loop {
            ticks.tick().await;
            if keys(local, "capture/churn/main/").await.len() >= objects {
                return;
            }
        }
    });
    written.await.expect("what was captured is written");
}

async fn keys(local: &Client, prefix: &str) -> Vec<String> {
    let list = local.s3.list_objects_v2().bucket("ml-data").prefix(prefix);
    let list = list.send().await.unwrap();
    let keys = list.contents().iter();
    keys.filter_map(|object| object.key().map(str::to_owned))
        .collect()
}

/// Creates a schedule that runs now, and waits for the end of its execution.
async fn execute(local: &Client, name: &str) -> Value {
    let config = json!({
        "ScheduleConfig": {"ScheduleExpression": "NOW",
            "DataAnalysisStartTime": "-PT1H", "DataAnalysisEndTime": "-PT0H"},
        "MonitoringType": "DataQuality",
        "MonitoringJobDefinition": {
            "BaselineConfig": {"BaseliningJobName": "base"},
            "MonitoringInputs": [{"EndpointInput": {
                "EndpointName": "churn", "LocalPath": "/opt/ml/processing/input/endpoint",
            }}],
            "MonitoringOutputConfig": {"MonitoringOutputs": [{"S3Output": {
                "S3Uri": "s3://ml-data/reports", "LocalPath": "/opt/ml/processing/output",
            }}]},
            "MonitoringResources": {"ClusterConfig": {
                "InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5,
            }},
            "MonitoringAppSpecification": {"ImageUri": ANALYZER},
            "RoleArn": ROLE,
        },
    });
    let request = json!({"MonitoringScheduleName": name, "MonitoringScheduleConfig": config});
    local
        .call("CreateMonitoringSchedule", request)
        .await
        .unwrap();
    let name = json!({"MonitoringScheduleName": name});
    let over = |found: &Value| {
        let last = &found["LastMonitoringExecutionSummary"]["MonitoringExecutionStatus"];
        !matches!(last.as_str(), None | Some("Pending" | "InProgress"))
    };
    let found = local
        .wait("DescribeMonitoringSchedule", name.clone(), over)
        .await;
    let listed = local.call("ListMonitoringExecutions", name).await.unwrap();
    let last = &found["LastMonitoringExecutionSummary"];
    assert_eq!(listed["MonitoringExecutionSummaries"], json!([last]));
    last.clone()
}

async fn report(local: &Client, schedule: &str, file: &str) -> Value {
    let keys = keys(local, &format!("reports/churn/{schedule}/")).await;
    let key = keys.iter().find(|key| key.ends_with(file));
    let key = key.unwrap_or_else(|| panic!("no {file} in {keys:?}"));
    serde_json::from_slice(&local.get(key).await).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schedule_finds_where_captured_data_leaves_the_baseline() {
    let local = start(None).await;
    deploy(&local, "churn", SERVE).await;
    let train = rows(0).map(|(row, answer)| format!("{answer}.0,{row}"));
    let train: Vec<String> = train.collect();
    let train = format!("prediction,a,b\n{}\n", train.join("\n"));
    local.put("train/data.csv", train.into_bytes()).await;
    let found = run(&local, "base", ANALYZER, None).await;
    assert_eq!(found["ProcessingJobStatus"], "Completed", "{found}");
    assert_eq!(
        found["ExitMessage"],
        "Completed: Job completed successfully with no violations."
    );
    let statistics: Value =
        serde_json::from_slice(&local.get("base/statistics.json").await).unwrap();
    assert_eq!(statistics["dataset"]["item_count"], 200);

    let script = Some(("record_preprocessor_script", "/opt/ml/processing/code/a.py"));
    let failed = run(&local, "script", ANALYZER, script).await;
    let reason = failed["FailureReason"].as_str().unwrap();
    assert!(
        reason.contains("`record_preprocessor_script` is not supported"),
        "{reason}"
    );
    let failed = run(&local, "clarify", CLARIFY, None).await;
    let reason = failed["FailureReason"].as_str().unwrap();
    assert!(
        reason.contains("sagemaker-clarify-processing is not run locally"),
        "{reason}"
    );

    let found = settled(&local, "churn").await;
    assert_eq!(found["EndpointStatus"], "InService", "{found}");
    let last = execute(&local, "early").await;
    assert_eq!(last["MonitoringExecutionStatus"], "Failed");
    assert_eq!(last["FailureReason"], "Job inputs had no data");

    capture(&local, 0, 1).await;
    let last = execute(&local, "calm").await;
    assert_eq!(last["MonitoringExecutionStatus"], "Completed", "{last}");
    let violations = report(&local, "calm", "/constraint_violations.json").await;
    assert_eq!(violations, json!({"violations": []}));
    let statistics = report(&local, "calm", "/statistics.json").await;
    assert_eq!(statistics["dataset"]["item_count"], 200);

    capture(&local, 1_000, 2).await;
    let last = execute(&local, "alarmed").await;
    assert_eq!(
        last["MonitoringExecutionStatus"], "CompletedWithViolations",
        "{last}"
    );
    let violations = report(&local, "alarmed", "/constraint_violations.json").await;
    let found: Vec<(&str, &str)> = violations["violations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let text = |member: &str| one[member].as_str().unwrap();
            (text("feature_name"), text("constraint_check_type"))
        })
        .collect();
    let drift = "baseline_drift_check";
    assert_eq!(found, [("prediction", drift), ("a", drift)]);
    let job = last["ProcessingJobArn"].as_str().unwrap();
    let name = job.rsplit('/').next().unwrap();
    let job = local
        .call("DescribeProcessingJob", json!({"ProcessingJobName": name}))
        .await
        .unwrap();
    assert_eq!(job["ProcessingJobStatus"], "Completed");
    assert_eq!(
        job["ExitMessage"],
        "CompletedWithViolations: Job completed successfully with 2 violations."
    );
    local.handle.shutdown().await;
}
