//! SageMaker's control plane: AWS JSON 1.1 to calls, answers back.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use super::calls::CallRecord;
use super::engine::Engine;
use super::http::{header_text, region, small, typed};
use crate::limits::CALL_LOG_BODY_BYTES_MAX;
use crate::resource::call::{Call, OpError, Scope};
use crate::world::World;

const CONTENT_TYPE: &str = "application/x-amz-json-1.1";
/// Operations of the world that clients reach through S3's own protocol.
const ELSEWHERE: &[&str] = &["CreateBucket", "GetObject", "HeadObject", "PutObject"];

/// Answers a request with an `X-Amz-Target` header.
pub(super) async fn answer(engine: &Arc<Engine>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let target = header_text(&parts.headers, "x-amz-target");
    let Some(op) = target
        .strip_prefix("SageMaker.")
        .and_then(World::operation)
        .filter(|op| !ELSEWHERE.contains(op))
    else {
        return unsupported(target);
    };
    let scope = Scope {
        account: engine.account().to_owned(),
        region: region(&parts.headers).to_owned(),
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
    let kept = (bytes.len() <= CALL_LOG_BODY_BYTES_MAX).then(|| body.clone());
    let call = Call::new(op, &scope, body);
    let answer = engine.call(&call);
    engine.calls.push(CallRecord {
        at: engine.now(),
        service: "sagemaker".to_owned(),
        op: op.to_owned(),
        region: scope.region,
        request: kept,
        error: answer.as_ref().err().map(|error| error.code.clone()),
        mutates: call.mutates(),
        ..CallRecord::default()
    });
    match answer {
        Ok(Value::Null) => typed(StatusCode::OK, CONTENT_TYPE, "{}"),
        Ok(value) => typed(StatusCode::OK, CONTENT_TYPE, value.to_string()),
        Err(OpError { code, message, .. }) => error(&code, &message),
    }
}

/// Refuses an operation that is not modelled, by its name.
pub(super) fn unsupported(target: &str) -> Response {
    let words = format!("the local SageMaker does not support {target}");
    error("UnsupportedOperation", &words)
}

fn error(code: &str, message: &str) -> Response {
    let status = match code {
        "InternalFailure" | "InternalServerError" => StatusCode::INTERNAL_SERVER_ERROR,
        "ServiceUnavailable" => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    };
    // Modelled errors carry `Message`, others `message`: clients accept either.
    let body = json!({"__type": code, "message": message, "Message": message});
    let mut response = typed(status, CONTENT_TYPE, body.to_string());
    if let Ok(code) = HeaderValue::from_str(code) {
        response.headers_mut().insert("x-amzn-errortype", code);
    }
    response
}
