//! What the service's state machine asks its surroundings to really do, and what came of it.
//!
//! [`super::World`] decides; somebody else acts. `local/` starts processes; the simulation scripts
//! the outcome.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Timestamp;
use crate::resource::call::Scope;

/// Names one piece of work, for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WorkId(pub u64);

/// Something to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Work {
    /// Run a job to its end; answered by [`Done::Job`].
    Run(Job),
    /// Stop a running job; its [`Done::Job`] still comes.
    Stop(WorkId),
    /// Bring up the serving processes of one variant; answered by [`Done::Fleet`].
    Serve(Fleet),
    /// Have the fleet be so many processes from now on. Not answered.
    Scale(WorkId, u64),
    /// Take them down. Not answered.
    Retire(WorkId),
    /// Carry out an invocation that was queued; answered by [`Done::Invocation`].
    Invoke(Box<Invocation>),
    /// Send a message over the web, and again if it does not arrive; answered by [`Done::Post`].
    Post(Post),
}

/// A job to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Its id.
    pub id: WorkId,
    /// Which contract it follows.
    pub kind: JobKind,
    /// Where.
    pub scope: Scope,
    /// The job's name.
    pub name: String,
    /// The whole Create request, every function of the pipeline resolved.
    pub request: Value,
    /// What a transform job serves, in the shape of `ContainerDefinition`.
    #[serde(default)]
    pub container: Option<Value>,
}

/// The kinds of jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobKind {
    /// `CreateTrainingJob`
    Training,
    /// `CreateProcessingJob`
    Processing,
    /// `CreateTransformJob`
    Transform,
}

/// The serving processes of one variant of one endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fleet {
    /// Its id: a new fleet for every deployment.
    pub id: WorkId,
    /// Where.
    pub scope: Scope,
    /// The endpoint.
    pub endpoint: String,
    /// The variant.
    pub variant: String,
    /// The container, in the shape of `ContainerDefinition` (image, model data, environment).
    pub container: Value,
    /// Instances.
    #[serde(default = "one")]
    pub count: u64,
    /// Requests at a time, where it is serverless: then it goes when nobody asks, and comes again
    /// with the next request.
    #[serde(default)]
    pub serverless: Option<u64>,
}

fn one() -> u64 {
    1
}

/// An asynchronous invocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invocation {
    /// Its id.
    pub id: WorkId,
    /// Where.
    pub scope: Scope,
    /// The endpoint.
    pub endpoint: String,
    /// The client's own name for it, or the service's.
    pub inference_id: String,
    /// The object that is the request's body.
    pub input: String,
    /// The headers that the model gets.
    pub headers: Vec<(String, String)>,
    /// The object that the answer becomes, if the endpoint says where.
    pub output: Option<String>,
    /// The object that the reason of a failure becomes, if the endpoint says where.
    pub failure: Option<String>,
    /// When it was asked for.
    pub received: Timestamp,
    /// Until when it may wait.
    pub expires: Timestamp,
    /// Seconds that the model may take.
    pub timeout_seconds: u64,
    /// Invocations at a time on one instance.
    pub at_once: u64,
}

/// What came of an asynchronous invocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoked {
    /// Which.
    pub id: WorkId,
    /// Why there is no answer.
    pub failure: Option<String>,
    /// The content type of the answer.
    pub content_type: String,
}

/// A message for an endpoint on the web.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    /// Its id.
    pub id: WorkId,
    /// Where to.
    pub url: String,
    /// The region of its topic.
    pub region: String,
    /// What stands before the body.
    pub headers: BTreeMap<String, String>,
    /// The message.
    pub body: String,
}

/// What came of a piece of work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Done {
    /// A job ended.
    Job {
        /// Which.
        id: WorkId,
        /// How.
        outcome: JobOutcome,
    },
    /// A fleet came up (`None`) or failed to (the reason).
    Fleet {
        /// Which.
        id: WorkId,
        /// Why not.
        failure: Option<String>,
    },
    /// A queued invocation has ended.
    Invocation(Invoked),
    /// A message arrived (`None`) or did not (the reason).
    Post {
        /// Which.
        id: WorkId,
        /// Why not.
        failure: Option<String>,
    },
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum JobOutcome {
    /// It exited with 0 and everything that it wrote is uploaded.
    Completed {
        /// A training job's artefact.
        model_artifacts: Option<String>,
        /// A processing job's exit message.
        exit_message: Option<String>,
        /// A training job's last metric values by name.
        metrics: BTreeMap<String, f64>,
    },
    /// It failed: the reason in SageMaker's form, such as `AlgorithmError: …, exit code: 1`.
    Failed(String),
    /// It was stopped.
    Stopped,
}
