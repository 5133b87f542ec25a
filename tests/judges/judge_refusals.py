"""Judges that every operation of a running local SageMaker refuses what it cannot take, as boto3 sees it.

    python judge_refusals.py --manifest FILE --page docs/reference/local.md

FILE is a JSON object with `url`, `region` and `bucket`. SageMaker refuses by its service model, before
it looks at what a request names: each operation is asked without a member that it requires, and with a
member that is too long, too great, or none of its values. The other services are asked for what there
is not.
"""

from __future__ import annotations

import argparse
import json
import pathlib
from typing import Any, Dict, Iterator, Mapping, Tuple

from botocore import xform_name
from botocore.model import OperationModel, Shape

from calls import client, code_of
from judge_coverage import operations
from judging import Judge
from refusals import REFUSALS

INVALID = "ValidationException"
# What stands for a member that is required, by its type; for the others it is a letter.
EMPTY: Mapping[str, Any] = {"structure": {}, "list": [], "map": {}, "integer": 1, "long": 1, "boolean": True}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--manifest", type=pathlib.Path, required=True)
    parser.add_argument("--page", type=pathlib.Path, required=True)
    given = parser.parse_args()
    manifest = json.loads(given.manifest.read_text(encoding="utf-8"))
    judge = Judge()
    sagemaker = client(manifest, "sagemaker", parameter_validation=False)
    for service, name in operations(given.page.read_text(encoding="utf-8")):
        if service == "sagemaker":
            with judge.section(name):
                judge_model(judge, sagemaker, name)
    for service, refusals in REFUSALS.items():
        asked = client(manifest, service, parameter_validation=False)
        for op, request, code in refusals(manifest):
            with judge.section(f"{service} {op}"):
                judge.equal(f"{service} {op} is refused", code_of(getattr(asked, op), **request), code)
    return judge.finish()


def judge_model(judge: Judge, sagemaker: Any, name: str) -> None:
    """Every break of the model's own constraints at the top of a request."""
    model = sagemaker.meta.service_model.operation_model(name)
    asked = getattr(sagemaker, xform_name(name))
    problems = [
        f"{what}: {code or 'answered'}"
        for what, request in broken(model)
        if (code := code_of(asked, **request)) != INVALID
    ]
    judge.sound(f"{name} refuses what its model does not allow", problems)


def broken(model: OperationModel) -> Iterator[Tuple[str, Dict[str, Any]]]:
    """Requests that the model does not allow, and what is wrong with each."""
    shape = model.input_shape
    if shape.required_members:
        yield f"no {', '.join(shape.required_members)}", {}
    whole = {member: EMPTY.get(shape.members[member].type_name, "a") for member in shape.required_members}
    for member, held in shape.members.items():
        for what, value in wrong(held):
            yield f"{member} {what}", {**whole, member: value}


def wrong(shape: Shape) -> Iterator[Tuple[str, Any]]:
    """Values that a shape does not allow."""
    high = shape.metadata.get("max")
    if shape.type_name == "string":
        if getattr(shape, "enum", None):
            yield "of no known value", "Judged"
        elif high is not None and high <= 65_536:
            yield f"longer than {high}", "a" * (high + 1)
    elif shape.type_name in ("integer", "long") and high is not None:
        yield f"greater than {high}", high + 1


if __name__ == "__main__":
    raise SystemExit(main())
