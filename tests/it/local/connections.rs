//! Bodies that are long or slow, and connections that nobody uses: what one client does is not to hurt
//! the others.
#![expect(
    clippy::disallowed_methods,
    reason = "the binary is what is tested, with few open files"
)]

use std::process::Command;
use std::time::Duration;

use axum::http::Request;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{interval, timeout};
use trueup::limits::{
    INVOKE_BYTES_MAX, LOCAL_CLIENT_DEADLINE, LOCAL_CONNECTIONS_MAX, LOCAL_OPEN_FILES,
    LOCAL_REQUEST_BYTES_MAX,
};
use trueup::local::LocalOptions;

use super::server::Server;
use super::{DEADLINE, Local, options, send, start, until};
use crate::support::processes::open_files;

const LONG: usize = 10 * 1024 * 1024;
/// Connections that nobody uses.
const IDLE: usize = 1_000;
/// Files that come and go: a client of the test's own may be there still, and the state is written.
const FEW: usize = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_body_is_taken_or_refused_in_words() {
    let local = start(None).await;
    let whole: Vec<u8> = (0..=250).cycle().take(LONG).collect();
    local.put("long", whole.clone()).await;
    assert!(local.get("long").await == whole);

    let invoke = async |size: usize| {
        let request = Request::post(format!("{}/endpoints/none/invocations", local.url));
        let (status, headers, body) = send(request, vec![b'1'; size]).await;
        let code = headers.get("x-amzn-errortype").cloned();
        (status, code, String::from_utf8(body).unwrap())
    };
    let refused = Some("ValidationError".to_owned());
    let longer = format!("longer than {INVOKE_BYTES_MAX} bytes");
    for size in [INVOKE_BYTES_MAX + 1, LONG] {
        let (status, code, body) = invoke(size).await;
        assert_eq!((status, &code), (400, &refused));
        assert!(body.contains(&longer), "{body}");
    }
    let (_, _, body) = invoke(INVOKE_BYTES_MAX).await;
    assert!(!body.contains(&longer), "{body}");

    let describe = async |size: usize| {
        let mut body = json!({"ModelName": "none"}).to_string().into_bytes();
        body.resize(size, b' ');
        let request = Request::post(&local.url)
            .header("x-amz-target", "SageMaker.DescribeModel")
            .header("content-type", "application/x-amz-json-1.1");
        let (status, _, body) = send(request, body).await;
        let error: Value = serde_json::from_slice(&body).unwrap();
        (status, error["__type"].as_str().unwrap().to_owned())
    };
    let too_large = (413, "RequestEntityTooLarge".to_owned());
    assert_eq!(describe(LOCAL_REQUEST_BYTES_MAX + 1).await, too_large);
    assert_eq!(describe(LONG).await, too_large);
    let read = (400, "ValidationException".to_owned());
    assert_eq!(describe(LOCAL_REQUEST_BYTES_MAX).await, read);
    local.handle.shutdown().await;
}

/// Sends a byte of a body now and then; what is heard until the server has enough.
async fn trickle(url: &str, head: &str) -> String {
    let address = url.strip_prefix("http://").unwrap();
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let head = format!("{head}\r\nHost: {address}\r\nContent-Length: 100000\r\n\r\n");
    writer.write_all(head.as_bytes()).await.unwrap();
    let mut heard = Vec::new();
    let mut ticks = interval(Duration::from_millis(20));
    let ended = timeout(DEADLINE, async {
        loop {
            tokio::select! {
                read = reader.read_buf(&mut heard) => match read {
                    Ok(0) | Err(_) => return,
                    Ok(_) => {}
                },
                // Who is not listened to any more sends in vain.
                _ = ticks.tick() => drop(writer.write_all(b"x").await),
            }
        }
    });
    assert!(ended.await.is_ok(), "the server listens for ever");
    String::from_utf8(heard).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_body_is_given_up_while_others_are_served() {
    assert_eq!(LocalOptions::default().patience, LOCAL_CLIENT_DEADLINE);
    let local = Local::start(LocalOptions {
        patience: Duration::from_millis(300),
        ..options()
    })
    .await;
    let control = "POST / HTTP/1.1\r\nX-Amz-Target: SageMaker.ListModels";
    let url = local.url.clone();
    let slow = trickle(&url, control);
    let mut ticks = interval(Duration::from_millis(20));
    tokio::pin!(slow);
    let mut served = 0;
    let heard = loop {
        tokio::select! {
            heard = &mut slow => break heard,
            _ = ticks.tick() => {
                local.call("ListModels", json!({})).await.unwrap();
                served += 1;
            }
        }
    };
    assert!(heard.starts_with("HTTP/1.1 408 "), "{heard}");
    assert!(heard.contains("RequestTimeout"), "{heard}");
    assert!(served > 0, "nobody was served meanwhile");

    let invoke = "POST /endpoints/none/invocations HTTP/1.1";
    let heard = trickle(&local.url, invoke).await;
    assert!(heard.contains("did not come in time"), "{heard}");
    let upload = "PUT /ml-data/slow HTTP/1.1";
    let heard = trickle(&local.url, upload).await;
    assert!(heard.starts_with("HTTP/1.1 400 "), "{heard}");
    let slow = local.s3.head_object().bucket("ml-data").key("slow");
    assert!(slow.send().await.is_err(), "half a body was kept");
    local.handle.shutdown().await;
}

/// The running binary, which was given few open files.
fn serve() -> Server {
    let shell = "ulimit -S -n 256; exec \"$0\" local --control-plane-only --port 0";
    let mut command = Command::new("sh");
    command.args(["-c", shell, env!("CARGO_BIN_EXE_trueup")]);
    Server::start(command)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_idle_connections_hurt_nobody() {
    let own = getrlimit(Resource::Nofile);
    let most = own.maximum.unwrap_or(u64::MAX).min(LOCAL_OPEN_FILES);
    let room = Rlimit {
        current: Some(own.current.unwrap_or(u64::MAX).max(most)),
        maximum: own.maximum,
    };
    setrlimit(Resource::Nofile, room).unwrap();

    let server = serve();
    server.client.call("ListModels", json!({})).await.unwrap();
    let server_files = || usize::try_from(open_files(server.child.id())).unwrap();
    let before = server_files();
    let address = server.client.url.strip_prefix("http://").unwrap();
    let mut idle = Vec::new();
    for _ in 0..IDLE {
        idle.push(TcpStream::connect(address).await.unwrap());
    }
    until("all to be accepted", || {
        (server_files() + FEW > before + IDLE).then_some(())
    })
    .await;
    server.client.call("ListModels", json!({})).await.unwrap();
    while idle.len() < LOCAL_CONNECTIONS_MAX + FEW {
        idle.push(TcpStream::connect(address).await.unwrap());
    }
    until("there to be no room", || {
        (server_files() + FEW > before + LOCAL_CONNECTIONS_MAX).then_some(())
    })
    .await;
    let late = server.client.call("ListModels", json!({}));
    tokio::pin!(late);
    let soon = timeout(Duration::from_millis(300), &mut late).await;
    assert!(soon.is_err(), "one more was answered");
    drop(idle);
    late.await.unwrap();
    until("their files to be closed", || {
        (server_files() < before + FEW).then_some(())
    })
    .await;
    server.client.call("ListModels", json!({})).await.unwrap();
}
