"""What the judges of both SageMaker SDKs share: code and data, names, folders of a job, waiting."""

from __future__ import annotations

import io
import logging
import pathlib
import shutil
import tarfile
import tempfile
import time
import uuid
import warnings
from typing import Any, Callable, Dict, List, TypeVar

from botocore.exceptions import ClientError

from judging import Judge

T = TypeVar("T")

ROLE = "arn:aws:iam::111122223333:role/judge"
# Scripts and data: a copy, for an SDK puts files of its own beside them.
COPY = tempfile.TemporaryDirectory()
CODE = pathlib.Path(COPY.name) / "sdk"
shutil.copytree(pathlib.Path(__file__).parent / "sdk", CODE)
# Seconds until a pipeline must have ended, and an endpoint must answer or be gone.
PIPELINE_DEADLINE = 120
ENDPOINT_DEADLINE = 60

# Seconds between two looks.
PAUSE = 0.25


class Names:
    """What one run calls what it makes."""

    def __init__(self, sdk: str) -> None:
        self.mark = f"{sdk}-{uuid.uuid4().hex[:8]}"
        self.pipeline = f"{self.mark}-pipeline"
        self.group = f"{self.mark}-group"
        self.endpoint = f"{self.mark}-endpoint"
        self.schedule = f"{self.mark}-schedule"


def silence(telemetry: Any) -> None:
    """Lets an SDK say nothing, to its makers either. (Its own switch is read from a configuration,
    which takes it a third of a second each time that it is looked at.)"""
    telemetry._send_telemetry_request = lambda *_, **__: None
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")


def folder(name: str) -> str:
    """Where a processing job finds or leaves something."""
    return f"/opt/ml/processing/{name}"


def arguments(**folders: str) -> List[str]:
    """Arguments of a script that is told its folders."""
    return [word for name, one in folders.items() for word in (f"--{name}", folder(one))]


def upload(session: Any) -> str:
    """Puts the data into the session's bucket; their prefix."""
    bucket = session.default_bucket()
    session.upload_data(str(CODE / "flats.csv"), bucket=bucket, key_prefix="flats")
    return f"s3://{bucket}/flats/"


def serving(session: Any) -> Dict[str, str]:
    """Puts the serving code into the session's bucket; the variables that name it."""
    bucket, packed = session.default_bucket(), io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(CODE / "inference.py", "inference.py")
    client = session.boto_session.client("s3")
    client.put_object(Bucket=bucket, Key="flats-code/sourcedir.tar.gz", Body=packed.getvalue())
    return {
        "SAGEMAKER_PROGRAM": "inference.py",
        "SAGEMAKER_SUBMIT_DIRECTORY": f"s3://{bucket}/flats-code/sourcedir.tar.gz",
    }


def here(session: Any) -> Dict[str, Any]:
    """Where the SDK's resources are."""
    return {"session": session.boto_session, "region": session.boto_region_name}


def wait(look: Callable[[], T], seconds: float) -> T:
    """What `look` gives, once that is something."""
    end = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > end:
            raise TimeoutError(f"nothing came within {seconds} s")
        time.sleep(PAUSE)
    return found


def settled(client: Any, endpoint: str) -> str:
    """An endpoint's status, once it no longer moves."""
    status = client.describe_endpoint(EndpointName=endpoint)["EndpointStatus"]
    return "" if status in ("Creating", "Updating") else str(status)


def refusal(method: Callable[..., Any], **request: object) -> str:
    """The code of a refusal; nothing where there is none."""
    try:
        method(**request)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def judge_monitor(judge: Judge, session: Any, names: Names, sdk: Any) -> None:
    """A baseline of the data, and a schedule that holds the endpoint against it. `sdk` is the SDK's
    module of monitors."""
    monitor = sdk.DefaultModelMonitor(
        role=ROLE, instance_type="ml.m5.large", sagemaker_session=session
    )
    where = f"s3://{session.default_bucket()}/{names.mark}/monitor"
    monitor.suggest_baseline(
        baseline_dataset=str(CODE / "flats.csv"),
        dataset_format=sdk.DatasetFormat.csv(header=True),
        output_s3_uri=f"{where}/baseline",
        wait=True,
        logs=False,
    )
    statistics = monitor.baseline_statistics().body_dict
    shown = {one["name"]: one["inferred_type"] for one in statistics["features"]}
    judge.equal("features of the baseline", shown, {"size": "Integral", "rent": "Integral"})
    constraints = monitor.suggested_constraints().body_dict
    complete = {one["name"]: one["completeness"] for one in constraints["features"]}
    judge.equal("what the baseline suggests", complete, {"size": 1.0, "rent": 1.0})
    monitor.create_monitoring_schedule(
        monitor_schedule_name=names.schedule,
        endpoint_input=names.endpoint,
        output_s3_uri=f"{where}/reports",
        statistics=monitor.baseline_statistics(),
        constraints=monitor.suggested_constraints(),
        schedule_cron_expression=sdk.CronExpressionGenerator.hourly(),
    )
    found = wait(lambda: scheduled(monitor), ENDPOINT_DEADLINE)
    judge.equal("the schedule", found["MonitoringScheduleStatus"], "Scheduled")
    judge.equal("what it looks at", found["EndpointName"], names.endpoint)
    definition = {"JobDefinitionName": monitor.job_definition_name}
    monitor.delete_monitoring_schedule()
    client = session.sagemaker_client
    gone = refusal(client.describe_data_quality_job_definition, **definition)
    judge.equal("its definition is gone", gone, "ResourceNotFound")


def scheduled(monitor: Any) -> Dict[str, Any]:
    """The schedule, once it is no longer pending."""
    found = monitor.describe_schedule()
    return {} if found["MonitoringScheduleStatus"] == "Pending" else found


def judge_left(judge: Judge, client: Any, names: Names) -> None:
    """Nothing of these names is left."""
    part = {"NameContains": names.mark}
    left = {
        "endpoints": client.list_endpoints(**part)["Endpoints"],
        "configs": client.list_endpoint_configs(**part)["EndpointConfigs"],
        "models": client.list_models(**part)["Models"],
        "groups": client.list_model_package_groups(**part)["ModelPackageGroupSummaryList"],
        "pipelines": client.list_pipelines(PipelineNamePrefix=names.mark)["PipelineSummaries"],
    }
    judge.equal("what is left", left, {kind: [] for kind in left})


def plausible(answer: List[float]) -> bool:
    """Whether these are the costs of 60 and 100 square metres."""
    return len(answer) == 2 and abs(answer[0] - 890) < 30 and abs(answer[1] - 1370) < 30
