"""What must hold in every zone there is, over five years."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.model.zones import first_valid, to_local
from orchestrator.schedules import Cron, Interval, RRule, Schedule
from tests.model.minutes import clock_changes

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
ZONES = sorted(available_timezones() - {"localtime", "posixrules", "Factory"})
FIRST_YEAR, LAST_YEAR = 2022, 2026


def check_zone(name: str, first_year: int, last_year: int) -> None:
    """Everything, for one zone: around its clock changes minutes count, elsewhere days do."""
    zone = ZoneInfo(name)
    begin = datetime(first_year, 1, 1, tzinfo=UTC)
    end = datetime(last_year + 1, 1, 1, tzinfo=UTC)
    for hour in (0, 2, 3, 23):
        check_once_per_day(zone, hour, begin, end)
    check_hourly(zone, begin, end)
    for change in clock_changes(zone, first_year, last_year):
        check_pieces(Cron("*/7 * * * *", timezone=name), change - HOUR, change + 3 * HOUR)
        check_pieces(Cron("*/10 0-4 * * *", timezone=name), change - DAY, change + DAY)
        check_pieces(RRule("FREQ=MINUTELY;INTERVAL=9", timezone=name), change - HOUR, change + HOUR)


def check_once_per_day(zone: ZoneInfo, hour: int, begin: datetime, end: datetime) -> None:
    """A fixed-hour job, whichever way it is written, comes once per local day, at its hour unless
    clocks skip that."""
    midnight = to_local(begin, zone).replace(hour=0, minute=0, second=0) + DAY
    days = [midnight + n * DAY for n in range((end - begin) // DAY - 2)]
    named = [day.replace(hour=hour, minute=30) for day in days]
    expected = sorted({first_valid(local, zone) for local in named})
    for schedule in (
        Cron(f"30 {hour} * * *", timezone=zone.key),
        Interval(DAY, anchor_date=named[0] - 400 * DAY, timezone=zone.key),
        RRule(f"DTSTART:20000101T{hour:02}30\nRRULE:FREQ=DAILY", timezone=zone.key),
    ):
        got = list(between(schedule, expected[0], expected[-1]))
        assert got == expected, (zone.key, schedule)


def check_hourly(zone: ZoneInfo, begin: datetime, end: datetime) -> None:
    """A wildcard-hour job is never silent (no gap longer than an hour and a change of clocks) and
    never doubled."""
    got = list(between(Cron("0 * * * *", timezone=zone.key), begin, end))
    steps = {later - earlier for earlier, later in pairwise(got)}

    assert min(steps) > timedelta(0), zone.key
    assert all(at.astimezone(zone).minute == 0 for at in got), zone.key
    assert max(steps) <= 2 * HOUR, (zone.key, max(steps))


def check_pieces(schedule: Schedule, begin: datetime, end: datetime) -> None:
    """Strictly rising, nothing before the start, the same when asked in pieces."""
    whole = list(between(schedule, begin, end))
    pieces, at = [], begin
    while at <= end:
        (first, *_) = schedule.upcoming(1, at) or [end + DAY]
        assert first >= at
        pieces.append(first)
        at = first + timedelta(microseconds=1)

    assert all(earlier < later for earlier, later in pairwise(whole))
    assert [each for each in pieces if each <= end] == whole


def between(schedule: Schedule, begin: datetime, end: datetime) -> Iterator[datetime]:
    for at in schedule._rule().after(begin - timedelta(microseconds=1)):
        if at > end:
            return
        yield at


@given(st.sampled_from(ZONES), st.integers(2005, 2035))
@settings(deadline=None, max_examples=12)
def test_some_zones_for_a_year(name: str, year: int) -> None:
    check_zone(name, year, year)


@pytest.mark.long
@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", ZONES)
def test_every_zone_for_five_years(name: str) -> None:
    check_zone(name, FIRST_YEAR, LAST_YEAR)
