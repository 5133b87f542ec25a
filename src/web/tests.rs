//! Hooks as they are sent.

use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use secrecy::SecretString;
use sha2::Sha256;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{Bounds, Hooks, serve_within};
use crate::limits::{HOOK_BYTES_MAX, HOOK_HEAD_BYTES_MAX};

const SECRET: &str = "correct horse battery";
const BODY: &[u8] = b"{\"ref\": \"refs/heads/main\"}";

fn door() -> (Hooks, mpsc::Receiver<()>) {
    let hooks = Hooks::new(SecretString::from(SECRET));
    let hints = hooks.open("abc");
    (hooks, hints)
}

fn signed(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    data_encoding::HEXLOWER.encode(&mac.finalize().into_bytes())
}

fn post(header: (&str, &str), body: &[u8]) -> Request<Full<Bytes>> {
    let request = Request::post("/hooks/abc").header(header.0, header.1);
    request.body(Bytes::copy_from_slice(body).into()).unwrap()
}

/// The answer, and whether there is a hint.
async fn check(request: Request<Full<Bytes>>, expect: StatusCode) {
    let (hooks, mut hints) = door();
    let case = format!("{request:.120?}");
    assert_eq!(hooks.answer(request).await.status(), expect, "{case}");
    let heard = hints.try_recv().is_ok();
    assert_eq!(heard, expect == StatusCode::ACCEPTED, "{case}");
}

#[tokio::test]
async fn every_hosts_way_of_signing_is_understood() {
    let mac = signed(SECRET, BODY);
    let prefixed = format!("sha256={mac}");
    for header in [
        ("X-Hub-Signature-256", prefixed.as_str()),
        ("X-Hub-Signature", &prefixed),
        ("X-Gitea-Signature", &mac),
        ("X-Forgejo-Signature", &mac.to_uppercase()),
        ("X-Gitlab-Token", SECRET),
    ] {
        check(post(header, BODY), StatusCode::ACCEPTED).await;
    }
}

#[tokio::test]
async fn who_does_not_know_the_secret_is_not_heard() {
    let mac = format!("sha256={}", signed(SECRET, BODY));
    let other = format!("sha256={}", signed("another secret of some length", BODY));
    for (header, body) in [
        (("X-Hub-Signature-256", other.as_str()), BODY),
        (("X-Hub-Signature-256", &mac), b"{}"),
        (("X-Hub-Signature-256", &mac[..mac.len() - 2]), BODY),
        (("X-Hub-Signature-256", "sha256="), BODY),
        (("X-Hub-Signature-256", "sha1=00"), BODY),
        (("X-Gitlab-Token", ""), BODY),
        (("X-Gitlab-Token", &SECRET[1..]), BODY),
        (("X-Anything", &mac), BODY),
    ] {
        check(post(header, body), StatusCode::UNAUTHORIZED).await;
    }
}

#[tokio::test]
async fn what_is_no_hook_of_a_source_is_refused() {
    let mac = format!("sha256={}", signed(SECRET, BODY));
    let header = ("X-Hub-Signature-256", mac.as_str());
    for path in [
        "/",
        "/hooks",
        "/hooks/",
        "/hooks/abd",
        "/hooks/abc/",
        "/hooks/abc/../abc",
    ] {
        let mut request = post(header, BODY);
        *request.uri_mut() = path.parse().unwrap();
        check(request, StatusCode::NOT_FOUND).await;
    }
    let mut request = post(header, BODY);
    *request.method_mut() = hyper::Method::GET;
    check(request, StatusCode::METHOD_NOT_ALLOWED).await;
}

#[tokio::test]
async fn a_body_has_a_limit() {
    let check_size = async |size: u64, expect| {
        let body = vec![b' '; usize::try_from(size).unwrap()];
        let mac = signed(SECRET, &body);
        check(post(("X-Hub-Signature-256", &mac), &body), expect).await;
    };
    check_size(HOOK_BYTES_MAX, StatusCode::ACCEPTED).await;
    check_size(HOOK_BYTES_MAX + 1, StatusCode::PAYLOAD_TOO_LARGE).await;
}

#[tokio::test]
async fn hooks_that_come_together_are_one_hint() {
    let (hooks, mut hints) = door();
    for _ in 0..1000 {
        let request = post(("X-Gitlab-Token", SECRET), BODY);
        assert_eq!(hooks.answer(request).await.status(), StatusCode::ACCEPTED);
    }
    assert!(hints.try_recv().is_ok());
    assert!(hints.try_recv().is_err());
}

const SOON: Duration = Duration::from_millis(200);
const LATE: Duration = Duration::from_secs(20);

/// What a server with little room answers to each of these, sent one after the other over
/// connections that stay open.
async fn answers(bounds: Bounds, sent: &[String]) -> Vec<String> {
    let (hooks, _hints) = door();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (_stop, stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    tasks.spawn(serve_within(bounds, listener, Arc::new(hooks), stopped));
    let mut open = Vec::new();
    for text in sent {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        open.push(stream);
    }
    let mut answers = Vec::new();
    for mut stream in open {
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        // A reset is an end, too.
        drop(timeout(LATE, read).await.expect("every connection ends"));
        let answer = String::from_utf8(answer).unwrap();
        answers.push(answer.lines().next().unwrap_or_default().to_owned());
    }
    answers
}

fn hook(headers: &str) -> String {
    format!("POST /hooks/abc HTTP/1.1\r\nHost: a\r\n{headers}\r\n")
}

fn good() -> String {
    hook(&format!(
        "X-Gitlab-Token: {SECRET}\r\nContent-Length: 0\r\n"
    ))
}

#[tokio::test]
async fn who_says_nothing_makes_room_for_others() {
    let bounds = Bounds {
        connections: 2,
        silence: SOON,
        whole: LATE,
    };
    let silent = String::new;
    let slow = || "POST /hooks/abc HTTP/1.1\r\nHost:".to_owned();
    let sent = [silent(), slow(), silent(), good()];
    let answers = answers(bounds, &sent).await;
    assert_eq!(answers[3], "HTTP/1.1 202 Accepted", "{answers:?}");
    assert!(answers[..3].iter().all(|answer| !answer.contains("202")));
}

#[tokio::test]
async fn a_connection_ends_whatever_is_sent_over_it() {
    let bounds = Bounds {
        connections: 1,
        silence: LATE,
        whole: SOON,
    };
    let answers = answers(bounds, &[good(), good()]).await;
    assert_eq!(answers, ["HTTP/1.1 202 Accepted"; 2]);
}

#[tokio::test]
async fn headers_have_a_limit_and_a_body_that_is_announced_too_large_is_not_read() {
    let large = format!("X-A: {}\r\n", "a".repeat(HOOK_HEAD_BYTES_MAX));
    let announced = HOOK_BYTES_MAX + 1;
    let mac = format!("X-Hub-Signature: 00\r\nContent-Length: {announced}\r\n");
    let none = format!("Content-Length: {announced}\r\n");
    let sent = [hook(&large), hook(&mac), hook(&none)];
    let answers = answers(Bounds::default(), &sent).await;
    let codes = answers.iter().map(|answer| &answer[9..12]);
    assert_eq!(codes.collect::<Vec<_>>(), ["431", "413", "401"]);
}
