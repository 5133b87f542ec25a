//! The few operations of S3 that travel as calls: put, head, get, and creating a bucket.

use std::collections::BTreeMap;
use std::sync::Arc;

use data_encoding::{BASE64, HEXLOWER};
use serde_json::{Map, Value, json};

use super::World;
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
        let (bucket, key) = (place(request, "Bucket")?, place(request, "Key")?);
        may_write(self.objects.head(bucket, key).map(AsRef::as_ref), request)?;
        let object = self.objects.put_stored(bucket, key, object)?;
        let mut answer = json!({"ETag": quoted(&object), "ChecksumSHA256": checksum(&object)});
        if let Some(version) = &object.version {
            answer["VersionId"] = version.as_str().into();
        }
        Ok(answer)
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

/// The conditions of a write: what compare-and-swap in S3 is made of.
fn may_write(found: Option<&Object>, request: &Request<'_>) -> Result<(), Refusal> {
    let is = |object: &Object, tag: &str| tag == "*" || tag.trim_matches('"') == object.etag;
    let (if_match, if_none_match) = (request.text("IfMatch"), request.text("IfNoneMatch"));
    let unmet = match found {
        None if !if_match.is_empty() => return Err(ObjectError::NoSuchKey.into()),
        None => false,
        Some(object) => {
            (!if_match.is_empty() && !is(object, if_match))
                || (!if_none_match.is_empty() && is(object, if_none_match))
        }
    };
    if unmet {
        let words = "At least one of the pre-conditions you specified did not hold";
        return Err(Refusal::new("PreconditionFailed", words));
    }
    Ok(())
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
    let digest = HEXLOWER.decode(object.sha256.as_bytes());
    BASE64.encode(&digest.unwrap_or_default())
}

/// What the log shows of a call to S3.
pub(super) fn name(body: &Value) -> String {
    format!("{}/{}", text(body, "Bucket"), text(body, "Key"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::resource::call::Scope;
    use crate::resource::error::Class;
    use crate::world::Pace;

    #[test]
    fn a_write_under_a_condition_is_a_compare_and_swap() {
        let mut world = World::new(Pace::simulated());
        let scope = Scope {
            account: "111122223333".to_owned(),
            region: "eu-west-1".to_owned(),
        };
        let mut put = |text: &str, condition: Option<(&str, &str)>| {
            let mut body = json!({"Bucket": "sagemaker-eu-west-1-111122223333", "Key": "k"});
            if let Some((member, tag)) = condition {
                body[member] = Value::from(tag);
            }
            let mut call = Call::new("PutObject", &scope, body);
            call.blob = Some(text.as_bytes().into());
            let answer = world.call(Timestamp::UNIX_EPOCH, &call);
            answer.map_err(|error| error.class)
        };
        let missing = put("a", Some(("IfMatch", "\"x\"")));
        assert_eq!(missing, Err(Class::NotFound), "there is none to match");
        let made = put("a", Some(("IfNoneMatch", "*"))).unwrap();
        assert_eq!(put("b", Some(("IfNoneMatch", "*"))), Err(Class::Overtaken));
        assert_eq!(put("b", Some(("IfMatch", "\"x\""))), Err(Class::Overtaken));
        let tag = made["ETag"].as_str().unwrap();
        let swapped = put("b", Some(("IfMatch", tag))).unwrap();
        assert_ne!(swapped["ETag"], made["ETag"]);
        assert_eq!(put("c", Some(("IfMatch", tag))), Err(Class::Overtaken));
        put("c", None).unwrap();
    }
}
