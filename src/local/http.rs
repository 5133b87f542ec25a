//! Which door a request is for.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Bytes;
use s3s::service::S3Service;
use serde_json::{Value, json};

use super::engine::Engine;
use super::s3::SignedRegion;
use super::scope::{DEFAULT_REGION, credential_scope};
use super::{cloudwatch, control, runtime, s3, sns, sts};
use crate::limits::LOCAL_REQUEST_BYTES_MAX;

/// What every request is answered with.
#[derive(Clone)]
pub(super) struct Doors {
    engine: Arc<Engine>,
    s3: S3Service,
}

/// Everything that the server answers, on one port.
pub(super) fn router(engine: Arc<Engine>) -> Router {
    let s3 = s3::service(Arc::clone(&engine));
    Router::new()
        .fallback(answer)
        .with_state(Doors { engine, s3 })
}

async fn answer(State(doors): State<Doors>, request: Request) -> Response {
    let engine = &doors.engine;
    let id = engine.uuid();
    let mut response = if is_loopback(request.headers()) {
        dispatch(&doors, request).await
    } else {
        text(
            StatusCode::FORBIDDEN,
            "the local SageMaker answers to loopback addresses only",
        )
    };
    let id = HeaderValue::from_str(&id).expect("hexadecimal digits and dashes");
    response.headers_mut().insert("x-amzn-requestid", id);
    response
}

async fn dispatch(doors: &Doors, request: Request) -> Response {
    let engine = &doors.engine;
    let path = request.uri().path();
    let form = header_text(request.headers(), "content-type")
        .starts_with("application/x-www-form-urlencoded");
    if request.headers().contains_key("x-amz-target") {
        return control::answer(engine, request).await;
    }
    if let Some(endpoint) = runtime::endpoint_of(request.method(), path) {
        let endpoint = endpoint.to_owned();
        return runtime::answer(engine, &endpoint, request).await;
    }
    match (request.method(), path) {
        (&Method::GET, "/_trueup/health") => json_response(
            StatusCode::OK,
            &json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}),
        ),
        (&Method::GET, "/_trueup/calls") => {
            let since = request.uri().query().and_then(since).unwrap_or(0);
            json_response(StatusCode::OK, &json!({"calls": engine.calls.since(since)}))
        }
        (_, path) if path.starts_with("/_trueup/") => text(StatusCode::NOT_FOUND, "no such page"),
        (&Method::POST, "/") if form => query(engine, request).await,
        (&Method::POST, path) if path.starts_with("/service/") => {
            cloudwatch::answer(engine, request).await
        }
        _ => to_s3(&doors.s3, request).await,
    }
}

/// A form: SNS's, IAM's or STS's, as it is signed.
async fn query(engine: &Arc<Engine>, request: Request) -> Response {
    let authorization = header_text(request.headers(), "authorization");
    let service = credential_scope(authorization).map(|(_, service)| service);
    let service = match service {
        Some("sns") => "sns",
        Some("iam") => "iam",
        _ => return sts::answer(engine, request).await,
    };
    let (parts, body) = request.into_parts();
    let body = small(body).await.unwrap_or_default();
    sns::answer(
        engine,
        service,
        &parts.headers,
        &String::from_utf8_lossy(&body),
    )
}

fn since(query: &str) -> Option<u64> {
    let mut pairs = query.split('&');
    pairs.find_map(|pair| pair.strip_prefix("since=")?.parse().ok())
}

/// Whether a request was made to a loopback address by name: a web page that points a name of its
/// own at 127.0.0.1 was not.
fn is_loopback(headers: &HeaderMap) -> bool {
    let host = header_text(headers, "host");
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    matches!(name, "127.0.0.1" | "localhost" | "[::1]" | "") || name.ends_with(".localhost")
}

async fn to_s3(s3: &S3Service, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let region = region(&parts.headers).to_owned();
    parts.extensions.insert(SignedRegion(region));
    s3::anonymous(&mut parts.headers, &mut parts.uri);
    let request = s3s::HttpRequest::from_parts(parts, s3s::Body::http_body_unsync(body));
    match s3.call(request).await {
        Ok(response) => response.map(Body::new),
        Err(_broken) => text(StatusCode::INTERNAL_SERVER_ERROR, "the local S3 failed"),
    }
}

/// The region that a request is signed for.
pub(super) fn region(headers: &HeaderMap) -> &str {
    let authorization = header_text(headers, "authorization");
    credential_scope(authorization).map_or(DEFAULT_REGION, |(region, _)| region)
}

/// A header as text; empty where it is missing or not text.
pub(super) fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default()
}

/// The whole body, up to `limit` bytes; `None` for a longer or a broken one.
pub(super) async fn whole(body: Body, limit: usize) -> Option<Bytes> {
    let collected = Limited::new(body, limit).collect().await.ok()?;
    Some(collected.to_bytes())
}

/// The whole body of a control request.
pub(super) async fn small(body: Body) -> Option<Bytes> {
    whole(body, LOCAL_REQUEST_BYTES_MAX).await
}

/// An answer in JSON.
pub(super) fn json_response(status: StatusCode, value: &Value) -> Response {
    typed(status, "application/json", value.to_string())
}

/// An answer of a given type.
pub(super) fn typed(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Body>,
) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(content_type);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    response
}

fn text(status: StatusCode, words: &'static str) -> Response {
    typed(status, "text/plain; charset=utf-8", words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_names_are_answered() {
        let check = |host: &str, expected| {
            let mut headers = HeaderMap::new();
            headers.insert("host", host.parse().unwrap());
            assert_eq!(is_loopback(&headers), expected, "{host}");
        };
        check("127.0.0.1:4566", true);
        check("localhost", true);
        check("[::1]:80", true);
        check("sagemaker.localhost:4566", true);
        check("evil.example:4566", false);
        check("127.0.0.1.evil.example", false);
    }

    #[test]
    fn the_number_is_read_from_the_query() {
        assert_eq!(since("a=1&since=42"), Some(42));
        assert_eq!(since("since=x"), None);
    }
}
