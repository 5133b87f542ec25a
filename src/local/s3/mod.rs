//! S3 over the world's index of objects: protocol by the `s3s` crate, path style only.
//!
//! Any credentials are accepted: the signature is taken off before `s3s` sees the request (see
//! [`anonymous`]).

mod body;
mod bucket;
mod checksum;
mod condition;
mod copy;
mod delete;
mod list;
mod multipart;
mod notify;
mod object;
mod tagging;
mod upload;

use std::pin::Pin;
use std::sync::Arc;

use axum::http::{HeaderMap, Uri, header};
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CopyObjectInput, CopyObjectOutput, CreateBucketInput,
    CreateBucketOutput, CreateMultipartUploadInput, CreateMultipartUploadOutput, DeleteBucketInput,
    DeleteBucketOutput, DeleteObjectInput, DeleteObjectOutput, DeleteObjectTaggingInput,
    DeleteObjectTaggingOutput, DeleteObjectsInput, DeleteObjectsOutput, ETag,
    GetBucketLocationInput, GetBucketLocationOutput, GetBucketNotificationConfigurationInput,
    GetBucketNotificationConfigurationOutput, GetBucketVersioningInput, GetBucketVersioningOutput,
    GetObjectInput, GetObjectOutput, GetObjectTaggingInput, GetObjectTaggingOutput,
    HeadBucketInput, HeadBucketOutput, HeadObjectInput, HeadObjectOutput, ListBucketsInput,
    ListBucketsOutput, ListMultipartUploadsInput, ListMultipartUploadsOutput,
    ListObjectVersionsInput, ListObjectVersionsOutput, ListObjectsInput, ListObjectsOutput,
    ListObjectsV2Input, ListObjectsV2Output, ListPartsInput, ListPartsOutput,
    PutBucketNotificationConfigurationInput, PutBucketNotificationConfigurationOutput,
    PutBucketVersioningInput, PutBucketVersioningOutput, PutObjectInput, PutObjectOutput,
    PutObjectTaggingInput, PutObjectTaggingOutput, UploadPartCopyInput, UploadPartCopyOutput,
    UploadPartInput, UploadPartOutput,
};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result};

use self::upload::Uploads;
use super::calls::CallRecord;
use super::engine::Engine;
use crate::clock::Timestamp;
use crate::resource::call::Scope;
use crate::world::objects::{Object, ObjectError, Objects};

/// The S3 service of an engine.
pub(super) fn service(engine: Arc<Engine>) -> S3Service {
    S3ServiceBuilder::new(Backend {
        engine,
        uploads: Uploads::default(),
    })
    .build()
}

/// Takes everything that authenticates off a request: its header, and what a presigned URL adds.
pub(super) fn anonymous(headers: &mut HeaderMap, uri: &mut Uri) {
    headers.remove(header::AUTHORIZATION);
    let Some((path, query)) = uri
        .path_and_query()
        .and_then(|whole| Some((whole.path(), whole.query()?)))
    else {
        return;
    };
    let signed = |pair: &str| {
        let name = pair.split('=').next().unwrap_or_default();
        [
            "X-Amz-Algorithm",
            "X-Amz-Credential",
            "X-Amz-Date",
            "X-Amz-Expires",
        ]
        .iter()
        .chain(&[
            "X-Amz-SignedHeaders",
            "X-Amz-Signature",
            "X-Amz-Security-Token",
        ])
        .chain(&[
            "AWSAccessKeyId",
            "Signature",
            "Expires",
            "X-Amz-Content-Sha256",
        ])
        .any(|known| name.eq_ignore_ascii_case(known))
    };
    let kept: Vec<&str> = query.split('&').filter(|pair| !signed(pair)).collect();
    let whole = if kept.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", kept.join("&"))
    };
    if let Ok(whole) = whole.parse() {
        *uri = whole;
    }
}

struct Backend {
    engine: Arc<Engine>,
    uploads: Uploads,
}

/// The trait's methods, by the inherent methods of the same names below.
macro_rules! operations {
    ($($name:ident: $input:ty => $output:ty;)*) => {
        /// What is answered, as functions are called.
        pub(super) const OPERATIONS: &[&str] = &[$(stringify!($name)),*];

        impl S3 for Backend {
            $(fn $name<'s, 'f>(
                &'s self,
                request: S3Request<$input>,
            ) -> Pin<Box<dyn Future<Output = S3Result<S3Response<$output>>> + Send + 'f>>
            where
                's: 'f,
                Self: 'f,
            {
                Box::pin(async move {
                    let (method, path) = (request.method.clone(), request.uri.path().to_owned());
                    let answer = Self::$name(self, request).await;
                    self.engine.calls.push(CallRecord {
                        op: stringify!($name).to_owned(),
                        service: "s3".to_owned(),
                        at: self.engine.now(),
                        name: path,
                        error: answer.as_ref().err().map(|e| e.code().as_str().to_owned()),
                        mutates: !matches!(method.as_str(), "GET" | "HEAD"),
                        ..CallRecord::default()
                    });
                    Ok(S3Response::new(answer?))
                })
            })*
        }
    };
}

operations! {
    abort_multipart_upload: AbortMultipartUploadInput => AbortMultipartUploadOutput;
    complete_multipart_upload: CompleteMultipartUploadInput => CompleteMultipartUploadOutput;
    copy_object: CopyObjectInput => CopyObjectOutput;
    create_bucket: CreateBucketInput => CreateBucketOutput;
    create_multipart_upload: CreateMultipartUploadInput => CreateMultipartUploadOutput;
    delete_bucket: DeleteBucketInput => DeleteBucketOutput;
    delete_object: DeleteObjectInput => DeleteObjectOutput;
    delete_object_tagging: DeleteObjectTaggingInput => DeleteObjectTaggingOutput;
    delete_objects: DeleteObjectsInput => DeleteObjectsOutput;
    get_bucket_location: GetBucketLocationInput => GetBucketLocationOutput;
    get_bucket_notification_configuration:
        GetBucketNotificationConfigurationInput => GetBucketNotificationConfigurationOutput;
    get_bucket_versioning: GetBucketVersioningInput => GetBucketVersioningOutput;
    get_object: GetObjectInput => GetObjectOutput;
    get_object_tagging: GetObjectTaggingInput => GetObjectTaggingOutput;
    head_bucket: HeadBucketInput => HeadBucketOutput;
    head_object: HeadObjectInput => HeadObjectOutput;
    list_buckets: ListBucketsInput => ListBucketsOutput;
    list_multipart_uploads: ListMultipartUploadsInput => ListMultipartUploadsOutput;
    list_object_versions: ListObjectVersionsInput => ListObjectVersionsOutput;
    list_objects: ListObjectsInput => ListObjectsOutput;
    list_objects_v2: ListObjectsV2Input => ListObjectsV2Output;
    list_parts: ListPartsInput => ListPartsOutput;
    put_bucket_notification_configuration:
        PutBucketNotificationConfigurationInput => PutBucketNotificationConfigurationOutput;
    put_bucket_versioning: PutBucketVersioningInput => PutBucketVersioningOutput;
    put_object: PutObjectInput => PutObjectOutput;
    put_object_tagging: PutObjectTaggingInput => PutObjectTaggingOutput;
    upload_part: UploadPartInput => UploadPartOutput;
    upload_part_copy: UploadPartCopyInput => UploadPartCopyOutput;
}

/// The region that a request's signature names, as an extension of the request.
#[derive(Debug, Clone)]
pub(in crate::local) struct SignedRegion(pub(in crate::local) String);

fn bucket(objects: &Objects, name: &str) -> S3Result<Scope> {
    objects
        .owner(name)
        .ok_or_else(|| refused(ObjectError::NoSuchBucket))
}

fn refused(error: ObjectError) -> S3Error {
    let code = S3ErrorCode::from_bytes(error.code().as_bytes());
    S3Error::with_message(
        code.unwrap_or(S3ErrorCode::InternalError),
        error.to_string(),
    )
}

fn etag(object: &Object) -> ETag {
    ETag::Strong(object.etag.trim_matches('"').to_owned())
}

fn timestamp(at: Timestamp) -> s3s::dto::Timestamp {
    std::time::SystemTime::from(at).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_taken_off_and_nothing_else() {
        let check = |uri: &str, expected: &str| {
            let mut uri: Uri = uri.parse().unwrap();
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, "AWS4-HMAC-SHA256 …".parse().unwrap());
            headers.insert(header::HOST, "x".parse().unwrap());
            anonymous(&mut headers, &mut uri);
            assert_eq!(uri.to_string(), expected);
            assert!(!headers.contains_key(header::AUTHORIZATION));
            assert_eq!(headers.len(), 1);
        };
        check("/b/k", "/b/k");
        check("/b?list-type=2&prefix=a%2Fb", "/b?list-type=2&prefix=a%2Fb");
        check(
            "/b/k?X-Amz-Signature=1&x-id=GetObject&X-Amz-Date=2",
            "/b/k?x-id=GetObject",
        );
        check("/b/k?X-Amz-Signature=1", "/b/k");
    }
}
