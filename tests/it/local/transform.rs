//! Transform jobs: the container really answers for every object.

use std::collections::BTreeSet;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use trueup::clock::Timestamp;
use trueup::limits::TRANSFORM_FILES_AT_ONCE;

use super::endpoints::make_model;
use super::{Client, gone, read, start, until};

/// Answers the sum of each row. It cannot stand 13, has a bad start with 7, takes its time over 600,
/// and has no end of words on 101.
const SERVE: &str = r#"
import json, os, time
begun = os.path.join(os.environ["TMPDIR"], "begun")
def model_fn(model_dir):
    return json.load(open(os.path.join(model_dir, "model.json")))
def predict_fn(rows, model):
    if rows[0][0] == 13:
        raise RuntimeError("unlucky")
    if rows[0][0] == 7 and not os.path.exists(begun):
        open(begun, "w").close()
        raise RuntimeError("not yet")
    if rows[0][0] == 600:
        with open(os.path.join(os.environ["TMPDIR"], "pid"), "w") as f:
            f.write("%d\n" % os.getpid())
        time.sleep(600)
    if rows[0][0] == 101:
        return ["x" * (100 << 20)]
    if rows[0][0] == 99:
        return [os.environ[name] for name in sorted(os.environ) if name.startswith("SAGEMAKER_B")]
    return [model["base"] + sum(row) for row in rows]
"#;

/// A request for a job over what lies under `input`; `extra` replaces members.
fn job(name: &str, input: &str, extra: Value) -> Value {
    let mut request = json!({
        "TransformJobName": name, "ModelName": "sums",
        "TransformInput": {
            "ContentType": "text/csv", "SplitType": "Line",
            "DataSource": {"S3DataSource": {
                "S3DataType": "S3Prefix", "S3Uri": format!("s3://ml-data/{input}"),
            }},
        },
        "TransformOutput": {
            "S3OutputPath": format!("s3://ml-data/out/{name}/"), "Accept": "text/csv",
            "AssembleWith": "Line",
        },
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    });
    for (member, value) in extra.as_object().unwrap() {
        request[member] = value.clone();
    }
    request
}

async fn ended(local: &Client, name: &str) -> Value {
    let name = json!({"TransformJobName": name});
    local
        .wait("DescribeTransformJob", name, |found| {
            let status = found["TransformJobStatus"].as_str();
            matches!(status, Some("Completed" | "Failed" | "Stopped"))
        })
        .await
}

async fn outputs(local: &Client, name: &str) -> Vec<(String, String)> {
    let prefix = format!("out/{name}/");
    let list = local.s3.list_objects_v2().bucket("ml-data").prefix(&prefix);
    let list = list.send().await.unwrap();
    let mut found = Vec::new();
    for object in list.contents() {
        let key = object.key().unwrap();
        let text = String::from_utf8(local.get(key).await).unwrap();
        found.push((key[prefix.len()..].to_owned(), text));
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transform_job_really_transforms() {
    let local = start(None).await;
    make_model(&local, "sums", SERVE).await;
    local.put("in/a.csv", b"x,1,2\ny,3,4\n".to_vec()).await;
    local.put("in/deep/b.csv", b"z,5,6\n".to_vec()).await;
    local.put("bad/in/good.csv", b"1,1\n".to_vec()).await;
    local.put("bad/in/bad.csv", b"1,1\n13,0\n".to_vec()).await;
    local.put("late.csv", b"7\n".to_vec()).await;
    local.put("endless.csv", b"101\n".to_vec()).await;
    local.put("told.csv", b"99\n".to_vec()).await;
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(b"2\n3\n").unwrap();
    local.put("packed.csv.gz", packed.finish().unwrap()).await;
    let manifest = json!([{"prefix": "s3://ml-data/in/"}, "deep/b.csv"]);
    local
        .put("manifest", manifest.to_string().into_bytes())
        .await;

    let check = async |request: Value, expected: &[(&str, &str)]| {
        let name = request["TransformJobName"].as_str().unwrap().to_owned();
        local.call("CreateTransformJob", request).await.unwrap();
        let found = ended(&local, &name).await;
        let outputs = outputs(&local, &name).await;
        let outputs: Vec<(&str, &str)> = outputs
            .iter()
            .map(|(key, text)| (key.as_str(), text.as_str()))
            .collect();
        assert_eq!(outputs, expected, "{found}");
        found
    };
    let processing =
        json!({"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"});
    let found = check(
        job("joined", "in/", json!({"DataProcessing": processing})),
        &[
            ("a.csv.out", "x,103.0\ny,107.0\n"),
            ("deep/b.csv.out", "z,111.0\n"),
        ],
    )
    .await;
    assert_eq!(found["TransformJobStatus"], "Completed", "{found}");

    // What cannot be transformed has no output; the rest has.
    let alone = json!({"BatchStrategy": "SingleRecord", "MaxConcurrentTransforms": 2});
    let found = check(job("bad", "bad/in", alone), &[("good.csv.out", "102.0\n")]).await;
    assert_eq!(found["TransformJobStatus"], "Failed");
    let reason = found["FailureReason"].as_str().unwrap();
    assert!(
        reason.contains("1 of 2 input files were not transformed. bad.csv"),
        "{reason}"
    );
    assert!(reason.contains("500: RuntimeError: unlucky"), "{reason}");

    let tried = |retries| json!({"ModelClientConfig": {"InvocationsMaxRetries": retries}});
    let found = check(job("once", "late.csv", tried(0)), &[]).await;
    assert_eq!(found["TransformJobStatus"], "Failed");
    check(
        job("twice", "late.csv", tried(1)),
        &[("late.csv.out", "107.0\n")],
    )
    .await;

    let mut gzip = job("gzip", "packed.csv.gz", json!({}));
    gzip["TransformInput"]["CompressionType"] = json!("Gzip");
    check(gzip, &[("packed.csv.gz.out", "102.0\n103.0\n")]).await;
    let mut listed = job("listed", "manifest", json!({}));
    listed["TransformInput"]["DataSource"]["S3DataSource"]["S3DataType"] = json!("ManifestFile");
    listed["DataProcessing"] = json!({"InputFilter": "$[1:]"});
    check(listed, &[("deep/b.csv.out", "111.0\n")]).await;
    check(
        job("told", "told.csv", json!({"BatchStrategy": "MultiRecord"})),
        &[("told.csv.out", "true\nMULTI_RECORD\n")],
    )
    .await;

    let found = check(job("endless", "endless.csv", tried(0)), &[]).await;
    let reason = found["FailureReason"].as_str().unwrap();
    assert!(reason.contains("its answer was too long"), "{reason}");
    for at in 0..=TRANSFORM_FILES_AT_ONCE {
        let key = format!("many/{at}.csv");
        local.put(&key, format!("{at}\n").into_bytes()).await;
    }
    let many: Vec<_> = (0..=TRANSFORM_FILES_AT_ONCE)
        .map(|at| (format!("{at}.csv.out"), format!("{}.0\n", 100 + at)))
        .collect();
    let many: Vec<_> = many.iter().map(|(key, text)| (&**key, &**text)).collect();
    check(job("many", "many/", json!({})), &many).await;

    let mut other = job("other", "in/", json!({}));
    other["TransformInput"]["SplitType"] = json!("RecordIO");
    let found = check(other, &[]).await;
    assert_eq!(
        found["FailureReason"],
        "ClientError: SplitType RecordIO is not supported locally"
    );
    local.handle.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_transform_job_read_and_wrote_is_noted() {
    let local = start(None).await;
    make_model(&local, "sums", SERVE).await;
    local.put("in/a.csv", b"1,2\n3,4\n".to_vec()).await;
    local.put("in/deep/b.csv", b"5,6\n".to_vec()).await;
    local.put("in/bad.csv", b"13,0\n".to_vec()).await;
    let noted = json!({"DestinationS3Uri": "s3://ml-data/noted/", "GenerateInferenceId": true});
    let request = job("noted", "in/", json!({"DataCaptureConfig": noted}));
    local.call("CreateTransformJob", request).await.unwrap();
    let found = ended(&local, "noted").await;
    assert_eq!(found["TransformJobStatus"], "Failed", "one is bad: {found}");
    assert_eq!(found["DataCaptureConfig"], noted);
    let outputs = outputs(&local, "noted").await;
    let rows: Vec<_> = outputs.iter().flat_map(|(_, text)| text.lines()).collect();
    let mut ids = BTreeSet::new();
    for (row, sum) in rows.iter().zip(["103.0", "107.0", "111.0"]) {
        let columns: Vec<_> = row.split(',').collect();
        let [inference, id, time] = columns[..] else {
            panic!("{row}");
        };
        assert_eq!((inference, id.len()), (sum, 36), "{row}");
        assert!(time.parse::<Timestamp>().is_ok(), "{row}");
        ids.insert(id.to_owned());
    }
    assert_eq!((rows.len(), ids.len()), (3, 3), "{rows:?}");

    let list = local
        .s3
        .list_objects_v2()
        .bucket("ml-data")
        .prefix("noted/");
    let list = list.send().await.unwrap();
    let keys: Vec<_> = list
        .contents()
        .iter()
        .map(|one| one.key().unwrap())
        .collect();
    for (key, side, expected) in [
        (
            keys[0],
            "input",
            json!([{"prefix": "s3://ml-data/in/"}, "a.csv", "deep/b.csv"]),
        ),
        (
            keys[1],
            "output",
            json!([{"prefix": "s3://ml-data/out/noted/"}, "a.csv.out", "deep/b.csv.out"]),
        ),
    ] {
        let hour = key.strip_prefix(&format!("noted/{side}/")).unwrap();
        let parts: Vec<_> = hour.split('/').map(str::len).collect();
        assert_eq!(parts, [4, 2, 2, 2, 36 + ".json".len()], "{key}");
        let names: Value = serde_json::from_slice(&local.get(key).await).unwrap();
        assert_eq!(names, expected);
    }
    local.handle.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transform_job_that_takes_long_is_given_up_or_stopped() {
    let local = start(None).await;
    make_model(&local, "sums", SERVE).await;
    local.put("long.csv", b"600\n".to_vec()).await;
    let impatient = json!({"ModelClientConfig": {
        "InvocationsMaxRetries": 0, "InvocationsTimeoutInSeconds": 1,
    }});
    let create = async |name, extra| {
        let request = job(name, "long.csv", extra);
        local.call("CreateTransformJob", request).await.unwrap();
    };
    create("late", impatient).await;
    let found = ended(&local, "late").await;
    let reason = found["FailureReason"].as_str().unwrap();
    assert!(reason.contains("did not answer in 1 s"), "{reason}");

    create("long", json!({})).await;
    let folder = local.handle.state_dir.join("jobs/us-east-1/transform/long");
    let pid = until("the job to be asked", || read(&folder.join("tmp/pid"))).await;
    let name = json!({"TransformJobName": "long"});
    local.call("StopTransformJob", name).await.unwrap();
    let found = ended(&local, "long").await;
    assert_eq!(found["TransformJobStatus"], "Stopped", "{found}");
    until("the container to be gone", || gone(&pid)).await;
    local.handle.shutdown().await;
}
