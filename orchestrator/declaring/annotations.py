"""Annotations that need no pydantic: the plain types of JSON and what is built from them.

What is answered here equals what pydantic would answer; a test compares the two.
"""

from __future__ import annotations

import inspect
import math
import types
import typing
from typing import Any

_ABSENT = inspect.Parameter.empty
_NAMES: dict[Any, dict[str, Any]] = {
    Any: {},
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
    list: {"items": {}, "type": "array"},
    dict: {"additionalProperties": True, "type": "object"},
}
EXACT = frozenset({str, int, float, bool, list, dict})
"""A value of one of these types is all that this annotation asks for."""


def plain_schema(annotation: Any, default: Any = _ABSENT) -> dict[str, Any] | None:
    """The JSON Schema of a plain annotation; None when pydantic has to be asked."""
    schema = _schema(annotation)
    if schema is None or default is _ABSENT:
        return schema
    return {**schema, "default": default} if _is_json(default) else None


def is_plain(value: Any, annotation: Any) -> bool:
    """Whether the value is already what a plain annotation asks for."""
    if annotation is Any:
        return True
    if annotation is float:
        return type(value) in (float, int)
    if isinstance(annotation, type) and annotation in _NAMES:
        return type(value) is annotation
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return any(type(value) is member for member in arguments if member in _NAMES)
    if origin is list and type(value) is list:
        return all(is_plain(item, arguments[0]) for item in value)
    if origin is dict and type(value) is dict and arguments[0] is str:
        return all(type(k) is str and is_plain(v, arguments[1]) for k, v in value.items())
    return False


def plain_value(value: Any, annotation: Any) -> Any:
    """The value to hand over: a float where a float was asked for, else the value itself."""
    if annotation is float:
        return float(value)
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is list:
        return [plain_value(item, arguments[0]) for item in value]
    if origin is dict:
        return {key: plain_value(item, arguments[1]) for key, item in value.items()}
    return value


def _schema(annotation: Any) -> dict[str, Any] | None:
    try:
        if annotation in _NAMES:
            return dict(_NAMES[annotation])
    except TypeError:  # not hashable, so none of ours
        return None
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin not in (typing.Union, types.UnionType, list, dict):
        return None
    inner = [_schema(argument) for argument in arguments]
    if None in inner:
        return None
    if origin is list:
        return {"items": inner[0], "type": "array"}
    if origin is dict:
        if arguments[0] is not str:
            return None
        return {"additionalProperties": inner[1] or True, "type": "object"}
    return {"anyOf": inner}


def _is_json(value: Any) -> bool:
    """Whether the value is written in JSON as it is."""
    if type(value) is float:
        return math.isfinite(value)
    if type(value) is list:
        return all(map(_is_json, value))
    if type(value) is dict:
        return all(type(key) is str and _is_json(item) for key, item in value.items())
    return value is None or type(value) in (str, int, bool)
