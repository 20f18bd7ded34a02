"""Short records of many runs: what lists and charts need, and no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.model.ids import DeploymentId, RunId
from orchestrator.model.run import LATE_AFTER_MS
from orchestrator.model.states import FINAL, LATE, State
from orchestrator.store import keys
from orchestrator.store.requests import Plan, Request, command
from orchestrator.store.texts import maybe_int

_FIELDS = ("state", "name", "deployment", "created_at", "scheduled_at", "started_at", "ended_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """A run in short. Times in milliseconds since 1970."""

    id: RunId
    state: State
    name: str
    deployment: str
    created_at: int
    scheduled_at: int
    started_at: int | None
    ended_at: int | None

    @property
    def is_final(self) -> bool:
        return self.state in FINAL

    def shown_state(self, now_ms: int) -> str:
        """As of a run: ``Late`` is derived."""
        late = self.state is State.SCHEDULED and now_ms > self.scheduled_at + LATE_AFTER_MS
        return LATE if late else self.state

    def seconds(self, now_ms: int) -> float | None:
        """How long its last attempt ran, so far; None before it began."""
        if self.started_at is None:
            return None
        return max(0, (self.ended_at or now_ms) - self.started_at) / 1000


def read_glance(run_id: RunId) -> Request[Glance | None]:
    """The run in short, or None."""
    return command(lambda reply: _glance(run_id, reply), "HMGET", keys.run(run_id), *_FIELDS)


def newest_of(members: Sequence[DeploymentId], count: int) -> Plan[list[tuple[Glance, ...]]]:
    """The newest runs of each of these deployments, the newest first."""
    lists: list[list[str]] = yield [
        command(list, "ZREVRANGE", keys.runs(d), 0, count - 1) for d in members
    ]
    found = yield [read_glance(RunId(each)) for ids in lists for each in ids]
    replies = iter(found)
    return [tuple(each for _ in ids if (each := next(replies))) for ids in lists]


def _glance(run_id: RunId, reply: Sequence[Any]) -> Glance | None:
    state, name, deployment, created_at, scheduled_at, started_at, ended_at = reply
    if not state:
        return None
    return Glance(
        id=run_id,
        state=State(state),
        name=name or run_id[-8:],
        deployment=deployment,
        created_at=int(created_at),
        scheduled_at=int(scheduled_at),
        started_at=maybe_int(started_at),
        ended_at=maybe_int(ended_at),
    )
