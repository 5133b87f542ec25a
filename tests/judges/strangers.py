"""Members of an answer as it was sent that the service model does not know.

botocore drops them without a word, so that they can only be seen in the bytes.
"""

from __future__ import annotations

import io
import json
from typing import Any, Dict, Iterator, List, Mapping
from xml.etree import ElementTree

from botocore.model import OperationModel, Shape
from botocore.parsers import RpcV2CBORParser

# What every answer in the query protocol has beside its result.
METADATA = "ResponseMetadata"
# An answer that is its only member's text.
BARE = frozenset({"GetBucketLocation"})


def from_cbor(content: bytes) -> Any:
    """The value that bytes of CBOR are, before any shape is asked."""
    return RpcV2CBORParser().parse_data_item(io.BufferedReader(io.BytesIO(content))) if content else {}


def in_json(operation: OperationModel, content: bytes) -> List[str]:
    """Of REST-JSON: the body holds the members that are nowhere else."""
    shape = operation.output_shape
    value = json.loads(content) if content.strip() else {}
    if shape is None or not isinstance(value, dict):
        return [] if value == {} else [f"{operation.name}: expected nothing, found {value!r}"]
    if shape.serialization.get("payload"):
        return []
    elsewhere = {name for name, member in shape.members.items() if "location" in member.serialization}
    found = [f"{operation.name}.{name}: is not in the body" for name in value if name in elsewhere]
    return found + list(_in_value(shape, value, operation.name))


def _in_value(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if shape.type_name == "structure" and isinstance(value, dict):
        members = {_called(member, name): member for name, member in shape.members.items()}
        for name, inner in value.items():
            if name not in members:
                yield f"{path}.{name}: is not in the model"
            else:
                yield from _in_value(members[name], inner, f"{path}.{name}")
    elif shape.type_name == "list" and isinstance(value, list):
        for item in value:
            yield from _in_value(shape.member, item, f"{path}[]")
    elif shape.type_name == "map" and isinstance(value, dict):
        for item in value.values():
            yield from _in_value(shape.value, item, f"{path}{{}}")


def in_xml(operation: OperationModel, content: bytes) -> List[str]:
    """Of forms and of REST-XML."""
    shape = operation.output_shape
    if not content.strip() or operation.name in BARE:
        return []
    root = ElementTree.fromstring(content)
    if operation.service_model.metadata.get("protocol") == "query":
        result = f"{operation.name}Result"
        beside = [_name(child) for child in root if _name(child) not in (METADATA, result)]
        found = [f"{operation.name}.{name}: stands beside the result" for name in beside]
        inner = next((child for child in root if _name(child) == result), None)
        if shape is None or inner is None:
            return found
        return found + list(_in_element(shape, inner, operation.name))
    if shape is None:
        return [f"{operation.name}: expected nothing, found {root.tag}"]
    payload = shape.serialization.get("payload")
    held = shape.members[payload] if payload else shape
    return list(_in_element(held, root, operation.name))


def _in_element(shape: Shape, element: ElementTree.Element, path: str) -> Iterator[str]:
    if shape.type_name == "structure":
        members: Dict[str, Shape] = dict(_elements(shape.members))
        for child in element:
            name = _name(child)
            if name not in members:
                yield f"{path}.{name}: is not in the model"
            elif members[name].serialization.get("flattened"):
                held = members[name]
                if held.type_name == "list":
                    yield from _in_element(held.member, child, f"{path}.{name}")
            else:
                yield from _in_element(members[name], child, f"{path}.{name}")
    elif shape.type_name == "list":
        own = shape.member.serialization.get("name", "member")
        for child in element:
            if _name(child) != own:
                yield f"{path}.{_name(child)}: an item is called {own}"
            yield from _in_element(shape.member, child, f"{path}[]")
    elif shape.type_name == "map":
        parts = {shape.key.serialization.get("name", "key"): shape.key,
                 shape.value.serialization.get("name", "value"): shape.value}
        for entry in element:
            for child in entry:
                if _name(child) not in parts:
                    yield f"{path}.{_name(child)}: is no part of an entry"
                else:
                    yield from _in_element(parts[_name(child)], child, f"{path}{{}}")


def _elements(members: Mapping[str, Shape]) -> Iterator[tuple[str, Shape]]:
    """The elements that the members of a structure are; a flat list is its items."""
    for name, member in members.items():
        if "location" in member.serialization:
            continue
        called = _called(member, name)
        if member.type_name == "list" and member.serialization.get("flattened"):
            called = member.member.serialization.get("name", called)
        yield called, member


def _called(member: Shape, name: str) -> str:
    return str(member.serialization.get("name", name))


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
