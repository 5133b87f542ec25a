//! Hooks of a Git host: each says that there is something to look at, and no more.

use std::sync::Arc;

use hmac::{Hmac, KeyInit as _, Mac as _};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use sha2::Sha256;
use tokio::task::JoinSet;
use tokio::time::Instant;
use trueup::demo::example::{CONFIG, Edit};
use trueup::limits::{HOOK_BYTES_MAX, HOOK_PAUSE};

use super::daemon::{Daemon, HOOK_SECRET};

const LESS_CAPTURE: Edit = (
    CONFIG,
    "sampling_percentage: 100",
    "sampling_percentage: 50",
);
const LEAST_CAPTURE: Edit = (CONFIG, "sampling_percentage: 50", "sampling_percentage: 20");
/// Who sends hooks at a time.
const SENDERS: usize = 16;
/// What each sends.
const ROUNDS: usize = 100;
/// What a flood may add to the memory of the program.
const GROWTH_KIB_MAX: u64 = 10 * 1024;

/// Sends hooks to one source.
struct Host {
    url: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Host {
    async fn of(daemon: &mut Daemon) -> Self {
        let url = daemon.wait("the URL for hooks", async |daemon: &Daemon| {
            let words = daemon.log.said("are taken at ")?;
            let (_, rest) = words.split_once("are taken at ")?;
            rest.split('"').next().map(str::to_owned)
        });
        Self {
            url: url.await,
            client: Client::builder(TokioExecutor::new()).build_http(),
        }
    }

    async fn send(&self, header: (&str, &str), body: Bytes) -> StatusCode {
        let request = Request::post(&self.url).header(header.0, header.1);
        let request = request.body(Full::new(body)).unwrap();
        self.client.request(request).await.unwrap().status()
    }

    /// A push, as GitHub tells it.
    async fn push(&self, secret: &str) -> StatusCode {
        let body = Bytes::from_static(b"{\"ref\": \"refs/heads/main\"}");
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(&body);
        let digits = data_encoding::HEXLOWER.encode(&mac.finalize().into_bytes());
        let header = ("X-Hub-Signature-256", format!("sha256={digits}"));
        self.send((header.0, &header.1), body).await
    }

    /// What anybody can send, and what only the host can.
    async fn flood(self: Arc<Self>) {
        for _ in 0..ROUNDS {
            assert_eq!(
                self.push("a guess at the secret").await,
                StatusCode::UNAUTHORIZED
            );
            let unsigned = self.send(("X-Anything", "a"), Bytes::new()).await;
            assert_eq!(unsigned, StatusCode::UNAUTHORIZED);
            assert_eq!(self.push(HOOK_SECRET).await, StatusCode::ACCEPTED);
        }
    }

    /// As much as anybody can make the program read.
    async fn large(self: Arc<Self>) {
        let size = usize::try_from(HOOK_BYTES_MAX).unwrap();
        let large = Bytes::from(vec![b' '; size]);
        let refused = self.send(("X-Hub-Signature", "00"), large).await;
        assert_eq!(refused, StatusCode::UNAUTHORIZED, "it was read to its end");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pain_11_a_flood_of_hooks_costs_nothing_and_a_push_among_them_is_seen() {
    let mut daemon = Daemon::start_hooked();
    let host = Arc::new(Host::of(&mut daemon).await);
    let first = daemon.serves("staging", "the first model", |_| true).await;
    // Nobody asks the repository, unless told to.
    daemon.person.change("Capture less", &[LESS_CAPTURE]);
    assert_eq!(host.push(HOOK_SECRET).await, StatusCode::ACCEPTED);
    let told = daemon.serves("staging", "what a hook told of", |now| now != first);
    let told = told.await;
    daemon.settles("the hook").await;
    daemon.git_requests();
    let (before, start) = (daemon.resident_kib(), Instant::now());
    let mut senders = JoinSet::new();
    for _ in 0..SENDERS {
        senders.spawn(Arc::clone(&host).flood());
    }
    senders.spawn(Arc::clone(&host).large());
    let mut most = before;
    while let Some(sent) = senders.join_next().await {
        sent.unwrap();
        most = most.max(daemon.resident_kib());
    }
    let looks = start.elapsed().as_secs() / HOOK_PAUSE.as_secs() + 2;
    let asked = daemon.git_requests() as u64;
    assert!(asked <= looks, "{asked} requests, at most {looks}");
    let grown = most.saturating_sub(before);
    assert!(grown < GROWTH_KIB_MAX, "it grew by {grown} KiB");
    daemon.person.change("Capture least", &[LEAST_CAPTURE]);
    assert_eq!(host.push(HOOK_SECRET).await, StatusCode::ACCEPTED);
    daemon
        .serves("staging", "the push after it", |now| now != told)
        .await;
    assert!(daemon.log.complaints().is_empty());
}
