//! Which door a request is for.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use hyper::body::Bytes;
use s3s::service::S3Service;
use serde_json::Value;

use super::engine::Engine;
use super::intake::{Paced, Unread, whole};
use super::s3::SignedRegion;
use super::scope::{DEFAULT_REGION, credential_scope};
use super::{admin, auth, control, runtime, s3, services};
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
    let patience = engine.host.patience;
    let request = request.map(|body| Body::new(Paced::new(body, patience)));
    let before = engine.keeper.changes();
    let mut response = if is_loopback(request.headers()) {
        dispatch(&doors, request).await
    } else {
        text(
            StatusCode::FORBIDDEN,
            "the local SageMaker answers to loopback addresses only",
        )
    };
    if engine.keeper.changes() != before {
        engine.keeper.kept().await;
    }
    let id = HeaderValue::from_str(&id).expect("hexadecimal digits and dashes");
    response.headers_mut().insert("x-amzn-requestid", id);
    response
}

async fn dispatch(doors: &Doors, request: Request) -> Response {
    let engine = &doors.engine;
    engine.linger().await;
    let request = match authenticated(engine, request).await {
        Ok(request) => request,
        Err(denied) => return denied,
    };
    let path = request.uri().path();
    if let Some((endpoint, way)) = runtime::asked_by(request.method(), path) {
        let endpoint = endpoint.to_owned();
        return runtime::answer(engine, (&endpoint, way), request).await;
    }
    let (parts, body) = request.into_parts();
    let door = services::door(&parts);
    let request = Request::from_parts(parts, body);
    if let Some(door) = door {
        return control::answer(engine, door, request).await;
    }
    if request.uri().path().starts_with(admin::PREFIX) {
        return admin::answer(engine, request).await;
    }
    to_s3(&doors.s3, request).await
}

/// A request whose signature holds, where signatures are looked at; else what its sender is told.
async fn authenticated(engine: &Arc<Engine>, request: Request) -> Result<Request, Response> {
    let Some(known) = &engine.host.require_auth else {
        return Ok(request);
    };
    if request.uri().path().starts_with(admin::PREFIX) {
        return Ok(request);
    }
    let (parts, body) = request.into_parts();
    let door = services::door(&parts);
    let to_s3 = door.is_none() && runtime::asked_by(&parts.method, parts.uri.path()).is_none();
    // What goes to S3 states its own digest, and may be long.
    let (bytes, body) = if to_s3 {
        (Bytes::new(), body)
    } else {
        let bytes = small(body).await.unwrap_or_default();
        (bytes.clone(), Body::from(bytes))
    };
    let Err(denied) = auth::check(known, &parts, &bytes, engine.now()) else {
        return Ok(Request::from_parts(parts, body));
    };
    let (code, words) = denied.told(to_s3);
    Err(match door {
        Some(door) => control::refuse(engine, &door, code, words),
        None if to_s3 => {
            let xml = format!("<Error><Code>{code}</Code><Message>{words}</Message></Error>");
            typed(StatusCode::FORBIDDEN, "application/xml", xml)
        }
        None => runtime::deny(code, words),
    })
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

/// The whole body of a control request.
pub(super) async fn small(body: Body) -> Result<Bytes, Unread> {
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

/// An answer of plain words.
pub(super) fn text(status: StatusCode, words: &'static str) -> Response {
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
}
