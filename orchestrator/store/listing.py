"""Runs in pages, the newest first, of one deployment or of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from orchestrator.model.clock import Clock, SystemClock
from orchestrator.model.ids import RunId, deployment_id
from orchestrator.model.run import Run
from orchestrator.store import keys
from orchestrator.store.places import BEGINNING, Place
from orchestrator.store.requests import Plan, command
from orchestrator.store.runs import read_run
from orchestrator.store.walking import Walk
from orchestrator.store.wanted import Wanted

T = TypeVar("T")

MOST_EXAMINED = 10_000
"""Runs looked at for one page: what nearly no run fits is found over several."""

LOOK = 3_000
"""Runs looked at in the first step when only some of them are wanted."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of many."""

    items: list[T]
    next: str | None
    """Where the next page begins; None behind the last one."""
    looked_at: int = 0
    """Runs that were looked at for it."""
    back_to_ms: int | None = None
    """Not all could be looked at, only those created at this instant or later."""


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
    place = Place.of(before) if before else None
    if wanted.parent is not None:
        return (yield from _page_of_children(wanted.parent, limit, wanted, place, now_ms))
    if wanted.deployment is None:
        (members,) = yield [command(sorted, "SMEMBERS", keys.DEPLOYMENTS)]
    else:
        members = [deployment_id(wanted.deployment)]
    together = max(limit, LOOK) if wanted.is_picky else 2 * limit
    walk = Walk(members, wanted, place or BEGINNING, now_ms, together)
    # However many there are, each is looked at.
    most = MOST_EXAMINED + len(members)
    found: list[Run] = []
    horizon = walk.horizon
    while horizon is not None:
        places = yield from walk.further(most - walk.looked_at)
        runs, last = yield from _read(places, wanted, limit - len(found), now_ms)
        found += runs
        horizon = walk.horizon
        if len(found) == limit:
            is_end = horizon is None and last == places[-1]
            return Page(found, None if is_end else last.text, walk.looked_at)
        if horizon is not None and walk.looked_at >= most:
            return Page(found, horizon.text, walk.looked_at, horizon.created_ms)
    return Page(found, None, walk.looked_at)


def _read(
    places: Sequence[Place], wanted: Wanted, limit: int, now_ms: int
) -> Plan[tuple[list[Run], Place]]:
    """The first ``limit`` of these that are wanted, and the place of the last one looked at."""
    found: list[Run] = []
    place = BEGINNING
    for at in range(0, len(places), limit):
        some = places[at : at + limit]
        runs: list[Run | None] = yield [read_run(RunId(each.run_id)) for each in some]
        for place, run in zip(some, runs, strict=True):
            if run is not None and wanted.takes(run, now_ms):
                found.append(run)
            if len(found) == limit:
                return found, place
    return found, place


def _page_of_children(
    parent: RunId, limit: int, wanted: Wanted, before: Place | None, now_ms: int
) -> Plan[Page[Run]]:
    """The same of what one run has asked for; a place has its number among them instead of a
    time."""
    bound = "+inf" if before is None else f"({before.created_ms}"
    words = ("ZREVRANGEBYSCORE", keys.children(parent), bound, "-inf", "WITHSCORES")
    step = max(limit, LOOK)
    (known,) = yield [command(_places, *words, "LIMIT", 0, step)]
    runs = yield [read_run(RunId(each.run_id)) for each in known]
    found: list[Run] = []
    for place, run in zip(known, runs, strict=True):
        if run is not None and wanted.takes_child(run, now_ms):
            found.append(run)
        if len(found) == limit and place != known[-1]:
            return Page(found, place.text)
    return Page(found, known[-1].text if len(known) == step else None)


def _places(reply: Sequence[str]) -> list[Place]:
    return [Place(int(at), i) for i, at in zip(reply[::2], reply[1::2], strict=True)]
