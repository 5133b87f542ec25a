//! A request inside the service, a refusal, and small readers of JSON.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::resource::call::{OpError, Scope};

/// A checked request.
#[derive(Clone)]
pub(super) struct Request<'a> {
    /// The operation.
    pub(super) op: &'static str,
    /// The caller's account and region.
    pub(super) scope: &'a Scope,
    /// The body, without nulls and unknown members: the caller's own, where it has none.
    pub(super) body: Cow<'a, Map<String, Value>>,
    /// When.
    pub(super) now: Timestamp,
}

impl Request<'_> {
    /// A member that is a string, or "".
    pub(super) fn text(&self, name: &str) -> &str {
        self.body.get(name).and_then(Value::as_str).unwrap_or("")
    }

    /// A member.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.body.get(name)
    }

    /// Elements of a member that is a list; none if it is absent.
    pub(super) fn items(&self, name: &str) -> &[Value] {
        self.get(name)
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }

    /// The whole body, to make something of.
    pub(super) fn object(&self) -> Value {
        Value::Object(Map::clone(&self.body))
    }
}

/// Why the service refuses: its code and its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// Such as `ValidationException`.
    pub(super) code: Cow<'static, str>,
    /// The text that clients match on.
    pub(super) message: String,
}

impl Refusal {
    /// A refusal with its own code.
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code: Cow::Borrowed(code),
            message: message.into(),
        }
    }

    /// A `ValidationException`, the code of nearly everything.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new("ValidationException", message)
    }

    /// As the caller sees it.
    pub(super) fn error(self, op: &str) -> OpError {
        OpError::refused(op, self.code, self.message)
    }
}

/// An answer inside the service.
pub(super) type Reply = Result<Value, Refusal>;

/// A member of an object that is a string, or "".
pub(super) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or("")
}

/// Elements of a member that is a list; none if it is absent.
pub(super) fn items<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value
        .get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// Those of the members of an object that it has.
pub(super) fn picked(value: &Value, members: &[&str]) -> Map<String, Value> {
    let found = members.iter();
    let found = found.filter_map(|name| Some(((*name).to_owned(), value.get(name)?.clone())));
    found.collect()
}

/// Seconds since the epoch as the service writes them: a number with milliseconds.
#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds since 1970 are far below 2^53"
)]
pub(super) fn epoch(at: Timestamp) -> Value {
    Value::from(at.as_millisecond() as f64 / 1000.0)
}

/// Sets `member` where the request said nothing.
pub(super) fn default(object: &mut Value, member: &str, value: impl Into<Value>) {
    if let Some(object) = object.as_object_mut() {
        object
            .entry(member.to_owned())
            .or_insert_with(|| value.into());
    }
}

/// The first `most` characters: the service cuts reasons at its own limits.
pub(super) fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}
