"""Schedules as users write them: ``Cron("0 9 * * 1-5", timezone="Europe/Berlin")``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Literal, TypedDict, Unpack, get_args
from zoneinfo import ZoneInfo

from orchestrator.declaring.schedule_checks import (
    check_choice,
    check_count,
    check_flag,
    check_parameters,
    check_slug,
    jitter_seconds,
)
from orchestrator.model.deployment import Catchup, Overlap, ScheduleDefinition
from orchestrator.model.errors import InvalidOption, InvalidSchedule
from orchestrator.model.interval import DEFAULT_ANCHOR, interval_of, interval_text
from orchestrator.model.recurrences import normalized, zone_named_in
from orchestrator.model.schedule import Rule, from_start, rule_of
from orchestrator.model.zones import FIRST_INSTANT, LAST_INSTANT, zone_of

Kind = Literal["cron", "interval", "rrule"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """When a deployment runs: exactly one of ``cron``, ``interval`` and ``rrule``.

    Naive dates are local times in ``timezone``. Without a timezone it is that of the anchor or of
    the rrule's DTSTART if that has one with a name, and UTC otherwise. ``start_date`` and
    ``end_date`` are both included.

    Raises:
        InvalidSchedule: it cannot be understood, or it never fires.
        InvalidOption: another option whose value cannot be used.
        InvalidName: a slug that cannot be used.
    """

    cron: str | None = None
    interval: float | timedelta | None = None
    rrule: str | None = None
    timezone: str | None = None
    anchor_date: datetime | None = None
    day_or: bool = True
    active: bool = True
    parameters: Mapping[str, Any] | None = None
    slug: str | None = None
    catchup: Catchup = "latest"
    overlap: Overlap = "allow"
    start_date: datetime | None = None
    end_date: datetime | None = None
    jitter: float | timedelta = 0.0

    def __post_init__(self) -> None:
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            raise InvalidSchedule(
                " and ".join(given), "give exactly one of cron, interval and rrule"
            )
        if self.interval is None and self.anchor_date is not None:
            raise InvalidOption("anchor_date", self.anchor_date, "only intervals have an anchor")
        check_flag("active", self.active)
        check_flag("day_or", self.day_or)
        check_choice("catchup", self.catchup, get_args(Catchup))
        check_choice("overlap", self.overlap, get_args(Overlap))
        check_parameters(self.parameters)
        if self.slug is not None:
            check_slug(self.slug)
        self._check_dates()
        self._rule()

    @property
    def kind(self) -> Kind:
        """``cron``, ``interval`` or ``rrule``."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    def upcoming(self, count: int, start: datetime | None = None) -> list[datetime]:
        """The next ``count`` instants (aware, UTC) from ``start`` on, ``start`` itself included.

        ``start`` is now unless given. Fewer when the schedule ends before.
        """
        check_count(count)
        begin = datetime.now(UTC) if start is None else self._instant("start", start)
        return list(islice(from_start(self._rule(), begin), count))

    def definition(self, slug: str) -> ScheduleDefinition:
        """What is registered; ``slug`` names it when it has no slug of its own."""
        return ScheduleDefinition(
            slug=self.slug or check_slug(slug),
            kind=self.kind,
            expression=self._expression(),
            timezone=self._zone().key,
            active=self.active,
            parameters=dict(self.parameters or {}),
            catchup=self.catchup,
            overlap=self.overlap,
            jitter_seconds=jitter_seconds(self.jitter),
            details=self._details(),
        )

    def _rule(self) -> Rule:
        return rule_of(self.definition("unnamed"))

    def _expression(self) -> str:
        if self.interval is not None:
            return interval_text(interval_of(self.interval))
        if self.rrule is not None:
            return normalized(self.rrule)
        if not isinstance(self.cron, str):
            raise InvalidSchedule(self.cron, "a cron expression is a text such as '0 9 * * 1-5'")
        return " ".join(self.cron.split())

    def _zone(self) -> ZoneInfo:
        given = getattr(self, self.kind)
        if self.timezone is not None:
            return zone_of(self.timezone, given)
        anchor_zone = getattr(self.anchor_date, "tzinfo", None)
        named = getattr(anchor_zone, "key", None)
        if self.rrule is not None:
            named = zone_named_in(normalized(self.rrule))
        return zone_of(named or "UTC", given)

    def _details(self) -> dict[str, Any]:
        details: dict[str, Any] = {}
        if self.cron is not None:
            details["day_or"] = self.day_or
        elif self.interval is not None:
            details["anchor"] = self._stored("anchor_date", self.anchor_date or DEFAULT_ANCHOR)
        if self.start_date is not None:
            details["start"] = self._stored("start_date", self.start_date)
        if self.end_date is not None:
            details["end"] = self._stored("end_date", self.end_date)
        return details

    def _check_dates(self) -> None:
        if self.start_date is None or self.end_date is None:
            return
        start = self._instant("start_date", self.start_date)
        if self._instant("end_date", self.end_date) < start:
            raise InvalidOption("end_date", self.end_date, "comes before start_date")

    def _stored(self, option: str, moment: datetime) -> str:
        """RFC 3339 in UTC, to the millisecond."""
        instant = self._instant(option, moment)
        if not FIRST_INSTANT <= instant <= LAST_INSTANT:
            span = f"{FIRST_INSTANT.year} and {LAST_INSTANT.year}"
            raise InvalidOption(option, moment, f"must lie between the years {span}")
        return instant.isoformat(timespec="milliseconds")

    def _instant(self, option: str, moment: datetime) -> datetime:
        if not isinstance(moment, datetime):
            raise InvalidOption(option, moment, "must be a datetime")
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=self._zone())
        try:
            return aware.astimezone(UTC)
        except OverflowError:
            raise InvalidOption(option, moment, "is beyond every calendar") from None


class ScheduleOptions(TypedDict, total=False):
    """What every kind of schedule can be given besides."""

    catchup: Catchup
    """What becomes of instants that passed while no scheduler worked: one run for all of them (the
    default), a run for each (of the newest hundred), or none."""
    overlap: Overlap
    """What becomes of an instant at which a run of this schedule is not over yet: another run at
    once (the default), none (it is recorded as ``Skipped``), one that waits for the other's end, or
    one for which the other is cancelled."""
    start_date: datetime | None
    end_date: datetime | None
    jitter: float | timedelta
    """Each run is late by a part of this: the same part for whoever computes it, another one for
    the next instant and the next schedule."""


def Cron(  # noqa: N802 (reads as the thing it makes)
    expression: str,
    /,
    timezone: str | None = None,
    day_or: bool = True,
    active: bool = True,
    parameters: Mapping[str, Any] | None = None,
    slug: str | None = None,
    **options: Unpack[ScheduleOptions],
) -> Schedule:
    """A schedule by cron expression: five fields, or six with seconds as the last.

    An hour field of ``*`` follows the clock through both passes of a repeated hour; any other hour
    field fires once per local day, at the first valid instant if clocks skip its time.
    ``day_or``: a day matches if day of month *or* weekday does; False: only if both do.
    """
    if expression is None:
        raise InvalidSchedule(expression, "a cron expression is a text such as '0 9 * * 1-5'")
    return Schedule(
        cron=expression,
        timezone=timezone,
        day_or=day_or,
        active=active,
        parameters=parameters,
        slug=slug,
        **options,
    )


def Interval(  # noqa: N802 (reads as the thing it makes)
    interval: float | timedelta,
    /,
    anchor_date: datetime | None = None,
    timezone: str | None = None,
    active: bool = True,
    parameters: Mapping[str, Any] | None = None,
    slug: str | None = None,
    **options: Unpack[ScheduleOptions],
) -> Schedule:
    """A schedule every so many seconds (or a timedelta), at least 0.1 s, to the millisecond.

    Counted from ``anchor_date``, before and after it; without one from Monday, 1 January 2024,
    midnight in the timezone, so that serving again does not shift it. Intervals of a day or more
    keep the anchor's local hour when clocks change, shorter ones follow elapsed time.
    """
    if interval is None:
        raise InvalidSchedule(interval, "an interval is a timedelta or a number of seconds")
    return Schedule(
        interval=interval,
        timezone=timezone,
        anchor_date=anchor_date,
        active=active,
        parameters=parameters,
        slug=slug,
        **options,
    )


def RRule(  # noqa: N802 (reads as the thing it makes)
    text: str,
    /,
    timezone: str | None = None,
    active: bool = True,
    parameters: Mapping[str, Any] | None = None,
    slug: str | None = None,
    **options: Unpack[ScheduleOptions],
) -> Schedule:
    """A schedule by RFC 5545: ``"FREQ=WEEKLY;BYDAY=MO,FR;BYHOUR=9"``, or a set of DTSTART, RRULE,
    RDATE and EXDATE lines.

    Times without a zone are local ones of the timezone, by default that of the DTSTART. Without a
    DTSTART it is counted from Monday, 1 January 2024, midnight. Rules below a day that name no hour
    follow the clock, as a cron with hour field ``*`` does; all others fire once for each local
    time. EXRULE is refused, and a COUNT without DTSTART.
    """
    if text is None:
        raise InvalidSchedule(text, "an rrule is a text such as 'FREQ=WEEKLY;BYDAY=MO,FR'")
    return Schedule(
        rrule=text,
        timezone=timezone,
        active=active,
        parameters=parameters,
        slug=slug,
        **options,
    )
