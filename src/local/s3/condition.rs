//! Requests under a condition.

use std::sync::Arc;

use s3s::dto::{ETagCondition, Timestamp as Instant};
use s3s::{S3Result, s3_error};

use super::timestamp;
use crate::clock::Timestamp;
use crate::world::objects::Object;

/// The conditions of a read.
#[derive(Debug, Default)]
pub(super) struct Reading<'a> {
    pub(super) tag: Option<&'a ETagCondition>,
    pub(super) other_than: Option<&'a ETagCondition>,
    pub(super) modified_since: Option<&'a Instant>,
    pub(super) unmodified_since: Option<&'a Instant>,
}

impl Reading<'_> {
    /// Refuses what is not read. Tags tell more than times: a time is asked for only where the tag
    /// of its kind is not.
    pub(super) fn check(&self, object: &Object) -> S3Result<()> {
        let changed_after = |since: &Instant| whole_second(object.modified) > *since;
        let unlike = match self.tag {
            Some(condition) => !matches(object, condition),
            None => self.unmodified_since.is_some_and(changed_after),
        };
        if unlike {
            return Err(unmet());
        }
        let known = match self.other_than {
            Some(condition) => matches(object, condition),
            None => self
                .modified_since
                .is_some_and(|since| !changed_after(since)),
        };
        if known {
            return Err(s3_error!(NotModified));
        }
        Ok(())
    }

    /// Refuses a source of a copy: whatever does not hold, it is a precondition.
    pub(super) fn check_source(&self, object: &Object) -> S3Result<()> {
        self.check(object).map_err(|_| unmet())
    }
}

/// An instant as headers say it.
fn whole_second(at: Timestamp) -> Instant {
    timestamp(Timestamp::from_second(at.as_second()).unwrap_or(at))
}

fn matches(object: &Object, condition: &ETagCondition) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(tag) => tag.value() == object.etag.trim_matches('"'),
    }
}

fn unmet() -> s3s::S3Error {
    s3_error!(
        PreconditionFailed,
        "At least one of the pre-conditions you specified did not hold"
    )
}

/// The conditions of a write: what compare-and-swap in S3 is made of.
pub(super) fn may_write(
    found: Option<&Arc<Object>>,
    if_match: Option<&ETagCondition>,
    if_none_match: Option<&ETagCondition>,
) -> S3Result<()> {
    match (if_match, found) {
        (Some(_), None) => return Err(s3_error!(NoSuchKey)),
        (Some(condition), Some(object)) if !matches(object, condition) => return Err(unmet()),
        _ => {}
    }
    match (if_none_match, found) {
        (Some(condition), Some(object)) if matches(object, condition) => Err(unmet()),
        _ => Ok(()),
    }
}
