//! SageMaker's operations: one line each. The inputs stay empty, because the body is replaced.

use aws_sdk_sagemaker::Client;

use super::answer::Failure;
use super::exchange::Exchange;

macro_rules! operations {
    ($($op:ident => $method:ident,)*) => {
        /// Every operation of SageMaker that can be called, by the service model's names.
        pub const OPERATIONS: &[&str] = &[$(stringify!($op)),*];

        /// Sends an operation; `None`: it is not known.
        pub(super) async fn send(
            client: &Client,
            op: &str,
            exchange: Exchange,
        ) -> Option<Result<(), Failure>> {
            match op {
                $(stringify!($op) => {
                    let sent = client.$method().customize().interceptor(exchange).send().await;
                    Some(sent.map(drop).map_err(|error| Failure::of(&error)))
                })*
                _ => None,
            }
        }
    };
}

operations! {
    AddTags => add_tags,
    CreateDataQualityJobDefinition => create_data_quality_job_definition,
    CreateEndpoint => create_endpoint,
    CreateEndpointConfig => create_endpoint_config,
    CreateModel => create_model,
    CreateModelPackage => create_model_package,
    CreateModelPackageGroup => create_model_package_group,
    CreateMonitoringSchedule => create_monitoring_schedule,
    CreatePipeline => create_pipeline,
    DeleteDataQualityJobDefinition => delete_data_quality_job_definition,
    DeleteEndpoint => delete_endpoint,
    DeleteEndpointConfig => delete_endpoint_config,
    DeleteModel => delete_model,
    DeleteModelPackageGroup => delete_model_package_group,
    DeleteMonitoringSchedule => delete_monitoring_schedule,
    DeletePipeline => delete_pipeline,
    DeleteTags => delete_tags,
    DescribeDataQualityJobDefinition => describe_data_quality_job_definition,
    DescribeEndpoint => describe_endpoint,
    DescribeEndpointConfig => describe_endpoint_config,
    DescribeModel => describe_model,
    DescribeModelPackage => describe_model_package,
    DescribeModelPackageGroup => describe_model_package_group,
    DescribeMonitoringSchedule => describe_monitoring_schedule,
    DescribePipeline => describe_pipeline,
    DescribePipelineExecution => describe_pipeline_execution,
    DescribeProcessingJob => describe_processing_job,
    DescribeTrainingJob => describe_training_job,
    ListDataQualityJobDefinitions => list_data_quality_job_definitions,
    ListEndpointConfigs => list_endpoint_configs,
    ListEndpoints => list_endpoints,
    ListModelPackageGroups => list_model_package_groups,
    ListModelPackages => list_model_packages,
    ListModels => list_models,
    ListMonitoringExecutions => list_monitoring_executions,
    ListMonitoringSchedules => list_monitoring_schedules,
    ListPipelineExecutionSteps => list_pipeline_execution_steps,
    ListPipelineExecutions => list_pipeline_executions,
    ListPipelineVersions => list_pipeline_versions,
    ListPipelines => list_pipelines,
    ListTags => list_tags,
    Search => search,
    StartMonitoringSchedule => start_monitoring_schedule,
    StartPipelineExecution => start_pipeline_execution,
    StopMonitoringSchedule => stop_monitoring_schedule,
    StopPipelineExecution => stop_pipeline_execution,
    UpdateEndpoint => update_endpoint,
    UpdateEndpointWeightsAndCapacities => update_endpoint_weights_and_capacities,
    UpdateModelPackage => update_model_package,
    UpdateMonitoringSchedule => update_monitoring_schedule,
    UpdatePipeline => update_pipeline,
}
