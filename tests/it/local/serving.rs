//! The ways to be served: by several instances, by none until asked, later, and in parts.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_smithy_eventstream::frame::read_message_from;
use axum::http::Request;
use hyper::body::Bytes;
use serde_json::{Value, json};
use tokio::time::{interval, timeout};
use trueup::limits::{ASYNC_PAYLOAD_BYTES_MAX, FLEET_INSTANCES_MAX};
use trueup::local::LocalOptions;

use super::endpoints::{make_model, settled};
use super::{Client, DEADLINE, Local, options, send};

/// Says which process answers, waits where it is told to, and can answer in parts.
const APP: &str = r#"
import os, time
def model_fn(model_dir):
    return None
def input_fn(body, content_type):
    return body.strip()
def predict_fn(text, model):
    if text == "bad":
        raise ValueError("bad")
    if text == "slow":
        time.sleep(0.5)
    if text == "parts":
        return (part for part in ("one", "two"))
    if text == "cut":
        return cut()
    return str(os.getpid())
def cut():
    yield "one"
    raise ValueError("cut")
def output_fn(prediction, accept):
    return prediction, "text/plain"
"#;

/// An endpoint whose variant and config have these members as well.
async fn deploy(local: &Client, endpoint: &str, variant: Value, config: Value) {
    make_model(local, endpoint, APP).await;
    let mut whole = json!({
        "EndpointConfigName": endpoint,
        "ProductionVariants": [{"VariantName": "main", "ModelName": endpoint}],
    });
    let add = |to: &mut Value, more: Value| {
        let more = more.as_object().unwrap().clone();
        to.as_object_mut().unwrap().extend(more);
    };
    add(&mut whole["ProductionVariants"][0], variant);
    add(&mut whole, config);
    local.call("CreateEndpointConfig", whole).await.unwrap();
    let body = json!({"EndpointName": endpoint, "EndpointConfigName": endpoint});
    local.call("CreateEndpoint", body).await.unwrap();
    let found = settled(local, endpoint).await;
    assert_eq!(found["EndpointStatus"], "InService", "{found}");
}

fn counted(count: u64) -> Value {
    json!({"InstanceType": "ml.m5.large", "InitialInstanceCount": count})
}

/// Asks until `done` says of what was answered lately that it is enough.
async fn ask_until(local: &Client, endpoint: &str, done: impl Fn(&BTreeSet<String>) -> bool) {
    let mut ticks = interval(Duration::from_millis(20));
    let asked = timeout(DEADLINE, async {
        loop {
            let mut answers = BTreeSet::new();
            for _ in 0..6 {
                ticks.tick().await;
                let (status, _, body) = local.invoke(endpoint, "text/plain", "who").await;
                assert_eq!(status, 200, "{body}");
                answers.insert(body);
            }
            if done(&answers) {
                return;
            }
        }
    });
    asked
        .await
        .expect("its processes are as many as it has instances");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_are_processes_up_to_a_bound() {
    let local = Local::start(LocalOptions {
        instances_max: 3,
        ..options()
    })
    .await;
    deploy(&local, "many", counted(2), json!({})).await;
    ask_until(&local, "many", |answers| answers.len() == 2).await;
    for (count, processes) in [(1, 1), (5, 3)] {
        let wish = json!({"EndpointName": "many", "DesiredWeightsAndCapacities":
            [{"VariantName": "main", "DesiredInstanceCount": count}]});
        local
            .call("UpdateEndpointWeightsAndCapacities", wish)
            .await
            .unwrap();
        settled(&local, "many").await;
        ask_until(&local, "many", |answers| answers.len() == processes).await;
    }
    local.handle.shutdown().await;

    // Unless another bound is asked for.
    let local = super::start(None).await;
    let instances = u64::try_from(FLEET_INSTANCES_MAX).unwrap() + 1;
    deploy(&local, "most", counted(instances), json!({})).await;
    ask_until(&local, "most", |answers| {
        answers.len() == FLEET_INSTANCES_MAX
    })
    .await;
    let mut answers = BTreeSet::new();
    for _ in 0..6 * instances {
        answers.insert(local.invoke("most", "text/plain", "who").await.2);
    }
    assert_eq!(answers.len(), FLEET_INSTANCES_MAX, "{answers:?}");
    local.handle.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_serverless_goes_and_comes_again() {
    let local = Local::start(LocalOptions {
        serverless_idle: Duration::from_millis(300),
        ..options()
    })
    .await;
    let serverless = json!({"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}});
    deploy(&local, "rare", serverless, json!({})).await;
    let (_, _, first) = local.invoke("rare", "text/plain", "who").await;
    super::until("the process to end", || super::gone(&first)).await;
    let (status, _, second) = local.invoke("rare", "text/plain", "who").await;
    assert_eq!(status, 200, "{second}");
    assert_ne!(first, second);

    // It may come while the other is being answered, and has to come again then.
    let slow = async {
        let mut ticks = interval(Duration::from_millis(50));
        loop {
            ticks.tick().await;
            let (status, _, body) = local.invoke("rare", "text/plain", "slow").await;
            if status != 429 {
                return (status, body);
            }
        }
    };
    let refused = async {
        let mut ticks = interval(Duration::from_millis(50));
        loop {
            ticks.tick().await;
            let (status, headers, _) = local.invoke("rare", "text/plain", "who").await;
            if status != 200 {
                return (status, headers["x-amzn-errortype"].clone());
            }
        }
    };
    let both = async { tokio::join!(slow, refused) };
    let both = timeout(DEADLINE, both).await;
    let ((status, body), refused) = both.expect("one request at a time is all");
    assert_eq!(refused, (429, "ThrottlingException".to_owned()));
    assert_eq!(status, 200, "{body}");
    local.handle.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_queued_is_answered_in_s3() {
    let local = super::start(None).await;
    let config = json!({"AsyncInferenceConfig": {
        "OutputConfig": {"S3OutputPath": "s3://ml-data/out", "S3FailurePath": "s3://ml-data/failed"},
        "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 2},
    }});
    deploy(&local, "later", counted(1), config).await;
    for (name, body) in [("good", "who"), ("bad", "bad")] {
        local
            .put(&format!("in/{name}"), body.as_bytes().to_vec())
            .await;
    }
    let queue = async |headers: &[(&str, &str)]| {
        let url = format!("{}/endpoints/later/async-invocations", local.url);
        let request = Request::post(url).header("content-type", "text/plain");
        let request = headers.iter().fold(request, |request, (name, value)| {
            request.header(*name, *value)
        });
        send(request, Vec::new()).await
    };
    let location = "x-amzn-sagemaker-inputlocation";
    let (status, headers, body) = queue(&[
        (location, "s3://ml-data/in/good"),
        ("x-amzn-sagemaker-inference-id", "mine"),
    ])
    .await;
    assert_eq!(status, 202);
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["InferenceId"], "mine");
    let answer = object(&local, &headers["x-amzn-sagemaker-outputlocation"]).await;
    assert!(answer.parse::<u32>().is_ok(), "{answer}");

    let (_, headers, _) = queue(&[(location, "s3://ml-data/in/bad")]).await;
    let reason = object(&local, &headers["x-amzn-sagemaker-failurelocation"]).await;
    assert!(reason.contains("ValueError: bad"), "{reason}");
    let (_, headers, _) = queue(&[(location, "s3://ml-data/in/none")]).await;
    let reason = object(&local, &headers["x-amzn-sagemaker-failurelocation"]).await;
    assert!(reason.contains("NoSuchKey"), "{reason}");
    let long = vec![0; ASYNC_PAYLOAD_BYTES_MAX + 1];
    local.put("in/long", long).await;
    let (_, headers, _) = queue(&[(location, "s3://ml-data/in/long")]).await;
    let reason = object(&local, &headers["x-amzn-sagemaker-failurelocation"]).await;
    assert!(reason.contains("is longer than"), "{reason}");

    let refused = async |headers: &[(&str, &str)], words: &str| {
        let (status, _, body) = queue(headers).await;
        let body = String::from_utf8(body).unwrap();
        assert_eq!(status, 400, "{body}");
        assert!(body.contains(words), "{body}");
    };
    refused(&[(location, "https://nowhere")], "InputLocation").await;
    let ttl = ("x-amzn-sagemaker-requestttlseconds", "59");
    refused(
        &[(location, "s3://ml-data/in/good"), ttl],
        "requestttlseconds",
    )
    .await;
    local.handle.shutdown().await;
}

/// The object at a URI, once it is there.
async fn object(local: &Client, uri: &str) -> String {
    let key = uri.strip_prefix("s3://ml-data/").unwrap();
    let mut ticks = interval(Duration::from_millis(50));
    let found = timeout(DEADLINE, async {
        loop {
            ticks.tick().await;
            let head = local.s3.head_object().bucket(super::BUCKET).key(key);
            if head.send().await.is_ok() {
                return local.get(key).await;
            }
        }
    });
    let found = found.await.expect("the answer comes");
    String::from_utf8(found).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_come_in_parts_and_everything_is_measured() {
    let local = super::start(None).await;
    deploy(&local, "parts", counted(1), json!({})).await;
    let check = async |asked: &str, expected: &[(&str, &str)]| {
        let url = format!("{}/endpoints/parts/invocations-response-stream", local.url);
        let request = Request::post(url).header("content-type", "text/plain");
        let (status, headers, body) = send(request, asked.as_bytes().to_vec()).await;
        assert_eq!(status, 200);
        assert_eq!(
            headers["content-type"],
            "application/vnd.amazon.eventstream"
        );
        assert_eq!(headers["x-amzn-sagemaker-content-type"], "text/plain");
        let mut left = Bytes::from(body);
        let mut found = Vec::new();
        while !left.is_empty() {
            let message = read_message_from(&mut left).unwrap();
            let kind = message.headers()[1].value().as_string().unwrap();
            let payload = String::from_utf8_lossy(message.payload()).into_owned();
            found.push((kind.as_str().to_owned(), payload));
        }
        let text = |kind: &str| {
            let of_kind = found.iter().filter(|(own, _)| own == kind);
            of_kind
                .map(|(_, payload)| payload.as_str())
                .collect::<String>()
        };
        for (kind, payload) in expected {
            assert!(text(kind).contains(payload), "{found:?}");
        }
    };
    check("parts", &[("PayloadPart", "onetwo")]).await;
    check(
        "cut",
        &[("PayloadPart", "one"), ("ModelStreamError", "broke off")],
    )
    .await;
    // A client that wants it whole gets it whole.
    let (status, _, body) = local.invoke("parts", "text/plain", "parts").await;
    assert_eq!((status, body.as_str()), (200, "onetwo"));
    local.invoke("parts", "text/plain", "bad").await;

    let sum = async |name: &str| {
        let now = jiff::Timestamp::now().as_second();
        let body = json!({
            "Namespace": "AWS/SageMaker", "MetricName": name, "Statistics": ["Sum"],
            "Period": 3600, "StartTime": now - 3600, "EndTime": now + 60,
            "Dimensions": [{"Name": "EndpointName", "Value": "parts"},
                {"Name": "VariantName", "Value": "main"}],
        });
        let request = Request::post(&local.url)
            .header(
                "x-amz-target",
                "GraniteServiceVersion20100801.GetMetricStatistics",
            )
            .header("content-type", "application/x-amz-json-1.0")
            .header(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/monitoring/aws4_request, \
                 SignedHeaders=host, Signature=0",
            );
        let (_, _, body) = send(request, body.to_string().into_bytes()).await;
        let found: Value = serde_json::from_slice(&body).unwrap();
        let points = found["Datapoints"].as_array().cloned().unwrap_or_default();
        points
            .iter()
            .filter_map(|point| point["Sum"].as_f64())
            .sum::<f64>()
    };
    let mut ticks = interval(Duration::from_millis(100));
    let measured = timeout(DEADLINE, async {
        while sum("Invocations").await < 4.0 {
            ticks.tick().await;
        }
    });
    measured.await.expect("invocations are measured");
    assert!((sum("Invocation5XXErrors").await - 1.0).abs() < 1e-9);
    assert!(sum("ModelLatency").await > 0.0);
    local.handle.shutdown().await;
}
