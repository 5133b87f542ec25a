//! One table that says what a failed call means.
//!
//! SageMaker answers most failures with `ValidationException` and only the text tells them apart;
//! the texts are those that the AWS controllers for Kubernetes, the Terraform provider and the
//! Python SDK match on.

use serde::{Deserialize, Serialize};

/// What a failure asks of the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Class {
    /// Slow down and come again.
    Throttled,
    /// The service failed; the outcome is unknown.
    Transient,
    /// The object does not exist.
    NotFound,
    /// An object of that name exists.
    AlreadyExists,
    /// The object is in motion or in use: wait.
    Busy,
    /// Somebody else wrote first, or has the right to write: nothing was changed.
    Overtaken,
    /// No permission.
    Denied,
    /// The feature is closed to this account.
    Unavailable,
    /// A quota is used up.
    Quota,
    /// Something the request names is not visible yet.
    NotYet,
    /// The request is wrong: repeating it cannot help.
    Invalid,
    /// None of the above.
    Unknown,
}

impl Class {
    /// Whether the same request will be refused again until a person changes something: permissions,
    /// a quota, the account, or the request itself. Coming again soon is no use; coming again now
    /// and then is, because nobody says when it was changed.
    pub fn is_final(self) -> bool {
        match self {
            Self::Denied | Self::Unavailable | Self::Quota | Self::Invalid => true,
            Self::Throttled
            | Self::Transient
            | Self::NotFound
            | Self::AlreadyExists
            | Self::Busy
            | Self::Overtaken
            | Self::NotYet
            | Self::Unknown => false,
        }
    }
}

enum Text {
    Any,
    Prefix(&'static str),
    Suffix(&'static str),
    Contains(&'static str),
}

impl Text {
    fn matches(&self, message: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Prefix(text) => message.starts_with(text),
            Self::Suffix(text) => message.ends_with(text),
            Self::Contains(text) => message.contains(text),
        }
    }
}

/// Operation prefix (empty: any), code (empty: any), text, meaning. The first match wins.
const TABLE: &[(&str, &str, Text, Class)] = &[
    ("", "ThrottlingException", Text::Any, Class::Throttled),
    ("", "Throttling", Text::Any, Class::Throttled),
    ("", "TooManyRequestsException", Text::Any, Class::Throttled),
    ("", "SlowDown", Text::Any, Class::Throttled),
    ("", "RequestLimitExceeded", Text::Any, Class::Throttled),
    ("", "Throttled", Text::Any, Class::Throttled),
    ("", "ThrottledException", Text::Any, Class::Throttled),
    ("", "", Text::Prefix("Rate exceeded"), Class::Throttled),
    ("", "InternalFailure", Text::Any, Class::Transient),
    ("", "InternalError", Text::Any, Class::Transient),
    ("", "InternalServerError", Text::Any, Class::Transient),
    ("", "InternalServiceError", Text::Any, Class::Transient),
    ("", "InternalServiceException", Text::Any, Class::Transient),
    ("", "InternalServiceFault", Text::Any, Class::Transient),
    ("", "ServiceUnavailable", Text::Any, Class::Transient),
    (
        "",
        "ServiceUnavailableException",
        Text::Any,
        Class::Transient,
    ),
    (
        "CreateMonitoringSchedule",
        "AccessDeniedException",
        Text::Any,
        Class::Unavailable,
    ),
    ("", "AccessDeniedException", Text::Any, Class::Denied),
    ("", "AccessDenied", Text::Any, Class::Denied),
    ("", "AuthorizationError", Text::Any, Class::Denied),
    ("", "UnrecognizedClientException", Text::Any, Class::Denied),
    ("", "ExpiredTokenException", Text::Any, Class::Denied),
    ("", "ExpiredToken", Text::Any, Class::Denied),
    ("", "InvalidClientTokenId", Text::Any, Class::Denied),
    ("", "InvalidAccessKeyId", Text::Any, Class::Denied),
    ("", "SignatureDoesNotMatch", Text::Any, Class::Denied),
    ("", "ResourceLimitExceeded", Text::Any, Class::Quota),
    ("", "LimitExceeded", Text::Any, Class::Quota),
    ("", "LimitExceededException", Text::Any, Class::Quota),
    ("", "LimitExceededFault", Text::Any, Class::Quota),
    ("", "TopicLimitExceeded", Text::Any, Class::Quota),
    ("", "SubscriptionLimitExceeded", Text::Any, Class::Quota),
    ("", "ResourceInUse", Text::Any, Class::AlreadyExists),
    (
        "",
        "",
        Text::Contains("already exist"),
        Class::AlreadyExists,
    ),
    ("", "ResourceNotFound", Text::Any, Class::NotFound),
    ("", "ResourceNotFoundException", Text::Any, Class::NotFound),
    ("", "ObjectNotFoundException", Text::Any, Class::NotFound),
    ("", "NotFound", Text::Any, Class::NotFound),
    ("", "NoSuchKey", Text::Any, Class::NotFound),
    ("", "NoSuchBucket", Text::Any, Class::Invalid),
    (
        "",
        "",
        Text::Prefix("Cannot update in-progress endpoint"),
        Class::Busy,
    ),
    (
        "",
        "",
        Text::Contains("Monitoring schedule in status Pending"),
        Class::Busy,
    ),
    (
        "DeleteMonitoringSchedule",
        "",
        Text::Contains("in-progress execution"),
        Class::Busy,
    ),
    ("", "PreconditionFailed", Text::Any, Class::Overtaken),
    (
        "",
        "ConditionalRequestConflict",
        Text::Any,
        Class::Overtaken,
    ),
    ("", "NoLease", Text::Any, Class::Overtaken),
    ("", "ConflictException", Text::Any, Class::Busy),
    ("", "ConcurrentUpdateException", Text::Any, Class::Busy),
    (
        "",
        "ConcurrentModificationException",
        Text::Any,
        Class::Busy,
    ),
    ("", "ConcurrentAccess", Text::Any, Class::Busy),
    (
        "",
        "FailedResourceAccessException",
        Text::Any,
        Class::NotYet,
    ),
    ("", "", Text::Prefix("Could not assume role"), Class::NotYet),
    (
        "CreateEndpoint",
        "",
        Text::Prefix("Could not find endpoint configuration"),
        Class::NotYet,
    ),
    (
        "UpdateEndpoint",
        "",
        Text::Prefix("Could not find endpoint configuration"),
        Class::NotYet,
    ),
    (
        "",
        "ValidationException",
        Text::Prefix("Could not find"),
        Class::NotFound,
    ),
    (
        "",
        "ValidationException",
        Text::Prefix("Cannot find"),
        Class::NotFound,
    ),
    (
        "",
        "ValidationException",
        Text::Suffix("does not exist."),
        Class::NotFound,
    ),
    (
        "",
        "ValidationException",
        Text::Suffix("does not exist"),
        Class::NotFound,
    ),
    (
        "DescribeTrainingJob",
        "",
        Text::Prefix("Requested resource not found"),
        Class::NotFound,
    ),
    ("", "ValidationException", Text::Any, Class::Invalid),
    ("", "ValidationError", Text::Any, Class::Invalid),
    ("", "InvalidParameterValue", Text::Any, Class::Invalid),
    ("", "InvalidParameter", Text::Any, Class::Invalid),
    ("", "InvalidParameterCombination", Text::Any, Class::Invalid),
    ("", "MissingParameter", Text::Any, Class::Invalid),
    ("", "SerializationException", Text::Any, Class::Invalid),
];

/// What a failed call means. `CreateEndpointConfig` starts with `CreateEndpoint`: operations are
/// compared whole.
pub fn classify(op: &str, code: &str, message: &str) -> Class {
    TABLE
        .iter()
        .find(|(on, with, text, _)| {
            (on.is_empty() || *on == op)
                && (with.is_empty() || *with == code)
                && text.matches(message)
        })
        .map_or(Class::Unknown, |(_, _, _, class)| *class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_decide_where_codes_do_not() {
        let check = |op, code, message, class| {
            assert_eq!(classify(op, code, message), class, "{op} {message}");
        };
        let invalid = "ValidationException";
        check(
            "DescribeEndpoint",
            invalid,
            "Could not find endpoint \"arn:x\".",
            Class::NotFound,
        );
        check(
            "UpdateEndpoint",
            invalid,
            "Could not find endpoint configuration \"arn:x\".",
            Class::NotYet,
        );
        check(
            "DescribeEndpointConfig",
            invalid,
            "Could not find endpoint configuration \"a\".",
            Class::NotFound,
        );
        check(
            "CreateModel",
            invalid,
            "Cannot create already existing model \"a\".",
            Class::AlreadyExists,
        );
        check(
            "UpdateEndpoint",
            invalid,
            "Cannot update in-progress endpoint \"a\".",
            Class::Busy,
        );
        check(
            "CreateModel",
            invalid,
            "1 validation error detected: …",
            Class::Invalid,
        );
        check(
            "DescribeModel",
            "AccessDeniedException",
            "User … is not authorized",
            Class::Denied,
        );
        check(
            "CreateMonitoringSchedule",
            "AccessDeniedException",
            "not available",
            Class::Unavailable,
        );
        check(
            "DescribePipeline",
            "ResourceNotFound",
            "Pipeline 'x' does not exist.",
            Class::NotFound,
        );
        check(
            "PutObject",
            "PreconditionFailed",
            "At least one of the pre-conditions you specified did not hold",
            Class::Overtaken,
        );
        check(
            "PutObject",
            "ConditionalRequestConflict",
            "The conditional request cannot succeed due to a conflicting operation",
            Class::Overtaken,
        );
        check("X", "SomethingNew", "?", Class::Unknown);
    }
}
