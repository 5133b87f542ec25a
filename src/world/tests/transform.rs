//! Transform jobs.

use serde_json::{Value, json};

use super::super::work::{Job, JobKind, JobOutcome, Work};
use super::{BUCKET, Bench, completed};
use crate::resource::error::Class;

/// A request for a transform job; `extra` replaces members.
fn job(name: &str, extra: Value) -> Value {
    let mut request = json!({
        "TransformJobName": name, "ModelName": "m",
        "TransformInput": {"DataSource": {"S3DataSource": {
            "S3DataType": "S3Prefix", "S3Uri": format!("s3://{BUCKET}/in"),
        }}},
        "TransformOutput": {"S3OutputPath": format!("s3://{BUCKET}/out")},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    });
    for (member, value) in extra.as_object().unwrap() {
        request[member] = value.clone();
    }
    request
}

fn status(bench: &mut Bench, name: &str) -> Value {
    let found = bench.ask("DescribeTransformJob", json!({"TransformJobName": name}));
    found["TransformJobStatus"].clone()
}

fn handed_out(bench: &mut Bench) -> Job {
    let work = bench.wait(1);
    let [Work::Run(job)] = work.as_slice() else {
        panic!("{work:?}");
    };
    job.clone()
}

#[test]
fn a_transform_job_names_a_model_and_gets_its_container() {
    let mut bench = Bench::new();
    bench.refused(
        "CreateTransformJob",
        job("t", json!({})),
        "ValidationException",
        "Could not find model \"arn:aws:sagemaker:eu-west-1:111122223333:model/m\".",
    );
    bench.model("m");
    bench.ask("CreateTransformJob", job("t", json!({})));
    let error = bench.refused(
        "CreateTransformJob",
        job("T", json!({})),
        "ResourceInUse",
        "must be unique",
    );
    assert_eq!(error.class, Class::AlreadyExists);
    let work = handed_out(&mut bench);
    assert_eq!(work.kind, JobKind::Transform);
    assert_eq!(work.container.unwrap()["Environment"], json!({"A": "b"}));

    let found = bench.ask("DescribeTransformJob", json!({"TransformJobName": "t"}));
    assert_eq!(found["TransformJobStatus"], "InProgress");
    assert_eq!(found["BatchStrategy"], "MultiRecord");
    assert_eq!(found["TransformInput"]["SplitType"], "None");
    assert_eq!(found["TransformOutput"]["AssembleWith"], "None");
    assert_eq!(
        found["DataProcessing"],
        json!({"InputFilter": "$", "OutputFilter": "$", "JoinSource": "None"})
    );
    bench.job(work.id, completed(None));
    assert_eq!(status(&mut bench, "t"), "Completed");
    bench.refused(
        "DescribeTransformJob",
        json!({"TransformJobName": "none"}),
        "ValidationException",
        "Could not find requested job with name: none",
    );
}

#[test]
fn payloads_under_way_are_a_hundred_megabytes_at_most() {
    let mut bench = Bench::new();
    bench.model("m");
    let mut check = |payload: u64, at_once: u64, fits: bool| {
        let name = format!("t-{payload}-{at_once}");
        let sizes = json!({"MaxPayloadInMB": payload, "MaxConcurrentTransforms": at_once});
        let request = job(&name, sizes);
        if fits {
            bench.ask("CreateTransformJob", request);
        } else {
            let words = "MaxConcurrentTransforms * MaxPayloadInMB must not exceed 100 MB";
            bench.refused("CreateTransformJob", request, "ValidationException", words);
        }
    };
    check(100, 1, true);
    check(101, 1, false);
    check(25, 4, true);
    check(25, 5, false);
    check(100, 0, true);
    let only_count = job("t", json!({"MaxConcurrentTransforms": 17}));
    bench.refused(
        "CreateTransformJob",
        only_count,
        "ValidationException",
        "17 * 6 MB",
    );
}

#[test]
fn a_transform_job_is_stopped_fails_and_is_listed() {
    let mut bench = Bench::new();
    bench.model("m");
    bench.ask("CreateTransformJob", job("stopped", json!({})));
    let first = handed_out(&mut bench);
    bench.ask("StopTransformJob", json!({"TransformJobName": "stopped"}));
    assert_eq!(status(&mut bench, "stopped"), "Stopping");
    assert_eq!(bench.wait(1), [Work::Stop(first.id)]);
    bench.job(first.id, JobOutcome::Stopped);
    assert_eq!(status(&mut bench, "stopped"), "Stopped");
    bench.refused(
        "StopTransformJob",
        json!({"TransformJobName": "stopped"}),
        "ValidationException",
        "is in status Stopped",
    );

    bench.ask("CreateTransformJob", job("failed", json!({})));
    let second = handed_out(&mut bench);
    bench.job(second.id, JobOutcome::Failed("ClientError: bad".to_owned()));
    let names = |bench: &mut Bench, filter: Value| -> Vec<String> {
        let list = bench.ask("ListTransformJobs", filter);
        let jobs = list["TransformJobSummaries"].as_array().unwrap().iter();
        let names = jobs.map(|job| job["TransformJobName"].as_str().unwrap().to_owned());
        names.collect()
    };
    assert_eq!(names(&mut bench, json!({})), ["failed", "stopped"]);
    let failed = json!({"StatusEquals": "Failed"});
    assert_eq!(names(&mut bench, failed.clone()), ["failed"]);
    let named = json!({"NameContains": "STOP"});
    assert_eq!(names(&mut bench, named), ["stopped"]);
    let list = bench.ask("ListTransformJobs", failed);
    let shown = &list["TransformJobSummaries"][0];
    assert_eq!(shown["FailureReason"], "ClientError: bad");
    assert!(shown["LastModifiedTime"].as_f64() > shown["CreationTime"].as_f64());
}
