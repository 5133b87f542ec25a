"""Names: what is refused, what is missing, what exists already, what ARNs look like."""

from behaviours.table import (
    ARN,
    CONFLICT,
    IN_USE,
    NAME,
    NOT_FOUND,
    PROCESSING,
    QUALITY,
    SERVED,
    TOKEN,
    VALIDATION,
    Behaviour,
    Gives,
    Refused,
    config,
    endpoint,
    group,
    job,
    model,
    pipeline,
    schedule,
    variant,
)

LONG = "a" * 64
PATTERN = "Member must satisfy regular expression pattern"
LENGTH = "Member must have length less than or equal to 63"
NOWHERE = "nowhere"


def missing(
    op: str, member: str, code: str, text: str, evidence: str, name: str = NOWHERE
) -> Behaviour:
    return Behaviour(f"{op}: not there", evidence, [(op, {member: name})], Refused(code, text))


def twice(call, code: str, text: str, evidence: str, *before) -> Behaviour:
    again = (
        call[0],
        {**call[1], **({"ClientRequestToken": "2" + TOKEN} if "Pipe" in str(call[1]) else {})},
    )
    return Behaviour(f"{call[0]}: twice", evidence, [*before, call, again], Refused(code, text))


EXECUTION = f"{ARN}:pipeline/{NOWHERE}/execution/abcdefghijkl"
TUNING = (
    "create_hyper_parameter_tuning_job",
    {
        "HyperParameterTuningJobName": LONG[:33],
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "ResourceLimits": {"MaxParallelTrainingJobs": 1},
        },
    },
)

BEHAVIOURS = [
    Behaviour("a model's name of 64 characters", "B", [model(LONG)], Refused(VALIDATION, LENGTH)),
    Behaviour("a config's name of 64 characters", "B", [config(LONG)], Refused(VALIDATION, LENGTH)),
    Behaviour(
        "an endpoint's name of 64 characters", "B", [endpoint(LONG)], Refused(VALIDATION, LENGTH)
    ),
    Behaviour("a group's name of 64 characters", "B", [group(LONG)], Refused(VALIDATION, LENGTH)),
    Behaviour(
        "a tuning job's name of 33 characters",
        "B",
        [TUNING],
        Refused(VALIDATION, "Member must have length less than or equal to 32"),
    ),
    Behaviour("a name with an underscore", "B", [endpoint("a_b")], Refused(VALIDATION, PATTERN)),
    Behaviour("a name with a dot", "B", [group("a.b")], Refused(VALIDATION, PATTERN)),
    Behaviour("a name that ends in a dash", "B", [config("a-")], Refused(VALIDATION, PATTERN)),
    Behaviour(
        "a pipeline's name of 64 characters",
        "B",
        [
            pipeline(PipelineName=LONG),
            ("describe_pipeline", {"PipelineName": LONG}),
        ],
        Gives("PipelineName", LONG),
    ),
    Behaviour(
        "where in a request the fault is",
        "X#2236",
        [config(ProductionVariants=[variant("a_b")])],
        Refused(
            VALIDATION,
            "1 validation error detected: Value 'a_b' at 'productionVariants.1.member.modelName' "
            "failed to satisfy constraint",
        ),
    ),
    Behaviour(
        "two faults in one answer",
        "§1.1 syntax",
        [("create_endpoint", {"EndpointName": "a_b", "EndpointConfigName": "c_d"})],
        Refused(VALIDATION, "2 validation errors detected"),
    ),
    Behaviour(
        "faults are joined by semicolons",
        "§1.1 syntax",
        [("create_endpoint", {"EndpointName": "a_b", "EndpointConfigName": "c_d"})],
        Refused(VALIDATION, "; Value '"),
    ),
    missing(
        "describe_endpoint",
        "EndpointName",
        VALIDATION,
        f'Could not find endpoint "{ARN}:endpoint/nowhere".',
        "A",
    ),
    missing("delete_endpoint", "EndpointName", VALIDATION, 'Could not find endpoint "', "A"),
    missing(
        "describe_endpoint_config",
        "EndpointConfigName",
        VALIDATION,
        f'Could not find endpoint configuration "{ARN}:endpoint-config/nowhere".',
        "A",
    ),
    missing(
        "delete_endpoint_config",
        "EndpointConfigName",
        VALIDATION,
        "Could not find endpoint configuration",
        "A",
    ),
    missing(
        "describe_model",
        "ModelName",
        VALIDATION,
        f'Could not find model "{ARN}:model/nowhere".',
        "A,T",
    ),
    missing("delete_model", "ModelName", VALIDATION, "Could not find model", "A,T"),
    missing(
        "describe_model_package_group",
        "ModelPackageGroupName",
        VALIDATION,
        f"ModelPackageGroup {ARN}:model-package-group/nowhere does not exist.",
        "A,C,T",
    ),
    missing(
        "describe_model_package",
        "ModelPackageName",
        VALIDATION,
        "does not exist.",
        "A",
        f"{ARN}:model-package/nowhere/1",
    ),
    missing("describe_pipeline", "PipelineName", NOT_FOUND, "does not exist.", "A"),
    missing("delete_pipeline", "PipelineName", NOT_FOUND, "does not exist.", "A"),
    missing(
        "describe_pipeline_execution",
        "PipelineExecutionArn",
        NOT_FOUND,
        "does not exist",
        "A",
        EXECUTION,
    ),
    missing("describe_monitoring_schedule", "MonitoringScheduleName", NOT_FOUND, "", "A,T,C"),
    missing("describe_data_quality_job_definition", "JobDefinitionName", NOT_FOUND, "", "A,T,C"),
    missing("describe_model_quality_job_definition", "JobDefinitionName", NOT_FOUND, "", "A,T,C"),
    missing("describe_model_bias_job_definition", "JobDefinitionName", NOT_FOUND, "", "A,T,C"),
    missing(
        "describe_model_explainability_job_definition", "JobDefinitionName", NOT_FOUND, "", "A,T,C"
    ),
    missing(
        "describe_processing_job",
        "ProcessingJobName",
        VALIDATION,
        "Could not find requested job",
        "A",
    ),
    missing(
        "describe_training_job", "TrainingJobName", VALIDATION, "Requested resource not found", "A"
    ),
    missing(
        "describe_transform_job",
        "TransformJobName",
        VALIDATION,
        "Could not find requested job with name",
        "A",
    ),
    missing(
        "describe_hyper_parameter_tuning_job",
        "HyperParameterTuningJobName",
        NOT_FOUND,
        "Amazon SageMaker can't find a tuning job",
        "O",
    ),
    missing("describe_model_card", "ModelCardName", NOT_FOUND, "", "T"),
    missing("describe_experiment", "ExperimentName", NOT_FOUND, "", "B"),
    missing("describe_trial", "TrialName", NOT_FOUND, "", "B"),
    missing("describe_trial_component", "TrialComponentName", NOT_FOUND, "", "B"),
    Behaviour(
        "a group without a policy",
        "C,T",
        [group(), ("get_model_package_group_policy", {"ModelPackageGroupName": NAME})],
        Refused(VALIDATION, "Cannot find resource policy"),
    ),
    Behaviour(
        "asking an endpoint that is not there",
        "§1.1 runtime",
        [("invoke_endpoint", {"EndpointName": NOWHERE, "Body": b"[]"})],
        Refused("ValidationError", "Endpoint nowhere of account 111122223333 not found."),
    ),
    twice(model(), VALIDATION, "Cannot create already existing model", "S"),
    twice(
        config(), VALIDATION, "Cannot create already existing endpoint configuration", "S", model()
    ),
    twice(endpoint(), VALIDATION, "Cannot create already existing endpoint", "S", *SERVED[:2]),
    twice(
        pipeline(),
        VALIDATION,
        "Pipeline names must be unique within an AWS account and region. Pipeline with name (",
        "S",
    ),
    twice(group(), VALIDATION, "Model Package Group already exists", "C,S"),
    twice(
        job(),
        IN_USE,
        "Training job names must be unique within an AWS account and region",
        "workbench#384",
    ),
    twice(PROCESSING, IN_USE, "", "B"),
    twice(QUALITY, IN_USE, "", "C"),
    twice(schedule(), IN_USE, "", "C", *SERVED, QUALITY),
    twice(
        ("create_model_card", {"ModelCardName": NAME, "Content": "{}", "ModelCardStatus": "Draft"}),
        CONFLICT,
        "",
        "B",
    ),
    Behaviour(
        "an ARN is in lower case",
        "X#293",
        [
            group("CaseOf-$name"),
            ("describe_model_package_group", {"ModelPackageGroupName": "CaseOf-$name"}),
        ],
        Gives("ModelPackageGroupArn", f"{ARN}:model-package-group/caseof-$name"),
    ),
    Behaviour(
        "and the name as it was given",
        "X#293",
        [model("CaseOf-$name"), ("describe_model", {"ModelName": "CaseOf-$name"})],
        Gives("ModelName", "CaseOf-$name"),
    ),
]
