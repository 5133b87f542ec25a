//! Queues behind HTTP: where they are, and how long a receiver waits.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, timeout};

use super::engine::Engine;
use crate::resource::call::{Answer, Call};
use crate::world;

/// How long a receiver waits at most before it looks again: a clock that is set by hand gives no
/// other sign.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Carries out a call. One that receives waits as long as it asks to, or until there is something.
pub(super) async fn ask(engine: &Arc<Engine>, call: &Call) -> Answer {
    let patience = engine.with_world(|world| world.patience(call));
    let mut answer = engine.call(call);
    if let Some(patience) = patience {
        let end = Instant::now() + Duration::try_from(patience).unwrap_or_default();
        while is_empty(&answer) && arrived(engine, call, end).await {
            answer = engine.call(call);
        }
    }
    let base = world::queue_urls(&call.scope.region);
    answer.map(|mut answer| {
        put_here(&mut answer, &base, engine.url());
        answer
    })
}

fn is_empty(answer: &Answer) -> bool {
    answer
        .as_ref()
        .is_ok_and(|answer| answer.get("Messages").is_none())
}

/// Waits for something to receive; whether it came before the end.
async fn arrived(engine: &Engine, call: &Call, end: Instant) -> bool {
    loop {
        // What happens between the look and the wait is not missed.
        let news = engine.news();
        let now = engine.now();
        let Err(back) = engine.with_world(|world| world.receives(call, now)) else {
            return true;
        };
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() || engine.is_closing() {
            return false;
        }
        let back =
            back.map(|back| Duration::try_from(back.duration_since(now)).unwrap_or_default());
        let pause = left.min(LOOK_EVERY).min(back.unwrap_or(LOOK_EVERY));
        let _passed = timeout(pause.max(Duration::from_millis(1)), news).await;
    }
}

/// Puts this server in the place of the service's in the URLs of queues.
fn put_here(answer: &mut Value, base: &str, here: &str) {
    let local = |url: &mut Value| {
        let own = url.as_str().and_then(|url| url.strip_prefix(base));
        if let Some(path) = own {
            *url = format!("{here}{path}").into();
        }
    };
    if let Some(url) = answer.get_mut("QueueUrl") {
        local(url);
    }
    for member in ["QueueUrls", "queueUrls"] {
        let urls = answer.get_mut(member).and_then(Value::as_array_mut);
        urls.into_iter().flatten().for_each(local);
    }
}
