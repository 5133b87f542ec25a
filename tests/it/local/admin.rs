//! What is asked of the server itself, and a server that runs nothing.

use std::time::Duration;

use axum::http::{Method, Request};
use serde_json::{Value, json};
use trueup::clock::SignedDuration;
use trueup::local::{Credentials, LocalOptions};
use trueup::world::Pace;

use super::endpoints::{SERVE, deploy, settled};
use super::{Client, IMAGE, Local, ROLE, options, send, start};

async fn admin(local: &Client, method: Method, page: &str, body: Value) -> (u16, Value) {
    let request = Request::builder().method(method);
    let request = request.uri(format!("{}/_trueup/{page}", local.url));
    let (status, _, body) = send(request, body.to_string().into_bytes()).await;
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

async fn models(local: &Client) -> Result<usize, String> {
    let found = local.call("ListModels", json!({})).await;
    match found {
        Ok(found) => Ok(found["Models"].as_array().unwrap().len()),
        Err(error) => Err(error["__type"].as_str().unwrap().to_owned()),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_fail_when_they_are_asked_to() {
    let local = start(None).await;
    let fault = |operation: &str, fault: &str, times: usize| json!({"operation": operation, "fault": fault, "times": times});
    let asked = admin(
        &local,
        Method::POST,
        "faults",
        fault("ListModels", "throttle", 2),
    )
    .await;
    assert_eq!(asked.0, 204);
    for _ in 0..2 {
        assert_eq!(models(&local).await, Err("ThrottlingException".to_owned()));
    }
    assert_eq!(models(&local).await, Ok(0));

    admin(
        &local,
        Method::POST,
        "faults",
        fault("*", "access-denied", 1),
    )
    .await;
    admin(&local, Method::DELETE, "faults", json!(null)).await;
    assert_eq!(models(&local).await, Ok(0));

    for wrong in [
        fault("ListModel", "throttle", 1),
        fault("ListModels", "throttles", 1),
        fault(
            "ListModels",
            "throttle",
            trueup::limits::FAULTS_PENDING_MAX + 1,
        ),
        json!({"operation": "*", "fault": "throttle", "time": 1}),
    ] {
        let (status, answer) = admin(&local, Method::POST, "faults", wrong.clone()).await;
        assert_eq!(status, 400, "{wrong}");
        assert!(answer["error"].is_string(), "{answer}");
    }

    let chances =
        json!({"chances": [{"operation": "ListModels", "fault": "throttle", "rate": 0.5}]});
    let (status, shown) = admin(&local, Method::PUT, "settings", chances).await;
    assert_eq!((status, &shown["chances"][0]["rate"]), (200, &json!(0.5)));
    let mut refused = 0;
    for _ in 0..100 {
        refused += usize::from(models(&local).await.is_err());
    }
    assert!(
        (20..80).contains(&refused),
        "{refused} of 100 at a rate of one half"
    );
    local.handle.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_is_ill_when_it_is_asked_to_be() {
    let local = start(None).await;
    admin(
        &local,
        Method::PUT,
        "settings",
        json!({"unhealthy": ["churn"]}),
    )
    .await;
    deploy(&local, "churn", SERVE).await;
    let found = settled(&local, "churn").await;
    assert_eq!(found["EndpointStatus"], "Failed");
    let reason = found["FailureReason"].as_str().unwrap();
    assert!(
        reason.contains("did not pass the ping health check"),
        "{reason}"
    );
    local.handle.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let local = start(Some(dir.path())).await;
    deploy(&local, "churn", SERVE).await;
    settled(&local, "churn").await;
    admin(
        &local,
        Method::PUT,
        "settings",
        json!({"latency": "PT0.01S"}),
    )
    .await;
    let (status, _) = admin(&local, Method::POST, "reset", json!(null)).await;
    assert_eq!(status, 204);
    assert_eq!(models(&local).await, Ok(0));
    let (_, settings) = admin(&local, Method::GET, "settings", json!(null)).await;
    assert_eq!(settings["latency"], "PT0S");
    let fleets = std::fs::read_dir(dir.path().join("fleets")).unwrap();
    assert_eq!(fleets.count(), 0);
    assert!(
        local
            .s3
            .head_bucket()
            .bucket(super::BUCKET)
            .send()
            .await
            .is_err()
    );
    // It is as good as new.
    local.make_bucket().await;
    deploy(&local, "churn", SERVE).await;
    let found = settled(&local, "churn").await;
    assert_eq!(found["EndpointStatus"], "InService", "{found}");
    local.handle.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nothing_is_run_everything_is_done_all_the_same() {
    let local = Local::start(LocalOptions {
        control_plane_only: Some(Duration::ZERO),
        pace: Pace::of(SignedDuration::ZERO),
        ..options()
    })
    .await;
    local
        .begin_training(
            "t",
            json!({"OutputDataConfig": {"S3OutputPath": "s3://nowhere/out"}}),
        )
        .await;
    let job = local.trained("t").await;
    assert_eq!(job["TrainingJobStatus"], "Completed");
    assert_eq!(
        job["ModelArtifacts"]["S3ModelArtifacts"],
        "s3://nowhere/out/t/output/model.tar.gz"
    );
    let model = json!({"ModelName": "m", "ExecutionRoleArn": ROLE,
        "PrimaryContainer": {"Image": IMAGE, "ModelDataUrl": "s3://nowhere/model.tar.gz"}});
    local.call("CreateModel", model).await.unwrap();
    let config = json!({"EndpointConfigName": "e", "ProductionVariants": [{"VariantName": "main",
        "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}]});
    local.call("CreateEndpointConfig", config).await.unwrap();
    let endpoint = json!({"EndpointName": "e", "EndpointConfigName": "e"});
    local.call("CreateEndpoint", endpoint).await.unwrap();
    let found = settled(&local, "e").await;
    assert_eq!(found["EndpointStatus"], "InService");
    let (status, _, body) = local.invoke("e", "text/csv", "1\n").await;
    assert_eq!(status, 503, "{body}");
    local.handle.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_is_signed_by_the_right_one_is_answered() {
    let keys = |secret: &str| Credentials {
        access_key_id: "anyone".to_owned(),
        secret_access_key: secret.into(),
    };
    let local = Local::start(LocalOptions {
        require_auth: Some(keys("anything")),
        ..options()
    })
    .await;
    // The SDK signs with these keys: objects, lists, names that are encoded.
    local.put("a b/c%d", b"x".to_vec()).await;
    assert_eq!(local.get("a b/c%d").await, b"x");
    local.sagemaker.list_models().send().await.unwrap();
    let error = models(&local).await.unwrap_err();
    // What says that it is signed, and is not.
    assert_eq!(error, "IncompleteSignatureException");
    let (status, headers, _) = local.invoke("e", "text/csv", "1\n").await;
    assert_eq!(status, 403);
    assert_eq!(
        headers["x-amzn-errortype"],
        "MissingAuthenticationTokenException"
    );
    local.handle.shutdown().await;

    let local = LocalOptions {
        require_auth: Some(keys("something else")),
        ..options()
    };
    let handle = trueup::local::serve(local).await.unwrap();
    let client = Client::new(&handle.url);
    let error = client.sagemaker.list_models().send().await.unwrap_err();
    let code = error
        .as_service_error()
        .and_then(|error| error.meta().code());
    assert_eq!(code, Some("InvalidSignatureException"));
    let error = client.s3.list_buckets().send().await.unwrap_err();
    let code = error
        .as_service_error()
        .and_then(|error| error.meta().code());
    assert_eq!(code, Some("SignatureDoesNotMatch"));
    handle.shutdown().await;
}
