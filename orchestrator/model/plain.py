"""Python's values as JSON has them, the way in which pydantic reads them back."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

_PLAIN = frozenset({str, int, float, bool, type(None)})


def as_json(value: Any) -> Any:
    """The value in the types of JSON, as far as it has a form there; the rest stays as it is."""
    try:
        return _form(value)
    except RecursionError:
        return value  # it contains itself: whoever writes it says so


def _form(value: Any) -> Any:
    if type(value) in _PLAIN:
        return value
    if isinstance(value, (dict, Mapping)):  # asking abstract classes takes longer
        return {key: _form(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_form(item) for item in value]
    for kinds, form in _FORMS:
        if isinstance(value, kinds):
            return form(value)
    return _opened(value)


def iso_duration(value: timedelta) -> str:
    """As ISO 8601 has it: ``P1DT3600S``, ``-PT0.5S``."""
    sign, value = ("-", -value) if value < timedelta() else ("", value)
    days = f"{value.days}D" if value.days else ""
    seconds = f"{value.seconds}.{value.microseconds:06}".rstrip("0").rstrip(".")
    return f"{sign}P{days}T{seconds}S"


def _bytes(value: bytes) -> Any:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value  # JSON has no word for it; whoever writes it says so


def _opened(value: Any) -> Any:
    """What is inside a secret, a model or a dataclass. pydantic is not imported for it."""
    if callable(reveal := getattr(value, "get_secret_value", None)):
        return _form(reveal())
    if isinstance(value, type):
        return value
    if callable(dump := getattr(value, "model_dump", None)):
        return _form(dump(by_alias=True))
    if dataclasses.is_dataclass(value):
        fields = dataclasses.fields(value)
        return {field.name: _form(getattr(value, field.name)) for field in fields}
    return value


_FORMS: tuple[tuple[type | tuple[type, ...], Callable[[Any], Any]], ...] = (
    (Enum, lambda value: _form(value.value)),
    ((datetime, date, time), lambda value: value.isoformat()),
    (timedelta, iso_duration),
    ((UUID, PurePath, Decimal), str),
    (bytes, _bytes),
)
