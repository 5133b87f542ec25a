//! Executions that go on after they ended, and versions that are called something.

use serde_json::{Value, json};

use super::super::work::{Job, JobOutcome};
use super::pipeline::{created, describe, one_job, start, steps};
use super::{Bench, completed};

fn retry(arn: &str, token: char) -> Value {
    json!({"PipelineExecutionArn": arn, "ClientRequestToken": String::from(token).repeat(32)})
}

/// An execution whose training failed.
fn failed() -> (Bench, String) {
    let mut bench = created();
    let arn = start(&mut bench, 'a');
    let prepare = one_job(&mut bench);
    bench.job(prepare.id, completed(None));
    let train = one_job(&mut bench);
    let reason = "AlgorithmError: no, exit code: 1".to_owned();
    bench.job(train.id, JobOutcome::Failed(reason));
    assert_eq!(
        describe(&mut bench, &arn)["PipelineExecutionStatus"],
        "Failed"
    );
    (bench, arn)
}

#[test]
fn a_retry_does_again_what_failed_and_no_more() {
    let (mut bench, arn) = failed();
    let job = |bench: &mut Bench| -> Job { one_job(bench) };
    bench.ask("RetryPipelineExecution", retry(&arn, 'r'));
    let now = describe(&mut bench, &arn);
    assert_eq!(now["PipelineExecutionStatus"], "Executing");
    assert_eq!(now.get("FailureReason"), None);
    let train = job(&mut bench);
    assert!(train.name.contains("-Train-"), "{}", train.name);
    let expect = [("Prepare", "Succeeded"), ("Train", "Executing")];
    let expect = expect.map(|(name, status)| (name.to_owned(), status.to_owned()));
    assert_eq!(steps(&mut bench, &arn), expect);
    // The same retry once more is none.
    bench.ask("RetryPipelineExecution", retry(&arn, 'r'));
    bench.refused(
        "RetryPipelineExecution",
        retry(&arn, 's'),
        "ConflictException",
        "Executing",
    );
    bench.job(train.id, JobOutcome::Stopped);
    bench.ask("RetryPipelineExecution", retry(&arn, 's'));
    job(&mut bench);
}

#[test]
fn an_execution_is_called_otherwise() {
    let (mut bench, arn) = failed();
    bench.ask(
        "UpdatePipelineExecution",
        json!({
            "PipelineExecutionArn": arn,
            "PipelineExecutionDisplayName": "second",
            "PipelineExecutionDescription": "a try",
            "ParallelismConfiguration": {"MaxParallelExecutionSteps": 7},
        }),
    );
    let now = describe(&mut bench, &arn);
    assert_eq!(now["PipelineExecutionDisplayName"], "second");
    assert_eq!(now["PipelineExecutionDescription"], "a try");
    let limit = &now["ParallelismConfiguration"]["MaxParallelExecutionSteps"];
    assert_eq!(*limit, json!(7));
    assert_eq!(now["PipelineExecutionStatus"], "Failed");
}

#[test]
fn an_alias_is_of_one_version_and_leads_to_it() {
    let mut bench = created();
    let described = bench.ask("DescribePipeline", json!({"PipelineName": "churn"}));
    let arn = described["PipelineArn"].clone();
    let update = json!({"PipelineName": "churn", "PipelineDescription": "more"});
    bench.ask("UpdatePipeline", update);
    let change = |version: u64, operations: Value| {
        json!({
            "PipelineArn": arn,
            "PipelineVersionId": version,
            "PipelineVersionDisplayName": format!("v{version}"),
            "PipelineVersionAliasOperations": operations,
        })
    };
    let op = "UpdatePipelineVersion";
    bench.ask(op, change(1, json!({"Add": ["good"]})));
    bench.refused(
        op,
        change(2, json!({"Add": ["good"]})),
        "ConflictException",
        "good",
    );
    let both = json!({"Add": ["a"], "Remove": ["a"]});
    bench.refused(op, change(2, both), "ValidationException", "both");
    bench.refused(
        op,
        change(3, json!({})),
        "ResourceNotFound",
        "does not exist",
    );
    let first = bench.ask(
        "DescribePipeline",
        json!({"PipelineName": "churn", "PipelineVersionAlias": "good"}),
    );
    assert_eq!(first.get("PipelineDescription"), None);
    assert_eq!(first["PipelineVersionDisplayName"], "v1");
    bench.ask(op, change(1, json!({"Remove": ["good"]})));
    bench.ask(op, change(2, json!({"Add": ["good", "new"]})));
    let listed = bench.ask("ListPipelineVersions", json!({"PipelineName": "churn"}));
    let newest = &listed["PipelineVersionSummaries"][0];
    assert_eq!(newest["PipelineVersionAliases"], json!(["good", "new"]));
    assert_eq!(newest["PipelineVersionDisplayName"], "v2");
    let all: Vec<String> = (0..10).map(|at| format!("a{at}")).collect();
    bench.refused(
        op,
        change(2, json!({"Add": all})),
        "ValidationException",
        "at most 10",
    );
}
