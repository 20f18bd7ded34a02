"""What can be asked next: the links of the OpenAPI document, from an answer to the operations that
take something of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

_VERBS_OF_RUN = (
    *("read_run", "explain_run", "cancel_run", "pause_run", "resume_run", "retry_run"),
    *("delete_run", "read_log", "download_log"),
)
_RUN = ("ask_for_run", "run_deployment", "read_run", "cancel_run", "retry_run", "delete_run")

_VERBS_OF_DEPLOYMENT = (
    *("read_deployment", "list_versions", "run_deployment", "pause_deployment"),
    *("resume_deployment", "hold_deployment", "release_deployment", "delete_deployment"),
    *("list_schedules", "create_schedule", "list_triggers"),
)
_DEPLOYMENT = (
    *("read_deployment", "pause_deployment", "resume_deployment", "hold_deployment"),
    *("release_deployment", "delete_deployment"),
)

_VERBS_OF_SCHEDULE = (
    *("read_schedule", "replace_schedule", "pause_schedule", "resume_schedule"),
    *("preview_schedule", "delete_schedule"),
)
_SCHEDULE = ("create_schedule", "read_schedule", "replace_schedule", "delete_schedule")

_VERBS_OF_TRIGGER = ("read_trigger", "enable_trigger", "disable_trigger", "rehearse_trigger")

_SAME_DEPLOYMENT = {"flow": "$request.path.flow", "name": "$request.path.name"}


@dataclass(frozen=True, slots=True)
class _Way:
    """From each of ``sources`` to each of ``targets``, with parameters taken from the answer."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    parameters: Mapping[str, str]


_WAYS = (
    _Way(_RUN, _VERBS_OF_RUN, {"run_id": "$response.body#/id"}),
    _Way(("list_runs",), _VERBS_OF_RUN, {"run_id": "$response.body#/items/0/id"}),
    _Way(("ask_for_runs",), _VERBS_OF_RUN, {"run_id": "$response.body#/ids/0"}),
    _Way(("list_runs",), ("list_runs",), {"before": "$response.body#/next"}),
    _Way(
        ("read_log",),
        ("read_log",),
        {
            "run_id": "$request.path.run_id",
            "after": "$response.body#/next",
        },
    ),
    _Way(("list_deployments",), ("read_deployment_by_id",), {"id": "$response.body#/items/0/id"}),
    _Way(("list_deployments",), ("list_runs",), {"deployment": "$response.body#/items/0/name"}),
    _Way(_DEPLOYMENT, _VERBS_OF_DEPLOYMENT, _SAME_DEPLOYMENT),
    _Way(_SCHEDULE, _VERBS_OF_SCHEDULE, {**_SAME_DEPLOYMENT, "slug": "$response.body#/slug"}),
    _Way(
        ("list_schedules",),
        _VERBS_OF_SCHEDULE,
        {
            **_SAME_DEPLOYMENT,
            "slug": "$response.body#/items/0/slug",
        },
    ),
    _Way(
        ("list_triggers",),
        _VERBS_OF_TRIGGER,
        {
            **_SAME_DEPLOYMENT,
            "trigger": "$response.body#/items/0/name",
        },
    ),
    _Way(("emit_event", "receive_webhook"), ("read_event",), {"event_id": "$response.body#/id"}),
    _Way(("list_events",), ("read_event",), {"event_id": "$response.body#/items/0/id"}),
    _Way(("list_events",), ("list_events",), {"before": "$response.body#/next"}),
    _Way(("read_feed",), ("read_feed",), {"after": "$response.body#/position"}),
    _Way(("list_runners",), ("drain_runner",), {"runner_id": "$response.body#/items/0/id"}),
    _Way(("list_runners",), ("drain_host",), {"host": "$response.body#/items/0/host"}),
)


def add_links(operations: Mapping[str, Json]) -> None:
    """Add them to the answers of these operations, known by their ids."""
    for way in _WAYS:
        for source in way.sources:
            answer = _success(operations[source])
            for target in way.targets:
                link = {"operationId": target, "parameters": dict(way.parameters)}
                answer.setdefault("links", {})[target] = link


def _success(operation: Json) -> Json:
    responses: dict[str, Json] = operation["responses"]
    return next(answer for status, answer in responses.items() if status.startswith("2"))
