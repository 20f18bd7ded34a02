"""Python's values on their way into JSON, and back by pydantic."""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr, TypeAdapter

from orchestrator.model.plain import as_json, iso_duration


class Color(enum.StrEnum):
    RED = "red"


class Model(BaseModel):
    when: datetime
    secret: SecretStr


@dataclass
class Record:
    day: date
    colors: frozenset[Color]


VALUES: list[Any] = [
    datetime(2026, 11, 22, 10, tzinfo=UTC),
    datetime(2026, 11, 22, 10, 0, 0, 5),  # noqa: DTZ001 - without a zone on purpose
    date(2026, 11, 22),
    time(10, 30),
    timedelta(days=3, seconds=1.5),
    -timedelta(seconds=90),
    UUID(int=7),
    Path("/tmp/x"),
    Decimal("1.10"),
    b"bytes",
    Color.RED,
    Model(when=datetime(2026, 1, 1, tzinfo=UTC), secret=SecretStr("told")),
    Record(date(2026, 1, 1), frozenset({Color.RED})),
    (1, 2.5, None),
    {"a": [True, {"b": "c"}]},
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_there_and_back(value: Any) -> None:
    text = json.dumps(as_json(value))

    assert TypeAdapter(type(value)).validate_json(text) == value or isinstance(value, tuple)


@given(st.timedeltas())
def test_durations(value: timedelta) -> None:
    assert TypeAdapter(timedelta).validate_python(iso_duration(value)) == value


@pytest.mark.parametrize("value", [1j, b"\xff", object, datetime])
def test_what_has_no_form_stays(value: Any) -> None:
    assert as_json({"a": value})["a"] is value


def test_what_contains_itself_stays() -> None:
    circle: list[Any] = []
    circle.append(circle)

    assert as_json(circle) is circle
