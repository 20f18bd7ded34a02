"""Runs: asking for one, reading, stopping, pausing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.model.ids import DeploymentId, RunId, deployment_id
from orchestrator.model.run import Run, run_from_hash
from orchestrator.model.states import State
from orchestrator.store import keys
from orchestrator.store.attention import lower_attention
from orchestrator.store.requests import Plan, Request, Word, as_word, command, for_run
from orchestrator.store.texts import record_of, text_of

PAGE = 200
"""Records read in one step when a listing looks for some among many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """A run that is asked for. Times in milliseconds since 1970; None = now."""

    deployment_id: DeploymentId
    run_id: RunId
    parameters: str
    """JSON text, the deployment's defaults merged in."""
    tags: tuple[str, ...] = ()
    name: str = ""
    created_by: str = ""
    scheduled_at: int | None = None
    idempotency_key: str | None = None
    retry_of: RunId | None = None
    """The ended run that it does again."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """``created``, ``exists`` (the same was asked before), ``conflict`` (the idempotency key came
    with other parameters) or ``no_deployment``."""

    word: Word
    run_id: RunId


def submit_run(new: NewRun) -> Request[Submitted]:
    """Create the run, in the queue or (for a later time) among the delayed ones."""
    return for_run(
        new.run_id,
        "submit_run",
        lambda reply: Submitted(str(reply), new.run_id),
        parameters=new.parameters,
        tags=json.dumps(new.tags, ensure_ascii=False),
        name=new.name,
        created_by=new.created_by,
        scheduled_at=text_of(new.scheduled_at),
        idempotency_key=new.idempotency_key or "",
        digest=_digest(new) if new.idempotency_key else "",
        retry_of=new.retry_of or "",
    )


def submit_later(new: NewRun) -> Plan[Submitted]:
    """The same for a run of a later time: the scheduler is told before and after (attention)."""
    assert new.scheduled_at is not None
    lower = lower_attention(new.deployment_id, new.scheduled_at)
    yield [lower]
    submitted, _ = yield [submit_run(new), lower]
    assert isinstance(submitted, Submitted)
    return submitted


def read_run(run_id: RunId) -> Request[Run | None]:
    """The record, or None.

    Raises:
        RunNotFound: this cannot be the id of any run.
    """
    return command(lambda reply: _run(run_id, reply), "HGETALL", keys.run(run_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which runs a listing shows; the empty collection or None stands for any."""

    deployment: str | None = None
    """The full name."""
    states: Collection[State | str] = ()
    """Any of these, as stored."""
    tags: Collection[str] = ()
    """All of these."""
    since_ms: int | None = None
    """Created at this instant or later."""

    @property
    def is_picky(self) -> bool:
        """Records must be read to know which are wanted."""
        return bool(self.states or self.tags)

    def takes(self, run: Run) -> bool:
        """Whether the run is among those wanted, as far as its record tells."""
        return (not self.states or run.state in self.states) and set(self.tags) <= set(run.tags)


def list_runs(limit: int = 50, wanted: Wanted | None = None) -> Plan[list[Run]]:
    """The newest runs first, of one deployment or of all."""
    wanted = wanted or Wanted()
    if wanted.deployment is None:
        (members,) = yield [command(sorted, "SMEMBERS", keys.DEPLOYMENTS)]
    else:
        members = [deployment_id(wanted.deployment)]
    page = max(limit, PAGE) if wanted.is_picky else limit
    oldest = "-inf" if wanted.since_ms is None else str(wanted.since_ms)
    found: list[Run] = []
    seen: set[str] = set()
    bound = "+inf"
    while len(found) < limit and members:
        lists = yield [_newest(DeploymentId(d), bound, oldest, page + len(seen)) for d in members]
        newest = [(at, i) for each in lists for at, i in each if i not in seen]
        newest = sorted(newest, reverse=True)[:page]
        if not newest:
            break
        runs = yield [read_run(RunId(i)) for _, i in newest]
        found += [run for run in runs if run and wanted.takes(run)]
        bound = str(newest[-1][0])
        # Only ids of the bound's own instant can come again.
        seen = {i for at, i in newest if at == newest[-1][0]} | (
            seen if newest[0][0] == newest[-1][0] else set()
        )
    return found[:limit]


def cancel_run(run_id: RunId, by: str, retention_ms: int = keys.RETENTION_MS) -> Request[Word]:
    """``cancelled`` (it never ran again), ``cancelling`` (its runner stops it), ``already`` (it was
    over) or ``gone``."""
    return for_run(run_id, "cancel_run", as_word, by=by, retention_ms=retention_ms)


def pause_run(run_id: RunId, by: str) -> Request[Word]:
    """``ok``, ``unchanged``, ``not_running`` or ``gone``. Its processes stop until resumed."""
    return for_run(run_id, "pause_run", as_word, by=by)


def resume_run(run_id: RunId, by: str) -> Request[Word]:
    """``ok``, ``unchanged``, ``not_running`` or ``gone``."""
    return for_run(run_id, "resume_run", as_word, by=by)


def delete_run(run_id: RunId) -> Request[Word]:
    """Forget an ended run and its log: ``ok``, ``open`` (it has not ended) or ``gone``."""
    return for_run(run_id, "delete_run", as_word)


def _newest(d: DeploymentId, bound: str, oldest: str, count: int) -> Request[list[tuple[int, str]]]:
    words = ("ZREVRANGEBYSCORE", keys.runs(d), bound, oldest, "WITHSCORES", "LIMIT", 0, count)
    return command(_scored, *words)


def _scored(reply: Sequence[str]) -> list[tuple[int, str]]:
    return [(int(at), i) for i, at in zip(reply[::2], reply[1::2], strict=True)]


def _run(run_id: RunId, reply: Any) -> Run | None:
    fields = record_of(reply)
    return run_from_hash(run_id, fields) if "state" in fields else None


def _digest(new: NewRun) -> str:
    """The same for the same parameters, however they were written."""
    canonical = json.dumps(json.loads(new.parameters), sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
