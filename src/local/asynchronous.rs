//! Asynchronous inference: what waits in an endpoint's queue is answered in the background.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use hyper::body::Bytes;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use super::container::{NoReply, Reply};
use super::engine::{Engine, Order, ordered};
use super::place::{self, PlaceError};
use crate::limits::ASYNC_PAYLOAD_BYTES_MAX;
use crate::resource::call::Scope;
use crate::world::work::{Done, Invocation, Invoked};

/// How long is waited before an instance that is not up is asked again.
const AGAIN_AFTER: Duration = Duration::from_millis(500);
/// What an answer is taken for that does not say.
const CONTENT_TYPE: &str = "application/json";

/// How many invocations of each endpoint are answered at a time.
#[derive(Default)]
pub(super) struct Turns(Mutex<BTreeMap<(Scope, String), AtOnce>>);

/// So many, and one turn for each.
struct AtOnce {
    count: u64,
    turns: Arc<Semaphore>,
}

impl AtOnce {
    fn new(count: u64) -> Self {
        let turns = usize::try_from(count).unwrap_or(1).max(1);
        Self {
            count,
            turns: Arc::new(Semaphore::new(turns)),
        }
    }
}

impl Turns {
    /// The turns of an endpoint, so many at a time.
    fn of(&self, invocation: &Invocation) -> Arc<Semaphore> {
        let mut all = self.0.lock().expect("no holder of this lock panics");
        let key = (invocation.scope.clone(), invocation.endpoint.clone());
        let count = invocation.at_once;
        let entry = all.entry(key).or_insert_with(|| AtOnce::new(count));
        if entry.count != count {
            *entry = AtOnce::new(count);
        }
        Arc::clone(&entry.turns)
    }
}

/// Answers one invocation when its turn comes, and says where and whether.
pub(super) async fn run(
    engine: Arc<Engine>,
    invocation: Invocation,
    mut told: watch::Receiver<Order>,
) {
    let turns = engine.async_turns.of(&invocation);
    let answered = tokio::select! {
        answered = answered(&engine, &invocation, &turns) => answered,
        // It waits on in the world, for the next server.
        _ = ordered(&mut told) => return,
    };
    let (failure, content_type) = match answered {
        Ok(content_type) => (None, content_type),
        Err(reason) => (Some(reason), String::new()),
    };
    if let (Some(reason), Some(uri)) = (&failure, &invocation.failure) {
        let written = place::upload_bytes(&engine, reason.as_bytes(), "text/plain", uri);
        if let Err(error) = written {
            tracing::warn!(%error, uri, "the reason of a failed invocation was not written");
        }
    }
    engine.finish(Done::Invocation(Invoked {
        id: invocation.id,
        failure,
        content_type,
    }));
}

/// Waits for a turn, asks the model and writes its answer down; gives the answer's content type.
async fn answered(
    engine: &Arc<Engine>,
    invocation: &Invocation,
    turns: &Semaphore,
) -> Result<String, String> {
    let left = invocation.expires.duration_since(engine.now());
    let left = Duration::try_from(left).unwrap_or(Duration::ZERO);
    let reply = async {
        let _turn = turns.acquire().await;
        ask(engine, invocation).await
    };
    let reply = timeout(left, reply).await.unwrap_or_else(|_| {
        Err("the request was not answered before its RequestTTLSeconds".to_owned())
    })?;
    let content_type = reply.headers.get("content-type");
    let content_type = content_type.and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or(CONTENT_TYPE).to_owned();
    if let Some(uri) = &invocation.output {
        place::upload_bytes(engine, &reply.body, &content_type, uri)
            .map_err(|error| error.to_string())?;
    }
    Ok(content_type)
}

async fn ask(engine: &Arc<Engine>, invocation: &Invocation) -> Result<Reply, String> {
    let body = place::read_object(engine, &invocation.input, ASYNC_PAYLOAD_BYTES_MAX)
        .map_err(|error: PlaceError| error.to_string())?;
    let body = Bytes::from(body);
    let limits = (
        ASYNC_PAYLOAD_BYTES_MAX,
        Duration::from_secs(invocation.timeout_seconds),
    );
    loop {
        let dice = engine.dice();
        let route = engine
            .with_world(|world| world.route(&invocation.scope, &invocation.endpoint, None, dice))
            .map_err(|error| error.message)?;
        let reply = engine
            .fleets
            .invoke_within(route.fleet, headers(invocation), body.clone(), limits)
            .await;
        match reply {
            Ok(reply) if reply.status == StatusCode::OK => return Ok(reply),
            Ok(reply) => {
                let text = String::from_utf8_lossy(&reply.body);
                return Err(format!("the model answered {}: {text}", reply.status));
            }
            Err(NoReply::Late) => return Err("the model took too long".to_owned()),
            Err(NoReply::Broken) => return Err("the serving process broke off".to_owned()),
            Err(NoReply::Down | NoReply::Throttled) => {
                let _passed = timeout(AGAIN_AFTER, std::future::pending::<()>()).await;
            }
        }
    }
}

fn headers(invocation: &Invocation) -> HeaderMap {
    let pairs = invocation.headers.iter();
    pairs
        .filter_map(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            Some((name, HeaderValue::from_str(value).ok()?))
        })
        .collect()
}
