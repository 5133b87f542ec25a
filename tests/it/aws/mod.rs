//! The cloud over the SDK, against a service on loopback that answers from a script.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

mod identity;
mod objects;
mod rates;
mod server;
mod signature;

use std::time::Duration;

use serde_json::{Value, json};
use server::{Reply, Seen, Server};
use trueup::aws::operations::OPERATIONS;
use trueup::aws::{Aws, Keys, Options};
use trueup::resource::call::{Answer, Call, OpError, Scope, Sent};
use trueup::resource::error::Class;

const KEY_ID: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fn options(url: &str) -> Options {
    Options {
        endpoint_url: Some(url.to_owned()),
        keys: Some(Keys {
            id: KEY_ID.to_owned(),
            secret: SECRET.into(),
        }),
        verified: false,
        rated: false,
        ..Options::default()
    }
}

fn scope(region: &str) -> Scope {
    Scope {
        account: "111122223333".to_owned(),
        region: region.to_owned(),
    }
}

fn call(op: &'static str, body: Value) -> Call {
    Call::new(op, &scope("eu-west-1"), body)
}

/// One call against a script: the answer and what the service saw.
async fn exchange(call: Call, replies: impl IntoIterator<Item = Reply>) -> (Answer, Vec<Seen>) {
    let server = Server::start(replies).await;
    let aws = Aws::connect(options(&server.url)).await;
    let answer = aws.call(&call).await;
    (answer, server.seen())
}

/// One call that fails: the error and how often the service was asked.
async fn failure(call: Call, replies: impl IntoIterator<Item = Reply>) -> (OpError, usize) {
    let (answer, seen) = exchange(call, replies).await;
    (answer.unwrap_err(), seen.len())
}

#[track_caller]
fn check(error: &OpError, code: &str, class: Class, sent: Sent) {
    let found = (error.code.as_str(), error.class, error.sent);
    assert_eq!(found, (code, class, sent), "{error}");
}

#[tokio::test]
async fn our_body_goes_out_signed_and_the_answer_comes_back_whole() {
    let body = json!({
        "EndpointName": "churn-é-🦀",
        "NotYetInTheSdk": {"Nested": [1, 2.5, null]},
    });
    let answer = json!({"EndpointArn": "arn:x", "Unheard": {"Of": [true]}, "CreationTime": 1.7e9});
    let replies = [Reply::json(200, answer.clone())];
    let (got, seen) = exchange(call("CreateEndpoint", body.clone()), replies).await;
    assert_eq!(got.unwrap(), answer);
    let [request] = &seen[..] else {
        panic!("{seen:?}")
    };
    assert_eq!(request.body, body.to_string().into_bytes());
    assert_eq!(
        request.header("content-length"),
        body.to_string().len().to_string()
    );
    assert_eq!(request.header("content-type"), "application/x-amz-json-1.1");
    assert_eq!(request.header("x-amz-target"), "SageMaker.CreateEndpoint");
    assert!(
        request.header("user-agent").contains("app/trueup")
            || request.header("x-amz-user-agent").contains("app/trueup")
    );
    let signed = signature::verify(request, SECRET);
    assert_eq!(
        (
            signed.key_id.as_str(),
            signed.region.as_str(),
            signed.service.as_str()
        ),
        (KEY_ID, "eu-west-1", "sagemaker")
    );
}

#[tokio::test]
async fn every_operation_can_be_sent_and_none_is_filled_in() {
    let server = Server::start(OPERATIONS.iter().map(|_| Reply::text(200, ""))).await;
    let aws = Aws::connect(options(&server.url)).await;
    for op in OPERATIONS {
        // No required member, no idempotency token: what is missing stays missing.
        assert_eq!(
            aws.call(&call(op, json!({"Only": op}))).await,
            Ok(json!({})),
            "{op}"
        );
    }
    for (op, request) in OPERATIONS.iter().zip(server.seen()) {
        assert_eq!(request.header("x-amz-target"), format!("SageMaker.{op}"));
        assert_eq!(request.body, json!({"Only": op}).to_string().into_bytes());
        signature::verify(&request, SECRET);
    }
}

#[tokio::test]
async fn each_region_has_its_own_signature() {
    let server = Server::start((0..3).map(|_| Reply::text(200, "{}"))).await;
    let aws = Aws::connect(options(&server.url)).await;
    let regions = ["eu-west-1", "us-east-1", "eu-west-1"];
    for region in regions {
        let call = Call::new("ListModels", &scope(region), json!({}));
        aws.call(&call).await.unwrap();
    }
    for (region, request) in regions.iter().zip(server.seen()) {
        assert_eq!(signature::verify(&request, SECRET).region, *region);
    }
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let refusal =
        |code: &str, message: &str| Reply::json(400, json!({"__type": code, "message": message}));
    let (error, asked) = failure(
        call("DescribeEndpoint", json!({})),
        [refusal(
            "ValidationException",
            "Could not find endpoint \"arn:x\".",
        )],
    )
    .await;
    check(&error, "ValidationException", Class::NotFound, Sent::No);
    assert_eq!((error.op.as_str(), asked), ("DescribeEndpoint", 1));
    assert_eq!(error.message, "Could not find endpoint \"arn:x\".");

    let modeled = json!({"__type": "ResourceLimitExceeded", "Message": "too many"});
    let (error, _) = failure(
        call("CreateEndpoint", json!({})),
        [Reply::json(400, modeled)],
    )
    .await;
    check(&error, "ResourceLimitExceeded", Class::Quota, Sent::No);
    assert_eq!(error.message, "too many");

    let by_header =
        Reply::text(400, "{}").header("x-amzn-errortype", "AccessDeniedException:http://x/");
    let (error, _) = failure(call("DescribeModel", json!({})), [by_header]).await;
    check(&error, "AccessDeniedException", Class::Denied, Sent::No);
}

#[tokio::test]
async fn what_only_reads_is_tried_again() {
    let down = Reply::json(500, json!({"__type": "InternalFailure"}));
    let slow = Reply::json(
        400,
        json!({"__type": "ThrottlingException", "message": "Rate exceeded"}),
    );
    let fine = Reply::json(200, json!({"Models": []}));
    let list = || call("ListModels", json!({}));
    for first in [down.clone(), slow.clone(), Reply::Drop] {
        let (answer, seen) = exchange(list(), [first, fine.clone()]).await;
        assert_eq!((answer.unwrap(), seen.len()), (json!({"Models": []}), 2));
        let bodies: Vec<_> = seen.iter().map(|request| &request.body).collect();
        assert_eq!(bodies, [b"{}", b"{}"]);
    }
    let (error, asked) = failure(list(), [slow.clone(), slow.clone(), slow]).await;
    check(&error, "ThrottlingException", Class::Throttled, Sent::No);
    assert_eq!(asked, 3);
}

#[tokio::test]
async fn what_changes_something_goes_out_once() {
    let create = || call("CreateEndpoint", json!({}));
    let fine = Reply::json(200, json!({"EndpointArn": "arn:x"}));
    let down = Reply::json(500, json!({"__type": "InternalFailure", "message": "?"}));
    let (error, asked) = failure(create(), [down, fine.clone()]).await;
    check(&error, "InternalFailure", Class::Transient, Sent::Maybe);
    assert_eq!(asked, 1);

    let gateway = Reply::text(504, "<html>upstream</html>");
    let (error, asked) = failure(create(), [gateway, fine.clone()]).await;
    check(&error, "Http504", Class::Transient, Sent::Maybe);
    assert_eq!(asked, 1);

    let slow = Reply::json(
        400,
        json!({"__type": "ThrottlingException", "message": "Rate exceeded"}),
    );
    let (error, asked) = failure(create(), [slow, fine.clone()]).await;
    check(&error, "ThrottlingException", Class::Throttled, Sent::No);
    assert_eq!(asked, 1);

    for lost in [Reply::Drop, Reply::Cut] {
        let (error, asked) = failure(create(), [lost, fine.clone()]).await;
        check(&error, "NoAnswer", Class::Transient, Sent::Maybe);
        assert_eq!(asked, 1);
    }
}

#[tokio::test]
async fn a_connection_that_went_stale_does_not_double_a_call() {
    let fine = Reply::json(200, json!({}));
    let server = Server::start([fine.clone(), Reply::Drop, fine]).await;
    let aws = Aws::connect(options(&server.url)).await;
    aws.call(&call("CreateModel", json!({"ModelName": "a"})))
        .await
        .unwrap();
    // Sent on the connection that is open already.
    let error = aws
        .call(&call("CreateModel", json!({"ModelName": "b"})))
        .await
        .unwrap_err();
    check(&error, "NoAnswer", Class::Transient, Sent::Maybe);
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_hung_service_is_given_up_at_the_deadline() {
    let server = Server::start([Reply::Hang, Reply::Hang, Reply::Hang]).await;
    let deadline = Duration::from_millis(600);
    let aws = Aws::connect(Options {
        deadline,
        ..options(&server.url)
    })
    .await;
    let error = aws.call(&call("DeleteModel", json!({}))).await.unwrap_err();
    check(&error, "NoAnswer", Class::Transient, Sent::Maybe);
    assert_eq!(error.message, "no answer within 600ms");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_connection_that_does_not_come_about_is_no_call() {
    // A listener that accepts nothing and whose queue is full: further connections hang.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    let patience = Duration::from_millis(200);
    while let Ok(stream) =
        tokio::time::timeout(patience, tokio::net::TcpStream::connect(address)).await
    {
        waiting.push(stream.unwrap());
        assert!(waiting.len() < 16, "the queue does not fill");
    }
    let deadline = Duration::from_millis(900);
    let url = format!("http://{address}");
    let aws = Aws::connect(Options {
        deadline,
        ..options(&url)
    })
    .await;
    let error = aws
        .call(&call("CreateEndpoint", json!({})))
        .await
        .unwrap_err();
    check(&error, "CannotConnect", Class::Transient, Sent::No);
}

#[tokio::test]
async fn an_answer_has_a_limit() {
    let long = "x".repeat(trueup::limits::ANSWER_BYTES_MAX);
    let replies = [Reply::json(200, json!({"EndpointArn": long}))];
    let (error, asked) = failure(call("CreateEndpoint", json!({})), replies).await;
    check(&error, "NoAnswer", Class::Transient, Sent::Maybe);
    assert_eq!(asked, 1);
}

#[tokio::test]
async fn what_never_left_says_so() {
    // A port that was free a moment ago and that nobody listens on.
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let aws = Aws::connect(options(&url)).await;
    let error = aws
        .call(&call("CreateEndpoint", json!({})))
        .await
        .unwrap_err();
    check(&error, "CannotConnect", Class::Transient, Sent::No);

    let (error, asked) = failure(call("CreateUnicorn", json!({})), []).await;
    check(&error, "UnknownOperation", Class::Invalid, Sent::No);
    assert_eq!(asked, 0);

    // A region that cannot be part of an address.
    let aws = Aws::connect(Options {
        endpoint_url: None,
        ..options("")
    })
    .await;
    let call = Call::new("ListModels", &scope("no such region"), json!({}));
    let error = aws.call(&call).await.unwrap_err();
    check(&error, "NotSent", Class::Invalid, Sent::No);
}

#[tokio::test]
async fn secrets_do_not_show() {
    let options = options("http://127.0.0.1:1");
    assert!(!format!("{options:?}").contains(SECRET));
    assert!(!format!("{:?}", Aws::connect(options).await).contains(SECRET));
}

/// The chain reads the environment, which a test cannot change for itself: it runs itself again.
#[test]
fn no_identity_means_stop() {
    const CHILD: &str = "TRUEUP_TEST_WITHOUT_IDENTITY";
    #[expect(
        clippy::disallowed_methods,
        reason = "the marker of the process started below"
    )]
    if std::env::var_os(CHILD).is_some() {
        return without_identity();
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "this very program, in another environment"
    )]
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    let output = child
        .args(["aws::no_identity_means_stop", "--exact", "--nocapture"])
        .env_clear()
        .env(CHILD, "1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}

fn without_identity() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let server = Server::start([]).await;
        let aws = Aws::connect(Options {
            keys: None,
            ..options(&server.url)
        })
        .await;
        for op in ["CreateEndpoint", "ListModels", "CreateBucket"] {
            let error = aws
                .call(&call(op, json!({"Bucket": "b"})))
                .await
                .unwrap_err();
            check(&error, "NoCredentials", Class::Denied, Sent::No);
        }
        assert_eq!(server.seen().len(), 0);
    });
}
