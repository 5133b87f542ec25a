//! What an answer, or the lack of one, means.

use std::error::Error;
use std::fmt::Write as _;
use std::time::Duration;

use aws_smithy_runtime_api::client::endpoint::error::ResolveEndpointError;
use serde_json::{Map, Value};

use super::exchange::{Received, Stage};
use crate::resource::call::{Answer, OpError, Sent};
use crate::resource::error::Class;

/// Characters of a body without a message that are repeated in the error.
const EXCERPT_CHARS_MAX: usize = 200;

/// Reads SageMaker's answer.
pub(super) fn read(op: &str, received: &Received) -> Answer {
    if (200..300).contains(&received.status) {
        return success(op, &received.body);
    }
    let body = serde_json::from_slice(&received.body).unwrap_or(Value::Null);
    let text = |names: &[&str]| {
        let found = names.iter().find_map(|name| body[name].as_str());
        found.map(str::to_owned)
    };
    // The header wins: it is there where the body is not the service's own.
    let code = received
        .error_type
        .clone()
        .or_else(|| text(&["__type", "code", "Code"]));
    let message = text(&["message", "Message", "errorMessage"]);
    Err(refused(
        op,
        received.status,
        code.as_deref().map(bare_code),
        &message.unwrap_or_else(|| excerpt(&received.body)),
    ))
}

fn success(op: &str, body: &[u8]) -> Answer {
    // Operations without output answer with nothing at all.
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Object(Map::new()));
    }
    match serde_json::from_slice(body) {
        Ok(value @ Value::Object(_)) => Ok(value),
        // It was carried out, as far as one can tell.
        Ok(_) => Err(OpError::lost(op, "the answer is not a JSON object")),
        Err(error) => Err(OpError::lost(
            op,
            format!("the answer cannot be read: {error}"),
        )),
    }
}

/// The error for a status and what the service says of it. Where code and text say nothing, the
/// status does.
pub(super) fn refused(op: &str, status: u16, code: Option<&str>, message: &str) -> OpError {
    let code = code.filter(|code| !code.is_empty());
    let mut error = OpError::refused(
        op,
        code.map_or_else(|| format!("Http{status}"), str::to_owned),
        message,
    );
    if status >= 500 && error.class != Class::Throttled {
        // Whatever a server says while it fails, what it did is unknown.
        error.class = Class::Transient;
        error.sent = Sent::Maybe;
    } else if error.class == Class::Unknown {
        error.class = match status {
            401 | 403 => Class::Denied,
            429 => Class::Throttled,
            _ => Class::Unknown,
        };
    }
    error
}

/// `aws.protocol#Code:http://…` is `Code`.
fn bare_code(code: &str) -> &str {
    let code = code.split(':').next().unwrap_or(code);
    code.rsplit('#').next().unwrap_or(code).trim()
}

fn excerpt(body: &[u8]) -> String {
    String::from_utf8_lossy(body)
        .trim()
        .chars()
        .take(EXCERPT_CHARS_MAX)
        .collect()
}

/// An error that this room found itself, before anything was sent.
pub(super) fn own(op: &str, class: Class, code: &str, message: impl Into<String>) -> OpError {
    OpError {
        op: op.to_owned(),
        class,
        code: code.to_owned(),
        message: message.into(),
        sent: Sent::No,
    }
}

/// Why there is no answer.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    message: String,
    cause: Cause,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// No connection came about.
    Connection,
    /// No address.
    Endpoint,
    Other,
}

impl Failure {
    /// What the SDK reports, the whole chain in one line.
    pub(super) fn of(error: &(dyn Error + 'static)) -> Self {
        let mut failure = Self {
            message: error.to_string(),
            cause: Cause::Other,
        };
        let mut link = Some(error);
        while let Some(error) = link {
            if let Some(cause) = cause(error) {
                failure.cause = cause;
            }
            link = error.source();
            if let Some(source) = link {
                write!(failure.message, ": {source}").expect("a string takes all");
            }
        }
        failure
    }

    /// What happened, in one line.
    pub(super) fn message(self) -> String {
        self.message
    }

    /// The deadline passed.
    pub(super) fn late(deadline: Duration) -> Self {
        Self {
            message: format!("no answer within {deadline:?}"),
            cause: Cause::Other,
        }
    }

    /// An answer came, but not to its end.
    pub(super) fn unread() -> Self {
        Self {
            message: "the answer was not read to its end".to_owned(),
            cause: Cause::Other,
        }
    }
}

fn cause(error: &(dyn Error + 'static)) -> Option<Cause> {
    if error.is::<ResolveEndpointError>() {
        return Some(Cause::Endpoint);
    }
    let connecting = error
        .downcast_ref::<hyper_util::client::legacy::Error>()
        .is_some_and(hyper_util::client::legacy::Error::is_connect);
    connecting.then_some(Cause::Connection)
}

/// The error of a call that came as far as `stage` and got no answer.
pub(super) fn unanswered(op: &str, stage: Stage, failure: Failure) -> OpError {
    let (class, code) = match (stage, failure.cause) {
        (Stage::Sent, Cause::Connection) => (Class::Transient, "CannotConnect"),
        (Stage::Sent, _) => return OpError::lost(op, failure.message),
        (_, Cause::Endpoint) => (Class::Invalid, "NotSent"),
        (Stage::Authorizing, _) => (Class::Denied, "NoCredentials"),
        (Stage::Preparing | Stage::Signing, _) => (Class::Invalid, "NotSent"),
    };
    own(op, class, code, failure.message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(status: u16, header: Option<&str>, body: &str) -> Answer {
        read(
            "CreateEndpoint",
            &Received {
                status,
                error_type: header.map(str::to_owned),
                body: body.as_bytes().to_vec(),
            },
        )
    }

    fn check_error(status: u16, header: Option<&str>, body: &str) -> (String, Class, Sent, String) {
        let error = check(status, header, body).unwrap_err();
        (error.code, error.class, error.sent, error.message)
    }

    #[test]
    fn codes_come_from_the_header_or_the_body() {
        let body = r#"{"__type":"aws.sagemaker#ResourceInUse:http://x","Message":"there is one"}"#;
        assert_eq!(
            check_error(400, None, body),
            (
                "ResourceInUse".into(),
                Class::AlreadyExists,
                Sent::No,
                "there is one".into()
            )
        );
        let (code, class, ..) = check_error(400, Some("ThrottlingException:http://y"), body);
        assert_eq!(
            (code.as_str(), class),
            ("ThrottlingException", Class::Throttled)
        );
        let (code, ..) = check_error(400, None, r#"{"code":"ValidationException"}"#);
        assert_eq!(code, "ValidationException");
    }

    #[test]
    fn the_status_decides_where_nothing_else_does() {
        for (status, class, sent) in [
            (403, Class::Denied, Sent::No),
            (429, Class::Throttled, Sent::No),
            (400, Class::Unknown, Sent::No),
            (502, Class::Transient, Sent::Maybe),
        ] {
            let (code, found, told, message) = check_error(status, None, "<html>proxy</html>");
            assert_eq!((found, told), (class, sent), "{status}");
            assert_eq!(
                (code, message.as_str()),
                (format!("Http{status}"), "<html>proxy</html>")
            );
        }
        // A failing server's texts are not taken at their word, but "slow down" is.
        let (_, class, sent, _) = check_error(500, None, r#"{"__type":"ValidationException"}"#);
        assert_eq!((class, sent), (Class::Transient, Sent::Maybe));
        let (_, class, sent, _) = check_error(503, None, r#"{"__type":"ThrottlingException"}"#);
        assert_eq!((class, sent), (Class::Throttled, Sent::No));
    }

    #[test]
    fn what_was_answered_passes_whole_or_counts_as_lost() {
        assert_eq!(check(200, None, " \n").unwrap(), json!({}));
        assert_eq!(
            check(200, None, r#"{"New":[1.5]}"#).unwrap(),
            json!({"New": [1.5]})
        );
        for body in ["[]", r#"{"a":"#, "<html>"] {
            let error = check(200, None, body).unwrap_err();
            assert_eq!(
                (error.code.as_str(), error.sent),
                ("NoAnswer", Sent::Maybe),
                "{body}"
            );
        }
    }

    #[test]
    fn how_far_it_came_tells_whether_it_was_sent() {
        let check = |stage, cause, code, class, sent| {
            let failure = Failure {
                message: "m".into(),
                cause,
            };
            let error = unanswered("DeleteModel", stage, failure);
            assert_eq!(
                (error.code.as_str(), error.class, error.sent),
                (code, class, sent)
            );
        };
        check(
            Stage::Sent,
            Cause::Other,
            "NoAnswer",
            Class::Transient,
            Sent::Maybe,
        );
        check(
            Stage::Sent,
            Cause::Connection,
            "CannotConnect",
            Class::Transient,
            Sent::No,
        );
        check(
            Stage::Authorizing,
            Cause::Other,
            "NoCredentials",
            Class::Denied,
            Sent::No,
        );
        check(
            Stage::Authorizing,
            Cause::Endpoint,
            "NotSent",
            Class::Invalid,
            Sent::No,
        );
        check(
            Stage::Preparing,
            Cause::Other,
            "NotSent",
            Class::Invalid,
            Sent::No,
        );
    }
}
