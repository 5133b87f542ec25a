"""Judges the monitors of a running local SageMaker, as boto3 sees them.

    python judge_monitoring.py --manifest FILE

FILE is a JSON object with `url`, `region`, `bucket` and `endpoints` (a list of names). A baseline is
made, and schedules run over what looks like captured data of an endpoint. What is made is taken away
again, but the results in the bucket.
"""

from __future__ import annotations

import datetime
import json
import time
import uuid
from typing import Any, Callable, Dict, List, Mapping

from botocore.exceptions import ClientError

from judging import Judge, read_manifest
from service import Service

ROLE = "arn:aws:iam::111122223333:role/judge"
ANALYZER = "468650794304.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-model-monitor-analyzer"
# Seconds until an endpoint serves, a job has ended, or a schedule is gone.
DEADLINE = 120
CLUSTER = {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 20}}
RESULTS = "/opt/ml/processing/output"


def main() -> int:
    manifest = read_manifest(__doc__)
    judge = Judge()
    service = Service(judge, manifest["url"], manifest["region"])
    with judge.section("judge_monitors"):
        judge_monitors(judge, service, manifest)
    return judge.finish()


def judge_monitors(judge: Judge, service: Service, manifest: Mapping[str, Any]) -> None:
    place = f"judge/monitoring/{uuid.uuid4().hex[:8]}"
    root = f"s3://{manifest['bucket']}/{place}"
    name = place.replace("/", "-")
    job = judge_baseline(judge, service, manifest["bucket"], place)
    serve(service, manifest["endpoints"][0], name, f"{root}/captured")
    # Before anything is captured, after what is like the baseline, and after what is not.
    judge_execution(judge, service, name, root, job, "none", ("Failed", []))
    capture(service, manifest["bucket"], f"{place}/captured/{name}/judged", range(300))
    judge_execution(judge, service, name, root, job, "calm", ("Completed", []))
    capture(service, manifest["bucket"], f"{place}/captured/{name}/judged", range(1000, 1300))
    expected = [("age", "baseline_drift_check"), ("label", "baseline_drift_check")]
    outcome = ("CompletedWithViolations", expected)
    judge_execution(judge, service, name, root, job, "alarmed", outcome)
    service.call(name, "delete_endpoint", EndpointName=name)
    service.call(name, "delete_endpoint_config", EndpointConfigName=name)


def judge_baseline(judge: Judge, service: Service, bucket: str, place: str) -> str:
    rows = "".join(f"{n * 0.5},{n},{'abc'[n % 3]}\n" for n in range(300))
    key = f"{place}/train/data.csv"
    service.s3.put_object(Bucket=bucket, Key=key, Body=f"label,age,city\n{rows}".encode())
    folder = "/opt/ml/processing/input/baseline_dataset_input"
    name = f"{place.replace('/', '-')}-baseline"
    service.call(
        name,
        "create_processing_job",
        ProcessingJobName=name,
        RoleArn=ROLE,
        AppSpecification={"ImageUri": ANALYZER},
        ProcessingResources=CLUSTER,
        ProcessingInputs=[
            {
                "InputName": "baseline_dataset_input",
                "S3Input": {
                    "S3Uri": f"s3://{bucket}/{place}/train",
                    "LocalPath": folder,
                    "S3DataType": "S3Prefix",
                    "S3InputMode": "File",
                },
            }
        ],
        ProcessingOutputConfig={
            "Outputs": [
                {
                    "OutputName": "monitoring_output",
                    "S3Output": {
                        "S3Uri": f"s3://{bucket}/{place}/base",
                        "LocalPath": RESULTS,
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ]
        },
        Environment={
            "dataset_format": '{"csv": {"header": true, "output_columns_position": "START"}}',
            "dataset_source": folder,
            "output_path": RESULTS,
            "publish_cloudwatch_metrics": "Disabled",
        },
    )
    ended = waited(
        lambda: service.sagemaker.describe_processing_job(ProcessingJobName=name),
        lambda found: found["ProcessingJobStatus"] != "InProgress",
    )
    judge.equal("a baseline is made", ended["ProcessingJobStatus"], "Completed")
    statistics = json.loads(service.read(f"s3://{bucket}/{place}/base/statistics.json"))
    judge.equal("rows of the baseline", statistics["dataset"]["item_count"], 300)
    return name


def serve(service: Service, like: str, name: str, destination: str) -> None:
    """An endpoint with the model of another one, and a capture of its own."""
    client = service.sagemaker
    config = client.describe_endpoint(EndpointName=like)["EndpointConfigName"]
    config = client.describe_endpoint_config(EndpointConfigName=config)
    client.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[
            {
                "VariantName": "judged",
                "ModelName": config["ProductionVariants"][0]["ModelName"],
                "InstanceType": "ml.m5.large",
                "InitialInstanceCount": 1,
            }
        ],
        DataCaptureConfig={
            "EnableCapture": True,
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": destination,
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        },
    )
    client.create_endpoint(EndpointName=name, EndpointConfigName=name)
    waited(
        lambda: client.describe_endpoint(EndpointName=name),
        lambda found: found["EndpointStatus"] == "InService",
    )


def capture(service: Service, bucket: str, prefix: str, numbers: range) -> None:
    """Puts records where the capture of this hour puts its own."""
    def side(mode: str, text: str) -> Dict[str, str]:
        return {"observedContentType": "text/csv", "mode": mode, "data": text, "encoding": "CSV"}

    records = [
        {
            "captureData": {
                "endpointInput": side("INPUT", f"{n},{'abc'[n % 3]}"),
                "endpointOutput": side("OUTPUT", f"{n * 0.5}"),
            },
            "eventMetadata": {"eventId": str(uuid.uuid4()), "inferenceTime": "2026-01-01T00:00:00Z"},
            "eventVersion": "0",
        }
        for n in numbers
    ]
    hour = datetime.datetime.now(datetime.timezone.utc).strftime("%Y/%m/%d/%H")
    body = "\n".join(json.dumps(record) for record in records)
    key = f"{prefix}/{hour}/{numbers.start:02}-00-000-{uuid.uuid4()}.jsonl"
    service.s3.put_object(Bucket=bucket, Key=key, Body=body.encode())


def judge_execution(
    judge: Judge,
    service: Service,
    endpoint: str,
    root: str,
    baseline: str,
    kind: str,
    expected: tuple[str, List[tuple[str, str]]],
) -> None:
    """A schedule that runs now, to its end."""
    name = f"{endpoint}-{kind}"
    output = {"S3Output": {"S3Uri": f"{root}/reports", "LocalPath": RESULTS}}
    source = {"EndpointName": endpoint, "LocalPath": "/opt/ml/processing/input/endpoint"}
    service.call(
        name,
        "create_data_quality_job_definition",
        JobDefinitionName=name,
        DataQualityBaselineConfig={"BaseliningJobName": baseline},
        DataQualityAppSpecification={"ImageUri": ANALYZER},
        DataQualityJobInput={"EndpointInput": source},
        DataQualityJobOutputConfig={"MonitoringOutputs": [output]},
        JobResources=CLUSTER,
        RoleArn=ROLE,
    )
    service.call(
        name,
        "create_monitoring_schedule",
        MonitoringScheduleName=name,
        MonitoringScheduleConfig={
            "ScheduleConfig": {
                "ScheduleExpression": "NOW",
                "DataAnalysisStartTime": "-PT1H",
                "DataAnalysisEndTime": "-PT0H",
            },
            "MonitoringJobDefinitionName": name,
            "MonitoringType": "DataQuality",
        },
    )
    named = {"MonitoringScheduleName": name}
    waited(
        lambda: service.sagemaker.describe_monitoring_schedule(**named),
        lambda found: found.get("LastMonitoringExecutionSummary", {}).get("MonitoringExecutionStatus")
        not in (None, "Pending", "InProgress"),
    )
    found = service.call(name, "describe_monitoring_schedule", **named)
    last = found["LastMonitoringExecutionSummary"]
    status, violations = expected
    reason = last.get("FailureReason")
    judge.equal(f"the execution of {name}", (last["MonitoringExecutionStatus"], reason),
                (status, "Job inputs had no data" if status == "Failed" else None))
    executions = service.list(
        "list_monitoring_executions", "MonitoringExecutionSummaries", name, **named
    )
    judge.equal(f"the executions of {name}", executions, [last])
    if status != "Failed":
        judge_job(judge, service, name, last, found["MonitoringScheduleArn"], violations)
    service.call(name, "delete_monitoring_schedule", **named)
    waited(lambda: gone(service, name), bool)
    service.call(name, "delete_data_quality_job_definition", JobDefinitionName=name)


def judge_job(
    judge: Judge,
    service: Service,
    name: str,
    execution: Mapping[str, Any],
    schedule: str,
    violations: List[tuple[str, str]],
) -> None:
    job = execution["ProcessingJobArn"].rsplit("/", 1)[1]
    found = service.call(name, "describe_processing_job", ProcessingJobName=job)
    judge.equal(f"the job of {name}", found["MonitoringScheduleArn"], schedule)
    uri = found["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"]
    broken = json.loads(service.read(f"{uri}/constraint_violations.json"))["violations"]
    checks = sorted((one["feature_name"], one["constraint_check_type"]) for one in broken)
    judge.equal(f"the violations of {name}", checks, violations)
    said = found["ExitMessage"]
    counted = f"with {len(violations)} violations" if violations else "with no violations"
    judge.check(f"the message of {name}", counted in said, said)


def gone(service: Service, name: str) -> bool:
    try:
        service.sagemaker.describe_monitoring_schedule(MonitoringScheduleName=name)
    except ClientError as error:
        return error.response["Error"]["Code"] == "ResourceNotFound"
    return False


def waited(look: Callable[[], Any], done: Callable[[Any], bool]) -> Any:
    """What is seen when it is done."""
    end = time.monotonic() + DEADLINE
    while True:
        found = look()
        if done(found):
            return found
        if time.monotonic() > end:
            raise TimeoutError(f"after {DEADLINE} s there is still {found}")
        time.sleep(0.2)


if __name__ == "__main__":
    raise SystemExit(main())
