"""Judges a running local SageMaker, with the example deployed, as a user of boto3 sees it.

    python judge_boto3.py --url http://127.0.0.1:4566 --region eu-west-1 --endpoint mortgage-staging
    python judge_boto3.py --manifest FILE

FILE is a JSON object with `url`, `region`, `account`, `bucket` and `endpoints` (a list of names);
what is given on the command line comes first. Everything deployed is listed and described and held
against the service model; references must lead somewhere; predictions must be those that the
artefact's coefficients give; errors must be the service's own. What is changed is undone: one object
under `judge/` in the bucket.
"""

from __future__ import annotations

import argparse
import base64
import json
import pathlib
import sys
import time
import uuid
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence

from botocore.exceptions import ClientError

import definitions
import mortgage
from judging import Judge
from service import Service, split_uri

# Seconds until what an endpoint answered must be found in S3.
CAPTURE_DEADLINE = 60


# What somebody in the demo made behind the program's back: it is not to claim it.
MADE_BY_HAND = ("by-hand",)


class Target(NamedTuple):
    """What is judged."""

    url: str
    region: str
    endpoints: Sequence[str]
    account: Optional[str]
    bucket: Optional[str]


def main() -> int:
    target = read_arguments()
    judge = Judge()
    service = Service(judge, target.url, target.region)
    for section in (
        judge_endpoints,
        judge_models,
        judge_pipelines,
        judge_packages,
        judge_monitoring,
        judge_objects,
        judge_refusals,
    ):
        with judge.section(section.__name__):
            section(judge, service, target)
    for endpoint in target.endpoints:
        for part in (judge_deployment, judge_predictions, judge_failures, judge_capture):
            with judge.section(f"{part.__name__} {endpoint}"):
                part(judge, service, endpoint)
    return judge.finish()


def read_arguments() -> Target:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--manifest", type=pathlib.Path)
    parser.add_argument("--url")
    parser.add_argument("--region")
    parser.add_argument("--endpoint", action="append", default=[])
    parser.add_argument("--account")
    parser.add_argument("--bucket")
    given = parser.parse_args()
    manifest: Mapping[str, Any] = {}
    if given.manifest:
        manifest = json.loads(given.manifest.read_text(encoding="utf-8"))
    target = Target(
        url=given.url or manifest.get("url"),
        region=given.region or manifest.get("region"),
        endpoints=given.endpoint or manifest.get("endpoints", []),
        account=given.account or manifest.get("account"),
        bucket=given.bucket or manifest.get("bucket"),
    )
    for needed in ("url", "region", "endpoints"):
        if not getattr(target, needed):
            parser.error(f"{needed}: neither given nor in the manifest")
    return target


def judge_endpoints(judge: Judge, service: Service, target: Target) -> None:
    summaries = service.list("list_endpoints", "Endpoints")
    names = [one["EndpointName"] for one in summaries]
    for name in target.endpoints:
        judge.check(f"{name} is listed", name in names, names)
    for one in summaries:
        name = one["EndpointName"]
        found = service.call(name, "describe_endpoint", EndpointName=name)
        agree(judge, one, found, "EndpointArn", "EndpointStatus", "CreationTime", "LastModifiedTime")
        judge_arn(judge, target, found["EndpointArn"], f"endpoint/{name.lower()}")
        judge_owner(judge, service, found["EndpointArn"], name)
    for one in service.list("list_endpoint_configs", "EndpointConfigs"):
        name = one["EndpointConfigName"]
        found = service.call(name, "describe_endpoint_config", EndpointConfigName=name)
        agree(judge, one, found, "EndpointConfigArn", "CreationTime")
        judge_arn(judge, target, found["EndpointConfigArn"], f"endpoint-config/{name.lower()}")
        judge_owner(judge, service, found["EndpointConfigArn"], name)


def judge_models(judge: Judge, service: Service, target: Target) -> None:
    for one in service.list("list_models", "Models"):
        name = one["ModelName"]
        found = service.call(name, "describe_model", ModelName=name)
        agree(judge, one, found, "ModelArn", "CreationTime")
        judge_arn(judge, target, found["ModelArn"], f"model/{name.lower()}")
        judge_owner(judge, service, found["ModelArn"], name)


def judge_pipelines(judge: Judge, service: Service, target: Target) -> None:
    pipelines = service.list("list_pipelines", "PipelineSummaries")
    judge.check("there is a pipeline", pipelines)
    for one in pipelines:
        name = one["PipelineName"]
        found = service.call(name, "describe_pipeline", PipelineName=name)
        agree(judge, one, found, "PipelineArn", "CreationTime", "RoleArn")
        judge_arn(judge, target, found["PipelineArn"], f"pipeline/{name.lower()}")
        judge_owner(judge, service, found["PipelineArn"], name)
        model = service.sagemaker.meta.service_model
        problems = definitions.problems(model, found["PipelineDefinition"])
        judge.sound(f"definition of {name}", problems)
        definition = json.loads(found["PipelineDefinition"])
        executions = service.list(
            "list_pipeline_executions", "PipelineExecutionSummaries", name, PipelineName=name
        )
        statuses = [execution["PipelineExecutionStatus"] for execution in executions]
        judge.check(f"an execution of {name} succeeded", "Succeeded" in statuses, statuses)
        for execution in executions:
            judge_execution(judge, service, execution, definition)


def judge_execution(
    judge: Judge, service: Service, summary: Mapping[str, Any], definition: Mapping[str, Any]
) -> None:
    arn = summary["PipelineExecutionArn"]
    short = arn.rpartition("/")[2]
    found = service.call(short, "describe_pipeline_execution", PipelineExecutionArn=arn)
    agree(judge, summary, found, "PipelineExecutionStatus", "PipelineExecutionDisplayName")
    steps = service.list(
        "list_pipeline_execution_steps", "PipelineExecutionSteps", short, PipelineExecutionArn=arn
    )
    known = set(step_names(definition["Steps"]))
    ran = {step["StepName"] for step in steps}
    judge.check(f"steps of {short} are those of the definition", ran and ran <= known, ran - known)
    if found["PipelineExecutionStatus"] == "Succeeded":
        for step in steps:
            judge.equal(f"step {step['StepName']} of {short}", step["StepStatus"], "Succeeded")
            judge_step(judge, service, step)


def step_names(steps: Sequence[Mapping[str, Any]]) -> List[str]:
    """Names of steps, those within conditions too."""
    names = []
    for step in steps:
        names.append(step["Name"])
        for branch in ("IfSteps", "ElseSteps"):
            names += step_names(step.get("Arguments", {}).get(branch, []))
    return names


def judge_step(judge: Judge, service: Service, step: Mapping[str, Any]) -> None:
    """What a step made can be described, and says that it is done."""
    metadata = step.get("Metadata", {})
    if "TrainingJob" in metadata:
        name = metadata["TrainingJob"]["Arn"].rpartition("/")[2]
        job = service.call(name, "describe_training_job", TrainingJobName=name)
        judge.equal(f"status of {name}", job["TrainingJobStatus"], "Completed")
        archive = service.read(job["ModelArtifacts"]["S3ModelArtifacts"])
        judge.check(f"artefact of {name}", mortgage.read_artefact(archive)["coefficients"])
    if "ProcessingJob" in metadata:
        name = metadata["ProcessingJob"]["Arn"].rpartition("/")[2]
        job = service.call(name, "describe_processing_job", ProcessingJobName=name)
        judge.equal(f"status of {name}", job["ProcessingJobStatus"], "Completed")
    if "RegisterModel" in metadata:
        arn = metadata["RegisterModel"]["Arn"]
        package = service.call(arn.rpartition(":")[2], "describe_model_package", ModelPackageName=arn)
        judge.equal(f"status of {arn}", package["ModelPackageStatus"], "Completed")


def judge_packages(judge: Judge, service: Service, target: Target) -> None:
    groups = service.list("list_model_package_groups", "ModelPackageGroupSummaryList")
    judge.check("there is a model package group", groups)
    for one in groups:
        group = one["ModelPackageGroupName"]
        found = service.call(group, "describe_model_package_group", ModelPackageGroupName=group)
        agree(judge, one, found, "ModelPackageGroupArn", "ModelPackageGroupStatus", "CreationTime")
        judge_arn(judge, target, found["ModelPackageGroupArn"], f"model-package-group/{group.lower()}")
        judge_owner(judge, service, found["ModelPackageGroupArn"], group)
        packages = service.list(
            "list_model_packages", "ModelPackageSummaryList", group, ModelPackageGroupName=group
        )
        judge.check(f"{group} holds a package", packages)
        for package in packages:
            judge_package(judge, service, group, package)
        versions = sorted(package["ModelPackageVersion"] for package in packages)
        judge.equal(f"versions of {group}", versions, list(range(1, len(packages) + 1)))


def judge_package(judge: Judge, service: Service, group: str, summary: Mapping[str, Any]) -> None:
    arn = summary["ModelPackageArn"]
    label = f"{group}/{summary['ModelPackageVersion']}"
    found = service.call(label, "describe_model_package", ModelPackageName=arn)
    agree(judge, summary, found, "ModelPackageArn", "ModelPackageStatus", "ModelApprovalStatus")
    for container in found["InferenceSpecification"]["Containers"]:
        judge_artefact(judge, service, label, container["ModelDataUrl"])
    statistics = found.get("ModelMetrics", {}).get("ModelQuality", {}).get("Statistics")
    judge.check(f"{label} says how it was measured", statistics)
    if statistics:
        report = json.loads(service.read(statistics["S3Uri"]))
        auc = report["binary_classification_metrics"]["auc"]["value"]
        judge.check(f"AUC of {label} is one that the gate lets pass", 0.70 <= auc <= 1.0, auc)


def judge_artefact(judge: Judge, service: Service, label: str, uri: str) -> None:
    bucket, key = split_uri(uri)
    head = service.s3.head_object(Bucket=bucket, Key=key)
    archive = service.read(uri)
    judge.equal(f"bytes of the artefact of {label}", len(archive), head["ContentLength"])
    model = mortgage.read_artefact(archive)
    judge.equal(
        f"coefficients of {label}", len(model["coefficients"]), len(model["encoder"]["terms"])
    )


def judge_monitoring(judge: Judge, service: Service, target: Target) -> None:
    for one in service.list("list_data_quality_job_definitions", "JobDefinitionSummaries"):
        name = one["MonitoringJobDefinitionName"]
        found = service.call(name, "describe_data_quality_job_definition", JobDefinitionName=name)
        judge.equal(f"ARN of {name}", found["JobDefinitionArn"], one["MonitoringJobDefinitionArn"])
        judge_owner(judge, service, found["JobDefinitionArn"], name)
    for one in service.list("list_monitoring_schedules", "MonitoringScheduleSummaries"):
        name = one["MonitoringScheduleName"]
        found = service.call(name, "describe_monitoring_schedule", MonitoringScheduleName=name)
        agree(judge, one, found, "MonitoringScheduleArn", "MonitoringScheduleStatus", "CreationTime")
        judge_owner(judge, service, found["MonitoringScheduleArn"], name)
        definition = found["MonitoringScheduleConfig"].get("MonitoringJobDefinitionName")
        if definition:
            service.call(
                f"{definition} of {name}",
                "describe_data_quality_job_definition",
                JobDefinitionName=definition,
            )
        service.list(
            "list_monitoring_executions",
            "MonitoringExecutionSummaries",
            name,
            MonitoringScheduleName=name,
        )


def judge_objects(judge: Judge, service: Service, target: Target) -> None:
    """S3: what is put can be listed, is what comes back, and goes."""
    buckets = [bucket["Name"] for bucket in service.s3.list_buckets()["Buckets"]]
    bucket = target.bucket or (buckets[0] if buckets else "")
    if not judge.check(f"bucket {bucket} is listed", bucket in buckets, buckets):
        return
    key, body = f"judge/{uuid.uuid4()} é+%.txt", bytes(range(256)) * 64
    service.s3.put_object(
        Bucket=bucket, Key=key, Body=body, Metadata={"by": "judge"}, ChecksumAlgorithm="SHA256"
    )
    try:
        head = service.s3.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
        judge.equal("length of an object", head["ContentLength"], len(body))
        judge.equal("metadata of an object", head["Metadata"], {"by": "judge"})
        judge.equal(
            "bytes of an object", service.s3.get_object(Bucket=bucket, Key=key)["Body"].read(), body
        )
        part = service.s3.get_object(Bucket=bucket, Key=key, Range="bytes=5-9")["Body"].read()
        judge.equal("a range of an object", part, body[5:10])
        listed = service.s3.list_objects_v2(Bucket=bucket, Prefix="judge/").get("Contents", [])
        judge.check("an object is listed", key in [one["Key"] for one in listed], listed)
    finally:
        service.s3.delete_object(Bucket=bucket, Key=key)
    error = refusal(service.s3.head_object, Bucket=bucket, Key=key)
    judge.equal("a deleted object is gone", error and error["Error"]["Code"], "404")


def judge_refusals(judge: Judge, service: Service, target: Target) -> None:
    """The service's own codes and texts, by which its users tell errors apart."""
    missing = f"judge-{uuid.uuid4().hex[:12]}"
    client = service.sagemaker
    for op, request, code, text in (
        ("describe_endpoint", {"EndpointName": missing}, "ValidationException", "Could not find endpoint "),
        (
            "describe_endpoint_config",
            {"EndpointConfigName": missing},
            "ValidationException",
            "Could not find endpoint configuration ",
        ),
        ("describe_model", {"ModelName": missing}, "ValidationException", "Could not find model "),
        ("describe_pipeline", {"PipelineName": missing}, "ResourceNotFound", "does not exist"),
        (
            "describe_training_job",
            {"TrainingJobName": missing},
            "ValidationException",
            "Requested resource not found",
        ),
        ("describe_monitoring_schedule", {"MonitoringScheduleName": missing}, "ResourceNotFound", ""),
        (
            "describe_model_package_group",
            {"ModelPackageGroupName": missing},
            "ValidationException",
            "does not exist",
        ),
        (
            "create_endpoint",
            {"EndpointName": target.endpoints[0], "EndpointConfigName": missing},
            "ValidationException",
            "",
        ),
        (
            "describe_endpoint",
            {"EndpointName": "no_such-name!"},
            "ValidationException",
            "1 validation error detected: ",
        ),
    ):
        judge_refusal(judge, op, refusal(getattr(client, op), **request), code, text)
    for name in [one["EndpointConfigName"] for one in client.list_endpoint_configs()["EndpointConfigs"]][:1]:
        variants = client.describe_endpoint_config(EndpointConfigName=name)["ProductionVariants"]
        error = refusal(
            client.create_endpoint_config, EndpointConfigName=name, ProductionVariants=variants
        )
        text = "Cannot create already existing endpoint configuration"
        judge_refusal(judge, "create_endpoint_config", error, "ValidationException", text)
    error = refusal(service.runtime.invoke_endpoint, EndpointName=missing, Body=b"{}")
    judge_refusal(judge, "invoke_endpoint", error, "ValidationError", f"Endpoint {missing} of account ")


def judge_refusal(
    judge: Judge, op: str, error: Optional[Mapping[str, Any]], code: str, text: str
) -> None:
    name = f"{op} is refused: {code} {text}".rstrip()
    if error is None:
        judge.check(name, False, "it was accepted")
        return
    found, status = error["Error"], error["ResponseMetadata"]["HTTPStatusCode"]
    holds = (found["Code"], status) == (code, 400) and text in found["Message"]
    judge.check(name, holds, f"{status} {found['Code']}: {found['Message']}")


def judge_deployment(judge: Judge, service: Service, endpoint: str) -> None:
    """An endpoint runs what its configuration says, and that leads to a model and its artefact."""
    found = service.call(endpoint, "describe_endpoint", EndpointName=endpoint)
    judge.equal(f"status of {endpoint}", found["EndpointStatus"], "InService")
    config_name = found["EndpointConfigName"]
    config = service.call(config_name, "describe_endpoint_config", EndpointConfigName=config_name)
    wanted = {variant["VariantName"]: variant for variant in config["ProductionVariants"]}
    running = {variant["VariantName"]: variant for variant in found["ProductionVariants"]}
    judge.equal(f"variants of {endpoint}", sorted(running), sorted(wanted))
    for name, variant in running.items():
        counts = variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]
        expected = wanted[name]["InitialInstanceCount"]
        judge.equal(f"instances of {endpoint}/{name}", counts, (expected, expected))
        weights = variant["CurrentWeight"], variant["DesiredWeight"]
        expected = wanted[name]["InitialVariantWeight"]
        judge.equal(f"weight of {endpoint}/{name}", weights, (expected, expected))
    for variant in wanted.values():
        judge_artefact(judge, service, endpoint, artefact_of(service, variant["ModelName"]))


def artefact_of(service: Service, model_name: str) -> str:
    """The address of the artefact that a model serves."""
    model = service.sagemaker.describe_model(ModelName=model_name)
    container = model.get("PrimaryContainer") or model["Containers"][0]
    if "ModelPackageName" in container:
        package = service.sagemaker.describe_model_package(
            ModelPackageName=container["ModelPackageName"]
        )
        container = package["InferenceSpecification"]["Containers"][0]
    if "ModelDataUrl" in container:
        return container["ModelDataUrl"]
    return container["ModelDataSource"]["S3DataSource"]["S3Uri"]


def models_of(service: Service, endpoint: str) -> Dict[str, Dict[str, Any]]:
    """The parsed artefact that each variant of an endpoint serves."""
    config_name = service.sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
    config = service.sagemaker.describe_endpoint_config(EndpointConfigName=config_name)
    return {
        variant["VariantName"]: mortgage.read_artefact(
            service.read(artefact_of(service, variant["ModelName"]))
        )
        for variant in config["ProductionVariants"]
    }


def judge_predictions(judge: Judge, service: Service, endpoint: str) -> None:
    models = models_of(service, endpoint)
    body = json.dumps({"instances": list(mortgage.APPLICATIONS)})
    for variant, model in models.items():
        expected = [mortgage.predict(model, application) for application in mortgage.APPLICATIONS]
        label = f"{endpoint}/{variant}"
        answer = invoke(service, endpoint, body, "application/json", TargetVariant=variant)
        judge.equal(f"variant that answered for {label}", answer["InvokedProductionVariant"], variant)
        judge.equal(f"content type of {label}", media_type(answer), "application/json")
        predictions = json.loads(answer["Body"].read())["predictions"]
        judge_all(judge, f"JSON to {label}", predictions, expected)

        lines = "".join(map(mortgage.as_csv, mortgage.APPLICATIONS))
        answer = invoke(service, endpoint, lines, "text/csv", TargetVariant=variant, Accept="text/csv")
        judge.equal(f"content type of CSV from {label}", media_type(answer), "text/csv")
        cells = [line.split(",") for line in answer["Body"].read().decode().splitlines()]
        predictions = [
            {"probability": float(probability), "approved": {"true": True, "false": False}[approved]}
            for probability, approved in cells
        ]
        judge_all(judge, f"CSV to {label}", predictions, expected)
    answer = invoke(service, endpoint, body, "application/json")
    judge.check(
        f"{endpoint} chooses one of its variants", answer["InvokedProductionVariant"] in models
    )


def judge_all(
    judge: Judge,
    name: str,
    predictions: Sequence[Mapping[str, Any]],
    expected: Sequence[Mapping[str, Any]],
) -> None:
    if not judge.equal(f"{name}: number of predictions", len(predictions), len(expected)):
        return
    problems = [mortgage.difference(*pair) for pair in zip(predictions, expected)]
    judge.sound(f"{name}: what the coefficients give", [one for one in problems if one])


def judge_failures(judge: Judge, service: Service, endpoint: str) -> None:
    """What goes wrong inside the container arrives as ModelError, with the container's own status."""
    for what, body, kind, statuses in (
        ("a content type that is not served", b"<a/>", "application/xml", (400, 406, 415, 500)),
        ("a model that raises", b'{"instances": [{"no_such_field": 1}]}', "application/json", (400, 500)),
    ):
        error = refusal(
            service.runtime.invoke_endpoint, EndpointName=endpoint, Body=body, ContentType=kind
        )
        if not judge.check(f"{what} is an error of {endpoint}", error, "it was answered") or not error:
            continue
        found = error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"]
        judge.equal(f"{what}: code and status", found, ("ModelError", 424))
        original = error.get("OriginalStatusCode")
        judge.check(f"{what}: OriginalStatusCode", original in statuses, original)
        message = error.get("OriginalMessage")
        judge.check(f"{what}: OriginalMessage", isinstance(message, str), message)
        log = error.get("LogStreamArn", "")
        wanted = f":log-group:/aws/sagemaker/Endpoints/{endpoint}"
        judge.check(f"{what}: LogStreamArn", wanted in log, log)
    body = json.dumps(mortgage.APPLICATIONS[0])
    answer = invoke(service, endpoint, body, "application/json")
    judge.equal(f"{endpoint} still answers", answer["ResponseMetadata"]["HTTPStatusCode"], 200)
    error = refusal(
        service.runtime.invoke_endpoint,
        EndpointName=endpoint,
        Body=body,
        ContentType="application/json",
        TargetVariant="no-such-variant",
    )
    judge.equal("an unknown variant", error and error["Error"]["Code"], "ValidationError")


def judge_capture(judge: Judge, service: Service, endpoint: str) -> None:
    """What goes in and out is found in S3, where the endpoint captures data."""
    found = service.sagemaker.describe_endpoint(EndpointName=endpoint)
    capture = found.get("DataCaptureConfig")
    if not capture or not capture["EnableCapture"]:
        return
    judge.equal(f"capture of {endpoint}", capture["CaptureStatus"], "Started")
    mark, body = f"judge-{uuid.uuid4()}", json.dumps(mortgage.APPLICATIONS[0])
    answer = invoke(service, endpoint, body, "application/json", InferenceId=mark)
    output = answer["Body"].read().decode()
    record = find_record(service, f"{capture['DestinationS3Uri'].rstrip('/')}/{endpoint}/", mark)
    if not judge.check(f"a call of {endpoint} is captured", record, f"not in {CAPTURE_DEADLINE} s"):
        return
    assert record is not None
    judge.equal("version of the record", record["eventVersion"], "0")
    encoding = encoding_of_json(service, found["EndpointConfigName"])
    for side, mode, data in (("endpointInput", "INPUT", body), ("endpointOutput", "OUTPUT", output)):
        part = record["captureData"][side]
        if encoding == "BASE64":
            data = base64.b64encode(data.encode()).decode()
        seen = part["mode"], part["encoding"], part["data"], part["observedContentType"].split(";")[0]
        judge.equal(f"captured {side}", seen, (mode, encoding, data, "application/json"))


def encoding_of_json(service: Service, config_name: str) -> str:
    """How JSON is written into captured records: as it is only where the configuration says so."""
    config = service.sagemaker.describe_endpoint_config(EndpointConfigName=config_name)
    headers = config["DataCaptureConfig"].get("CaptureContentTypeHeader", {})
    return "JSON" if "application/json" in headers.get("JsonContentTypes", []) else "BASE64"


def find_record(service: Service, prefix: str, mark: str) -> Optional[Dict[str, Any]]:
    """Waits for the captured line that bears our mark."""
    bucket, key_prefix = split_uri(prefix)
    end = time.monotonic() + CAPTURE_DEADLINE
    while True:
        pages = service.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key_prefix)
        keys = [one["Key"] for page in pages for one in page.get("Contents", [])]
        # The newest file is the last by name: they are named by the hour and the minute.
        for key in sorted(keys, reverse=True):
            for line in service.read(f"s3://{bucket}/{key}").decode().splitlines():
                if mark in line:
                    return json.loads(line)
        if time.monotonic() > end:
            return None
        time.sleep(1)


def invoke(service: Service, endpoint: str, body: str, kind: str, **more: str) -> Dict[str, Any]:
    return service.runtime.invoke_endpoint(
        EndpointName=endpoint, Body=body.encode(), ContentType=kind, **more
    )


def media_type(answer: Mapping[str, Any]) -> str:
    return answer["ContentType"].split(";")[0].strip()


def refusal(method: Any, **request: object) -> Optional[Dict[str, Any]]:
    """The error that a call is answered with; None if it succeeds."""
    try:
        method(**request)
    except ClientError as error:
        return error.response
    return None


def agree(judge: Judge, summary: Mapping[str, Any], found: Mapping[str, Any], *members: str) -> None:
    """List and description say the same."""
    name = next(iter(summary.values()))
    problems = [
        f"{member}: {summary.get(member)!r} in the list, {found.get(member)!r} in the description"
        for member in members
        if summary.get(member) != found.get(member)
    ]
    judge.sound(f"list and description of {name}", problems)


def judge_arn(judge: Judge, target: Target, arn: str, resource: str) -> None:
    """ARNs are in the account and region, and lower case."""
    parts = arn.split(":", 5)
    account = target.account or parts[4]
    judge.equal(f"ARN of {resource}", parts, ["arn", "aws", "sagemaker", target.region, account, resource])


def judge_owner(judge: Judge, service: Service, arn: str, name: str) -> None:
    """What was deployed says whose it is, and which object the tag was written for."""
    tags = service.tags(arn)
    if name in MADE_BY_HAND:
        judge.equal(f"tags of {name}, which is nobody's", tags, {})
        return
    owner = tags.get("trueup:owner", "")
    judge.check(f"owner of {name}", owner.count("/") == 2 and all(owner.split("/")), tags)
    judge.equal(f"self of {name}", tags.get("trueup:self"), name)


if __name__ == "__main__":
    sys.exit(main())
