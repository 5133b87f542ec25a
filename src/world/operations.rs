//! The operations: each is one line.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::kind::Id;
use super::kinds::KINDS;
use super::request::{Reply, Request, text};
use super::{
    World, events, iam, identity, logs, metrics, queue, s3, scaling, shape, tagging, topics,
};
use crate::resource::call::Call;

/// One operation.
pub(super) struct Operation {
    /// Its name in the service model.
    pub(super) name: &'static str,
    does: Does,
}

/// Carries out a request.
pub(super) type Handler = fn(&mut World, &Request<'_>) -> Reply;

enum Does {
    /// Puts a record on the shelf, after the kind's own checks and defaults.
    Create(Id),
    /// Answers the record's body.
    Describe(Id),
    List(Id),
    /// Takes the record off the shelf.
    Delete(Id),
    /// What has a machine of its own.
    Special(Handler),
    /// S3 has no shapes here, and one operation carries bytes.
    S3(fn(&mut World, &Call, &Request<'_>) -> Reply),
}

macro_rules! operations {
    ($($name:ident => $does:expr;)*) => {
        const OPERATIONS: &[Operation] = &[$(Operation { name: stringify!($name), does: $does }),*];
    };
}

macro_rules! tagging {
    ($($service:literal),*) => {
        /// Operations of one name in several services.
        const TAGGING: &[Operation] = &[$(
            Operation {
                name: concat!($service, ":ListTagsForResource"),
                does: Special(|world, request| world.list_neighbour_tags(request)),
            },
            Operation {
                name: concat!($service, ":TagResource"),
                does: Special(World::tag_neighbour),
            },
            Operation {
                name: concat!($service, ":UntagResource"),
                does: Special(World::untag_neighbour),
            },
        )*];
    };
}

tagging!(
    "application-autoscaling",
    "cloudwatch",
    "events",
    "scheduler",
    "sns"
);

/// Operations of the services that have a file or a folder of their own.
const BESIDE: &[(&str, &[Operation])] = &[
    ("application-autoscaling", scaling::OPERATIONS),
    ("cloudwatch", metrics::OPERATIONS),
    ("sns", topics::OPERATIONS),
    ("iam", iam::OPERATIONS),
    ("events", events::OPERATIONS),
    ("logs", logs::OPERATIONS),
    ("resourcegroupstaggingapi", tagging::OPERATIONS),
    ("scheduler", events::SCHEDULER),
    ("sqs", queue::OPERATIONS),
    ("sts", identity::OPERATIONS),
];

use Does::{Create, Delete, Describe, List, S3, Special};

operations! {
    CreateModel => Create(Id::Model);
    DescribeModel => Describe(Id::Model);
    ListModels => List(Id::Model);
    DeleteModel => Delete(Id::Model);
    CreateEndpointConfig => Create(Id::EndpointConfig);
    DescribeEndpointConfig => Describe(Id::EndpointConfig);
    ListEndpointConfigs => List(Id::EndpointConfig);
    DeleteEndpointConfig => Delete(Id::EndpointConfig);
    CreateEndpoint => Special(World::create_endpoint);
    DescribeEndpoint => Describe(Id::Endpoint);
    ListEndpoints => List(Id::Endpoint);
    UpdateEndpoint => Special(World::update_endpoint);
    UpdateEndpointWeightsAndCapacities => Special(World::update_weights);
    DeleteEndpoint => Special(World::delete_endpoint);
    CreatePipeline => Special(World::create_pipeline);
    DescribePipeline => Special(|world, request| world.describe_pipeline(request));
    ListPipelines => List(Id::Pipeline);
    UpdatePipeline => Special(World::update_pipeline);
    DeletePipeline => Special(World::delete_pipeline);
    ListPipelineVersions => Special(|world, request| world.list_pipeline_versions(request));
    UpdatePipelineVersion => Special(World::update_pipeline_version);
    StartPipelineExecution => Special(World::start_execution);
    StopPipelineExecution => Special(World::stop_execution);
    RetryPipelineExecution => Special(World::retry_execution);
    UpdatePipelineExecution => Special(World::update_execution);
    DescribePipelineExecution => Describe(Id::Execution);
    ListPipelineExecutions => Special(|world, request| world.list_executions(request));
    ListPipelineExecutionSteps => Special(|world, request| world.list_steps(request));
    ListPipelineParametersForExecution => Special(|world, request| world.list_parameters(request));
    DescribePipelineDefinitionForExecution =>
        Special(|world, request| world.describe_definition(request));
    CreateTrainingJob => Special(World::create_job);
    DescribeTrainingJob => Describe(Id::TrainingJob);
    ListTrainingJobs => List(Id::TrainingJob);
    StopTrainingJob => Special(World::stop_job);
    DeleteTrainingJob => Special(World::delete_job);
    CreateProcessingJob => Special(World::create_job);
    DescribeProcessingJob => Describe(Id::ProcessingJob);
    ListProcessingJobs => List(Id::ProcessingJob);
    StopProcessingJob => Special(World::stop_job);
    DeleteProcessingJob => Special(World::delete_job);
    CreateTransformJob => Special(World::create_job);
    DescribeTransformJob => Special(|world, request| world.describe_transform(request));
    ListTransformJobs => List(Id::TransformJob);
    StopTransformJob => Special(World::stop_job);
    CreateHyperParameterTuningJob => Special(World::create_tuning);
    DescribeHyperParameterTuningJob => Describe(Id::TuningJob);
    ListHyperParameterTuningJobs => List(Id::TuningJob);
    ListTrainingJobsForHyperParameterTuningJob =>
        Special(|world, request| world.list_tries(request));
    StopHyperParameterTuningJob => Special(World::stop_tuning);
    DeleteHyperParameterTuningJob => Special(World::delete_job);
    CreateModelPackageGroup => Create(Id::PackageGroup);
    DescribeModelPackageGroup => Describe(Id::PackageGroup);
    ListModelPackageGroups => List(Id::PackageGroup);
    DeleteModelPackageGroup => Special(World::delete_group);
    PutModelPackageGroupPolicy => Special(World::put_policy_of_group);
    GetModelPackageGroupPolicy => Special(|world, request| world.policy_of_group(request));
    DeleteModelPackageGroupPolicy => Special(World::delete_policy_of_group);
    CreateModelPackage => Special(World::create_package);
    DescribeModelPackage => Describe(Id::Package);
    ListModelPackages => Special(|world, request| world.list_packages(request));
    BatchDescribeModelPackage => Special(|world, request| Ok(world.batch_describe(request)));
    UpdateModelPackage => Special(World::update_package);
    DeleteModelPackage => Delete(Id::Package);
    CreateDataQualityJobDefinition => Create(Id::DataQuality);
    DescribeDataQualityJobDefinition => Describe(Id::DataQuality);
    ListDataQualityJobDefinitions => List(Id::DataQuality);
    DeleteDataQualityJobDefinition => Delete(Id::DataQuality);
    CreateModelQualityJobDefinition => Create(Id::ModelQuality);
    DescribeModelQualityJobDefinition => Describe(Id::ModelQuality);
    ListModelQualityJobDefinitions => List(Id::ModelQuality);
    DeleteModelQualityJobDefinition => Delete(Id::ModelQuality);
    CreateModelBiasJobDefinition => Create(Id::ModelBias);
    DescribeModelBiasJobDefinition => Describe(Id::ModelBias);
    ListModelBiasJobDefinitions => List(Id::ModelBias);
    DeleteModelBiasJobDefinition => Delete(Id::ModelBias);
    CreateModelExplainabilityJobDefinition => Create(Id::ModelExplainability);
    DescribeModelExplainabilityJobDefinition => Describe(Id::ModelExplainability);
    ListModelExplainabilityJobDefinitions => List(Id::ModelExplainability);
    DeleteModelExplainabilityJobDefinition => Delete(Id::ModelExplainability);
    CreateExperiment => Create(Id::Experiment);
    DescribeExperiment => Describe(Id::Experiment);
    ListExperiments => List(Id::Experiment);
    UpdateExperiment => Special(World::update_entity);
    DeleteExperiment => Special(World::delete_entity);
    CreateTrial => Create(Id::Trial);
    DescribeTrial => Describe(Id::Trial);
    ListTrials => Special(|world, request| world.list_trials(request));
    UpdateTrial => Special(World::update_entity);
    DeleteTrial => Special(World::delete_entity);
    CreateTrialComponent => Create(Id::TrialComponent);
    DescribeTrialComponent => Describe(Id::TrialComponent);
    ListTrialComponents => Special(|world, request| world.list_components(request));
    UpdateTrialComponent => Special(World::update_entity);
    DeleteTrialComponent => Special(World::delete_entity);
    AssociateTrialComponent => Special(World::associate);
    DisassociateTrialComponent => Special(World::disassociate);
    CreateArtifact => Special(World::create_artifact);
    DescribeArtifact => Describe(Id::Artifact);
    ListArtifacts => List(Id::Artifact);
    UpdateArtifact => Special(World::update_entity);
    DeleteArtifact => Special(World::delete_artifact);
    CreateAction => Create(Id::Action);
    DescribeAction => Describe(Id::Action);
    ListActions => List(Id::Action);
    UpdateAction => Special(World::update_entity);
    DeleteAction => Special(World::delete_entity);
    CreateContext => Create(Id::Context);
    DescribeContext => Describe(Id::Context);
    ListContexts => List(Id::Context);
    UpdateContext => Special(World::update_entity);
    DeleteContext => Special(World::delete_entity);
    AddAssociation => Special(World::add_association);
    ListAssociations => List(Id::Association);
    DeleteAssociation => Special(World::delete_association);
    QueryLineage => Special(|world, request| world.query_lineage(request));
    CreateModelCard => Special(World::create_card);
    DescribeModelCard => Special(|world, request| world.describe_card(request));
    ListModelCards => List(Id::ModelCard);
    ListModelCardVersions => Special(|world, request| world.list_card_versions(request));
    UpdateModelCard => Special(World::update_card);
    DeleteModelCard => Delete(Id::ModelCard);
    CreateMonitoringSchedule => Special(World::create_schedule);
    DescribeMonitoringSchedule => Describe(Id::Schedule);
    ListMonitoringSchedules => List(Id::Schedule);
    UpdateMonitoringSchedule => Special(World::update_schedule);
    StartMonitoringSchedule => Special(World::start_schedule);
    StopMonitoringSchedule => Special(World::stop_schedule);
    DeleteMonitoringSchedule => Special(World::delete_schedule);
    ListMonitoringExecutions => Special(|world, request| world.list_monitoring(request));
    AddTags => Special(World::add_tags);
    ListTags => Special(|world, request| world.list_tags(request));
    DeleteTags => Special(World::delete_tags);
    Search => Special(|world, request| world.search(request));
    PutObject => S3(World::put_object);
    HeadObject => S3(|world, _, request| world.head_object(request));
    GetObject => S3(|world, _, request| world.get_object(request));
    CreateBucket => S3(|world, _, request| world.create_bucket(request));
}

impl Operation {
    /// An operation that has a machine of its own.
    pub(super) const fn special(name: &'static str, run: Handler) -> Self {
        Self {
            name,
            does: Special(run),
        }
    }

    /// Checks the request's form and carries it out.
    pub(super) fn run(&self, world: &mut World, call: &Call) -> Reply {
        let body = match (&self.does, &call.body) {
            (S3(_), Value::Object(body)) => Cow::Borrowed(body),
            (S3(_), _) => Cow::Owned(Map::new()),
            _ => {
                let known = shape::request(self.name, &call.body)?;
                if world.settings().strict {
                    shape::only_known(&known, &call.body)?;
                }
                known
            }
        };
        let request = Request {
            op: self.name,
            scope: &call.scope,
            body,
            now: world.now,
        };
        world.check_role(&request)?;
        match &self.does {
            Create(id) => world.create(id.kind(), &request),
            Describe(id) => world.describe(id.kind(), &request),
            List(id) => world.list(id.kind(), "", &request),
            Delete(id) => world.delete(id.kind(), &request),
            Special(run) => run(world, &request),
            S3(run) => run(world, call, &request),
        }
    }

    /// Its name without its service.
    fn short(&self) -> &'static str {
        self.name
            .split_once(':')
            .map_or(self.name, |(_, name)| name)
    }

    /// Whether it is S3's.
    pub(super) fn is_s3(&self) -> bool {
        matches!(self.does, S3(_))
    }
}

/// Every operation with the service that has it.
fn every() -> impl Iterator<Item = (&'static str, &'static Operation)> {
    let own = OPERATIONS.iter().map(|operation| {
        let service = if operation.is_s3() { "s3" } else { "sagemaker" };
        (service, operation)
    });
    let tagging = TAGGING.iter().map(|operation| {
        let (service, _) = operation.name.split_once(':').unwrap_or_default();
        (service, operation)
    });
    let beside = BESIDE.iter().flat_map(|(service, operations)| {
        let operations = operations.iter();
        operations.map(|operation| (*service, operation))
    });
    own.chain(tagging).chain(beside)
}

/// The operation of that name.
pub(super) fn find(name: &str) -> Option<&'static Operation> {
    static BY_NAME: LazyLock<BTreeMap<&str, &Operation>> = LazyLock::new(|| {
        every()
            .map(|(_, operation)| (operation.name, operation))
            .collect()
    });
    BY_NAME.get(name).copied()
}

/// Operations by their service and the name that it has for them.
static BY_SERVICE: LazyLock<BTreeMap<(&str, &str), &Operation>> = LazyLock::new(|| {
    every()
        .map(|(service, operation)| ((service, operation.short()), operation))
        .collect()
});

/// Every operation but S3's, by the service that has it and its name there.
pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    BY_SERVICE
        .iter()
        .filter(|(_, operation)| !operation.is_s3())
        .map(|(key, _)| *key)
}

/// The operation that a service has under a name.
pub(super) fn find_of(service: &str, name: &str) -> Option<&'static Operation> {
    let found = BY_SERVICE.get(&(service, name)).copied();
    found.filter(|operation| !operation.is_s3())
}

/// The service that has an operation.
pub(super) fn service(name: &str) -> &'static str {
    let found = BY_SERVICE.iter().find(|(_, own)| own.name == name);
    found.map_or("", |((service, _), _)| service)
}

/// What a call is about, for the log: a name, an ARN, or bucket and key.
pub(super) fn subject(call: &Call) -> String {
    if find(call.op).is_some_and(Operation::is_s3) {
        return s3::name(&call.body);
    }
    let named = ["ResourceArn", "PipelineExecutionArn", "ModelPackageArn"]
        .into_iter()
        .chain(KINDS.iter().map(|kind| kind.name))
        .filter(|name| *name != "EndpointConfigName" || call.op.contains("EndpointConfig"))
        .chain(["ModelPackageGroupName"])
        .map(|name| text(&call.body, name))
        .find(|name| !name.is_empty());
    named.unwrap_or("").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_one_services() {
        let check = |service, name, found: Option<&str>| {
            let operation = find_of(service, name).map(|operation| operation.name);
            assert_eq!(operation, found, "{service} {name}");
        };
        check("sagemaker", "CreateModel", Some("CreateModel"));
        check("sagemaker", "PutMetricAlarm", None);
        check("sagemaker", "GetObject", None);
        check("cloudwatch", "PutMetricAlarm", Some("PutMetricAlarm"));
        check("sns", "Unsubscribe", Some("Unsubscribe"));
        check("sns", "TagResource", Some("sns:TagResource"));
        let scaling = "application-autoscaling";
        check(scaling, "PutScalingPolicy", Some("PutScalingPolicy"));
        check(
            scaling,
            "RegisterScalableTarget",
            Some("RegisterScalableTarget"),
        );
        let neighbours = [scaling, "cloudwatch", "sns"];
        let others = BESIDE
            .iter()
            .filter(|(service, _)| neighbours.contains(service));
        let others = others.flat_map(|(_, operations)| *operations);
        assert_eq!(others.count(), 32);
    }

    #[test]
    fn every_operation_has_its_shapes() {
        for (_, operation) in every() {
            assert_eq!(
                shape::knows(operation.name),
                !operation.is_s3(),
                "{}",
                operation.name
            );
        }
    }
}
