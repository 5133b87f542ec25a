//! A client that keeps one connection, and spells its requests out: what is measured is the server.

use axum::http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

const SIGNED: &str = "AWS4-HMAC-SHA256 \
    Credential=A/20260101/us-east-1/sagemaker/aws4_request, SignedHeaders=host, Signature=0";

pub(crate) struct Client {
    url: String,
    http: hyper_util::client::legacy::Client<HttpConnector, Full<Bytes>>,
}

impl Client {
    pub(crate) fn new(url: &str) -> Self {
        let builder = hyper_util::client::legacy::Client::builder(TokioExecutor::new());
        Self {
            url: url.to_owned(),
            http: builder.build_http(),
        }
    }

    /// Makes endpoints of one model, and waits until the last is in service.
    pub(crate) async fn fill(&mut self, endpoints: usize) {
        let model = json!({"ModelName": "bench",
            "ExecutionRoleArn": "arn:aws:iam::111122223333:role/bench",
            "PrimaryContainer": {"Image": "1.dkr.ecr.us-east-1.amazonaws.com/bench:1"}});
        self.ask("CreateModel", &model).await;
        let config = json!({"EndpointConfigName": "bench", "ProductionVariants": [
            {"VariantName": "main", "ModelName": "bench", "InstanceType": "ml.m5.large",
             "InitialInstanceCount": 1}]});
        self.ask("CreateEndpointConfig", &config).await;
        for nth in 0..endpoints {
            let body = json!({"EndpointName": name(nth), "EndpointConfigName": "bench"});
            self.ask("CreateEndpoint", &body).await;
        }
        while self.describe(endpoints - 1).await["EndpointStatus"] != "InService" {
            tokio::task::yield_now().await;
        }
    }

    pub(crate) async fn describe(&mut self, nth: usize) -> Value {
        self.ask("DescribeEndpoint", &json!({"EndpointName": name(nth)}))
            .await
    }

    async fn ask(&mut self, op: &str, body: &Value) -> Value {
        let request = Request::post(&self.url)
            .header("x-amz-target", format!("SageMaker.{op}"))
            .header("content-type", "application/x-amz-json-1.1")
            .header("authorization", SIGNED)
            .body(Full::new(Bytes::from(body.to_string())))
            .expect("a request");
        let answer = self.http.request(request).await.expect("an answer");
        let status = answer.status();
        let bytes = answer.into_body().collect().await.expect("a whole answer");
        let bytes = bytes.to_bytes();
        assert_eq!(
            status,
            StatusCode::OK,
            "{op}: {}",
            String::from_utf8_lossy(&bytes)
        );
        serde_json::from_slice(&bytes).expect("JSON")
    }
}

fn name(nth: usize) -> String {
    format!("bench-{nth}")
}
