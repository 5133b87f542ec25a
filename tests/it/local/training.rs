//! Training jobs: the container's contract, and how a job says why it failed.

use serde_json::{Value, json};
use trueup::local::LocalOptions;

use super::archive::{tar_gz, untar};
use super::{IMAGE, Local, options, start};

/// A program that trains, or fails in the way that its hyperparameter `mode` says.
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
    assert_eq!(output["log.txt"], local.url);

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

    let local = Local::start(LocalOptions {
        path: "/nowhere".to_owned(),
        ..options()
    })
    .await;
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
