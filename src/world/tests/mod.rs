//! The service from outside: every answer is held against the public service model.

mod again;
mod caching;
mod definition;
mod endpoint;
mod entities;
mod lineage;
mod metrics;
mod monitor;
mod monitoring;
mod moods;
mod neighbours;
mod package;
pub(super) mod pipeline;
mod plain;
mod rollout;
mod steps;
mod transform;
mod tuning;
mod whole;

use std::sync::Arc;

use serde_json::{Value, json};

use super::work::{Done, JobOutcome, Work, WorkId};
use super::{Pace, World, operations, shape};
use crate::clock::{SignedDuration, Timestamp};
use crate::resource::call::{Call, OpError, Scope};

const ROLE: &str = "arn:aws:iam::111122223333:role/Exec";
const BUCKET: &str = "sagemaker-eu-west-1-111122223333";

pub(super) fn scope() -> Scope {
    Scope {
        account: "111122223333".to_owned(),
        region: "eu-west-1".to_owned(),
    }
}

/// A world with a clock.
pub(super) struct Bench {
    pub(super) world: World,
    pub(super) now: Timestamp,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self {
            world: World::new(Pace::simulated()),
            now: Timestamp::from_second(1_790_000_000).unwrap(),
        }
    }

    pub(super) fn try_ask(&mut self, op: &str, body: Value) -> Result<Value, OpError> {
        let name = World::operation(op).unwrap_or_else(|| panic!("no operation {op}"));
        let answer = self.world.call(self.now, &Call::new(name, &scope(), body));
        if let Ok(answer) = &answer
            && !operations::find(op).unwrap().is_s3()
        {
            let faults = shape::answer_faults(op, answer);
            assert!(faults.is_empty(), "{op}: {faults:?}");
        }
        answer
    }

    pub(super) fn ask(&mut self, op: &str, body: Value) -> Value {
        self.try_ask(op, body)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// Asks for what must be refused with this code, in words that contain `message`.
    pub(super) fn refused(&mut self, op: &str, body: Value, code: &str, message: &str) -> OpError {
        let error = self.try_ask(op, body).expect_err(op);
        assert_eq!(error.code, code, "{error}");
        assert!(error.message.contains(message), "{error} without {message}");
        error
    }

    pub(super) fn wait(&mut self, seconds: i64) -> Vec<Work> {
        self.now += SignedDuration::from_secs(seconds);
        self.world.advance(self.now)
    }

    pub(super) fn put(&mut self, key: &str, bytes: &[u8]) {
        self.world
            .objects_mut()
            .put(BUCKET, key, Arc::from(bytes), self.now)
            .unwrap();
    }

    pub(super) fn job(&mut self, id: WorkId, outcome: JobOutcome) {
        self.world.finish(self.now, Done::Job { id, outcome });
    }

    /// Brings up, or fails, every fleet that is asked for.
    pub(super) fn fleets(&mut self, failure: Option<&str>) -> Vec<WorkId> {
        let mut ids = Vec::new();
        for work in self.world.advance(self.now) {
            if let Work::Serve(fleet) = work {
                ids.push(fleet.id);
                let failure = failure.map(str::to_owned);
                self.world.finish(
                    self.now,
                    Done::Fleet {
                        id: fleet.id,
                        failure,
                    },
                );
            }
        }
        ids
    }

    pub(super) fn model(&mut self, name: &str) {
        self.put("m/model.tar.gz", b"weights");
        self.ask(
            "CreateModel",
            json!({
                "ModelName": name,
                "ExecutionRoleArn": ROLE,
                "PrimaryContainer": {
                    "Image": "1.dkr.ecr.eu-west-1.amazonaws.com/serve:1",
                    "ModelDataUrl": format!("s3://{BUCKET}/m/model.tar.gz"),
                    "Environment": {"A": "b"},
                },
            }),
        );
    }

    /// An endpoint config with one variant of one instance on the model.
    pub(super) fn config(&mut self, name: &str, model: &str) {
        self.ask(
            "CreateEndpointConfig",
            json!({
                "EndpointConfigName": name,
                "ProductionVariants": [{
                    "VariantName": "main", "ModelName": model,
                    "InstanceType": "ml.m5.large", "InitialInstanceCount": 1,
                }],
            }),
        );
    }
}

pub(super) fn completed(artefact: Option<&str>) -> JobOutcome {
    JobOutcome::Completed {
        model_artifacts: artefact.map(str::to_owned),
        exit_message: None,
        metrics: [("auc".to_owned(), 0.91)].into(),
    }
}
