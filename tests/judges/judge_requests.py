"""Judges recorded requests by the service model that ships with botocore.

    python judge_requests.py --calls FILE

FILE holds one JSON object a line: {"op": "CreateEndpoint", "body": {...}}. Each body must pass
botocore's own validator, and the stricter look of shapes.py; a pipeline's definition is judged step by
step.
"""

from __future__ import annotations

import argparse
import collections
import json
import pathlib
import sys
from typing import Any, Dict, List, Optional

import botocore.session
from botocore.model import OperationModel
from botocore.validate import ParamValidator

import definitions
import shapes
from judging import Judge

SERVICES = ("sagemaker", "s3", "application-autoscaling", "cloudwatch", "sns")


class Models:
    """Operations by name; SageMaker's first."""

    def __init__(self) -> None:
        session = botocore.session.Session()
        self.services = [session.get_service_model(name) for name in SERVICES]

    def operation(self, name: str) -> Optional[OperationModel]:
        for service in self.services:
            if name in service.operation_names:
                return service.operation_model(name)
        return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=pathlib.Path, required=True)
    calls = parser.parse_args().calls
    judge = Judge()
    models = Models()
    good: Dict[str, int] = collections.Counter()
    with calls.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            op, found = judge_line(models, line)
            if found:
                judge.sound(f"line {number}: {op}", found)
            else:
                good[op] += 1
    # One line an operation: thousands of good calls say no more.
    for op, count in sorted(good.items()):
        judge.check(f"{op}: {count} {'body' if count == 1 else 'bodies'}", True)
    return judge.finish()


def judge_line(models: Models, line: str) -> tuple[str, List[str]]:
    try:
        call = json.loads(line)
        op, body = call["op"], call["body"]
    except (ValueError, KeyError, TypeError) as error:
        return "?", [f"not a recorded call: {error!r}"]
    operation = models.operation(op)
    if operation is None:
        return op, [f"no such operation in botocore's {' or '.join(SERVICES)}"]
    found = judge_body(operation, body)
    if not found and "PipelineDefinition" in body:
        found = definitions.problems(models.services[0], body["PipelineDefinition"])
    return op, found


def judge_body(operation: OperationModel, body: Any) -> List[str]:
    shape = operation.input_shape
    if shape is None:
        return shapes.problems(None, body)
    report = ParamValidator().validate(body, shape)
    if report.has_errors():
        return report.generate_report().splitlines()
    return shapes.problems(shape, body)


if __name__ == "__main__":
    sys.exit(main())
