"""Judges what SageMaker does, line by line, with boto3: the tables in behaviours/.

    python judge_behaviours.py --bin target/debug/trueup [--only WORDS]

BIN is started as a local SageMaker of its own. Each line makes what it needs under a name of its own;
`--only` runs the lines whose names hold these words.
"""

from __future__ import annotations

import argparse
import io
import pathlib
import tarfile
import tempfile
import time
from typing import Any, Dict, Tuple

import jmespath
from botocore.exceptions import ClientError

from behaviours import BEHAVIOURS
from behaviours.table import BUCKET, NAME, REGION, Answer, Behaviour, Call, Gives, Refused, Until
from calls import client
from judging import Judge
from local_server import started

# Seconds until what a line waits for must have come.
DEADLINE = 60
PAUSE = 0.05
# How often a line is tried that a slow machine may miss.
TRIES = 5
INFERENCE = (
    b"def model_fn(model_dir):\n    return 1\n\n\ndef predict_fn(data, model):\n    return data\n"
)
BROKEN = b"raise SystemExit('it does not come up')\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    judge = Judge()
    with tempfile.TemporaryDirectory() as folder, judge.section("the server"):
        with started([str(given.bin.resolve()), "local"], pathlib.Path(folder)) as (url, _):
            clients = Clients(url)
            clients.fill()
            for number, line in enumerate(BEHAVIOURS):
                if given.only in line.name:
                    with judge.section(title(line)):
                        judge_line(judge, clients, line, f"b{number}")
    return judge.finish()


class Clients:
    """boto3's clients of one server, by what is called."""

    def __init__(self, url: str) -> None:
        at = {"url": url, "region": REGION}
        self.sagemaker, self.runtime, self.s3 = (
            client(at, name, parameter_validation=False)
            for name in ("sagemaker", "sagemaker-runtime", "s3")
        )

    def fill(self) -> None:
        """Puts code and an artefact where the lines look for them."""
        self.s3.create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        code = packed({"inference.py": INFERENCE, "broken.py": BROKEN})
        self.s3.put_object(Bucket=BUCKET, Key="sourcedir.tar.gz", Body=code)
        self.s3.put_object(Bucket=BUCKET, Key="model.tar.gz", Body=packed({"model.json": b"{}"}))

    def call(self, op: str, request: Dict[str, Any]) -> Dict[str, Any]:
        client = self.runtime if op == "invoke_endpoint" else self.sagemaker
        return getattr(client, op)(**request)


def packed(files: Dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in files.items():
            about = tarfile.TarInfo(name)
            about.size = len(content)
            archive.addfile(about, io.BytesIO(content))
    return out.getvalue()


def title(line: Behaviour) -> str:
    return f"{line.name} [{line.evidence}]"


def judge_line(judge: Judge, clients: Clients, line: Behaviour, name: str) -> None:
    holds, why = False, ""
    for again in range(TRIES if line.passing else 1):
        holds, why = verdict(clients, line, f"{name}-{again}")
        if holds:
            break
    judge.check(title(line), holds, why)


def verdict(clients: Clients, line: Behaviour, name: str) -> Tuple[bool, str]:
    """Whether a line holds, and else why not."""
    answer: Dict[str, Any] = {}
    *before, last = line.calls
    for call in before:
        answer = take(clients, call, name, answer)
    expect = filled(line.expect, name, answer)
    try:
        answer = take(clients, last, name, answer)
    except ClientError as error:
        found = error.response["Error"]
        if not isinstance(expect, Refused):
            return False, f"found {found}, expected {expect}"
        holds = found["Code"] == expect.code and expect.text in found["Message"]
        return holds, f"found {found}, expected {expect}"
    if isinstance(expect, Refused):
        return False, f"it is not refused: {answer}"
    value = jmespath.search(expect.path, answer)
    return value == expect.value, f"found {value!r}, expected {expect.value!r}"


def take(clients: Clients, call: Call, name: str, answer: Dict[str, Any]) -> Dict[str, Any]:
    """Makes a call, or waits for something; its answer."""
    if not isinstance(call, Until):
        op, request = call
        return clients.call(op, filled(request, name, answer))
    until = filled(call, name, answer)
    end = time.monotonic() + DEADLINE
    while True:
        found = clients.call(until.op, until.request)
        value = jmespath.search(until.path, found)
        if value in until.values:
            return found
        if time.monotonic() > end:
            raise TimeoutError(f"{until.path} is still {value!r}")
        time.sleep(PAUSE)


def filled(value: Any, name: str, answer: Dict[str, Any]) -> Any:
    """A request or an expectation with the line's own name, and with what the answer before says."""
    if isinstance(value, str):
        return value.replace(NAME, name)
    if isinstance(value, Answer):
        return jmespath.search(value.path, answer)
    if isinstance(value, (Until, Refused, Gives)):
        return type(value)(*(filled(one, name, answer) for one in value))
    if isinstance(value, dict):
        return {key: filled(one, name, answer) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(filled(one, name, answer) for one in value)
    return value


if __name__ == "__main__":
    raise SystemExit(main())
