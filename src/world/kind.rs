//! One declaration a kind: its operations, its names, its ARN, its list, and the service's words
//! when it is missing or exists already.

use serde::{Deserialize, Serialize};

use super::kinds::KINDS;
use super::records::Record;
use super::request::{Refusal, Request};
use crate::resource::call::Scope;
use crate::resource::canonical::sha256;

/// A kind of resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Id {
    Model,
    EndpointConfig,
    Endpoint,
    Pipeline,
    Execution,
    TrainingJob,
    ProcessingJob,
    TransformJob,
    TuningJob,
    PackageGroup,
    Package,
    DataQuality,
    ModelQuality,
    ModelBias,
    ModelExplainability,
    Schedule,
    MonitoringExecution,
    Experiment,
    Trial,
    TrialComponent,
    Artifact,
    Action,
    Context,
    Association,
    ModelCard,
    ScalableTarget,
    ScalingPolicy,
    Alarm,
    Topic,
    Subscription,
}

/// What is alike in all kinds, as data.
pub(super) struct Kind {
    pub(super) id: Id,
    /// Its Describe, whose answer is the record's body.
    pub(super) describe: &'static str,
    /// The member that names it, in requests and in the Describe.
    pub(super) name: &'static str,
    /// The member that is its ARN.
    pub(super) arn: &'static str,
    /// The part of the ARN between the account and the name.
    pub(super) path: &'static str,
    /// Code and text when there is none; `{arn}` and `{name}` are filled in.
    pub(super) missing: (&'static str, &'static str),
    /// Code and text when there is one.
    pub(super) exists: (&'static str, &'static str),
    /// Its list.
    pub(super) list: List,
}

/// How a kind is listed.
pub(super) struct List {
    /// The member that holds the items.
    pub(super) member: &'static str,
    /// Members of an item, and the pointers into the body that they come from.
    pub(super) items: &'static [(&'static str, &'static str)],
    /// Request members that an item must equal, with pointers into the body.
    pub(super) equal: &'static [(&'static str, &'static str)],
    /// Pointer to the status.
    pub(super) status: &'static str,
    /// What else decides whether a record belongs.
    pub(super) keep: fn(&Record, &Request<'_>) -> bool,
    /// Items of a page when the request does not say.
    pub(super) page: usize,
}

impl Id {
    /// Whether it is SageMaker's: its names count without case, and its ARNs are in lower case.
    pub(super) fn is_sagemakers(self) -> bool {
        !matches!(
            self,
            Self::ScalableTarget
                | Self::ScalingPolicy
                | Self::Alarm
                | Self::Topic
                | Self::Subscription
        )
    }

    /// Its declaration.
    pub(super) fn kind(self) -> &'static Kind {
        KINDS
            .iter()
            .find(|kind| kind.id == self)
            .expect("every kind is declared in KINDS")
    }
}

impl Kind {
    /// The ARN of `name`, in lower case as SageMaker writes it; the other services keep the case.
    pub(super) fn arn(&self, scope: &Scope, name: &str) -> String {
        let start = |service: &str| {
            let (partition, region) = (scope.partition(), &scope.region);
            format!("arn:{partition}:{service}:{region}:{}", scope.account)
        };
        match self.id {
            Id::Topic => return format!("{}:{name}", start("sns")),
            Id::Alarm => return format!("{}:alarm:{name}", start("cloudwatch")),
            Id::ScalableTarget => {
                let hash = sha256(name.as_bytes());
                let start = start("application-autoscaling");
                return format!("{start}:scalable-target/{}", &hash[..36]);
            }
            _ => {}
        }
        arn(scope, &format!("{}/{name}", self.path))
    }

    /// The refusal that there is no `name`.
    pub(super) fn missing(&self, scope: &Scope, name: &str) -> Refusal {
        self.refuse(self.missing, scope, name)
    }

    /// The refusal that there is a `name`.
    pub(super) fn exists(&self, scope: &Scope, name: &str) -> Refusal {
        self.refuse(self.exists, scope, name)
    }

    fn refuse(&self, (code, text): (&'static str, &str), scope: &Scope, name: &str) -> Refusal {
        let arn = self.arn(scope, name);
        Refusal::new(code, text.replace("{arn}", &arn).replace("{name}", name))
    }
}

/// `arn:aws:sagemaker:<region>:<account>:<rest>` in lower case, in the region's partition.
pub(super) fn arn(scope: &Scope, rest: &str) -> String {
    let partition = scope.partition();
    format!(
        "arn:{partition}:sagemaker:{}:{}:{}",
        scope.region,
        scope.account,
        rest.to_ascii_lowercase()
    )
}

/// Scope and what comes after the account, of an ARN of the service.
pub(super) fn split_arn(arn: &str) -> Option<(Scope, &str)> {
    let mut parts = arn.splitn(6, ':');
    (parts.next()? == "arn").then_some(())?;
    let (_, service) = (parts.next()?, parts.next()?);
    let region = parts.next()?.to_owned();
    let account = parts.next()?.to_owned();
    (service == "sagemaker").then(|| Some((Scope { account, region }, parts.next()?)))?
}

/// The kind, scope and name that an ARN is of.
pub(super) fn locate(arn: &str) -> Option<(&'static Kind, Scope, String)> {
    let (scope, rest) = split_arn(arn)?;
    let (path, name) = rest.split_once('/')?;
    let execution = path == "pipeline" && name.contains("/execution/");
    let kind = KINDS
        .iter()
        .find(|kind| kind.path == path && (kind.id == Id::Execution) == execution)?;
    Some((kind, scope, name.to_owned()))
}
