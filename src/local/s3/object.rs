//! Operations on one object.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::HeaderMap;
use data_encoding::{BASE64, HEXLOWER};
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CopyObjectInput, CopyObjectOutput, CopyObjectResult,
    CopyPartResult, CopySource, CreateMultipartUploadInput, CreateMultipartUploadOutput, ETag,
    ETagCondition, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput, Metadata,
    MetadataDirective, PutObjectInput, PutObjectOutput, Range, StreamingBlob, UploadPartCopyInput,
    UploadPartCopyOutput, UploadPartInput, UploadPartOutput,
};
use s3s::{S3Request, S3Result, s3_error};

use super::body::{from_file, internal, receive};
use super::upload::{Upload, assemble};
use super::{Backend, bucket, etag, refused, timestamp};
use crate::local::bodies::Stored;
use crate::world::objects::{Object, Objects};

/// The content type of an object that came without one (S3's own).
const CONTENT_TYPE: &str = "binary/octet-stream";

#[expect(clippy::unused_async, reason = "all operations have the trait's shape")]
impl Backend {
    pub(super) async fn put_object(
        &self,
        request: S3Request<PutObjectInput>,
    ) -> S3Result<PutObjectOutput> {
        let input = request.input;
        self.engine
            .with_objects(|objects| bucket(objects, &input.bucket))?;
        let stored = receive(&self.engine.bodies, &request.headers, input.body).await?;
        let object = self.object(
            &stored,
            stored.md5.clone(),
            input.content_type,
            metadata(input.metadata),
        );
        let tag = etag(&object);
        self.engine.with_objects_mut(|objects| {
            let found = objects.head(&input.bucket, &input.key);
            may_write(found, input.if_match.as_ref(), input.if_none_match.as_ref())?;
            objects
                .put_stored(&input.bucket, &input.key, object)
                .map_err(refused)
        })?;
        Ok(PutObjectOutput {
            e_tag: Some(tag),
            checksum_sha256: stored.checksums.checksum_sha256.clone(),
            checksum_crc32: input.checksum_crc32,
            checksum_crc32c: input.checksum_crc32c,
            checksum_crc64nvme: input.checksum_crc64nvme,
            ..PutObjectOutput::default()
        })
    }

    pub(super) async fn get_object(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<GetObjectOutput> {
        let input = request.input;
        let object = self.find(&input.bucket, &input.key)?;
        may_read(
            &object,
            input.if_match.as_ref(),
            input.if_none_match.as_ref(),
        )?;
        let range = match &input.range {
            None => 0..object.size,
            Some(range) => range.check(object.size)?,
        };
        let body = self.body(&object, &range)?;
        let length = range.end - range.start;
        Ok(GetObjectOutput {
            body: Some(body),
            content_length: i64::try_from(length).ok(),
            content_range: input.range.map(|_| {
                let last = range.end.saturating_sub(1);
                format!("bytes {}-{last}/{}", range.start, object.size)
            }),
            accept_ranges: Some("bytes".to_owned()),
            content_type: Some(content_type(&object)),
            e_tag: Some(etag(&object)),
            last_modified: Some(timestamp(object.modified)),
            metadata: shown(&object),
            checksum_sha256: (input.checksum_mode.is_some() && length == object.size)
                .then(|| checksum(&object))
                .flatten(),
            ..GetObjectOutput::default()
        })
    }

    pub(super) async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<HeadObjectOutput> {
        let input = request.input;
        let object = self.find(&input.bucket, &input.key)?;
        may_read(
            &object,
            input.if_match.as_ref(),
            input.if_none_match.as_ref(),
        )?;
        Ok(HeadObjectOutput {
            content_length: i64::try_from(object.size).ok(),
            accept_ranges: Some("bytes".to_owned()),
            content_type: Some(content_type(&object)),
            e_tag: Some(etag(&object)),
            last_modified: Some(timestamp(object.modified)),
            metadata: shown(&object),
            checksum_sha256: input.checksum_mode.and_then(|_| checksum(&object)),
            ..HeadObjectOutput::default()
        })
    }

    pub(super) async fn copy_object(
        &self,
        request: S3Request<CopyObjectInput>,
    ) -> S3Result<CopyObjectOutput> {
        let input = request.input;
        let (source_bucket, source_key) = source(&input.copy_source)?;
        let mut object = self.find(source_bucket, source_key)?;
        let replace = input
            .metadata_directive
            .as_ref()
            .is_some_and(|directive| directive.as_str() == MetadataDirective::REPLACE);
        if replace {
            object.metadata = metadata(input.metadata);
            object.content_type = input.content_type;
        }
        object.modified = self.engine.now();
        let result = CopyObjectResult {
            e_tag: Some(etag(&object)),
            last_modified: Some(timestamp(object.modified)),
            checksum_sha256: checksum(&object),
            ..CopyObjectResult::default()
        };
        self.engine.with_objects_mut(|objects| {
            objects
                .put_stored(&input.bucket, &input.key, object)
                .map_err(refused)
        })?;
        Ok(CopyObjectOutput {
            copy_object_result: Some(result),
            ..CopyObjectOutput::default()
        })
    }

    pub(super) async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<CreateMultipartUploadOutput> {
        let input = request.input;
        self.engine
            .with_objects(|objects| bucket(objects, &input.bucket))?;
        let upload = Upload {
            bucket: input.bucket.clone(),
            key: input.key.clone(),
            content_type: input.content_type,
            metadata: metadata(input.metadata),
            parts: BTreeMap::new(),
        };
        let salt = u64::try_from(self.engine.now().as_microsecond()).unwrap_or_default();
        Ok(CreateMultipartUploadOutput {
            upload_id: Some(self.uploads.create(upload, salt)?),
            bucket: Some(input.bucket),
            key: Some(input.key),
            ..CreateMultipartUploadOutput::default()
        })
    }

    pub(super) async fn upload_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> S3Result<UploadPartOutput> {
        let input = request.input;
        self.uploads
            .get(&input.upload_id, &input.bucket, &input.key)?;
        let stored = receive(&self.engine.bodies, &request.headers, input.body).await?;
        let tag = ETag::Strong(stored.md5.clone());
        let checksum_sha256 = stored.checksums.checksum_sha256.clone();
        self.uploads
            .put(&input.upload_id, input.part_number, stored)?;
        Ok(UploadPartOutput {
            e_tag: Some(tag),
            checksum_sha256,
            checksum_crc32: input.checksum_crc32,
            ..UploadPartOutput::default()
        })
    }

    pub(super) async fn upload_part_copy(
        &self,
        request: S3Request<UploadPartCopyInput>,
    ) -> S3Result<UploadPartCopyOutput> {
        let input = request.input;
        self.uploads
            .get(&input.upload_id, &input.bucket, &input.key)?;
        let (bucket, key) = source(&input.copy_source)?;
        let object = self.find(bucket, key)?;
        let range = match &input.copy_source_range {
            None => 0..object.size,
            Some(range) => Range::parse(range)
                .map_err(|_| s3_error!(InvalidArgument, "the copy source range is malformed"))?
                .check(object.size)?,
        };
        let body = Some(self.body(&object, &range)?);
        let stored = receive(&self.engine.bodies, &HeaderMap::new(), body).await?;
        let result = CopyPartResult {
            e_tag: Some(ETag::Strong(stored.md5.clone())),
            last_modified: Some(timestamp(self.engine.now())),
            ..CopyPartResult::default()
        };
        self.uploads
            .put(&input.upload_id, input.part_number, stored)?;
        Ok(UploadPartCopyOutput {
            copy_part_result: Some(result),
            ..UploadPartCopyOutput::default()
        })
    }

    pub(super) async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<CompleteMultipartUploadOutput> {
        let input = request.input;
        let upload = self
            .uploads
            .get(&input.upload_id, &input.bucket, &input.key)?;
        let listed = input
            .multipart_upload
            .and_then(|listed| listed.parts)
            .unwrap_or_default();
        let (whole, tag) = assemble(&self.engine.bodies, &upload, &listed)?;
        let object = self.object(&whole, tag, upload.content_type, upload.metadata);
        let tag = etag(&object);
        self.engine.with_objects_mut(|objects| {
            let found = objects.head(&input.bucket, &input.key);
            may_write(found, input.if_match.as_ref(), input.if_none_match.as_ref())?;
            objects
                .put_stored(&input.bucket, &input.key, object)
                .map_err(refused)
        })?;
        self.uploads.close(&input.upload_id);
        Ok(CompleteMultipartUploadOutput {
            location: Some(format!("/{}/{}", input.bucket, input.key)),
            bucket: Some(input.bucket),
            key: Some(input.key),
            e_tag: Some(tag),
            ..CompleteMultipartUploadOutput::default()
        })
    }

    pub(super) async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<AbortMultipartUploadOutput> {
        let input = request.input;
        self.uploads
            .get(&input.upload_id, &input.bucket, &input.key)?;
        self.uploads.close(&input.upload_id);
        Ok(AbortMultipartUploadOutput::default())
    }

    fn find(&self, name: &str, key: &str) -> S3Result<Object> {
        self.engine
            .with_objects(|objects: &Objects| {
                objects.get(name, key).map(|object| Object::clone(object))
            })
            .map_err(refused)
    }

    fn object(
        &self,
        stored: &Stored,
        tag: String,
        content_type: Option<String>,
        metadata: BTreeMap<String, String>,
    ) -> Object {
        Object {
            size: stored.size,
            sha256: stored.sha256.clone(),
            etag: tag,
            content_type,
            metadata,
            modified: self.engine.now(),
            inline: stored.inline.clone(),
        }
    }

    fn body(&self, object: &Object, range: &std::ops::Range<u64>) -> S3Result<StreamingBlob> {
        let Some(bytes) = &object.inline else {
            return from_file(&self.engine.bodies.path(&object.sha256), range).map_err(internal);
        };
        let index = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
        let part = bytes
            .get(index(range.start)..index(range.end))
            .unwrap_or_default();
        Ok(s3s::Body::from(hyper::body::Bytes::copy_from_slice(part)).into())
    }
}

fn source(given: &CopySource) -> S3Result<(&str, &str)> {
    match given {
        CopySource::Bucket { bucket, key, .. } => Ok((bucket, key)),
        _ => Err(s3_error!(NotImplemented, "access points are not supported")),
    }
}

fn content_type(object: &Object) -> String {
    let given = object.content_type.as_deref();
    given.unwrap_or(CONTENT_TYPE).to_owned()
}

fn metadata(given: Option<Metadata>) -> BTreeMap<String, String> {
    given.unwrap_or_default().into_iter().collect()
}

fn shown(object: &Object) -> Option<Metadata> {
    let pairs = object.metadata.iter();
    (!object.metadata.is_empty()).then(|| pairs.map(|(k, v)| (k.clone(), v.clone())).collect())
}

fn checksum(object: &Object) -> Option<String> {
    let digest = HEXLOWER.decode(object.sha256.as_bytes()).ok()?;
    Some(BASE64.encode(&digest))
}

fn matches(object: &Object, condition: &ETagCondition) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(tag) => tag.value() == object.etag.trim_matches('"'),
    }
}

/// The conditions of a write: what compare-and-swap in S3 is made of.
fn may_write(
    found: Option<&Arc<Object>>,
    if_match: Option<&ETagCondition>,
    if_none_match: Option<&ETagCondition>,
) -> S3Result<()> {
    let refused = || {
        s3_error!(
            PreconditionFailed,
            "At least one of the pre-conditions you specified did not hold"
        )
    };
    match (if_match, found) {
        (Some(_), None) => return Err(s3_error!(NoSuchKey)),
        (Some(condition), Some(object)) if !matches(object, condition) => return Err(refused()),
        _ => {}
    }
    match (if_none_match, found) {
        (Some(condition), Some(object)) if matches(object, condition) => Err(refused()),
        _ => Ok(()),
    }
}

fn may_read(
    object: &Object,
    if_match: Option<&ETagCondition>,
    if_none_match: Option<&ETagCondition>,
) -> S3Result<()> {
    if if_match.is_some_and(|condition| !matches(object, condition)) {
        return Err(s3_error!(PreconditionFailed));
    }
    if if_none_match.is_some_and(|condition| matches(object, condition)) {
        return Err(s3_error!(NotModified));
    }
    Ok(())
}
