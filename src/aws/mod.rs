//! The cloud over the AWS SDK: the only room that names `aws_sdk_*`.
//!
//! A [`Call`] goes out as it is: the SDK's typed operation gives the protocol, the endpoint, the
//! credentials and the signature, and an interceptor puts our JSON in place of its body and hands
//! back the raw answer. So what the SDK does not know yet passes both ways, and an operation costs
//! one line in `operations.rs`. Application Auto Scaling and Service Quotas speak JSON too and are
//! carried so; S3, `CloudWatch` and SNS do not, and go through the SDK's typed builders, a file each.

mod accounts;
mod alarms;
mod answer;
mod budget;
mod clients;
mod exchange;
mod keys;
pub mod operations;
mod quotas;
mod s3;
mod scaling;
mod topics;
mod typed;
mod verbatim;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_sdk_sagemaker::config::Credentials;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::{Instant, sleep_until};

use crate::limits;
use crate::resource::call::{Answer, Call, OpError};
use crate::resource::error::Class;
use crate::resource::wire::{Turn, Wire};

pub use accounts::{Role, Roles};
use answer::Failure;
use budget::Budget;
use clients::Clients;
use exchange::Exchange;
pub use keys::Identity;

/// How to reach AWS. What is left out comes from the SDK's standard chain: environment variables,
/// profiles, SSO, credential processes, container and instance roles.
#[derive(Debug, Clone)]
pub struct Options {
    /// A profile other than the chain's own choice.
    pub profile: Option<String>,
    /// Where all services are, such as `http://127.0.0.1:4566` for the local SageMaker.
    pub endpoint_url: Option<String>,
    /// Keys in place of the chain: for the local SageMaker, which no account stands behind.
    pub keys: Option<Keys>,
    /// How long one call may take, retries included. A reading call gives up an attempt after a
    /// third of it.
    pub deadline: Duration,
    /// Whether calls wait for their turn, so that the account's limits are kept.
    pub paced: bool,
    /// Whether the service is asked whose the credentials are before they are used.
    pub verified: bool,
    /// Whether Service Quotas is asked how often calls may be made.
    pub rated: bool,
}

/// A pair of keys.
#[derive(Debug, Clone)]
pub struct Keys {
    /// The access key's id.
    pub id: String,
    /// The secret access key.
    pub secret: SecretString,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            profile: None,
            endpoint_url: None,
            keys: None,
            deadline: limits::CALL_DEADLINE,
            paced: true,
            verified: true,
            rated: true,
        }
    }
}

impl Options {
    /// The local SageMaker at `url`, with keys that stand for nobody. It throttles nobody.
    pub fn local(url: impl Into<String>) -> Self {
        Self {
            endpoint_url: Some(url.into()),
            keys: Some(Keys {
                id: "local".to_owned(),
                secret: "local".into(),
            }),
            paced: false,
            verified: false,
            rated: false,
            ..Self::default()
        }
    }
}

/// A connection to AWS: clients for every account and region that was asked for, made when first used. Cheap to
/// clone.
#[derive(Debug, Clone)]
pub struct Aws {
    clients: Arc<Clients>,
    budget: Option<Arc<Budget>>,
    rated: bool,
    deadline: Duration,
    gate: Gate,
}

/// Asked right before a call that changes something is sent.
#[derive(Clone)]
struct Gate(Arc<dyn Fn() -> bool + Send + Sync>);

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gate")
    }
}

impl Aws {
    /// Reads the standard chain's configuration. Credentials are looked up by the first call.
    pub async fn connect(options: Options) -> Self {
        let (deadline, verified) = (options.deadline, options.verified);
        Self {
            rated: options.rated,
            budget: options.paced.then(Arc::default),
            clients: Arc::new(Clients::new(load(options).await, verified, deadline)),
            deadline,
            gate: Gate(Arc::new(|| true)),
        }
    }

    /// The same connection, whose calls have no longer than this.
    #[must_use]
    pub fn within(&self, deadline: Duration) -> Self {
        Self {
            deadline: deadline.min(self.deadline),
            ..self.clone()
        }
    }

    /// The same connection; a call that changes something is sent only where `may` says so, which is
    /// asked after all waiting for turns and credentials of the region.
    #[must_use]
    pub fn where_allowed(&self, may: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self {
            gate: Gate(Arc::new(may)),
            ..self.clone()
        }
    }

    /// The same connection, with a role assumed for calls in these accounts.
    #[must_use]
    pub fn with_roles(&self, roles: &Roles) -> Self {
        let clients = self.clients.with_roles(roles);
        Self {
            clients: clients.map_or_else(|| self.clients.clone(), Arc::new),
            ..self.clone()
        }
    }

    /// Makes one call and waits for its answer, at most until the deadline.
    ///
    /// A call that reads is tried up to three times; one that changes something goes out once,
    /// because a second one after an unknown outcome could do it twice: the next step is then a
    /// look. Codes that are this room's own, not the service's:
    ///
    /// | code | meaning | sent |
    /// |---|---|---|
    /// | `NoAnswer` | a time-out or a broken connection after sending | maybe |
    /// | `CannotConnect` | no connection came about | no |
    /// | `NoCredentials` | the chain holds none, or they could not be had | no |
    /// | `NoIdentity` | it could not be found out whose the credentials are | no |
    /// | `WrongAccount` | they are another account's than the call is for | no |
    /// | `NotSent` | the request could not be made: no such region, or no address for it | no |
    /// | `InvalidCall` | the body is not what the operation takes | no |
    /// | `NoLease` | whoever holds the lease has to send it: see [`Aws::where_allowed`] | no |
    /// | `NoTurn` | too many calls of this operation wait for their turn | no |
    /// | `UnknownOperation` | not in [`operations::OPERATIONS`], nor another service's | no |
    pub async fn call(&self, call: &Call) -> Answer {
        let Some(mut wire) = Wire::of(call) else {
            return self.in_turn(call).await;
        };
        loop {
            let answer = self.in_turn(&wire.call).await;
            match wire.read(answer) {
                Turn::Answer(answer) => return answer,
                Turn::Again(next) => wire = *next,
            }
        }
    }

    /// Makes one call as it is, when it is its turn.
    async fn in_turn(&self, call: &Call) -> Answer {
        // S3's limits are thousands of requests a second.
        let paced = self
            .budget
            .as_ref()
            .filter(|_| s3::Operation::named(call.op).is_none());
        let Some(budget) = paced else {
            return self.once(call).await;
        };
        if self.rated && budget.is_new(&call.scope) {
            // Calls go on meanwhile, at the rates that hold where nothing is known.
            budget.meanwhile(quotas::learn(self.clone(), call.scope.clone()));
        }
        let now = Instant::now();
        match budget.reserve(call, now) {
            Ok(wait) => sleep_until(now + wait).await,
            Err(wait) => return Err(no_turn(call, wait)),
        }
        let answer = self.once(call).await;
        let class = answer.as_ref().err().map(|error| error.class);
        budget.answered(call, class == Some(Class::Throttled), Instant::now());
        answer
    }

    /// Makes one call as it is, now.
    async fn once(&self, call: &Call) -> Answer {
        let exchange = Exchange::new(call);
        let work = async {
            let clients = self.clients.region(call).await?;
            let clients = clients.get().expect("it was made just now");
            if call.mutates() && !(self.gate.0)() {
                return Err(no_lease(call));
            }
            send(clients, call, &exchange).await
        };
        let late = |_| {
            let failure = Failure::late(self.deadline);
            Err(answer::unanswered(call.op, exchange.stage(), failure))
        };
        let answer = tokio::time::timeout(self.deadline, work)
            .await
            .unwrap_or_else(late);
        log(call, &exchange, &answer);
        answer
    }
}

fn no_lease(call: &Call) -> OpError {
    let words = "it was not sent: the lease ran out, and another may hold it by now";
    answer::own(call.op, Class::Overtaken, "NoLease", words)
}

fn no_turn(call: &Call, wait: Duration) -> OpError {
    let seconds = wait.as_secs();
    let words = format!("its turn would come in {seconds} s: too many calls wait before it");
    answer::own(call.op, Class::Throttled, "NoTurn", words)
}

/// Whether an operation's body goes out as the call has it.
fn speaks_json(op: &str) -> bool {
    s3::Operation::named(op).is_none()
        && !alarms::OPERATIONS.contains(&op)
        && !topics::OPERATIONS.contains(&op)
}

async fn send(clients: &clients::Region, call: &Call, exchange: &Exchange) -> Answer {
    if let Some(operation) = s3::Operation::named(call.op) {
        return operation.send(clients, call, exchange).await;
    }
    if let Some(answer) = alarms::send(clients, call, exchange).await {
        return answer;
    }
    if let Some(answer) = topics::send(clients, call, exchange).await {
        return answer;
    }
    if call.op == quotas::LIST {
        let sent = quotas::send(clients.quotas(call), call.op, exchange.clone()).await;
        return raw(call, exchange, sent);
    }
    let scaled = scaling::send(clients.scaling(call), call.op, exchange.clone()).await;
    let sent = match scaled {
        None => operations::send(clients.sagemaker(call), call.op, exchange.clone()).await,
        scaled => scaled,
    };
    raw(call, exchange, sent)
}

/// The answer of a service that speaks JSON, as it came.
fn raw(call: &Call, exchange: &Exchange, sent: Option<Result<(), Failure>>) -> Answer {
    match sent {
        None => Err(answer::own(
            call.op,
            Class::Invalid,
            "UnknownOperation",
            "no such operation is known here",
        )),
        // What was received decides, not what the SDK makes of it: it may refuse an answer whose
        // members it does not expect.
        Some(outcome) => match (exchange.received(), outcome) {
            (Some(received), _) => answer::read(call.op, &received),
            (None, Err(failure)) => Err(answer::unanswered(call.op, exchange.stage(), failure)),
            (None, Ok(())) => Err(answer::unanswered(
                call.op,
                exchange.stage(),
                Failure::unread(),
            )),
        },
    }
}

async fn load(options: Options) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).app_name(app_name());
    if let Some(profile) = options.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(url) = options.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    if let Some(keys) = options.keys {
        let secret = keys.secret.expose_secret();
        // A call names its region; this one only keeps the chain from asking the network for one.
        loader = loader
            .region(Region::from_static("us-east-1"))
            .credentials_provider(Credentials::new(keys.id, secret, None, None, "options"));
    }
    loader.load().await
}

fn app_name() -> AppName {
    AppName::new("trueup").expect("letters only")
}

/// One line a call, without bodies: they may hold what users keep in hyperparameters.
fn log(call: &Call, exchange: &Exchange, answer: &Answer) {
    let (op, scope) = (call.op, &call.scope);
    let request = exchange.request_id().unwrap_or_default();
    match answer {
        Ok(_) => {
            tracing::debug!(call.op = op, call.scope = %scope, call.request = request, "answered");
        }
        Err(error) => tracing::debug!(
            call.op = op,
            call.scope = %scope,
            call.request = request,
            call.code = error.code,
            call.class = ?error.class,
            call.sent = ?error.sent,
            "refused or lost"
        ),
    }
}
