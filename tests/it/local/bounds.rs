//! Bounds of what runs behind the local SageMaker, each crossed.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use axum::http::Request;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use trueup::limits::{ENVIRONMENTS_MAX, POST_ATTEMPTS_MAX, POST_DEADLINE};

use super::archive::tar_gz;
use super::{Client, DEADLINE, IMAGE, send, start};

/// The names of the environments that are made.
fn environments(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let made = entries.filter(|entry| entry.path().join("made").exists());
    made.map(|entry| entry.file_name().into_string().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_environments_those_go_that_were_used_longest_ago() {
    let dir = tempfile::tempdir().unwrap();
    let local = start(Some(dir.path())).await;
    let folder = local.handle.state_dir.join("environments");
    for number in 0..ENVIRONMENTS_MAX {
        let made = folder.join(format!("old-{number:02}"));
        fs::create_dir_all(&made).unwrap();
        let file = File::create(made.join("made")).unwrap();
        let at = Duration::from_secs(1_000_000_000 + u64::try_from(number).unwrap());
        file.set_modified(SystemTime::UNIX_EPOCH + at).unwrap();
    }
    let files = [("train.py", "print('trained')"), ("requirements.txt", "\n")];
    local.put("code.tar.gz", tar_gz(&files)).await;
    let job = json!({
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "HyperParameters": {
            "sagemaker_program": "\"train.py\"",
            "sagemaker_submit_directory": "\"s3://ml-data/code.tar.gz\"",
        },
    });
    let found = local.train("job", job).await;
    assert_eq!(found["TrainingJobStatus"], "Completed", "{found}");
    let left = environments(&folder);
    assert_eq!(left.len(), ENVIRONMENTS_MAX, "{left:?}");
    assert!(!left.contains("old-00"), "{left:?}");
    assert!(left.contains("old-01"), "{left:?}");
    local.handle.shutdown().await;
}

/// Takes requests and tells of each; the first `deaf` are not answered, all others are refused.
async fn endpoint(deaf: usize) -> (String, mpsc::UnboundedReceiver<Instant>, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (tell, told) = mpsc::unbounded_channel();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut open = Vec::new();
        for nth in 0_usize.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            tell.send(Instant::now()).unwrap();
            if nth < deaf {
                open.push(stream);
            } else {
                refuse(&mut stream).await;
            }
        }
    });
    (url, told, tasks)
}

async fn refuse(stream: &mut TcpStream) {
    let mut heard = vec![0; 16 * 1024];
    let read = stream.read(&mut heard).await.unwrap();
    assert!(read > 0);
    let answer = b"HTTP/1.1 503 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    stream.write_all(answer).await.unwrap();
}

/// Subscribes an endpoint to a new topic: it is asked at once whether it wants to be told.
async fn subscribe(local: &Client, url: &str) {
    let ask = async |form: &str| {
        let request = Request::post(&local.url)
            .header("content-type", "application/x-www-form-urlencoded")
            .header(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/sns/aws4_request, \
                 SignedHeaders=host, Signature=0",
            );
        let form = format!("Version=2010-03-31&{form}");
        let (status, _, body) = send(request, form.into_bytes()).await;
        let body = String::from_utf8(body).unwrap();
        assert_eq!(status, 200, "{body}");
        body
    };
    let made = ask("Action=CreateTopic&Name=t").await;
    let (_, rest) = made.split_once("<TopicArn>").unwrap();
    let (arn, _) = rest.split_once("</TopicArn>").unwrap();
    let form = format!("Action=Subscribe&TopicArn={arn}&Protocol=http&Endpoint={url}");
    ask(&form).await;
}

async fn next(told: &mut mpsc::UnboundedReceiver<Instant>) -> Instant {
    let asked = timeout(DEADLINE, told.recv()).await;
    asked.expect("it is asked").expect("it listens")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_refuses_is_told_so_often_and_no_more() {
    let local = start(None).await;
    let (url, mut told, _tasks) = endpoint(0).await;
    subscribe(&local, &url).await;
    for _ in 0..POST_ATTEMPTS_MAX {
        next(&mut told).await;
    }
    // Twice as long as the next pause would be.
    let again = timeout(Duration::from_secs(4), told.recv()).await;
    assert!(again.is_err(), "it is asked once more");
    local.handle.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_does_not_answer_is_asked_again() {
    let local = start(None).await;
    let (url, mut told, _tasks) = endpoint(1).await;
    subscribe(&local, &url).await;
    let first = next(&mut told).await;
    let second = next(&mut told).await;
    assert!(second - first >= POST_DEADLINE, "{:?}", second - first);
    local.handle.shutdown().await;
}
