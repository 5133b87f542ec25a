//! Hyperparameter tuning jobs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::work::{Job, JobOutcome, Work};
use super::{Bench, ROLE};
use crate::resource::error::Class;

fn tuning(kind: &str) -> Value {
    json!({
        "HyperParameterTuningJobName": "t",
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": kind, "MetricName": "auc"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 3, "MaxParallelTrainingJobs": 2},
            "ParameterRanges": {"IntegerParameterRanges": [
                {"Name": "depth", "MinValue": "2", "MaxValue": "9"}]},
        },
        "TrainingJobDefinition": {
            "StaticHyperParameters": {"loss": "log"},
            "AlgorithmSpecification": {
                "TrainingImage": "i", "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": "auc", "Regex": "auc=(.*)"}],
            },
            "RoleArn": ROLE,
            "OutputDataConfig": {"S3OutputPath": "s3://b/out"},
            "ResourceConfig":
                {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        },
    })
}

fn describe(bench: &mut Bench) -> Value {
    let name = json!({"HyperParameterTuningJobName": "t"});
    bench.ask("DescribeHyperParameterTuningJob", name)
}

/// The training jobs that are to be run now.
fn jobs(bench: &mut Bench) -> Vec<Job> {
    let works = bench.wait(10).into_iter();
    let jobs = works.filter_map(|work| match work {
        Work::Run(job) => Some(job),
        _ => None,
    });
    jobs.collect()
}

fn measured(auc: f64) -> JobOutcome {
    JobOutcome::Completed {
        model_artifacts: None,
        exit_message: None,
        metrics: BTreeMap::from([("auc".to_owned(), auc)]),
    }
}

#[test]
fn training_jobs_run_beside_each_other_and_the_best_is_named() {
    for (kind, best) in [("Maximize", 0.9), ("Minimize", 0.5)] {
        let mut bench = Bench::new();
        bench.ask("CreateHyperParameterTuningJob", tuning(kind));
        let first = jobs(&mut bench);
        assert_eq!(first.len(), 2, "as many as may run at a time");
        let parameters = &first[0].request["HyperParameters"];
        assert_eq!(parameters["loss"], "log");
        assert_eq!(parameters["_tuning_objective_metric"], "auc");
        let depth: i32 = parameters["depth"].as_str().unwrap().parse().unwrap();
        assert!((2..=9).contains(&depth), "{depth}");
        let counters = describe(&mut bench)["TrainingJobStatusCounters"].take();
        assert_eq!(counters["InProgress"], 2);
        bench.job(first[1].id, measured(0.9));
        let second = jobs(&mut bench);
        assert_eq!(second.len(), 1);
        bench.job(first[0].id, measured(0.7));
        assert!(jobs(&mut bench).is_empty());
        bench.job(second[0].id, measured(0.5));
        let done = describe(&mut bench);
        assert_eq!(done["HyperParameterTuningJobStatus"], "Completed");
        assert_eq!(done["ObjectiveStatusCounters"]["Succeeded"], 3);
        let found = &done["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"];
        assert_eq!(found["Value"], best, "{kind}");
        let list = json!({
            "HyperParameterTuningJobName": "t", "SortBy": "FinalObjectiveMetricValue",
            "SortOrder": "Descending", "MaxResults": 2,
        });
        let op = "ListTrainingJobsForHyperParameterTuningJob";
        let listed = bench.ask(op, list);
        let name = &listed["TrainingJobSummaries"][0]["TrainingJobName"];
        assert_eq!(*name, *first[1].name);
        assert!(listed["NextToken"].is_string());
        let job = json!({"TrainingJobName": first[0].name});
        let arn = &bench.ask("DescribeTrainingJob", job)["TuningJobArn"];
        assert_eq!(*arn, done["HyperParameterTuningJobArn"]);
    }
}

#[test]
fn without_a_measure_a_tuning_job_fails() {
    let mut bench = Bench::new();
    bench.ask("CreateHyperParameterTuningJob", tuning("Maximize"));
    for _ in 0..2 {
        for job in jobs(&mut bench) {
            bench.job(job.id, JobOutcome::Failed("AlgorithmError: no".to_owned()));
        }
    }
    let done = describe(&mut bench);
    assert_eq!(done["HyperParameterTuningJobStatus"], "Failed");
    assert_eq!(done["TrainingJobStatusCounters"]["NonRetryableError"], 3);
    let reason = done["FailureReason"].as_str().unwrap();
    assert!(
        reason.starts_with("No objective metrics found after running 3"),
        "{reason}"
    );
}

#[test]
fn a_tuning_job_stops_with_its_training_jobs_and_is_deleted_after_that() {
    let mut bench = Bench::new();
    bench.ask("CreateHyperParameterTuningJob", tuning("Maximize"));
    let running = jobs(&mut bench);
    let name = json!({"HyperParameterTuningJobName": "t"});
    let delete = "DeleteHyperParameterTuningJob";
    bench.refused(delete, name.clone(), "ResourceInUse", "InProgress");
    bench.ask("StopHyperParameterTuningJob", name.clone());
    assert_eq!(
        describe(&mut bench)["HyperParameterTuningJobStatus"],
        "Stopping"
    );
    for job in running {
        bench.job(job.id, JobOutcome::Stopped);
    }
    let stopped = describe(&mut bench);
    assert_eq!(stopped["HyperParameterTuningJobStatus"], "Stopped");
    assert_eq!(stopped["TrainingJobStatusCounters"]["Stopped"], 2);
    let stop = "StopHyperParameterTuningJob";
    bench.refused(stop, name.clone(), "ValidationException", "Stopped");
    bench.ask(delete, name.clone());
    let gone = "DescribeHyperParameterTuningJob";
    let error = bench.refused(gone, name, "ResourceNotFound", "can't find a tuning job");
    assert_eq!(error.class, Class::NotFound);
}

#[test]
fn what_is_not_done_here_is_refused() {
    let mut bench = Bench::new();
    let check = |bench: &mut Bench, change: &dyn Fn(&mut Value), words: &str| {
        let mut body = tuning("Maximize");
        change(&mut body);
        let op = "CreateHyperParameterTuningJob";
        bench.refused(op, body, "ValidationException", words);
    };
    check(
        &mut bench,
        &|body| body["Autotune"] = json!({"Mode": "Enabled"}),
        "Autotune is not supported here",
    );
    check(
        &mut bench,
        &|body| body["HyperParameterTuningJobConfig"]["Strategy"] = json!("Grid"),
        "categorical",
    );
    let wrong = |body: &mut Value| {
        body["TrainingJobDefinition"]["AlgorithmSpecification"]["TrainingImage"] = Value::Null;
    };
    check(&mut bench, &wrong, "TrainingImage and AlgorithmName");
    let none = json!({"HyperParameterTuningJobSummaries": []});
    assert_eq!(bench.ask("ListHyperParameterTuningJobs", json!({})), none);
    check(
        &mut bench,
        &|body| body["TrainingJobDefinition"] = Value::Null,
        "must be provided",
    );
}

#[test]
fn a_step_of_a_pipeline_waits_for_the_best() {
    let mut bench = Bench::new();
    let mut arguments = tuning("Maximize");
    arguments
        .as_object_mut()
        .unwrap()
        .remove("HyperParameterTuningJobName");
    let best = json!({"Get": "Steps.Search.BestTrainingJob.TrainingJobName"});
    let words = json!({"Std:Join": {"On": " ", "Values": ["best", best]}});
    let definition = json!({
        "Version": "2020-12-01",
        "Steps": [
            {"Name": "Search", "Type": "Tuning", "Arguments": arguments},
            {"Name": "Say", "Type": "Fail", "DependsOn": ["Search"],
                "Arguments": {"ErrorMessage": words}},
        ],
    });
    let token = "t".repeat(32);
    let pipeline = json!({
        "PipelineName": "p", "RoleArn": ROLE, "ClientRequestToken": token,
        "PipelineDefinition": definition.to_string(),
    });
    bench.ask("CreatePipeline", pipeline);
    let start = json!({"PipelineName": "p", "ClientRequestToken": token});
    let started = bench.ask("StartPipelineExecution", start);
    let first = jobs(&mut bench);
    assert_eq!(first.len(), 2);
    bench.job(first[0].id, measured(0.5));
    bench.job(first[1].id, measured(0.8));
    let last = jobs(&mut bench);
    bench.job(last[0].id, measured(0.7));
    let execution = bench.ask("DescribePipelineExecution", started);
    assert_eq!(execution["PipelineExecutionStatus"], "Failed");
    let reason = execution["FailureReason"].as_str().unwrap();
    assert!(
        reason.contains(&format!("best {}", first[1].name)),
        "{reason}"
    );
}
