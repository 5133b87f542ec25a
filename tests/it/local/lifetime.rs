//! What becomes of processes when the server ends.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::json;

use super::processing::shell_job;
use super::{gone, read, start, until};

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
    let pid = until("the child to run", || read(&pid_file)).await;
    assert!(gone(&pid).is_none());
    drop(orders);
    until("it to be gone", || gone(&pid)).await;
    assert!(supervisor.wait().unwrap().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_ran_when_the_server_ended_runs_again() {
    let dir = tempfile::tempdir().unwrap();
    let local = start(Some(dir.path())).await;
    let shell = "echo $$ > /opt/ml/output/pid; exec sleep 600";
    let request = shell_job("long", shell);
    local.call("CreateProcessingJob", request).await.unwrap();
    let pid_file = local
        .handle
        .state_dir
        .join("jobs/us-east-1/processing/long/opt/ml/output/pid");
    let first = until("the child to run", || read(&pid_file)).await;
    local.handle.shutdown().await;
    assert!(gone(&first).is_some(), "a job outlived its server");

    let local = start(Some(dir.path())).await;
    let second = until("the job to run again", || {
        read(&pid_file).filter(|pid| *pid != first)
    })
    .await;
    let name = json!({"ProcessingJobName": "long"});
    let found = local
        .call("DescribeProcessingJob", name.clone())
        .await
        .unwrap();
    assert_eq!(found["ProcessingJobStatus"], "InProgress");
    // Dropped, not shut down: what it started goes all the same.
    drop(local);
    until("it to be gone", || gone(&second)).await;
}
