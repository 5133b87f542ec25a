//! Hooks of Git hosts: a request that is signed says that a source moved, and nothing else.
//!
//! No body is read before a signature was given; none is kept or parsed. It goes through the MAC
//! piece by piece, and what it says is found out by asking the repository. So a forged hook does
//! nothing, and one that is repeated, late or lost changes only when the repository is asked.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use data_encoding::HEXLOWER_PERMISSIVE;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Body, Bytes};
use hyper::header::{CONNECTION, HeaderValue};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::limits::{HOOK_BYTES_MAX, HOOK_PERIOD_MAX};

/// Where Git hosts write an HMAC-SHA256 of the body in hexadecimal digits, some after `sha256=`:
/// GitHub, Bitbucket, Forgejo, Gitea.
const MACS: [&str; 4] = [
    "x-hub-signature-256",
    "x-hub-signature",
    "x-forgejo-signature",
    "x-gitea-signature",
];
/// Where GitLab repeats the secret itself.
const TOKEN: &str = "x-gitlab-token";

/// The doors at which hooks are taken: one a source, `/hooks/<key>`.
pub struct Hooks {
    secret: SecretString,
    doors: Mutex<BTreeMap<String, Arc<Door>>>,
}

struct Door {
    hint: mpsc::Sender<()>,
    /// Whether the last hook was refused.
    refused: AtomicBool,
}

/// How a request shows that its sender knows the secret.
enum Proof {
    Mac(Vec<u8>),
    Token(HeaderValue),
}

impl Hooks {
    /// No door yet. Every sender has to know the secret.
    pub fn new(secret: SecretString) -> Self {
        Self {
            secret,
            doors: Mutex::default(),
        }
    }

    /// Opens the door of a source. Out of it come hints; those that come together are one.
    pub fn open(&self, key: &str) -> mpsc::Receiver<()> {
        let (hint, hints) = mpsc::channel(1);
        let refused = AtomicBool::new(false);
        let door = Arc::new(Door { hint, refused });
        self.doors().insert(key.to_owned(), door);
        hints
    }

    /// Closes the door of a source.
    pub fn close(&self, key: &str) {
        self.doors().remove(key);
    }

    fn doors(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Door>>> {
        self.doors.lock().expect("no holder of this lock panics")
    }

    /// Takes a hook, and answers at once: 202 where it is heard.
    pub(super) async fn answer<B>(&self, request: Request<B>) -> Response<Empty<Bytes>>
    where
        B: Body<Data: AsRef<[u8]>> + Unpin,
    {
        let heard = self.hear(request).await;
        let mut response = Response::new(Empty::new());
        *response.status_mut() = heard.err().unwrap_or(StatusCode::ACCEPTED);
        if response.status() != StatusCode::ACCEPTED {
            // The rest of the body is not waited for.
            let headers = response.headers_mut();
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    async fn hear<B>(&self, request: Request<B>) -> Result<(), StatusCode>
    where
        B: Body<Data: AsRef<[u8]>> + Unpin,
    {
        let key = request.uri().path().strip_prefix("/hooks/");
        let key = key.ok_or(StatusCode::NOT_FOUND)?.to_owned();
        let door = self.doors().get(&key).cloned();
        let door = door.ok_or(StatusCode::NOT_FOUND)?;
        if request.method() != Method::POST {
            return Err(StatusCode::METHOD_NOT_ALLOWED);
        }
        let shown = Proof::of(request.headers());
        let known = match shown {
            None => Err(StatusCode::UNAUTHORIZED),
            Some(proof) => timeout(HOOK_PERIOD_MAX, self.check(proof, request.into_body()))
                .await
                .unwrap_or(Err(StatusCode::REQUEST_TIMEOUT)),
        };
        let refused = known == Err(StatusCode::UNAUTHORIZED);
        if door.refused.swap(refused, Ordering::Relaxed) != refused && refused {
            tracing::warn!(hook = %key, "a hook without the right secret was refused; such are not told again until a right one comes");
        }
        known?;
        // Full: the hint that is there says it all.
        door.hint.try_send(()).ok();
        Ok(())
    }

    /// Whether the sender knows the secret. Takes the same time wherever a guess goes wrong.
    async fn check<B>(&self, proof: Proof, mut body: B) -> Result<(), StatusCode>
    where
        B: Body<Data: AsRef<[u8]>> + Unpin,
    {
        let mut mac = self.mac();
        let expected = match proof {
            // Two MACs are compared in place of two texts, of which one is secret.
            Proof::Token(token) => {
                mac.update(token.as_bytes());
                let mut own = self.mac();
                own.update(self.secret.expose_secret().as_bytes());
                own.finalize().into_bytes().to_vec()
            }
            Proof::Mac(expected) => {
                let mut left = HOOK_BYTES_MAX;
                if body.size_hint().lower() > left {
                    return Err(StatusCode::PAYLOAD_TOO_LARGE);
                }
                while let Some(frame) = body.frame().await {
                    let frame = frame.map_err(|_| StatusCode::BAD_REQUEST)?;
                    let Ok(data) = frame.into_data() else {
                        continue;
                    };
                    let data = data.as_ref();
                    left = left
                        .checked_sub(data.len() as u64)
                        .ok_or(StatusCode::PAYLOAD_TOO_LARGE)?;
                    mac.update(data);
                }
                expected
            }
        };
        let same = mac.verify_slice(&expected);
        same.map_err(|_| StatusCode::UNAUTHORIZED)
    }

    fn mac(&self) -> Hmac<Sha256> {
        let secret = self.secret.expose_secret().as_bytes();
        Hmac::new_from_slice(secret).expect("a key has any length")
    }
}

impl Proof {
    fn of(headers: &HeaderMap) -> Option<Self> {
        if let Some(token) = headers.get(TOKEN) {
            return Some(Self::Token(token.clone()));
        }
        let mac = MACS.iter().find_map(|name| headers.get(*name))?;
        let text = mac.to_str().ok()?;
        let digits = text.strip_prefix("sha256=").unwrap_or(text);
        let bytes = HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).ok()?;
        Some(Self::Mac(bytes))
    }
}
