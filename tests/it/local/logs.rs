//! What jobs and endpoints say, in the logs.

use axum::http::Request;
use serde_json::{Value, json};

use super::endpoints::{SERVE, deploy, invoke_until, settled};
use super::processing::shell_job;
use super::{Client, send, start, until_answered};

/// A call of CloudWatch Logs.
pub(super) async fn logs(client: &Client, op: &str, body: Value) -> Value {
    let request = Request::post(&client.url)
        .header("x-amz-target", format!("Logs_20140328.{op}"))
        .header("content-type", "application/x-amz-json-1.1")
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/logs/aws4_request, \
             SignedHeaders=host, Signature=0",
        );
    let (_, _, body) = send(request, body.to_string().into_bytes()).await;
    serde_json::from_slice(&body).unwrap()
}

/// What was said in the only stream of a group whose name starts so.
pub(super) async fn said(client: &Client, group: &str, prefix: &str) -> Vec<String> {
    let body = json!({"logGroupName": group, "logStreamNamePrefix": prefix});
    let streams = logs(client, "DescribeLogStreams", body).await;
    let Some(stream) = streams["logStreams"][0]["logStreamName"].as_str() else {
        return Vec::new();
    };
    let body = json!({"logGroupName": group, "logStreamName": stream, "startFromHead": true});
    let answer = logs(client, "GetLogEvents", body).await;
    let events = answer["events"].as_array().unwrap().iter();
    events
        .map(|event| event["message"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_heard_while_it_runs_and_to_its_end() {
    let local = start(None).await;
    let shell = "echo one; while [ ! -e /opt/ml/processing/on ]; do sleep 0.05; done; \
                 echo two >&2; printf three";
    let request = shell_job("says", shell);
    local.call("CreateProcessingJob", request).await.unwrap();
    let group = "/aws/sagemaker/ProcessingJobs";
    until_answered("the first line", async || {
        let said = said(&local, group, "says/algo-1-").await;
        (said == ["one"]).then_some(())
    })
    .await;
    let flag = "jobs/us-east-1/processing/says/opt/ml/processing/on";
    std::fs::write(local.handle.state_dir.join(flag), "").unwrap();
    let ended = |found: &Value| found["ProcessingJobStatus"] == "Completed";
    let name = json!({"ProcessingJobName": "says"});
    local.wait("DescribeProcessingJob", name, ended).await;
    let mut all = said(&local, group, "says/algo-1-").await;
    // The two streams of a process are two pipes.
    all.sort();
    assert_eq!(all, ["one", "three", "two"]);
    local.handle.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_is_heard_and_what_was_said_outlives_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let local = start(Some(dir.path())).await;
    deploy(&local, "churn", SERVE).await;
    settled(&local, "churn").await;
    invoke_until(&local, "churn", 200).await;
    let group = "/aws/sagemaker/Endpoints/churn";
    until_answered("the request's line", async || {
        let said = said(&local, group, "main/i-").await;
        said.iter()
            .any(|line| line.contains("/invocations"))
            .then_some(())
    })
    .await;
    local.handle.shutdown().await;
    let local = start(Some(dir.path())).await;
    let body = json!({"logGroupName": group, "filterPattern": "invocations"});
    let found = logs(&local, "FilterLogEvents", body).await;
    assert_ne!(found["events"], json!([]), "{found}");
    local.handle.shutdown().await;
}
