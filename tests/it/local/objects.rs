//! S3, as its SDK sees it.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketVersioningStatus, CompletedMultipartUpload, CompletedPart, Delete, ObjectIdentifier,
    VersioningConfiguration,
};
use trueup::limits::{INLINE_OBJECT_BYTES_MAX, PART_BYTES_MIN};

use super::start;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_come_back_as_they_were_put() {
    let local = start(None).await;
    let s3 = &local.s3;
    s3.head_bucket().bucket("ml-data").send().await.unwrap();

    let put = s3.put_object().bucket("ml-data").key("a/ü 1+2.txt");
    let put = put.body(ByteStream::from_static(b"hello world"));
    let put = put
        .content_type("text/plain")
        .metadata("digest", "abc")
        .send()
        .await
        .unwrap();
    assert_eq!(put.e_tag(), Some("\"5eb63bbbe01eeed093cb22bb8f5acdc3\""));
    let head = s3.head_object().bucket("ml-data").key("a/ü 1+2.txt");
    let head = head.checksum_mode(aws_sdk_s3::types::ChecksumMode::Enabled);
    let head = head.send().await.unwrap();
    assert_eq!(head.metadata().unwrap()["digest"], "abc");
    assert_eq!(head.content_type(), Some("text/plain"));
    assert_eq!(head.content_length(), Some(11));
    assert_eq!(
        head.checksum_sha256(),
        Some("uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=")
    );
    let part = s3
        .get_object()
        .bucket("ml-data")
        .key("a/ü 1+2.txt")
        .range("bytes=6-");
    let part = part.send().await.unwrap();
    assert_eq!(part.content_range(), Some("bytes 6-10/11"));
    assert_eq!(part.body.collect().await.unwrap().to_vec(), b"world");

    // Compare-and-swap: an object that exists is not created again.
    let again = s3
        .put_object()
        .bucket("ml-data")
        .key("a/ü 1+2.txt")
        .if_none_match("*");
    let refused = again.send().await.unwrap_err().into_service_error();
    assert_eq!(refused.meta().code(), Some("PreconditionFailed"));
    let swap = s3.put_object().bucket("ml-data").key("a/ü 1+2.txt");
    let swap = swap.if_match("\"5eb63bbbe01eeed093cb22bb8f5acdc3\"");
    swap.body(ByteStream::from_static(b"new"))
        .send()
        .await
        .unwrap();

    let copy = s3
        .copy_object()
        .bucket("ml-data")
        .key("b")
        .copy_source("ml-data/a/%C3%BC%201%2B2.txt");
    copy.send().await.unwrap();
    assert_eq!(local.get("b").await, b"new");
    local.put("a/2", ByteStream::from_static(b"")).await;
    let list = s3
        .list_objects_v2()
        .bucket("ml-data")
        .delimiter("/")
        .max_keys(1);
    let first = list.clone().send().await.unwrap();
    assert_eq!(first.common_prefixes()[0].prefix(), Some("a/"));
    let token = first.next_continuation_token().unwrap();
    let second = list.continuation_token(token).send().await.unwrap();
    assert_eq!(second.contents()[0].key(), Some("b"));
    assert_eq!(second.is_truncated(), Some(false));

    let all = ["a/2", "b"].map(|key| ObjectIdentifier::builder().key(key).build().unwrap());
    let delete = Delete::builder()
        .set_objects(Some(all.to_vec()))
        .build()
        .unwrap();
    s3.delete_objects()
        .bucket("ml-data")
        .delete(delete)
        .send()
        .await
        .unwrap();
    let left = s3.list_objects().bucket("ml-data").send().await.unwrap();
    assert_eq!(left.contents().len(), 1);
    let missing = s3
        .get_object()
        .bucket("ml-data")
        .key("b")
        .send()
        .await
        .unwrap_err();
    assert!(missing.into_service_error().is_no_such_key());
    let missing = s3
        .get_object()
        .bucket("none")
        .key("b")
        .send()
        .await
        .unwrap_err();
    assert_eq!(
        missing.into_service_error().meta().code(),
        Some("NoSuchBucket")
    );
    local.handle.shutdown().await;
}

/// Uploads an object in parts: its tag, or the code of the refusal at the end.
async fn uploaded<'a>(
    s3: &aws_sdk_s3::Client,
    key: &str,
    pieces: impl Iterator<Item = &'a [u8]>,
) -> Result<String, String> {
    let upload = s3.create_multipart_upload().bucket("ml-data").key(key);
    let upload = upload.metadata("k", "v").send().await.unwrap();
    let id = upload.upload_id().unwrap();
    let mut parts = Vec::new();
    for (number, piece) in (1..).zip(pieces) {
        let part = s3.upload_part().bucket("ml-data").key(key);
        let part = part.upload_id(id).part_number(number);
        let part = part.body(piece.to_vec().into()).send().await.unwrap();
        let part = CompletedPart::builder()
            .e_tag(part.e_tag().unwrap())
            .part_number(number);
        parts.push(part.build());
    }
    let parts = CompletedMultipartUpload::builder().set_parts(Some(parts));
    let done = s3.complete_multipart_upload().bucket("ml-data").key(key);
    let done = done.upload_id(id).multipart_upload(parts.build());
    match done.send().await {
        Ok(done) => Ok(done.e_tag().unwrap().to_owned()),
        Err(error) => {
            let error = error.into_service_error();
            Err(error.meta().code().unwrap_or_default().to_owned())
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_objects_come_in_parts_and_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let local = start(Some(dir.path())).await;
    let s3 = &local.s3;
    let least = usize::try_from(PART_BYTES_MIN).unwrap();
    let whole: Vec<u8> = (0..6_000_000_u32).map(|at| (at % 251) as u8).collect();
    let tag = uploaded(s3, "big", whole.chunks(least)).await.unwrap();
    assert!(tag.ends_with("-2\""));
    assert!(local.get("big").await == whole);
    let small = uploaded(s3, "small", whole.chunks(least - 1)).await;
    assert_eq!(small.unwrap_err(), "EntityTooSmall");

    let other = s3
        .create_multipart_upload()
        .bucket("ml-data")
        .key("x")
        .send()
        .await
        .unwrap();
    let id = other.upload_id().unwrap();
    let abort = s3
        .abort_multipart_upload()
        .bucket("ml-data")
        .key("x")
        .upload_id(id);
    abort.send().await.unwrap();
    let late = s3
        .upload_part()
        .bucket("ml-data")
        .key("x")
        .upload_id(id)
        .part_number(1);
    let late = late.send().await.unwrap_err().into_service_error();
    assert_eq!(late.meta().code(), Some("NoSuchUpload"));

    local.handle.shutdown().await;
    let local = start(Some(dir.path())).await;
    assert!(local.get("big").await == whole);
    let head = local
        .s3
        .head_object()
        .bucket("ml-data")
        .key("big")
        .send()
        .await
        .unwrap();
    assert_eq!(head.metadata().unwrap()["k"], "v");
    local.handle.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn versions_survive_a_restart_and_their_bytes_go_with_them() {
    let dir = tempfile::tempdir().unwrap();
    let files = || {
        std::fs::read_dir(dir.path().join("objects"))
            .unwrap()
            .count()
    };
    let local = start(Some(dir.path())).await;
    let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled);
    let versioning = local.s3.put_bucket_versioning().bucket("ml-data");
    let versioning = versioning.versioning_configuration(enabled.build());
    versioning.send().await.unwrap();
    let before = files();
    let mut versions = Vec::new();
    for byte in [1, 2] {
        let bytes = vec![byte; INLINE_OBJECT_BYTES_MAX + 1];
        let put = local.s3.put_object().bucket("ml-data").key("k");
        let put = put.body(bytes.into()).send().await.unwrap();
        versions.push(put.version_id().unwrap().to_owned());
    }
    local
        .s3
        .delete_object()
        .bucket("ml-data")
        .key("k")
        .send()
        .await
        .unwrap();
    local.handle.shutdown().await;

    let local = start(Some(dir.path())).await;
    for (byte, version) in [1, 2].into_iter().zip(&versions) {
        let get = local.s3.get_object().bucket("ml-data").key("k");
        let got = get.version_id(version).send().await.unwrap();
        let bytes = got.body.collect().await.unwrap().to_vec();
        assert!(bytes == vec![byte; INLINE_OBJECT_BYTES_MAX + 1]);
    }
    let delete = local.s3.delete_object().bucket("ml-data").key("k");
    delete.version_id(&versions[0]).send().await.unwrap();
    local.handle.shutdown().await;

    let local = start(Some(dir.path())).await;
    assert_eq!(
        files(),
        before + 1,
        "nothing names the first version's bytes any more"
    );
    local.handle.shutdown().await;
}
