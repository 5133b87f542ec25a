"""Judges what is stopped before its time: processing jobs, tuning jobs, executions, schedules.

    python judge_stops.py --manifest FILE

FILE is a JSON object with `url`, `region`, `bucket` and `endpoints` (a list of names). What is made is
taken away again, but the training jobs of a tuning job.
"""

from __future__ import annotations

import json
import uuid
from typing import Any, Dict, Mapping

from calls import fresh, refused
from judge_behaviours import packed
from judge_transform import ROLE, until
from judging import Judge, read_manifest
from service import Service

CLUSTER = {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}}
WAIT = b"import time\n\ntime.sleep(600)\n"
# What nobody waits for.
LONG: Dict[str, Any] = {
    "AppSpecification": {"ImageUri": "any", "ContainerEntrypoint": ["sleep", "600"]},
    "ProcessingResources": CLUSTER,
    "RoleArn": ROLE,
}


def main() -> int:
    manifest = read_manifest(__doc__)
    judge = Judge()
    service = Service(judge, manifest["url"], manifest["region"])
    for section in (judge_processing, judge_tuning, judge_execution, judge_schedule):
        with judge.section(section.__name__):
            section(judge, service, manifest)
    return judge.finish()


def judge_processing(judge: Judge, service: Service, _: Mapping[str, Any]) -> None:
    name = fresh("processing")
    named = {"ProcessingJobName": name}
    service.call(name, "create_processing_job", **named, **LONG)
    refused(
        judge,
        "deletion of a job that runs",
        "ResourceInUse",
        service.sagemaker.delete_processing_job,
        **named,
    )
    service.call(name, "stop_processing_job", **named)
    describe = service.sagemaker.describe_processing_job
    found = until(lambda: describe(**named), "ProcessingJobStatus", "InProgress", "Stopping")
    judge.equal("a processing job is stopped", found["ProcessingJobStatus"], "Stopped")
    listed = service.list("list_processing_jobs", "ProcessingJobSummaries", NameContains=name)
    judge.equal("it is listed", [one["ProcessingJobStatus"] for one in listed], ["Stopped"])
    service.call(name, "delete_processing_job", **named)
    refused(judge, "a job that is gone", "ValidationException", describe, **named)


def judge_tuning(judge: Judge, service: Service, manifest: Mapping[str, Any]) -> None:
    name = fresh("s")
    named = {"HyperParameterTuningJobName": name}
    measure = {"Name": "auc", "Regex": "auc=([0-9.]+)"}
    bucket, key = manifest["bucket"], f"judge/{name}/source.tar.gz"
    service.s3.put_object(Bucket=bucket, Key=key, Body=packed({"train.py": WAIT}))
    service.call(
        name,
        "create_hyper_parameter_tuning_job",
        **named,
        HyperParameterTuningJobConfig={
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "auc"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 1},
            "ParameterRanges": {"IntegerParameterRanges": [{"Name": "n", "MinValue": "1", "MaxValue": "9"}]},
        },
        TrainingJobDefinition={
            "AlgorithmSpecification": {
                "TrainingImage": "any",
                "TrainingInputMode": "File",
                "MetricDefinitions": [measure],
            },
            "StaticHyperParameters": {
                "sagemaker_program": json.dumps("train.py"),
                "sagemaker_submit_directory": json.dumps(f"s3://{bucket}/{key}"),
            },
            "RoleArn": ROLE,
            "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/judge/tuning"},
            "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        },
    )
    service.call(name, "stop_hyper_parameter_tuning_job", **named)
    describe = service.sagemaker.describe_hyper_parameter_tuning_job
    status = "HyperParameterTuningJobStatus"
    found = until(lambda: describe(**named), status, "InProgress", "Stopping")
    judge.equal("a tuning job is stopped", found[status], "Stopped")
    service.call(name, "delete_hyper_parameter_tuning_job", **named)


def judge_execution(judge: Judge, service: Service, _: Mapping[str, Any]) -> None:
    name = fresh("pipeline")
    step = {"Name": "Wait", "Type": "Processing", "Arguments": LONG}
    definition = json.dumps({"Version": "2020-12-01", "Steps": [step]})
    pipeline = {"PipelineName": name}
    service.call(
        name,
        "create_pipeline",
        **pipeline,
        PipelineDefinition=definition,
        RoleArn=ROLE,
        ClientRequestToken=uuid.uuid4().hex,
    )
    started = service.call(
        name, "start_pipeline_execution", **pipeline, ClientRequestToken=uuid.uuid4().hex
    )
    arn = {"PipelineExecutionArn": started["PipelineExecutionArn"]}
    found = service.call(name, "describe_pipeline_definition_for_execution", **arn)
    judge.equal("what an execution does", json.loads(found["PipelineDefinition"]), json.loads(definition))
    service.list("list_pipeline_parameters_for_execution", "PipelineParameters", name, **arn)
    service.call(name, "stop_pipeline_execution", **arn, ClientRequestToken=uuid.uuid4().hex)
    found = until(
        lambda: service.sagemaker.describe_pipeline_execution(**arn),
        "PipelineExecutionStatus",
        "Executing",
        "Stopping",
    )
    judge.equal("an execution is stopped", found["PipelineExecutionStatus"], "Stopped")
    service.call(name, "delete_pipeline", **pipeline, ClientRequestToken=uuid.uuid4().hex)


def judge_schedule(judge: Judge, service: Service, manifest: Mapping[str, Any]) -> None:
    name = fresh("schedule")
    named = {"MonitoringScheduleName": name}
    watched = {"EndpointName": manifest["endpoints"][0], "LocalPath": "/opt/ml/processing/input"}
    output = {"S3Uri": f"s3://{manifest['bucket']}/judge/out", "LocalPath": "/opt/ml/processing/out"}
    service.call(
        name,
        "create_monitoring_schedule",
        **named,
        MonitoringScheduleConfig={
            "ScheduleConfig": {"ScheduleExpression": "cron(0 * ? * * *)"},
            "MonitoringJobDefinition": {
                "MonitoringInputs": [{"EndpointInput": watched}],
                "MonitoringOutputConfig": {"MonitoringOutputs": [{"S3Output": output}]},
                "MonitoringResources": CLUSTER,
                "MonitoringAppSpecification": {"ImageUri": "any"},
                "RoleArn": ROLE,
            },
        },
    )
    status = "MonitoringScheduleStatus"
    describe = service.sagemaker.describe_monitoring_schedule
    until(lambda: describe(**named), status, "Pending")
    for op, expected in (("stop", "Stopped"), ("start", "Scheduled")):
        service.call(name, f"{op}_monitoring_schedule", **named)
        found = until(lambda: describe(**named), status, "Pending")
        judge.equal(f"a schedule after {op}", found[status], expected)
    service.call(name, "delete_monitoring_schedule", **named)


if __name__ == "__main__":
    raise SystemExit(main())
