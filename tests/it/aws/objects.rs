//! S3's operations.

use std::sync::Arc;

use serde_json::{Value, json};
use trueup::aws::Aws;
use trueup::limits;
use trueup::resource::call::{Call, Sent};
use trueup::resource::error::Class;

use super::server::{Reply, Seen, Server};
use super::signature;
use super::{SECRET, call, check, exchange, failure, options, scope};

const GUESSABLE: &str = "sagemaker-eu-west-1-111122223333";

fn put(body: Value, bytes: &[u8]) -> Call {
    Call {
        blob: Some(Arc::from(bytes)),
        ..call("PutObject", body)
    }
}

fn get(bucket: &str) -> Call {
    call("GetObject", json!({"Bucket": bucket, "Key": "a/b.json"}))
}

fn only(seen: &[Seen]) -> &Seen {
    let [request] = seen else { panic!("{seen:?}") };
    let signed = signature::verify(request, SECRET);
    assert_eq!(
        (signed.service.as_str(), signed.region.as_str()),
        ("s3", "eu-west-1")
    );
    request
}

#[tokio::test]
async fn bytes_are_put_with_their_digest() {
    let object = json!({
        "Bucket": GUESSABLE,
        "Key": "code/sourcedir.tar.gz",
        "ContentType": "application/gzip",
        "Metadata": {"trueup-digest": "abc"},
    });
    let reply = Reply::text(200, "")
        .header("etag", "\"e\"")
        .header("x-amz-version-id", "v7");
    let (answer, seen) = exchange(put(object, b"hello"), [reply]).await;
    assert_eq!(answer.unwrap(), json!({"ETag": "\"e\"", "VersionId": "v7"}));
    let request = only(&seen);
    assert_eq!(
        (request.method.as_str(), &request.body[..]),
        ("PUT", &b"hello"[..])
    );
    assert_eq!(request.path, format!("/{GUESSABLE}/code/sourcedir.tar.gz"));
    for (name, value) in [
        ("content-type", "application/gzip"),
        ("x-amz-meta-trueup-digest", "abc"),
        (
            "x-amz-checksum-sha256",
            "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=",
        ),
        ("x-amz-expected-bucket-owner", "111122223333"),
    ] {
        assert_eq!(request.header(name), value, "{name}");
    }
}

#[tokio::test]
async fn a_put_is_not_repeated() {
    let object = || json!({"Bucket": "b", "Key": "k"});
    let down = Reply::text(
        500,
        "<Error><Code>InternalError</Code><Message>?</Message></Error>",
    );
    let (error, asked) = failure(put(object(), b"x"), [down]).await;
    check(&error, "InternalError", Class::Transient, Sent::Maybe);
    assert_eq!(asked, 1);
    let (error, asked) = failure(put(object(), b"x"), [Reply::Drop]).await;
    check(&error, "NoAnswer", Class::Transient, Sent::Maybe);
    assert_eq!(asked, 1);
}

#[tokio::test]
async fn an_object_is_described() {
    let reply = Reply::text(200, "")
        .header("content-length", "42")
        .header("content-type", "text/csv")
        .header("etag", "\"e\"")
        .header("last-modified", "Wed, 12 Oct 2022 17:50:00 GMT")
        .header("x-amz-checksum-crc64nvme", "n")
        .header("x-amz-checksum-sha256", "s")
        .header("x-amz-meta-a", "1")
        .header("x-amz-version-id", "v7");
    let head = call(
        "HeadObject",
        json!({"Bucket": "b", "Key": "k", "VersionId": "v7"}),
    );
    let (answer, seen) = exchange(head, [reply]).await;
    let expected = json!({
        "ChecksumCRC64NVME": "n",
        "ChecksumSHA256": "s",
        "ContentLength": 42,
        "ContentType": "text/csv",
        "ETag": "\"e\"",
        "LastModified": 1_665_597_000.0,
        "Metadata": {"a": "1"},
        "VersionId": "v7",
    });
    assert_eq!(answer.unwrap(), expected);
    let request = only(&seen);
    assert_eq!(
        (request.method.as_str(), request.query.as_str()),
        ("HEAD", "versionId=v7")
    );
    assert_eq!(request.header("x-amz-checksum-mode"), "ENABLED");
    assert_eq!(request.header("x-amz-expected-bucket-owner"), "");
}

#[tokio::test]
async fn a_head_without_a_body_is_read_by_its_status() {
    let head = || call("HeadObject", json!({"Bucket": "b", "Key": "k"}));
    let (error, _) = failure(head(), [Reply::text(404, "")]).await;
    check(&error, "NotFound", Class::NotFound, Sent::No);
    let (error, _) = failure(head(), [Reply::text(403, "")]).await;
    check(&error, "AccessDenied", Class::Denied, Sent::No);
}

#[tokio::test]
async fn text_is_read_within_its_limit() {
    let (answer, seen) = exchange(get(GUESSABLE), [Reply::text(200, "{\"auc\": 0.8}é")]).await;
    let answer = answer.unwrap();
    assert_eq!(answer["Body"], "{\"auc\": 0.8}é");
    assert_eq!(answer["ContentLength"], 14);
    assert_eq!(
        only(&seen).header("x-amz-expected-bucket-owner"),
        "111122223333"
    );

    let most = "x".repeat(limits::TEXT_OBJECT_BYTES_MAX);
    let (answer, _) = exchange(get("b"), [Reply::text(200, &most)]).await;
    assert_eq!(answer.unwrap()["Body"], most);
    let (error, _) = failure(get("b"), [Reply::text(200, &format!("{most}x"))]).await;
    check(&error, "InvalidCall", Class::Invalid, Sent::No);
    assert_eq!(error.message, "the object is longer than 1048576 bytes");

    let bytes = Reply::Answer {
        status: 200,
        headers: Vec::new(),
        body: vec![0xff, 0xfe],
    };
    let (error, _) = failure(get("b"), [bytes]).await;
    assert_eq!(error.message, "the object is not text in UTF-8");
    let (error, _) = failure(get("b"), [Reply::Cut]).await;
    check(&error, "NoAnswer", Class::Transient, Sent::Maybe);
    let missing = "<Error><Code>NoSuchKey</Code><Message>no</Message></Error>";
    let (error, _) = failure(get("b"), [Reply::text(404, missing)]).await;
    check(&error, "NoSuchKey", Class::NotFound, Sent::No);
}

#[tokio::test]
async fn a_damaged_object_is_not_taken_for_text() {
    // The digest of other bytes.
    let wrong = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
    let reply = Reply::text(200, "jello").header("x-amz-checksum-sha256", wrong);
    let (error, _) = failure(get("b"), [reply]).await;
    check(&error, "NoAnswer", Class::Transient, Sent::Maybe);
}

#[tokio::test]
async fn a_bucket_is_made_where_the_call_says() {
    let (answer, seen) = exchange(
        call("CreateBucket", json!({"Bucket": "b"})),
        [Reply::text(200, "").header("location", "/b")],
    )
    .await;
    assert_eq!(answer.unwrap(), json!({"Location": "/b"}));
    let body = String::from_utf8(only(&seen).body.clone()).unwrap();
    assert!(
        body.contains("<LocationConstraint>eu-west-1</LocationConstraint>"),
        "{body}"
    );

    // S3 refuses this region by its name.
    let server = Server::start([Reply::text(200, "")]).await;
    let aws = Aws::connect(options(&server.url)).await;
    let call = Call::new("CreateBucket", &scope("us-east-1"), json!({"Bucket": "b"}));
    aws.call(&call).await.unwrap();
    assert_eq!(server.seen()[0].body, b"");
}

#[tokio::test]
async fn a_bucket_that_is_there_is_ours_or_somebody_elses() {
    let taken = |code: &str| Reply::text(409, &format!("<Error><Code>{code}</Code></Error>"));
    let create = || call("CreateBucket", json!({"Bucket": "b"}));
    let (error, _) = failure(create(), [taken("BucketAlreadyOwnedByYou")]).await;
    check(
        &error,
        "BucketAlreadyOwnedByYou",
        Class::AlreadyExists,
        Sent::No,
    );
    let (error, _) = failure(create(), [taken("BucketAlreadyExists")]).await;
    check(&error, "BucketAlreadyExists", Class::Invalid, Sent::No);
}

#[tokio::test]
async fn a_call_that_makes_no_sense_is_not_sent() {
    for (wrong, message) in [
        (
            call("PutObject", json!({"Bucket": "b", "Key": "k"})),
            "there are no bytes to put",
        ),
        (
            call("HeadObject", json!({"Bucket": "b"})),
            "missing field `Key`",
        ),
        (
            call("CreateBucket", json!({"Bucket": "b", "ACL": "public"})),
            "unknown field `ACL`, expected `Bucket`",
        ),
    ] {
        let (error, asked) = failure(wrong, []).await;
        check(&error, "InvalidCall", Class::Invalid, Sent::No);
        assert_eq!((error.message.as_str(), asked), (message, 0));
    }
}

#[tokio::test]
async fn what_is_put_under_a_condition_is_refused_where_somebody_else_wrote() {
    let body =
        |condition: &str, tag: &str| json!({"Bucket": GUESSABLE, "Key": "k", condition: tag});
    let refusal = |code: &str| {
        let text = format!("<Error><Code>{code}</Code><Message>words</Message></Error>");
        Reply::text(
            if code == "PreconditionFailed" {
                412
            } else {
                409
            },
            &text,
        )
    };
    for (member, header, tag, code) in [
        ("IfMatch", "if-match", "\"e\"", "PreconditionFailed"),
        (
            "IfNoneMatch",
            "if-none-match",
            "*",
            "ConditionalRequestConflict",
        ),
    ] {
        let (answer, seen) = exchange(put(body(member, tag), b"x"), [refusal(code)]).await;
        assert_eq!(only(&seen).header(header), tag);
        let error = answer.unwrap_err();
        assert_eq!(
            (error.class, error.sent),
            (Class::Overtaken, Sent::No),
            "{error}"
        );
    }
}

#[tokio::test]
async fn without_the_right_to_change_something_only_looks_are_sent() {
    let server = Server::start([Reply::text(200, "text")]).await;
    let aws = Aws::connect(options(&server.url))
        .await
        .where_allowed(|| false);
    let body = json!({"Bucket": GUESSABLE, "Key": "k"});
    let error = aws.call(&put(body, b"x")).await.unwrap_err();
    let found = (error.code.as_str(), error.class, error.sent);
    assert_eq!(found, ("NoLease", Class::Overtaken, Sent::No));
    aws.call(&get(GUESSABLE)).await.unwrap();
    assert_eq!(server.seen().len(), 1, "the other was not sent");
}
