//! The daemon as a program, on an origin that `git http-backend` serves: a push is all that it
//! takes.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{interval, timeout};
use trueup::aws::{Aws, Options};
use trueup::demo::example::{ACCOUNT, CONFIG, FILES, IMPROVEMENT, REGION};
use trueup::resource::call::{Call, Scope};
use trueup::resource::canonical::sha256;

use super::support::git_server::GitServer;
use super::support::repository::TempRepository;

const STAGING: &str = "mortgage-staging";
const DATA: &str = "models/mortgage/data/hdma.csv";
const PIN: &str = "models/mortgage/data/train.pin.yaml";
/// Until a push has converged.
const DEADLINE: Duration = Duration::from_secs(50);

/// The running daemon with its local SageMaker.
struct Daemon {
    child: Child,
    aws: Aws,
    repository: TempRepository,
    _server: GitServer,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.child.kill().expect("the daemon runs");
        self.child.wait().expect("it was started here");
    }
}

impl Daemon {
    async fn start() -> Self {
        let repository = TempRepository::bare();
        let files: Vec<_> = FILES
            .iter()
            .map(|file| {
                (
                    file.path,
                    Some(std::str::from_utf8(file.bytes).expect("text")),
                )
            })
            .collect();
        repository.commit("main", &files);
        let server = GitServer::closed(repository.root(), "robot", "secret");
        let mut child = spawn(&server.url("robot:secret@"), &repository);
        let mut line = String::new();
        let out = child.stdout.take().expect("a pipe");
        BufReader::new(out).read_line(&mut line).expect("a line");
        let ready: Value = serde_json::from_str(&line).expect("JSON");
        let url = ready["url"].as_str().expect("a URL").to_owned();
        let aws = Aws::connect(Options::local(url)).await;
        Self {
            child,
            aws,
            repository,
            _server: server,
        }
    }

    async fn call(&self, op: &'static str, body: Value) -> Option<Value> {
        let scope = Scope {
            account: ACCOUNT.to_owned(),
            region: REGION.to_owned(),
        };
        self.aws.call(&Call::new(op, &scope, body)).await.ok()
    }

    /// Waits until staging is in service with a config of which `wanted` holds.
    async fn staging(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let look = async {
            let mut ticks = interval(Duration::from_millis(100));
            loop {
                ticks.tick().await;
                let Some(body) = self
                    .call("DescribeEndpoint", json!({"EndpointName": STAGING}))
                    .await
                else {
                    continue;
                };
                let config = body["EndpointConfigName"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                if body["EndpointStatus"] == "InService" && wanted(&config) {
                    return config;
                }
            }
        };
        timeout(DEADLINE, look)
            .await
            .unwrap_or_else(|_| panic!("waited in vain for {what}"))
    }

    async fn count(&self, op: &'static str, items: &str, body: Value) -> usize {
        let body = self.call(op, body).await.expect("a list");
        body[items].as_array().map_or(0, Vec::len)
    }

    /// Runs, models and endpoint configs: what must not grow when nothing new is asked for.
    async fn made(&self) -> [usize; 3] {
        let executions = json!({"PipelineName": "mortgage"});
        [
            self.count(
                "ListPipelineExecutions",
                "PipelineExecutionSummaries",
                executions,
            )
            .await,
            self.count("ListModels", "Models", json!({"MaxResults": 100}))
                .await,
            self.count(
                "ListEndpointConfigs",
                "EndpointConfigs",
                json!({"MaxResults": 100}),
            )
            .await,
        ]
    }

    /// The AUC that a version's evaluation reports.
    async fn auc(&self, version: u32) -> f64 {
        let arn = format!("arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package/mortgage/{version}");
        let package = self
            .call("DescribeModelPackage", json!({"ModelPackageName": arn}))
            .await
            .expect("it");
        let uri = package["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"]
            .as_str()
            .expect("a report");
        let (bucket, key) = uri
            .trim_start_matches("s3://")
            .split_once('/')
            .expect("an S3 URI");
        let object = self
            .call("GetObject", json!({"Bucket": bucket, "Key": key}))
            .await
            .expect("it");
        let report: Value =
            serde_json::from_str(object["Body"].as_str().expect("text")).expect("JSON");
        report["binary_classification_metrics"]["auc"]["value"]
            .as_f64()
            .expect("a number")
    }
}

#[expect(clippy::disallowed_methods, reason = "the binary is what is tested")]
fn spawn(url: &str, repository: &TempRepository) -> Child {
    let path = std::env::var_os("PATH").expect("a PATH with python3 in it");
    Command::new(env!("CARGO_BIN_EXE_trueup"))
        .args([
            "run", "--source", url, "--local", "--port", "0", "--poll", "1s",
        ])
        .env_clear()
        .env("PATH", path)
        .env("HOME", repository.root().join("home"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary is built")
}

fn text(path: &str) -> &'static str {
    let file = FILES
        .iter()
        .find(|file| file.path == path)
        .expect("a file of the example");
    std::str::from_utf8(file.bytes).expect("text")
}

#[tokio::test]
async fn a_push_converges_and_the_revert_of_a_training_commit_rolls_back() {
    let daemon = Daemon::start().await;
    let first = daemon.staging("the first model", |_| true).await;
    let (file, from, to) = IMPROVEMENT;
    let improved = text(file).replace(from, to);
    daemon.repository.commit("main", &[(file, Some(&improved))]);
    let second = daemon
        .staging("the better model", |config| config != first)
        .await;
    assert!(daemon.auc(2).await > daemon.auc(1).await);
    let made = daemon.made().await;

    daemon
        .repository
        .commit("main", &[(file, Some(text(file)))]);
    daemon.staging("the revert", |config| config == first).await;
    daemon.repository.commit("main", &[(file, Some(&improved))]);
    daemon
        .staging("the revert of the revert", |config| config == second)
        .await;
    assert_eq!(
        daemon.made().await,
        made,
        "no run, no model and no config is made for a revert"
    );
}

#[tokio::test]
async fn other_data_trains_another_model_and_a_broken_config_stops_nothing() {
    let daemon = Daemon::start().await;
    let first = daemon.staging("the first model", |_| true).await;
    let broken = text(CONFIG).replace("framework:", "framwork:");
    daemon.repository.commit("main", &[(CONFIG, Some(&broken))]);
    let rows: Vec<_> = text(DATA).lines().take(2_200).collect();
    let data = format!("{}\n", rows.join("\n"));
    let pin = format!(
        "apiVersion: \"trueup/data.v1\"\nname: \"train\"\nsource:\n  file: \"data/hdma.csv\"\nversion:\n  content: \"sha256:{}\"\n  strength: \"sha256\"\n  objects: 1\n  bytes: {}\n",
        sha256(data.as_bytes()),
        data.len()
    );
    daemon
        .repository
        .commit("main", &[(DATA, Some(&data)), (PIN, Some(&pin))]);
    assert_eq!(daemon.staging("staging, unmoved", |_| true).await, first);
    daemon
        .repository
        .commit("main", &[(CONFIG, Some(text(CONFIG)))]);
    daemon
        .staging("the model of other data", |config| config != first)
        .await;
    let difference = (daemon.auc(1).await - daemon.auc(2).await).abs();
    assert!(difference > 1e-6, "other data, the same AUC");
}
