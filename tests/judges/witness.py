"""Sees every call of a client of boto3's: holds its answer against the service model, and a refusal
against the codes that the service has, and writes down what was called.

JUDGED_CALLS in the environment names the file, of one JSON object a line: `service`, `operation`,
`code` (null of what was answered), `problems`.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, Callable, Dict, List

from botocore.model import OperationModel

import codes
import shapes
import strangers

# What a service answers though its model does not have it, as a problem begins after its place: IAM has this
# word of before the model's.
BESIDE_THE_MODEL = (".SourcePolicyType: 'IAM Policy' is none of ",)

Told = Callable[[List[str]], None]

# What the answers of a protocol are.
CONTENT_TYPES = {
    "json": "application/x-amz-json-",
    "smithy-rpc-v2-cbor": "application/cbor",
    "query": "text/xml",
    "rest-json": "application/json",
    "rest-xml": "application/xml",
}


def attach(client: Any, told: Told = lambda _: None) -> Any:
    """The client, whose calls are seen from now on; `told` hears what is wrong with each."""

    def seen(http_response: Any, parsed: Dict[str, Any], model: OperationModel, **_: object) -> None:
        code = None
        if http_response.status_code >= 300:
            code = str(parsed.get("Error", {}).get("Code", ""))
            found = codes.problems(model, parsed, http_response.status_code)
        else:
            found = answered(model, parsed, http_response)
        write(model, code, found)
        told(found)

    # First, before boto3's own handlers make of an answer what people like better.
    client.meta.events.register_first("after-call.*.*", seen)
    return client


def answered(model: OperationModel, parsed: Dict[str, Any], http_response: Any) -> List[str]:
    """What is wrong with an answer, as it was sent and as it was read."""
    shape, op = model.output_shape, model.name
    protocol = model.service_model.resolved_protocol
    headers = http_response.headers
    named = any(headers.get(name) for name in ("x-amzn-requestid", "x-amz-request-id"))
    found = [] if named else [f"{op}: it has no request id"]
    streamed = streaming(model)
    value: Any = {name: inner for name, inner in parsed.items() if name != "ResponseMetadata"}
    if streamed is not None:
        # What is still to come is nobody's to read here.
        stream = value.get(streamed)
        return found + shapes.problems(shape, value, op, lambda inner: inner is stream)
    content = http_response.content
    kind = headers.get("content-type", "")
    if content and not kind.startswith(CONTENT_TYPES[protocol]):
        found.append(f"{op}: the content type is {kind!r}")
    try:
        if protocol == "json":
            value = json.loads(content) if content.strip() else {}
        elif protocol == "smithy-rpc-v2-cbor":
            value = strangers.from_cbor(content)
        elif protocol == "rest-json":
            found += strangers.in_json(model, content)
        else:
            found += strangers.in_xml(model, content)
    except (ValueError, SyntaxError) as error:
        return [*found, f"{op}: the body is not {protocol}: {error}"]
    found += shapes.problems(shape, value, op)
    return [one for one in found if not any(known in one for known in BESIDE_THE_MODEL)]


def streaming(model: OperationModel) -> str | None:
    """The member of an answer that is its bytes or a stream of events."""
    shape = model.output_shape
    if shape is None or not (model.has_streaming_output or model.has_event_stream_output):
        return None
    return str(shape.serialization["payload"])


def write(model: OperationModel, code: str | None, problems: List[str]) -> None:
    """One line, whole: judges run one after another, and their threads at once."""
    service = model.service_model.service_name
    seen = {"service": service, "operation": model.name, "code": code, "problems": problems}
    place = os.environ.get("JUDGED_CALLS")
    if place is None:
        for problem in problems:
            print(f"{service}: {problem}", file=sys.stderr)
        return
    line = json.dumps(seen) + "\n"
    file = os.open(place, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)
