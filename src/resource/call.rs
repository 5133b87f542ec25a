//! A call to AWS and its answer, as data.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::{Class, classify};

/// An account and a region: where a resource lives.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Scope {
    /// The account, 12 digits.
    pub account: String,
    /// The region, such as `eu-west-1`.
    pub region: String,
}

impl Scope {
    /// The partition of AWS that the region is in: `aws`, `aws-cn` or `aws-us-gov`.
    pub fn partition(&self) -> &'static str {
        if self.region.starts_with("cn-") {
            "aws-cn"
        } else if self.region.starts_with("us-gov-") {
            "aws-us-gov"
        } else {
            "aws"
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.account, self.region)
    }
}

/// One request. SageMaker's operations carry the API's own request shape, and so do those of
/// Application Auto Scaling, `CloudWatch` and SNS, except where [`super::wire`] says otherwise. S3's are `PutObject`,
/// `HeadObject` and `GetObject` with `Bucket`, `Key`, `ContentType` and `Metadata` (a map of
/// strings); the bytes of a `PutObject` travel in `blob`, and its `IfMatch` and `IfNoneMatch` are the
/// conditions under which it is made.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The operation's name in the service model, such as `CreateEndpoint`.
    pub op: &'static str,
    /// Where.
    pub scope: Scope,
    /// The request in the API's shape.
    pub body: Value,
    /// Bytes to upload.
    pub blob: Option<Arc<[u8]>>,
}

impl Call {
    /// A call without bytes.
    pub fn new(op: &'static str, scope: &Scope, body: Value) -> Self {
        Self {
            op,
            scope: scope.clone(),
            body,
            blob: None,
        }
    }

    /// Whether the call can change anything: every name that does not start as a reading one does.
    pub fn mutates(&self) -> bool {
        let name = self.op.rsplit(':').next().unwrap_or(self.op);
        !["Describe", "List", "Get", "Head", "Search"]
            .iter()
            .any(|verb| name.starts_with(verb))
    }
}

/// Whether a failed request may have reached the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sent {
    /// It was refused, or never left: nothing changed.
    No,
    /// It may have been carried out: look before anything else.
    Maybe,
}

/// A failed request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{op} failed: {code}: {message}")]
pub struct OpError {
    /// The operation.
    pub op: String,
    /// What kind of failure it is.
    pub class: Class,
    /// The service's code, such as `ValidationException`.
    pub code: String,
    /// The service's words.
    pub message: String,
    /// Whether it may have been carried out all the same.
    pub sent: Sent,
}

impl OpError {
    /// An answer of the service, classified by its code and text.
    pub fn refused(op: &str, code: impl Into<String>, message: impl Into<String>) -> Self {
        let (code, message) = (code.into(), message.into());
        let class = classify(op, &code, &message);
        let sent = if class == Class::Transient {
            Sent::Maybe
        } else {
            Sent::No
        };
        Self {
            op: op.to_owned(),
            class,
            code,
            message,
            sent,
        }
    }

    /// No answer: a time-out or a broken connection after sending.
    pub fn lost(op: &str, message: impl Into<String>) -> Self {
        Self {
            op: op.to_owned(),
            class: Class::Transient,
            code: "NoAnswer".to_owned(),
            message: message.into(),
            sent: Sent::Maybe,
        }
    }
}

/// The answer to a [`Call`]: the response in the API's shape. Timestamps are numbers, seconds since
/// the epoch. `HeadObject` answers `ContentLength`, `ETag`, `Metadata`, `VersionId`,
/// `ChecksumSHA256`, `ChecksumCRC64NVME`, `ChecksumCRC32` where known; `GetObject` adds `Body`, the
/// object as text.
pub type Answer = Result<Value, OpError>;

/// The bucket and the key of an `s3://` URI.
pub fn s3_parts(uri: &str) -> Option<(&str, &str)> {
    uri.strip_prefix("s3://")?.split_once('/')
}
