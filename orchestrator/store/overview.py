"""What goes on in all deployments together, read in a few steps however many runs there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import nlargest
from itertools import chain
from typing import Any

from orchestrator.model.ids import DeploymentId, RunId
from orchestrator.model.run import Run
from orchestrator.model.states import CLAIMED, LATE, State
from orchestrator.store import keys
from orchestrator.store.glances import Glance, newest_of
from orchestrator.store.requests import Plan, Request, as_is, command, for_deployment, in_turns
from orchestrator.store.runs import read_run
from orchestrator.store.texts import maybe_int

SHOWN = 8
"""Runs of each kind that are shown with their whole record."""

ENDED = 200
"""Runs that ended last, of all deployments, among which failed ones are looked for."""

LANES, IN_LANE = 10, 60
"""Deployments in the picture, and runs of each."""


@dataclass(frozen=True, slots=True)
class Coming:
    """An instant at which a schedule makes a run, or a run becomes due."""

    at_ms: int
    deployment: str
    slug: str
    """Of the schedule; empty for a run that was asked for."""
    run_id: str
    """Of such a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What goes on."""

    deployments: int
    running: int
    """Runs that runners have."""
    waiting: int
    """Runs in queues."""
    late: tuple[Run, ...]
    delayed: int
    unserved: int
    """Deployments that no runner serves."""
    now: tuple[Run, ...]
    failed: tuple[Run, ...]
    coming: tuple[Coming, ...]
    timeline: tuple[tuple[Glance, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """The same of one deployment."""

    id: DeploymentId
    name: str
    runners: int
    claimed: int
    queued: int
    delayed: int
    holding: tuple[tuple[int, str], ...]
    """Claimed runs: when last beaten, and id."""
    heads: tuple[str, ...]
    """Runs at the heads of the queues."""
    due: tuple[tuple[int, str], ...]
    ended: tuple[tuple[int, str], ...]
    """Those that ended last, by when they expire."""
    planned: tuple[tuple[int, str], ...]
    newest_ms: int


def read_overview(now_ms: int, window_ms: int) -> Plan[Overview]:
    """What goes on now, with a picture of the window before now."""
    (members,) = yield [_members()]
    found: list[_Part | None] = yield from in_turns(_part_of(DeploymentId(d)) for d in members)
    parts = [each for each in found if each]
    now = [i for _, i in _best((p.holding for p in parts), newest=True)]
    failed = yield from _failed(parts)
    waiting = list(chain.from_iterable(p.heads for p in parts))[: 4 * SHOWN]
    runs: list[Run | None] = yield [read_run(RunId(i)) for i in (*now, *failed, *waiting)]
    kept: dict[str, Run] = {run.id: run for run in runs if run}
    lively = sorted(parts, key=lambda p: (bool(p.claimed), p.newest_ms), reverse=True)[:LANES]
    lively = [p for p in lively if p.claimed or p.newest_ms >= now_ms - window_ms]
    timeline = yield from newest_of([p.id for p in lively], IN_LANE)
    late = [kept[i] for i in waiting if i in kept and kept[i].shown_state(now_ms) == LATE]
    return Overview(
        deployments=len(parts),
        running=sum(p.claimed for p in parts),
        waiting=sum(p.queued for p in parts),
        delayed=sum(p.delayed for p in parts),
        unserved=sum(not p.runners for p in parts),
        now=tuple(kept[i] for i in now if i in kept and kept[i].state in CLAIMED),
        failed=tuple(kept[i] for i in failed if i in kept and kept[i].state in _BAD),
        late=tuple(sorted(late, key=lambda run: run.scheduled_at)[:SHOWN]),
        coming=_coming(parts),
        timeline=tuple(timeline),
    )


_BAD = frozenset({State.FAILED, State.TIMED_OUT, State.CRASHED})


def _failed(parts: Sequence[_Part]) -> Plan[list[RunId]]:
    """Those that did not end well among the runs that ended last, the newest first."""
    ended = nlargest(ENDED, chain.from_iterable(p.ended for p in parts))
    states = yield [command(as_is, "HGET", keys.run(RunId(i)), "state") for _, i in ended]
    bad = [RunId(i) for (_, i), state in zip(ended, states, strict=True) if state in _BAD]
    return bad[:SHOWN]


def _coming(parts: Sequence[_Part]) -> tuple[Coming, ...]:
    planned = [Coming(at, p.name, slug, "") for p in parts for at, slug in p.planned]
    asked = [Coming(at, p.name, "", run_id) for p in parts for at, run_id in p.due]
    return tuple(sorted([*planned, *asked], key=lambda each: each.at_ms)[:SHOWN])


def _best(lists: Iterable[tuple[tuple[int, str], ...]], *, newest: bool) -> list[tuple[int, str]]:
    return sorted(chain.from_iterable(lists), reverse=newest)[:SHOWN]


def _members() -> Request[list[str]]:
    return command(sorted, "SMEMBERS", keys.DEPLOYMENTS)


def _part_of(d: DeploymentId) -> Request[_Part | None]:
    return for_deployment(d, "overview", lambda reply: _part(d, reply), count=SHOWN)


def _part(d: DeploymentId, reply: Sequence[Any]) -> _Part | None:
    if reply[0] == "gone":
        return None
    _, name, runners, claimed, queued, delayed, holding, heads, due, ended, planned, newest = reply
    return _Part(
        id=d,
        name=name,
        runners=int(runners),
        claimed=int(claimed),
        queued=max(0, int(queued) - int(claimed)),
        delayed=int(delayed),
        holding=_pairs(holding),
        heads=tuple(heads),
        due=_pairs(due),
        ended=_pairs(ended),
        planned=_pairs(planned),
        newest_ms=maybe_int(newest) or 0,
    )


def _pairs(reply: Sequence[str]) -> tuple[tuple[int, str], ...]:
    """Members with their scores."""
    return tuple((int(float(at)), i) for i, at in zip(reply[::2], reply[1::2], strict=True))
