"""Derives the shapes of requests and responses that the program checks, from botocore's own models.

    python derive_shapes.py            says where the files in src/world differ, and exits with 1
    python derive_shapes.py --write    writes them
    python derive_shapes.py --write --add CreateModelCard …    with more operations

Which operations there are is what the files say already: their `request` lines. A `request` is
`<operation>`, or `<service>:<operation>` where several services have one of that name.
"""

from __future__ import annotations

import argparse
import pathlib
import sys
from typing import Any, Dict, Iterator, List, NamedTuple, Set, Tuple

import botocore
import botocore.session

WORLD = pathlib.Path(__file__).resolve().parents[2] / "src" / "world"
# Services by file, each with what its shapes' names begin with.
FILES: Dict[str, Dict[str, str]] = {
    "service.txt": {"sagemaker": ""},
    "neighbours.txt": {
        "application-autoscaling": "aas.",
        "cloudwatch": "cw.",
        "events": "events.",
        "resourcegroupstaggingapi": "tag.",
        "scheduler": "sch.",
        "iam": "iam.",
        "logs": "logs.",
        "sns": "sns.",
        "sqs": "sqs.",
        "sts": "sts.",
    },
}
# What the query protocol of SQS calls the items of its lists and the entries of its maps. Its model has
# forgotten: it tells of JSON alone.
FORMS: Dict[str, str] = {
    "sqs.AttributeNameList": "name=AttributeName",
    "sqs.BatchResultErrorEntryList": "name=BatchResultErrorEntry",
    "sqs.BinaryList": "name=BinaryListValue",
    "sqs.ChangeMessageVisibilityBatchRequestEntryList": "name=ChangeMessageVisibilityBatchRequestEntry",
    "sqs.ChangeMessageVisibilityBatchResultEntryList": "name=ChangeMessageVisibilityBatchResultEntry",
    "sqs.DeleteMessageBatchRequestEntryList": "name=DeleteMessageBatchRequestEntry",
    "sqs.DeleteMessageBatchResultEntryList": "name=DeleteMessageBatchResultEntry",
    "sqs.MessageAttributeNameList": "name=MessageAttributeName",
    "sqs.MessageBodyAttributeMap": "key=Name value=Value name=MessageAttribute",
    "sqs.MessageBodySystemAttributeMap": "key=Name value=Value name=MessageSystemAttribute",
    "sqs.MessageList": "name=Message",
    "sqs.MessageSystemAttributeList": "name=MessageSystemAttributeName",
    "sqs.MessageSystemAttributeMap": "key=Name value=Value name=Attribute",
    "sqs.QueueAttributeMap": "key=Name value=Value name=Attribute",
    "sqs.QueueUrlList": "name=QueueUrl",
    "sqs.SendMessageBatchRequestEntryList": "name=SendMessageBatchRequestEntry",
    "sqs.SendMessageBatchResultEntryList": "name=SendMessageBatchResultEntry",
    "sqs.StringList": "name=StringListValue",
    "sqs.TagKeyList": "name=TagKey",
    "sqs.TagMap": "key=Key value=Value name=Tag",
}
# Patterns that every text matches.
ANYTHING = (".*", "[\\s\\S]*", "[\\S\\s]*")
HEAD = """\
# Request and response shapes of the supported operations of {services}, from the public service
# models, as of botocore {version}. Written by tests/judges/derive_shapes.py, read by shape.rs. A member
# with ! is required; bounds are lengths or values, - for none. `flat`, `name=`, `key=` and `value=` say
# how forms and XML write a list or a map; `path=` and `query=` where a request carries a member.
"""


class Model(NamedTuple):
    """A service's model, and what the names of its shapes begin with here."""

    body: Dict[str, Any]
    prefix: str


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--add", nargs="+", default=[], metavar="OPERATION")
    given = parser.parse_args()
    loader = botocore.session.get_session().get_component("data_loader")
    stale = 0
    for name, services in FILES.items():
        path = WORLD / name
        before = path.read_text()
        models = {
            service: Model(loader.load_service_model(service, "service-2"), prefix)
            for service, prefix in services.items()
        }
        requests = [line.split()[1] for line in before.splitlines() if line.startswith("request ")]
        added = [one for one in given.add if owner(one, models)]
        after = "\n".join(derived(sorted({*requests, *added}), models)) + "\n"
        if given.write:
            path.write_text(after)
        elif before != after:
            print(f"{path} is not what botocore {botocore.__version__} says: see {__file__}")
            stale += 1
    return 1 if stale else 0


def owner(request: str, models: Dict[str, Model]) -> str:
    """The service that an operation belongs to, or nothing."""
    if ":" in request:
        service = request.split(":")[0]
        return service if service in models else ""
    owners = (service for service, model in models.items() if request in model.body["operations"])
    return next(owners, "")


def derived(requests: List[str], models: Dict[str, Model]) -> Iterator[str]:
    """The lines of a file."""
    services = ", ".join(model.body["metadata"]["serviceId"] for model in models.values())
    yield from HEAD.format(services=services, version=botocore.__version__).splitlines()
    used: Set[Tuple[str, str]] = set()
    for request in requests:
        service = owner(request, models)
        if not service:
            raise SystemExit(f"no service has {request}")
        model = models[service]
        operation = model.body["operations"][request.split(":")[-1]]
        for word, part in (("request", "input"), ("response", "output")):
            yield f"{word} {request}{route(model, operation) if word == 'request' else ''}"
            if part in operation:
                yield from members(model, operation[part]["shape"], service, used)
    lines: Dict[Tuple[str, str], List[str]] = {}
    while left := used - lines.keys():
        for service, name in left:
            lines[service, name] = list(shape(models[service], name, service, used))
    for text in sorted(lines.values(), key=lambda text: text[0].split()[1]):
        yield from text
    services = {owner(request, models) for request in requests}
    for service in sorted(services):
        yield from errors(models[service])


def route(model: Model, operation: Dict[str, Any]) -> str:
    """The method and the path of an operation, where they are not those of all."""
    if "rest-json" not in model.body["metadata"]["protocols"]:
        return ""
    return " {method} {requestUri}".format(**operation["http"])


def errors(model: Model) -> Iterator[str]:
    """What is told of a service's errors: the code of the query protocol and the HTTP status."""
    for name, body in sorted(model.body["shapes"].items()):
        told = body.get("error", {})
        if "httpStatusCode" in told:
            yield f"error {model.prefix}{name} {told.get('code', name)} {told['httpStatusCode']}"


def members(model: Model, name: str, service: str, used: Set[Tuple[str, str]]) -> Iterator[str]:
    """The members of a structure, a line each."""
    body = model.body["shapes"][name]
    required = set(body.get("required", ()))
    for member, target in body.get("members", {}).items():
        used.add((service, target["shape"]))
        mark = "!" if member in required else ""
        site = {"uri": " path=", "querystring": " query="}.get(target.get("location"), "")
        site += target["locationName"] if site else ""
        yield f"  {member}{mark} {model.prefix}{target['shape']}{site}"


def named(**parts: Dict[str, Any]) -> str:
    """What forms and XML call the parts of a list or a map, where it is not the usual."""
    return "".join(
        f" {word}={part['locationName']}" for word, part in parts.items() if "locationName" in part
    )


def forms(shape: str) -> str:
    """The same where the model does not say."""
    return f" {FORMS[shape]}" if shape in FORMS else ""


def shape(model: Model, name: str, service: str, used: Set[Tuple[str, str]]) -> Iterator[str]:
    """A shape, in one line or, if it has members, several."""
    body = model.body["shapes"][name]
    full = model.prefix + name

    def target(member: Dict[str, Any]) -> str:
        used.add((service, member["shape"]))
        return model.prefix + member["shape"]

    bounds = f"{body.get('min', '-')} {body.get('max', '-')}"
    flat = " flat" if body.get("flattened") else ""
    kind = body["type"]
    if kind == "structure":
        yield f"struct {full}"
        yield from members(model, name, service, used)
    elif kind == "list":
        names = forms(full) or named(name=body["member"])
        yield f"list {full} {bounds} {target(body['member'])}{flat}{names}"
    elif kind == "map":
        names = forms(full) or named(key=body["key"], value=body["value"])
        yield f"map {full} {bounds} {target(body['key'])} {target(body['value'])}{flat}{names}"
    elif "enum" in body:
        yield f"enum {full} {'|'.join(body['enum'])}"
    elif kind == "blob":
        yield f"blob {full} {bounds}"
    elif kind == "string":
        pattern = body.get("pattern", "")
        yield f"string {full} {bounds} {'' if pattern in ANYTHING else pattern}".rstrip()
    elif kind in ("integer", "long"):
        yield f"integer {full} {bounds}"
    elif kind in ("float", "double"):
        yield f"float {full} {bounds}"
    elif kind in ("boolean", "timestamp"):
        yield f"{kind} {full}"
    else:
        raise SystemExit(f"{full}: no line for the type {kind}")


if __name__ == "__main__":
    sys.exit(main())
