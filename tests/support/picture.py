"""One deployment as the oracle draws it, read from a live keyspace."""

from __future__ import annotations

from typing import Any

from orchestrator.model.deployment import ScheduleRecord
from orchestrator.model.states import State
from orchestrator.store.schedules import schedules_of
from tests.support.keyspace import QUEUES, RecordOfRun, Slot


def picture_of(slot: Slot) -> dict[str, Any]:
    """The same as ``OracleDeployment.picture``: all that does not depend on the server's clock."""
    return {
        "paused_by": _paused_by(slot),
        "held": slot.deployment.get("held") == "1",
        "queues": {name: _queue(slot, name) for name in QUEUES},
        "runners": {
            name.removesuffix(":beat"): int(count)
            for name, count in slot.runners.items()
            if name.endswith(":beat")
        },
        "draining": sorted(
            name.removesuffix(":drain") for name in slot.runners if name.endswith(":drain")
        ),
        "schedules": {
            each.definition.slug: _schedule(each) for each in schedules_of(slot.schedules)
        },
        "stopping": {run_id: int(count) for run_id, count in slot.stopping.items()},
        "hooks": sorted(slot.hooks),
        "runs": {run_id: _run(slot, run_id, run) for run_id, run in slot.runs.items()},
    }


def _schedule(record: ScheduleRecord) -> tuple[int, int, bool, bool]:
    theirs = record.edited or record.origin == "user"
    return record.generation, record.cursor_ms, record.definition.active, theirs


def _paused_by(slot: Slot) -> str:
    return slot.deployment["paused_by"] if slot.deployment.get("paused") == "1" else ""


def _queue(slot: Slot, name: str) -> list[str]:
    return [t.run_id for t in slot.tickets if t.queue == name and not t.consumer]


def _run(slot: Slot, run_id: str, run: RecordOfRun) -> dict[str, Any]:
    fields = run.fields
    places = [t.queue for t in slot.tickets_of(run_id) if not t.consumer]
    places += ["delayed"] if run_id in slot.delayed else []
    places += ["leases"] if run_id in slot.leases else []
    return {
        "state": run.state,
        "attempt": int(fields.get("attempt") or 0),
        "failures": int(fields.get("failures") or 0),
        "recoveries": int(fields.get("recoveries") or 0),
        "unbegun": int(fields.get("unbegun") or 0),
        "where": " ".join(places),
        "runner": fields.get("runner", "") if run.is_claimed else "",
        "beat": int(fields.get("beat") or 0) if run.is_claimed else 0,
        "name": fields.get("name", ""),
        "paused": bool(fields.get("paused_by")),
        "retention_days": fields.get("retention_days", ""),
        "history": [State(line[1]) for line in run.history],
        "children": sorted(slot.children.get(run_id, ())),
        "retries": (fields.get("retry_of", ""), fields.get("retried_as", "")),
    }
