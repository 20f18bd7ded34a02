"""Schedules as HTTP sends them: the options of ``Schedule`` by name, dates as ISO 8601 texts,
durations in seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from orchestrator.model.plain import as_json
from orchestrator.schedules import Schedule


def document_of_schedule(schedule: Schedule) -> dict[str, Any]:
    """The options that were given."""
    given = {each.name: getattr(schedule, each.name) for each in fields(schedule)}
    return {name: _plain(value) for name, value in given.items() if value is not None}


def schedule_of_document(document: Mapping[str, Any]) -> Schedule:
    """The schedule of these options, those that are None left out; dates are datetimes already.

    Raises:
        InvalidInput: they make none.
    """
    return Schedule(**{name: value for name, value in document.items() if value is not None})


def _plain(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, datetime):
        return value.isoformat()
    return as_json(value)
