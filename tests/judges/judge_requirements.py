"""Judges that a local SageMaker installs what a job's requirements.txt names, as boto3 sees it.

    python judge_requirements.py --manifest FILE

FILE is a JSON object with `url`, `region` and `bucket`.
"""

from __future__ import annotations

import io
import json
import tarfile
import time
import uuid
import zipfile
from typing import Any, Dict, Mapping

from calls import client
from judging import Judge, read_manifest

# Seconds that a job may take.
DEADLINE = 180
WHEEL = "greet-1.0-py3-none-any.whl"
TRAIN = """\
import os, sys
import greet
with open(os.path.join(os.environ["SM_MODEL_DIR"], "greeting"), "w") as out:
    out.write(greet.WORDS + " " + sys.prefix)
"""


def main() -> int:
    manifest = read_manifest(__doc__)
    judge = Judge()
    with judge.section("requirements"):
        judge_requirements(judge, manifest)
    return judge.finish()


def wheel() -> bytes:
    """A package of one module, which pip installs without a network."""
    about = "greet-1.0.dist-info"
    files = {
        "greet.py": 'WORDS = "hello"\n',
        f"{about}/METADATA": "Metadata-Version: 2.1\nName: greet\nVersion: 1.0\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: judge\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/RECORD": "",
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            # Without a time of its own, so that it is the same each time.
            archive.writestr(zipfile.ZipInfo(name), text)
    return packed.getvalue()


def source(requirements: str) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        files = {"train.py": TRAIN.encode(), "requirements.txt": requirements.encode(), WHEEL: wheel()}
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def trained(manifest: Mapping[str, Any], requirements: str) -> Dict[str, Any]:
    """A training job whose code asks for these, once it has ended."""
    control, s3, bucket = client(manifest, "sagemaker"), client(manifest, "s3"), manifest["bucket"]
    name = f"judge-{uuid.uuid4().hex[:8]}"
    s3.put_object(Bucket=bucket, Key=f"{name}/source.tar.gz", Body=source(requirements))
    control.create_training_job(
        TrainingJobName=name,
        RoleArn=f"arn:aws:iam::{manifest['account']}:role/judge",
        AlgorithmSpecification={
            "TrainingImage": "1.dkr.ecr.eu-west-1.amazonaws.com/any:1",
            "TrainingInputMode": "File",
        },
        HyperParameters={
            "sagemaker_program": json.dumps("train.py"),
            "sagemaker_submit_directory": json.dumps(f"s3://{bucket}/{name}/source.tar.gz"),
        },
        OutputDataConfig={"S3OutputPath": f"s3://{bucket}/{name}"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": DEADLINE},
    )
    end = time.monotonic() + DEADLINE
    while True:
        job = control.describe_training_job(TrainingJobName=name)
        if job["TrainingJobStatus"] != "InProgress" or time.monotonic() > end:
            return job
        time.sleep(0.2)


def greeting(manifest: Mapping[str, Any], job: Mapping[str, Any]) -> str:
    place = job["ModelArtifacts"]["S3ModelArtifacts"].split("/", 3)
    packed = client(manifest, "s3").get_object(Bucket=place[2], Key=place[3])["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
        return archive.extractfile("greeting").read().decode()


def judge_requirements(judge: Judge, manifest: Mapping[str, Any]) -> None:
    words = []
    for nth in ("first", "second"):
        job = trained(manifest, f"./{WHEEL}\n")
        status = job["TrainingJobStatus"]
        judge.equal(f"the {nth} job with a requirements.txt", (status, job.get("FailureReason")), ("Completed", None))
        words.append(greeting(manifest, job))
    judge.check("the package was there", words[0].startswith("hello "), words)
    judge.equal("both jobs had one environment", words[0], words[1])
    job = trained(manifest, "./no-such-wheel-1.0-py3-none-any.whl\n")
    judge.equal("a job whose requirements there are not", job["TrainingJobStatus"], "Failed")
    reason = job.get("FailureReason", "")
    judge.check("says so", "InstallRequirementsError" in reason, reason)


if __name__ == "__main__":
    raise SystemExit(main())
