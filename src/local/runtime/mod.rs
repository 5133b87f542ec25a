//! The runtime: invocations are routed to a fleet, and its answer comes back, whole, in parts, or
//! later.

mod refused;
mod stream;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::Response;
use hyper::body::Bytes;
use serde_json::json;
use tokio::time::Instant;

use self::refused::Refused;
use super::calls::CallRecord;
use super::capture::{Invocation, Side};
use super::container::Reply;
use super::engine::Engine;
use super::http::{header_text, json_response, region};
use super::intake::{Unread, whole};
use super::measures::Measured;
use super::paths::s3_uri;
use crate::limits::INVOKE_BYTES_MAX;
use crate::resource::call::Scope;
use crate::world::Route;
use crate::world::invocations::AsyncRequest;

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

/// The ways to ask an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Whole,
    Stream,
    Async,
}

impl Way {
    const ALL: [(Self, &'static str, &'static str); 3] = [
        (Self::Whole, "/invocations", "InvokeEndpoint"),
        (
            Self::Stream,
            "/invocations-response-stream",
            "InvokeEndpointWithResponseStream",
        ),
        (Self::Async, "/async-invocations", "InvokeEndpointAsync"),
    ];

    /// The operations' names.
    pub(super) fn names() -> [&'static str; 3] {
        Self::ALL.map(|(_, _, name)| name)
    }

    fn name(self) -> &'static str {
        let mut all = Self::ALL.iter();
        all.find(|(way, ..)| *way == self).map_or("", |one| one.2)
    }
}

/// The endpoint that a request invokes, and how, if it does.
pub(super) fn asked_by<'a>(method: &Method, path: &'a str) -> Option<(&'a str, Way)> {
    let (name, way) = path.strip_prefix("/endpoints/").and_then(|rest| {
        let mut all = Way::ALL.iter();
        all.find_map(|(way, end, _)| Some((rest.strip_suffix(end)?, *way)))
    })?;
    (method == Method::POST && !name.is_empty() && !name.contains('/')).then_some((name, way))
}

/// One request to an endpoint.
struct Asked<'a> {
    engine: &'a Arc<Engine>,
    scope: Scope,
    endpoint: &'a str,
    headers: &'a HeaderMap,
    since: Instant,
}

/// Answers an invocation.
pub(super) async fn answer(
    engine: &Arc<Engine>,
    (endpoint, way): (&str, Way),
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let asked = Asked {
        engine,
        scope: Scope {
            account: engine.account().to_owned(),
            region: region(&parts.headers).to_owned(),
        },
        endpoint,
        headers: &parts.headers,
        since: Instant::now(),
    };
    let answer = asked.answer(way, body).await;
    engine.calls.push(CallRecord {
        at: engine.now(),
        service: "sagemaker-runtime".to_owned(),
        op: way.name().to_owned(),
        region: asked.scope.region,
        name: endpoint.to_owned(),
        error: answer.as_ref().err().map(|refused| refused.code.clone()),
        ..CallRecord::default()
    });
    answer.unwrap_or_else(|refused| refused.response())
}

/// Refuses a request before it is looked at.
pub(super) fn deny(code: &str, words: &str) -> Response {
    Refused::new(StatusCode::FORBIDDEN, code, words).response()
}

impl Asked<'_> {
    async fn answer(&self, way: Way, body: Body) -> Result<Response, Refused> {
        if way == Way::Async {
            return self.queue();
        }
        let body = whole(body, INVOKE_BYTES_MAX);
        let body = body.await.map_err(|unread| match unread {
            Unread::TooLong => {
                let words = format!("the payload is longer than {INVOKE_BYTES_MAX} bytes");
                Refused::invalid(&words)
            }
            Unread::Broken => Refused::invalid("the payload did not come in time"),
        })?;
        let route = self.route()?;
        match way {
            Way::Stream => self.stream(&route, body).await,
            Way::Whole | Way::Async => self.whole(&route, body).await,
        }
    }

    fn route(&self) -> Result<Route, Refused> {
        let target = self.header("x-amzn-sagemaker-target-variant");
        let dice = self.engine.dice();
        self.engine
            .with_world(|world| world.route(&self.scope, self.endpoint, target, dice))
            .map_err(|error| Refused::from_world(&error))
    }

    async fn whole(&self, route: &Route, body: Bytes) -> Result<Response, Refused> {
        let (engine, started) = (self.engine, self.engine.now());
        let sent = Instant::now();
        let passed = passed(self.headers);
        let fleets = &engine.fleets;
        let reply = fleets.invoke(route.fleet, passed.clone(), body.clone());
        let copied = self.shadow(route, &passed, &body);
        let (reply, ()) = tokio::join!(reply, copied);
        let status = reply.as_ref().ok().map(|reply| reply.status);
        self.measure(route, status, sent);
        let reply = reply
            .map_err(|missing| Refused::unanswered(&self.scope, self.endpoint, route, missing))?;
        if reply.status != StatusCode::OK {
            let text = String::from_utf8_lossy(&reply.body);
            return Err(self.model_error(route, reply.status, &text));
        }
        if let Some(capture) = &route.capture
            && engine.dice() * 100.0 < f64::from(capture.sampling_percentage)
        {
            let event_id = engine.uuid();
            engine.captures.push(
                capture,
                &Invocation {
                    endpoint: self.endpoint,
                    variant: &route.variant,
                    event_id: &event_id,
                    inference_id: header_text(self.headers, "x-amzn-sagemaker-inference-id"),
                    custom_attributes: header_text(
                        self.headers,
                        "x-amzn-sagemaker-custom-attributes",
                    ),
                    at: started,
                    input: side(self.headers, &body),
                    output: side(&reply.headers, &reply.body),
                },
            );
        }
        Ok(good(route, reply))
    }

    /// Gives a shadow variant its share; whatever it answers, nobody gets it.
    async fn shadow(&self, route: &Route, headers: &HeaderMap, body: &Bytes) {
        let shadow = route.shadow.as_ref();
        if let Some(shadow) = shadow.filter(|shadow| self.engine.dice() < shadow.share) {
            let fleets = &self.engine.fleets;
            let copy = fleets.invoke(shadow.fleet, headers.clone(), body.clone());
            let _reply = copy.await;
        }
    }

    async fn stream(&self, route: &Route, body: Bytes) -> Result<Response, Refused> {
        let sent = Instant::now();
        let fleets = &self.engine.fleets;
        let opened = fleets.open(route.fleet, passed(self.headers), body).await;
        let status = opened.as_ref().ok().map(|(answer, _)| answer.status());
        self.measure(route, status, sent);
        let (answer, using) = opened
            .map_err(|missing| Refused::unanswered(&self.scope, self.endpoint, route, missing))?;
        let (parts, body) = answer.into_parts();
        if parts.status != StatusCode::OK {
            let text = whole(Body::new(body), INVOKE_BYTES_MAX).await;
            let text = text.unwrap_or_default();
            return Err(self.model_error(route, parts.status, &String::from_utf8_lossy(&text)));
        }
        let mut response = Response::new(Body::new(stream::Parts::new(body, using)));
        let headers = response.headers_mut();
        *headers = passed(&parts.headers);
        if let Some(own) = headers.remove("content-type") {
            headers.insert("x-amzn-sagemaker-content-type", own);
        }
        headers.insert(
            "content-type",
            HeaderValue::from_static(stream::CONTENT_TYPE),
        );
        name_variant(headers, route);
        Ok(response)
    }

    /// Puts a request whose body is in S3 into the endpoint's queue.
    fn queue(&self) -> Result<Response, Refused> {
        let input = self.header("x-amzn-sagemaker-inputlocation");
        let input = input.filter(|uri| s3_uri(uri).is_some_and(|(_, key)| !key.is_empty()));
        let input = input.ok_or_else(|| {
            Refused::invalid("InputLocation must be the URI of an object: s3://bucket/key")
        })?;
        let headers = passed(self.headers);
        let headers = headers.iter().filter_map(|(name, value)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        });
        let request = AsyncRequest {
            endpoint: self.endpoint.to_owned(),
            input: input.to_owned(),
            headers: headers.collect(),
            inference_id: self
                .header("x-amzn-sagemaker-inference-id")
                .map(str::to_owned),
            wait_seconds: self.seconds("requestttlseconds", 60..=21_600)?,
            timeout_seconds: self
                .seconds("invocationtimeoutseconds", 1..=3600)?
                .map(i64::unsigned_abs),
        };
        let queued = self
            .engine
            .with_world_mut(|world, now| world.invoke_async(now, &self.scope, request));
        let queued = queued.map_err(|error| Refused::from_world(&error))?;
        let body = json!({"InferenceId": queued.inference_id});
        let mut response = json_response(StatusCode::ACCEPTED, &body);
        let places = [
            ("x-amzn-sagemaker-outputlocation", queued.output),
            ("x-amzn-sagemaker-failurelocation", queued.failure),
        ];
        for (name, place) in places {
            if let Some(place) = place.and_then(|place| HeaderValue::from_str(&place).ok()) {
                response.headers_mut().insert(name, place);
            }
        }
        Ok(response)
    }

    /// A header of the request, unless it is empty.
    fn header(&self, name: &str) -> Option<&str> {
        Some(header_text(self.headers, name)).filter(|value| !value.is_empty())
    }

    fn seconds(
        &self,
        name: &str,
        range: std::ops::RangeInclusive<i64>,
    ) -> Result<Option<i64>, Refused> {
        let Some(text) = self.header(&format!("x-amzn-sagemaker-{name}")) else {
            return Ok(None);
        };
        let seconds = text.parse().ok().filter(|seconds| range.contains(seconds));
        seconds.map(Some).ok_or_else(|| {
            let (least, most) = range.into_inner();
            Refused::invalid(&format!(
                "{name} must be from {least} to {most}, not {text}"
            ))
        })
    }

    fn model_error(&self, route: &Route, status: StatusCode, text: &str) -> Refused {
        Refused::of_model(&self.scope, self.endpoint, route, status.as_u16(), text)
    }

    fn measure(&self, route: &Route, status: Option<StatusCode>, sent: Instant) {
        let one = Measured {
            scope: &self.scope,
            endpoint: self.endpoint,
            variant: &route.variant,
            instances: route.instances,
            status,
            model: sent.elapsed(),
            overhead: sent.duration_since(self.since),
        };
        self.engine.measures.invocation(self.engine.now(), &one);
    }
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
    name_variant(response.headers_mut(), route);
    response
}

fn name_variant(headers: &mut HeaderMap, route: &Route) {
    if let Ok(variant) = HeaderValue::from_str(&route.variant) {
        headers.insert(VARIANT, variant);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_named_by_the_path() {
        let check = |method: Method, path, expected| {
            assert_eq!(asked_by(&method, path), expected, "{method} {path}");
        };
        let churn = |way| Some(("churn", way));
        check(
            Method::POST,
            "/endpoints/churn/invocations",
            churn(Way::Whole),
        );
        check(
            Method::POST,
            "/endpoints/churn/invocations-response-stream",
            churn(Way::Stream),
        );
        check(
            Method::POST,
            "/endpoints/churn/async-invocations",
            churn(Way::Async),
        );
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
