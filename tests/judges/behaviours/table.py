"""What a line of the tables is made of.

Evidence says where it is known from: B botocore's model of the service, A the controllers for
Kubernetes, T Terraform's provider, C CloudFormation's resource provider, S the SageMaker Python SDK,
D the developer guide, L recorded answers, O the operator for Kubernetes, X the examples, or an issue.
"""

from __future__ import annotations

import json
from typing import Any, Dict, NamedTuple, Sequence, Tuple, Union

ACCOUNT = "111122223333"
REGION = "eu-west-1"
ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/judge"
BUCKET = "behaviours"
IMAGE = "141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
ARTEFACT = f"s3://{BUCKET}/model.tar.gz"
CODE = f"s3://{BUCKET}/sourcedir.tar.gz"
VALIDATION = "ValidationException"
NOT_FOUND = "ResourceNotFound"
IN_USE = "ResourceInUse"
CONFLICT = "ConflictException"

# A name that only this line's calls use stands in place of this.
NAME = "$name"


class Answer(NamedTuple):
    """A value out of the answer to the call before, as part of a request."""

    path: str


class Until(NamedTuple):
    """Calls again until the value at `path` is one of these."""

    op: str
    request: Dict[str, Any]
    path: str
    values: Sequence[object]


Call = Union[Tuple[str, Dict[str, Any]], Until]


class Refused(NamedTuple):
    """The last call is refused, with this code and words that hold this text."""

    code: str
    text: str = ""


class Gives(NamedTuple):
    """The last call's answer has this value at this path (JMESPath)."""

    path: str
    value: object


class Behaviour(NamedTuple):
    """Calls one after the other; all but the last succeed."""

    name: str
    evidence: str
    calls: Sequence[Call]
    expect: Union[Refused, Gives]
    # Whether it is about a state that lasts for a moment, which a slow machine may miss.
    passing: bool = False


def model(name: str = NAME, **more: object) -> Call:
    container = {"Image": IMAGE, "ModelDataUrl": ARTEFACT, "Environment": serving("inference.py")}
    request = {"ModelName": name, "ExecutionRoleArn": ROLE, "PrimaryContainer": container}
    return "create_model", {**request, **more}


def broken_model(name: str) -> Call:
    """A model whose container does not come up."""
    container = {"Image": IMAGE, "ModelDataUrl": ARTEFACT, "Environment": serving("broken.py")}
    return "create_model", {
        "ModelName": name,
        "ExecutionRoleArn": ROLE,
        "PrimaryContainer": container,
    }


def serving(program: str) -> Dict[str, str]:
    return {"SAGEMAKER_PROGRAM": program, "SAGEMAKER_SUBMIT_DIRECTORY": CODE}


def variant(of: str = NAME, **more: object) -> Dict[str, Any]:
    usual = {
        "VariantName": "AllTraffic",
        "ModelName": of,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    return {**usual, **more}


def config(name: str = NAME, of: str = NAME, **more: object) -> Call:
    request = {"EndpointConfigName": name, "ProductionVariants": [variant(of)]}
    return "create_endpoint_config", {**request, **more}


def endpoint(name: str = NAME, of: str = NAME) -> Call:
    return "create_endpoint", {"EndpointName": name, "EndpointConfigName": of}


def settled(name: str = NAME) -> Call:
    named = {"EndpointName": name}
    return Until("describe_endpoint", named, "EndpointStatus", ("InService", "Failed"))


# An endpoint of the line's own that answers.
SERVED: Sequence[Call] = (model(), config(), endpoint(), settled())
DESCRIBED: Call = ("describe_endpoint", {"EndpointName": NAME})

TOKEN = "$name-a-token-of-at-least-32-characters"


def definition(*steps: Dict[str, Any], **more: object) -> str:
    steps = steps or (fail("Say"),)
    return json.dumps({"Version": "2020-12-01", **more, "Steps": list(steps)})


def fail(name: str) -> Dict[str, Any]:
    return {"Name": name, "Type": "Fail", "Arguments": {"ErrorMessage": "no"}}


def train(name: str) -> Dict[str, Any]:
    """A step that trains for as long as it is let."""
    arguments = {key: value for key, value in JOB.items() if key != "TrainingJobName"}
    return {"Name": name, "Type": "Training", "Arguments": arguments}


def pipeline(text: str = "", **more: object) -> Call:
    request = {
        "PipelineName": NAME,
        "PipelineDefinition": text or definition(),
        "RoleArn": ROLE,
        "ClientRequestToken": TOKEN,
    }
    return "create_pipeline", {**request, **more}


def start(**more: object) -> Call:
    request = {"PipelineName": NAME, "ClientRequestToken": TOKEN}
    return "start_pipeline_execution", {**request, **more}


JOB: Dict[str, Any] = {
    "TrainingJobName": NAME,
    "RoleArn": ROLE,
    "AlgorithmSpecification": {
        "TrainingImage": IMAGE,
        "TrainingInputMode": "File",
        "ContainerEntrypoint": ["sleep", "600"],
    },
    "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/jobs"},
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
    "StoppingCondition": {"MaxRuntimeInSeconds": 600},
}


def job(*command: str, name: str = NAME, **more: object) -> Call:
    """A training job that runs a command."""
    algorithm = {**JOB["AlgorithmSpecification"], "ContainerEntrypoint": list(command or ("true",))}
    return "create_training_job", {
        **JOB,
        "TrainingJobName": name,
        "AlgorithmSpecification": algorithm,
        **more,
    }


ENDED: Call = Until(
    "describe_training_job",
    {"TrainingJobName": NAME},
    "TrainingJobStatus",
    ("Completed", "Failed", "Stopped"),
)

PROCESSING: Call = (
    "create_processing_job",
    {
        "ProcessingJobName": NAME,
        "RoleArn": ROLE,
        "AppSpecification": {"ImageUri": IMAGE, "ContainerEntrypoint": ["true"]},
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceType": "ml.m5.large",
                "InstanceCount": 1,
                "VolumeSizeInGB": 10,
            }
        },
    },
)


def group(name: str = NAME, **more: object) -> Call:
    return "create_model_package_group", {"ModelPackageGroupName": name, **more}


def package(**more: object) -> Call:
    inference = {
        "Containers": [{"Image": IMAGE, "ModelDataUrl": ARTEFACT}],
        "SupportedContentTypes": ["application/json"],
        "SupportedResponseMIMETypes": ["application/json"],
    }
    request = {"ModelPackageGroupName": NAME, "InferenceSpecification": inference}
    return "create_model_package", {**request, **more}


VERSION_1 = f"{ARN}:model-package/{NAME}/1"

MONITORED = {"EndpointName": NAME, "LocalPath": "/opt/ml/processing/input/endpoint"}
OUTPUT = {"S3Uri": f"s3://{BUCKET}/reports", "LocalPath": "/opt/ml/processing/output"}
CLUSTER = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 20}


def monitor(kind: str = "DataQuality", **specification: object) -> Dict[str, Any]:
    """The request for a job definition."""
    return {
        "JobDefinitionName": NAME,
        f"{kind}AppSpecification": {"ImageUri": "analyzer", **specification},
        f"{kind}JobInput": {"EndpointInput": MONITORED},
        f"{kind}JobOutputConfig": {"MonitoringOutputs": [{"S3Output": OUTPUT}]},
        "JobResources": {"ClusterConfig": CLUSTER},
        "RoleArn": ROLE,
    }


QUALITY: Call = ("create_data_quality_job_definition", monitor())


def schedule(op: str = "create", **more: object) -> Call:
    """A schedule over the line's own job definition."""
    settings = {
        "ScheduleConfig": {"ScheduleExpression": "cron(0 * ? * * *)"},
        "MonitoringJobDefinitionName": NAME,
        "MonitoringType": "DataQuality",
    }
    return f"{op}_monitoring_schedule", {
        "MonitoringScheduleName": NAME,
        "MonitoringScheduleConfig": {**settings, **more},
    }


SCHEDULED: Call = Until(
    "describe_monitoring_schedule",
    {"MonitoringScheduleName": NAME},
    "MonitoringScheduleStatus",
    ("Scheduled", "Failed", "Stopped"),
)
