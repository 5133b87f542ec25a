//! The local SageMaker, through its port: the AWS SDKs outside, real processes inside.
#![expect(clippy::unwrap_used, reason = "a test's helpers may fail it")]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart, Delete, ObjectIdentifier};
use aws_sdk_sagemaker as sagemaker;
use axum::http::Request;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::time::{interval, timeout};
use trueup::local::{LocalHandle, LocalOptions, serve};

const ROLE: &str = "arn:aws:iam::111122223333:role/sagemaker";
const IMAGE: &str =
    "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3";
const DEADLINE: Duration = Duration::from_mins(1);

struct Local {
    handle: LocalHandle,
    s3: aws_sdk_s3::Client,
    sagemaker: sagemaker::Client,
}

async fn start(state_dir: Option<&Path>) -> Local {
    start_with(LocalOptions {
        state_dir: state_dir.map(Path::to_owned),
        ..options()
    })
    .await
}

fn options() -> LocalOptions {
    #[expect(clippy::disallowed_methods, reason = "the interpreter is the caller's")]
    let variable = |name| std::env::var(name).ok();
    LocalOptions {
        path: variable("PATH").unwrap_or_else(|| "/usr/bin:/bin".to_owned()),
        home: variable("HOME").map(Into::into),
        supervisor: Some(env!("CARGO_BIN_EXE_trueup").into()),
        ..LocalOptions::default()
    }
}

async fn start_with(options: LocalOptions) -> Local {
    let handle = serve(options).await.unwrap();
    let credentials = Credentials::new("anyone", "anything", None, None, "test");
    let s3 = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(&handle.url)
        .region(Region::new("us-east-1"))
        .credentials_provider(credentials.clone())
        .force_path_style(true)
        .build();
    let control = sagemaker::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(&handle.url)
        .region(Region::new("us-east-1"))
        .credentials_provider(credentials)
        .build();
    Local {
        handle,
        s3: aws_sdk_s3::Client::from_conf(s3),
        sagemaker: sagemaker::Client::from_conf(control),
    }
}

impl Local {
    async fn put(&self, key: &str, body: impl Into<ByteStream>) {
        let put = self.s3.put_object().bucket("ml-data").key(key);
        put.body(body.into()).send().await.unwrap();
    }

    async fn get(&self, key: &str) -> Vec<u8> {
        let got = self
            .s3
            .get_object()
            .bucket("ml-data")
            .key(key)
            .send()
            .await
            .unwrap();
        got.body.collect().await.unwrap().to_vec()
    }

    /// One AWS JSON call whose shape the SDK need not spell out.
    async fn call(&self, op: &str, body: Value) -> Result<Value, Value> {
        let request = Request::post(&self.handle.url)
            .header("x-amz-target", format!("SageMaker.{op}"))
            .header("content-type", "application/x-amz-json-1.1")
            .header(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/sagemaker/aws4_request, \
                 SignedHeaders=host, Signature=0",
            );
        let (status, _, body) = send(request, body.to_string().into_bytes()).await;
        let value = serde_json::from_slice(&body).unwrap();
        if status == 200 { Ok(value) } else { Err(value) }
    }

    async fn invoke(
        &self,
        endpoint: &str,
        content_type: &str,
        body: &str,
    ) -> (u16, BTreeMap<String, String>, String) {
        let url = format!("{}/endpoints/{endpoint}/invocations", self.handle.url);
        let request = Request::post(url)
            .header("content-type", content_type)
            .header("accept", "application/json");
        let (status, headers, body) = send(request, body.as_bytes().to_vec()).await;
        (status, headers, String::from_utf8(body).unwrap())
    }

    /// Describes until `done` says so.
    async fn wait(&self, op: &str, body: Value, done: impl Fn(&Value) -> bool) -> Value {
        let mut ticks = interval(Duration::from_millis(50));
        let found = timeout(DEADLINE, async {
            loop {
                ticks.tick().await;
                let found = self.call(op, body.clone()).await.unwrap();
                if done(&found) {
                    return found;
                }
            }
        });
        if let Ok(found) = found.await {
            return found;
        }
        panic!("{op} {body}: {:?}", self.call(op, body.clone()).await)
    }

    async fn train(&self, name: &str, extra: Value) -> Value {
        let mut request = json!({
            "TrainingJobName": name, "RoleArn": ROLE,
            "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            "OutputDataConfig": {"S3OutputPath": "s3://ml-data/models"},
            "ResourceConfig": {
                "InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5,
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": 50},
        });
        for (member, value) in extra.as_object().unwrap() {
            request[member] = value.clone();
        }
        self.call("CreateTrainingJob", request).await.unwrap();
        self.trained(name).await
    }

    async fn trained(&self, name: &str) -> Value {
        self.wait(
            "DescribeTrainingJob",
            json!({"TrainingJobName": name}),
            |job| {
                !matches!(
                    job["TrainingJobStatus"].as_str(),
                    Some("InProgress" | "Stopping")
                )
            },
        )
        .await
    }
}

async fn send(
    request: axum::http::request::Builder,
    body: Vec<u8>,
) -> (u16, BTreeMap<String, String>, Vec<u8>) {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let request = request.body(Full::new(body.into())).unwrap();
    let response = timeout(DEADLINE, client.request(request))
        .await
        .unwrap()
        .unwrap();
    let (parts, body) = response.into_parts();
    let headers = parts.headers.iter();
    let headers = headers
        .map(|(k, v)| (k.to_string(), v.to_str().unwrap_or_default().to_owned()))
        .collect();
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    (parts.status.as_u16(), headers, body)
}

fn tar_gz(files: &[(&str, &str)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder
            .append_data(&mut header, name, content.as_bytes())
            .unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

fn untar(bytes: &[u8]) -> BTreeMap<String, String> {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes));
    let mut files = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().display().to_string();
        let mut text = String::new();
        std::io::Read::read_to_string(&mut entry, &mut text).unwrap();
        files.insert(name, text);
    }
    files
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_come_back_as_they_were_put() {
    let local = start(None).await;
    let s3 = &local.s3;
    s3.create_bucket().bucket("ml-data").send().await.unwrap();
    s3.head_bucket().bucket("ml-data").send().await.unwrap();

    let put = s3.put_object().bucket("ml-data").key("a/ü 1+2.txt");
    let put = put.body(ByteStream::from_static(b"hello world"));
    let put = put
        .content_type("text/plain")
        .metadata("digest", "abc")
        .send()
        .await
        .unwrap();
    assert_eq!(put.e_tag(), Some("\"5eb63bbbe01eeed093cb22bb8f5acdc3\""));
    let head = s3.head_object().bucket("ml-data").key("a/ü 1+2.txt");
    let head = head.checksum_mode(aws_sdk_s3::types::ChecksumMode::Enabled);
    let head = head.send().await.unwrap();
    assert_eq!(head.metadata().unwrap()["digest"], "abc");
    assert_eq!(head.content_type(), Some("text/plain"));
    assert_eq!(head.content_length(), Some(11));
    assert_eq!(
        head.checksum_sha256(),
        Some("uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=")
    );
    let part = s3
        .get_object()
        .bucket("ml-data")
        .key("a/ü 1+2.txt")
        .range("bytes=6-");
    let part = part.send().await.unwrap();
    assert_eq!(part.content_range(), Some("bytes 6-10/11"));
    assert_eq!(part.body.collect().await.unwrap().to_vec(), b"world");

    // Compare-and-swap: an object that exists is not created again.
    let again = s3
        .put_object()
        .bucket("ml-data")
        .key("a/ü 1+2.txt")
        .if_none_match("*");
    let refused = again.send().await.unwrap_err().into_service_error();
    assert_eq!(refused.meta().code(), Some("PreconditionFailed"));
    let swap = s3.put_object().bucket("ml-data").key("a/ü 1+2.txt");
    let swap = swap.if_match("\"5eb63bbbe01eeed093cb22bb8f5acdc3\"");
    swap.body(ByteStream::from_static(b"new"))
        .send()
        .await
        .unwrap();

    let copy = s3
        .copy_object()
        .bucket("ml-data")
        .key("b")
        .copy_source("ml-data/a/%C3%BC%201%2B2.txt");
    copy.send().await.unwrap();
    assert_eq!(local.get("b").await, b"new");
    local.put("a/2", ByteStream::from_static(b"")).await;
    let list = s3
        .list_objects_v2()
        .bucket("ml-data")
        .delimiter("/")
        .max_keys(1);
    let first = list.clone().send().await.unwrap();
    assert_eq!(first.common_prefixes()[0].prefix(), Some("a/"));
    let token = first.next_continuation_token().unwrap();
    let second = list.continuation_token(token).send().await.unwrap();
    assert_eq!(second.contents()[0].key(), Some("b"));
    assert_eq!(second.is_truncated(), Some(false));

    let all = ["a/2", "b"].map(|key| ObjectIdentifier::builder().key(key).build().unwrap());
    let delete = Delete::builder()
        .set_objects(Some(all.to_vec()))
        .build()
        .unwrap();
    s3.delete_objects()
        .bucket("ml-data")
        .delete(delete)
        .send()
        .await
        .unwrap();
    let left = s3.list_objects().bucket("ml-data").send().await.unwrap();
    assert_eq!(left.contents().len(), 1);
    let missing = s3
        .get_object()
        .bucket("ml-data")
        .key("b")
        .send()
        .await
        .unwrap_err();
    assert!(missing.into_service_error().is_no_such_key());
    let missing = s3
        .get_object()
        .bucket("none")
        .key("b")
        .send()
        .await
        .unwrap_err();
    assert_eq!(
        missing.into_service_error().meta().code(),
        Some("NoSuchBucket")
    );
    local.handle.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_objects_come_in_parts_and_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let local = start(Some(dir.path())).await;
    let s3 = &local.s3;
    s3.create_bucket().bucket("ml-data").send().await.unwrap();
    let upload = s3
        .create_multipart_upload()
        .bucket("ml-data")
        .key("big")
        .metadata("k", "v");
    let upload = upload.send().await.unwrap();
    let id = upload.upload_id().unwrap();
    let whole: Vec<u8> = (0..6_000_000_u32).map(|at| (at % 251) as u8).collect();
    let mut parts = Vec::new();
    for (number, piece) in (1..).zip(whole.chunks(5 * 1024 * 1024)) {
        let part = s3
            .upload_part()
            .bucket("ml-data")
            .key("big")
            .upload_id(id)
            .part_number(number);
        let part = part.body(piece.to_vec().into()).send().await.unwrap();
        let part = CompletedPart::builder()
            .e_tag(part.e_tag().unwrap())
            .part_number(number);
        parts.push(part.build());
    }
    let parts = CompletedMultipartUpload::builder()
        .set_parts(Some(parts))
        .build();
    let done = s3
        .complete_multipart_upload()
        .bucket("ml-data")
        .key("big")
        .upload_id(id);
    let done = done.multipart_upload(parts).send().await.unwrap();
    assert!(done.e_tag().unwrap().ends_with("-2\""));
    assert!(local.get("big").await == whole);

    let other = s3
        .create_multipart_upload()
        .bucket("ml-data")
        .key("x")
        .send()
        .await
        .unwrap();
    let id = other.upload_id().unwrap();
    let abort = s3
        .abort_multipart_upload()
        .bucket("ml-data")
        .key("x")
        .upload_id(id);
    abort.send().await.unwrap();
    let late = s3
        .upload_part()
        .bucket("ml-data")
        .key("x")
        .upload_id(id)
        .part_number(1);
    let late = late.send().await.unwrap_err().into_service_error();
    assert_eq!(late.meta().code(), Some("NoSuchUpload"));

    local.handle.shutdown().await;
    let local = start(Some(dir.path())).await;
    assert!(local.get("big").await == whole);
    let head = local
        .s3
        .head_object()
        .bucket("ml-data")
        .key("big")
        .send()
        .await
        .unwrap();
    assert_eq!(head.metadata().unwrap()["k"], "v");
    local.handle.shutdown().await;
}

const TRAIN: &str = r#"
import argparse, json, os, sys
parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int)
parser.add_argument("--mode")
args = parser.parse_args()
if args.mode == "fail":
    sys.exit("the data is empty")
if args.mode == "report":
    with open(os.path.join(os.path.dirname(os.environ["SM_MODEL_DIR"]), "output/failure"), "w") as f:
        f.write("told so")
    sys.exit(3)
if args.mode == "hang":
    import time
    print("hanging", flush=True)
    time.sleep(600)
rows = open(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "part/rows.csv")).read().split()
print("loss=0.5;\nloss=%s;" % (1 / args.epochs))
with open(os.path.join(os.environ["SM_MODEL_DIR"], "model.json"), "w") as f:
    json.dump({"rows": rows, "epochs": args.epochs, "cwd": os.listdir(".")}, f, sort_keys=True)
with open(os.path.join(os.environ["SM_OUTPUT_DATA_DIR"], "log.txt"), "w") as f:
    f.write(os.environ["AWS_ENDPOINT_URL"])
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_training_job_really_trains() {
    let local = start(None).await;
    local
        .s3
        .create_bucket()
        .bucket("ml-data")
        .send()
        .await
        .unwrap();
    local
        .put("code/sourcedir.tar.gz", tar_gz(&[("train.py", TRAIN)]))
        .await;
    local.put("data/part/rows.csv", b"1\n2\n".to_vec()).await;
    let input = json!([{
        "ChannelName": "train",
        "DataSource": {"S3DataSource": {
            "S3DataType": "S3Prefix", "S3Uri": "s3://ml-data/data/",
            "S3DataDistributionType": "FullyReplicated",
        }},
    }]);
    let parameters = |mode: &str| {
        json!({
            "sagemaker_program": "\"train.py\"",
            "sagemaker_submit_directory": "\"s3://ml-data/code/sourcedir.tar.gz\"",
            "epochs": "4", "mode": mode,
        })
    };
    let specification = json!({
        "TrainingImage": IMAGE, "TrainingInputMode": "File",
        "MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+);"}],
    });
    let job = local
        .train(
            "good",
            json!({
                "InputDataConfig": input, "HyperParameters": parameters("\"train\""),
                "AlgorithmSpecification": specification,
            }),
        )
        .await;
    assert_eq!(job["TrainingJobStatus"], "Completed", "{job}");
    assert_eq!(
        job["ModelArtifacts"]["S3ModelArtifacts"],
        "s3://ml-data/models/good/output/model.tar.gz"
    );
    assert_eq!(job["FinalMetricDataList"][0]["MetricName"], "loss", "{job}");
    let model = untar(&local.get("models/good/output/model.tar.gz").await);
    let model: Value = serde_json::from_str(&model["model.json"]).unwrap();
    assert_eq!(
        model,
        json!({"rows": ["1", "2"], "epochs": 4, "cwd": ["train.py"]})
    );
    let output = untar(&local.get("models/good/output/output.tar.gz").await);
    assert_eq!(output["log.txt"], local.handle.url);

    let check = async |name: &str, extra: Value, reason: &str| {
        let job = local.train(name, extra).await;
        assert_eq!(job["TrainingJobStatus"], "Failed", "{job}");
        let found = job["FailureReason"].as_str().unwrap();
        assert!(found.contains(reason), "{found}");
    };
    let failing = |mode| json!({"InputDataConfig": input, "HyperParameters": parameters(mode)});
    check(
        "exits",
        failing("fail"),
        "AlgorithmError: the data is empty, exit code: 1",
    )
    .await;
    check(
        "reports",
        failing("report"),
        "AlgorithmError: told so, exit code: 3",
    )
    .await;
    check("imageless", json!({}), "no program to run").await;
    let mut overdue = failing("hang");
    overdue["StoppingCondition"] = json!({"MaxRuntimeInSeconds": 1});
    check("overdue", overdue, "MaxRuntimeInSeconds of 1").await;
    local.handle.shutdown().await;

    let local = start_with(LocalOptions {
        path: "/nowhere".to_owned(),
        ..options()
    })
    .await;
    local
        .s3
        .create_bucket()
        .bucket("ml-data")
        .send()
        .await
        .unwrap();
    local
        .put("code/sourcedir.tar.gz", tar_gz(&[("train.py", TRAIN)]))
        .await;
    let job = local
        .train("nopython", json!({"HyperParameters": parameters("train")}))
        .await;
    let reason = job["FailureReason"].as_str().unwrap();
    assert!(reason.contains("`python3` is not on PATH"), "{reason}");
    local.handle.shutdown().await;
}

const SERVE: &str = r#"
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

async fn deploy(local: &Local, endpoint: &str, code: &str) {
    local
        .put(
            &format!("{endpoint}/model.tar.gz"),
            tar_gz(&[("model.json", "{\"base\": 100}")]),
        )
        .await;
    let files = [("serving/app.py", code)];
    local
        .put(&format!("{endpoint}/code.tar.gz"), tar_gz(&files))
        .await;
    let model = json!({
        "ModelName": endpoint, "ExecutionRoleArn": ROLE,
        "PrimaryContainer": {
            "Image": IMAGE, "ModelDataUrl": format!("s3://ml-data/{endpoint}/model.tar.gz"),
            "Environment": {
                "SAGEMAKER_PROGRAM": "serving/app.py",
                "SAGEMAKER_SUBMIT_DIRECTORY": format!("s3://ml-data/{endpoint}/code.tar.gz"),
            },
        },
    });
    local.call("CreateModel", model).await.unwrap();
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

async fn settled(local: &Local, endpoint: &str) -> Value {
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
async fn invoke_until(local: &Local, endpoint: &str, status: u16) -> String {
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
    answered.await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_really_serves_and_captures() {
    let dir = tempfile::tempdir().unwrap();
    let local = start(Some(dir.path())).await;
    local
        .s3
        .create_bucket()
        .bucket("ml-data")
        .send()
        .await
        .unwrap();
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
    local
        .s3
        .create_bucket()
        .bucket("ml-data")
        .send()
        .await
        .unwrap();
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_processing_job_runs_its_entry_point_and_can_be_stopped() {
    let local = start(None).await;
    local
        .s3
        .create_bucket()
        .bucket("ml-data")
        .send()
        .await
        .unwrap();
    let code = "import sys, os\n\
        out = sys.argv[1]\n\
        text = open(os.environ['DATA'] + '/rows.csv').read()\n\
        open(out + '/sub.txt', 'w').write(text.upper())\n\
        open(os.path.dirname(os.path.dirname(out)) + '/output/message', 'w').write('2 rows')\n";
    local
        .put("code/sourcedir.tar.gz", tar_gz(&[("run.py", code)]))
        .await;
    local.put("data/rows.csv", b"a\nb\n".to_vec()).await;
    let input = |name: &str, uri: &str, path: &str| {
        json!({"InputName": name, "S3Input": {
            "S3Uri": uri, "LocalPath": path, "S3DataType": "S3Prefix", "S3InputMode": "File",
        }})
    };
    let job = |name: &str, shell: &str| {
        json!({
            "ProcessingJobName": name, "RoleArn": ROLE,
            "AppSpecification": {
                "ImageUri": IMAGE, "ContainerEntrypoint": ["/bin/sh", "-ec", shell, "sh"],
                "ContainerArguments": ["/opt/ml/processing/out"],
            },
            "Environment": {"DATA": "/opt/ml/processing/data"},
            "ProcessingInputs": [
                input("code", "s3://ml-data/code/sourcedir.tar.gz", "/opt/ml/processing/input/code"),
                input("data", "s3://ml-data/data", "/opt/ml/processing/data"),
            ],
            "ProcessingOutputConfig": {"Outputs": [{"OutputName": "out", "S3Output": {
                "S3Uri": "s3://ml-data/out", "LocalPath": "/opt/ml/processing/out",
                "S3UploadMode": "EndOfJob",
            }}]},
            "ProcessingResources": {"ClusterConfig": {
                "InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5,
            }},
        })
    };
    let shell = "cd /opt/ml/processing/input/code && tar -xzf sourcedir.tar.gz && \
                 exec python3 run.py \"$@\"";
    local
        .call("CreateProcessingJob", job("good", shell))
        .await
        .unwrap();
    let ended = |found: &Value| {
        let status = found["ProcessingJobStatus"].as_str();
        matches!(status, Some("Completed" | "Failed" | "Stopped"))
    };
    let name = json!({"ProcessingJobName": "good"});
    let found = local.wait("DescribeProcessingJob", name, ended).await;
    assert_eq!(found["ProcessingJobStatus"], "Completed", "{found}");
    assert_eq!(found["ExitMessage"], "2 rows");
    assert_eq!(local.get("out/sub.txt").await, b"A\nB\n");

    let name = json!({"ProcessingJobName": "long"});
    let shell = "echo $$ > /opt/ml/processing/out/pid; exec sleep 600";
    local
        .call("CreateProcessingJob", job("long", shell))
        .await
        .unwrap();
    let folder = local
        .handle
        .state_dir
        .join("jobs/us-east-1/processing/long");
    let pid = until(|| read(&folder.join("opt/ml/processing/out/pid"))).await;
    local.call("StopProcessingJob", name.clone()).await.unwrap();
    let found = local.wait("DescribeProcessingJob", name, ended).await;
    assert_eq!(found["ProcessingJobStatus"], "Stopped", "{found}");
    until(|| gone(&pid)).await;

    // The log of calls names every request, in order.
    let calls = local.handle.calls(0);
    assert!(calls.iter().zip(1..).all(|(call, seq)| call.seq == seq));
    assert!(
        calls
            .iter()
            .any(|call| call.op == "StopProcessingJob" && call.mutates)
    );
    assert!(
        calls
            .iter()
            .any(|call| call.op == "put_object" && call.service == "s3")
    );
    local.handle.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_modelled_is_refused_by_name() {
    let local = start(None).await;
    let error = local
        .call("CreateNotebookInstance", json!({}))
        .await
        .unwrap_err();
    assert_eq!(error["__type"], "UnsupportedOperation");
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("CreateNotebookInstance")
    );
    let missing = local
        .sagemaker
        .describe_endpoint()
        .endpoint_name("none")
        .send()
        .await;
    let missing = missing.unwrap_err().into_service_error();
    assert_eq!(missing.meta().code(), Some("ValidationException"));
    assert!(
        missing
            .meta()
            .message()
            .unwrap()
            .starts_with("Could not find endpoint")
    );

    let form = "application/x-www-form-urlencoded; charset=utf-8";
    let request = Request::post(&local.handle.url).header("content-type", form);
    let body = b"Action=GetCallerIdentity&Version=2011-06-15".to_vec();
    let (status, headers, body) = send(request, body).await;
    assert_eq!(status, 200);
    assert!(headers.contains_key("x-amzn-requestid"));
    assert!(
        String::from_utf8(body)
            .unwrap()
            .contains("<Account>111122223333</Account>")
    );
    let request = Request::get(format!("{}/_trueup/health", local.handle.url));
    assert_eq!(send(request, Vec::new()).await.0, 200);
    let request = Request::get(format!("{}/_trueup/health", local.handle.url));
    let (status, _, _) = send(request.header("host", "evil.example"), Vec::new()).await;
    assert_eq!(status, 403);
    local.handle.shutdown().await;
}

/// Looks again until there is something, with a deadline.
async fn until<T>(look: impl Fn() -> Option<T>) -> T {
    let mut ticks = interval(Duration::from_millis(20));
    let found = timeout(DEADLINE, async {
        loop {
            ticks.tick().await;
            if let Some(found) = look() {
                return found;
            }
        }
    });
    found.await.unwrap()
}

fn read(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    text.ends_with('\n').then(|| text.trim().to_owned())
}

/// Whether a process is gone, or a zombie that nobody waits for.
fn gone(pid: &str) -> Option<()> {
    match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => stat.rsplit(") ").next()?.starts_with('Z').then_some(()),
        Err(_) => Some(()),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_outlives_the_supervisors_standard_input() {
    let dir = tempfile::tempdir().unwrap();
    let pid_file = dir.path().join("pid");
    // The leader ignores SIGTERM and has a child of its own.
    let shell = "trap '' TERM; sleep 600 & echo $! > pid; wait";
    let spec = json!({
        "executable": "/bin/sh", "args": ["-c", shell], "env": {"PATH": "/usr/bin:/bin"},
        "cwd": dir.path(), "log": dir.path().join("log"), "grace_ms": 600_000,
    });
    #[expect(
        clippy::disallowed_methods,
        reason = "the supervisor is what is tested"
    )]
    let mut supervisor = Command::new(env!("CARGO_BIN_EXE_trueup"))
        .arg("__job")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut orders = supervisor.stdin.take().unwrap();
    writeln!(orders, "{spec}").unwrap();
    let pid = until(|| read(&pid_file)).await;
    assert!(gone(&pid).is_none());
    drop(orders);
    until(|| gone(&pid)).await;
    assert!(supervisor.wait().unwrap().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_ran_when_the_server_ended_runs_again() {
    let dir = tempfile::tempdir().unwrap();
    let local = start(Some(dir.path())).await;
    local
        .s3
        .create_bucket()
        .bucket("ml-data")
        .send()
        .await
        .unwrap();
    let shell = "echo $$ > /opt/ml/output/pid; exec sleep 600";
    let request = json!({
        "ProcessingJobName": "long", "RoleArn": ROLE,
        "AppSpecification": {"ImageUri": IMAGE, "ContainerEntrypoint": ["/bin/sh", "-c", shell]},
        "ProcessingResources": {"ClusterConfig": {
            "InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5,
        }},
    });
    local.call("CreateProcessingJob", request).await.unwrap();
    let pid_file = local
        .handle
        .state_dir
        .join("jobs/us-east-1/processing/long/opt/ml/output/pid");
    let first = until(|| read(&pid_file)).await;
    local.handle.shutdown().await;
    assert!(gone(&first).is_some(), "a job outlived its server");

    let local = start(Some(dir.path())).await;
    let second = until(|| read(&pid_file).filter(|pid| *pid != first)).await;
    let name = json!({"ProcessingJobName": "long"});
    let found = local
        .call("DescribeProcessingJob", name.clone())
        .await
        .unwrap();
    assert_eq!(found["ProcessingJobStatus"], "InProgress");
    // Dropped, not shut down: what it started goes all the same.
    drop(local);
    until(|| gone(&second)).await;
}
