//! What is told, in S3's record (its version 2.1) and in the event of EventBridge.

use serde_json::{Value, json};

use crate::clock::Timestamp;
use crate::resource::call::Scope;
use crate::world::encode::{key_of_url, letters};
use crate::world::objects::notifications::{Change, Happened};

/// The entity tag of no bytes, which is a delete marker's.
const EMPTY_TAG: &str = "d41d8cd98f00b204e9800998ecf8427e";

/// What queues and topics are told when a configuration names them.
pub(super) fn test(bucket: &str, now: Timestamp) -> Value {
    json!({
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": instant(now),
        "Bucket": bucket,
        "RequestId": request_id(&format!("{bucket}/{now}")),
        "HostId": "local",
    })
}

/// What a rule tells of a change.
pub(super) fn of(change: &Change, owner: &Scope, rule: &str) -> Value {
    let event = change.what.event();
    json!({
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": owner.region,
        "eventTime": instant(change.at),
        "eventName": event.strip_prefix("s3:").unwrap_or(event),
        "userIdentity": {"principalId": format!("AWS:{}", owner.account)},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {
            "x-amz-request-id": request_id(&change.sequencer()),
            "x-amz-id-2": "local",
        },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": rule,
            "bucket": {
                "name": change.bucket,
                "ownerIdentity": {"principalId": owner.account},
                "arn": arn(&change.bucket, owner),
            },
            "object": object(change),
        },
    })
}

fn object(change: &Change) -> Value {
    let key = key_of_url(&change.key).replace("%20", "+");
    let mut told = json!({"key": key, "sequencer": change.sequencer()});
    if let Some(object) = &change.object {
        told["size"] = object.size.into();
        told["eTag"] = object.etag.as_str().into();
    } else if change.what == Happened::DeleteMarkerCreated {
        told["eTag"] = EMPTY_TAG.into();
    }
    if let Some(version) = &change.version {
        told["versionId"] = version.as_str().into();
    }
    told
}

/// The title and the detail of a change's event.
pub(super) fn event(change: &Change, owner: &Scope) -> (&'static str, Value) {
    let mut object = json!({"key": change.key, "sequencer": change.sequencer()});
    if let Some(version) = &change.version {
        object["version-id"] = version.as_str().into();
    }
    if let Some(found) = &change.object {
        object["size"] = found.size.into();
        object["etag"] = found.etag.as_str().into();
    } else if change.what == Happened::DeleteMarkerCreated {
        object["etag"] = EMPTY_TAG.into();
    }
    let mut detail = json!({
        "version": "0",
        "bucket": {"name": change.bucket},
        "object": object,
        "request-id": request_id(&change.sequencer()),
        "requester": owner.account,
        "source-ip-address": "127.0.0.1",
        "reason": change.what.reason(),
    });
    let title = match change.what {
        Happened::Delete => {
            detail["deletion-type"] = "Permanently Deleted".into();
            "Object Deleted"
        }
        Happened::DeleteMarkerCreated => {
            detail["deletion-type"] = "Delete Marker Created".into();
            "Object Deleted"
        }
        Happened::Put | Happened::Copy | Happened::CompleteMultipartUpload => "Object Created",
    };
    (title, detail)
}

/// The ARN of a bucket.
pub(super) fn arn(bucket: &str, owner: &Scope) -> String {
    format!("arn:{}:s3:::{bucket}", owner.partition())
}

fn instant(at: Timestamp) -> String {
    format!("{at:.3}")
}

fn request_id(seed: &str) -> String {
    letters(seed, 16).to_ascii_uppercase()
}
