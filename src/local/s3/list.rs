//! Lists of objects and of versions.

use std::sync::Arc;

use data_encoding::HEXLOWER;
use s3s::dto::{
    CommonPrefix, DeleteMarkerEntry, EncodingType, ListObjectVersionsInput,
    ListObjectVersionsOutput, ListObjectsInput, ListObjectsOutput, ListObjectsV2Input,
    ListObjectsV2Output, ObjectVersion,
};
use s3s::{S3Request, S3Result, s3_error};

use super::{Backend, etag, refused, timestamp};
use crate::world::key_of_url;
use crate::world::objects::{ListedVersion, Listing, Object, Version, Wanted};

/// Names on one page (S3's own figure).
const MAX_KEYS: i32 = 1000;

/// How keys are written in an answer.
#[derive(Clone, Copy)]
pub(super) struct Spelling(bool);

impl Spelling {
    /// As the request asks for.
    pub(super) fn asked(encoding: Option<&EncodingType>) -> S3Result<Self> {
        match encoding.map(EncodingType::as_str) {
            None => Ok(Self(false)),
            Some(EncodingType::URL) => Ok(Self(true)),
            Some(_) => Err(s3_error!(
                InvalidArgument,
                "Invalid Encoding Method specified in Request"
            )),
        }
    }

    /// What the answer says of it.
    pub(super) fn told(self) -> Option<EncodingType> {
        self.0.then(|| EncodingType::from_static(EncodingType::URL))
    }

    pub(super) fn of(self, text: &str) -> String {
        if self.0 {
            key_of_url(text)
        } else {
            text.to_owned()
        }
    }

    fn maybe(self, text: Option<String>) -> Option<String> {
        text.map(|text| self.of(&text))
    }

    pub(super) fn prefixes(self, found: &[String]) -> Option<Vec<CommonPrefix>> {
        let each = |prefix: &String| CommonPrefix {
            prefix: Some(self.of(prefix)),
        };
        (!found.is_empty()).then(|| found.iter().map(each).collect())
    }

    fn contents(self, found: &[(String, Arc<Object>)]) -> Vec<s3s::dto::Object> {
        let each = |(key, object): &(String, Arc<Object>)| s3s::dto::Object {
            key: Some(self.of(key)),
            size: i64::try_from(object.size).ok(),
            e_tag: Some(etag(object)),
            last_modified: Some(timestamp(object.modified)),
            ..s3s::dto::Object::default()
        };
        found.iter().map(each).collect()
    }
}

/// How many a page may have, of how many are asked for.
pub(super) fn size(asked: Option<i32>) -> S3Result<usize> {
    let asked = asked.unwrap_or(MAX_KEYS).min(MAX_KEYS);
    usize::try_from(asked).map_err(|_| {
        s3_error!(
            InvalidArgument,
            "Argument maxKeys must be an integer between 0 and 2147483647"
        )
    })
}

#[expect(clippy::unused_async, reason = "all operations have the trait's shape")]
impl Backend {
    pub(super) async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<ListObjectsV2Output> {
        let input = request.input;
        let spelling = Spelling::asked(input.encoding_type.as_ref())?;
        let after = match (&input.continuation_token, &input.start_after) {
            (Some(token), _) => HEXLOWER
                .decode(token.as_bytes())
                .ok()
                .and_then(|bytes| String::from_utf8(bytes).ok())
                .ok_or_else(|| s3_error!(InvalidArgument, "The continuation token is incorrect"))?,
            (None, Some(after)) => after.clone(),
            (None, None) => String::new(),
        };
        let wanted = wanted(
            input.prefix.as_deref(),
            input.delimiter.as_deref(),
            input.max_keys,
        )?;
        let page = self.page(&input.bucket, &wanted, &after)?;
        let count = page.objects.len() + page.common_prefixes.len();
        Ok(ListObjectsV2Output {
            is_truncated: Some(page.next.is_some()),
            next_continuation_token: page.next.map(|next| HEXLOWER.encode(next.as_bytes())),
            key_count: Some(i32::try_from(count).unwrap_or(i32::MAX)),
            contents: Some(spelling.contents(&page.objects)),
            common_prefixes: spelling.prefixes(&page.common_prefixes),
            name: Some(input.bucket),
            prefix: spelling.maybe(input.prefix),
            delimiter: spelling.maybe(input.delimiter),
            max_keys: input.max_keys.or(Some(MAX_KEYS)),
            continuation_token: input.continuation_token,
            start_after: spelling.maybe(input.start_after),
            encoding_type: spelling.told(),
            ..ListObjectsV2Output::default()
        })
    }

    pub(super) async fn list_objects(
        &self,
        request: S3Request<ListObjectsInput>,
    ) -> S3Result<ListObjectsOutput> {
        let input = request.input;
        let spelling = Spelling::asked(input.encoding_type.as_ref())?;
        let wanted = wanted(
            input.prefix.as_deref(),
            input.delimiter.as_deref(),
            input.max_keys,
        )?;
        let page = self.page(
            &input.bucket,
            &wanted,
            input.marker.as_deref().unwrap_or_default(),
        )?;
        // Without a delimiter the last key is the marker, and it is not said again.
        let next = page.next.clone().filter(|_| input.delimiter.is_some());
        Ok(ListObjectsOutput {
            is_truncated: Some(page.next.is_some()),
            next_marker: spelling.maybe(next),
            contents: Some(spelling.contents(&page.objects)),
            common_prefixes: spelling.prefixes(&page.common_prefixes),
            name: Some(input.bucket),
            prefix: spelling.maybe(input.prefix),
            delimiter: spelling.maybe(input.delimiter),
            max_keys: input.max_keys.or(Some(MAX_KEYS)),
            marker: spelling.maybe(input.marker),
            encoding_type: spelling.told(),
            ..ListObjectsOutput::default()
        })
    }

    fn page(&self, bucket: &str, wanted: &Wanted<'_>, after: &str) -> S3Result<Listing> {
        let after = Some(after).filter(|after| !after.is_empty());
        self.engine
            .with_objects(|objects| objects.list(bucket, wanted, after))
            .map_err(refused)
    }

    pub(super) async fn list_object_versions(
        &self,
        request: S3Request<ListObjectVersionsInput>,
    ) -> S3Result<ListObjectVersionsOutput> {
        let input = request.input;
        let spelling = Spelling::asked(input.encoding_type.as_ref())?;
        let wanted = wanted(
            input.prefix.as_deref(),
            input.delimiter.as_deref(),
            input.max_keys,
        )?;
        if input.version_id_marker.is_some() && input.key_marker.is_none() {
            return Err(s3_error!(
                InvalidArgument,
                "A version-id marker cannot be specified without a key marker."
            ));
        }
        let key_marker = input.key_marker.as_deref().filter(|key| !key.is_empty());
        let after = key_marker.map(|key| (key, input.version_id_marker.as_deref()));
        let page = self
            .engine
            .with_objects(|objects| objects.list_versions(&input.bucket, &wanted, after))
            .map_err(refused)?;
        let (objects, markers) = told_apart(&page.versions, spelling);
        let next = page.next.as_ref();
        Ok(ListObjectVersionsOutput {
            is_truncated: Some(next.is_some()),
            next_key_marker: next.map(|(key, _)| spelling.of(key)),
            next_version_id_marker: next.map(|(_, id)| id.clone()).filter(|id| !id.is_empty()),
            versions: (!objects.is_empty()).then_some(objects),
            delete_markers: (!markers.is_empty()).then_some(markers),
            common_prefixes: spelling.prefixes(&page.common_prefixes),
            name: Some(input.bucket),
            prefix: spelling.maybe(input.prefix),
            delimiter: spelling.maybe(input.delimiter),
            max_keys: input.max_keys.or(Some(MAX_KEYS)),
            key_marker: spelling.maybe(input.key_marker),
            version_id_marker: input.version_id_marker,
            encoding_type: spelling.told(),
            ..ListObjectVersionsOutput::default()
        })
    }
}

/// What a request asks a list of.
fn wanted<'a>(
    prefix: Option<&'a str>,
    delimiter: Option<&'a str>,
    max_keys: Option<i32>,
) -> S3Result<Wanted<'a>> {
    Ok(Wanted {
        prefix: prefix.unwrap_or_default(),
        delimiter,
        max: size(max_keys)?,
    })
}

/// The objects and the delete markers of a page.
fn told_apart(
    found: &[ListedVersion],
    spelling: Spelling,
) -> (Vec<ObjectVersion>, Vec<DeleteMarkerEntry>) {
    let (mut objects, mut markers) = (Vec::new(), Vec::new());
    for one in found {
        let (key, id) = (Some(spelling.of(&one.key)), one.version.id().to_owned());
        match &one.version {
            Version::Object(object) => objects.push(ObjectVersion {
                key,
                version_id: Some(id),
                is_latest: Some(one.latest),
                size: i64::try_from(object.size).ok(),
                e_tag: Some(etag(object)),
                last_modified: Some(timestamp(object.modified)),
                ..ObjectVersion::default()
            }),
            Version::Marker(marker) => markers.push(DeleteMarkerEntry {
                key,
                version_id: Some(id),
                is_latest: Some(one.latest),
                last_modified: Some(timestamp(marker.modified)),
                ..DeleteMarkerEntry::default()
            }),
        }
    }
    (objects, markers)
}
