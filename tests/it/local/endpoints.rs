//! Endpoints: what they answer, what they capture, why they do not start.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{interval, timeout};

use super::archive::tar_gz;
use super::{Client, DEADLINE, IMAGE, ROLE, start};

/// Answers 100 and the sum of each row, with two rows that it cannot stand.
pub(super) const SERVE: &str = r#"
import json, os
def model_fn(model_dir):
    return json.load(open(os.path.join(model_dir, "model.json")))
def predict_fn(rows, model):
    if rows[0][0] == 13:
        raise RuntimeError("unlucky")
    if rows[0][0] == 99:
        os._exit(7)
    return [model["base"] + sum(row) for row in rows]
"#;

/// Makes a model that is served by `code`.
pub(super) async fn make_model(local: &Client, name: &str, code: &str) {
    local
        .put(
            &format!("{name}/model.tar.gz"),
            tar_gz(&[("model.json", "{\"base\": 100}")]),
        )
        .await;
    let files = [("serving/app.py", code)];
    local
        .put(&format!("{name}/code.tar.gz"), tar_gz(&files))
        .await;
    let model = json!({
        "ModelName": name, "ExecutionRoleArn": ROLE,
        "PrimaryContainer": {
            "Image": IMAGE, "ModelDataUrl": format!("s3://ml-data/{name}/model.tar.gz"),
            "Environment": {
                "SAGEMAKER_PROGRAM": "serving/app.py",
                "SAGEMAKER_SUBMIT_DIRECTORY": format!("s3://ml-data/{name}/code.tar.gz"),
            },
        },
    });
    local.call("CreateModel", model).await.unwrap();
}

pub(super) async fn deploy(local: &Client, endpoint: &str, code: &str) {
    make_model(local, endpoint, code).await;
    let config = json!({
        "EndpointConfigName": endpoint,
        "ProductionVariants": [{
            "VariantName": "main", "ModelName": endpoint, "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 1,
        }],
        "DataCaptureConfig": {
            "EnableCapture": true, "InitialSamplingPercentage": 100,
            "DestinationS3Uri": "s3://ml-data/capture",
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        },
    });
    local.call("CreateEndpointConfig", config).await.unwrap();
    let create = local.sagemaker.create_endpoint();
    let create = create
        .endpoint_name(endpoint)
        .endpoint_config_name(endpoint);
    create.send().await.unwrap();
}

pub(super) async fn settled(local: &Client, endpoint: &str) -> Value {
    let name = json!({"EndpointName": endpoint});
    local
        .wait("DescribeEndpoint", name, |found| {
            matches!(
                found["EndpointStatus"].as_str(),
                Some("InService" | "Failed")
            )
        })
        .await
}

/// Invokes until the answer has `status`: a fleet that is down is not told from outside.
pub(super) async fn invoke_until(local: &Client, endpoint: &str, status: u16) -> String {
    let mut ticks = interval(Duration::from_millis(50));
    let answered = timeout(DEADLINE, async {
        loop {
            ticks.tick().await;
            let (found, _, body) = local.invoke(endpoint, "text/csv", "1,2\n").await;
            if found == status {
                return body;
            }
        }
    });
    let answered = answered.await;
    answered.unwrap_or_else(|_| panic!("waited in vain for {endpoint} to answer {status}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_really_serves_and_captures() {
    let dir = tempfile::tempdir().unwrap();
    let local = start(Some(dir.path())).await;
    deploy(&local, "churn", SERVE).await;
    let found = settled(&local, "churn").await;
    assert_eq!(found["EndpointStatus"], "InService", "{found}");

    let (status, headers, body) = local.invoke("churn", "text/csv", "1,2\n3,4\n").await;
    assert_eq!((status, body.as_str()), (200, "[103.0, 107.0]"));
    assert_eq!(headers["x-amzn-invoked-production-variant"], "main");
    assert_eq!(headers["content-type"], "application/json");

    let check = async |content_type, body, original: u16, words: &str| {
        let (status, headers, body) = local.invoke("churn", content_type, body).await;
        assert_eq!(status, 424, "{body}");
        assert_eq!(headers["x-amzn-errortype"], "ModelError");
        let error: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(error["OriginalStatusCode"], original);
        assert!(
            error["OriginalMessage"].as_str().unwrap().contains(words),
            "{error}"
        );
    };
    check("text/csv", "13\n", 500, "RuntimeError: unlucky").await;
    check("image/png", "x", 415, "image/png is not supported").await;
    let (status, headers, body) = local.invoke("nobody", "text/csv", "1\n").await;
    assert_eq!(
        (status, headers["x-amzn-errortype"].as_str()),
        (400, "ValidationError")
    );
    assert!(
        body.contains("Endpoint nobody of account 111122223333 not found."),
        "{body}"
    );

    // A process that dies is started again.
    check("text/csv", "99\n", 0, "closed the connection").await;
    invoke_until(&local, "churn", 200).await;

    // The server goes and comes back: so does the endpoint, and what was captured is there.
    local.handle.shutdown().await;
    let local = start(Some(dir.path())).await;
    let found = settled(&local, "churn").await;
    assert_eq!(found["EndpointStatus"], "InService", "{found}");
    invoke_until(&local, "churn", 200).await;
    let list = local
        .s3
        .list_objects_v2()
        .bucket("ml-data")
        .prefix("capture/churn/main/");
    let list = list.send().await.unwrap();
    let key = list.contents()[0].key().unwrap();
    assert_eq!(Path::new(key).extension().unwrap(), "jsonl", "{key}");
    let lines = String::from_utf8(local.get(key).await).unwrap();
    let record: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(record["captureData"]["endpointInput"]["data"], "1,2\n3,4");
    assert_eq!(
        record["captureData"]["endpointOutput"]["data"],
        "[103.0, 107.0]"
    );
    assert_eq!(record["captureData"]["endpointOutput"]["encoding"], "JSON");

    local
        .call("DeleteEndpoint", json!({"EndpointName": "churn"}))
        .await
        .unwrap();
    invoke_until(&local, "churn", 400).await;
    local.handle.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_cannot_start_says_why() {
    let local = start(None).await;
    deploy(&local, "broken", "import no_such_module\n").await;
    let found = settled(&local, "broken").await;
    assert_eq!(found["EndpointStatus"], "Failed");
    let reason = found["FailureReason"].as_str().unwrap();
    assert!(
        reason.contains("did not pass the ping health check"),
        "{reason}"
    );
    assert!(
        reason.contains("No module named 'no_such_module'"),
        "{reason}"
    );
    local.handle.shutdown().await;
}
