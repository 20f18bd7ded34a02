"""Leases: claiming runs, keeping, ending, handing back and reaping them.

A lease is a token and a beat counter in the run's record. Who does not hold the current token
writes nothing (I8).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.model.ids import DeploymentId, RunId, RunnerId
from orchestrator.model.states import State
from orchestrator.store import keys
from orchestrator.store.requests import Request, Word, as_word, for_deployment, for_run
from orchestrator.store.texts import maybe_int, text_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A runner's right to execute one run: held, renewed or lost, never edited."""

    run_id: RunId
    token: str
    """What every write about this attempt must carry."""
    attempt: int
    parameters: str
    tags: str
    """JSON text."""
    name: str
    scheduled_at: int
    created_by: str
    deployment: str
    """The full name."""
    failures: int
    """Attempts that have failed: what counts against ``retries``."""
    parent: RunId | None = None
    """The run that asked for it."""
    depth: int = 0
    children: int = 0
    """Runs that earlier attempts have asked for."""
    revision: str = ""
    """The code that the run is to have; empty: the newest."""


@dataclass(frozen=True, slots=True)
class Claims:
    """``ok``, ``held``, ``full`` (the deployment's limit is reached), ``gone``, ``unregistered``
    (the runner must register anew) or ``quarantined`` (the server is not the one it was: nothing
    is claimed until the runners have said what they hold)."""

    word: Word
    runs: tuple[Claimed, ...] = ()
    more: bool = False
    """Further tickets wait."""
    wait_ms: int = 0
    """How long a quarantine lasts at most."""
    server: str = ""
    """On which server it is."""


def claim_runs(
    d: DeploymentId,
    *,
    runner: RunnerId,
    host: str,
    version: str,
    nonce: str,
    count: int,
    lease_ms: int,
) -> Request[Claims]:
    """Up to ``count`` runs. Sent again with the same nonce it answers the same runs, and their
    lease counts from the first sending."""
    return for_deployment(
        d,
        "claim_runs",
        _claims,
        runner=runner,
        host=host,
        version=version,
        nonce=nonce,
        count=count,
        lease_ms=lease_ms,
    )


def start_run(
    run_id: RunId, token: str, pid: int, commit: str = "", content_hash: str = ""
) -> Request[Word]:
    """``ok``: the first line of user code may run now, which is of this commit and content.
    ``cancelled`` and ``held``: it must not; ``paused``: not before it is resumed, and then it is to
    be asked again; ``lease_lost``, ``gone``."""
    return for_run(
        run_id,
        "start_run",
        as_word,
        token=token,
        pid=pid,
        commit=commit,
        content_hash=content_hash,
    )


@dataclass(frozen=True, slots=True)
class Beats:
    """The answer to a beat."""

    registered: bool
    words: tuple[str, ...]
    """Per run, in the order asked: OK, CANCEL, PAUSE or LOST."""
    wait_ms: int = 0
    """How long claims must wait: until then a frozen tree may not go on, since another runner may
    hold the run by a claim that the server has forgotten."""


def beat_runs(
    d: DeploymentId, runner: RunnerId, lease_ms: int, held: Sequence[tuple[RunId, str]]
) -> Request[Beats]:
    """Renew the leases of these (run, token), all that the runner holds, and show that it lives."""
    pairs = [text for pair in held for text in pair]
    return for_deployment(d, "beat_runs", _beats, runner=runner, lease_ms=lease_ms, held=pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an attempt ended, and what the flow's options say about another one."""

    state: State
    result: str | None = None
    """JSON text."""
    error: str | None = None
    """JSON text."""
    reason: str = ""
    retries: int = 0
    retry_delay_ms: int = 0
    peak_bytes: int = 0
    cpu_seconds: float = 0.0
    retention_ms: int = keys.RETENTION_MS


@dataclass(frozen=True, slots=True)
class Finished:
    """``ok`` (the run is over), ``retry`` (another attempt follows), ``cancelled`` (it would have
    been retried, but a cancel came), ``lease_lost`` or ``gone``."""

    word: Word
    due: int | None = None
    """When the next attempt may begin; None when it is queued already, or there is none."""


def finish_run(run_id: RunId, token: str, outcome: Outcome) -> Request[Finished]:
    """Record how the attempt ended and give the lease back, in one step."""
    return for_run(
        run_id,
        "finish_run",
        lambda reply: Finished(reply[0], maybe_int(reply[1])),
        token=token,
        state=outcome.state,
        result=text_of(outcome.result),
        error=text_of(outcome.error),
        reason=outcome.reason,
        retries=outcome.retries,
        retry_delay_ms=outcome.retry_delay_ms,
        peak_bytes=outcome.peak_bytes,
        cpu_seconds=outcome.cpu_seconds,
        retention_ms=outcome.retention_ms,
    )


def release_run(
    run_id: RunId, token: str, reason: str, retention_ms: int = keys.RETENTION_MS
) -> Request[Word]:
    """Hand the run back to the front of the queue under the same attempt number: ``ok``,
    ``cancelled`` (it ended instead), ``lease_lost`` or ``gone``."""
    return for_run(
        run_id, "release_run", as_word, token=token, reason=reason, retention_ms=retention_ms
    )


def reap_run(
    run_id: RunId,
    token: str,
    beat: int | None,
    reason: str,
    retention_ms: int = keys.RETENTION_MS,
    hooks_after_ms: int = 0,
) -> Request[Word]:
    """Take the run from an owner that is dead: its (token, beat) stood still for a lease, or
    (``beat`` None) its own host reports the death.

    ``recovered`` (queued again), ``cancelled``, ``crashed``, ``stale`` (it lives, or somebody else
    was first) or ``gone``. The hooks of one that is over are owed from then on; who calls them
    itself keeps others off for ``hooks_after_ms`` (``store.hooks``).
    """
    return for_run(
        run_id,
        "reap_run",
        as_word,
        token=token,
        beat=text_of(beat),
        reason=reason,
        retention_ms=retention_ms,
        hooks_after_ms=hooks_after_ms,
    )


@dataclass(frozen=True, slots=True)
class Seen:
    """A lease as observed."""

    run_id: RunId
    token: str
    beat: int
    lease_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a runner or scheduler sees of a deployment each sixth of a lease."""

    leases: tuple[Seen, ...]
    runners: dict[RunnerId, int]
    """Beat counter of each registered runner."""
    waiting: int
    """Tickets that nobody took yet."""
    due: int | None
    """The earliest instant at which the scheduler must look; 0 is now."""
    held: bool
    paused: bool
    drain: bool
    """The runner that looks is to finish its runs and leave."""
    odd: bool
    """What leads to runs does not fit the runs there are: see ``repair_deployment``."""
    expired: bool
    """The time of some ended runs is over: see ``sweep_runs``."""
    parting: tuple[RunId, ...]
    """Runs whose children are to be cancelled: see ``stop_children``."""
    owed: bool
    """Hooks of runs that ended are to be called: see ``store.hooks``."""


def look(
    d: DeploymentId, runner: RunnerId | None, *, thorough: bool = True, others: bool = True
) -> Request[Look]:
    """Look at everything that can need care; counts the beat of ``runner``, when given.

    A look that is not ``thorough`` sees neither damage, nor ended runs whose time is over, nor
    children that are to be cancelled, hooks that are owed, nor when schedules are due. One that is
    not at ``others`` either sees no leases, no runner but ``runner``, and one waiting run at most.
    """
    return for_deployment(
        d, "look", _look, runner=text_of(runner), thorough=int(thorough), others=int(others)
    )


def _claims(reply: list[Any]) -> Claims:
    word, more, *runs = reply
    if word == "quarantined":
        return Claims(word, wait_ms=int(more), server=runs[0])
    return Claims(word, tuple(map(_claimed, runs)), more == "1")


def _claimed(fields: list[str]) -> Claimed:
    (
        run_id,
        token,
        attempt,
        parameters,
        tags,
        name,
        scheduled_at,
        created_by,
        deployment,
        failures,
        parent,
        depth,
        children,
        revision,
    ) = fields
    return Claimed(
        run_id=RunId(run_id),
        token=token,
        attempt=int(attempt),
        parameters=parameters,
        tags=tags,
        name=name,
        scheduled_at=int(scheduled_at),
        created_by=created_by,
        deployment=deployment,
        failures=int(failures),
        parent=RunId(parent) if parent else None,
        depth=int(depth),
        children=int(children),
        revision=revision or "",
    )


def _beats(reply: list[str]) -> Beats:
    word, wait_ms, *words = reply
    return Beats(word == "ok", tuple(words), int(wait_ms))


def _look(reply: list[Any]) -> Look:
    _, held, paused, waiting, due, leases, runners, drain, odd, expired, parting, owed = reply
    return Look(
        leases=tuple(Seen(RunId(i), t, int(b), int(ms)) for i, t, b, ms in leases),
        runners={RunnerId(name): int(beat) for name, beat in runners},
        waiting=int(waiting),
        due=maybe_int(due),
        held=held == "1",
        paused=paused == "1",
        drain=drain == "1",
        odd=odd == "1",
        expired=expired == "1",
        parting=tuple(map(RunId, parting)),
        owed=owed == "1",
    )
