//! When a host that was asked too often may be asked again, in its own words.
//!
//! libgit2 gives the status alone, so one more request is made for the header, without a proxy and
//! without following where it leads. Where that one is let through or fails, nothing is known.

use std::time::Duration;

use data_encoding::BASE64;
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, DATE, HeaderMap, HeaderName, RETRY_AFTER};
use hyper::{Request, StatusCode};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use rustls::crypto::aws_lc_rs::default_provider;
use secrecy::ExposeSecret as _;
use tokio::time::timeout;

use super::source::Source;
use crate::limits::RETRY_AFTER_DEADLINE;

/// How long the host wants to be left alone, if it says so. Blocks.
pub(super) fn asked(source: &Source) -> Option<Duration> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .ok()?;
    runtime.block_on(async {
        let asked = timeout(RETRY_AFTER_DEADLINE, request(source));
        asked.await.ok().flatten()
    })
}

async fn request(source: &Source) -> Option<Duration> {
    let connector = HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(default_provider())
        .ok()?
        .https_or_http()
        .enable_http1()
        .build();
    let client = Client::builder(TokioExecutor::new()).build(connector);
    let url = format!("{}/info/refs?service=git-upload-pack", source.url);
    let mut request = Request::get(url);
    if let Ok(Some(credentials)) = source.login.credentials(&source.url) {
        let (user, password) = (&credentials.user, &credentials.password);
        let both = format!("{}:{}", user.expose_secret(), password.expose_secret());
        let basic = format!("Basic {}", BASE64.encode(both.as_bytes()));
        request = request.header(AUTHORIZATION, basic);
    }
    let request = request.body(Empty::<Bytes>::new()).ok()?;
    let answer = client.request(request).await.ok()?;
    (answer.status() == StatusCode::TOO_MANY_REQUESTS).then(|| told(answer.headers()))?
}

/// What `Retry-After` says (RFC 9110, 10.2.3): seconds, or a date, which is counted from the answer's own.
fn told(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok();
    let date = |text: &str| -> Option<Timestamp> {
        let zoned = rfc2822::DateTimeParser::new().parse_zoned(text);
        zoned.ok().map(|zoned| zoned.timestamp())
    };
    let after = text(RETRY_AFTER)?;
    if let Ok(seconds) = after.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let left = date(after)?.duration_since(date(text(DATE)?)?);
    Some(left.try_into().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    #[test]
    fn seconds_and_dates_are_understood() {
        let check = |after: &str, seconds: Option<u64>| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, after.parse().unwrap());
            let date = "Wed, 21 Oct 2015 07:28:00 GMT".parse().unwrap();
            headers.insert(DATE, date);
            assert_eq!(told(&headers), seconds.map(Duration::from_secs), "{after}");
        };
        check("120", Some(120));
        check("Wed, 21 Oct 2015 07:30:05 GMT", Some(125));
        check("Wed, 21 Oct 2015 07:00:00 GMT", Some(0));
        check("soon", None);
        check("-1", None);
        assert_eq!(told(&HeaderMap::new()), None);
    }

    #[test]
    fn a_host_is_asked_with_the_credentials_that_are_for_it() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let served = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut bytes = [0; 4096];
            let read = stream.read(&mut bytes).unwrap();
            let answer =
                "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 42\r\nContent-Length: 0\r\n\r\n";
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(&bytes[..read]).to_ascii_lowercase()
        });
        let source: Source = format!("http://me:secret@{address}/a.git").parse().unwrap();
        assert_eq!(asked(&source), Some(Duration::from_secs(42)));
        let request = served.join().unwrap();
        assert!(request.starts_with("get /a.git/info/refs?service=git-upload-pack "));
        assert!(request.contains("authorization: basic "));
        assert_eq!(asked(&source), None, "nobody answers");
        assert!(RETRY_AFTER_DEADLINE < crate::limits::FETCH_DEADLINE);
    }
}
