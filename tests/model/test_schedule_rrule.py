"""Recurrence rules: against dateutil walking from the start, a table, and what must hold always."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise, takewhile
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st

from orchestrator.model.errors import InvalidSchedule
from orchestrator.model.zones import to_local
from orchestrator.schedules import Cron, RRule, Schedule
from tests.support.effort import effort

DAY = timedelta(days=1)
START = datetime(2024, 2, 27, 9, 30)  # noqa: DTZ001 (local, on purpose)

REFUSED = [
    ("", "none of FREQ"),
    ("FREQ=DAILY;" + "BYHOUR=1;" * 800, "longer than 6500 characters"),
    ("FREQ=OFTEN", "FREQ must be one of"),
    ("BYDAY=MO", "FREQ must be one of"),
    ("FREQ=DAILY;COLOUR=RED", "'COLOUR=RED' is none of"),
    ("FREQ=DAILY;INTERVAL", "'INTERVAL' is none of"),
    ("FREQ=DAILY;INTERVAL=0", "INTERVAL: '0' must be a whole number, 1 to"),
    ("FREQ=DAILY;INTERVAL=-1", "INTERVAL: '-1'"),
    ("FREQ=DAILY;INTERVAL=1;INTERVAL=2", "INTERVAL is given twice"),
    ("FREQ=DAILY;BYHOUR=24", "BYHOUR: '24' must be a whole number, 0 to 23"),
    ("FREQ=DAILY;BYHOUR=-1", "BYHOUR"),
    ("FREQ=DAILY;BYHOUR=٣", "BYHOUR"),
    ("FREQ=YEARLY;BYMONTHDAY=0", "1 to 31, also negative"),
    ("FREQ=WEEKLY;BYDAY=XX", "no weekday"),
    ("FREQ=WEEKLY;BYDAY=1MO", "in months and years only"),
    ("FREQ=WEEKLY;WKST=1", "WKST must be one of"),
    ("FREQ=DAILY;BYSETPOS=1", "BYSETPOS needs another BY part"),
    ("FREQ=DAILY;COUNT=3", "COUNT needs a DTSTART"),
    ("DTSTART:20260101T000000 RRULE:FREQ=DAILY;COUNT=10001", "COUNT"),
    ("DTSTART:20260101 DTSTART:20260102 RRULE:FREQ=DAILY", "several DTSTART"),
    ("DTSTART:20260101,20260102 RRULE:FREQ=DAILY", "several DTSTART"),
    ("DTSTART:20260101T000000", "no RRULE and no RDATE"),
    ("DTSTART:yesterday RRULE:FREQ=DAILY", "is no time"),
    ("DTSTART:10000101T000000 RRULE:FREQ=DAILY", "beyond the years"),
    ("DTSTART;COLOUR=RED:20260101 RRULE:FREQ=DAILY", "'COLOUR=RED' is not known"),
    ("RRULE:FREQ=DAILY EXRULE:FREQ=WEEKLY", "EXRULE is refused"),
    ("RRULE:FREQ=DAILY SUMMARY:daily", "'SUMMARY' is none of"),
    ("DTSTART;TZID=Mars/Olympus:20260101T000000 RRULE:FREQ=DAILY", "no time zone"),
    (
        "DTSTART;TZID=Europe/Berlin:20260101 RDATE;TZID=America/New_York:20260102",
        "RDATE is in America/New_York and the schedule in Europe/Berlin",
    ),
    # None of these ever fires.
    ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "never fires"),
    ("FREQ=MONTHLY;BYMONTH=4;BYMONTHDAY=31", "never fires"),
    ("FREQ=WEEKLY;BYMONTH=2;BYMONTHDAY=30", "never fires"),
    ("FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30", "never fires"),
    ("FREQ=SECONDLY;BYSETPOS=2;BYMINUTE=1", "never fires"),
    ("FREQ=MINUTELY;BYSECOND=1;BYSETPOS=-2", "never fires"),
    ("FREQ=HOURLY;INTERVAL=2;BYHOUR=1", "never fires"),
    ("FREQ=SECONDLY;INTERVAL=7200;BYMINUTE=30", "never fires"),
    ("FREQ=WEEKLY;BYDAY=MO,TU;BYSETPOS=3", "never fires"),
    ("FREQ=DAILY;UNTIL=20231231", "never fires"),
    ("DTSTART:20260101T09 RRULE:FREQ=DAILY;COUNT=1 EXDATE:20260101", "never fires"),
    ("RDATE:20260101 EXDATE:20260101", "never fires"),
]


@pytest.mark.parametrize(("text", "why"), REFUSED, ids=[text[:40] for text, _ in REFUSED])
def test_a_bad_rule_is_refused_in_bounded_time(text: str, why: str) -> None:
    with effort() as spent, pytest.raises(InvalidSchedule) as refused:
        RRule(text)

    assert why in str(refused.value)
    assert spent.calls < 5_000_000, "dateutil looks through every week until the year 9999"


def test_two_zones_are_refused() -> None:
    with pytest.raises(InvalidSchedule, match="DTSTART is in Europe/Berlin and the schedule in"):
        RRule("DTSTART;TZID=Europe/Berlin:20260101T09 RRULE:FREQ=DAILY", timezone="UTC")


GOLDEN = [
    # Counted from the fixed anchor, a Monday midnight, whatever the time is.
    ("FREQ=DAILY", "UTC", "2026-01-01T00:30", "02T00:00 03T00:00"),
    ("FREQ=WEEKLY;INTERVAL=2", "UTC", "2026-01-01T00:00", "12T00:00 26T00:00"),
    ("FREQ=WEEKLY;BYDAY=MO,FR;BYHOUR=9", "UTC", "2026-01-01T00:00", "02T09:00 05T09:00"),
    ("RRULE:FREQ=MONTHLY;BYDAY=-1FR", "UTC", "2026-01-01T00:00", "30T00:00 2026-02-27T00:00"),
    ("FREQ=MONTHLY;BYMONTHDAY=-1", "UTC", "2026-02-01T00:00", "28T00:00 2026-03-31T00:00"),
    ("FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO", "UTC", "2025-01-01T00:00", "2026-12-28T00:00"),
    ("FREQ=YEARLY;BYEASTER=0", "UTC", "2026-01-01T00:00", "2026-04-05T00:00 2027-03-28T00:00"),
    ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "UTC", "2026-01-01T00:00", "30T00:00"),
    ("FREQ=DAILY;BYHOUR=6,12,18;BYSETPOS=2", "UTC", "2026-01-01T00:00", "01T12:00 02T12:00"),
    ("FREQ=HOURLY;INTERVAL=5", "UTC", "2026-01-01T00:00", "01:00 06:00 11:00 16:00 21:00 02T02:00"),
    ("FREQ=MINUTELY;INTERVAL=45;BYHOUR=0", "UTC", "2026-01-01T00:00", "00:00 00:45 02T00:00"),
    # COUNT and UNTIL; a plain date is the whole day.
    ("DTSTART:20260101T09 RRULE:FREQ=DAILY;COUNT=2", "UTC", "2025-01-01T00:00",
     "2026-01-01T09:00 2026-01-02T09:00 end"),
    ("DTSTART:20260101T09 RRULE:FREQ=DAILY;COUNT=2", "UTC", "2026-01-02T00:00", "09:00 end"),
    ("DTSTART:20260101T09 RRULE:FREQ=DAILY;UNTIL=20260102", "UTC", "2026-01-02T00:00", "09:00 end"),
    ("DTSTART:20260101T09 RRULE:FREQ=DAILY;UNTIL=20260102T08", "UTC", "2026-01-01T00:00",
     "09:00 end"),
    ("DTSTART:20260101T09 RRULE:FREQ=DAILY;UNTIL=20260102T080000Z", "Europe/Berlin",
     "2026-01-01T10:00", "02T08:00 end"),
    # Sets.
    ("DTSTART:20260101T09 RRULE:FREQ=DAILY;COUNT=3 EXDATE:20260102T090000 RDATE:20260105T12",
     "UTC", "2026-01-01T00:00", "09:00 03T09:00 05T12:00 end"),
    ("DTSTART:20260101T09 RRULE:FREQ=DAILY;COUNT=3 EXDATE;VALUE=DATE:20260102",
     "UTC", "2026-01-01T00:00", "09:00 03T09:00 end"),
    ("RDATE:20260105T12,20260104", "UTC", "2026-01-01T00:00", "04T00:00 05T12:00 end"),
    ("RRULE:FREQ=DAILY\nRRULE:FREQ=DAILY;BYHOUR=0,12", "UTC", "2026-01-01T00:00",
     "00:00 12:00 02T00:00"),
    # Zones.
    ("DTSTART;TZID=Europe/Berlin:20260101T09\nRRULE:FREQ=DAILY", None, "2026-01-01T00:00",
     "08:00 02T08:00"),
    ("DTSTART:20260101T080000Z\nRRULE:FREQ=DAILY", "Europe/Berlin", "2026-07-01T00:00", "07:00"),
    ("FREQ=DAILY;BYHOUR=2;BYMINUTE=30", "Europe/Berlin", "2026-03-28T00:00",
     "01:30 29T01:00 30T00:30"),
    ("FREQ=DAILY;BYHOUR=2;BYMINUTE=30", "Europe/Berlin", "2026-10-25T00:00", "00:30 26T01:30"),
    ("FREQ=HOURLY;BYMINUTE=30", "Europe/Berlin", "2026-10-25T00:00", "00:30 01:30 02:30"),
    ("FREQ=HOURLY;BYMINUTE=30", "Europe/Berlin", "2026-03-29T00:00", "00:30 01:30"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "zone", "start", "wanted"), GOLDEN)
def test_golden_table(text: str, zone: str | None, start: str, wanted: str) -> None:
    begin = datetime.fromisoformat(start).replace(tzinfo=UTC)
    # The day, the month or the whole date are left out where they are those of the start.
    expected = [
        datetime.fromisoformat(start[: 16 - len(each)] + each).replace(tzinfo=UTC)
        for each in wanted.removesuffix(" end").split()
    ]
    more = wanted.endswith(" end")

    assert RRule(text, timezone=zone).upcoming(len(expected) + more, begin) == expected


def test_the_definition_names_the_zone_of_the_start() -> None:
    rule = RRule("DTSTART;TZID=Asia/Tokyo:20260101T09\n  RRULE:FREQ=DAILY\n")

    definition = rule.definition("x")

    assert (definition.kind, definition.timezone) == ("rrule", "Asia/Tokyo")
    assert definition.expression == "DTSTART;TZID=Asia/Tokyo:20260101T09\nRRULE:FREQ=DAILY"


frequencies = st.sampled_from(
    ["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY"]
)
PARTS = {
    "BYMONTH": ["2", "1,6,12"],
    "BYMONTHDAY": ["29", "1,-1", "13"],
    "BYYEARDAY": ["1,60,-1", "100,200"],
    "BYWEEKNO": ["1,20,53", "-1"],
    "BYDAY": ["MO", "TU,TH,SU"],
    "BYHOUR": ["9", "0,12,23"],
    "BYMINUTE": ["0", "15,45"],
    "BYSECOND": ["0", "10,50"],
    "WKST": ["SU", "WE"],
    "INTERVAL": ["2", "3", "7", "36"],
}


@st.composite
def rules(draw: st.DrawFn) -> str:
    """One rule, with few of the parts it may have."""
    names = draw(st.lists(st.sampled_from([*PARTS]), max_size=4, unique=True))
    parts = [f"{name}={draw(st.sampled_from(PARTS[name]))}" for name in names]
    frequency = draw(frequencies)
    if frequency in ("MONTHLY", "YEARLY") and "BYDAY" not in names and draw(st.booleans()):
        parts.append("BYDAY=2MO,-1FR")
    # dateutil cuts off the first week of a weekly rule at the start; RFC 5545 does not.
    if frequency != "WEEKLY" and {"BYMONTHDAY", "BYDAY", "BYHOUR"} & {*names}:
        parts += draw(st.sampled_from([[], ["BYSETPOS=1,-1"]]))
    return ";".join([f"FREQ={frequency}", *parts])


def that_fires(text: str, zone: str | None = None) -> Schedule:
    """The schedule; rules that never fire are passed over."""
    try:
        return RRule(text, timezone=zone)
    except InvalidSchedule as refused:
        if "never fires" not in refused.why:
            raise
        reject()


@given(rules(), st.timedeltas(timedelta(0), 40 * DAY))
@settings(deadline=None, max_examples=100)
def test_it_names_the_times_that_dateutil_finds(rule: str, far: timedelta) -> None:
    if "WKST" not in rule:
        rule += ";WKST=MO"
    begin = START + far
    schedule = that_fires(f"DTSTART:{START:%Y%m%dT%H%M%S}\nRRULE:{rule}")
    # The walk is dateutil's own, bounded since it cannot be stopped.
    walk = takewhile(lambda at: at < begin + 300 * DAY, rrulestr(rule, dtstart=START))
    expected = [at for at in islice(walk, 2000) if at >= begin]
    assume(expected)

    got = schedule.upcoming(len(expected), begin.replace(tzinfo=UTC))

    assert [to_local(at, ZoneInfo("UTC")) for at in got] == expected


zones = st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe",
                         "Pacific/Apia", "Africa/Casablanca", "Antarctica/Troll"])  # fmt: skip
moments = st.timedeltas(timedelta(0), 12_000 * DAY).map(
    lambda far: datetime(2024, 1, 1, tzinfo=UTC) + far
)


@given(rules(), zones, moments, st.integers(1, 40), st.data())
@settings(deadline=None, max_examples=80)
def test_pieces_are_the_whole(
    rule: str, name: str, start: datetime, count: int, data: st.DataObject
) -> None:
    schedule = that_fires(rule, name)

    whole = schedule.upcoming(count, start)
    cut = data.draw(st.integers(0, len(whole) - 1))

    assert all(earlier < later for earlier, later in pairwise(whole)), "not strictly rising"
    assert whole[0] >= start, "before start"
    assert schedule.upcoming(len(whole) - cut, whole[cut]) == whole[cut:]
    rest = islice(schedule._rule().after(whole[cut]), len(whole) - cut - 1)
    assert list(rest) == whole[cut + 1 :]


@pytest.mark.parametrize(
    ("rule", "cron"),
    [
        ("FREQ=DAILY;BYHOUR=2;BYMINUTE=30", "30 2 * * *"),
        ("FREQ=HOURLY;BYMINUTE=0,30", "0,30 * * * *"),
        ("FREQ=WEEKLY;BYDAY=SU;BYHOUR=0,1,2,3", "0 0-3 * * 0"),
        ("FREQ=MINUTELY;INTERVAL=20", "*/20 * * * *"),
    ],
)
@pytest.mark.parametrize("zone", ["Europe/Berlin", "Australia/Lord_Howe", "America/Santiago"])
def test_clock_changes_are_treated_as_in_a_cron(rule: str, cron: str, zone: str) -> None:
    for start in (datetime(2026, 3, 20, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)):
        expected = Cron(cron, timezone=zone).upcoming(3000, start)
        assert RRule(rule, timezone=zone).upcoming(3000, start) == expected


def test_far_from_its_start_it_answers_at_once() -> None:
    rule = RRule("DTSTART:19700101T000000\nRRULE:FREQ=SECONDLY;INTERVAL=7")
    with effort() as spent:
        got = rule.upcoming(1000, datetime(2500, 1, 1, tzinfo=UTC))

    assert spent.calls < 100_000
    assert {later - earlier for earlier, later in pairwise(got)} == {timedelta(seconds=7)}
    assert (got[0] - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() % 7 == 0
