//! The runtime: invocations are routed to a fleet, and its answer comes back.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use super::calls::CallRecord;
use super::capture::{Invocation, Side};
use super::container::{NoReply, Reply};
use super::engine::Engine;
use super::http::{header_text, json_response, region, whole};
use crate::limits::INVOKE_BYTES_MAX;
use crate::resource::call::Scope;
use crate::world::Route;

/// Headers that are the model's business, both ways.
const PASSED: &[&str] = &[
    "content-type",
    "accept",
    "x-amzn-sagemaker-custom-attributes",
    "x-amzn-sagemaker-inference-id",
    "x-amzn-sagemaker-session-id",
    "x-amzn-sagemaker-target-model",
    "x-amzn-sagemaker-closed-session-id",
    "x-amzn-sagemaker-new-session-id",
];
const VARIANT: HeaderName = HeaderName::from_static("x-amzn-invoked-production-variant");
/// What both sides are taken for that do not say.
const CONTENT_TYPE: &str = "application/json";

/// The endpoint that a request invokes, if it does.
pub(super) fn endpoint_of<'a>(method: &Method, path: &'a str) -> Option<&'a str> {
    let name = path
        .strip_prefix("/endpoints/")?
        .strip_suffix("/invocations")?;
    (method == Method::POST && !name.is_empty() && !name.contains('/')).then_some(name)
}

/// Why an invocation has no good answer: status, code, and the members beside the message.
struct Refused {
    status: StatusCode,
    code: String,
    body: Value,
}

impl Refused {
    fn new(status: StatusCode, code: &str, message: &str) -> Self {
        Self {
            status,
            code: code.to_owned(),
            body: json!({"message": message, "Message": message}),
        }
    }

    fn response(&self) -> Response {
        let mut response = json_response(self.status, &self.body);
        if let Ok(code) = HeaderValue::from_str(&self.code) {
            response.headers_mut().insert("x-amzn-errortype", code);
        }
        response
    }
}

/// Answers an invocation.
pub(super) async fn answer(engine: &Arc<Engine>, endpoint: &str, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let scope = Scope {
        account: engine.account().to_owned(),
        region: region(&parts.headers).to_owned(),
    };
    let answer = invoke(engine, &scope, endpoint, &parts.headers, body).await;
    engine.calls.push(CallRecord {
        at: engine.now(),
        service: "sagemaker-runtime".to_owned(),
        op: "InvokeEndpoint".to_owned(),
        region: scope.region,
        name: endpoint.to_owned(),
        error: answer.as_ref().err().map(|refused| refused.code.clone()),
        ..CallRecord::default()
    });
    answer.unwrap_or_else(|refused| refused.response())
}

async fn invoke(
    engine: &Arc<Engine>,
    scope: &Scope,
    endpoint: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let body = whole(body, INVOKE_BYTES_MAX).await.ok_or_else(|| {
        let words = format!("the payload is longer than {INVOKE_BYTES_MAX} bytes");
        Refused::new(StatusCode::BAD_REQUEST, "ValidationError", &words)
    })?;
    let target = header_text(headers, "x-amzn-sagemaker-target-variant");
    let target = Some(target).filter(|name| !name.is_empty());
    let dice = engine.dice();
    let route = engine
        .with_world(|world| world.route(scope, endpoint, target, dice))
        .map_err(|error| Refused::new(StatusCode::BAD_REQUEST, &error.code, &error.message))?;
    let passed = passed(headers);
    let started = engine.now();
    let reply = engine
        .fleets
        .invoke(route.fleet, passed.clone(), body.clone());
    let shadow = route
        .shadow
        .as_ref()
        .filter(|shadow| engine.dice() < shadow.share);
    let copied = async {
        if let Some(shadow) = shadow {
            // Whatever the shadow answers, nobody gets it.
            let _reply = engine
                .fleets
                .invoke(shadow.fleet, passed.clone(), body.clone())
                .await;
        }
    };
    let (reply, ()) = tokio::join!(reply, copied);
    let reply = reply.map_err(|missing| no_reply(engine, scope, endpoint, &route, missing))?;
    if reply.status != StatusCode::OK {
        let text = String::from_utf8_lossy(&reply.body);
        return Err(model_error(
            scope,
            endpoint,
            &route,
            reply.status.as_u16(),
            &text,
        ));
    }
    if let Some(capture) = &route.capture
        && engine.dice() * 100.0 < f64::from(capture.sampling_percentage)
    {
        let event_id = engine.uuid();
        engine.captures.push(
            capture,
            &Invocation {
                endpoint,
                variant: &route.variant,
                event_id: &event_id,
                inference_id: header_text(headers, "x-amzn-sagemaker-inference-id"),
                custom_attributes: header_text(headers, "x-amzn-sagemaker-custom-attributes"),
                at: started,
                input: side(headers, &body),
                output: side(&reply.headers, &reply.body),
            },
        );
    }
    Ok(good(&route, reply))
}

fn side<'a>(headers: &'a HeaderMap, body: &'a [u8]) -> Side<'a> {
    let given = header_text(headers, "content-type");
    Side {
        content_type: if given.is_empty() {
            CONTENT_TYPE
        } else {
            given
        },
        body,
    }
}

fn passed(headers: &HeaderMap) -> HeaderMap {
    let mut kept = HeaderMap::new();
    for name in PASSED {
        if let Some(value) = headers.get(*name) {
            kept.insert(HeaderName::from_static(name), value.clone());
        }
    }
    kept
}

fn good(route: &Route, reply: Reply) -> Response {
    let mut response = Response::new(Body::from(reply.body));
    *response.headers_mut() = passed(&reply.headers);
    if let Ok(variant) = HeaderValue::from_str(&route.variant) {
        response.headers_mut().insert(VARIANT, variant);
    }
    response
}

fn no_reply(
    engine: &Engine,
    scope: &Scope,
    endpoint: &str,
    route: &Route,
    missing: NoReply,
) -> Refused {
    match missing {
        NoReply::Down => Refused::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "ServiceUnavailable",
            &format!(
                "variant {} of endpoint {endpoint} of account {} is not up",
                route.variant,
                engine.account()
            ),
        ),
        NoReply::Late => {
            let words = "Your invocation timed out while waiting for a response from container \
                         primary.";
            model_error(scope, endpoint, route, 0, words)
        }
        NoReply::Broken => {
            let words = "the serving process closed the connection, or its answer was too long";
            model_error(scope, endpoint, route, 0, words)
        }
    }
}

/// What clients get for an answer of the model that is not 200.
fn model_error(
    scope: &Scope,
    endpoint: &str,
    route: &Route,
    status: u16,
    original: &str,
) -> Refused {
    let kind = if (400..500).contains(&status) {
        "client"
    } else {
        "server"
    };
    let original: String = original.chars().take(8192).collect();
    let group = format!("/aws/sagemaker/Endpoints/{endpoint}");
    let message = format!(
        "Received {kind} error ({status}) from primary with message \"{original}\". See {group} in \
         account {} for more information.",
        scope.account
    );
    Refused {
        status: StatusCode::FAILED_DEPENDENCY,
        code: "ModelError".to_owned(),
        body: json!({
            "Message": message, "message": message,
            "OriginalStatusCode": status, "OriginalMessage": original,
            "LogStreamArn": format!(
                "arn:aws:logs:{}:{}:log-group:{group}:log-stream:{}",
                scope.region, scope.account, route.variant
            ),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_named_by_the_path() {
        let check = |method: Method, path, expected| {
            assert_eq!(endpoint_of(&method, path), expected, "{method} {path}");
        };
        check(Method::POST, "/endpoints/churn/invocations", Some("churn"));
        check(Method::GET, "/endpoints/churn/invocations", None);
        check(Method::POST, "/endpoints//invocations", None);
        check(Method::POST, "/endpoints/a/b/invocations", None);
        check(Method::POST, "/endpoints/churn", None);
    }

    #[test]
    fn only_the_models_headers_pass() {
        let mut headers = HeaderMap::new();
        for name in [
            "content-type",
            "authorization",
            "host",
            "x-amzn-sagemaker-inference-id",
        ] {
            headers.insert(name, "x".parse().unwrap());
        }
        let kept = passed(&headers);
        assert_eq!(kept.len(), 2);
        assert!(!kept.contains_key("authorization"));
    }
}
