//! `trueup local --state DIR` across a `kill -9`: what it started goes with it, what it was told
//! comes back.
#![expect(
    clippy::disallowed_methods,
    reason = "the binary is what is tested, with the caller's interpreter"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::archive::{tar_gz, untar};
use super::endpoints::{SERVE, deploy, invoke_until, settled};
use super::logs::said;
use super::server::Server;
use super::{Client, read, until};
use crate::support::processes::{about, descendants, process};

/// Says that it runs, has a child of its own, and goes on once it is let.
const PATIENT: &str = r#"
import os, subprocess, sys, time
print("patience", flush=True)
subprocess.Popen(["sleep", "600"])
with open(os.path.join(os.environ["SM_OUTPUT_DATA_DIR"], "pid"), "w") as f:
    f.write("%d\n" % os.getpid())
while not os.path.exists(sys.argv[-1]):
    time.sleep(0.05)
with open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w") as f:
    f.write("trained")
"#;

/// The running binary, with its state in a folder.
fn serve(state: &Path, opt_ml: &str) -> Server {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trueup"));
    command
        .args(["local", "--port", "0", "--opt-ml", opt_ml, "--state"])
        .arg(state)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap());
    Server::start(command)
}

/// Everything that there is, as the service lists it; what the restart may change is left out.
async fn resources(client: &Client) -> Vec<Value> {
    let mut all = Vec::new();
    for (op, member) in [
        ("ListModels", "Models"),
        ("ListEndpointConfigs", "EndpointConfigs"),
        ("ListEndpoints", "Endpoints"),
        ("ListTrainingJobs", "TrainingJobSummaries"),
    ] {
        let mut found = client.call(op, json!({})).await.unwrap();
        for item in found[member].as_array_mut().unwrap() {
            let item = item.as_object_mut().unwrap();
            item.retain(|member, _| member != "LastModifiedTime" && !member.ends_with("Status"));
            all.push(json!(item));
        }
    }
    for key in [
        "churn/model.tar.gz",
        "churn/code.tar.gz",
        "code/sourcedir.tar.gz",
    ] {
        all.push(json!(client.get(key).await));
    }
    all
}

async fn train(client: &Client, flag: &Path) {
    let code = tar_gz(&[("train.py", PATIENT)]);
    client.put("code/sourcedir.tar.gz", code).await;
    let parameters = json!({
        "sagemaker_program": "\"train.py\"",
        "sagemaker_submit_directory": "\"s3://ml-data/code/sourcedir.tar.gz\"",
        "flag": json!(flag).to_string(),
    });
    let extra = json!({"HyperParameters": parameters});
    client.begin_training("long", extra).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_leaves_no_process_and_loses_nothing() {
    check("auto").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nor_does_one_whose_processes_have_no_mounts_of_their_own() {
    check("rewrite").await;
}

async fn check(opt_ml: &str) {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().canonicalize().unwrap();
    let (state, flag) = (dir.join("state"), dir.join("flag"));
    let server = serve(&state, opt_ml);
    let client = &server.client;
    client.make_bucket().await;
    deploy(client, "churn", SERVE).await;
    let endpoint = settled(client, "churn").await;
    assert_eq!(endpoint["EndpointStatus"], "InService", "{endpoint}");
    let answer = invoke_until(client, "churn", 200).await;
    train(client, &flag).await;
    let output = state.join("jobs/us-east-1/training/long/opt/ml/output/data/pid");
    let first = until("the job to run", || read(&output)).await;
    // What was accepted is on disk a moment later.
    until("the snapshot to name the job, and what it said", || {
        let snapshot = fs::read_to_string(state.join("world.json")).ok()?;
        let said = snapshot.contains("patience");
        (snapshot.contains("\"long\"") && said).then_some(())
    })
    .await;
    let before = resources(client).await;

    let started = descendants(server.child.id());
    assert!(
        started.len() >= 5,
        "two supervisors, a host, a job and its child: {started:?}"
    );
    assert!(
        !about(&dir).is_empty(),
        "they are looked for in the right place"
    );
    drop(server);
    until("every process to be gone", || {
        let left = started.iter().any(|one| {
            process(one.pid)
                .as_ref()
                .is_some_and(|now| now.started == one.started)
        });
        (!left && about(&dir).is_empty()).then_some(())
    })
    .await;

    let mut server = serve(&state, opt_ml);
    let client = &server.client;
    assert_eq!(resources(client).await, before);
    let heard = said(client, "/aws/sagemaker/TrainingJobs", "long/").await;
    assert_eq!(heard[0], "patience", "{heard:?}");
    let again = until("the job to run again", || {
        read(&output).filter(|pid| *pid != first)
    })
    .await;
    let job = json!({"TrainingJobName": "long"});
    let job = client.call("DescribeTrainingJob", job).await.unwrap();
    assert_eq!(job["TrainingJobStatus"], "InProgress", "{again}: {job}");
    fs::write(&flag, "").unwrap();
    let job = client.trained("long").await;
    assert_eq!(job["TrainingJobStatus"], "Completed", "{job}");
    let model = untar(&client.get("models/long/output/model.tar.gz").await);
    assert_eq!(model["model.txt"], "trained");
    assert_eq!(invoke_until(client, "churn", 200).await, answer);
    let endpoint = settled(client, "churn").await;
    assert_eq!(endpoint["EndpointStatus"], "InService", "{endpoint}");

    // Asked to end, it does, and leaves as little.
    kill_process(Pid::from_child(&server.child), Signal::TERM).unwrap();
    let status = until("the server to end", || server.child.try_wait().unwrap()).await;
    assert!(status.success(), "{status}");
    assert_eq!(about(&dir), []);
}

/// Changes that are answered one after the other; after each of the last the server is killed at once.
const ANSWERED: usize = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_is_there_after_a_kill_at_the_next_moment() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let group = |number: usize| json!({"ModelPackageGroupName": format!("group-{number}")});
    for number in 0..ANSWERED {
        let server = serve(&state, "rewrite");
        if number == 0 {
            server.client.make_bucket().await;
        }
        let made = server.client.call("CreateModelPackageGroup", group(number));
        made.await.unwrap();
        let key = format!("key-{number}");
        server
            .client
            .put(&key, number.to_string().into_bytes())
            .await;
        // `kill -9`.
        drop(server);
        let server = serve(&state, "rewrite");
        for number in 0..=number {
            let found = server
                .client
                .call("DescribeModelPackageGroup", group(number));
            assert!(found.await.is_ok(), "group {number} is lost");
            let body = server.client.get(&format!("key-{number}")).await;
            assert_eq!(body, number.to_string().into_bytes());
        }
    }
}
