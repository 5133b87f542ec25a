//! `CloudWatch` over CBOR, which is what the newer SDKs speak to it. JSON comes in through
//! [`super::control`], like SageMaker's.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use super::cbor::{self, Kind};
use super::control::{self, Asked};
use super::engine::Engine;
use super::http::{small, typed};
use crate::resource::call::Answer;
use crate::world::World;

const PREFIX: &str = "/service/GraniteServiceVersion20100801/operation/";
const CONTENT_TYPE: &str = "application/cbor";

/// Answers a request of the protocol.
pub(super) async fn answer(engine: &Arc<Engine>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    let name = path.strip_prefix(PREFIX).unwrap_or_default();
    let Some(op) = World::operation_of("cloudwatch", name) else {
        return refusal(
            "UnsupportedOperation",
            &format!("the local SageMaker does not support {path}"),
        );
    };
    let Some(bytes) = small(body).await else {
        return refusal("RequestEntityTooLarge", "the request's body is too long");
    };
    let body = if bytes.is_empty() {
        Some(json!({}))
    } else {
        cbor::read(&bytes).filter(Value::is_object)
    };
    let Some(body) = body else {
        return refusal("SerializationException", "the request's body is not a map");
    };
    let asked = Asked {
        service: "cloudwatch",
        op,
        size: bytes.len(),
    };
    written(control::ask(engine, &parts.headers, asked, body))
}

fn written(answer: Answer) -> Response {
    match answer {
        Ok(body) => respond(StatusCode::OK, &body),
        Err(error) => refusal(&error.code, &error.message),
    }
}

fn refusal(code: &str, message: &str) -> Response {
    let body = json!({"__type": code, "message": message});
    let mut response = respond(control::status(code), &body);
    if let Ok(code) = HeaderValue::from_str(&format!("{code};Sender")) {
        response.headers_mut().insert("x-amzn-query-error", code);
    }
    response
}

fn respond(status: StatusCode, body: &Value) -> Response {
    let mut response = typed(status, CONTENT_TYPE, cbor::write(body, kind));
    let protocol = HeaderValue::from_static("rpc-v2-cbor");
    response.headers_mut().insert("smithy-protocol", protocol);
    response
}

/// What a member of an alarm is, where JSON does not tell.
fn kind(member: &str) -> Kind {
    match member {
        "Threshold" => Kind::Float,
        name if name.ends_with("Timestamp") => Kind::Time,
        _ => Kind::Plain,
    }
}
