//! S3 over the world's index of objects: protocol by the `s3s` crate, path style only.
//!
//! Any credentials are accepted: the signature is taken off before `s3s` sees the request (see
//! [`anonymous`]).

mod body;
mod object;
mod upload;

use std::pin::Pin;
use std::sync::Arc;

use axum::http::{HeaderMap, Uri, header};
use data_encoding::HEXLOWER;
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, Bucket, BucketLocationConstraint,
    CommonPrefix, CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CopyObjectInput,
    CopyObjectOutput, CreateBucketInput, CreateBucketOutput, CreateMultipartUploadInput,
    CreateMultipartUploadOutput, DeleteBucketInput, DeleteBucketOutput, DeleteObjectInput,
    DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, ETag,
    GetBucketLocationInput, GetBucketLocationOutput, GetBucketVersioningInput,
    GetBucketVersioningOutput, GetObjectInput, GetObjectOutput, HeadBucketInput, HeadBucketOutput,
    HeadObjectInput, HeadObjectOutput, ListBucketsInput, ListBucketsOutput, ListObjectsInput,
    ListObjectsOutput, ListObjectsV2Input, ListObjectsV2Output, PutObjectInput, PutObjectOutput,
    UploadPartCopyInput, UploadPartCopyOutput, UploadPartInput, UploadPartOutput,
};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};

use self::upload::Uploads;
use super::calls::CallRecord;
use super::engine::Engine;
use super::scope::DEFAULT_REGION;
use crate::clock::Timestamp;
use crate::resource::call::Scope;
use crate::world::objects::{Listing, Object, ObjectError, Objects};

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
    delete_objects: DeleteObjectsInput => DeleteObjectsOutput;
    get_bucket_location: GetBucketLocationInput => GetBucketLocationOutput;
    get_bucket_versioning: GetBucketVersioningInput => GetBucketVersioningOutput;
    get_object: GetObjectInput => GetObjectOutput;
    head_bucket: HeadBucketInput => HeadBucketOutput;
    head_object: HeadObjectInput => HeadObjectOutput;
    list_buckets: ListBucketsInput => ListBucketsOutput;
    list_objects: ListObjectsInput => ListObjectsOutput;
    list_objects_v2: ListObjectsV2Input => ListObjectsV2Output;
    put_object: PutObjectInput => PutObjectOutput;
    upload_part: UploadPartInput => UploadPartOutput;
    upload_part_copy: UploadPartCopyInput => UploadPartCopyOutput;
}

#[expect(clippy::unused_async, reason = "all operations have the trait's shape")]
impl Backend {
    async fn create_bucket(
        &self,
        request: S3Request<CreateBucketInput>,
    ) -> S3Result<CreateBucketOutput> {
        let name = request.input.bucket;
        let region = request.extensions.get::<SignedRegion>();
        let owner = Scope {
            account: self.engine.account().to_owned(),
            region: region.map_or_else(|| DEFAULT_REGION.to_owned(), |signed| signed.0.clone()),
        };
        let now = self.engine.now();
        let location = Some(format!("/{name}"));
        match self
            .engine
            .with_objects_mut(|objects| objects.create_bucket(&owner, &name, now))
        {
            // Creating one's own bucket again is no error in us-east-1.
            Err(ObjectError::BucketAlreadyOwnedByYou) if owner.region == DEFAULT_REGION => {}
            other => other.map_err(refused)?,
        }
        Ok(CreateBucketOutput { location })
    }

    async fn delete_bucket(
        &self,
        request: S3Request<DeleteBucketInput>,
    ) -> S3Result<DeleteBucketOutput> {
        let name = request.input.bucket;
        self.engine
            .with_objects_mut(|objects| objects.delete_bucket(&name))
            .map_err(refused)?;
        Ok(DeleteBucketOutput::default())
    }

    async fn head_bucket(&self, request: S3Request<HeadBucketInput>) -> S3Result<HeadBucketOutput> {
        let owner = self
            .engine
            .with_objects(|objects| bucket(objects, &request.input.bucket))?;
        Ok(HeadBucketOutput {
            bucket_region: Some(owner.region),
            ..HeadBucketOutput::default()
        })
    }

    async fn get_bucket_location(
        &self,
        request: S3Request<GetBucketLocationInput>,
    ) -> S3Result<GetBucketLocationOutput> {
        let owner = self
            .engine
            .with_objects(|objects| bucket(objects, &request.input.bucket))?;
        let location_constraint =
            (owner.region != DEFAULT_REGION).then(|| BucketLocationConstraint::from(owner.region));
        Ok(GetBucketLocationOutput {
            location_constraint,
        })
    }

    async fn get_bucket_versioning(
        &self,
        request: S3Request<GetBucketVersioningInput>,
    ) -> S3Result<GetBucketVersioningOutput> {
        self.engine
            .with_objects(|objects| bucket(objects, &request.input.bucket))?;
        Ok(GetBucketVersioningOutput::default())
    }

    async fn list_buckets(
        &self,
        _request: S3Request<ListBucketsInput>,
    ) -> S3Result<ListBucketsOutput> {
        let buckets = self.engine.with_objects(|objects| {
            objects
                .buckets()
                .map(|(name, bucket)| Bucket {
                    name: Some(name.to_owned()),
                    creation_date: Some(timestamp(bucket.created)),
                    ..Bucket::default()
                })
                .collect()
        });
        Ok(ListBucketsOutput {
            buckets: Some(buckets),
            ..ListBucketsOutput::default()
        })
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<ListObjectsV2Output> {
        let input = request.input;
        let after = match (&input.continuation_token, &input.start_after) {
            (Some(token), _) => HEXLOWER
                .decode(token.as_bytes())
                .ok()
                .and_then(|bytes| String::from_utf8(bytes).ok())
                .ok_or_else(|| s3_error!(InvalidArgument, "The continuation token is incorrect"))?,
            (None, Some(after)) => after.clone(),
            (None, None) => String::new(),
        };
        let page = self.page(
            &input.bucket,
            input.prefix.as_deref(),
            input.delimiter.as_deref(),
            &after,
            input.max_keys,
        )?;
        let count = page.objects.len() + page.common_prefixes.len();
        Ok(ListObjectsV2Output {
            is_truncated: Some(page.next.is_some()),
            next_continuation_token: page.next.map(|next| HEXLOWER.encode(next.as_bytes())),
            key_count: Some(i32::try_from(count).unwrap_or(i32::MAX)),
            contents: Some(contents(&page.objects)),
            common_prefixes: prefixes(page.common_prefixes),
            name: Some(input.bucket),
            prefix: input.prefix,
            delimiter: input.delimiter,
            max_keys: input.max_keys.or(Some(MAX_KEYS)),
            continuation_token: input.continuation_token,
            start_after: input.start_after,
            ..ListObjectsV2Output::default()
        })
    }

    async fn list_objects(
        &self,
        request: S3Request<ListObjectsInput>,
    ) -> S3Result<ListObjectsOutput> {
        let input = request.input;
        let page = self.page(
            &input.bucket,
            input.prefix.as_deref(),
            input.delimiter.as_deref(),
            input.marker.as_deref().unwrap_or_default(),
            input.max_keys,
        )?;
        Ok(ListObjectsOutput {
            is_truncated: Some(page.next.is_some()),
            next_marker: page.next,
            contents: Some(contents(&page.objects)),
            common_prefixes: prefixes(page.common_prefixes),
            name: Some(input.bucket),
            prefix: input.prefix,
            delimiter: input.delimiter,
            max_keys: input.max_keys.or(Some(MAX_KEYS)),
            marker: input.marker,
            ..ListObjectsOutput::default()
        })
    }

    fn page(
        &self,
        bucket: &str,
        prefix: Option<&str>,
        delimiter: Option<&str>,
        after: &str,
        limit: Option<i32>,
    ) -> S3Result<Listing> {
        let limit = usize::try_from(limit.unwrap_or(MAX_KEYS).clamp(0, MAX_KEYS)).unwrap_or(0);
        let after = Some(after).filter(|after| !after.is_empty());
        self.engine
            .with_objects(|objects| {
                objects.list(bucket, prefix.unwrap_or_default(), delimiter, after, limit)
            })
            .map_err(refused)
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<DeleteObjectOutput> {
        let input = request.input;
        self.engine.with_objects_mut(|objects| {
            objects.delete(&input.bucket, &input.key).map_err(refused)?;
            Ok(DeleteObjectOutput::default())
        })
    }

    async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<DeleteObjectsOutput> {
        let input = request.input;
        let quiet = input.delete.quiet.unwrap_or(false);
        self.engine.with_objects_mut(|objects| {
            let mut deleted = Vec::new();
            for each in input.delete.objects {
                objects.delete(&input.bucket, &each.key).map_err(refused)?;
                deleted.push(DeletedObject {
                    key: Some(each.key),
                    ..DeletedObject::default()
                });
            }
            Ok(DeleteObjectsOutput {
                deleted: (!quiet).then_some(deleted),
                ..DeleteObjectsOutput::default()
            })
        })
    }
}

/// Names on one page (S3's own figure).
const MAX_KEYS: i32 = 1000;

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

fn contents(found: &[(String, Arc<Object>)]) -> Vec<s3s::dto::Object> {
    found
        .iter()
        .map(|(key, object)| listed(key, object))
        .collect()
}

fn prefixes(found: Vec<String>) -> Option<Vec<CommonPrefix>> {
    let each = |prefix| CommonPrefix {
        prefix: Some(prefix),
    };
    (!found.is_empty()).then(|| found.into_iter().map(each).collect())
}

fn listed(key: &str, object: &Object) -> s3s::dto::Object {
    s3s::dto::Object {
        key: Some(key.to_owned()),
        size: i64::try_from(object.size).ok(),
        e_tag: Some(etag(object)),
        last_modified: Some(timestamp(object.modified)),
        ..s3s::dto::Object::default()
    }
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
