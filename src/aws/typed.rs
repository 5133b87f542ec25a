//! What the services share that are spoken to through the SDK's typed builders, because their
//! protocols are not JSON.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::answer::{self, Failure};
use super::exchange::Exchange;
use crate::resource::call::{Call, OpError};
use crate::resource::error::Class;

/// Sends a request of a typed builder; its answer, or the service's refusal as `refused` reads it.
macro_rules! sent {
    ($request:expr, $call:expr, $exchange:expr) => {
        sent!($request, $call, $exchange, $crate::aws::typed::refused)
    };
    ($request:expr, $call:expr, $exchange:expr, $refused:path) => {
        $request
            .customize()
            .interceptor($exchange.clone())
            .send()
            .await
            .map_err(|error| $refused($call, $exchange, &error))
    };
}

pub(super) use sent;

/// A tag, as it is in a call's body.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct TagPair {
    pub(super) key: String,
    pub(super) value: String,
}

/// Tags, as they are in an answer.
pub(super) fn tag_list<T: Serialize>(tags: impl Iterator<Item = (T, T)>) -> Value {
    let tags: Value = tags
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect();
    json!({"Tags": tags})
}

/// Reads a call's body. A member that is not known is an error: it would not be sent.
pub(super) fn parse<T: DeserializeOwned>(call: &Call) -> Result<T, OpError> {
    T::deserialize(&call.body).map_err(|error| invalid(call, error.to_string()))
}

/// A call that cannot be sent as it is.
pub(super) fn invalid(call: &Call, message: impl Into<String>) -> OpError {
    answer::own(call.op, Class::Invalid, "InvalidCall", message)
}

/// The service's refusal, or why there is no answer.
pub(super) fn refused<E>(
    call: &Call,
    exchange: &Exchange,
    error: &SdkError<E, HttpResponse>,
) -> OpError
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    let SdkError::ServiceError(refusal) = error else {
        return answer::unanswered(call.op, exchange.stage(), Failure::of(error));
    };
    let status = refusal.raw().status().as_u16();
    let message = refusal.err().message().unwrap_or_default();
    answer::refused(call.op, status, refusal.err().code(), message)
}

/// An object of the members that are there.
pub(super) fn members<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    let present = members
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(present.collect::<Map<_, _>>())
}

/// A text, if there is one.
pub(super) fn text(value: Option<&str>) -> Option<Value> {
    value.map(Value::from)
}
