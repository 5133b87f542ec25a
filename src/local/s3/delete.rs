//! Deletions: of what is current, and of versions for good.

use s3s::dto::{
    DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject,
    ETag, ETagCondition, Error, ObjectIdentifier,
};
use s3s::{S3Error, S3Request, S3Result, s3_error};

use super::condition::may_write;
use super::{Backend, refused};
use crate::clock::Timestamp;
use crate::world::objects::{Deleted, Objects};

/// Objects that one request may delete (S3's own figure).
const MOST_AT_ONCE: usize = 1000;

#[expect(clippy::unused_async, reason = "all operations have the trait's shape")]
impl Backend {
    pub(super) async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<DeleteObjectOutput> {
        let input = request.input;
        let one = ObjectIdentifier {
            key: input.key,
            version_id: input.version_id,
            ..ObjectIdentifier::default()
        };
        let now = self.engine.now();
        let deleted = self.engine.with_objects_mut(|objects| {
            delete(objects, &input.bucket, &one, input.if_match.as_ref(), now)
        })?;
        Ok(DeleteObjectOutput {
            delete_marker: deleted.marker.then_some(true),
            version_id: deleted.version,
            ..DeleteObjectOutput::default()
        })
    }

    pub(super) async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<DeleteObjectsOutput> {
        let input = request.input;
        if input.delete.objects.is_empty() || input.delete.objects.len() > MOST_AT_ONCE {
            return Err(s3_error!(MalformedXML));
        }
        let quiet = input.delete.quiet.unwrap_or(false);
        let now = self.engine.now();
        let (mut done, mut errors) = (Vec::new(), Vec::new());
        self.engine.with_objects_mut(|objects| {
            super::bucket(objects, &input.bucket)?;
            for one in input.delete.objects {
                let condition = one.e_tag.as_ref().map(condition);
                match delete(objects, &input.bucket, &one, condition.as_ref(), now) {
                    Ok(deleted) => done.push(told(one, deleted)),
                    Err(error) => errors.push(failed(one, &error)),
                }
            }
            Ok::<_, S3Error>(())
        })?;
        Ok(DeleteObjectsOutput {
            deleted: (!quiet).then_some(done),
            errors: (!errors.is_empty()).then_some(errors),
            ..DeleteObjectsOutput::default()
        })
    }
}

fn delete(
    objects: &mut Objects,
    bucket: &str,
    one: &ObjectIdentifier,
    if_match: Option<&ETagCondition>,
    now: Timestamp,
) -> S3Result<Deleted> {
    may_write(objects.head(bucket, &one.key), if_match, None)?;
    match one.version_id.as_deref() {
        Some(id) => objects.delete_version(bucket, &one.key, id, now),
        None => objects.delete(bucket, &one.key, now),
    }
    .map_err(refused)
}

fn condition(tag: &ETag) -> ETagCondition {
    if tag.value() == "*" {
        ETagCondition::Any
    } else {
        ETagCondition::ETag(tag.clone())
    }
}

fn told(one: ObjectIdentifier, deleted: Deleted) -> DeletedObject {
    DeletedObject {
        key: Some(one.key),
        delete_marker: deleted.marker.then_some(true),
        delete_marker_version_id: deleted.version.filter(|_| deleted.marker),
        version_id: one.version_id,
    }
}

fn failed(one: ObjectIdentifier, error: &S3Error) -> Error {
    Error {
        code: Some(error.code().as_str().to_owned()),
        key: Some(one.key),
        message: error.message().map(str::to_owned),
        version_id: one.version_id,
    }
}
