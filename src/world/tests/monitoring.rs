//! Executions of monitoring schedules.

use serde_json::{Value, json};

use super::super::request::epoch;
use super::super::work::{Job, JobOutcome, Work};
use super::{BUCKET, Bench, ROLE};
use crate::clock::Timestamp;
use crate::limits::MONITORING_EXECUTIONS_MAX;
use crate::resource::error::Class;

const HOURLY: &str = "cron(0 * ? * * *)";

/// A bench with an endpoint that captures, ten minutes before an hour.
fn bench() -> Bench {
    let mut bench = Bench::new();
    bench.now = at("2026-03-01T10:30:00Z");
    bench.model("m");
    let mut config = json!({
        "EndpointConfigName": "c",
        "ProductionVariants": [{
            "VariantName": "main", "ModelName": "m",
            "InstanceType": "ml.m5.large", "InitialInstanceCount": 1,
        }],
    });
    config["DataCaptureConfig"] = json!({
        "InitialSamplingPercentage": 100, "DestinationS3Uri": format!("s3://{BUCKET}/captured/"),
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
    });
    bench.ask("CreateEndpointConfig", config);
    bench.ask(
        "CreateEndpoint",
        json!({"EndpointName": "e", "EndpointConfigName": "c"}),
    );
    bench.fleets(None);
    bench.wait(1200);
    bench.ask("CreateDataQualityJobDefinition", definition());
    bench
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn definition() -> Value {
    json!({
        "JobDefinitionName": "d",
        "DataQualityAppSpecification": {"ImageUri": "analyzer", "Environment": {"A": "b"}},
        "DataQualityBaselineConfig": {
            "ConstraintsResource": {"S3Uri": "s3://b/base/constraints.json"},
            "StatisticsResource": {"S3Uri": "s3://b/base/"},
        },
        "DataQualityJobInput": {"EndpointInput":
            {"EndpointName": "e", "LocalPath": "/opt/ml/processing/input/endpoint"}},
        "DataQualityJobOutputConfig": {"MonitoringOutputs": [
            {"S3Output": {"S3Uri": "s3://b/out/", "LocalPath": "/opt/ml/processing/output"}}]},
        "JobResources": {"ClusterConfig":
            {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 20}},
        "RoleArn": ROLE,
    })
}

fn schedule(name: &str, kind: &str, expression: &str) -> Value {
    let mut body = json!({
        "MonitoringScheduleName": name,
        "MonitoringScheduleConfig": {
            "ScheduleConfig": {"ScheduleExpression": expression},
            "MonitoringJobDefinitionName": "d",
            "MonitoringType": kind,
        },
    });
    if expression == "NOW" {
        let config = &mut body["MonitoringScheduleConfig"]["ScheduleConfig"];
        config["DataAnalysisStartTime"] = json!("-PT1H");
        config["DataAnalysisEndTime"] = json!("-PT0H");
    }
    body
}

fn captured(bench: &mut Bench, hour: &str) {
    let key = format!("captured/e/main/{hour}/10-00-000-a.jsonl");
    bench.put(&key, b"{}");
}

/// Lets the hour come and the execution begin; the job that is to be run, if there is one.
fn next_hour(bench: &mut Bench) -> Option<Job> {
    let left = 3600 - bench.now.as_second() % 3600;
    bench.wait(left);
    let works = bench.wait(60);
    works.into_iter().find_map(|work| match work {
        Work::Run(job) => Some(job),
        _ => None,
    })
}

fn executions(bench: &mut Bench, request: Value) -> Vec<Value> {
    let listed = bench.ask("ListMonitoringExecutions", request);
    listed["MonitoringExecutionSummaries"]
        .as_array()
        .unwrap()
        .clone()
}

fn last(bench: &mut Bench) -> Value {
    let name = json!({"MonitoringScheduleName": "s"});
    bench.ask("DescribeMonitoringSchedule", name)["LastMonitoringExecutionSummary"].clone()
}

fn said(message: &str) -> JobOutcome {
    JobOutcome::Completed {
        model_artifacts: None,
        exit_message: Some(message.to_owned()),
        metrics: [].into(),
    }
}

#[test]
fn an_execution_is_a_job_over_what_was_captured() {
    let mut bench = bench();
    bench.ask(
        "CreateMonitoringSchedule",
        schedule("s", "DataQuality", HOURLY),
    );
    captured(&mut bench, "2026/03/01/09");
    captured(&mut bench, "2026/03/01/10");
    let job = next_hour(&mut bench).expect("a job");
    assert!(
        job.name.starts_with("model-monitoring-202603011100-"),
        "{}",
        job.name
    );
    let inputs = job.request["ProcessingInputs"].as_array().unwrap();
    let places: Vec<(&str, &str)> = inputs
        .iter()
        .map(|input| {
            let input = &input["S3Input"];
            (
                input["S3Uri"].as_str().unwrap(),
                input["LocalPath"].as_str().unwrap(),
            )
        })
        .collect();
    let hour = format!("s3://{BUCKET}/captured/e/main/2026/03/01/10");
    let expected = [
        (
            "s3://b/base/constraints.json",
            "/opt/ml/processing/baseline/constraints",
        ),
        ("s3://b/base/", "/opt/ml/processing/baseline/stats"),
        (
            hour.as_str(),
            "/opt/ml/processing/input/endpoint/e/main/2026/03/01/10",
        ),
    ];
    assert_eq!(places, expected);
    let environment = &job.request["Environment"];
    for (name, value) in [
        ("A", "b"),
        (
            "baseline_constraints",
            "/opt/ml/processing/baseline/constraints/constraints.json",
        ),
        (
            "baseline_statistics",
            "/opt/ml/processing/baseline/stats/statistics.json",
        ),
        ("dataset_source", "/opt/ml/processing/input/endpoint"),
        ("output_path", "/opt/ml/processing/output"),
        ("start_time", "2026-03-01T10:00:00Z"),
        ("end_time", "2026-03-01T11:00:00Z"),
        ("sagemaker_monitoring_schedule_name", "s"),
    ] {
        assert_eq!(environment[name], value, "{name}");
    }
    let output = &job.request["ProcessingOutputConfig"]["Outputs"][0]["S3Output"];
    assert_eq!(output["S3Uri"], "s3://b/out/e/s/2026/03/01/11");

    let shown = last(&mut bench);
    assert_eq!(shown["MonitoringExecutionStatus"], "InProgress");
    assert_eq!(shown["MonitoringJobDefinitionName"], "d");
    let described = bench.ask(
        "DescribeProcessingJob",
        json!({"ProcessingJobName": job.name}),
    );
    let arn = "arn:aws:sagemaker:eu-west-1:111122223333:monitoring-schedule/s";
    assert_eq!(described["MonitoringScheduleArn"], arn);
    assert_eq!(described["ProcessingJobArn"], shown["ProcessingJobArn"]);

    let found = "CompletedWithViolations: Job completed successfully with 2 violations.";
    bench.job(job.id, said(found));
    assert_eq!(
        last(&mut bench)["MonitoringExecutionStatus"],
        "CompletedWithViolations"
    );

    for (outcome, status) in [
        (
            said("Completed: Job completed successfully with no violations."),
            "Completed",
        ),
        (
            JobOutcome::Failed("AlgorithmError: x, exit code: 1".to_owned()),
            "Failed",
        ),
        (JobOutcome::Stopped, "Stopped"),
    ] {
        let hour = bench.now.strftime("%Y/%m/%d/%H").to_string();
        captured(&mut bench, &hour);
        let job = next_hour(&mut bench).expect("a job");
        bench.job(job.id, outcome);
        let shown = last(&mut bench);
        assert_eq!(shown["MonitoringExecutionStatus"], status);
        let reason = (status == "Failed").then_some("AlgorithmError: x, exit code: 1");
        assert_eq!(shown["FailureReason"].as_str(), reason);
    }
}

#[test]
fn without_data_an_execution_fails_and_few_are_kept() {
    let mut bench = bench();
    bench.ask(
        "CreateMonitoringSchedule",
        schedule("s", "DataQuality", HOURLY),
    );
    // One that has a job, which is forgotten with it.
    captured(&mut bench, "2026/03/01/10");
    let job = next_hour(&mut bench).expect("a job");
    bench.job(job.id, said("Completed: no violations."));
    for _ in 0..MONITORING_EXECUTIONS_MAX {
        assert_eq!(next_hour(&mut bench), None);
    }
    let shown = last(&mut bench);
    assert_eq!(shown["MonitoringExecutionStatus"], "Failed");
    assert_eq!(shown["FailureReason"], "Job inputs had no data");
    let all = executions(
        &mut bench,
        json!({"MonitoringScheduleName": "s", "MaxResults": 100}),
    );
    assert_eq!(all.len(), MONITORING_EXECUTIONS_MAX);
    assert_eq!(all[0], shown);
    bench.refused(
        "DescribeProcessingJob",
        json!({"ProcessingJobName": job.name}),
        "ValidationException",
        "Could not find requested job",
    );
}

#[test]
fn executions_are_listed_by_page_and_by_what_they_are() {
    let mut bench = bench();
    bench.ask(
        "CreateMonitoringSchedule",
        schedule("s", "DataQuality", HOURLY),
    );
    bench.ask(
        "CreateMonitoringSchedule",
        schedule("S-2", "DataQuality", HOURLY),
    );
    captured(&mut bench, "2026/03/01/11");
    for _ in 0..3 {
        next_hour(&mut bench);
    }
    let mut count = |request: Value| executions(&mut bench, request).len();
    assert_eq!(count(json!({})), 6);
    assert_eq!(count(json!({"MonitoringScheduleName": "s"})), 3);
    assert_eq!(count(json!({"MonitoringScheduleName": "S-2"})), 3);
    assert_eq!(count(json!({"MonitoringScheduleName": "none"})), 0);
    assert_eq!(
        count(json!({"EndpointName": "e", "StatusEquals": "InProgress"})),
        2
    );
    assert_eq!(count(json!({"MonitoringTypeEquals": "ModelBias"})), 0);
    assert_eq!(count(json!({"MonitoringJobDefinitionName": "d"})), 6);
    let second = at("2026-03-01T12:00:00Z").as_second();
    assert_eq!(count(json!({"ScheduledTimeAfter": second})), 2);
    assert_eq!(count(json!({"ScheduledTimeBefore": second})), 2);

    let sorted = json!({"SortBy": "ScheduledTime", "SortOrder": "Ascending", "MaxResults": 5});
    let page = bench.ask("ListMonitoringExecutions", sorted.clone());
    let first = &page["MonitoringExecutionSummaries"][0]["ScheduledTime"];
    assert_eq!(*first, epoch(at("2026-03-01T11:00:00Z")));
    let mut rest = sorted;
    rest["NextToken"] = page["NextToken"].clone();
    let rest = executions(&mut bench, rest);
    assert_eq!(rest.len(), 1);
}

#[test]
fn a_schedule_that_runs_now_runs_once_each_time_it_is_told_to() {
    let mut bench = bench();
    let name = json!({"MonitoringScheduleName": "s"});
    let now = schedule("s", "DataQuality", "NOW");
    bench.ask("CreateMonitoringSchedule", now.clone());
    captured(&mut bench, "2026/03/01/10");
    assert_eq!(executions(&mut bench, json!({})).len(), 0);
    bench.wait(45);
    assert_eq!(last(&mut bench)["MonitoringExecutionStatus"], "Pending");
    let works = bench.wait(45);
    assert!(matches!(works.as_slice(), [Work::Run(_)]), "{works:?}");
    bench.wait(10_000);
    for op in ["StopMonitoringSchedule", "StartMonitoringSchedule"] {
        bench.ask(op, name.clone());
        bench.wait(100);
    }
    assert_eq!(executions(&mut bench, json!({})).len(), 1);
    bench.ask("UpdateMonitoringSchedule", now);
    bench.wait(100);
    assert_eq!(executions(&mut bench, json!({})).len(), 2);
}

#[test]
fn a_schedule_that_was_stopped_does_not_run_and_one_that_runs_is_not_deleted() {
    let mut bench = bench();
    let name = json!({"MonitoringScheduleName": "s"});
    bench.ask(
        "CreateMonitoringSchedule",
        schedule("s", "DataQuality", HOURLY),
    );
    captured(&mut bench, "2026/03/01/10");
    let job = next_hour(&mut bench).expect("a job");
    let error = bench.refused(
        "DeleteMonitoringSchedule",
        name.clone(),
        "ValidationException",
        "has an in-progress execution",
    );
    assert_eq!(error.class, Class::Busy);
    bench.job(job.id, said("Completed: no violations."));
    bench.ask("StopMonitoringSchedule", name.clone());
    for _ in 0..3 {
        next_hour(&mut bench);
    }
    assert_eq!(executions(&mut bench, json!({})).len(), 1);
    bench.ask("StartMonitoringSchedule", name.clone());
    next_hour(&mut bench);
    assert_eq!(executions(&mut bench, json!({})).len(), 2);
    // What was done is known when the schedule is gone.
    bench.ask("DeleteMonitoringSchedule", name.clone());
    next_hour(&mut bench);
    assert_eq!(executions(&mut bench, name).len(), 2);
}

#[test]
fn what_is_not_analyzed_fails_with_the_reason() {
    let mut bench = bench();
    let inline = |input: Value| {
        let whole = definition();
        json!({"MonitoringScheduleName": "s", "MonitoringScheduleConfig": {
            "ScheduleConfig": {"ScheduleExpression": "NOW",
                "DataAnalysisStartTime": "-PT1H", "DataAnalysisEndTime": "-PT0H"},
            "MonitoringJobDefinition": {
                "MonitoringInputs": [input],
                "MonitoringOutputConfig": whole["DataQualityJobOutputConfig"],
                "MonitoringResources": whole["JobResources"],
                "MonitoringAppSpecification": {"ImageUri": "analyzer",
                    "RecordPreprocessorSourceUri": "s3://b/code/before.py"},
                "RoleArn": ROLE,
            },
        }})
    };
    let endpoint = |name: &str| json!({"EndpointInput": {"EndpointName": name, "LocalPath": "/opt/ml/processing/in"}});
    let batch = json!({"BatchTransformInput": {
        "DataCapturedDestinationS3Uri": "s3://b/batch", "LocalPath": "/opt/ml/processing/in",
        "DatasetFormat": {"Csv": {"Header": true}},
    }});
    let mut bias = schedule("s", "DataQuality", "NOW");
    bench.ask("CreateMonitoringSchedule", bias.clone());
    bias["MonitoringScheduleConfig"]["MonitoringType"] = json!("ModelBias");
    let mut check = |body: Value, words: &str| {
        bench.wait(45);
        let op = "UpdateMonitoringSchedule";
        match bench.try_ask(op, body) {
            Ok(_) => {}
            Err(error) => return assert!(error.message.contains(words), "{error}"),
        }
        bench.wait(45);
        bench.wait(45);
        let shown = last(&mut bench);
        let reason = shown["FailureReason"].as_str().unwrap_or_default();
        assert!(reason.contains(words), "{shown} without {words}");
    };
    check(inline(endpoint("gone")), "Could not find endpoint");
    check(inline(batch), "BatchTransformInput is not analyzed here");
    check(bias, "ModelBias job definition d does not exist.");

    // A script of the user's is handed to the analyzer, which may refuse it.
    captured(&mut bench, "2026/03/01/10");
    bench.ask("UpdateMonitoringSchedule", inline(endpoint("e")));
    bench.wait(45);
    let works = bench.wait(45);
    let [Work::Run(job)] = works.as_slice() else {
        panic!("{works:?}")
    };
    assert_eq!(
        job.request["Environment"]["record_preprocessor_script"],
        "/opt/ml/processing/code/record_preprocessor_script/before.py"
    );
    assert_eq!(job.request["Environment"].get("baseline_constraints"), None);
}

#[test]
fn another_kind_of_monitor_fails_and_a_job_names_its_baseline() {
    let mut bench = bench();
    let mut bias = json!({"JobDefinitionName": "d", "RoleArn": ROLE});
    let whole = definition();
    bias["JobResources"] = whole["JobResources"].clone();
    bias["ModelBiasAppSpecification"] =
        json!({"ImageUri": "clarify", "ConfigUri": "s3://b/config.json"});
    bias["ModelBiasJobInput"] = whole["DataQualityJobInput"].clone();
    bias["ModelBiasJobInput"]["GroundTruthS3Input"] = json!({"S3Uri": "s3://b/truth"});
    bias["ModelBiasJobOutputConfig"] = whole["DataQualityJobOutputConfig"].clone();
    bench.ask("CreateModelBiasJobDefinition", bias);
    bench.ask(
        "CreateMonitoringSchedule",
        schedule("s", "ModelBias", HOURLY),
    );
    assert_eq!(next_hour(&mut bench), None);
    let reason = &last(&mut bench)["FailureReason"];
    assert_eq!(
        reason,
        "ModelBias is not analyzed here: only DataQuality is."
    );

    bench.ask(
        "CreateProcessingJob",
        json!({
            "ProcessingJobName": "base", "RoleArn": ROLE,
            "AppSpecification": {"ImageUri": "analyzer"},
            "ProcessingResources": whole["JobResources"],
            "ProcessingOutputConfig": {"Outputs": [{"OutputName": "monitoring_output",
                "S3Output": {"S3Uri": "s3://b/made", "LocalPath": "/opt/ml/processing/output",
                    "S3UploadMode": "EndOfJob"}}]},
        }),
    );
    let mut named = definition();
    named["JobDefinitionName"] = json!("d2");
    named["DataQualityBaselineConfig"] = json!({"BaseliningJobName": "base"});
    bench.ask("CreateDataQualityJobDefinition", named);
    let mut other = schedule("t", "DataQuality", "NOW");
    other["MonitoringScheduleConfig"]["MonitoringJobDefinitionName"] = json!("d2");
    bench.ask("CreateMonitoringSchedule", other);
    captured(&mut bench, "2026/03/01/11");
    bench.wait(45);
    let works = bench.wait(45);
    let Some(Work::Run(job)) = works.last() else {
        panic!("{works:?}")
    };
    let inputs = &job.request["ProcessingInputs"];
    assert_eq!(
        inputs[0]["S3Input"]["S3Uri"],
        "s3://b/made/constraints.json"
    );
    assert_eq!(inputs[1]["S3Input"]["S3Uri"], "s3://b/made/statistics.json");
}
