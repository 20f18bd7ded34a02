"""Going through the runs of many deployments together, the newest first.

Each deployment has its runs in its own slot, so each is looked through by itself, a little at a
time. What is certain is what lies before the place that the slowest of them has reached: only those
that hold it up are asked again, for twice as many as the last time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.model.ids import DeploymentId
from orchestrator.store import keys
from orchestrator.store.places import BEGINNING, Place
from orchestrator.store.requests import Plan, Request, command, for_deployment, in_turns
from orchestrator.store.wanted import Wanted

MOST_AT_ONCE = 1_000
"""Runs looked at in one step of one deployment: the server does nothing else meanwhile."""


@dataclass(slots=True)
class _Way:
    """How far one deployment was looked through."""

    d: DeploymentId
    place: Place
    share: int
    """How many it is asked for next."""
    is_over: bool = False


@dataclass(frozen=True, slots=True)
class _Step:
    is_end: bool
    looked_at: int
    place: Place
    found: list[Place]


class Walk:
    """Through the runs of these deployments, behind a place."""

    def __init__(
        self, members: Sequence[str], wanted: Wanted, begin: Place, now_ms: int, together: int
    ) -> None:
        """``together``: how many of all are looked at first, as far as each gets one."""
        if wanted.until_ms is not None:
            begin = min(begin, Place(wanted.until_ms, ""))
        share = min(MOST_AT_ONCE, 1 + together // max(1, len(members)))
        self._ways = [_Way(DeploymentId(d), begin, share) for d in members]
        self._begin_ms = now_ms if begin == BEGINNING else begin.created_ms
        self._oldest = "" if wanted.since_ms is None else str(wanted.since_ms)
        self._sieve = wanted.sieve() if wanted.is_picky else {}
        self._uncertain: list[Place] = []
        self.looked_at = 0
        """Runs so far."""

    @property
    def horizon(self) -> Place | None:
        """All runs before it were looked at, and itself; None: all runs that there are."""
        return max((way.place for way in self._ways if not way.is_over), default=None)

    def further(self, most: int) -> Plan[list[Place]]:
        """Runs that may be wanted, the next ones behind those given before, none between them
        missing. There may be none although the walk is not over. About ``most`` are looked at."""
        turn = self._turn()
        each = max(1, most // len(turn))
        for way in turn:
            way.share = min(way.share, each)
        steps: list[_Step] = yield from in_turns(self._look(way) for way in turn)
        for way, step in zip(turn, steps, strict=True):
            way.place, way.is_over = step.place, step.is_end
            way.share = min(MOST_AT_ONCE, 2 * way.share)
            self.looked_at += step.looked_at
            self._uncertain += step.found
        horizon = self.horizon
        certain = [at for at in self._uncertain if horizon is None or at >= horizon]
        self._uncertain = [at for at in self._uncertain if horizon is not None and at < horizon]
        return sorted(certain, reverse=True)

    def _turn(self) -> list[_Way]:
        """Those that did not get twice as far into the past as the slowest."""
        horizon = self.horizon
        assert horizon is not None, "it is not over"
        reach = horizon.created_ms - max(1, self._begin_ms - horizon.created_ms)
        return [way for way in self._ways if not way.is_over and way.place.created_ms >= reach]

    def _look(self, way: _Way) -> Request[_Step]:
        if not self._sieve and not way.place.run_id:
            return self._look_from_an_instant(way)
        return for_deployment(
            way.d,
            "scan_runs",
            _step,
            at=way.place.created_ms,
            id=way.place.run_id,
            oldest=self._oldest,
            count=way.share,
            **(self._sieve or _EVERYTHING),
        )

    def _look_from_an_instant(self, way: _Way) -> Request[_Step]:
        """The same, cheaper: the first step of most lists, of each deployment there is."""
        bound, share = f"({way.place.created_ms}", way.share
        words = (keys.runs(way.d), bound, self._oldest or "-inf", "WITHSCORES", "LIMIT", 0, share)

        def read(reply: Sequence[str]) -> _Step:
            found = _places(reply)
            return _Step(len(found) < share, len(found), (found or [way.place])[-1], found)

        return command(read, "ZREVRANGEBYSCORE", *words)


_EVERYTHING = {"states": "", "tags": "", "text": ""}


def _step(reply: Sequence[Any]) -> _Step:
    _, is_end, looked_at, at, run_id, found = reply
    return _Step(
        is_end == "1",
        int(looked_at),
        Place(int(at), run_id),
        _places(found),
    )


def _places(reply: Sequence[str]) -> list[Place]:
    """Members with their scores."""
    return [Place(int(at), i) for i, at in zip(reply[::2], reply[1::2], strict=True)]
