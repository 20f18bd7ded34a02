"""A run: one execution of a deployment, as stored and as shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestrator.model.clock import rfc3339
from orchestrator.model.errors import RunFailed, RunIsOpen
from orchestrator.model.ids import DeploymentId, RunId, deployment_of
from orchestrator.model.secrets import masked
from orchestrator.model.states import FINAL, LATE, WAITING, State

LATE_AFTER_MS = 15_000
"""A waiting run is shown as late this long after its time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of a run's history: since when it was in which state, and why."""

    at_ms: int
    state: State
    attempt: int
    runner: str
    reason: str

    def to_json(self) -> dict[str, Any]:
        return {
            "at": rfc3339(self.at_ms),
            "state": self.state,
            "attempt": self.attempt,
            "runner": self.runner or None,
            "reason": self.reason or None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The record of a run. Times are milliseconds since 1970, UTC."""

    id: RunId
    name: str
    deployment: str
    flow: str
    state: State
    attempt: int
    parameters: dict[str, Any] = field(repr=False)
    """As stored: to be shown, take ``shown_parameters``."""
    secrets: tuple[tuple[str, ...], ...]
    """Where secrets stand in the parameters: see ``model.secrets``."""
    tags: tuple[str, ...]
    created_at: int
    scheduled_at: int
    claimed_at: int | None
    started_at: int | None
    ended_at: int | None
    created_by: str
    runner: str | None
    host: str | None
    pid: int | None
    version: str | None
    commit: str | None
    """Of the repository that its code is from."""
    content_hash: str | None
    """SHA-256 of its code: of the whole checkout, or of the files that a script has imported."""
    revision: str | None
    """The code that it was asked to have; None: the newest."""
    progress: Any
    error: dict[str, Any] | None
    result: Any
    idempotency_key: str | None
    peak_bytes: int | None
    """The most memory that its latest ended attempt took."""
    cpu_seconds: float | None
    """CPU time of that attempt."""
    retry_of: RunId | None
    """The ended run that this one does again."""
    retried_as: RunId | None
    """The latest run that does this one again."""
    event: str | None
    """The id of the event for which a trigger made it."""
    paused_by: str | None
    """Who has paused it, until somebody resumes it: it stands still on whichever host it is."""
    parent: RunId | None
    """The run that asked for this one."""
    depth: int
    """How many runs stand above it: 0 for one that a person, a program or a schedule
    asked for. A run that a trigger made stands below the one whose event it was."""
    children: int
    """How many runs it has asked for."""
    reason: str | None
    history: tuple[Step, ...]

    @property
    def deployment_id(self) -> DeploymentId:
        return deployment_of(self.id)

    @property
    def own_name(self) -> str | None:
        """The name that was given to it; None when it has only the one derived from its id."""
        return None if self.name == _derived_name(self.id) else self.name

    @property
    def is_final(self) -> bool:
        return self.state in FINAL

    @property
    def is_paused(self) -> bool:
        """Whether it waits for somebody who resumes it, or will when its process is made."""
        is_to_begin = self.state in WAITING or self.state is State.PENDING
        return self.state is State.PAUSED or (self.paused_by is not None and is_to_begin)

    @property
    def shown_parameters(self) -> dict[str, Any]:
        """The parameters, secrets masked."""
        return {**masked(self.parameters, self.secrets)}

    def result_or_raise(self) -> Any:
        """What the function returned, as JSON gives it back.

        Raises:
            RunFailed: the run ended in any other way.
            RunIsOpen: it is not over.
        """
        if not self.is_final:
            raise RunIsOpen(self.id, self.state)
        if self.state is not State.COMPLETED:
            raise RunFailed(self.id, self.state, self.why)
        return self.result

    @property
    def why(self) -> str:
        """The reason of its state, or what its last line of a traceback would be; empty when it
        goes well."""
        error = self.error or {}
        summary = ": ".join(str(error[part]) for part in ("type", "message") if error.get(part))
        return self.reason or summary

    def shown_state(self, now_ms: int) -> str:
        """The state for people and JSON: ``Late`` is derived here and nowhere stored."""
        late = self.state is State.SCHEDULED and now_ms > self.scheduled_at + LATE_AFTER_MS
        return LATE if late else self.state

    def to_json(self, now_ms: int) -> dict[str, Any]:
        """The record as the terminal, HTTP and pages show it."""
        return {
            "id": self.id,
            "name": self.name,
            "deployment": self.deployment,
            "flow": self.flow,
            "state": self.shown_state(now_ms),
            "attempt": self.attempt,
            "parameters": self.shown_parameters,
            "tags": list(self.tags),
            "created_at": rfc3339(self.created_at),
            "scheduled_at": rfc3339(self.scheduled_at),
            "claimed_at": rfc3339(self.claimed_at),
            "started_at": rfc3339(self.started_at),
            "ended_at": rfc3339(self.ended_at),
            "created_by": self.created_by,
            "runner": self.runner,
            "host": self.host,
            "pid": self.pid,
            "version": self.version,
            "commit": self.commit,
            "content_hash": self.content_hash,
            "revision": self.revision,
            "progress": self.progress,
            "error": self.error,
            "result": self.result,
            "idempotency_key": self.idempotency_key,
            "peak_bytes": self.peak_bytes,
            "cpu_seconds": self.cpu_seconds,
            "retry_of": self.retry_of,
            "retried_as": self.retried_as,
            "event": self.event,
            "paused_by": self.paused_by,
            "parent": self.parent,
            "depth": self.depth,
            "children": self.children,
            "reason": self.reason,
            "history": [step.to_json() for step in self.history],
        }


def run_from_hash(run_id: RunId, fields: Mapping[str, str]) -> Run:
    """Build the record from its Redis hash; unknown fields are ignored (newer writers)."""

    def text(name: str) -> str | None:
        return fields.get(name) or None

    def moment(name: str) -> int | None:
        value = fields.get(name)
        return int(value) if value else None

    def document(name: str, absent: Any) -> Any:
        value = fields.get(name)
        return json.loads(value) if value else absent

    def link(name: str) -> RunId | None:
        value = fields.get(name)
        return RunId(value) if value else None

    full_name = fields["deployment"]
    return Run(
        id=run_id,
        name=fields.get("name") or _derived_name(run_id),
        deployment=full_name,
        flow=full_name.partition("/")[0],
        state=State(fields["state"]),
        attempt=int(fields.get("attempt") or 0),
        parameters=document("parameters", {}),
        secrets=tuple(map(tuple, document("secrets", []))),
        tags=tuple(document("tags", [])),
        created_at=int(fields["created_at"]),
        scheduled_at=int(fields["scheduled_at"]),
        claimed_at=moment("claimed_at"),
        started_at=moment("started_at"),
        ended_at=moment("ended_at"),
        created_by=fields.get("created_by", ""),
        runner=text("runner"),
        host=text("host"),
        pid=moment("pid"),
        version=text("version"),
        commit=text("commit"),
        content_hash=text("content_hash"),
        revision=text("revision"),
        progress=document("progress", None),
        error=document("error", None),
        result=document("result", None),
        idempotency_key=text("idempotency_key"),
        # 0: nobody has seen its process end.
        peak_bytes=int(fields.get("peak_bytes") or 0) or None,
        cpu_seconds=float(fields.get("cpu_seconds") or 0) or None,
        retry_of=link("retry_of"),
        retried_as=link("retried_as"),
        event=text("event"),
        paused_by=text("paused_by"),
        parent=link("parent"),
        depth=int(fields.get("depth") or 0),
        children=int(fields.get("children") or 0),
        reason=text("reason"),
        history=_history(fields.get("history", "")),
    )


def _derived_name(run_id: RunId) -> str:
    return run_id[-8:]


def _history(lines: str) -> tuple[Step, ...]:
    return tuple(
        Step(
            at_ms=int(at),
            state=State(state),
            attempt=int(attempt),
            runner=runner,
            reason=reason,
        )
        # Not splitlines: a reason may hold other line ends, such as U+2028.
        for at, state, attempt, runner, reason in map(json.loads, lines.split("\n")[:-1])
    )
