//! Uploads in parts, as they are asked for.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, ChecksumAlgorithm, ChecksumType,
    CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CopyPartResult,
    CreateMultipartUploadInput, CreateMultipartUploadOutput, ETag, ListMultipartUploadsInput,
    ListMultipartUploadsOutput, ListPartsInput, ListPartsOutput, MultipartUpload, Part, Range,
    UploadPartCopyInput, UploadPartCopyOutput, UploadPartInput, UploadPartOutput,
};
use s3s::{S3Request, S3Result, s3_error};

use super::body::receive;
use super::checksum::{self, given_checksums, set_checksums};
use super::condition::{Reading, may_write};
use super::copy::source;
use super::list::{Spelling, size};
use super::object::{Describing, metadata};
use super::upload::{Sums, Upload, assemble};
use super::{Backend, bucket, etag, refused, tagging, timestamp};
use crate::world::objects::notifications::Happened;

#[expect(clippy::unused_async, reason = "all operations have the trait's shape")]
impl Backend {
    pub(super) async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<CreateMultipartUploadOutput> {
        let input = request.input;
        self.engine
            .with_objects(|objects| bucket(objects, &input.bucket))?;
        let named = input.checksum_algorithm.as_ref();
        let sums = Sums::asked(
            named.map(ChecksumAlgorithm::as_str),
            input.checksum_type.as_ref().map(ChecksumType::as_str),
        )?;
        let upload = Upload {
            bucket: input.bucket.clone(),
            key: input.key.clone(),
            describing: Describing {
                content_type: input.content_type,
                metadata: metadata(input.metadata),
                tags: tagging::of_header(input.tagging.as_deref())?,
                ..Describing::default()
            },
            sums,
            begun: self.engine.now(),
            parts: BTreeMap::new(),
        };
        let salt = u64::try_from(upload.begun.as_microsecond()).unwrap_or_default();
        Ok(CreateMultipartUploadOutput {
            upload_id: Some(self.uploads.create(upload, salt)?),
            bucket: Some(input.bucket),
            key: Some(input.key),
            checksum_algorithm: input.checksum_algorithm,
            checksum_type: named_type(&sums),
            ..CreateMultipartUploadOutput::default()
        })
    }

    pub(super) async fn upload_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> S3Result<UploadPartOutput> {
        let input = request.input;
        let upload = self
            .uploads
            .get(&input.upload_id, &input.bucket, &input.key)?;
        let mut names = checksum::named(&request.headers);
        names.extend(upload.sums.algorithm);
        let stored = receive(&self.engine.bodies, &request.headers, &names, input.body).await?;
        let mut output = UploadPartOutput {
            e_tag: Some(ETag::Strong(stored.md5.clone())),
            ..UploadPartOutput::default()
        };
        set_checksums!(output, checksum::picked(&stored.checksums, &names));
        let now = self.engine.now();
        self.uploads
            .put(&input.upload_id, input.part_number, (stored, now))?;
        Ok(output)
    }

    pub(super) async fn upload_part_copy(
        &self,
        request: S3Request<UploadPartCopyInput>,
    ) -> S3Result<UploadPartCopyOutput> {
        let input = request.input;
        let upload = self
            .uploads
            .get(&input.upload_id, &input.bucket, &input.key)?;
        let (bucket, key, version) = source(&input.copy_source)?;
        let object = self.find(bucket, key, version)?;
        let reading = Reading {
            tag: input.copy_source_if_match.as_ref(),
            other_than: input.copy_source_if_none_match.as_ref(),
            modified_since: input.copy_source_if_modified_since.as_ref(),
            unmodified_since: input.copy_source_if_unmodified_since.as_ref(),
        };
        reading.check_source(&object)?;
        let range = match &input.copy_source_range {
            None => 0..object.size,
            Some(range) => Range::parse(range)
                .map_err(|_| s3_error!(InvalidArgument, "the copy source range is malformed"))?
                .check(object.size)?,
        };
        let body = Some(self.body(&object, &range)?);
        let names: Vec<_> = upload.sums.algorithm.into_iter().collect();
        let stored = receive(&self.engine.bodies, &HeaderMap::new(), &names, body).await?;
        let now = self.engine.now();
        let mut result = CopyPartResult {
            e_tag: Some(ETag::Strong(stored.md5.clone())),
            last_modified: Some(timestamp(now)),
            ..CopyPartResult::default()
        };
        set_checksums!(result, checksum::picked(&stored.checksums, &names));
        self.uploads
            .put(&input.upload_id, input.part_number, (stored, now))?;
        Ok(UploadPartCopyOutput {
            copy_part_result: Some(result),
            copy_source_version_id: object.version,
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
        let given = input.multipart_upload;
        let listed = given.and_then(|given| given.parts).unwrap_or_default();
        let whole = assemble(&self.engine.bodies, &upload, &listed)?;
        for (name, promised) in given_checksums!(input) {
            let found = whole.describing.checksums.get(name);
            if promised.is_some_and(|promised| !same(promised, found)) {
                return Err(s3_error!(
                    BadDigest,
                    "The {name} you specified did not match the calculated checksum."
                ));
            }
        }
        let size = u64::try_from(input.mpu_object_size.unwrap_or_default()).unwrap_or_default();
        if input.mpu_object_size.is_some() && size != whole.stored.size {
            return Err(s3_error!(
                InvalidRequest,
                "The provided object size does not match that of the parts"
            ));
        }
        let object = self.object(&whole.stored, whole.describing);
        let written = self.engine.with_objects_mut(|objects| {
            let found = objects.head(&input.bucket, &input.key);
            may_write(found, input.if_match.as_ref(), input.if_none_match.as_ref())?;
            let place = (&*input.bucket, &*input.key);
            objects
                .write(Happened::CompleteMultipartUpload, place, object)
                .map_err(refused)
        })?;
        self.uploads.close(&input.upload_id);
        let mut output = CompleteMultipartUploadOutput {
            location: Some(format!("/{}/{}", input.bucket, input.key)),
            bucket: Some(input.bucket),
            key: Some(input.key),
            e_tag: Some(etag(&written)),
            version_id: written.version.clone(),
            checksum_type: Some(ChecksumType::from_static(checksum::kind(
                &written.checksums,
            ))),
            ..CompleteMultipartUploadOutput::default()
        };
        set_checksums!(output, written.checksums.clone());
        Ok(output)
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

    pub(super) async fn list_parts(
        &self,
        request: S3Request<ListPartsInput>,
    ) -> S3Result<ListPartsOutput> {
        let input = request.input;
        let upload = self
            .uploads
            .get(&input.upload_id, &input.bucket, &input.key)?;
        let most = size(input.max_parts)?;
        let after = input.part_number_marker.unwrap_or_default();
        let following = upload.parts.range(after.saturating_add(1)..);
        let left = following.clone().count();
        let names: Vec<_> = upload.sums.algorithm.into_iter().collect();
        let parts: Vec<Part> = following
            .take(most)
            .map(|(number, (stored, at))| {
                let mut part = Part {
                    part_number: Some(*number),
                    e_tag: Some(ETag::Strong(stored.md5.clone())),
                    size: i64::try_from(stored.size).ok(),
                    last_modified: Some(timestamp(*at)),
                    ..Part::default()
                };
                set_checksums!(part, checksum::picked(&stored.checksums, &names));
                part
            })
            .collect();
        let last = parts.last().and_then(|part| part.part_number);
        Ok(ListPartsOutput {
            is_truncated: Some(left > parts.len()),
            next_part_number_marker: last,
            parts: (!parts.is_empty()).then_some(parts),
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(input.upload_id),
            part_number_marker: Some(after),
            max_parts: i32::try_from(most).ok(),
            checksum_type: named_type(&upload.sums),
            ..ListPartsOutput::default()
        })
    }

    pub(super) async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<ListMultipartUploadsOutput> {
        let input = request.input;
        self.engine
            .with_objects(|objects| bucket(objects, &input.bucket))?;
        let spelling = Spelling::asked(input.encoding_type.as_ref())?;
        let (prefix, most) = (
            input.prefix.as_deref().unwrap_or_default(),
            size(input.max_uploads)?,
        );
        let after = (
            input.key_marker.clone().unwrap_or_default(),
            input.upload_id_marker.clone(),
        );
        let page = self.uploads.page(
            &input.bucket,
            (prefix, input.delimiter.as_deref()),
            &after,
            most,
        );
        let uploads: Vec<MultipartUpload> = page
            .uploads
            .into_iter()
            .map(|(key, id, begun)| MultipartUpload {
                key: Some(spelling.of(&key)),
                upload_id: Some(id),
                initiated: Some(timestamp(begun)),
                ..MultipartUpload::default()
            })
            .collect();
        Ok(ListMultipartUploadsOutput {
            is_truncated: Some(page.next.is_some()),
            next_key_marker: page.next.as_ref().map(|(key, _)| spelling.of(key)),
            next_upload_id_marker: page.next.map(|(_, id)| id),
            uploads: (!uploads.is_empty()).then_some(uploads),
            common_prefixes: spelling.prefixes(&page.common_prefixes),
            prefix: Some(spelling.of(prefix)),
            bucket: Some(input.bucket),
            delimiter: input.delimiter,
            key_marker: input.key_marker,
            upload_id_marker: input.upload_id_marker,
            max_uploads: i32::try_from(most).ok(),
            encoding_type: spelling.told(),
            ..ListMultipartUploadsOutput::default()
        })
    }
}

fn named_type(sums: &Sums) -> Option<ChecksumType> {
    let named = sums.is_named.then(|| sums.kind());
    named.map(ChecksumType::from_static)
}

/// Whether a checksum is the one that was promised, which may leave out how many parts there were.
fn same(promised: &str, found: Option<&String>) -> bool {
    let stem = |text: &str| text.split('-').next().unwrap_or_default().to_owned();
    found.is_some_and(|found| {
        promised == found || (!promised.contains('-') && promised == stem(found))
    })
}
