//! A plain client of the local SageMaker: its three doors as bytes on a socket, without any of the
//! product's own code in between.

use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::time::timeout;

use super::example::REGION;

/// One request and its whole answer.
const DEADLINE: Duration = Duration::from_secs(30);
/// Bytes of one answer.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Why a request has no good answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// No answer.
    #[error("{0} had no answer")]
    Lost(String, #[source] Box<dyn std::error::Error + Send + Sync>),
    /// No answer in time.
    #[error("{0} had no answer within {DEADLINE:?}")]
    Late(String),
    /// The service's refusal.
    #[error("{what} was answered {status}: {words}")]
    Refused {
        /// What was asked.
        what: String,
        /// The HTTP status.
        status: u16,
        /// The body, cut short.
        words: String,
    },
    /// Not the JSON that was expected.
    #[error("{0} was not answered in JSON")]
    NotJson(String, #[source] serde_json::Error),
}

impl HttpError {
    /// Whether the service said that there is no such thing (yet).
    pub fn is_absent(&self) -> bool {
        match self {
            Self::Refused { status, words, .. } => {
                *status == 404
                    || words.contains("Could not find")
                    || words.contains("does not exist")
                    || words.contains("ResourceNotFound")
                    || words.contains("not found")
            }
            Self::Lost(..) | Self::Late(_) | Self::NotJson(..) => false,
        }
    }
}

/// A client of one local SageMaker.
#[derive(Debug, Clone)]
pub struct Http {
    url: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Http {
    /// For the server at `url`.
    pub fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            client: Client::builder(TokioExecutor::new()).build_http(),
        }
    }

    /// One operation of the control plane.
    pub async fn sagemaker(&self, op: &str, body: &Value) -> Result<Value, HttpError> {
        let request = self
            .request(Method::POST, "/", "sagemaker")
            .header("x-amz-target", format!("SageMaker.{op}"))
            .header("content-type", "application/x-amz-json-1.1");
        self.json(op, request, body.to_string()).await
    }

    /// All items of a list operation, page after page.
    pub async fn list(
        &self,
        op: &str,
        mut body: Value,
        member: &str,
    ) -> Result<Vec<Value>, HttpError> {
        let mut items = Vec::new();
        for _ in 0..crate::limits::LIST_PAGES_MAX {
            let mut page = self.sagemaker(op, &body).await?;
            if let Value::Array(found) = page[member].take() {
                items.extend(found);
            }
            match page["NextToken"].take() {
                token @ Value::String(_) => body["NextToken"] = token,
                _ => break,
            }
        }
        Ok(items)
    }

    /// A prediction, in the runtime's protocol.
    pub async fn invoke(&self, endpoint: &str, body: &str) -> Result<Value, HttpError> {
        let path = format!("/endpoints/{endpoint}/invocations");
        let request = self
            .request(Method::POST, &path, "sagemaker")
            .header("content-type", "application/json")
            .header("accept", "application/json");
        self.json("InvokeEndpoint", request, body.to_owned()).await
    }

    /// An object of S3, by its `s3://` URI.
    pub async fn object(&self, uri: &str) -> Result<Bytes, HttpError> {
        let path = uri.strip_prefix("s3:/").unwrap_or(uri);
        let request = self.request(Method::GET, path, "s3");
        self.send("GetObject", request, String::new()).await
    }

    /// What was asked of the server after request number `since`.
    pub async fn calls(&self, since: u64) -> Result<Vec<Value>, HttpError> {
        let path = format!("/_trueup/calls?since={since}");
        let request = self.request(Method::GET, &path, "sagemaker");
        let mut answer = self.json("the call log", request, String::new()).await?;
        Ok(match answer["calls"].take() {
            Value::Array(calls) => calls,
            _ => Vec::new(),
        })
    }

    /// The server reads nothing of a signature but the region.
    fn request(&self, method: Method, path: &str, service: &str) -> hyper::http::request::Builder {
        let credential = format!("demo/20260101/{REGION}/{service}/aws4_request");
        let authorization =
            format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0");
        Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header("authorization", authorization)
    }

    async fn json(
        &self,
        what: &str,
        request: hyper::http::request::Builder,
        body: String,
    ) -> Result<Value, HttpError> {
        let bytes = self.send(what, request, body).await?;
        serde_json::from_slice(&bytes).map_err(|error| HttpError::NotJson(what.to_owned(), error))
    }

    async fn send(
        &self,
        what: &str,
        request: hyper::http::request::Builder,
        body: String,
    ) -> Result<Bytes, HttpError> {
        let lost = |error: Box<dyn std::error::Error + Send + Sync>| {
            HttpError::Lost(what.to_owned(), error)
        };
        let request = request
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| lost(error.into()))?;
        let exchange = async {
            let response = self
                .client
                .request(request)
                .await
                .map_err(|e| lost(e.into()))?;
            let status = response.status();
            let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect();
            Ok((status, body.await.map_err(lost)?.to_bytes()))
        };
        let (status, bytes) = timeout(DEADLINE, exchange)
            .await
            .map_err(|_| HttpError::Late(what.to_owned()))??;
        if status == StatusCode::OK {
            return Ok(bytes);
        }
        let words = String::from_utf8_lossy(&bytes).chars().take(400).collect();
        Err(HttpError::Refused {
            what: what.to_owned(),
            status: status.as_u16(),
            words,
        })
    }
}
