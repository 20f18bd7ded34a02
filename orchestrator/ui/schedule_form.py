"""The form of a schedule: what it holds, and the schedule that was typed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from orchestrator.model.deployment import ScheduleDefinition, ScheduleRecord
from orchestrator.model.errors import InvalidOption
from orchestrator.model.secrets import masked
from orchestrator.model.spans import span
from orchestrator.schedules import Schedule
from orchestrator.ui.form_documents import read_document
from orchestrator.written import parse_duration

Texts = Mapping[str, str]

EMPTY: dict[str, str] = {
    "slug": "",
    "kind": "cron",
    "expression": "",
    "timezone": "",
    "catchup": "latest",
    "overlap": "allow",
    "jitter": "",
    "start": "",
    "end": "",
    "anchor": "",
    "day_or": "1",
    "parameters": "",
}
"""The texts of a new one."""


def texts_of(record: ScheduleRecord) -> dict[str, str]:
    """The texts that stand for a schedule there is."""
    definition = record.definition
    details = definition.details
    parameters = masked(definition.parameters, record.secrets)
    return {
        "slug": definition.slug,
        "kind": definition.kind,
        "expression": _expression(definition),
        "timezone": definition.timezone,
        "catchup": definition.catchup,
        "overlap": definition.overlap,
        "jitter": f"{definition.jitter_seconds:g}s" if definition.jitter_seconds else "",
        "start": details.get("start", ""),
        "end": details.get("end", ""),
        "anchor": details.get("anchor", "") if definition.kind == "interval" else "",
        "day_or": "1" if details.get("day_or", True) else "",
        "parameters": json.dumps(parameters, indent=2, ensure_ascii=False) if parameters else "",
    }


def schedule_of(
    name: str, texts: Texts, schema: Mapping[str, Any], old: ScheduleDefinition | None = None
) -> Schedule:
    """The schedule that was typed; ``old`` is the one that it replaces.

    Raises:
        InvalidInput: it cannot be used; says which part.
    """
    kind, expression = texts.get("kind", "cron"), texts.get("expression", "").strip()
    rule: dict[str, Any] = {kind if kind in ("cron", "interval", "rrule") else "cron": expression}
    if kind == "interval":
        rule = {"interval": _seconds("interval", expression), "anchor_date": _date(texts, "anchor")}
    elif kind == "cron":
        rule["day_or"] = texts.get("day_or") == "1"
    chosen = {key: texts[key] for key in ("catchup", "overlap") if texts.get(key)}
    jitter = texts.get("jitter", "").strip()
    parameters = texts.get("parameters", "").strip()
    return Schedule(
        **rule,
        **chosen,  # type: ignore[arg-type]  # checked by Schedule
        timezone=texts.get("timezone", "").strip() or None,
        slug=texts.get("slug", "").strip() or None,
        jitter=_seconds("jitter", jitter) if jitter else 0.0,
        start_date=_date(texts, "start"),
        end_date=_date(texts, "end"),
        active=old.active if old else True,
        parameters=_parameters(name, parameters, schema, old),
    )


def _parameters(
    name: str, text: str, schema: Mapping[str, Any], old: ScheduleDefinition | None
) -> dict[str, Any] | None:
    """The whole of them; what is masked stays as it was."""
    if not text:
        return None
    held = old.parameters if old else {}
    changes = read_document(name, text, held, schema)
    named = json.loads(text)
    return {key: changes.get(key, held.get(key)) for key in named}


def _expression(definition: ScheduleDefinition) -> str:
    if definition.kind != "interval":
        return definition.expression
    seconds = float(definition.expression)
    return span(seconds, units=4) if seconds >= 1 and seconds.is_integer() else f"{seconds:g}s"


def _seconds(option: str, text: str) -> float:
    try:
        return parse_duration(text).total_seconds()
    except ValueError as error:
        raise InvalidOption(option, text, str(error)) from None


def _date(texts: Texts, option: str) -> datetime | None:
    """Without an offset a local time of the schedule's zone."""
    text = texts.get(option, "").strip()
    if not text:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        why = "write 2026-11-22T15:04 (of the zone) or 2026-11-22T15:04:00Z"
        raise InvalidOption(option, text, why) from None
