//! What a job's process sees as `/opt/ml`, where it has mounts of its own and where it has none.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::process::Command;

use axum::http::Request;
use serde_json::{Value, json};
use trueup::limits::OPT_BYTES_MAX;
use trueup::local::{LocalError, LocalOptions, OptMl, serve};

use super::processing::shell_job;
use super::{Local, options, send};

async fn started(opt_ml: OptMl) -> Local {
    Local::start(LocalOptions {
        opt_ml,
        ..options()
    })
    .await
}

/// Whether this machine lets anybody have mounts of their own, asked of it directly.
fn possible() -> bool {
    let ways = [
        &["--mount", "true"][..],
        &[
            "--user",
            "--map-current-user",
            "--keep-caps",
            "--mount",
            "true",
        ],
    ];
    #[expect(
        clippy::disallowed_methods,
        reason = "the machine is asked, not the program"
    )]
    let mut tried = ways
        .iter()
        .map(|way| Command::new("unshare").args(*way).output());
    tried.any(|tried| tried.is_ok_and(|tried| tried.status.success()))
}

async fn ran(local: &Local, name: &str, shell: &str) -> Value {
    let request = shell_job(name, shell);
    local.call("CreateProcessingJob", request).await.unwrap();
    let ended = |found: &Value| {
        let status = found["ProcessingJobStatus"].as_str();
        matches!(status, Some("Completed" | "Failed"))
    };
    let name = json!({"ProcessingJobName": name});
    local.wait("DescribeProcessingJob", name, ended).await
}

/// The entries of this machine's `/opt`.
fn opt() -> BTreeSet<String> {
    let entries = fs::read_dir("/opt").into_iter().flatten();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

/// Says in the job's exit message what the path is that `named` is turned into.
fn say(named: &str) -> String {
    format!("printf %s \"{named}\" > /opt/ml/output/message")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_found_out_is_said_and_holds() {
    let local = started(OptMl::Auto).await;
    let mounted = possible();
    assert_eq!(
        local.handle.opt_ml,
        if mounted { "mounted" } else { "rewritten" }
    );
    let health = Request::get(format!("{}/_trueup/health", local.url));
    let (_, _, health) = send(health, Vec::new()).await;
    let health: Value = serde_json::from_slice(&health).unwrap();
    assert_eq!(
        health["containers"]["opt_ml"], local.handle.opt_ml,
        "{health}"
    );

    let told = ran(&local, "told", &say("/opt/ml")).await;
    let told = told["ExitMessage"].as_str().unwrap();
    assert_eq!(told == "/opt/ml", mounted, "{told}");
    local.handle.shutdown().await;

    let forced = LocalOptions {
        opt_ml: OptMl::Mount,
        ..options()
    };
    match serve(forced).await {
        Ok(handle) => {
            assert!(mounted);
            handle.shutdown().await;
        }
        Err(error) => {
            assert!(!mounted);
            assert!(matches!(error, LocalError::Mount(_)), "{error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_with_mounts_of_its_own_is_told_nothing_and_changes_nothing_outside() {
    let before = opt();
    let local = started(OptMl::Auto).await;
    if local.handle.opt_ml == "rewritten" {
        assert!(!possible());
        return;
    }
    // No text names the path, so nothing could be rewritten.
    let hidden = "d=/opt; d=$d/ml; ls /opt > $d/output/message";
    let seen = ran(&local, "sees", hidden).await;
    let seen: BTreeSet<String> = seen["ExitMessage"]
        .as_str()
        .unwrap_or_else(|| panic!("{seen}"))
        .lines()
        .map(str::to_owned)
        .collect();
    let mut expected = before.clone();
    expected.insert("ml".to_owned());
    assert_eq!(seen, expected);

    let jobs = local.handle.state_dir.join("jobs/us-east-1/processing");
    let message = fs::metadata(jobs.join("sees/opt/ml/output/message")).unwrap();
    let state = fs::metadata(&local.handle.state_dir).unwrap();
    assert_eq!((message.uid(), message.gid()), (state.uid(), state.gid()));

    // What is written beside it goes with the process, and there is an end to it.
    let fill = format!("head -c {} /dev/zero > /opt/large", OPT_BYTES_MAX + 1);
    let filled = ran(&local, "fills", &fill).await;
    assert_eq!(filled["ProcessingJobStatus"], "Failed", "{filled}");
    let fill = format!("head -c {} /dev/zero > /opt/large", OPT_BYTES_MAX / 2);
    let filled = ran(&local, "fills-half", &fill).await;
    assert_eq!(filled["ProcessingJobStatus"], "Completed", "{filled}");
    assert_eq!(opt(), before);

    // Its entry point may lie in it.
    let code = "#!/bin/sh\nprintf %s \"$0 $PWD\" > /opt/ml/output/message\n";
    local.put("code/run.sh", code.as_bytes().to_vec()).await;
    let mut request = shell_job("entry", "");
    request["AppSpecification"]["ContainerEntrypoint"] =
        json!(["/bin/sh", "/opt/ml/processing/input/code/run.sh"]);
    request["ProcessingInputs"] = json!([{"InputName": "code", "S3Input": {
        "S3Uri": "s3://ml-data/code/run.sh", "LocalPath": "/opt/ml/processing/input/code",
        "S3DataType": "S3Prefix", "S3InputMode": "File",
    }}]);
    local.call("CreateProcessingJob", request).await.unwrap();
    let name = json!({"ProcessingJobName": "entry"});
    let ended = |found: &Value| found["ProcessingJobStatus"] != "InProgress";
    let found = local.wait("DescribeProcessingJob", name, ended).await;
    assert_eq!(
        found["ExitMessage"], "/opt/ml/processing/input/code/run.sh /opt/ml",
        "{found}"
    );
    local.handle.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nothing_is_mounted_the_path_is_rewritten() {
    let local = started(OptMl::Rewrite).await;
    assert_eq!(local.handle.opt_ml, "rewritten");
    let told = ran(&local, "told", &say("/opt/ml/x")).await;
    let root = local
        .handle
        .state_dir
        .join("jobs/us-east-1/processing/told/opt/ml/x");
    assert_eq!(told["ExitMessage"], root.to_str().unwrap(), "{told}");
    local.handle.shutdown().await;
}
