//! Processing jobs, and the log of calls.

use serde_json::{Value, json};

use super::archive::tar_gz;
use super::{IMAGE, ROLE, gone, read, start, until};

/// A job that runs a line of shell.
pub(super) fn shell_job(name: &str, shell: &str) -> Value {
    json!({
        "ProcessingJobName": name, "RoleArn": ROLE,
        "AppSpecification": {
            "ImageUri": IMAGE, "ContainerEntrypoint": ["/bin/sh", "-ec", shell, "sh"],
        },
        "ProcessingResources": {"ClusterConfig": {
            "InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5,
        }},
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_processing_job_runs_its_entry_point_and_can_be_stopped() {
    let local = start(None).await;
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
    let create = async |name: &str, shell: &str| {
        let mut request = shell_job(name, shell);
        request["AppSpecification"]["ContainerArguments"] = json!(["/opt/ml/processing/out"]);
        request["Environment"] = json!({"DATA": "/opt/ml/processing/data"});
        request["ProcessingInputs"] = json!([
            input(
                "code",
                "s3://ml-data/code/sourcedir.tar.gz",
                "/opt/ml/processing/input/code"
            ),
            input("data", "s3://ml-data/data", "/opt/ml/processing/data"),
        ]);
        request["ProcessingOutputConfig"] = json!({"Outputs": [{
            "OutputName": "out", "S3Output": {
                "S3Uri": "s3://ml-data/out", "LocalPath": "/opt/ml/processing/out",
                "S3UploadMode": "EndOfJob",
            },
        }]});
        local.call("CreateProcessingJob", request).await.unwrap();
    };
    let shell = "cd /opt/ml/processing/input/code && tar -xzf sourcedir.tar.gz && \
                 exec python3 run.py \"$@\"";
    create("good", shell).await;
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
    create("long", shell).await;
    let folder = local
        .handle
        .state_dir
        .join("jobs/us-east-1/processing/long");
    let pid = until("the job to run", || {
        read(&folder.join("opt/ml/processing/out/pid"))
    })
    .await;
    local.call("StopProcessingJob", name.clone()).await.unwrap();
    let found = local.wait("DescribeProcessingJob", name, ended).await;
    assert_eq!(found["ProcessingJobStatus"], "Stopped", "{found}");
    until("the job to be gone", || gone(&pid)).await;

    // The log of calls names every request, in order.
    let calls = local.handle.calls(0);
    assert!(calls.iter().zip(1..).all(|(call, seq)| call.seq == seq));
    let of = |op| calls.iter().find(|call| call.op == op).unwrap();
    assert!(of("StopProcessingJob").mutates);
    assert!(!of("DescribeProcessingJob").mutates);
    assert_eq!(of("put_object").service, "s3");
    local.handle.shutdown().await;
}
