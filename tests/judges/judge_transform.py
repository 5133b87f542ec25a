"""Judges transform jobs, pipelines that have steps of them, and the lineage that those leave.

    python judge_transform.py --manifest FILE

FILE is a JSON object with `url`, `region`, `bucket` and `endpoints` (a list of names). What the
example deployed is asked in batches: its answers must be those that the artefact's coefficients give.
Models, pipelines and lineage that are made are taken away again; jobs, an experiment and what is
under `judge/` in the bucket stay.
"""

from __future__ import annotations

import json
import time
import uuid
from typing import Any, Callable, Dict, List, Mapping

import mortgage
from calls import fresh, refused
from judging import Judge, read_manifest
from service import Service

# Seconds until a job or an execution must have ended.
DEADLINE = 120
ROLE = "arn:aws:iam::111122223333:role/judge"
APPLICATIONS = mortgage.APPLICATIONS[:3]


def main() -> int:
    manifest = read_manifest(__doc__)
    judge = Judge()
    service = Service(judge, manifest["url"], manifest["region"])
    for section in (judge_jobs, judge_noted, judge_refusals, judge_steps, judge_lineage):
        with judge.section(section.__name__):
            section(judge, service, manifest)
    return judge.finish()


def until(describe: Callable[[], Dict[str, Any]], member: str, *under_way: str) -> Dict[str, Any]:
    """What is described once it is not under way any more, or the deadline has passed."""
    end = time.monotonic() + DEADLINE
    while (found := describe())[member] in under_way and time.monotonic() < end:
        time.sleep(0.2)
    return found


def model_of(service: Service, manifest: Mapping[str, Any]) -> str:
    endpoint = service.sagemaker.describe_endpoint(EndpointName=manifest["endpoints"][0])
    config = service.sagemaker.describe_endpoint_config(
        EndpointConfigName=endpoint["EndpointConfigName"]
    )
    return config["ProductionVariants"][0]["ModelName"]


def arguments(model: object, bucket: str, folder: str) -> Dict[str, Any]:
    """A request for what lies in the folder, without the job's name: a column of names, then rows."""
    return {
        "ModelName": model,
        "BatchStrategy": "MultiRecord",
        "TransformInput": {
            "DataSource": {
                "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/{folder}/in/"}
            },
            "ContentType": "text/csv",
            "SplitType": "Line",
        },
        "TransformOutput": {
            "S3OutputPath": f"s3://{bucket}/{folder}/out",
            "Accept": "text/csv",
            "AssembleWith": "Line",
        },
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        "DataProcessing": {
            "InputFilter": "$[1:]",
            "JoinSource": "Input",
            "OutputFilter": "$[0,-2,-1]",
        },
    }


def put_rows(service: Service, bucket: str, folder: str) -> None:
    rows = [f"n{at}," + mortgage.as_csv(row) for at, row in enumerate(APPLICATIONS)]
    service.s3.put_object(Bucket=bucket, Key=f"{folder}/in/rows.csv", Body="".join(rows).encode())


def judge_jobs(judge: Judge, service: Service, manifest: Mapping[str, Any]) -> None:
    name, bucket = fresh("transform"), manifest["bucket"]
    folder, model = f"judge/{name}", model_of(service, manifest)
    put_rows(service, bucket, folder)
    request = arguments(model, bucket, folder)
    service.call(name, "create_transform_job", TransformJobName=name, **request)
    until(
        lambda: service.sagemaker.describe_transform_job(TransformJobName=name),
        "TransformJobStatus",
        "InProgress",
    )
    found = service.call(name, "describe_transform_job", TransformJobName=name)
    judge.equal("a transform job ends", found["TransformJobStatus"], "Completed")
    output = service.read(f"s3://{bucket}/{folder}/out/rows.csv.out").decode().splitlines()
    container = service.sagemaker.describe_model(ModelName=model)["PrimaryContainer"]
    artefact = mortgage.read_artefact(service.read(container["ModelDataUrl"]))
    problems: List[str] = []
    for at, (line, application) in enumerate(zip(output, APPLICATIONS, strict=True)):
        name_of_row, probability, approved = line.split(",")
        if name_of_row != f"n{at}":
            problems.append(f"row {at} is called {name_of_row}")
        inference = {"probability": float(probability), "approved": approved == "true"}
        different = mortgage.difference(inference, mortgage.predict(artefact, application))
        problems += [different] if different else []
    judge.sound("each row has its inference", problems)
    listed = service.list("list_transform_jobs", "TransformJobSummaries", NameContains=name)
    judge.equal("a transform job is listed", [one["TransformJobName"] for one in listed], [name])
    refused(
        judge,
        "a job that has ended, to be stopped,",
        "ValidationException",
        service.sagemaker.stop_transform_job,
        TransformJobName=name,
    )
    stopped = fresh("transform")
    service.call(stopped, "create_transform_job", TransformJobName=stopped, **request)
    service.call(stopped, "stop_transform_job", TransformJobName=stopped)
    found = until(
        lambda: service.sagemaker.describe_transform_job(TransformJobName=stopped),
        "TransformJobStatus",
        "InProgress",
        "Stopping",
    )
    judge.equal("a transform job is stopped", found["TransformJobStatus"], "Stopped")


def judge_noted(judge: Judge, service: Service, manifest: Mapping[str, Any]) -> None:
    """What a job reads and writes is listed for monitors, and each inference has an id and a time."""
    name, bucket = fresh("transform"), manifest["bucket"]
    folder = f"judge/{name}"
    put_rows(service, bucket, folder)
    request = arguments(model_of(service, manifest), bucket, folder)
    config = {"DestinationS3Uri": f"s3://{bucket}/{folder}/noted", "GenerateInferenceId": True}
    service.call(
        name, "create_transform_job", TransformJobName=name, DataCaptureConfig=config, **request
    )
    describe = service.sagemaker.describe_transform_job
    found = until(lambda: describe(TransformJobName=name), "TransformJobStatus", "InProgress")
    judge.equal("a job that notes ends", found["TransformJobStatus"], "Completed")
    judge.equal("it says what it notes", found.get("DataCaptureConfig"), config)
    rows = service.read(f"s3://{bucket}/{folder}/out/rows.csv.out").decode().splitlines()
    ids = {uuid.UUID(row.split(",")[-2]) for row in rows}
    judge.equal("each inference has an id", len(ids), len(APPLICATIONS))
    for side, names in (("input", ["rows.csv"]), ("output", ["rows.csv.out"])):
        place = "in" if side == "input" else "out"
        listed = service.s3.list_objects_v2(Bucket=bucket, Prefix=f"{folder}/noted/{side}/")
        content = [json.loads(service.read(f"s3://{bucket}/{one['Key']}")) for one in listed["Contents"]]
        expected = [{"prefix": f"s3://{bucket}/{folder}/{place}/"}, *names]
        judge.equal(f"the {side} is listed", content, [expected])


def judge_refusals(judge: Judge, service: Service, manifest: Mapping[str, Any]) -> None:
    client, bucket = service.sagemaker, manifest["bucket"]
    request = arguments("no-such-model", bucket, "judge/none")
    refused(
        judge,
        "a job without a model",
        "ValidationException",
        client.create_transform_job,
        TransformJobName=fresh("transform"),
        **request,
    )
    request["ModelName"] = model_of(service, manifest)
    refused(
        judge,
        "a job with too much under way",
        "ValidationException",
        client.create_transform_job,
        TransformJobName=fresh("transform"),
        MaxPayloadInMB=50,
        MaxConcurrentTransforms=3,
        **request,
    )
    refused(
        judge,
        "a job that there is not",
        "ValidationException",
        client.describe_transform_job,
        TransformJobName="no-such-job",
    )


def judge_steps(judge: Judge, service: Service, manifest: Mapping[str, Any]) -> None:
    """A pipeline makes a model and transforms; what is cached is not done twice."""
    name, bucket = fresh("pipeline"), manifest["bucket"]
    folder = f"judge/{name}"
    put_rows(service, bucket, folder)
    model = service.sagemaker.describe_model(ModelName=model_of(service, manifest))
    container = {key: value for key, value in model["PrimaryContainer"].items() if key != "Mode"}
    made = {"ExecutionRoleArn": ROLE, "PrimaryContainer": container}
    cached = {"Enabled": True, "ExpireAfter": "P1D"}
    steps = [
        {"Name": "Make", "Type": "Model", "Arguments": made},
        {
            "Name": "Score",
            "Type": "Transform",
            "Arguments": arguments({"Get": "Steps.Make.ModelName"}, bucket, folder),
        },
        {
            "Name": "Again",
            "Type": "Transform",
            "Arguments": arguments(model["ModelName"], bucket, folder),
            "CacheConfig": cached,
            "DependsOn": ["Score"],
        },
    ]
    definition = json.dumps({"Version": "2020-12-01", "Steps": steps})
    service.call(
        name,
        "create_pipeline",
        PipelineName=name,
        PipelineDefinition=definition,
        RoleArn=ROLE,
        ClientRequestToken=uuid.uuid4().hex,
    )
    first = judge_execution(judge, service, name)
    second = judge_execution(judge, service, name)
    judge.equal(
        "what was done is not done again",
        second["Again"].get("CacheHitResult"),
        {"SourcePipelineExecutionArn": first["execution"]},
    )
    trial = first["execution"].rsplit("/", 1)[-1]
    components = service.list("list_trial_components", "TrialComponentSummaries", TrialName=trial)
    judge.equal("an execution is a trial of its jobs", len(components), 2)
    query = service.call(
        name, "query_lineage", StartArns=[components[0]["TrialComponentArn"]], IncludeEdges=True
    )
    types = {one["Type"] for one in query["Vertices"]}
    judge.check("a job led from data to data", "DataSet" in types, types)
    for step in (first["Make"], second["Make"]):
        service.sagemaker.delete_model(ModelName=step["Metadata"]["Model"]["Arn"].rsplit("/", 1)[-1])
    service.call(name, "delete_pipeline", PipelineName=name, ClientRequestToken=uuid.uuid4().hex)


def judge_execution(judge: Judge, service: Service, pipeline: str) -> Dict[str, Any]:
    """The steps of an execution that has succeeded, by name, and its ARN."""
    token = uuid.uuid4().hex
    started = service.sagemaker.start_pipeline_execution(
        PipelineName=pipeline, ClientRequestToken=token
    )
    named = {"PipelineExecutionArn": started["PipelineExecutionArn"]}
    found = until(
        lambda: service.sagemaker.describe_pipeline_execution(**named),
        "PipelineExecutionStatus",
        "Executing",
    )
    judge.equal("an execution ends", found["PipelineExecutionStatus"], "Succeeded")
    steps = service.list("list_pipeline_execution_steps", "PipelineExecutionSteps", **named)
    by_name: Dict[str, Any] = {step["StepName"]: step for step in steps}
    return {**by_name, "execution": started["PipelineExecutionArn"]}


def judge_lineage(judge: Judge, service: Service, _: Mapping[str, Any]) -> None:
    client = service.sagemaker
    uri = f"s3://judge/{uuid.uuid4().hex}"
    made = service.call(
        "data", "create_artifact", Source={"SourceUri": uri}, ArtifactType="DataSet"
    )
    artifact = made["ArtifactArn"]
    service.call("data", "update_artifact", ArtifactArn=artifact, Properties={"rows": "3"})
    found = service.call("data", "describe_artifact", ArtifactArn=artifact)
    judge.equal("the properties of an artifact", found["Properties"], {"rows": "3"})
    listed = service.list("list_artifacts", "ArtifactSummaries", SourceUri=uri)
    judge.equal("an artifact by its source", [one["ArtifactArn"] for one in listed], [artifact])
    arns = {}
    for kind, more in (("action", {"Status": "InProgress"}), ("context", {})):
        name, title = fresh(kind), kind.capitalize()
        named = {f"{title}Name": name}
        made = service.call(
            name,
            f"create_{kind}",
            **named,
            Source={"SourceUri": uri},
            **{f"{title}Type": "Judged"},
            **more,
        )
        arns[kind] = made[f"{title}Arn"]
        service.call(name, f"update_{kind}", **named, Description="judged")
        found = service.call(name, f"describe_{kind}", **named)
        judge.equal(f"the description of {name}", found["Description"], "judged")
        service.list(f"list_{kind}s", f"{title}Summaries", SourceUri=uri)
    chain = [(artifact, arns["action"]), (arns["action"], arns["context"])]
    for source, destination in chain:
        service.call(
            "a link",
            "add_association",
            SourceArn=source,
            DestinationArn=destination,
            AssociationType="ContributedTo",
        )
    listed = service.list("list_associations", "AssociationSummaries", SourceArn=artifact)
    judge.equal("an association", [one["DestinationArn"] for one in listed], [arns["action"]])
    found = service.call("data", "query_lineage", StartArns=[artifact], Direction="Descendants")
    vertices = [one["Arn"] for one in found["Vertices"]]
    judge.equal("what data led to", vertices, [arns["action"], arns["context"]])
    refused(
        judge,
        "deletion of what is associated",
        "ValidationException",
        client.delete_artifact,
        ArtifactArn=artifact,
    )
    for source, destination in chain:
        both = {"SourceArn": source, "DestinationArn": destination}
        service.call("a link", "delete_association", **both)
    service.call("data", "delete_artifact", Source={"SourceUri": uri})
    service.call("", "delete_action", ActionName=arns["action"].rsplit("/", 1)[-1])
    service.call("", "delete_context", ContextName=arns["context"].rsplit("/", 1)[-1])


if __name__ == "__main__":
    raise SystemExit(main())
