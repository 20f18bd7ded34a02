"""Planning: pure, so every policy is a table."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from orchestrator.model.clock import to_ms
from orchestrator.model.deployment import ScheduleDefinition, ScheduleRecord
from orchestrator.model.ids import deployment_id, scheduled_run_id
from orchestrator.model.schedule import jitter_ms
from orchestrator.schedules import Cron, Interval, Schedule
from orchestrator.store.schedules import Agenda, Tick, rule_text
from orchestrator.store.texts import text_of
from scheduler.leading import LEAD_SECONDS, RENEW_SECONDS
from scheduler.planning import GRACE_MS, MOST_MISSED, Outlook, outlook

D = deployment_id("flow/name")
NOW = to_ms(datetime(2026, 11, 22, 12, tzinfo=UTC))
MINUTE = 60_000


def record(schedule: Schedule, cursor: int, next_ms: int | None = None) -> ScheduleRecord:
    return ScheduleRecord(
        definition=schedule.definition("unnamed"),
        origin="code",
        generation=3,
        cursor_ms=cursor,
        next_ms=next_ms,
    )


def stored(record: ScheduleRecord) -> dict[str, str]:
    """As the server has it."""
    slug = record.definition.slug
    return {
        f"{slug}:rule": rule_text(record.definition),
        f"{slug}:active": "1" if record.definition.active else "",
        f"{slug}:generation": str(record.generation),
        f"{slug}:cursor": str(record.cursor_ms),
        f"{slug}:next": text_of(record.next_ms),
    }


def view(
    *records: ScheduleRecord,
    now: int = NOW,
    at: int | None = None,
    paused: bool = False,
    parameters: str = "{}",
    delayed_due: int | None = None,
) -> Outlook:
    agenda = Agenda(
        now_ms=now,
        paused=paused,
        gone=False,
        stored={name: text for each in records for name, text in stored(each).items()},
        parameters=parameters,
        delayed_due=delayed_due,
    )
    return outlook(D, agenda, now if at is None else at)


def made(tick: Tick) -> list[tuple[int, bool]]:
    """Due (relative to NOW) and whether late, of each occurrence."""
    return [(each.due_ms - NOW, each.late) for each in tick.occurrences]


@pytest.mark.parametrize(
    ("catchup", "cursor", "now", "expected"),
    [
        # On time: each policy makes the instant a run.
        ("latest", NOW - MINUTE, NOW, [(0, False)]),
        ("all", NOW - MINUTE, NOW, [(0, False)]),
        ("none", NOW - MINUTE, NOW, [(0, False)]),
        # Within the grace it is due and not missed; beyond it it is missed.
        ("none", NOW - MINUTE, NOW + GRACE_MS, [(0, False)]),
        ("none", NOW - MINUTE, NOW + GRACE_MS + 1, []),
        ("latest", NOW - MINUTE, NOW + GRACE_MS + 1, [(0, False)]),
        ("all", NOW - MINUTE, NOW + GRACE_MS + 1, [(0, True)]),
        # Some were missed, one is due.
        ("latest", NOW - 4 * MINUTE, NOW, [(0, False)]),
        ("none", NOW - 4 * MINUTE, NOW, [(0, False)]),
        (
            "all",
            NOW - 4 * MINUTE,
            NOW,
            [(-3 * MINUTE, True), (-2 * MINUTE, True), (-MINUTE, True), (0, False)],
        ),
        # Some were missed, none is due.
        ("latest", NOW - 2 * MINUTE, NOW + 30_000, [(0, False)]),
        ("all", NOW - 2 * MINUTE, NOW + 30_000, [(-MINUTE, True), (0, True)]),
        ("none", NOW - 2 * MINUTE, NOW + 30_000, []),
        # Handled already.
        ("all", NOW, NOW + 1000, []),
        ("latest", NOW, NOW + 1000, []),
        # A cursor from the future: clocks were set back.
        ("all", NOW + MINUTE, NOW, []),
    ],
)
def test_what_becomes_of_passed_instants(
    catchup: str, cursor: int, now: int, expected: list[tuple[int, bool]]
) -> None:
    schedule = Cron("* * * * *", catchup=catchup)  # type: ignore[arg-type]  # from the table

    (tick,) = view(record(schedule, cursor), now=now).ticks

    assert made(tick) == expected
    assert (tick.cursor_seen, tick.cursor) == (cursor, max(cursor, now))
    assert tick.next_ms is not None
    assert tick.next_ms > tick.cursor
    assert tick.next_ms % MINUTE == 0


def test_all_makes_up_for_the_newest_hundred() -> None:
    """F63: a week of minutes, and the answer is bounded and comes at once."""
    missed = record(Cron("* * * * *", catchup="all"), NOW - 7 * 24 * 60 * MINUTE)

    (tick,) = view(missed).ticks

    assert len(tick.occurrences) == MOST_MISSED + 1
    assert made(tick)[0] == (-MOST_MISSED * MINUTE, True)
    assert made(tick)[-1] == (0, False)


def test_run_ids_are_those_of_the_instants() -> None:
    (tick,) = view(record(Cron("* * * * *"), NOW - 1)).ticks

    assert tick.occurrences[0].run_id == scheduled_run_id(D, "unnamed", NOW)


def test_jitter_makes_a_run_late_and_never_another_run() -> None:
    schedule = Cron("* * * * *", jitter=20, catchup="all")
    missed = record(schedule, NOW - 50 * MINUTE)
    (tick,), (again,) = view(missed).ticks, view(missed).ticks
    instants = [NOW - n * MINUTE for n in range(49, -1, -1)]
    late = [made.due_ms - at for made, at in zip(tick.occurrences, instants, strict=True)]

    assert tick == again, "whoever computes it"
    assert [made.run_id for made in tick.occurrences] == [
        scheduled_run_id(D, "unnamed", at) for at in instants
    ]
    assert all(0 <= each <= 20_000 for each in late)
    assert len(set(late)) > 40, "spread out"
    other = jitter_ms(deployment_id("flow/other"), schedule.definition("unnamed"), NOW)
    assert other != late[-1], "schedules of one name do not come together"


def test_a_tick_says_what_becomes_of_overlaps() -> None:
    (tick,) = view(record(Cron("* * * * *", overlap="skip"), NOW - 1)).ticks

    assert tick.overlap == "skip"


def test_a_schedules_parameters_come_before_the_deployments() -> None:
    schedule = Cron("* * * * *", parameters={"b": 3, "c": 4})

    (tick,) = view(record(schedule, NOW - 1), parameters='{"a": 1, "b": 2}').ticks

    assert json.loads(tick.occurrences[0].parameters) == {"a": 1, "b": 3, "c": 4}


def test_what_is_planned_and_not_due_is_left_alone() -> None:
    seen = view(record(Cron("* * * * *"), NOW - 1, next_ms=NOW + 5), delayed_due=NOW + 3)

    assert (seen.ticks, seen.promote, seen.look_at) == ((), False, NOW + 3)


def test_what_has_no_plan_gets_one() -> None:
    seen = view(record(Cron("* * * * *"), NOW))

    assert [(made(tick), tick.next_ms) for tick in seen.ticks] == [([], NOW + MINUTE)]
    assert seen.look_at == NOW + MINUTE
    assert seen.has_work


def test_planned_ahead_is_planned_as_if_the_instant_had_come() -> None:
    ahead = view(record(Cron("* * * * *"), NOW - MINUTE, NOW), now=NOW - 3000, at=NOW)
    in_time = view(record(Cron("* * * * *"), NOW - MINUTE, NOW), now=NOW)

    assert ahead == in_time


def test_a_schedule_that_has_ended_asks_for_no_more_looks() -> None:
    ended = Interval(60, end_date=datetime(2026, 1, 1, tzinfo=UTC))

    seen = view(record(ended, NOW))

    assert [(made(tick), tick.next_ms) for tick in seen.ticks] == [([], None)]
    assert seen.look_at is None
    assert not seen.has_work


@pytest.mark.parametrize("delayed_due", [NOW, NOW - 5 * MINUTE])
def test_delayed_runs_are_promoted_also_in_a_pause(delayed_due: int) -> None:
    minutely = record(Cron("* * * * *"), NOW - 5 * MINUTE)

    seen = view(minutely, paused=True, delayed_due=delayed_due)

    assert (seen.ticks, seen.promote, seen.look_at) == ((), True, None)


def test_an_inactive_schedule_stands_still() -> None:
    seen = view(record(Cron("* * * * *", active=False), NOW - 5 * MINUTE))

    assert (seen.ticks, seen.look_at) == ((), None)


def test_one_broken_rule_stops_no_other() -> None:
    broken = ScheduleDefinition(slug="bad", kind="cron", expression="x", timezone="Mars/Olympus")
    bad = ScheduleRecord(
        definition=broken, origin="user", generation=1, cursor_ms=NOW - 1, next_ms=None
    )

    seen = view(bad, record(Cron("* * * * *"), NOW - 1))

    assert [made(tick) for tick in seen.ticks] == [[(0, False)]]
    assert [each.slug for each in seen.broken] == ["bad"]


def test_a_leader_that_is_killed_is_replaced_within_the_grace() -> None:
    """Else ``catchup="none"`` would lose occurrences with it."""
    assert (LEAD_SECONDS + RENEW_SECONDS) * 1000 < GRACE_MS
