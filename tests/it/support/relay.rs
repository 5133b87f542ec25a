//! A relay on loopback between a client and an HTTP server: it sees every request, and a test says
//! what becomes of each.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a helper of a test may fail like the test, and is late when it is asked to be"
)]

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{CONNECTION, CONTENT_LENGTH, EXPECT, TRANSFER_ENCODING};
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::sleep;

type Body = BoxBody<Bytes, io::Error>;
/// What is done at a moment.
pub(crate) type Act = Box<dyn FnOnce() + Send>;
type Judge = Arc<dyn Fn(&Asked) -> Fate + Send + Sync>;

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// The operation that `X-Amz-Target` names; elsewhere the method.
    pub(crate) operation: String,
    /// Path and query, and which things the body names.
    pub(crate) about: String,
    /// Whether it could change anything.
    pub(crate) changes: bool,
}

/// What becomes of a request.
pub(crate) enum Fate {
    /// It is passed on, and so is its answer.
    Pass,
    /// It is not passed on; the connection is closed.
    Vanish,
    /// It is passed on. When its answer has come the act is done, and the connection is closed.
    Lose(Act),
    /// The same, after half of the answer was passed on.
    Cut(Act),
    /// It is not passed on, and nothing is said.
    Hang,
    /// It is not passed on, and this is answered, in the service's JSON.
    Refuse(u16, &'static str),
    /// It is passed on, and this is answered.
    Forget(u16, &'static str),
    /// It is passed on, and its answer comes so much later.
    Late(Duration),
}

/// A relay; it ends when dropped.
pub(crate) struct Relay {
    /// Where it listens: `http://127.0.0.1:PORT`.
    pub(crate) url: String,
    state: Arc<State>,
    _tasks: JoinSet<()>,
}

struct State {
    upstream: Mutex<String>,
    judge: Mutex<Judge>,
    seen: Mutex<Vec<Asked>>,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Relay {
    /// A relay to `upstream`, such as `http://127.0.0.1:4566`, that passes everything on.
    pub(crate) async fn to(upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State {
            upstream: Mutex::new(upstream.to_owned()),
            judge: Mutex::new(Arc::new(|_| Fate::Pass)),
            seen: Mutex::default(),
            client: Client::builder(TokioExecutor::new())
                // A server that was killed leaves connections that look alive.
                .pool_max_idle_per_host(0)
                .build_http(),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&state)));
        Self {
            url,
            state,
            _tasks: tasks,
        }
    }

    /// From now on: to another server.
    pub(crate) fn leads_to(&self, upstream: &str) {
        upstream.clone_into(&mut self.state.upstream.lock().unwrap());
    }

    /// From now on: this decides.
    pub(crate) fn judged_by(&self, judge: impl Fn(&Asked) -> Fate + Send + Sync + 'static) {
        *self.state.judge.lock().unwrap() = Arc::new(judge);
    }

    /// From now on: everything is passed on.
    pub(crate) fn heal(&self) {
        self.judged_by(|_| Fate::Pass);
    }

    /// The requests since the last time.
    pub(crate) fn seen(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.state.seen.lock().unwrap())
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let state = Arc::clone(&state);
        connections.spawn(async move {
            let service = service_fn(|request| state.answer(request));
            let served = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service);
            // A peer that goes away in the middle, or is sent away, is what this is for.
            drop(served.await);
        });
        while connections.try_join_next().is_some() {}
    }
}

impl State {
    async fn answer(&self, request: Request<Incoming>) -> io::Result<Response<Body>> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let asked = Asked::read(&parts.uri, parts.method.as_str(), &parts.headers, &body);
        self.seen.lock().unwrap().push(asked.clone());
        let judge = Arc::clone(&self.judge.lock().unwrap());
        let forward = || {
            let mut request = Request::from_parts(parts, Full::new(body));
            strip(request.headers_mut());
            self.forward(request)
        };
        match judge(&asked) {
            Fate::Pass => forward().await.map(|answer| answer.map(whole)),
            Fate::Vanish => Err(io::Error::other("it vanished on purpose")),
            Fate::Lose(act) => {
                forward().await?;
                act();
                Err(io::Error::other("it was lost on purpose"))
            }
            Fate::Cut(act) => {
                let answer = forward().await?;
                Ok(answer.map(|bytes| Half::of(bytes, act)))
            }
            Fate::Hang => pending().await,
            Fate::Refuse(status, body) => Ok(refusal(status, body)),
            Fate::Forget(status, body) => forward().await.map(|_| refusal(status, body)),
            Fate::Late(time) => {
                let answer = forward().await?;
                sleep(time).await;
                Ok(answer.map(whole))
            }
        }
    }

    async fn forward(&self, mut request: Request<Full<Bytes>>) -> io::Result<Response<Bytes>> {
        let path = request.uri().path_and_query().unwrap().as_str();
        let uri = format!("{}{path}", self.upstream.lock().unwrap());
        *request.uri_mut() = uri.parse().unwrap();
        let is_head = request.method() == "HEAD";
        let answer = self
            .client
            .request(request)
            .await
            .map_err(io::Error::other)?;
        let (mut parts, body) = answer.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        // An answer to HEAD tells the length of what it does not hold.
        if !is_head {
            strip(&mut parts.headers);
        }
        Ok(Response::from_parts(parts, body))
    }
}

/// Takes off what is about one connection only.
fn strip(headers: &mut HeaderMap) {
    for name in [CONNECTION, CONTENT_LENGTH, EXPECT, TRANSFER_ENCODING] {
        headers.remove(name);
    }
}

impl Asked {
    fn read(uri: &Uri, method: &str, headers: &HeaderMap, body: &[u8]) -> Self {
        let target = headers
            .get("x-amz-target")
            .and_then(|one| one.to_str().ok());
        let named = target.and_then(|target| target.rsplit('.').next());
        let operation = named.unwrap_or(method).to_owned();
        let path = uri.path_and_query().unwrap().as_str();
        let names = match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => members
                .iter()
                .filter(|(key, value)| value.is_string() && !key.ends_with("Token"))
                .filter(|(key, _)| key.ends_with("Name") || key.ends_with("Arn"))
                .map(|(_, value)| value.as_str().unwrap().to_owned())
                .collect(),
            _ if path.ends_with("receive-pack") => vec![pushed(body)],
            _ => Vec::new(),
        };
        let looks = ["Describe", "List", "Search", "Get"];
        let changes = match named {
            Some(named) => !looks.iter().any(|look| named.starts_with(look)),
            None => !matches!(method, "GET" | "HEAD") && !path.ends_with("upload-pack"),
        };
        Self {
            operation,
            about: format!("{path} {}", names.join(" ")),
            changes,
        }
    }
}

/// The first branch that a push is to move.
fn pushed(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let line = text.split('\0').next().unwrap_or_default();
    line.rsplit(' ').next().unwrap_or_default().to_owned()
}

fn whole(body: Bytes) -> Body {
    let never = |error: Infallible| match error {};
    Full::new(body).map_err(never).boxed()
}

fn refusal(status: u16, body: &'static str) -> Response<Body> {
    let answer = Response::builder().status(status);
    let answer = answer.header("content-type", "application/x-amz-json-1.1");
    answer
        .body(whole(Bytes::from_static(body.as_bytes())))
        .unwrap()
}

/// The first half of a body, and then an error.
struct Half {
    first: Option<Bytes>,
    length: u64,
    act: Option<Act>,
    flushed: bool,
}

impl Half {
    fn of(bytes: Bytes, act: Act) -> Body {
        let half = Self {
            first: Some(bytes.slice(..bytes.len() / 2)),
            length: bytes.len() as u64,
            act: Some(act),
            flushed: false,
        };
        BoxBody::new(Shared(Mutex::new(half)))
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        if !self.flushed {
            // Waiting is what makes the server flush.
            self.flushed = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if let Some(act) = self.act.take() {
            act();
        }
        Poll::Ready(Some(Err(io::Error::other("cut on purpose"))))
    }
}

/// A body has to be shared between threads, which an act need not be.
struct Shared(Mutex<Half>);

impl hyper::body::Body for Shared {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.get_mut().0.get_mut().unwrap().poll(context)
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        hyper::body::SizeHint::with_exact(self.0.lock().unwrap().length)
    }
}
