//! Operations on one object.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use s3s::dto::{
    ChecksumType, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput, Metadata,
    PutObjectInput, PutObjectOutput, StreamingBlob,
};
use s3s::{S3Request, S3Result};

use super::body::{from_file, internal, receive};
use super::checksum::{self, Checksums, set_checksums};
use super::condition::{Reading, may_write};
use super::tagging::{self, Tags};
use super::{Backend, bucket, etag, refused, timestamp};
use crate::local::bodies::Stored;
use crate::world::objects::{Object, ObjectError, Objects};

/// The content type of an object that came without one (S3's own).
const CONTENT_TYPE: &str = "binary/octet-stream";

/// What a new object is, besides its bytes.
#[derive(Debug, Clone, Default)]
pub(super) struct Describing {
    pub(super) tag: String,
    pub(super) content_type: Option<String>,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) tags: Tags,
    pub(super) checksums: Checksums,
}

#[expect(clippy::unused_async, reason = "all operations have the trait's shape")]
impl Backend {
    pub(super) async fn put_object(
        &self,
        request: S3Request<PutObjectInput>,
    ) -> S3Result<PutObjectOutput> {
        let input = request.input;
        self.engine
            .with_objects(|objects| bucket(objects, &input.bucket))?;
        let tags = tagging::of_header(input.tagging.as_deref())?;
        let mut names = checksum::named(&request.headers);
        if names.is_empty() {
            names.push(checksum::USUAL);
        }
        let stored = receive(&self.engine.bodies, &request.headers, &names, input.body).await?;
        let describing = Describing {
            tag: stored.md5.clone(),
            content_type: input.content_type,
            metadata: metadata(input.metadata),
            tags,
            checksums: checksum::picked(&stored.checksums, &names),
        };
        let object = self.object(&stored, describing);
        let put = self.engine.with_objects_mut(|objects| {
            let found = objects.head(&input.bucket, &input.key);
            may_write(found, input.if_match.as_ref(), input.if_none_match.as_ref())?;
            objects
                .put_stored(&input.bucket, &input.key, object)
                .map_err(refused)
        })?;
        let mut output = PutObjectOutput {
            e_tag: Some(etag(&put)),
            version_id: put.version.clone(),
            checksum_type: Some(ChecksumType::from_static(ChecksumType::FULL_OBJECT)),
            ..PutObjectOutput::default()
        };
        set_checksums!(output, checksum::shown(&put));
        Ok(output)
    }

    pub(super) async fn get_object(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<GetObjectOutput> {
        let input = request.input;
        let object = self.find(&input.bucket, &input.key, input.version_id.as_deref())?;
        let reading = Reading {
            tag: input.if_match.as_ref(),
            other_than: input.if_none_match.as_ref(),
            modified_since: input.if_modified_since.as_ref(),
            unmodified_since: input.if_unmodified_since.as_ref(),
        };
        reading.check(&object)?;
        let range = match &input.range {
            None => 0..object.size,
            Some(range) => range.check(object.size)?,
        };
        let body = self.body(&object, &range)?;
        let length = range.end - range.start;
        let mut output = GetObjectOutput {
            body: Some(body),
            content_length: i64::try_from(length).ok(),
            content_range: input.range.map(|_| {
                let last = range.end.saturating_sub(1);
                format!("bytes {}-{last}/{}", range.start, object.size)
            }),
            accept_ranges: Some("bytes".to_owned()),
            content_type: Some(
                input
                    .response_content_type
                    .unwrap_or_else(|| content_type(&object)),
            ),
            e_tag: Some(etag(&object)),
            last_modified: Some(timestamp(object.modified)),
            metadata: shown(&object),
            tag_count: i32::try_from(object.tags.len())
                .ok()
                .filter(|count| *count > 0),
            ..GetObjectOutput::default()
        };
        if input.checksum_mode.is_some() && length == object.size {
            set_checksums!(output, checksum::shown(&object));
            output.checksum_type = Some(checksum_type(&object));
        }
        output.version_id = object.version;
        Ok(output)
    }

    pub(super) async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<HeadObjectOutput> {
        let input = request.input;
        let object = self.find(&input.bucket, &input.key, input.version_id.as_deref())?;
        let reading = Reading {
            tag: input.if_match.as_ref(),
            other_than: input.if_none_match.as_ref(),
            modified_since: input.if_modified_since.as_ref(),
            unmodified_since: input.if_unmodified_since.as_ref(),
        };
        reading.check(&object)?;
        let mut output = HeadObjectOutput {
            content_length: i64::try_from(object.size).ok(),
            accept_ranges: Some("bytes".to_owned()),
            content_type: Some(
                input
                    .response_content_type
                    .unwrap_or_else(|| content_type(&object)),
            ),
            e_tag: Some(etag(&object)),
            last_modified: Some(timestamp(object.modified)),
            metadata: shown(&object),
            ..HeadObjectOutput::default()
        };
        if input.checksum_mode.is_some() {
            set_checksums!(output, checksum::shown(&object));
            output.checksum_type = Some(checksum_type(&object));
        }
        output.version_id = object.version;
        Ok(output)
    }

    /// An object, or a version of it. Where a delete marker is in the way the refusal says so.
    pub(super) fn find(&self, name: &str, key: &str, version: Option<&str>) -> S3Result<Object> {
        self.engine.with_objects(|objects: &Objects| {
            let found = objects.version(name, key, version);
            found.map(|object| Object::clone(object)).map_err(|error| {
                let mut refusal = refused(error);
                let hidden = match error {
                    ObjectError::NoSuchKey => objects.marker(name, key).map(|marker| {
                        let id = marker.version.as_deref();
                        id.unwrap_or(crate::world::objects::NULL)
                    }),
                    ObjectError::MethodNotAllowed => version,
                    _ => None,
                };
                if let Some(id) = hidden {
                    refusal.set_headers(marked(id));
                }
                refusal
            })
        })
    }

    /// A new object.
    pub(super) fn object(&self, stored: &Stored, describing: Describing) -> Object {
        Object {
            size: stored.size,
            sha256: stored.sha256.clone(),
            etag: describing.tag,
            content_type: describing.content_type,
            metadata: describing.metadata,
            modified: self.engine.now(),
            inline: stored.inline.clone(),
            version: None,
            tags: describing.tags,
            checksums: describing.checksums,
        }
    }

    /// The bytes of a part of an object.
    pub(super) fn body(
        &self,
        object: &Object,
        range: &std::ops::Range<u64>,
    ) -> S3Result<StreamingBlob> {
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

/// The headers of a refusal that a delete marker is the reason of.
fn marked(id: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(
        HeaderName::from_static("x-amz-delete-marker"),
        HeaderValue::from_static("true"),
    );
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(HeaderName::from_static("x-amz-version-id"), id);
    }
    headers
}

fn checksum_type(object: &Object) -> ChecksumType {
    ChecksumType::from_static(checksum::kind(&object.checksums))
}

fn content_type(object: &Object) -> String {
    let given = object.content_type.as_deref();
    given.unwrap_or(CONTENT_TYPE).to_owned()
}

pub(super) fn metadata(given: Option<Metadata>) -> BTreeMap<String, String> {
    given.unwrap_or_default().into_iter().collect()
}

fn shown(object: &Object) -> Option<Metadata> {
    let pairs = object.metadata.iter();
    (!object.metadata.is_empty()).then(|| pairs.map(|(k, v)| (k.clone(), v.clone())).collect())
}
