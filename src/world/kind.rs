//! One declaration a kind: its operations, its names, its ARN, its list, and the service's words
//! when it is missing or exists already.

use serde::{Deserialize, Serialize};

use super::records::Record;
use super::request::{Refusal, Request};
use crate::resource::call::Scope;

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
    PackageGroup,
    Package,
    DataQuality,
    Schedule,
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

const VALIDATION: &str = "ValidationException";
const NOT_FOUND: &str = "ResourceNotFound";
const IN_USE: &str = "ResourceInUse";

const fn list(
    member: &'static str,
    status: &'static str,
    items: &'static [(&'static str, &'static str)],
) -> List {
    List {
        member,
        items,
        equal: &[],
        status,
        keep: |_, _| true,
        page: 10,
    }
}

/// Every kind.
pub(super) const KINDS: &[Kind] = &[
    Kind {
        id: Id::Model,
        describe: "DescribeModel",
        name: "ModelName",
        arn: "ModelArn",
        path: "model",
        missing: (VALIDATION, "Could not find model \"{arn}\"."),
        exists: (
            VALIDATION,
            "Cannot create already existing model \"{arn}\".",
        ),
        list: list(
            "Models",
            "",
            &[
                ("ModelName", "/ModelName"),
                ("ModelArn", "/ModelArn"),
                ("CreationTime", "/CreationTime"),
            ],
        ),
    },
    Kind {
        id: Id::EndpointConfig,
        describe: "DescribeEndpointConfig",
        name: "EndpointConfigName",
        arn: "EndpointConfigArn",
        path: "endpoint-config",
        missing: (
            VALIDATION,
            "Could not find endpoint configuration \"{arn}\".",
        ),
        exists: (
            VALIDATION,
            "Cannot create already existing endpoint configuration \"{arn}\".",
        ),
        list: list(
            "EndpointConfigs",
            "",
            &[
                ("EndpointConfigName", "/EndpointConfigName"),
                ("EndpointConfigArn", "/EndpointConfigArn"),
                ("CreationTime", "/CreationTime"),
            ],
        ),
    },
    Kind {
        id: Id::Endpoint,
        describe: "DescribeEndpoint",
        name: "EndpointName",
        arn: "EndpointArn",
        path: "endpoint",
        missing: (VALIDATION, "Could not find endpoint \"{arn}\"."),
        exists: (
            VALIDATION,
            "Cannot create already existing endpoint \"{arn}\".",
        ),
        list: list(
            "Endpoints",
            "/EndpointStatus",
            &[
                ("EndpointName", "/EndpointName"),
                ("EndpointArn", "/EndpointArn"),
                ("CreationTime", "/CreationTime"),
                ("LastModifiedTime", "/LastModifiedTime"),
                ("EndpointStatus", "/EndpointStatus"),
            ],
        ),
    },
    Kind {
        id: Id::Pipeline,
        describe: "DescribePipeline",
        name: "PipelineName",
        arn: "PipelineArn",
        path: "pipeline",
        missing: (NOT_FOUND, "Pipeline '{arn}' does not exist."),
        exists: (
            VALIDATION,
            "Pipeline names must be unique within an AWS account and region. Pipeline with name \
             ({name}) already exists.",
        ),
        list: list(
            "PipelineSummaries",
            "",
            &[
                ("PipelineArn", "/PipelineArn"),
                ("PipelineName", "/PipelineName"),
                ("PipelineDisplayName", "/PipelineDisplayName"),
                ("PipelineDescription", "/PipelineDescription"),
                ("RoleArn", "/RoleArn"),
                ("CreationTime", "/CreationTime"),
                ("LastModifiedTime", "/LastModifiedTime"),
                ("LastExecutionTime", "/LastRunTime"),
            ],
        ),
    },
    Kind {
        id: Id::Execution,
        describe: "DescribePipelineExecution",
        name: "PipelineExecutionArn",
        arn: "PipelineExecutionArn",
        path: "pipeline",
        missing: (
            NOT_FOUND,
            "Pipeline execution with ARN {arn} does not exist",
        ),
        exists: (VALIDATION, "Pipeline execution {arn} already exists."),
        list: List {
            page: 100,
            ..list(
                "PipelineExecutionSummaries",
                "/PipelineExecutionStatus",
                &[
                    ("PipelineExecutionArn", "/PipelineExecutionArn"),
                    ("StartTime", "/CreationTime"),
                    ("PipelineExecutionStatus", "/PipelineExecutionStatus"),
                    (
                        "PipelineExecutionDescription",
                        "/PipelineExecutionDescription",
                    ),
                    (
                        "PipelineExecutionDisplayName",
                        "/PipelineExecutionDisplayName",
                    ),
                    ("PipelineExecutionFailureReason", "/FailureReason"),
                ],
            )
        },
    },
    Kind {
        id: Id::TrainingJob,
        describe: "DescribeTrainingJob",
        name: "TrainingJobName",
        arn: "TrainingJobArn",
        path: "training-job",
        missing: (VALIDATION, "Requested resource not found."),
        exists: (
            IN_USE,
            "Training job names must be unique within an AWS account and region, and a training \
             job with this name already exists ({arn})",
        ),
        list: list(
            "TrainingJobSummaries",
            "/TrainingJobStatus",
            &[
                ("TrainingJobName", "/TrainingJobName"),
                ("TrainingJobArn", "/TrainingJobArn"),
                ("CreationTime", "/CreationTime"),
                ("TrainingEndTime", "/TrainingEndTime"),
                ("LastModifiedTime", "/LastModifiedTime"),
                ("TrainingJobStatus", "/TrainingJobStatus"),
                ("SecondaryStatus", "/SecondaryStatus"),
            ],
        ),
    },
    Kind {
        id: Id::ProcessingJob,
        describe: "DescribeProcessingJob",
        name: "ProcessingJobName",
        arn: "ProcessingJobArn",
        path: "processing-job",
        missing: (VALIDATION, "Could not find requested job with name: {name}"),
        exists: (
            IN_USE,
            "Processing job names must be unique within an AWS account and region, and a \
             processing job with this name already exists ({arn})",
        ),
        list: list(
            "ProcessingJobSummaries",
            "/ProcessingJobStatus",
            &[
                ("ProcessingJobName", "/ProcessingJobName"),
                ("ProcessingJobArn", "/ProcessingJobArn"),
                ("CreationTime", "/CreationTime"),
                ("ProcessingEndTime", "/ProcessingEndTime"),
                ("LastModifiedTime", "/LastModifiedTime"),
                ("ProcessingJobStatus", "/ProcessingJobStatus"),
                ("FailureReason", "/FailureReason"),
                ("ExitMessage", "/ExitMessage"),
            ],
        ),
    },
    Kind {
        id: Id::PackageGroup,
        describe: "DescribeModelPackageGroup",
        name: "ModelPackageGroupName",
        arn: "ModelPackageGroupArn",
        path: "model-package-group",
        missing: (VALIDATION, "ModelPackageGroup {arn} does not exist."),
        exists: (VALIDATION, "Model Package Group already exists: {arn}"),
        list: list(
            "ModelPackageGroupSummaryList",
            "/ModelPackageGroupStatus",
            &[
                ("ModelPackageGroupName", "/ModelPackageGroupName"),
                ("ModelPackageGroupArn", "/ModelPackageGroupArn"),
                (
                    "ModelPackageGroupDescription",
                    "/ModelPackageGroupDescription",
                ),
                ("CreationTime", "/CreationTime"),
                ("ModelPackageGroupStatus", "/ModelPackageGroupStatus"),
            ],
        ),
    },
    Kind {
        id: Id::Package,
        describe: "DescribeModelPackage",
        name: "ModelPackageName",
        arn: "ModelPackageArn",
        path: "model-package",
        missing: (VALIDATION, "ModelPackage {arn} does not exist."),
        exists: (VALIDATION, "ModelPackage already exists"),
        list: List {
            equal: &[("ModelApprovalStatus", "/ModelApprovalStatus")],
            keep: super::package::listed,
            ..list(
                "ModelPackageSummaryList",
                "/ModelPackageStatus",
                &[
                    ("ModelPackageName", "/ModelPackageName"),
                    ("ModelPackageGroupName", "/ModelPackageGroupName"),
                    ("ModelPackageVersion", "/ModelPackageVersion"),
                    ("ModelPackageArn", "/ModelPackageArn"),
                    ("ModelPackageDescription", "/ModelPackageDescription"),
                    ("CreationTime", "/CreationTime"),
                    ("ModelPackageStatus", "/ModelPackageStatus"),
                    ("ModelApprovalStatus", "/ModelApprovalStatus"),
                    ("ModelLifeCycle", "/ModelLifeCycle"),
                    (
                        "ModelPackageRegistrationType",
                        "/ModelPackageRegistrationType",
                    ),
                ],
            )
        },
    },
    Kind {
        id: Id::DataQuality,
        describe: "DescribeDataQualityJobDefinition",
        name: "JobDefinitionName",
        arn: "JobDefinitionArn",
        path: "data-quality-job-definition",
        missing: (NOT_FOUND, "Job definition {arn} not found"),
        exists: (IN_USE, "Job definition {arn} already exists"),
        list: List {
            equal: &[(
                "EndpointName",
                "/DataQualityJobInput/EndpointInput/EndpointName",
            )],
            ..list(
                "JobDefinitionSummaries",
                "",
                &[
                    ("MonitoringJobDefinitionName", "/JobDefinitionName"),
                    ("MonitoringJobDefinitionArn", "/JobDefinitionArn"),
                    ("CreationTime", "/CreationTime"),
                    (
                        "EndpointName",
                        "/DataQualityJobInput/EndpointInput/EndpointName",
                    ),
                ],
            )
        },
    },
    Kind {
        id: Id::Schedule,
        describe: "DescribeMonitoringSchedule",
        name: "MonitoringScheduleName",
        arn: "MonitoringScheduleArn",
        path: "monitoring-schedule",
        missing: (NOT_FOUND, "Monitoring schedule {arn} not found"),
        exists: (IN_USE, "Monitoring schedule {arn} already exists"),
        list: List {
            equal: &[
                ("EndpointName", "/EndpointName"),
                ("MonitoringTypeEquals", "/MonitoringType"),
                (
                    "MonitoringJobDefinitionName",
                    "/MonitoringScheduleConfig/MonitoringJobDefinitionName",
                ),
            ],
            ..list(
                "MonitoringScheduleSummaries",
                "/MonitoringScheduleStatus",
                &[
                    ("MonitoringScheduleName", "/MonitoringScheduleName"),
                    ("MonitoringScheduleArn", "/MonitoringScheduleArn"),
                    ("CreationTime", "/CreationTime"),
                    ("LastModifiedTime", "/LastModifiedTime"),
                    ("MonitoringScheduleStatus", "/MonitoringScheduleStatus"),
                    ("EndpointName", "/EndpointName"),
                    (
                        "MonitoringJobDefinitionName",
                        "/MonitoringScheduleConfig/MonitoringJobDefinitionName",
                    ),
                    ("MonitoringType", "/MonitoringType"),
                ],
            )
        },
    },
];

impl Id {
    /// Its declaration.
    pub(super) fn kind(self) -> &'static Kind {
        KINDS
            .iter()
            .find(|kind| kind.id == self)
            .expect("every kind is declared in KINDS")
    }
}

impl Kind {
    /// The ARN of `name`, in lower case as the service writes it.
    pub(super) fn arn(&self, scope: &Scope, name: &str) -> String {
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
    let partition = match scope.region.split('-').next() {
        Some("cn") => "aws-cn",
        Some("us") if scope.region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    };
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
