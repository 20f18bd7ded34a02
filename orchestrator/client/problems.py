"""Errors as problem documents (RFC 9457), and back: what HTTP says of what Python raises.

``code`` never changes its meaning; ``facts`` are the fields of the error, from which the other side
makes the same error again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from orchestrator.model import errors
from orchestrator.model.errors import (
    Conflict,
    InvalidInput,
    InvalidParameters,
    NotFound,
    OrchestratorError,
    ParameterFault,
    ServerUnavailable,
)

MEDIA_TYPE = "application/problem+json"

_STATUS: tuple[tuple[type[OrchestratorError], int], ...] = (
    (InvalidInput, 422),
    (NotFound, 404),
    (Conflict, 409),
    (ServerUnavailable, 503),
)
_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")

REMEDIES = {
    "invalid_parameters": "Correct the parameters named in errors; the deployment's record holds "
    "their schema.",
    "invalid_option": "Correct the value; the reference lists what is accepted.",
    "invalid_name": "Choose another name.",
    "invalid_schedule": "Correct the rule; a preview shows what it means.",
    "deployment_not_found": "GET /api/v1/deployments lists the deployments there are.",
    "schedule_not_found": "GET /api/v1/schedules lists the schedules there are.",
    "run_not_found": "GET /api/v1/runs lists the newest runs. Ended ones are kept for a time only.",
    "runner_not_found": "GET /api/v1/runners lists the runners there are.",
    "event_not_found": "GET /api/v1/events lists the newest events; older ones are not kept.",
    "trigger_not_found": "GET /api/v1/triggers lists the triggers there are.",
    "run_is_final": "Nothing is to be done: it is over.",
    "run_is_open": "Wait for its end, or cancel it first.",
    "key_reused": "Use a new idempotency key for another request.",
    "too_deep": "Find the flow that asks for itself, directly or through others.",
    "code_not_kept": "Retry it with the newest code.",
    "conflict": "Look at its present state, and decide again.",
    "server_unavailable": "Try again in a moment; if it lasts, look after the Redis server.",
    "server_refused": "Correct the server's configuration: orchestrator doctor says what is wrong.",
}
"""What to do, by code."""


def problem(
    status: int,
    code: str,
    detail: str,
    remedy: str = "",
    **more: Any,
) -> dict[str, Any]:
    """A problem document."""
    return {
        "type": f"urn:orchestrator:problem:{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "code": code,
        "detail": detail,
        "remedy": remedy or REMEDIES.get(code, ""),
        **more,
    }


def problem_of(error: OrchestratorError) -> dict[str, Any]:
    """The document that stands for an error of ours."""
    status = next((number for kind, number in _STATUS if isinstance(error, kind)), 500)
    code = _CAPITAL.sub("_", type(error).__name__).lower()
    facts = {name: _plain(value) for name, value in vars(error).items() if name[0] != "_"}
    more: dict[str, Any] = {"facts": facts}
    if isinstance(error, InvalidParameters):
        more["errors"] = [asdict(fault) for fault in error.faults]
        more["facts"] = {"deployment": error.deployment}
    if notes := list(getattr(error, "__notes__", ())):
        more["notes"] = notes
    return problem(status, code, str(error), facts.get("remedy", ""), **more)


def error_of(document: Mapping[str, Any]) -> OrchestratorError:
    """The error that a problem document stands for; a general one when no class of ours does."""
    error = _error_of(document)
    for note in document.get("notes", ()):
        error.add_note(str(note))
    return error


def _error_of(document: Mapping[str, Any]) -> OrchestratorError:
    code, detail = str(document.get("code", "")), str(document.get("detail", ""))
    name = "".join(part.capitalize() for part in code.split("_"))
    kind = getattr(errors, name, None)
    facts = dict(document.get("facts") or {})
    if kind is InvalidParameters:
        facts["faults"] = [ParameterFault(**each) for each in document.get("errors", ())]
    if isinstance(kind, type) and issubclass(kind, OrchestratorError):
        try:
            return kind(**facts) if facts else kind(detail)
        except TypeError:  # of a newer version, whose errors have other fields
            pass
    remedy = document.get("remedy")
    text = f"{detail}\n{remedy}" if remedy else detail
    for general, status in _STATUS:
        if status == document.get("status") and general is not ServerUnavailable:
            return general(text)
    return OrchestratorError(text)


def _plain(value: Any) -> Any:
    """A field of an error as JSON has it."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else repr(value)
