"""Planning: what a look at a deployment makes due, and when to look again. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from orchestrator.model.clock import from_ms, to_ms
from orchestrator.model.deployment import ScheduleRecord
from orchestrator.model.ids import DeploymentId, scheduled_run_id
from orchestrator.model.schedule import Rule, from_start, jitter_ms, newest, rule_of
from orchestrator.store.schedules import Agenda, Occurrence, Tick

GRACE_MS = 5_000
"""An instant no older than this is due, not missed. Longer than it takes a standby to lead."""

MOST_MISSED = 100
"""How many missed instants ``catchup="all"`` makes up for: the newest ones."""

PART = 50
"""Schedules planned in one go."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A schedule that cannot be planned, and why. It stands still; the others go on (F55)."""

    slug: str
    error: Exception


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What is to be done for a deployment at one instant, and when to look again after that."""

    ticks: tuple[Tick, ...] = ()
    promote: bool = False
    """Delayed runs are due."""
    look_at: int | None = None
    broken: tuple[Broken, ...] = ()

    @property
    def has_work(self) -> bool:
        """Whether something waits to be done. Not a tick that only says, perhaps once more, that
        its schedule has ended."""
        return self.promote or any(t.occurrences or t.next_ms is not None for t in self.ticks)


def outlook(d: DeploymentId, agenda: Agenda, now_ms: int) -> Outlook:
    """What the agenda asks for at ``now_ms``.

    That is the agenda's own time, or one shortly after it, to have everything at hand when that
    comes.
    """
    return whole(outlooks(d, agenda, now_ms))


def outlooks(d: DeploymentId, agenda: Agenda, now_ms: int) -> Iterator[Outlook]:
    """The same in parts, of a few schedules each, for whoever has other things to do in between.
    ``whole`` puts them together."""
    promote = agenda.delayed_due is not None and agenda.delayed_due <= now_ms
    # What remains delayed after a promotion shows in the look that follows it.
    yield Outlook(promote=promote, look_at=None if promote else agenda.delayed_due)
    slugs = iter(() if agenda.paused or agenda.gone else agenda.active())
    while some := tuple(islice(slugs, PART)):
        yield _part(d, agenda, some, now_ms)


def whole(parts: Iterable[Outlook]) -> Outlook:
    """One outlook of its parts."""
    parts = tuple(parts)
    return Outlook(
        ticks=tuple(tick for each in parts for tick in each.ticks),
        promote=any(each.promote for each in parts),
        look_at=min((each.look_at for each in parts if each.look_at is not None), default=None),
        broken=tuple(broken for each in parts for broken in each.broken),
    )


def _part(d: DeploymentId, agenda: Agenda, slugs: Sequence[str], now_ms: int) -> Outlook:
    ticks: list[Tick] = []
    upcoming: list[int | None] = []
    broken: list[Broken] = []
    for slug in slugs:
        try:
            # Of one that was planned and is not due, which most are, nothing else is read.
            next_ms = agenda.next_ms(slug)
            if next_ms is None or next_ms <= now_ms:
                ticks.append(_tick(d, agenda, agenda.schedule(slug), now_ms))
                next_ms = ticks[-1].next_ms
        # Whatever is wrong with one stored rule (it may come from another version) is reported and
        # changes nothing on the server: going on without it is safe.
        except Exception as error:  # noqa: BLE001
            broken.append(Broken(slug, error))
            continue
        upcoming.append(next_ms)
    look_at = min((at for at in upcoming if at is not None), default=None)
    return Outlook(ticks=tuple(ticks), look_at=look_at, broken=tuple(broken))


def _tick(d: DeploymentId, agenda: Agenda, record: ScheduleRecord, now_ms: int) -> Tick:
    """The next step of a schedule that is due, or was not planned yet."""
    rule = rule_of(record.definition)
    due_from = max(record.cursor_ms + 1, now_ms - GRACE_MS)
    due, following = _due(rule, due_from, max(record.cursor_ms, now_ms))
    missed: list[datetime] = []
    if record.next_ms is None or record.next_ms < due_from:
        missed = _missed(rule, record, due_from - 1)
    if record.definition.catchup == "latest":
        # One run makes up for all: one that is due does it as well.
        missed, due = [], due or missed
    return Tick(
        slug=record.definition.slug,
        generation=record.generation,
        cursor_seen=record.cursor_ms,
        cursor=max(record.cursor_ms, now_ms),
        next_ms=None if following is None else to_ms(following),
        overlap=record.definition.overlap,
        occurrences=_occurrences(d, agenda, record, missed, due),
    )


def _due(rule: Rule, first_ms: int, until_ms: int) -> tuple[list[datetime], datetime | None]:
    """The instants of this span, both ends included, and the first one after it."""
    until = from_ms(until_ms)
    due: list[datetime] = []
    for instant in from_start(rule, from_ms(first_ms)):
        if instant > until:
            return due, instant
        due.append(instant)
    return due, None


def _missed(rule: Rule, record: ScheduleRecord, until_ms: int) -> list[datetime]:
    """The instants after the cursor that are to be made up for."""
    most = {"all": MOST_MISSED, "latest": 1, "none": 0}[record.definition.catchup]
    if not most or until_ms <= record.cursor_ms:
        return []
    return newest(rule, from_ms(record.cursor_ms), from_ms(until_ms), most)


def _occurrences(
    d: DeploymentId,
    agenda: Agenda,
    record: ScheduleRecord,
    missed: Sequence[datetime],
    due: Sequence[datetime],
) -> tuple[Occurrence, ...]:
    if not missed and not due:
        return ()
    definition = record.definition
    parameters = {**json.loads(agenda.parameters), **definition.parameters}
    text = json.dumps(parameters, ensure_ascii=False)
    return tuple(
        Occurrence(
            run_id=scheduled_run_id(d, definition.slug, to_ms(at)),
            due_ms=to_ms(at) + jitter_ms(d, definition, to_ms(at)),
            parameters=text,
            late=late,
        )
        for late, instants in ((True, missed), (False, due))
        for at in instants
    )
