"""Intervals: local hour or elapsed time, from an anchor that stays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.model.zones import first_valid, to_local
from orchestrator.schedules import Interval

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago",
         "Pacific/Apia", "Asia/Tehran", "America/Nuuk", "Africa/Casablanca"]  # fmt: skip
START = datetime(2000, 1, 1, tzinfo=UTC)

zones = st.sampled_from(ZONES)
moments = st.timedeltas(timedelta(0), 12_000 * DAY).map(lambda far: START + far)


@given(zones, st.integers(0, 23), st.integers(1, 40), moments)
@settings(deadline=None)
def test_days_keep_the_local_hour_over_years(
    name: str, hour: int, days: int, start: datetime
) -> None:
    zone = ZoneInfo(name)
    anchor = datetime(2019, 2, 5, hour, 15)  # noqa: DTZ001 (local, on purpose)
    schedule = Interval(days * DAY, anchor_date=anchor, timezone=name)

    got = schedule.upcoming(800 // days + 2, start)

    first = to_local(got[1], zone)
    k = round((first - anchor) / (days * DAY))
    for n, instant in enumerate(got[1:]):
        local = anchor + (k + n) * days * DAY
        assert instant == first_valid(local, zone)


def test_a_daily_run_at_nine_stays_at_nine() -> None:
    new_york = ZoneInfo("America/New_York")
    anchor = datetime(2026, 1, 5, 9, tzinfo=new_york)

    got = Interval(DAY, anchor_date=anchor).upcoming(730, datetime(2026, 1, 5, tzinfo=UTC))

    assert {at.astimezone(new_york).hour for at in got} == {9}
    assert len({at.astimezone(new_york).date() for at in got}) == 730


def test_in_a_gap_it_comes_when_the_gap_ends() -> None:
    anchor = datetime(2026, 3, 1, 2, 30)  # noqa: DTZ001 (local, on purpose)
    schedule = Interval(DAY, anchor_date=anchor, timezone="Europe/Berlin")

    got = schedule.upcoming(3, datetime(2026, 3, 28, tzinfo=UTC))

    assert [at.strftime("%dT%H:%M") for at in got] == ["28T01:30", "29T01:00", "30T00:30"]


@given(
    zones,
    st.floats(0.1, 86_399, allow_nan=False).map(lambda seconds: round(seconds, 3)),
    moments,
    moments,
)
@settings(deadline=None)
def test_shorter_ones_follow_elapsed_time(
    name: str, seconds: float, anchor: datetime, start: datetime
) -> None:
    every = timedelta(milliseconds=round(seconds * 1000))
    anchor = anchor.replace(microsecond=0)

    got = Interval(seconds, anchor_date=anchor, timezone=name).upcoming(20, start)

    assert [later - earlier for earlier, later in pairwise(got)] == [every] * 19
    assert start <= got[0] < start + every
    assert (got[0] - anchor) % every == timedelta(0)


@given(zones, st.floats(0.1, 3e6), moments, st.integers(1, 40), st.data())
@settings(deadline=None)
def test_pieces_are_the_whole(
    name: str, seconds: float, start: datetime, count: int, data: st.DataObject
) -> None:
    schedule = Interval(seconds, timezone=name)

    whole = schedule.upcoming(count, start)
    cut = data.draw(st.integers(0, count - 1))

    assert all(earlier < later for earlier, later in pairwise(whole))
    assert whole[0] >= start
    assert schedule.upcoming(count - cut, whole[cut]) == whole[cut:]


@pytest.mark.parametrize(
    ("interval", "zone", "first"),
    [
        (3600, "UTC", "2026-11-22T13:00"),
        (DAY, "UTC", "2026-11-23T00:00"),
        (DAY, "Europe/Berlin", "2026-11-22T23:00"),
        (timedelta(weeks=1), "UTC", "2026-11-23T00:00"),  # a Monday
    ],
)
def test_without_an_anchor_it_is_counted_from_one_that_never_moves(
    interval: float | timedelta, zone: str, first: str
) -> None:
    start = datetime(2026, 11, 22, 12, 34, tzinfo=UTC)

    (got,) = Interval(interval, timezone=zone).upcoming(1, start)

    assert got == datetime.fromisoformat(first).replace(tzinfo=UTC)


def test_the_anchors_zone_is_the_timezone_when_none_is_given() -> None:
    berlin = datetime(2026, 1, 1, 9, tzinfo=ZoneInfo("Europe/Berlin"))
    offset = datetime.fromisoformat("2026-01-01T09:00+01:00")

    assert Interval(DAY, anchor_date=berlin).definition("x").timezone == "Europe/Berlin"
    assert Interval(DAY, anchor_date=offset).definition("x").timezone == "UTC"
    assert Interval(HOUR).definition("x").timezone == "UTC"


def test_an_anchor_in_the_future_works_backwards() -> None:
    anchor = datetime(2030, 1, 1, 0, 20, tzinfo=UTC)

    got = Interval(HOUR, anchor_date=anchor).upcoming(2, datetime(2026, 5, 1, tzinfo=UTC))

    assert [at.strftime("%H:%M") for at in got] == ["00:20", "01:20"]
