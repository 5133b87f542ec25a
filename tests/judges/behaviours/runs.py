"""What runs: pipelines, their versions and executions, jobs."""

from behaviours.table import (
    ARN,
    CONFLICT,
    ENDED,
    IN_USE,
    NAME,
    NOT_FOUND,
    TOKEN,
    VALIDATION,
    Answer,
    Behaviour,
    Gives,
    Refused,
    Until,
    definition,
    fail,
    job,
    pipeline,
    start,
    train,
)

FOUND = ("describe_pipeline", {"PipelineName": NAME})
DELETE = ("delete_pipeline", {"PipelineName": NAME, "ClientRequestToken": TOKEN})
NEW = definition(fail("Other"))
UPDATE = ("update_pipeline", {"PipelineName": NAME, "PipelineDefinition": NEW})
ODD = '{"Version": "2020-12-01",  "Steps": [{"Type": "Fail", "Name": "Say", "Arguments": {"ErrorMessage": "no"}}]}'
PARAMETER = definition(Parameters=[{"Name": "Rate", "Type": "Float"}])
DEFAULT = definition(Parameters=[{"Name": "Rate", "Type": "Float", "DefaultValue": 0.5}])
NESTED = definition(
    fail("Say"),
    {
        "Name": "If",
        "Type": "Condition",
        "Arguments": {
            "Conditions": [{"Type": "Equals", "LeftValue": 1, "RightValue": 1}],
            "IfSteps": [fail("Say")],
            "ElseSteps": [],
        },
    },
)
EXECUTION = {"PipelineExecutionArn": Answer("PipelineExecutionArn")}
JOB = ("describe_training_job", {"TrainingJobName": NAME})
DELETE_JOB = ("delete_training_job", {"TrainingJobName": NAME})
STOP_JOB = ("stop_training_job", {"TrainingJobName": NAME})
LONG = "sleep", "600"


def value(name: str, text: str) -> dict:
    return {"PipelineParameters": [{"Name": name, "Value": text}]}


PIPELINES = [
    Behaviour(
        "a definition comes back as it was",
        "L",
        [pipeline(ODD), FOUND],
        Gives("PipelineDefinition", ODD),
    ),
    Behaviour(
        "a pipeline's name for people", "L", [pipeline(), FOUND], Gives("PipelineDisplayName", NAME)
    ),
    Behaviour("a pipeline is active", "B", [pipeline(), FOUND], Gives("PipelineStatus", "Active")),
    Behaviour("a definition that is not JSON", "§12", [pipeline("{")], Refused(VALIDATION)),
    Behaviour(
        "one name for two steps, one within the other", "S", [pipeline(NESTED)], Refused(VALIDATION)
    ),
    Behaviour(
        "the same token makes no second pipeline",
        "§12",
        [pipeline(), pipeline()],
        Gives("PipelineArn", f"{ARN}:pipeline/{NAME}"),
    ),
    Behaviour(
        "the same token for something else",
        "B",
        [pipeline(), pipeline(NEW)],
        Refused(VALIDATION),
    ),
    Behaviour("an update is a version", "B", [pipeline(), UPDATE], Gives("PipelineVersionId", 2)),
    Behaviour(
        "the newest version is shown",
        "B",
        [pipeline(), UPDATE, FOUND],
        Gives("PipelineDefinition", NEW),
    ),
    Behaviour(
        "an older version is shown where it is asked for",
        "B",
        [pipeline(), UPDATE, ("describe_pipeline", {"PipelineName": NAME, "PipelineVersionId": 1})],
        Gives("PipelineDefinition", definition()),
    ),
    Behaviour(
        "versions are listed",
        "B",
        [pipeline(), UPDATE, ("list_pipeline_versions", {"PipelineName": NAME})],
        Gives("PipelineVersionSummaries[].PipelineVersionId", [2, 1]),
    ),
    Behaviour(
        "a parameter that is not declared",
        "§12",
        [pipeline(), start(**value("Rate", "1"))],
        Refused(VALIDATION),
    ),
    Behaviour(
        "a parameter without a value", "§2.1", [pipeline(PARAMETER), start()], Refused(VALIDATION)
    ),
    Behaviour(
        "a parameter's own value",
        "B",
        [
            pipeline(DEFAULT),
            start(**value("Rate", "0.75")),
            ("list_pipeline_parameters_for_execution", EXECUTION),
        ],
        Gives("PipelineParameters", [{"Name": "Rate", "Value": "0.75"}]),
    ),
    Behaviour(
        "the same token starts once",
        "B",
        [pipeline(), start(), start(), ("list_pipeline_executions", {"PipelineName": NAME})],
        Gives("length(PipelineExecutionSummaries)", 1),
    ),
    Behaviour(
        "an execution fails with the step's words",
        "D",
        [
            pipeline(),
            start(),
            ("list_pipeline_execution_steps", EXECUTION),
        ],
        Gives(
            "PipelineExecutionSteps[].[StepName, StepStatus, FailureReason]",
            [["Say", "Failed", "no"]],
        ),
    ),
    Behaviour(
        "a pipeline that runs is not deleted",
        "B",
        [pipeline(definition(train("Train"))), start(), DELETE],
        Refused(CONFLICT),
    ),
    Behaviour(
        "executions go with their pipeline",
        "B",
        [
            pipeline(),
            start(),
            ("describe_pipeline_execution", EXECUTION),
            DELETE,
            ("list_pipeline_executions", {"PipelineName": NAME}),
        ],
        Refused(NOT_FOUND, "does not exist."),
    ),
    Behaviour(
        "a pipeline started where there is none",
        "A",
        [("start_pipeline_execution", {"PipelineName": "nowhere", "ClientRequestToken": TOKEN})],
        Refused(NOT_FOUND, "does not exist."),
    ),
    Behaviour(
        "a token of 31 characters",
        "B",
        [pipeline(ClientRequestToken="t" * 31)],
        Refused(VALIDATION, "Member must have length greater than or equal to 32"),
    ),
]

JOBS = [
    Behaviour("a job begins", "B", [job(*LONG), JOB], Gives("TrainingJobStatus", "InProgress")),
    Behaviour(
        "where a job's artefact will be",
        "D",
        [job(), ENDED, JOB],
        Gives("ModelArtifacts.S3ModelArtifacts", "s3://behaviours/jobs/$name/output/model.tar.gz"),
    ),
    Behaviour(
        "a job that ends well",
        "D",
        [job(), ENDED, JOB],
        Gives("[TrainingJobStatus, SecondaryStatus]", ["Completed", "Completed"]),
    ),
    Behaviour(
        "each status has words",
        "S",
        [job(), ENDED, JOB],
        Gives("SecondaryStatusTransitions[?!StatusMessage]", []),
    ),
    Behaviour(
        "why a job failed",
        "D",
        [job("sh", "-c", "echo told so > /opt/ml/output/failure; exit 3"), ENDED, JOB],
        Gives(
            "[TrainingJobStatus, FailureReason]",
            ["Failed", "AlgorithmError: told so, exit code: 3"],
        ),
    ),
    Behaviour("a job that runs is not deleted", "B", [job(*LONG), DELETE_JOB], Refused(IN_USE)),
    Behaviour(
        "a deleted job's name is free",
        "B",
        [job(), ENDED, DELETE_JOB, job()],
        Gives("TrainingJobArn", f"{ARN}:training-job/$name"),
    ),
    Behaviour(
        "a job is stopped",
        "B",
        [job(*LONG), STOP_JOB, ENDED, JOB],
        Gives("TrainingJobStatus", "Stopped"),
    ),
    Behaviour(
        "a job that has ended is not stopped",
        "§1.11",
        [job(), ENDED, STOP_JOB],
        Refused(VALIDATION, "The request was rejected because the"),
    ),
    Behaviour(
        "an exit message",
        "D",
        [
            (
                "create_processing_job",
                {
                    "ProcessingJobName": NAME,
                    "RoleArn": "arn:aws:iam::111122223333:role/judge",
                    "AppSpecification": {
                        "ImageUri": "image",
                        "ContainerEntrypoint": [
                            "sh",
                            "-c",
                            "echo -n done > /opt/ml/output/message",
                        ],
                    },
                    "ProcessingResources": {
                        "ClusterConfig": {
                            "InstanceType": "ml.m5.large",
                            "InstanceCount": 1,
                            "VolumeSizeInGB": 10,
                        }
                    },
                },
            ),
            Until(
                "describe_processing_job",
                {"ProcessingJobName": NAME},
                "ProcessingJobStatus",
                ("Completed", "Failed"),
            ),
            ("describe_processing_job", {"ProcessingJobName": NAME}),
        ],
        Gives("[ProcessingJobStatus, ExitMessage]", ["Completed", "done"]),
    ),
]

BEHAVIOURS = [*PIPELINES, *JOBS]
