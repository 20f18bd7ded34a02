"""Answers of the API: JSON, in ASCII, so that whatever a run has returned can be sent."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from orchestrator.model.clock import SystemClock
from orchestrator.model.deployment import Deployment, RunnerRecord, ScheduleRecord
from orchestrator.model.event import Event
from orchestrator.model.rehearsal import Rehearsal
from orchestrator.model.run import Run
from orchestrator.model.trigger import TriggerRecord
from orchestrator.model.versions import DeploymentVersion

Record = (
    Deployment
    | DeploymentVersion
    | RunnerRecord
    | ScheduleRecord
    | Event
    | TriggerRecord
    | Rehearsal
)


class Document(Response):
    """A JSON document."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        # Half a character is fine in JSON as an escape, and nowhere in UTF-8.
        return json.dumps(content, separators=(",", ":")).encode("ascii")


def shown(record: Run | Record) -> dict[str, Any]:
    """A record as it is sent."""
    if isinstance(record, Run):
        return record.to_json(SystemClock().now_ms())
    return record.to_json()


def answer(record: Run | Record, status: int = 200) -> Response:
    """One record."""
    return Document(shown(record), status)


def answer_list(
    records: Sequence[Run] | Sequence[Record], following: str | None = None
) -> Response:
    """Several, and where the next page begins."""
    return Document({"items": list(map(shown, records)), "next": following})
