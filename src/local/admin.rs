//! `/_trueup/…`: what is asked of the server itself. Health, what was asked so far, how the service
//! differs from the ideal one, which calls shall fail, and beginning anew.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::engine::Engine;
use super::http::{json_response, small, text};
use crate::limits::FAULTS_PENDING_MAX;
use crate::world::{FaultKind, Settings, World};

/// The beginning of the paths that are answered here.
pub(super) const PREFIX: &str = "/_trueup/";

/// Calls that shall fail.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Faults {
    /// An operation, or `*` for any.
    operation: String,
    fault: FaultKind,
    #[serde(default = "once")]
    times: usize,
}

fn once() -> usize {
    1
}

/// Answers a request to the server itself.
pub(super) async fn answer(engine: &Arc<Engine>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let page = parts.uri.path().strip_prefix(PREFIX).unwrap_or_default();
    match (&parts.method, page) {
        (&Method::GET, "health") => json_response(
            StatusCode::OK,
            &json!({
                "status": "ok",
                "version": env!("CARGO_PKG_VERSION"),
                "containers": {"opt_ml": engine.host.supervisor.opt_ml()},
            }),
        ),
        (&Method::GET, "calls") => {
            let since = parts.uri.query().and_then(since).unwrap_or(0);
            json_response(StatusCode::OK, &json!({"calls": engine.calls.since(since)}))
        }
        (&Method::GET, "settings") => shown(&engine.with_world(|world| world.settings().clone())),
        (&Method::PUT, "settings") => match read::<Settings>(body).await {
            Ok(settings) => {
                engine.with_world_mut(|world, _| world.set(settings.clone()));
                shown(&settings)
            }
            Err(refusal) => refusal,
        },
        (&Method::POST, "faults") => match read::<Faults>(body).await {
            Ok(faults) => fail(engine, &faults),
            Err(refusal) => refusal,
        },
        (&Method::DELETE, "faults") => {
            engine.with_world_mut(|world, _| world.fail_no_more());
            nothing()
        }
        (&Method::POST, "reset") => {
            engine.reset().await;
            nothing()
        }
        _ => text(StatusCode::NOT_FOUND, "no such page"),
    }
}

fn fail(engine: &Engine, faults: &Faults) -> Response {
    if faults.operation != "*" && World::operation(&faults.operation).is_none() {
        let words = format!("there is no operation {}", faults.operation);
        return refused(&words);
    }
    let kept = engine.with_world_mut(|world, _| {
        let room = FAULTS_PENDING_MAX.saturating_sub(world.faults_pending());
        let fits = faults.times <= room;
        for _ in 0..if fits { faults.times } else { 0 } {
            world.fail_next(&faults.operation, faults.fault);
        }
        fits
    });
    if kept {
        nothing()
    } else {
        refused(&format!("more than {FAULTS_PENDING_MAX} faults would wait"))
    }
}

async fn read<T: DeserializeOwned>(body: Body) -> Result<T, Response> {
    let bytes = small(body)
        .await
        .map_err(|_| refused("the body is too long, or broken"))?;
    serde_json::from_slice(&bytes).map_err(|error| refused(&error.to_string()))
}

fn shown(settings: &Settings) -> Response {
    json_response(StatusCode::OK, &json!(settings))
}

fn nothing() -> Response {
    text(StatusCode::NO_CONTENT, "")
}

fn refused(words: &str) -> Response {
    json_response(StatusCode::BAD_REQUEST, &json!({"error": words}))
}

fn since(query: &str) -> Option<u64> {
    let mut pairs = query.split('&');
    pairs.find_map(|pair| pair.strip_prefix("since=")?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_read_from_the_query() {
        assert_eq!(since("a=1&since=42"), Some(42));
        assert_eq!(since("since=x"), None);
    }
}
