//! Whom a bucket tells of what happens in it, and what there is to tell.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Object;
use crate::clock::Timestamp;

/// Whom a bucket tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notifications {
    /// Queues and topics.
    pub rules: Vec<Rule>,
    /// Whether the rules of EventBridge are told of everything.
    pub event_bridge: bool,
}

/// One queue or topic, and what it is told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Its id in the configuration.
    pub id: String,
    /// The ARN of the queue or the topic.
    pub to: String,
    /// Such as `s3:ObjectCreated:*`.
    pub events: Vec<String>,
    /// What keys start with.
    pub prefix: Option<String>,
    /// What keys end with.
    pub suffix: Option<String>,
}

impl Notifications {
    /// Whether nobody is told of anything.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && !self.event_bridge
    }
}

impl Rule {
    /// Whether it is for what happened to a key.
    pub(in crate::world) fn hears(&self, what: Happened, key: &str) -> bool {
        self.events.iter().any(|event| covers(event, what.event()))
            && key.starts_with(self.prefix.as_deref().unwrap_or_default())
            && key.ends_with(self.suffix.as_deref().unwrap_or_default())
    }

    /// Whether something could happen that both are for.
    pub(in crate::world) fn overlaps(&self, other: &Self) -> bool {
        let alike = |one: &String| {
            let mut others = other.events.iter();
            others.any(|event| covers(event, one) || covers(one, event))
        };
        let start = |rule: &Self| rule.prefix.clone().unwrap_or_default();
        let end = |rule: &Self| rule.suffix.clone().unwrap_or_default();
        let (starts, ends) = ((start(self), start(other)), (end(self), end(other)));
        self.events.iter().any(alike)
            && (starts.0.starts_with(&starts.1) || starts.1.starts_with(&starts.0))
            && (ends.0.ends_with(&ends.1) || ends.1.ends_with(&ends.0))
    }
}

/// Whether an event is one of those that a name, perhaps with `*` at its end, stands for.
fn covers(name: &str, event: &str) -> bool {
    match name.strip_suffix('*') {
        Some(start) => event.starts_with(start),
        None => name == event,
    }
}

/// What may happen to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happened {
    /// It was written.
    Put,
    /// It was copied from another.
    Copy,
    /// It was put together of parts.
    CompleteMultipartUpload,
    /// It is gone, or a version of it.
    Delete,
    /// A delete marker hides it.
    DeleteMarkerCreated,
}

impl Happened {
    /// The event's name in configurations; in records `s3:` is left out.
    pub(in crate::world) fn event(self) -> &'static str {
        match self {
            Self::Put => "s3:ObjectCreated:Put",
            Self::Copy => "s3:ObjectCreated:Copy",
            Self::CompleteMultipartUpload => "s3:ObjectCreated:CompleteMultipartUpload",
            Self::Delete => "s3:ObjectRemoved:Delete",
            Self::DeleteMarkerCreated => "s3:ObjectRemoved:DeleteMarkerCreated",
        }
    }

    /// The operation that it came of, as EventBridge is told.
    pub(in crate::world) fn reason(self) -> &'static str {
        match self {
            Self::Put => "PutObject",
            Self::Copy => "CopyObject",
            Self::CompleteMultipartUpload => "CompleteMultipartUpload",
            Self::Delete | Self::DeleteMarkerCreated => "DeleteObject",
        }
    }
}

/// Something that happened to an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::world) struct Change {
    pub(in crate::world) what: Happened,
    pub(in crate::world) bucket: String,
    pub(in crate::world) key: String,
    /// Of the object or the marker, where there are versions.
    pub(in crate::world) version: Option<String>,
    /// What is there now.
    pub(in crate::world) object: Option<Arc<Object>>,
    /// Its place among all changes.
    pub(in crate::world) number: u64,
    pub(in crate::world) at: Timestamp,
}

impl Change {
    /// A deletion.
    pub(super) fn gone(
        (bucket, key): (&str, &str),
        version: Option<String>,
        number: u64,
        at: Timestamp,
    ) -> Self {
        Self {
            what: Happened::Delete,
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            version,
            object: None,
            number,
            at,
        }
    }

    /// In S3's form: of two changes of one key the later one has the greater one.
    pub(in crate::world) fn sequencer(&self) -> String {
        format!("{:018X}", self.number)
    }
}
