//! The two doors: the world itself, and a server that runs nothing, by a clock that is set.

use std::sync::Arc;
use std::time::Duration;

use axum::http::Request;
use serde_json::Value;
use tokio::time::{interval, timeout};
use trueup::clock::{ManualClock, SignedDuration, Timestamp};
use trueup::local::{LocalHandle, LocalOptions, serve};
use trueup::resource::call::{Call, Scope};
use trueup::world::work::{Done, Job, JobOutcome, Work};
use trueup::world::{Pace, Settings, World};

use super::super::{DEADLINE, options, send};

/// An answer, or the code and the words of a refusal.
pub(super) type Told = Result<Value, (String, String)>;

const ACCOUNT: &str = "111122223333";
const REGION: &str = "us-east-1";

/// The service's own pace, but for what a deployment waits on purpose.
const PACE: Pace = Pace {
    traffic_wait_most: SignedDuration::ZERO,
    ..Pace::simulated()
};

fn start() -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap()
}

/// The world in this process. Work is done as soon as it is handed out, as by a server that has a
/// control plane only and takes no time.
pub(super) struct Direct {
    world: World,
    now: Timestamp,
}

impl Direct {
    pub(super) fn new() -> Self {
        let mut world = World::new(PACE);
        world.set(Settings {
            unchecked: true,
            ..Settings::default()
        });
        Self {
            world,
            now: start(),
        }
    }

    pub(super) fn pass(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
        self.settle();
    }

    pub(super) fn ask(&mut self, service: &str, op: &str, body: &Value) -> Told {
        let name = World::operation_of(service, op).unwrap();
        let scope = Scope {
            account: ACCOUNT.to_owned(),
            region: REGION.to_owned(),
        };
        let answer = self
            .world
            .call(self.now, &Call::new(name, &scope, body.clone()));
        self.settle();
        answer.map_err(|error| (error.code, error.message))
    }

    fn settle(&mut self) {
        loop {
            let works = self.world.advance(self.now);
            if works.is_empty() {
                return;
            }
            for done in works.into_iter().filter_map(done) {
                self.world.finish(self.now, done);
            }
        }
    }
}

fn done(work: Work) -> Option<Done> {
    match work {
        Work::Run(job) => Some(Done::Job {
            id: job.id,
            outcome: completed(&job),
        }),
        Work::Serve(fleet) => Some(Done::Fleet {
            id: fleet.id,
            failure: None,
        }),
        Work::Stop(_) | Work::Scale(..) | Work::Retire(_) => None,
        Work::Invoke(_) | Work::Post(_) => panic!("the script asks for no {work:?}"),
    }
}

/// As a job ends that was not run: its metrics are 0.
fn completed(job: &Job) -> JobOutcome {
    let output = job.request["OutputDataConfig"]["S3OutputPath"].as_str();
    let metrics = &job.request["AlgorithmSpecification"]["MetricDefinitions"];
    let names = metrics.as_array().into_iter().flatten();
    let artefact = |path: &str| {
        let path = path.trim_end_matches('/');
        format!("{path}/{}/output/model.tar.gz", job.name)
    };
    JobOutcome::Completed {
        model_artifacts: output.map(artefact),
        exit_message: None,
        metrics: names
            .map(|metric| (metric["Name"].as_str().unwrap().to_owned(), 0.0))
            .collect(),
    }
}

/// A server, whose clock moves with the script.
pub(super) struct Http {
    handle: LocalHandle,
    clock: ManualClock,
}

impl Http {
    pub(super) async fn start() -> Self {
        let clock = ManualClock::new(start());
        let handle = serve(LocalOptions {
            clock: Arc::new(clock.clone()),
            pace: PACE,
            control_plane_only: Some(Duration::ZERO),
            account: ACCOUNT.to_owned(),
            ..options()
        });
        Self {
            handle: handle.await.unwrap(),
            clock,
        }
    }

    pub(super) fn pass(&self, seconds: i64) {
        self.clock.advance(SignedDuration::from_secs(seconds));
    }

    pub(super) async fn ask(&self, service: &str, op: &str, body: &Value) -> Told {
        let (target, version) = match service {
            "application-autoscaling" => ("AnyScaleFrontendService", "1.1"),
            "cloudwatch" => ("GraniteServiceVersion20100801", "1.0"),
            "events" => ("AWSEvents", "1.1"),
            _ => ("SageMaker", "1.1"),
        };
        let request = Request::post(&self.handle.url)
            .header("x-amz-target", format!("{target}.{op}"))
            .header("content-type", format!("application/x-amz-json-{version}"))
            .header(
                "authorization",
                format!(
                    "AWS4-HMAC-SHA256 Credential=A/20260101/{REGION}/{service}/aws4_request, \
                     SignedHeaders=host, Signature=0"
                ),
            );
        let (status, headers, body) = send(request, body.to_string().into_bytes()).await;
        let value: Value = serde_json::from_slice(&body).unwrap();
        if status == 200 {
            return Ok(value);
        }
        // Clients of the older protocol read the code from a header.
        let older = headers.get("x-amzn-query-error");
        let older = older.and_then(|header| header.split(';').next());
        let code = older.or_else(|| value["__type"].as_str()).unwrap();
        let message = value["message"].as_str().unwrap();
        Err((code.to_owned(), message.to_owned()))
    }

    /// Asks again until the answer is what is waited for, or the deadline has passed.
    pub(super) async fn ask_until(
        &self,
        service: &str,
        op: &str,
        body: &Value,
        done: impl Fn(&Told) -> bool,
    ) -> Told {
        let mut ticks = interval(Duration::from_millis(20));
        let found = timeout(DEADLINE, async {
            loop {
                ticks.tick().await;
                let told = self.ask(service, op, body).await;
                if done(&told) {
                    return told;
                }
            }
        });
        match found.await {
            Ok(told) => told,
            Err(_late) => self.ask(service, op, body).await,
        }
    }

    pub(super) async fn end(self) {
        self.handle.shutdown().await;
    }
}
