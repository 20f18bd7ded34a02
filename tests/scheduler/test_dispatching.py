"""One dispatcher, step by step, on a real server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import combinations_with_replacement, pairwise
from typing import Any

import pytest

from orchestrator.model.clock import to_ms
from orchestrator.model.ids import DeploymentId, RunId, new_run_id
from orchestrator.model.states import State
from orchestrator.schedules import Cron, Interval
from orchestrator.store import keys
from orchestrator.store.attention import due_attention, lower_attention
from orchestrator.store.caller import AsyncStore
from orchestrator.store.children import cancel_family
from orchestrator.store.connection import open_async_store
from orchestrator.store.deployments import pause_deployment, resume_deployment
from orchestrator.store.requests import Plan, Request, as_is, command
from orchestrator.store.runs import NewRun, cancel_run, submit_later, submit_run
from orchestrator.store.schedule_edits import pause_schedule, put_schedule, resume_schedule
from orchestrator.store.schedules import Agenda, agenda
from scheduler import dispatching
from scheduler.dispatching import AHEAD_MS, Dispatcher
from scheduler.planning import MOST_MISSED, Outlook, outlooks
from scheduler.serverclock import ServerClock
from tests.scheduler.scheduling import Place

HOUR = 3_600_000
FAR = 4_102_444_800_000
MINUTE = 60_000
MINUTELY = Cron("* * * * *")
ALL, NONE = Cron("* * * * *", catchup="all"), Cron("* * * * *", catchup="none")


def dispatch(place: Place, until: Callable[[], bool] | None = None) -> None:
    """Take turns until nothing is left to do now (or until the fact)."""

    async def work() -> None:
        store = open_async_store(place.server.url)
        dispatcher = Dispatcher(store, ServerClock(store))
        async with asyncio.timeout(20):
            while await dispatcher.turn() == 0 or not (until is None or until()):
                pass
        await store.close()

    asyncio.run(work())


def test_a_new_schedule_is_planned_and_makes_nothing(place: Place) -> None:
    d = place.deploy(Cron("0 0 1 1 *"))

    dispatch(place)

    new_year = to_ms(datetime(datetime.now(UTC).year + 1, 1, 1, tzinfo=UTC))
    assert place.schedule(d).next_ms == new_year
    assert place.attention(d) == new_year
    assert place.runs() == []


@pytest.mark.parametrize(
    ("schedule", "asked", "late"), [(MINUTELY, 1, 0), (ALL, 0, 60), (NONE, 0, 0)]
)
def test_an_hour_without_a_scheduler(place: Place, schedule: Any, asked: int, late: int) -> None:
    """Each policy, exactly, and the cursor is where the server's time is."""
    d = place.deploy(schedule)
    dispatch(place)
    cursor = place.set_back(d, "cron-1", HOUR)

    dispatch(place)

    now = place.schedule(d).cursor_ms
    missed = range(cursor // MINUTE * MINUTE + MINUTE, now + 1, MINUTE)
    fresh = [at for at in missed if at >= now - 5000]
    if schedule is ALL:
        assert place.due() == list(missed)
    elif schedule is MINUTELY:
        assert place.due() == [missed[-1]]
    else:
        assert place.due() == fresh
    if not fresh:
        assert (len(place.tickets(d)), len(place.late_tickets(d))) == (asked, late)


def test_a_month_without_a_scheduler_is_bounded(place: Place) -> None:
    """F63."""
    d = place.deploy(Cron("* * * * * *", catchup="all"))
    dispatch(place)
    place.set_back(d, "cron-1", 30 * 24 * HOUR)

    dispatch(place)

    assert len(place.late_tickets(d)) == MOST_MISSED


def test_every_instant_once(place: Place) -> None:
    d = place.deploy(Interval(0.2))
    began = place.now_ms(d)

    dispatch(place, until=lambda: len(place.due()) >= 10)

    due = place.due()
    assert [later - earlier for earlier, later in pairwise(due)] == [200] * (len(due) - 1)
    assert began < due[0] <= began + 400
    assert sorted(place.tickets(d)) == sorted(run.id for run in place.runs())
    assert all(run.created_at >= run.scheduled_at for run in place.runs()), "before its time"
    assert place.runs()[0].created_by == "schedule:interval-1"


def test_a_pause_stops_schedules_and_its_instants_are_not_missed(place: Place) -> None:
    d = place.deploy(Interval(0.1, catchup="all"))
    dispatch(place, until=lambda: len(place.due()) >= 2)
    place.store.follow(pause_deployment(d, "user"))
    before = len(place.due())
    dispatch(place, until=lambda: place.attention(d) is None)

    place.store.call_all([command(as_is, "HSET", keys.schedules(d), "interval-1:cursor", 1)])
    place.store.follow(resume_deployment(d))
    resumed = place.now_ms(d)
    dispatch(place, until=lambda: len(place.due()) >= before + 2)

    assert all(due > resumed - 1000 for due in place.due()[before:])


def test_a_delayed_run_is_queued_at_its_time(place: Place) -> None:
    d = place.deploy()
    due = place.now_ms(d) + 300
    run = delayed(d, due)
    place.store.follow(submit_later(run))

    dispatch(place, until=lambda: bool(place.tickets(d)))

    assert place.now_ms(d) >= due
    assert place.tickets(d) == [run.run_id]
    dispatch(place)
    assert place.attention(d) is None


def test_more_delayed_runs_than_one_step_takes(place: Place) -> None:
    d = place.deploy()
    due = place.now_ms(d) + 100
    runs = [delayed(d, due) for _ in range(450)]
    place.store.call(lower_attention(d, due))
    place.store.call_all([submit_run(run) for run in runs])

    dispatch(place, until=lambda: len(place.tickets(d)) == 450)

    assert place.now_ms(d) >= due


def test_children_that_a_cancelled_run_has_left_are_cancelled(place: Place) -> None:
    """Whoever cancelled it died right after that, and nobody serves it."""
    d = place.deploy()
    parent, child = delayed(d, FAR), delayed(d, FAR)
    place.store.follow(submit_later(parent))
    place.store.follow(submit_later(replace(child, parent=parent.run_id)))
    # As the parent's own runner would have noted it.
    place.store.call(command(as_is, "ZADD", keys.children(parent.run_id), 1, child.run_id))
    place.store.call(command(as_is, "HSET", keys.run(parent.run_id), "children", 1))
    first = next_but_one(cancel_family(parent.run_id, "somebody"), place)
    place.store.call_all(first)

    dispatch(place)

    assert [run.state for run in place.runs()] == [State.CANCELLED] * 2
    assert not place.store.call(agenda(d)).parting


def next_but_one(plan: Plan[Any], place: Place) -> Sequence[Request[Any]]:
    """What a plan asks in the step that changes something."""
    requests = next(plan)
    while not any(each.script and each.script.name == "cancel_run" for each in requests):
        requests = plan.send(place.store.call_all(requests))
    return requests


@pytest.mark.damages_keys
def test_a_broken_rule_and_a_broken_deployment_stop_nobody_else(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    """F55: one schedule with a rule of nowhere, one deployment whose hash is no hash."""
    ill = place.deploy(MINUTELY, Interval(0.1), name="flow/ill")
    worse = place.deploy(MINUTELY, name="flow/worse")
    well = place.deploy(Interval(0.1))
    spoil = command(as_is, "HGET", keys.schedules(ill), "cron-1:rule")
    rule = place.store.call(spoil).replace('"UTC"', '"Mars/Olympus"')
    place.store.call(command(as_is, "HSET", keys.schedules(ill), "cron-1:rule", rule))
    place.store.call(command(as_is, "DEL", keys.schedules(worse)))
    place.store.call(command(as_is, "SET", keys.schedules(worse), "no hash"))

    dispatch(place, until=lambda: len(place.tickets(well)) > 2 and len(place.tickets(ill)) > 2)

    told = [entry.message for entry in caplog.records if entry.levelname == "ERROR"]
    assert len(told) == 2, "each is told once"
    assert any("cron-1" in line and "Mars/Olympus" in line for line in told)


class Interrupted(AsyncStore):
    """A store before whose calls something else may happen, by the number of the call."""

    def __init__(self, inner: AsyncStore, before: Callable[[int], Awaitable[None]]) -> None:
        super().__init__(inner.url, inner._connect)
        self._before = before
        self.calls = 0

    async def call_all(self, requests: Sequence[Request[Any]]) -> list[Any]:
        if requests:
            self.calls += 1
            await self._before(self.calls)
        return await super().call_all(requests)


CALLS = 8
"""More than one turn that settles a deployment makes; the later ones fall into the next turn."""


@pytest.mark.parametrize("where", list(combinations_with_replacement(range(1, CALLS + 1), 3)))
def test_no_interleaving_loses_a_due_instant(place: Place, where: tuple[int, int, int]) -> None:
    """lower, change, lower: each before any call of a scheduler that raises the entry meanwhile."""
    d = place.deploy(Cron("0 0 1 1 *"))
    soon = place.now_ms(d) + 10 * AHEAD_MS
    lower: Request[Any] = lower_attention(d, soon)
    change: Request[Any] = submit_run(delayed(d, soon))
    steps = list(zip(where, (lower, change, lower), strict=True))

    async def work() -> None:
        other = open_async_store(place.server.url)

        async def before(call: int) -> None:
            for _, step in [entry for entry in steps if entry[0] == call]:
                await other.call(step)

        store = Interrupted(other, before)
        dispatcher = Dispatcher(store, ServerClock(store))
        while await dispatcher.turn() == 0 or store.calls < CALLS:
            pass
        await store.close()
        await other.close()

    asyncio.run(work())

    (entry,) = place.store.call(due_attention(soon, 10))
    assert entry == (d, soon)


def delayed(d: DeploymentId, at_ms: int) -> NewRun:
    run_id: RunId = new_run_id(d, at_ms)
    return NewRun(deployment_id=d, run_id=run_id, parameters="{}", scheduled_at=at_ms)


def test_runs_that_must_not_overlap_come_one_after_the_other(place: Place) -> None:
    d = place.deploy(Cron("0 * * * *", catchup="all", overlap="queue"))
    dispatch(place)
    place.set_back(d, "cron-1", 3 * HOUR)
    dispatch(place)
    first, *others = place.runs()

    assert place.late_tickets(d) + place.tickets(d) == [first.id]
    for each in others:
        place.store.call(cancel_run(place.runs()[others.index(each)].id, "test"))
        dispatch(place, lambda each=each: each.id in place.tickets(d))  # type: ignore[misc]  # bound now
    assert place.tickets(d) == [others[-1].id]


def test_what_a_schedule_made_by_a_person_needs_is_seen_at_once(place: Place) -> None:
    d = place.deploy()
    dispatch(place)
    new = Cron("* * * * *").definition("mine")

    place.store.follow(put_schedule(d, new, edit=False))
    dispatch(place)
    planned = place.schedule(d)
    place.store.follow(pause_schedule(d, "mine"))
    place.set_back(d, "mine", HOUR)
    dispatch(place)

    assert planned.next_ms is not None
    assert place.runs() == []
    place.store.follow(resume_schedule(d, "mine"))
    dispatch(place)
    assert len(place.runs()) <= 1, "instants while it was paused are not missed ones"
    assert place.schedule(d).next_ms is not None


def test_what_falls_due_while_others_are_planned_is_sent(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if one deployment had schedules without end."""
    slow, quick = place.deploy(name="flow/slow"), place.deploy(Interval(0.2))
    dispatch(place)
    monkeypatch.setattr(dispatching, "BREATH_SECONDS", 0)

    def planned(d: DeploymentId, seen: Agenda, now_ms: int) -> Iterator[Outlook]:
        deadline = time.monotonic() + 20
        while d == slow and not place.tickets(quick) and time.monotonic() < deadline:
            yield Outlook()
        yield from outlooks(d, seen, now_ms)

    monkeypatch.setattr(dispatching, "outlooks", planned)
    # Behind the other, which is prepared by then.
    place.store.call(lower_attention(slow, place.now_ms(slow) + AHEAD_MS))
    dispatch(place, until=lambda: bool(place.tickets(quick)))


class SetClock(ServerClock):
    """A server's clock that stands where it is put."""

    now_ms = 0

    async def read(self) -> int:
        return self.now_ms

    def estimate(self) -> int:
        return self.now_ms


def test_what_was_prepared_before_a_deployment_was_served_again_is_prepared_anew(
    place: Place,
) -> None:
    """Shortly before an instant, with the schedule as it was and other default parameters."""
    yearly = Cron("0 0 1 1 *")
    d = place.deploy(yearly, parameters={"size": "old"})
    dispatch(place)
    instant = place.schedule(d).next_ms
    assert instant is not None

    async def work() -> None:
        store = open_async_store(place.server.url)
        clock = SetClock(store)
        dispatcher = Dispatcher(store, clock)
        clock.now_ms = instant - AHEAD_MS // 2
        while await dispatcher.turn() == 0:
            pass
        place.deploy(yearly, parameters={"size": "new"})
        while await dispatcher.turn() == 0:
            pass
        clock.now_ms = instant
        await dispatcher.turn()
        await store.close()

    asyncio.run(work())
    assert [run.parameters for run in place.runs()] == [{"size": "new"}]
