//! Tags of objects.

use std::collections::BTreeMap;

use s3s::dto::{
    DeleteObjectTaggingInput, DeleteObjectTaggingOutput, GetObjectTaggingInput,
    GetObjectTaggingOutput, PutObjectTaggingInput, PutObjectTaggingOutput, Tag,
};
use s3s::{S3Request, S3Result, s3_error};

use super::Backend;
use crate::limits::{OBJECT_TAGS_MAX, TAG_KEY_MAX, TAG_VALUE_MAX};

/// Tags by their keys.
pub(super) type Tags = BTreeMap<String, String>;

#[expect(clippy::unused_async, reason = "all operations have the trait's shape")]
impl Backend {
    pub(super) async fn get_object_tagging(
        &self,
        request: S3Request<GetObjectTaggingInput>,
    ) -> S3Result<GetObjectTaggingOutput> {
        let input = request.input;
        let object = self.find(&input.bucket, &input.key, input.version_id.as_deref())?;
        let tags = object.tags.into_iter().map(|(key, value)| Tag {
            key: Some(key),
            value: Some(value),
        });
        Ok(GetObjectTaggingOutput {
            tag_set: tags.collect(),
            version_id: object.version,
        })
    }

    pub(super) async fn put_object_tagging(
        &self,
        request: S3Request<PutObjectTaggingInput>,
    ) -> S3Result<PutObjectTaggingOutput> {
        let input = request.input;
        let given = input.tagging.tag_set.into_iter();
        let pairs = given.map(|tag| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default()));
        let tags = checked(pairs)?;
        let version_id = self.set_tags(
            (&input.bucket, &input.key),
            input.version_id.as_deref(),
            tags,
        )?;
        Ok(PutObjectTaggingOutput { version_id })
    }

    pub(super) async fn delete_object_tagging(
        &self,
        request: S3Request<DeleteObjectTaggingInput>,
    ) -> S3Result<DeleteObjectTaggingOutput> {
        let input = request.input;
        let version_id = self.set_tags(
            (&input.bucket, &input.key),
            input.version_id.as_deref(),
            Tags::new(),
        )?;
        Ok(DeleteObjectTaggingOutput { version_id })
    }

    fn set_tags(
        &self,
        place: (&str, &str),
        version: Option<&str>,
        tags: Tags,
    ) -> S3Result<Option<String>> {
        self.find(place.0, place.1, version)?;
        let set = self
            .engine
            .with_objects_mut(|objects| objects.set_tags(place, version, tags));
        let object = set.map_err(super::refused)?;
        Ok(object.version.clone())
    }
}

/// The tags of a header, in the form of a query.
pub(super) fn of_header(header: Option<&str>) -> S3Result<Tags> {
    let pairs = form_urlencoded::parse(header.unwrap_or_default().as_bytes());
    checked(pairs.map(|(key, value)| (key.into_owned(), value.into_owned())))
}

/// Refuses what S3 refuses of tags.
fn checked(pairs: impl Iterator<Item = (String, String)>) -> S3Result<Tags> {
    let mut tags = Tags::new();
    for (key, value) in pairs {
        if key.is_empty() || key.chars().count() > TAG_KEY_MAX {
            return Err(s3_error!(
                InvalidTag,
                "The TagKey you have provided is invalid"
            ));
        }
        if value.chars().count() > TAG_VALUE_MAX {
            return Err(s3_error!(
                InvalidTag,
                "The TagValue you have provided is invalid"
            ));
        }
        if tags.insert(key, value).is_some() {
            return Err(s3_error!(
                InvalidTag,
                "Cannot provide multiple Tags with the same key"
            ));
        }
    }
    if tags.len() > OBJECT_TAGS_MAX {
        return Err(s3_error!(
            InvalidTag,
            "Object tags cannot be greater than {OBJECT_TAGS_MAX}"
        ));
    }
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_come_as_a_query_and_have_bounds() {
        let tags = of_header(Some("a=1&b=x%20y")).unwrap();
        assert_eq!(tags["b"], "x y");
        assert!(of_header(None).unwrap().is_empty());
        let refused = |header: &str| of_header(Some(header)).is_err();
        let many = |count: usize| {
            let all: Vec<String> = (0..count).map(|at| format!("k{at}=v")).collect();
            all.join("&")
        };
        assert!(!refused(&many(OBJECT_TAGS_MAX)));
        assert!(refused(&many(OBJECT_TAGS_MAX + 1)));
        assert!(refused("a=1&a=2") && refused("=1"));
        assert!(!refused(&format!("a={}", "v".repeat(TAG_VALUE_MAX))));
        assert!(refused(&format!("a={}", "v".repeat(TAG_VALUE_MAX + 1))));
        assert!(refused(&format!("{}=v", "k".repeat(TAG_KEY_MAX + 1))));
    }
}
