//! The local SageMaker, through its port: the AWS SDKs outside, real processes inside.
#![expect(clippy::unwrap_used, reason = "a test's helpers may fail it")]

mod admin;
mod archive;
mod bounds;
mod conformance;
mod connections;
mod containers;
mod endpoints;
mod images;
mod killed;
mod lifetime;
mod logs;
mod monitoring;
mod objects;
mod processing;
mod refusals;
mod server;
mod serving;
mod training;
mod transform;

use std::collections::BTreeMap;
use std::ops::Deref;
use std::path::Path;
use std::time::Duration;

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_sagemaker as sagemaker;
use axum::http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::time::{interval, timeout};
use trueup::local::{LocalHandle, LocalOptions, serve};

const ROLE: &str = "arn:aws:iam::111122223333:role/sagemaker";
const IMAGE: &str =
    "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3";
const BUCKET: &str = "ml-data";
const DEADLINE: Duration = Duration::from_mins(1);

/// A client of one local SageMaker.
struct Client {
    url: String,
    s3: aws_sdk_s3::Client,
    sagemaker: sagemaker::Client,
}

/// A local SageMaker in this process, with a client.
struct Local {
    handle: LocalHandle,
    client: Client,
}

impl Deref for Local {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Local {
    /// One that has a bucket.
    async fn start(options: LocalOptions) -> Self {
        let handle = serve(options).await.unwrap();
        let client = Client::new(&handle.url);
        client.make_bucket().await;
        Self { handle, client }
    }
}

async fn start(state_dir: Option<&Path>) -> Local {
    Local::start(LocalOptions {
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

impl Client {
    fn new(url: &str) -> Self {
        let credentials = Credentials::new("anyone", "anything", None, None, "test");
        let s3 = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(url)
            .region(Region::new("us-east-1"))
            .credentials_provider(credentials.clone())
            .force_path_style(true)
            .build();
        let control = sagemaker::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(url)
            .region(Region::new("us-east-1"))
            .credentials_provider(credentials)
            .build();
        Self {
            url: url.to_owned(),
            s3: aws_sdk_s3::Client::from_conf(s3),
            sagemaker: sagemaker::Client::from_conf(control),
        }
    }

    /// Makes the bucket, unless a server before this one did.
    async fn make_bucket(&self) {
        if self.s3.head_bucket().bucket(BUCKET).send().await.is_err() {
            self.s3.create_bucket().bucket(BUCKET).send().await.unwrap();
        }
    }

    async fn put(&self, key: &str, body: impl Into<ByteStream>) {
        let put = self.s3.put_object().bucket(BUCKET).key(key);
        put.body(body.into()).send().await.unwrap();
    }

    async fn get(&self, key: &str) -> Vec<u8> {
        let got = self
            .s3
            .get_object()
            .bucket(BUCKET)
            .key(key)
            .send()
            .await
            .unwrap();
        got.body.collect().await.unwrap().to_vec()
    }

    /// One AWS JSON call whose shape the SDK need not spell out.
    async fn call(&self, op: &str, body: Value) -> Result<Value, Value> {
        let request = Request::post(&self.url)
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
        let url = format!("{}/endpoints/{endpoint}/invocations", self.url);
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
        self.begin_training(name, extra).await;
        self.trained(name).await
    }

    /// Creates a training job; `extra` replaces members of the request.
    async fn begin_training(&self, name: &str, extra: Value) {
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
    let builder = hyper_util::client::legacy::Client::builder(TokioExecutor::new());
    let client = builder.build_http::<Full<Bytes>>();
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

/// Looks again until there is something, with a deadline.
async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let mut ticks = interval(Duration::from_millis(20));
    let found = timeout(DEADLINE, async {
        loop {
            ticks.tick().await;
            if let Some(found) = look() {
                return found;
            }
        }
    });
    let found = found.await;
    found.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// The same of what is asked.
async fn until_answered<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let mut ticks = interval(Duration::from_millis(20));
    let found = timeout(DEADLINE, async {
        loop {
            ticks.tick().await;
            if let Some(found) = ask().await {
                return found;
            }
        }
    });
    let found = found.await;
    found.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// The line in a file, once it is whole.
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
