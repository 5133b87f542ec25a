//! Every kind of resource: one declaration each.

use super::kind::{Id, Kind, List};
use super::lineage::kinds as lineage;
use super::package;

pub(super) const VALIDATION: &str = "ValidationException";
pub(super) const NOT_FOUND: &str = "ResourceNotFound";
const IN_USE: &str = "ResourceInUse";

pub(super) const fn list(
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

/// Job definitions of monitors differ in the names of their members.
macro_rules! definition {
    ($id:ident, $path:literal) => {
        Kind {
            id: Id::$id,
            describe: concat!("Describe", stringify!($id), "JobDefinition"),
            name: "JobDefinitionName",
            arn: "JobDefinitionArn",
            path: concat!($path, "-job-definition"),
            missing: (NOT_FOUND, "Job definition {arn} not found"),
            exists: (IN_USE, "Job definition {arn} already exists"),
            list: List {
                equal: &[("EndpointName", watched!($id))],
                ..list(
                    "JobDefinitionSummaries",
                    "",
                    &[
                        ("MonitoringJobDefinitionName", "/JobDefinitionName"),
                        ("MonitoringJobDefinitionArn", "/JobDefinitionArn"),
                        ("CreationTime", "/CreationTime"),
                        ("EndpointName", watched!($id)),
                    ],
                )
            },
        }
    };
}

/// Where a job definition names the endpoint that it watches.
macro_rules! watched {
    ($id:ident) => {
        concat!("/", stringify!($id), "JobInput/EndpointInput/EndpointName")
    };
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
        id: Id::TransformJob,
        describe: "DescribeTransformJob",
        name: "TransformJobName",
        arn: "TransformJobArn",
        path: "transform-job",
        missing: (VALIDATION, "Could not find requested job with name: {name}"),
        exists: (
            IN_USE,
            "Transform job names must be unique within an AWS account and region, and a transform \
             job with this name already exists ({arn})",
        ),
        list: list(
            "TransformJobSummaries",
            "/TransformJobStatus",
            &[
                ("TransformJobName", "/TransformJobName"),
                ("TransformJobArn", "/TransformJobArn"),
                ("CreationTime", "/CreationTime"),
                ("TransformEndTime", "/TransformEndTime"),
                ("LastModifiedTime", "/LastModifiedTime"),
                ("TransformJobStatus", "/TransformJobStatus"),
                ("FailureReason", "/FailureReason"),
            ],
        ),
    },
    Kind {
        id: Id::TuningJob,
        describe: "DescribeHyperParameterTuningJob",
        name: "HyperParameterTuningJobName",
        arn: "HyperParameterTuningJobArn",
        path: "hyper-parameter-tuning-job",
        missing: (
            NOT_FOUND,
            "Amazon SageMaker can't find a tuning job with the name {name} in your account.",
        ),
        exists: (
            IN_USE,
            "Hyperparameter tuning job names must be unique within an AWS account and region, \
             and a tuning job with this name already exists ({arn})",
        ),
        list: list(
            "HyperParameterTuningJobSummaries",
            "/HyperParameterTuningJobStatus",
            &[
                (
                    "HyperParameterTuningJobName",
                    "/HyperParameterTuningJobName",
                ),
                ("HyperParameterTuningJobArn", "/HyperParameterTuningJobArn"),
                (
                    "HyperParameterTuningJobStatus",
                    "/HyperParameterTuningJobStatus",
                ),
                ("Strategy", "/HyperParameterTuningJobConfig/Strategy"),
                ("CreationTime", "/CreationTime"),
                (
                    "HyperParameterTuningEndTime",
                    "/HyperParameterTuningEndTime",
                ),
                ("LastModifiedTime", "/LastModifiedTime"),
                ("TrainingJobStatusCounters", "/TrainingJobStatusCounters"),
                ("ObjectiveStatusCounters", "/ObjectiveStatusCounters"),
                (
                    "ResourceLimits",
                    "/HyperParameterTuningJobConfig/ResourceLimits",
                ),
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
            keep: package::listed,
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
    definition!(DataQuality, "data-quality"),
    definition!(ModelQuality, "model-quality"),
    definition!(ModelBias, "model-bias"),
    definition!(ModelExplainability, "model-explainability"),
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
    // What a list shows of an execution is all that there is of it.
    Kind {
        id: Id::MonitoringExecution,
        describe: "ListMonitoringExecutions",
        name: "MonitoringScheduleName",
        arn: "ProcessingJobArn",
        path: "monitoring-execution",
        missing: (NOT_FOUND, "Monitoring execution {arn} not found"),
        exists: (IN_USE, "Monitoring execution {arn} already exists"),
        list: List {
            equal: &[
                ("EndpointName", "/EndpointName"),
                ("MonitoringTypeEquals", "/MonitoringType"),
                (
                    "MonitoringJobDefinitionName",
                    "/MonitoringJobDefinitionName",
                ),
            ],
            ..list(
                "MonitoringExecutionSummaries",
                "/MonitoringExecutionStatus",
                &[
                    ("MonitoringScheduleName", "/MonitoringScheduleName"),
                    ("ScheduledTime", "/ScheduledTime"),
                    ("CreationTime", "/CreationTime"),
                    ("LastModifiedTime", "/LastModifiedTime"),
                    ("MonitoringExecutionStatus", "/MonitoringExecutionStatus"),
                    ("ProcessingJobArn", "/ProcessingJobArn"),
                    ("EndpointName", "/EndpointName"),
                    ("FailureReason", "/FailureReason"),
                    (
                        "MonitoringJobDefinitionName",
                        "/MonitoringJobDefinitionName",
                    ),
                    ("MonitoringType", "/MonitoringType"),
                ],
            )
        },
    },
    Kind {
        id: Id::Experiment,
        describe: "DescribeExperiment",
        name: "ExperimentName",
        arn: "ExperimentArn",
        path: "experiment",
        missing: (NOT_FOUND, "Experiment '{arn}' does not exist."),
        exists: (
            VALIDATION,
            "Experiment names must be unique within an AWS account and region. Experiment with \
             name ({name}) already exists.",
        ),
        list: list(
            "ExperimentSummaries",
            "",
            &[
                ("ExperimentArn", "/ExperimentArn"),
                ("ExperimentName", "/ExperimentName"),
                ("DisplayName", "/DisplayName"),
                ("ExperimentSource", "/Source"),
                ("CreationTime", "/CreationTime"),
                ("LastModifiedTime", "/LastModifiedTime"),
            ],
        ),
    },
    Kind {
        id: Id::Trial,
        describe: "DescribeTrial",
        name: "TrialName",
        arn: "TrialArn",
        path: "experiment-trial",
        missing: (NOT_FOUND, "Trial '{arn}' does not exist."),
        exists: (
            VALIDATION,
            "Trial names must be unique within an AWS account and region. Trial with name \
             ({name}) already exists.",
        ),
        list: list(
            "TrialSummaries",
            "",
            &[
                ("TrialArn", "/TrialArn"),
                ("TrialName", "/TrialName"),
                ("DisplayName", "/DisplayName"),
                ("TrialSource", "/Source"),
                ("CreationTime", "/CreationTime"),
                ("LastModifiedTime", "/LastModifiedTime"),
            ],
        ),
    },
    Kind {
        id: Id::TrialComponent,
        describe: "DescribeTrialComponent",
        name: "TrialComponentName",
        arn: "TrialComponentArn",
        path: "experiment-trial-component",
        missing: (NOT_FOUND, "TrialComponent '{arn}' does not exist."),
        exists: (
            VALIDATION,
            "TrialComponent names must be unique within an AWS account and region. TrialComponent \
             with name ({name}) already exists.",
        ),
        list: List {
            equal: &[("SourceArn", "/Source/SourceArn")],
            ..list(
                "TrialComponentSummaries",
                "",
                &[
                    ("TrialComponentName", "/TrialComponentName"),
                    ("TrialComponentArn", "/TrialComponentArn"),
                    ("DisplayName", "/DisplayName"),
                    ("TrialComponentSource", "/Source"),
                    ("Status", "/Status"),
                    ("StartTime", "/StartTime"),
                    ("EndTime", "/EndTime"),
                    ("CreationTime", "/CreationTime"),
                    ("CreatedBy", "/CreatedBy"),
                    ("LastModifiedTime", "/LastModifiedTime"),
                    ("LastModifiedBy", "/LastModifiedBy"),
                ],
            )
        },
    },
    lineage::ARTIFACT,
    lineage::ACTION,
    lineage::CONTEXT,
    lineage::ASSOCIATION,
    Kind {
        id: Id::ModelCard,
        describe: "DescribeModelCard",
        name: "ModelCardName",
        arn: "ModelCardArn",
        path: "model-card",
        missing: (NOT_FOUND, "Model card {arn} does not exist."),
        exists: ("ConflictException", "Model card {arn} already exists."),
        list: List {
            equal: &[("ModelCardStatus", "/ModelCardStatus")],
            ..list(
                "ModelCardSummaries",
                "/ModelCardStatus",
                &[
                    ("ModelCardName", "/ModelCardName"),
                    ("ModelCardArn", "/ModelCardArn"),
                    ("ModelCardStatus", "/ModelCardStatus"),
                    ("CreationTime", "/CreationTime"),
                    ("LastModifiedTime", "/LastModifiedTime"),
                ],
            )
        },
    },
    // What is not SageMaker's has machines of its own; here is what they share.
    Kind {
        id: Id::ScalableTarget,
        describe: "DescribeScalableTargets",
        name: "ResourceId",
        arn: "ScalableTargetARN",
        path: "scalable-target",
        missing: (NOT_FOUND, "{arn} does not exist"),
        exists: (IN_USE, "{arn} already exists"),
        list: list("ScalableTargets", "", &[]),
    },
    Kind {
        id: Id::ScalingPolicy,
        describe: "DescribeScalingPolicies",
        name: "PolicyName",
        arn: "PolicyARN",
        path: "scaling-policy",
        missing: (NOT_FOUND, "{arn} does not exist"),
        exists: (IN_USE, "{arn} already exists"),
        list: list("ScalingPolicies", "", &[]),
    },
    Kind {
        id: Id::Alarm,
        describe: "DescribeAlarms",
        name: "AlarmName",
        arn: "AlarmArn",
        path: "alarm",
        missing: (NOT_FOUND, "{arn} does not exist"),
        exists: (IN_USE, "{arn} already exists"),
        list: list("MetricAlarms", "", &[]),
    },
    Kind {
        id: Id::Topic,
        describe: "GetTopicAttributes",
        name: "TopicArn",
        arn: "TopicArn",
        path: "topic",
        missing: (NOT_FOUND, "{arn} does not exist"),
        exists: (IN_USE, "{arn} already exists"),
        list: list("Topics", "", &[]),
    },
    Kind {
        id: Id::Subscription,
        describe: "ListSubscriptionsByTopic",
        name: "SubscriptionArn",
        arn: "SubscriptionArn",
        path: "subscription",
        missing: (NOT_FOUND, "{arn} does not exist"),
        exists: (IN_USE, "{arn} already exists"),
        list: list("Subscriptions", "", &[]),
    },
];
