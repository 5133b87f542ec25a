"""Holds JSON against a shape of botocore's service model, more strictly than botocore does itself.

botocore's parser takes what it knows from an answer and is silent about the rest; its validator of
parameters knows neither patterns nor enumerations nor upper bounds. Here every member must be in the
model, of the right type, present where required, and within its constraints.
"""

from __future__ import annotations

import datetime
import functools
import math
from typing import Any, Callable, Dict, List, Optional

import regex
from botocore.model import Shape

Known = Callable[[Any], bool]
Check = Callable[[Shape, Any, str, Known], List[str]]

# `<operation><path>` of what the model requires and the service leaves out: a versioned package has
# no name.
LEFT_OUT = frozenset({"DescribeModelPackage.ModelPackageName"})


def nothing(_: Any) -> bool:
    return False


def problems(
    shape: Optional[Shape], value: Any, path: str = "", known: Known = nothing
) -> List[str]:
    """What is wrong with a value, each with its place; nothing if it fits.

    A value that is `known` is not looked at: it stands for one that comes later.
    """
    if known(value):
        return []
    if shape is None:
        return [] if value in ({}, None) else [f"expected nothing, found {_brief(value)}"]
    check = _CHECKS.get(shape.type_name)
    if check is None:
        return [f"{path or '.'}: no check for the type {shape.type_name}"]
    return check(shape, value, path, known)


def _structure(shape: Shape, value: Any, path: str, known: Known) -> List[str]:
    if not isinstance(value, dict):
        return _wrong("an object", value, path)
    found = [f"{path}.{name}: is not in the model" for name in value if name not in shape.members]
    required = [f"{path}.{name}" for name in shape.required_members if name not in value]
    found += [f"{place}: is missing" for place in required if place not in LEFT_OUT]
    chosen = [name for name in value if name in shape.members]
    if getattr(shape, "is_tagged_union", False) and len(chosen) != 1:
        found.append(f"{path or '.'}: a union needs one member, found {len(chosen)}")
    for name in chosen:
        found += problems(shape.members[name], value[name], f"{path}.{name}", known)
    return found


def _list(shape: Shape, value: Any, path: str, known: Known) -> List[str]:
    if not isinstance(value, list):
        return _wrong("an array", value, path)
    found = _bounds(shape, len(value), "items", path)
    for index, item in enumerate(value):
        found += problems(shape.member, item, f"{path}[{index}]", known)
    return found


def _map(shape: Shape, value: Any, path: str, known: Known) -> List[str]:
    if not isinstance(value, dict):
        return _wrong("an object", value, path)
    found = _bounds(shape, len(value), "entries", path)
    for key, item in value.items():
        found += problems(shape.key, key, f"{path}[key {key!r}]", known)
        found += problems(shape.value, item, f"{path}[{key!r}]", known)
    return found


def _string(shape: Shape, value: Any, path: str, _: Known) -> List[str]:
    if not isinstance(value, str):
        return _wrong("a string", value, path)
    found = _bounds(shape, len(value), "characters", path)
    values = getattr(shape, "enum", None)
    if values and value not in values:
        found.append(f"{path}: {value!r} is none of {', '.join(values)}")
    pattern = _pattern(shape.metadata.get("pattern"))
    if pattern and not pattern.fullmatch(value):
        found.append(f"{path}: {_brief(value)} does not match {pattern.pattern}")
    return found


def _integer(shape: Shape, value: Any, path: str, _: Known) -> List[str]:
    if isinstance(value, bool) or not isinstance(value, int):
        return _wrong("an integer", value, path)
    return _bounds(shape, value, "", path)


def _number(shape: Shape, value: Any, path: str, _: Known) -> List[str]:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return _wrong("a number", value, path)
    return _bounds(shape, value, "", path)


def _boolean(shape: Shape, value: Any, path: str, _: Known) -> List[str]:
    return [] if isinstance(value, bool) else _wrong("a boolean", value, path)


def _timestamp(shape: Shape, value: Any, path: str, _: Known) -> List[str]:
    """Seconds since the epoch as JSON has them; what was read already is an instant."""
    if isinstance(value, datetime.datetime):
        return [] if value.tzinfo and value.year >= 1970 else _wrong("an instant", value, path)
    number = not isinstance(value, bool) and isinstance(value, (int, float))
    if not number or not 0 < value < 1e11:
        return _wrong("seconds since the epoch", value, path)
    return []


def _blob(shape: Shape, value: Any, path: str, known: Known) -> List[str]:
    """Base 64 as JSON has it; what was read already is bytes."""
    if isinstance(value, bytes):
        return _bounds(shape, len(value), "bytes", path)
    return _string(shape, value, path, known)


def _bounds(shape: Shape, size: float, unit: str, path: str) -> List[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    found = []
    if low is not None and size < low:
        found.append(f"{path}: {size} {unit}, at least {low} are needed")
    if high is not None and size > high:
        found.append(f"{path}: {size} {unit}, at most {high} are allowed")
    return found


@functools.lru_cache(maxsize=None)
def _pattern(text: Optional[str]) -> Optional[regex.Pattern]:
    if not text:
        return None
    try:
        return regex.compile(text)
    except regex.error:
        # A few are written for Java: ranges of surrogates, which say no more than "any text".
        return None


def _wrong(expected: str, value: Any, path: str) -> List[str]:
    return [f"{path or '.'}: expected {expected}, found {_brief(value)}"]


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else text[:117] + "..."


_CHECKS: Dict[str, Check] = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _string,
    "character": _string,
    "integer": _integer,
    "long": _integer,
    "float": _number,
    "double": _number,
    "boolean": _boolean,
    "timestamp": _timestamp,
    "blob": _blob,
}
