//! AWS JSON to calls, answers back: SageMaker's control plane, Application Auto Scaling, and
//! `CloudWatch` for the clients that speak JSON to it.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use super::calls::CallRecord;
use super::engine::Engine;
use super::http::{header_text, region, small, typed};
use crate::limits::CALL_LOG_BODY_BYTES_MAX;
use crate::resource::call::{Answer, Call, OpError, Scope};
use crate::world::World;

const CONTENT_TYPE: &str = "application/x-amz-json-1.1";
/// What stands before an operation's name in `X-Amz-Target`, and whose it is.
const TARGETS: &[(&str, &str)] = &[
    ("SageMaker.", "sagemaker"),
    ("AnyScaleFrontendService.", "application-autoscaling"),
    ("GraniteServiceVersion20100801.", "cloudwatch"),
];

/// An operation that is asked for.
pub(super) struct Asked {
    /// Whose it is.
    pub(super) service: &'static str,
    /// Its name.
    pub(super) op: &'static str,
    /// Bytes of the request.
    pub(super) size: usize,
}

/// Answers a request with an `X-Amz-Target` header.
pub(super) async fn answer(engine: &Arc<Engine>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let target = header_text(&parts.headers, "x-amz-target");
    let found = TARGETS.iter().find_map(|(prefix, service)| {
        let op = World::operation_of(service, target.strip_prefix(prefix)?)?;
        Some((*service, op))
    });
    let Some((service, op)) = found else {
        return unsupported(target);
    };
    let Some(bytes) = small(body).await else {
        return error("RequestEntityTooLarge", "the request's body is too long");
    };
    let empty = bytes.is_empty();
    let body = match serde_json::from_slice::<Value>(&bytes) {
        Ok(body @ Value::Object(_)) => body,
        Err(_) if empty => json!({}),
        Ok(_) | Err(_) => {
            return error(
                "SerializationException",
                "the request's body is not a JSON object",
            );
        }
    };
    let asked = Asked {
        service,
        op,
        size: bytes.len(),
    };
    match ask(engine, &parts.headers, asked, body) {
        Ok(Value::Null) => typed(StatusCode::OK, CONTENT_TYPE, "{}"),
        Ok(value) => typed(StatusCode::OK, CONTENT_TYPE, value.to_string()),
        Err(OpError { code, message, .. }) => error(&code, &message),
    }
}

/// Asks the world, and remembers that it was asked.
pub(super) fn ask(engine: &Arc<Engine>, headers: &HeaderMap, asked: Asked, body: Value) -> Answer {
    let scope = Scope {
        account: engine.account().to_owned(),
        region: region(headers).to_owned(),
    };
    let kept = (asked.size <= CALL_LOG_BODY_BYTES_MAX).then(|| body.clone());
    let call = Call::new(asked.op, &scope, body);
    let answer = engine.call(&call);
    engine.calls.push(CallRecord {
        at: engine.now(),
        service: asked.service.to_owned(),
        op: asked.op.rsplit(':').next().unwrap_or(asked.op).to_owned(),
        region: scope.region,
        request: kept,
        error: answer.as_ref().err().map(|error| error.code.clone()),
        mutates: call.mutates(),
        ..CallRecord::default()
    });
    answer
}

/// Refuses an operation that is not modelled, by its name.
pub(super) fn unsupported(target: &str) -> Response {
    let words = format!("the local SageMaker does not support {target}");
    error("UnsupportedOperation", &words)
}

/// The HTTP status of an error.
pub(super) fn status(code: &str) -> StatusCode {
    match code {
        "InternalFailure" | "InternalServerError" => StatusCode::INTERNAL_SERVER_ERROR,
        "ServiceUnavailable" => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    }
}

fn error(code: &str, message: &str) -> Response {
    let status = status(code);
    // Modelled errors carry `Message`, others `message`: clients accept either.
    let body = json!({"__type": code, "message": message, "Message": message});
    let mut response = typed(status, CONTENT_TYPE, body.to_string());
    if let Ok(code) = HeaderValue::from_str(code) {
        response.headers_mut().insert("x-amzn-errortype", code);
    }
    response
}
