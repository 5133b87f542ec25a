"""Judges the definition of a pipeline: each step's arguments are a request of the service, in which
references stand for what is known only when it runs."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, Iterator, List, Mapping, Sequence, Set

from botocore.model import ServiceModel

import shapes

# Type of step: the request that its arguments are, and the member that the service fills in.
REQUESTS = {
    "Model": ("CreateModel", "ModelName"),
    "Processing": ("CreateProcessingJob", "ProcessingJobName"),
    "RegisterModel": ("CreateModelPackage", None),
    "Training": ("CreateTrainingJob", "TrainingJobName"),
    "Transform": ("CreateTransformJob", "TransformJobName"),
}
# Types without a request behind them.
OTHERS = frozenset({"Condition", "Fail"})
FUNCTIONS = frozenset({"Get", "Std:Join", "Std:JsonGet"})
EXECUTION = frozenset(
    "CurrentDateTime PipelineArn PipelineExecutionArn PipelineExecutionId PipelineName ProcessingJobName"
    " StartDateTime TrainingJobName".split()
)
STEP_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
# The service's own limit is 1 MiB, of the text.
BYTES_MAX = 1024 * 1024


def problems(service: ServiceModel, text: str) -> List[str]:
    """What is wrong with a definition; nothing if it can run."""
    if len(text.encode()) > BYTES_MAX:
        return [f"the definition is longer than {BYTES_MAX} bytes"]
    try:
        definition = json.loads(text)
    except ValueError as error:
        return [f"the definition is not JSON: {error}"]
    if definition.get("Version") != "2020-12-01":
        return [f"the version is {definition.get('Version')!r}"]
    steps = list(_all_steps(definition["Steps"]))
    names = [step["Name"] for step in steps]
    found = [f"step {name!r} is there twice" for name in sorted(set(names)) if names.count(name) > 1]
    found += [f"{name!r} is no name of a step" for name in names if not STEP_NAME.fullmatch(name)]
    for step in steps:
        found += _step(service, step, set(names))
    parameters = {parameter["Name"] for parameter in definition.get("Parameters", [])}
    for path in _references(definition):
        found += _reference(path, parameters, {step["Name"]: step for step in steps})
    return found


def _all_steps(steps: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for step in steps:
        yield step
        if step["Type"] == "Condition":
            for branch in ("IfSteps", "ElseSteps"):
                yield from _all_steps(step["Arguments"].get(branch, []))


def _step(service: ServiceModel, step: Mapping[str, Any], names: Set[str]) -> List[str]:
    name, kind = step["Name"], step["Type"]
    found = [
        f"step {name} depends on {other!r}, which is not there"
        for other in step.get("DependsOn", [])
        if other not in names
    ]
    if kind in OTHERS:
        return found
    if kind not in REQUESTS:
        return [*found, f"step {name} is of the type {kind!r}, which is not known here"]
    op, assigned = REQUESTS[kind]
    arguments = dict(step["Arguments"])
    if assigned:
        arguments.setdefault(assigned, "assigned")
    shape = service.operation_model(op).input_shape
    return found + shapes.problems(shape, arguments, f"step {name}: {op}", _is_function)


def _is_function(value: Any) -> bool:
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)) in FUNCTIONS


def _references(value: Any) -> Iterator[str]:
    """The paths of all `Get`s."""
    if isinstance(value, dict):
        if set(value) == {"Get"}:
            yield value["Get"]
        else:
            for item in value.values():
                yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def _reference(path: str, parameters: Set[str], steps: Dict[str, Mapping[str, Any]]) -> List[str]:
    root, _, rest = path.partition(".")
    name, _, member = rest.partition(".")
    if root == "Parameters" and rest in parameters:
        return []
    if root == "Execution" and rest in EXECUTION:
        return []
    if root == "Steps" and name in steps:
        return _property(path, member, steps[name])
    return [f"{path} leads nowhere"]


def _property(path: str, member: str, step: Mapping[str, Any]) -> List[str]:
    """Files and outputs that are referred to are declared by their step."""
    files = [one["PropertyFileName"] for one in step.get("PropertyFiles", [])]
    file = re.fullmatch(r"PropertyFiles\.(.+)", member)
    if file:
        return [] if file[1] in files else [f"{path}: the step declares no such file"]
    output = re.match(r"ProcessingOutputConfig\.Outputs\[['\"](.+?)['\"]\]", member)
    if output:
        outputs = step["Arguments"].get("ProcessingOutputConfig", {}).get("Outputs", [])
        if output[1] not in [one["OutputName"] for one in outputs]:
            return [f"{path}: the step declares no such output"]
    return []
