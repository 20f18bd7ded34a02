"""Schedules as users write them: what is taken, what is refused, and with which words."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.declaring.slugs import with_slugs
from orchestrator.model.deployment import ScheduleDefinition
from orchestrator.model.errors import InvalidInput, InvalidName, InvalidOption, InvalidSchedule
from orchestrator.model.schedule import newest, rule_of
from orchestrator.schedules import Cron, Interval, RRule, Schedule
from tests.support.effort import effort

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)

REFUSED_CRON = [
    ("", "has 0 fields"),
    ("* * * *", "has 4 fields"),
    ("* * * * * * *", "has 7 fields"),
    ("60 * * * *", "out of range"),
    ("* * * * 9", "out of range"),
    ("*/0 * * * *", "not acceptable"),
    ("5-1-2 * * * *", "cannot be read"),
    ("x * * * *", "cannot be read"),
    ("-1 * * * *", "cannot be read"),
    ("٣ * * * *", "cannot be read"),
    ("* * * foo *", "cannot be read"),
    ("R * * * *", "R (random) and H (hashed) are refused"),
    ("H H * * *", "R (random) and H (hashed) are refused"),
    ("0 h(0-7) * * *", "R (random) and H (hashed) are refused"),
    ("r/15 * * * *", "R (random) and H (hashed) are refused"),
    ("1,H * * * *", "R (random) and H (hashed) are refused"),
    ("@reboot", "is no alias"),
    ("@every 5m", "is no alias"),
    ("0 0 31 2 *", "never fires"),
    ("0 0 30 2 *", "never fires"),
    ("0 0 31 4,6,9,11 *", "never fires"),
    ("0," * 300 + "0 * * * *", "longer than 500 characters"),
    ("9" * 400 + " * * * *", "cannot be read"),
]


@pytest.mark.parametrize(("expression", "why"), REFUSED_CRON, ids=[e[:20] for e, _ in REFUSED_CRON])
def test_a_bad_cron_expression_is_refused_at_once(expression: str, why: str) -> None:
    with pytest.raises(InvalidSchedule) as refused:
        Cron(expression)

    assert why in str(refused.value)
    assert isinstance(refused.value, ValueError)


letters = st.text("0123456789*/-,#?LWHRlwhr @monjaf\t٣²½\u00a0\0", max_size=30)
words = st.lists(
    st.sampled_from(
        ["*", "0", "31", "1-5", "*/2", "5/7", "l", "15w", "1#5", "5#1", "l3", "feb", "fri-mon",
         "?", "30,31", "29", "59/15", "2#6", "*,5", "l,3", "sun#2,mon", "h", "1/99999999999"]
    ),
    min_size=4, max_size=7,
).map(" ".join)  # fmt: skip


@given(st.one_of(letters, words, st.text(max_size=20)))
@settings(deadline=None, max_examples=500)
def test_no_text_takes_long_or_raises_anything_else(text: str) -> None:
    with effort() as spent, suppress(InvalidSchedule):
        Cron(text)
    assert spent.calls < 100_000


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "europe/berlin", "Europe", "../etc/passwd", "a\0b", "x" * 5000]
)
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(InvalidSchedule, match="no time zone"):
        Cron("* * * * *", timezone=name)


def test_a_similar_zone_is_offered() -> None:
    with pytest.raises(InvalidSchedule, match="did you mean Europe/Berlin"):
        Cron("* * * * *", timezone="europe/berlin")


@pytest.mark.parametrize(
    "interval",
    [0, -1, 0.05, float("nan"), float("inf"), 1e300, 10**400, timedelta(0), timedelta(-1),
     timedelta.max, "soon", None, True, [60]],
)  # fmt: skip
def test_a_bad_interval_is_refused(interval: Any) -> None:
    with pytest.raises(InvalidSchedule, match="an interval"):
        Interval(interval)


BAD_OPTIONS: list[tuple[Callable[[], object], type[InvalidInput]]] = [
    (Schedule, InvalidSchedule),
    (lambda: Schedule(cron="* * * * *", interval=5), InvalidSchedule),
    (lambda: Schedule(rrule="FREQ=DAILY", interval=5), InvalidSchedule),
    (lambda: Schedule(rrule="FREQ=DAILY", anchor_date=NOON), InvalidOption),
    (lambda: RRule(5), InvalidSchedule),  # type: ignore[arg-type]
    (lambda: RRule(None), InvalidSchedule),  # type: ignore[arg-type]
    (lambda: Schedule(cron="* * * * *", anchor_date=NOON), InvalidOption),
    (lambda: Cron(5), InvalidSchedule),  # type: ignore[arg-type]  # refused, not crashed
    (lambda: Cron("* * * * *", timezone=1), InvalidSchedule),  # type: ignore[arg-type]
    (lambda: Cron("* * * * *", catchup="some"), InvalidOption),  # type: ignore[arg-type]
    (lambda: Cron("* * * * *", overlap="sure"), InvalidOption),  # type: ignore[arg-type]
    (lambda: Cron("* * * * *", jitter=-1), InvalidOption),
    (lambda: Cron("* * * * *", jitter=float("nan")), InvalidOption),
    (lambda: Cron("* * * * *", jitter=True), InvalidOption),
    (lambda: Cron("* * * * *", jitter=timedelta(days=2)), InvalidOption),
    (lambda: Cron("* * * * *", jitter="5"), InvalidOption),  # type: ignore[arg-type]
    (lambda: Cron("* * * * *", active=1), InvalidOption),  # type: ignore[arg-type]
    (lambda: Cron("* * * * *", day_or="no"), InvalidOption),  # type: ignore[arg-type]
    (lambda: Cron("* * * * *", parameters={"x": object()}), InvalidOption),
    (lambda: Cron("* * * * *", parameters={"x": float("nan")}), InvalidOption),
    (lambda: Cron("* * * * *", parameters={1: 2}), InvalidOption),  # type: ignore[dict-item]
    (lambda: Cron("* * * * *", start_date="soon"), InvalidOption),  # type: ignore[arg-type]
    (lambda: Cron("* * * * *", start_date=datetime.min.replace(tzinfo=UTC)), InvalidOption),
    (lambda: Cron("* * * * *", start_date=NOON, end_date=NOON - timedelta(1)), InvalidOption),
    (lambda: Interval(5, anchor_date=datetime.max), InvalidOption),  # noqa: DTZ901
    (lambda: Cron("* * * * *", slug=""), InvalidName),
    (lambda: Cron("* * * * *", slug="Daily"), InvalidName),
    (lambda: Cron("* * * * *", slug="-x"), InvalidName),
    (lambda: Cron("* * * * *", slug="a:b"), InvalidName),
    (lambda: Cron("* * * * *", slug="x" * 65), InvalidName),
    (lambda: Cron("* * * * *").upcoming(-1), InvalidOption),
    (lambda: Cron("* * * * *").upcoming(True), InvalidOption),
    (lambda: Cron("* * * * *").upcoming(1, "now"), InvalidOption),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("make", "error"), BAD_OPTIONS)
def test_a_bad_option_is_refused(make: Callable[[], object], error: type[InvalidInput]) -> None:
    with pytest.raises(error):
        make()


def test_start_and_end_are_included() -> None:
    schedule = Cron("0 * * * *", start_date=NOON, end_date=NOON + timedelta(hours=2))

    got = schedule.upcoming(10, NOON - timedelta(days=400))

    assert got == [NOON + timedelta(hours=n) for n in range(3)]
    assert schedule.upcoming(10, NOON + timedelta(hours=3)) == []


def test_naive_dates_are_local_times_of_the_timezone() -> None:
    schedule = Cron(
        "0 * * * *",
        timezone="Asia/Tokyo",
        start_date=datetime(2026, 11, 22, 21),  # noqa: DTZ001 (local, on purpose)
    )

    assert schedule.upcoming(1, NOON - timedelta(days=1)) == [NOON]
    assert schedule.upcoming(1, datetime(2026, 11, 22, 21)) == [NOON]  # noqa: DTZ001


def test_upcoming_begins_now_unless_told_otherwise() -> None:
    before = datetime.now(UTC)
    (first,) = Interval(0.5).upcoming(1)

    assert before <= first <= datetime.now(UTC) + timedelta(seconds=0.5)


def test_far_ends_of_the_calendar_are_no_trouble() -> None:
    for schedule in (Cron("* * * * *", timezone="Asia/Tokyo"), Interval(5), Interval(86400 * 3)):
        assert schedule.upcoming(3, datetime.max.replace(tzinfo=UTC)) == []
        assert len(schedule.upcoming(3, datetime(2, 1, 1, tzinfo=UTC))) == 3


def test_the_definition_is_the_same_for_the_same_schedule() -> None:
    """Serving again compares definitions: equal ones must be equal to the letter."""
    one = Interval(90, timezone="Europe/Berlin", parameters={"a": 1})
    two = Interval(timedelta(seconds=90.0), timezone="Europe/Berlin", parameters={"a": 1})

    assert one.definition("x") == two.definition("x")
    assert one.definition("x").expression == "90"
    assert Interval(0.25).definition("x").expression == "0.25"
    assert Cron(" 0  9 * * * ").definition("x") == Cron("0 9 * * *").definition("x")


def test_a_definition_leads_back_to_the_same_instants() -> None:
    end = NOON + timedelta(days=900)
    schedule = Cron("0 0 13 * 5", timezone="Europe/Paris", day_or=False, end_date=end)
    stored = json.dumps(asdict(schedule.definition("x")))

    rule = rule_of(ScheduleDefinition(**json.loads(stored)))

    assert [*rule.after(NOON)] == schedule.upcoming(99, NOON) != []


def test_unknown_kinds_are_refused_by_name() -> None:
    other: Any = {"slug": "x", "kind": "moon", "expression": "full", "timezone": "UTC"}

    with pytest.raises(InvalidSchedule, match="no schedules of kind 'moon'"):
        rule_of(ScheduleDefinition(**other))


def test_slugs_are_numbered_by_kind_around_given_ones() -> None:
    schedules = [
        Cron("0 1 * * *"),
        Interval(5),
        Cron("0 2 * * *", slug="cron-2"),
        Cron("0 3 * * *"),
        RRule("FREQ=DAILY"),
    ]

    definitions = with_slugs(schedules)

    assert [each.slug for each in definitions] == [
        "cron-1",
        "interval-1",
        "cron-2",
        "cron-3",
        "rrule-1",
    ]


def test_one_slug_for_two_schedules_is_refused() -> None:
    with pytest.raises(InvalidName, match="two schedules"):
        with_slugs([Interval(5, slug="often"), Interval(6, slug="often")])


@pytest.mark.parametrize(
    "schedule", [Cron("* * * * * *"), Interval(0.1), Cron("0 3 * * *"), Cron("0 0 29 2 *")]
)
@pytest.mark.parametrize("most", [1, 7, 100])
def test_the_newest_instants_of_a_long_time(schedule: Schedule, most: int) -> None:
    """F63: however far the cursor is behind, the answer comes at once."""
    rule = rule_of(schedule.definition("x"))
    with effort() as spent:
        got = newest(rule, NOON - timedelta(days=3650), NOON, most)

    assert spent.calls < 100_000
    assert list(islice(rule.after(got[0]), len(got) - 1)) == got[1:], "none is left out"
    assert got[-1] <= NOON < next(rule.after(got[-1]))
    assert len(got) == most or next(rule.after(NOON - timedelta(days=3650))) == got[0]
