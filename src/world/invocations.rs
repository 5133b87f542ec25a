//! Asynchronous inference: a queue of invocations for each endpoint that has one.

use serde_json::{Value, json};

use super::World;
use super::encode::letters;
use super::kind::Id;
use super::records::Key;
use super::request::{Refusal, text};
use super::topics::Publishing;
use super::work::{Invocation, Invoked};
use crate::clock::{SignedDuration, Timestamp};
use crate::limits::INVOCATIONS_QUEUED_MAX;
use crate::resource::call::{OpError, Scope};

/// Seconds that an invocation may wait, and that it may take, where it does not say.
const WAIT_SECONDS: i64 = 6 * 3600;
const TIMEOUT_SECONDS: u64 = 15 * 60;
/// Invocations at a time on one instance where the config does not say.
const AT_ONCE: u64 = 4;

/// What a client asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AsyncRequest {
    /// The endpoint.
    pub endpoint: String,
    /// The object that is the request's body: `s3://bucket/key`.
    pub input: String,
    /// The headers that the model gets.
    pub headers: Vec<(String, String)>,
    /// The client's own name for it.
    pub inference_id: Option<String>,
    /// Seconds that it may wait.
    pub wait_seconds: Option<i64>,
    /// Seconds that the model may take.
    pub timeout_seconds: Option<u64>,
}

/// An endpoint's queue: how much waits or is being answered, and on how many instances.
#[derive(Debug, Clone, PartialEq)]
pub struct Backlog {
    /// Where the endpoint lives.
    pub scope: Scope,
    /// Its name.
    pub endpoint: String,
    /// Invocations.
    pub size: u64,
    /// Instances.
    pub instances: u64,
}

/// What a topic is told of an invocation that has ended.
fn told(invocation: &Invocation, done: &Invoked, now: Timestamp) -> Value {
    let headers = invocation.headers.iter();
    let mut headers = headers.filter(|(name, _)| name == "content-type");
    let content_type = headers.next().map(|(_, value)| value.as_str());
    let mut message = json!({
        "awsRegion": invocation.scope.region,
        "eventTime": now.to_string(),
        "receivedTime": invocation.received.to_string(),
        "invocationStatus": if done.failure.is_some() { "Failed" } else { "Completed" },
        "requestParameters": {
            "contentType": content_type,
            "endpointName": invocation.endpoint,
            "inputLocation": invocation.input,
        },
        "inferenceId": invocation.inference_id,
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    });
    match &done.failure {
        Some(reason) => message["failureReason"] = reason.as_str().into(),
        None => {
            message["responseParameters"] = json!({
                "contentType": done.content_type,
                "outputLocation": invocation.output,
            });
        }
    }
    message
}

impl World {
    /// Puts an invocation into the queue of its endpoint. The answer says where its own will be.
    ///
    /// # Errors
    /// The endpoint does not exist, is not up, or is not for this; or its queue is full.
    pub fn invoke_async(
        &mut self,
        now: Timestamp,
        scope: &Scope,
        request: AsyncRequest,
    ) -> Result<Invocation, OpError> {
        self.run_until(now);
        let refuse = |code: &'static str, message: String| {
            Err(Refusal::new(code, message).error("InvokeEndpointAsync"))
        };
        let (account, name) = (&scope.account, &request.endpoint);
        let key = Key::new(Id::Endpoint, scope, name);
        let found = self.endpoint(&key);
        let found = found.filter(|(record, state)| record.name == *name && !state.live.is_empty());
        let Some((record, _)) = found else {
            let words = format!("Endpoint {name} of account {account} not found.");
            return refuse("ValidationError", words);
        };
        let Some(config) = record.body.get("AsyncInferenceConfig").cloned() else {
            let words = format!(
                "Endpoint {name} of account {account} is not an asynchronous endpoint: its config \
                 has no AsyncInferenceConfig."
            );
            return refuse("ValidationError", words);
        };
        if self.works.invocations(&key) >= INVOCATIONS_QUEUED_MAX {
            let words = format!("The queue of endpoint {name} of account {account} is full.");
            return refuse("ServiceUnavailable", words);
        }
        let id = self.next_work();
        let object = letters(&format!("{id:?}{now}"), 32);
        let below = |member: &str, end: &str| {
            let folder = text(&config["OutputConfig"], member).trim_end_matches('/');
            (!folder.is_empty()).then(|| format!("{folder}/{object}{end}"))
        };
        let wait = SignedDuration::from_secs(request.wait_seconds.unwrap_or(WAIT_SECONDS));
        let invocation = Invocation {
            id,
            scope: scope.clone(),
            inference_id: request.inference_id.unwrap_or_else(|| object.clone()),
            endpoint: request.endpoint,
            input: request.input,
            headers: request.headers,
            output: below("S3OutputPath", ".out"),
            failure: below("S3FailurePath", "-error.out"),
            received: self.now,
            expires: self.now.saturating_add(wait).unwrap_or(Timestamp::MAX),
            timeout_seconds: request.timeout_seconds.unwrap_or(TIMEOUT_SECONDS),
            at_once: config["ClientConfig"]["MaxConcurrentInvocationsPerInstance"]
                .as_u64()
                .unwrap_or(AT_ONCE),
        };
        self.works.invoke(key, invocation.clone());
        Ok(invocation)
    }

    /// An invocation was answered, or failed for good: the endpoint's topics hear of it.
    pub(super) fn invoked(&mut self, done: &Invoked) {
        let Some((key, invocation)) = self.works.invoked(done.id) else {
            return;
        };
        let Some((record, _)) = self.endpoint(&key) else {
            return;
        };
        let topics = "/AsyncInferenceConfig/OutputConfig/NotificationConfig";
        let topic = if done.failure.is_some() {
            "ErrorTopic"
        } else {
            "SuccessTopic"
        };
        let topics = record.body.pointer(topics);
        let topic = topics.map_or("", |topics| text(topics, topic)).to_owned();
        if !topic.is_empty() {
            let message = told(&invocation, done, self.now).to_string();
            let publishing = Publishing {
                message,
                ..Publishing::default()
            };
            // A topic that is gone hears nothing.
            let _told = self.publish_to(&topic, publishing);
        }
    }

    /// The queues of all endpoints that have one.
    pub fn backlogs(&self) -> Vec<Backlog> {
        let endpoints = self.records.all(Id::Endpoint);
        let asynchronous =
            endpoints.filter(|record| record.body.get("AsyncInferenceConfig").is_some());
        asynchronous
            .map(|record| {
                let key = Key::new(Id::Endpoint, &record.scope, &record.name);
                let variants = record.body["ProductionVariants"].as_array();
                let counts = variants.into_iter().flatten();
                let counts = counts.filter_map(|one| one["CurrentInstanceCount"].as_u64());
                Backlog {
                    scope: record.scope.clone(),
                    endpoint: record.name.clone(),
                    size: u64::try_from(self.works.invocations(&key)).unwrap_or(u64::MAX),
                    instances: counts.sum(),
                }
            })
            .collect()
    }

    /// Has the fleets of an endpoint be as many processes as its variants have instances.
    pub(super) fn resize(&mut self, key: &Key) {
        let Some((record, state)) = self.endpoint(key) else {
            return;
        };
        let variants = record.body["ProductionVariants"].as_array();
        let counts = variants.into_iter().flatten().filter_map(|variant| {
            let placed = state.live.iter();
            let mut placed = placed.filter(|one| one.variant == text(variant, "VariantName"));
            Some((
                placed.next()?.fleet,
                variant["DesiredInstanceCount"].as_u64()?,
            ))
        });
        let counts: Vec<_> = counts.collect();
        for (fleet, count) in counts {
            self.works.scale(fleet, count);
        }
    }
}
