"""Cron against the minute walk, against a table, and by what must hold always."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise, takewhile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from orchestrator.model.schedule import from_start
from orchestrator.model.zones import first_valid, to_local
from orchestrator.schedules import Cron
from tests.model.minutes import clock_changes, walk

DAY = timedelta(days=1)

# zone, and years in which its clocks do what it is here for
ZONES = {
    "Europe/Berlin": (2024, 2024),
    "America/New_York": (2024, 2024),
    "America/Santiago": (2024, 2024),  # at midnight, both ways
    "Australia/Lord_Howe": (2024, 2024),  # by half an hour
    "Pacific/Apia": (2011, 2012),  # skipped a whole day
    "America/Nuuk": (2024, 2024),  # the last hour of a day
    "America/St_Johns": (2006, 2006),  # one minute past midnight: back into the day before
    "Africa/Casablanca": (2024, 2024),  # for a month
    "Antarctica/Troll": (2024, 2024),  # by two hours
    "Pacific/Chatham": (2024, 2024),  # at a quarter to three
    "Africa/Cairo": (2024, 2024),
    "Asia/Kathmandu": (2024, 2024),  # never, and not by whole hours
}
EXPRESSIONS = [
    "* * * * *",
    "*/7 * * * *",
    "30 * * * *",
    "0 0 * * *",
    "30 2 * * *",
    "30 1 * * *",
    "15,45 0-3 * * *",
    "0,30 1-3 * * *",
    "*/20 */2 * * *",
    "59 23 * * *",
    "30 23,0 * * *",
    "0 * * * 0,6",
    "*/15 * 27-31 * *",
    "0 2 1-7 * 0",
    "10 2 30,31 * *",
]


@pytest.mark.parametrize("name", ZONES)
def test_every_expression_agrees_with_the_minute_walk_around_clock_changes(name: str) -> None:
    compare_around_changes(name, *ZONES[name])


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ZONES)
def test_every_expression_agrees_with_the_minute_walk_for_seven_years(name: str) -> None:
    compare_around_changes(name, 2024, 2030)


def compare_around_changes(name: str, first_year: int, last_year: int) -> None:
    zone = ZoneInfo(name)
    changes = clock_changes(zone, first_year, last_year)
    for change in changes or [datetime(first_year, 3, 31, tzinfo=UTC)]:
        begin, end = change - DAY, change + 2 * DAY
        for expression in EXPRESSIONS:
            got = between(expression, name, begin, end)
            assert got == list(walk(expression, zone, begin, end)), (expression, name, change)


def between(expression: str, zone: str, begin: datetime, end: datetime) -> list[datetime]:
    rule = Cron(expression, timezone=zone)._rule()
    return list(takewhile(lambda at: at < end, from_start(rule, begin)))


GOLDEN = [
    # A repeated hour: 02:00-03:00 CEST, then again CET (01:00 UTC on).
    ("30 * * * *", "Europe/Berlin", "2026-10-25T00:00", "00:30 01:30 02:30"),
    ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00", "25T00:30 26T01:30"),
    # A gap: 02:00 CET is 03:00 CEST (01:00 UTC).
    ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", "29T01:00 30T00:30"),
    ("30 * * * *", "Europe/Berlin", "2026-03-29T00:00", "00:30 01:30"),
    ("0,30 1-3 * * *", "Europe/Berlin", "2026-03-29T00:00", "00:00 00:30 01:00 01:30"),
    # Half an hour: 02:00 LHST is 02:30 LHDT (15:30 UTC).
    ("0 2 * * *", "Australia/Lord_Howe", "2024-10-05T00:00", "05T15:30 06T15:00"),
    ("15 * * * *", "Australia/Lord_Howe", "2024-10-05T14:00", "14:45 16:15"),
    ("45 * * * *", "Australia/Lord_Howe", "2024-04-06T14:00", "14:45 15:15 16:15"),
    # A day that a zone skipped: its run comes when the day would have ended.
    ("0 9 30 * *", "Pacific/Apia", "2011-12-01T00:00", "30T10:00 2012-01-29T19:00"),
    # What a library upgrade must not change silently (F57).
    ("59/15 * * * *", "UTC", "2026-01-01T00:00", "00:59 01:59"),
    ("6/1 0 * * *", "UTC", "2026-01-01T00:00", "00:06 00:07 00:08"),
    ("10/20 0 * * *", "UTC", "2026-01-01T00:00", "00:10 00:30 00:50"),
    ("*/25 0 * * *", "UTC", "2026-01-01T00:00", "00:00 00:25 00:50 02T00:00"),
    ("0 0 l * *", "UTC", "2026-02-01T00:00", "28T00:00 2026-03-31T00:00"),
    ("0 0 15w * *", "UTC", "2026-02-01T00:00", "16T00:00 2026-03-16T00:00"),
    ("0 0 * * 5#2", "UTC", "2026-02-01T00:00", "13T00:00 2026-03-13T00:00"),
    ("0 0 * * l5", "UTC", "2026-02-01T00:00", "27T00:00 2026-03-27T00:00"),
    ("0 0 * * sat-sun", "UTC", "2026-02-02T00:00", "07T00:00 08T00:00 14T00:00"),
    ("0 0 1 jan,jul *", "UTC", "2026-02-02T00:00", "2026-07-01T00:00 2027-01-01T00:00"),
    ("0 0 * nov-jan mon,wed,fri", "UTC", "2026-02-02T00:00", "2026-11-02T00:00"),
    ("0 0 13 * 5", "UTC", "2026-02-07T00:00", "13T00:00 20T00:00 27T00:00"),
    ("0 0 29 2 *", "UTC", "2026-01-01T00:00", "2028-02-29T00:00 2032-02-29T00:00"),
    ("@hourly", "UTC", "2026-01-01T00:30", "01:00 02:00"),
    ("@daily", "UTC", "2026-01-01T00:30", "02T00:00"),
    ("@midnight", "UTC", "2026-01-01T00:30", "02T00:00"),
    ("@weekly", "UTC", "2026-01-01T00:00", "04T00:00 11T00:00"),
    ("@monthly", "UTC", "2026-01-15T00:00", "2026-02-01T00:00"),
    ("@yearly", "UTC", "2026-01-15T00:00", "2027-01-01T00:00"),
    ("  0   0\t* * * ", "UTC", "2026-01-01T00:30", "02T00:00"),
]


@pytest.mark.parametrize(("expression", "zone", "start", "wanted"), GOLDEN)
def test_golden_table(expression: str, zone: str, start: str, wanted: str) -> None:
    begin = datetime.fromisoformat(start).replace(tzinfo=UTC)
    # The day, the month or the whole date are left out where they are those of the start.
    expected = [
        datetime.fromisoformat(start[: 16 - len(text)] + text).replace(tzinfo=UTC)
        for text in wanted.split()
    ]

    assert Cron(expression, timezone=zone).upcoming(len(expected), begin) == expected


def test_seconds_are_the_sixth_field() -> None:
    begin = datetime(2026, 1, 1, tzinfo=UTC)

    got = Cron("* * * * * */20").upcoming(4, begin)

    assert got == [begin + timedelta(seconds=20 * n) for n in range(4)]


def test_seconds_pass_through_both_passes_of_a_repeated_hour() -> None:
    begin = datetime(2026, 10, 25, 0, 59, 30, tzinfo=UTC)

    got = Cron("* * * * * 0,30", timezone="Europe/Berlin").upcoming(122, begin)

    assert [later - earlier for earlier, later in pairwise(got)] == [timedelta(seconds=30)] * 121


def test_day_or_false_needs_both_days() -> None:
    friday_13th = Cron("0 0 13 * 5", day_or=False).upcoming(2, datetime(2026, 1, 1, tzinfo=UTC))

    assert friday_13th == [datetime(2026, m, 13, tzinfo=UTC) for m in (2, 3)]


zones = st.sampled_from([*ZONES, "UTC", "Asia/Tehran", "America/Sao_Paulo", "Europe/Dublin"])
moments = st.timedeltas(-8000 * DAY, 4000 * DAY).map(
    lambda far: datetime(2025, 1, 1, tzinfo=UTC) + far
)
clock_times = st.tuples(st.integers(0, 23), st.integers(0, 59))


@st.composite
def near_changes(draw: st.DrawFn) -> tuple[str, datetime]:
    """A zone, and a moment within a day of one of its clock changes if it has any."""
    name = draw(zones)
    year = draw(st.integers(2005, 2030))
    changes = clock_changes(ZoneInfo(name), year, year) or [datetime(year, 3, 9, tzinfo=UTC)]
    offset = draw(st.timedeltas(-DAY, 2 * DAY))
    return name, draw(st.sampled_from(changes)) + offset


@given(near_changes(), clock_times)
@settings(deadline=None, max_examples=150)
def test_a_fixed_time_comes_once_per_local_day(
    where: tuple[str, datetime], clock: tuple[int, int]
) -> None:
    name, moment = where
    zone = ZoneInfo(name)
    hour, minute = clock
    midnight = to_local(moment, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    days = [midnight + n * DAY for n in range(-2, 5)]
    expected = [first_valid(day.replace(hour=hour, minute=minute), zone) for day in days]
    assume(expected[0] < expected[-1])

    got = between(f"{minute} {hour} * * *", name, expected[0], expected[-1] + DAY / 2)

    assert got[: len(set(expected))] == sorted(set(expected))


@given(near_changes(), st.integers(0, 59))
@settings(deadline=None, max_examples=150)
def test_every_hour_is_neither_silent_nor_doubled(where: tuple[str, datetime], minute: int) -> None:
    """Each minute that clocks show at the wanted place comes exactly as often as it is shown."""
    name, moment = where
    zone = ZoneInfo(name)
    begin = moment.replace(second=0, microsecond=0)
    shown = [begin + n * timedelta(minutes=1) for n in range(24 * 60)]
    expected = [at for at in shown if at.astimezone(zone).minute == minute]

    got = between(f"{minute} * * * *", name, begin, begin + DAY)

    assert got == expected
    assert max(Counter(got).values(), default=1) == 1


fields = st.one_of(st.just("*"), st.sampled_from(["*/5", "0", "30", "0,30", "10-20", "7"]))
hours = st.sampled_from(["*", "*/3", "0", "1,2", "2", "0-4", "23", "22-23"])
days = st.sampled_from(["* * *", "* * 0", "1 * *", "25-31 * *", "* 3,10 *", "1 * 0"])


@given(near_changes(), fields, hours, days, st.integers(1, 80), st.data())
@settings(deadline=None, max_examples=150)
def test_pieces_are_the_whole(
    where: tuple[str, datetime], minute: str, hour: str, day: str, count: int, data: st.DataObject
) -> None:
    """Asked on from any of its instants, the rule goes on as if it had not been interrupted."""
    name, start = where
    schedule = Cron(f"{minute} {hour} {day}", timezone=name)

    whole = schedule.upcoming(count, start)
    cut = data.draw(st.integers(0, count - 1))

    assert all(earlier < later for earlier, later in pairwise(whole)), "not strictly rising"
    assert all(at.tzinfo is UTC for at in whole)
    assert whole[0] >= start, "before start"
    assert schedule.upcoming(count - cut, whole[cut]) == whole[cut:]
    rule = schedule._rule()
    assert list(islice(rule.after(whole[cut]), count - cut - 1)) == whole[cut + 1 :]


@given(moments, zones)
@settings(deadline=None, max_examples=100)
def test_no_instant_is_skipped_between_two_questions(start: datetime, name: str) -> None:
    """Asking from a moment between two instants gives the second: also inside repeated hours."""
    schedule = Cron("*/30 * * * *", timezone=name)
    first, second = schedule.upcoming(2, start)

    assert schedule.upcoming(1, first + (second - first) / 2) == [second]
