//! The few operations of S3 that travel as calls: put, head, get, and creating a bucket.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::World;
use super::encode::{base64, unhex};
use super::objects::{Object, ObjectError};
use super::request::{Refusal, Reply, Request, epoch, text};
use crate::limits;
use crate::resource::call::Call;

impl From<ObjectError> for Refusal {
    fn from(error: ObjectError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl World {
    pub(super) fn put_object(&mut self, call: &Call, request: &Request<'_>) -> Reply {
        let bytes = call.blob.clone().unwrap_or_else(|| Arc::from(&[][..]));
        let mut object = Object::inline(bytes, request.now);
        object.content_type = request
            .get("ContentType")
            .and_then(Value::as_str)
            .map(str::to_owned);
        object.metadata = metadata(request);
        let object =
            self.objects
                .put_stored(place(request, "Bucket")?, place(request, "Key")?, object)?;
        Ok(json!({"ETag": quoted(&object), "ChecksumSHA256": checksum(&object)}))
    }

    pub(super) fn head_object(&self, request: &Request<'_>) -> Reply {
        let (bucket, key) = (place(request, "Bucket")?, place(request, "Key")?);
        self.objects
            .head(bucket, key)
            .map(|object| head(object))
            .ok_or_else(|| Refusal::new("NotFound", "Not Found"))
    }

    pub(super) fn get_object(&self, request: &Request<'_>) -> Reply {
        let object = self
            .objects
            .get(place(request, "Bucket")?, place(request, "Key")?)?;
        let bytes = object
            .inline
            .as_deref()
            .filter(|bytes| bytes.len() <= limits::TEXT_OBJECT_BYTES_MAX)
            .ok_or_else(|| {
                Refusal::new(
                    "EntityTooLarge",
                    format!(
                        "an object of {} bytes is not answered as text (at most {})",
                        object.size,
                        limits::TEXT_OBJECT_BYTES_MAX
                    ),
                )
            })?;
        let body = std::str::from_utf8(bytes).map_err(|_| {
            Refusal::new(
                "InvalidRequest",
                "an object that is not UTF-8 is not answered as text",
            )
        })?;
        let mut answer = head(object);
        answer["Body"] = Value::from(body);
        Ok(answer)
    }

    pub(super) fn create_bucket(&mut self, request: &Request<'_>) -> Reply {
        let bucket = place(request, "Bucket")?;
        self.objects
            .create_bucket(request.scope, bucket, request.now)?;
        Ok(json!({"Location": format!("/{bucket}")}))
    }
}

fn place<'a>(request: &'a Request<'_>, member: &str) -> Result<&'a str, Refusal> {
    Some(request.text(member))
        .filter(|text| !text.is_empty())
        .ok_or_else(|| Refusal::new("InvalidRequest", format!("{member} is missing")))
}

fn metadata(request: &Request<'_>) -> BTreeMap<String, String> {
    let Some(Value::Object(members)) = request.get("Metadata") else {
        return BTreeMap::new();
    };
    members
        .iter()
        .filter_map(|(name, value)| Some((name.to_ascii_lowercase(), value.as_str()?.to_owned())))
        .collect()
}

fn head(object: &Object) -> Value {
    let mut answer = json!({
        "ContentLength": object.size,
        "ETag": quoted(object),
        "LastModified": epoch(object.modified),
        "ChecksumSHA256": checksum(object),
    });
    if let Some(content_type) = &object.content_type {
        answer["ContentType"] = Value::from(content_type.as_str());
    }
    let metadata: Map<String, Value> = object
        .metadata
        .iter()
        .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
        .collect();
    answer["Metadata"] = Value::Object(metadata);
    answer
}

fn quoted(object: &Object) -> String {
    format!("\"{}\"", object.etag)
}

fn checksum(object: &Object) -> String {
    unhex(&object.sha256)
        .map(|digest| base64(&digest))
        .unwrap_or_default()
}

/// What the log shows of a call to S3.
pub(super) fn name(body: &Value) -> String {
    format!("{}/{}", text(body, "Bucket"), text(body, "Key"))
}
