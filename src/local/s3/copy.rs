//! Copies of objects.

use s3s::dto::{
    ChecksumType, CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource,
    MetadataDirective, TaggingDirective,
};
use s3s::{S3Request, S3Result, s3_error};

use super::checksum::{self, set_checksums};
use super::condition::Reading;
use super::object::metadata;
use super::{Backend, etag, refused, tagging, timestamp};
use crate::world::objects::notifications::Happened;

/// The bucket, the key and the version that a copy is made of.
pub(super) type Source<'a> = (&'a str, &'a str, Option<&'a str>);

#[expect(clippy::unused_async, reason = "all operations have the trait's shape")]
impl Backend {
    pub(super) async fn copy_object(
        &self,
        request: S3Request<CopyObjectInput>,
    ) -> S3Result<CopyObjectOutput> {
        let input = request.input;
        let (source_bucket, source_key, source_version) = source(&input.copy_source)?;
        let mut object = self.find(source_bucket, source_key, source_version)?;
        let reading = Reading {
            tag: input.copy_source_if_match.as_ref(),
            other_than: input.copy_source_if_none_match.as_ref(),
            modified_since: input.copy_source_if_modified_since.as_ref(),
            unmodified_since: input.copy_source_if_unmodified_since.as_ref(),
        };
        reading.check_source(&object)?;
        let directive = input.metadata_directive.as_ref();
        let replaces =
            directive.is_some_and(|directive| directive.as_str() == MetadataDirective::REPLACE);
        let onto_itself = (source_bucket, source_key) == (&*input.bucket, &*input.key);
        if onto_itself && source_version.is_none() && !replaces {
            return Err(s3_error!(
                InvalidRequest,
                "This copy request is illegal because it is trying to copy an object to itself \
                 without changing the object's metadata, storage class, website redirect location \
                 or encryption attributes."
            ));
        }
        if replaces {
            object.metadata = metadata(input.metadata);
            object.content_type = input.content_type;
        }
        let directive = input.tagging_directive.as_ref();
        if directive.is_some_and(|directive| directive.as_str() == TaggingDirective::REPLACE) {
            object.tags = tagging::of_header(input.tagging.as_deref())?;
        }
        let copied_version = object.version.take();
        object.modified = self.engine.now();
        let written = self.engine.with_objects_mut(|objects| {
            let place = (&*input.bucket, &*input.key);
            objects
                .write(Happened::Copy, place, object)
                .map_err(refused)
        })?;
        let mut result = CopyObjectResult {
            e_tag: Some(etag(&written)),
            last_modified: Some(timestamp(written.modified)),
            checksum_type: Some(ChecksumType::from_static(checksum::kind(
                &written.checksums,
            ))),
            ..CopyObjectResult::default()
        };
        set_checksums!(result, checksum::shown(&written));
        Ok(CopyObjectOutput {
            copy_object_result: Some(result),
            copy_source_version_id: copied_version,
            version_id: written.version.clone(),
            ..CopyObjectOutput::default()
        })
    }
}

pub(super) fn source(given: &CopySource) -> S3Result<Source<'_>> {
    match given {
        CopySource::Bucket {
            bucket,
            key,
            version_id,
        } => Ok((bucket, key, version_id.as_deref())),
        _ => Err(s3_error!(NotImplemented, "access points are not supported")),
    }
}
