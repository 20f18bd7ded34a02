"""Runs in pages, the newest first, of one deployment or of all."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from orchestrator.model.clock import Clock, SystemClock
from orchestrator.model.errors import InvalidOption
from orchestrator.model.ids import DeploymentId, RunId, deployment_id
from orchestrator.model.run import Run
from orchestrator.model.states import LATE, State
from orchestrator.store import keys
from orchestrator.store.requests import Plan, Request, command
from orchestrator.store.runs import read_run

T = TypeVar("T")

MOST_EXAMINED = 2_000
"""Records read for one page: what nearly no run fits is found over several."""

_LOOK = 1_000
"""Runs looked at in one step when only some of them are wanted."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of many."""

    items: list[T]
    next: str | None
    """Where the next page begins; None behind the last one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which runs a listing shows; the empty collection or None stands for any."""

    deployment: str | None = None
    """The full name."""
    states: Collection[State | str] = ()
    """Any of these, as shown: ``Late`` too."""
    tags: Collection[str] = ()
    """All of these."""
    since_ms: int | None = None
    """Created at this instant or later."""
    until_ms: int | None = None
    """Created before this instant."""
    text: str = ""
    """In its name or id, in any case."""
    parent: RunId | None = None
    """Asked for by this run."""

    @property
    def is_picky(self) -> bool:
        """Records must be read to know which are wanted."""
        return bool(self.states or self.tags or self.text)

    def takes(self, run: Run, now_ms: int) -> bool:
        """Whether the run is among those wanted, as far as its record tells."""
        return (
            (not self.states or not {run.state, run.shown_state(now_ms)}.isdisjoint(self.states))
            and set(self.tags) <= set(run.tags)
            and self.text.lower() in f"{run.name}\n{run.id}".lower()
        )

    def takes_child(self, run: Run, now_ms: int) -> bool:
        """The same where no index was asked for its deployment and time."""
        return (
            self.deployment in (None, run.deployment)
            and (self.since_ms is None or run.created_at >= self.since_ms)
            and (self.until_ms is None or run.created_at < self.until_ms)
            and self.takes(run, now_ms)
        )


class _Place(NamedTuple):
    """Where a run stands in the order of all."""

    created_ms: int
    run_id: str


def list_runs(limit: int = 50, wanted: Wanted | None = None) -> Plan[list[Run]]:
    """The newest runs first, however many have to be looked at."""
    found: list[Run] = []
    before = ""
    while len(found) < limit:
        page = yield from page_of_runs(limit - len(found), wanted, before)
        found += page.items
        if page.next is None:
            break
        before = page.next
    return found


def page_of_runs(
    limit: int = 50, wanted: Wanted | None = None, before: str = "", clock: Clock | None = None
) -> Plan[Page[Run]]:
    """The newest runs first, of those behind the place ``before`` (``next`` of another page). A
    page may hold fewer than ``limit`` although there is a next one.

    Raises:
        InvalidOption: ``before`` is no such place.
    """
    wanted, now_ms = wanted or Wanted(), (clock or SystemClock()).now_ms()
    place = _place_of(before) if before else None
    if wanted.parent is not None:
        return (yield from _page_of_children(wanted.parent, limit, wanted, place, now_ms))
    if wanted.deployment is None:
        (members,) = yield [command(sorted, "SMEMBERS", keys.DEPLOYMENTS)]
    else:
        members = [deployment_id(wanted.deployment)]
    if not members:
        return Page([], None)
    step = max(limit, _LOOK) if wanted.is_picky else limit
    share = 1 + 2 * step // len(members)
    found: list[Run] = []
    examined = 0
    while True:
        known, is_end = yield from _newest(members, wanted, place, share)
        looked_at = known[:step]
        runs = yield from _read(looked_at, wanted)
        for at in looked_at:
            place, run = at, runs.get(at)
            if run is not None and wanted.takes(run, now_ms):
                found.append(run)
            if len(found) == limit:
                break
        if is_end and (not known or place == known[-1]):
            return Page(found, None)
        examined += len(looked_at)
        if place is not None and (len(found) == limit or examined >= MOST_EXAMINED):
            return Page(found, _text(place))
        share *= 1 if len(known) >= step else 2  # one deployment has nearly all of them


def _read(places: Sequence[_Place], wanted: Wanted) -> Plan[dict[_Place, Run | None]]:
    """The records that may be wanted. Of all others only a few fields are looked at: most of what a
    picky listing goes through is not shown."""
    if wanted.is_picky:
        glances = yield [
            command(tuple, "HMGET", keys.run(RunId(each.run_id)), "state", "tags", "name")
            for each in places
        ]
        looks = zip(places, glances, strict=True)
        places = [place for place, glance in looks if _may_be(wanted, place, *glance)]
    runs = yield [read_run(RunId(each.run_id)) for each in places]
    return dict(zip(places, runs, strict=True))


def _may_be(
    wanted: Wanted, place: _Place, state: str | None, tags: str | None, name: str | None
) -> bool:
    """False for what is surely not wanted."""
    states = {state, LATE} if state == State.SCHEDULED else {state}
    return (
        state is not None
        and (not wanted.states or not states.isdisjoint(wanted.states))
        and (not wanted.tags or set(wanted.tags) <= set(json.loads(tags or "[]")))
        and wanted.text.lower() in f"{name}\n{place.run_id}".lower()
    )


def _page_of_children(
    parent: RunId, limit: int, wanted: Wanted, before: _Place | None, now_ms: int
) -> Plan[Page[Run]]:
    """The same of what one run has asked for; a place has its number among them instead of a
    time."""
    bound = "+inf" if before is None else f"({before.created_ms}"
    words = ("ZREVRANGEBYSCORE", keys.children(parent), bound, "-inf", "WITHSCORES")
    step = max(limit, _LOOK)
    (known,) = yield [command(_places, *words, "LIMIT", 0, step)]
    runs = yield [read_run(RunId(each.run_id)) for each in known]
    found: list[Run] = []
    for place, run in zip(known, runs, strict=True):
        if run is not None and wanted.takes_child(run, now_ms):
            found.append(run)
        if len(found) == limit and place != known[-1]:
            return Page(found, _text(place))
    return Page(found, _text(known[-1]) if len(known) == step else None)


def _newest(
    members: Sequence[str], wanted: Wanted, before: _Place | None, share: int
) -> Plan[tuple[list[_Place], bool]]:
    """Places behind ``before``, the newest first and none between them missing; and whether there
    are no more. Each deployment is asked for ``share`` of them: 1,000 deployments are not asked for
    a whole page each."""
    oldest = "-inf" if wanted.since_ms is None else str(wanted.since_ms)
    bound = "+inf" if wanted.until_ms is None else f"({wanted.until_ms}"
    if before is not None and (wanted.until_ms is None or before.created_ms < wanted.until_ms):
        bound = str(before.created_ms)
    while True:
        lists: list[list[_Place]] = yield [
            _of_deployment(DeploymentId(d), bound, oldest, share) for d in members
        ]
        # What a full list ends with is as far as that list tells.
        horizon = max((each[-1] for each in lists if len(each) == share), default=None)
        places = sorted(
            (
                place
                for each in lists
                for place in each
                if (before is None or place < before) and (horizon is None or place >= horizon)
            ),
            reverse=True,
        )
        if places or horizon is None:
            return places, horizon is None
        share *= 2  # as many as were asked for have one instant, and stand before the place


def _of_deployment(d: DeploymentId, bound: str, oldest: str, count: int) -> Request[list[_Place]]:
    words = ("ZREVRANGEBYSCORE", keys.runs(d), bound, oldest, "WITHSCORES", "LIMIT", 0, count)
    return command(_places, *words)


def _places(reply: Sequence[str]) -> list[_Place]:
    return [_Place(int(at), i) for i, at in zip(reply[::2], reply[1::2], strict=True)]


def _text(place: _Place) -> str:
    return f"{place.created_ms}.{place.run_id}"


def _place_of(text: str) -> _Place:
    created, dot, run_id = text.partition(".")
    if not dot or not created.isascii() or not created.isdecimal() or len(created) > 15:
        raise InvalidOption("before", text, "is no place in a list of runs: take next of a page")
    return _Place(int(created), run_id)
