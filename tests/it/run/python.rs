//! A machine without `python3`.

use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::{Value, json};

use super::daemon::Daemon;

/// A folder with what jobs need besides `python3`, and with `git`.
fn programs(folder: &Path) -> std::ffi::OsString {
    let bin = folder.join("bin");
    std::fs::create_dir(&bin).unwrap();
    for program in ["git", "gzip", "sh", "tar"] {
        let found = ["/usr/bin", "/bin", "/usr/local/bin"]
            .map(|folder| Path::new(folder).join(program))
            .into_iter()
            .find(|path| path.exists());
        symlink(found.unwrap(), bin.join(program)).unwrap();
    }
    bin.into_os_string()
}

/// What the local SageMaker says of a program that it cannot find.
const REASON: &str = "`python3` is not on PATH";

/// The first run that has failed.
async fn failed(daemon: &Daemon) -> Option<Value> {
    let pipeline = json!({"PipelineName": "mortgage"});
    let list = daemon.http.sagemaker("ListPipelineExecutions", &pipeline);
    let list = list.await.ok()?;
    let mut runs = list["PipelineExecutionSummaries"].as_array()?.iter();
    let failed = runs.find(|run| run["PipelineExecutionStatus"] == "Failed")?;
    Some(json!({"PipelineExecutionArn": failed["PipelineExecutionArn"]}))
}

#[tokio::test]
async fn a_run_without_python_fails_and_says_why() {
    let mut daemon = Daemon::start_where(programs);
    let run = daemon.wait("the run to fail", failed).await;
    daemon.stays_quiet("the failed run").await;
    let ask = async |op, body| daemon.http.sagemaker(op, body).await.unwrap();
    let described = ask("DescribePipelineExecution", &run).await;
    assert_eq!(described["PipelineExecutionStatus"], "Failed");
    assert_eq!(
        described["FailureReason"],
        "Step failure: One or multiple steps failed."
    );
    let steps = ask("ListPipelineExecutionSteps", &run).await;
    let steps = steps["PipelineExecutionSteps"].as_array().unwrap();
    assert_eq!(steps.len(), 1, "nothing comes after what failed: {steps:?}");
    assert_eq!(steps[0]["StepName"], "preprocess");
    assert_eq!(steps[0]["StepStatus"], "Failed");
    let reason = steps[0]["FailureReason"].as_str().unwrap();
    assert!(reason.contains(REASON), "{reason}");

    let (code, said) = daemon.trueup(&["status"]).await;
    assert_eq!(code, Some(1), "{said}");
    let told = said.lines().find(|line| line.contains(REASON));
    let told = told.unwrap_or_else(|| panic!("the reason is not in\n{said}"));
    assert!(told.contains("degraded"), "{said}");
    let group = json!({"ModelPackageGroupName": "mortgage"});
    let packages = ask("ListModelPackages", &group).await;
    assert_eq!(packages["ModelPackageSummaryList"], json!([]));
}
