//! Messages for endpoints on the web: sent to this machine alone, and again if they do not arrive.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{Request, Uri};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::sync::watch;
use tokio::time::timeout;

use super::engine::{Engine, Order, ordered};
use crate::limits::{POST_ATTEMPTS_MAX, POST_DEADLINE};
use crate::world;
use crate::world::work::{Done, Post};

/// How long the second attempt waits; each further one waits twice as long.
const PAUSE: Duration = Duration::from_millis(250);

/// Sends a message until it arrives, was sent often enough, or the server ends.
pub(super) async fn run(engine: Arc<Engine>, post: Post, mut told: watch::Receiver<Order>) {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let mut pause = PAUSE;
    let mut failure = None;
    for attempt in 0..POST_ATTEMPTS_MAX {
        if attempt > 0 {
            if timeout(pause, ordered(&mut told)).await.is_ok() {
                return;
            }
            pause *= 2;
        }
        failure = tokio::select! {
            failure = send(&engine, &client, &post) => failure.err(),
            _ordered = ordered(&mut told) => return,
        };
        if failure.is_none() {
            break;
        }
    }
    let id = post.id;
    engine.finish(Done::Post { id, failure });
}

async fn send(
    engine: &Engine,
    client: &Client<HttpConnector, Full<Bytes>>,
    post: &Post,
) -> Result<(), String> {
    let url: Uri = post
        .url
        .parse()
        .map_err(|_| format!("{} is no URL", post.url))?;
    if !is_here(&url) {
        return Err(format!("{url} is not on this machine"));
    }
    // Links lead to this server, not to the service.
    let body = post
        .body
        .replace(&world::topic_urls(&post.region), engine.url());
    let mut request = Request::post(url);
    for (name, value) in &post.headers {
        request = request.header(name, value);
    }
    let request = request
        .body(Full::from(body))
        .map_err(|error| error.to_string())?;
    match timeout(POST_DEADLINE, client.request(request)).await {
        Ok(Ok(response)) if response.status().is_success() => Ok(()),
        Ok(Ok(response)) => Err(format!("it was answered {}", response.status())),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_late) => Err("there was no answer in time".to_owned()),
    }
}

/// Whether a URL is one of this machine's, by a loopback address.
fn is_here(url: &Uri) -> bool {
    let host = url.host().unwrap_or_default();
    url.scheme_str() == Some("http") && matches!(host, "127.0.0.1" | "localhost" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_told() {
        for (url, expect) in [
            ("http://127.0.0.1:80/a", true),
            ("http://localhost/a", true),
            ("http://[::1]:80/", true),
            ("https://127.0.0.1/", false),
            ("http://127.0.0.1.evil.example/", false),
            ("http://localhost@evil.example/", false),
        ] {
            assert_eq!(is_here(&url.parse().unwrap()), expect, "{url}");
        }
    }
}
