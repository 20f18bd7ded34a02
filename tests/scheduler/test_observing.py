"""A deployment whose last runner is gone: the scheduler takes the leases that nobody keeps."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from orchestrator.model.deployment import FlowOptions
from orchestrator.model.ids import DeploymentId, RunId, RunnerId, idempotent_run_id
from orchestrator.model.states import State
from orchestrator.schedules import Interval
from orchestrator.store.connection import open_async_store
from orchestrator.store.deployments import read_deployment
from orchestrator.store.keys import RETENTION_MS
from orchestrator.store.leases import Claimed, beat_runs, claim_runs, look, start_run
from orchestrator.store.requests import command
from orchestrator.store.runners import register_runner
from orchestrator.store.runs import NewRun, cancel_run, read_run, submit_run
from scheduler.feeding import Feeder
from scheduler.observing import FIND_EVERY, Observer
from tests.scheduler.scheduling import Place
from tests.support import eventually

LEASE = 30.0
STEP = LEASE / 4
"""Between two looks: well below the longest gap, and four of them are a lease."""
RUNNER, LIVING = RunnerId("host-1-abcdefgh"), RunnerId("host-2-abcdefgh")


@dataclass
class HandClock:
    """Stands still until it is set."""

    seconds: float = 0.0

    def now_ms(self) -> int:
        return 0

    def elapsed(self) -> float:
        return self.seconds


def watch(place: Place, looks: int, between: Callable[[], object] = lambda: None) -> None:
    """What a leading scheduler does in that time; four steps later a lease is over."""

    async def work() -> None:
        store, clock = open_async_store(place.server.url), HandClock()
        observer = Observer(store, clock, LEASE, RETENTION_MS)
        for _ in range(looks):
            await observer.look()
            clock.seconds += STEP
            between()
        await store.close()

    asyncio.run(work())


def served(place: Place, on_lost: Literal["restart", "fail"] = "restart") -> DeploymentId:
    d = place.deploy(options=FlowOptions(on_lost=on_lost))
    place.store.call(register_runner(d, RUNNER, "{}", False))
    return d


def begun(place: Place, d: DeploymentId, key: str = "a", lease: float = LEASE) -> Claimed:
    """A run that this runner executes, as far as the server knows."""
    run_id = idempotent_run_id(d, key)
    place.store.call(submit_run(NewRun(deployment_id=d, run_id=run_id, parameters="{}")))
    claim = claim_runs(
        d, runner=RUNNER, host="h", version="1", nonce=f"{key:0<16}", count=1,
        lease_ms=round(lease * 1000),
    )  # fmt: skip
    (claimed,) = place.store.call(claim).runs
    assert place.store.call(start_run(run_id, claimed.token, 77)) == "ok"
    return claimed


def state(place: Place, run_id: RunId) -> State:
    run = place.store.call(read_run(run_id))
    assert run is not None
    return run.state


def test_I1_a_run_of_a_lost_host_waits_for_the_next_runner(place: Place) -> None:
    d = served(place)
    run_id = begun(place, d).run_id

    watch(place, looks=4)
    assert state(place, run_id) is State.RUNNING
    watch(place, looks=5)
    assert state(place, run_id) is State.SCHEDULED
    deployment = place.store.follow(read_deployment(d))
    assert deployment is not None
    assert not deployment.runners, "the runner that is gone is not shown any more"


def test_I9_a_cancelled_run_ends_though_no_runner_is_left(place: Place) -> None:
    run_id = begun(place, served(place)).run_id
    assert place.store.call(cancel_run(run_id, "test")) == "cancelling"

    watch(place, looks=5)
    assert state(place, run_id) is State.CANCELLED


def test_a_run_that_must_not_begin_again_is_over(place: Place) -> None:
    run_id = begun(place, served(place, on_lost="fail")).run_id

    watch(place, looks=5)
    assert state(place, run_id) is State.CRASHED


def test_I4_who_beats_keeps_his_lease(place: Place) -> None:
    d = served(place)
    kept = begun(place, d)
    beat = beat_runs(d, RUNNER, round(LEASE * 1000), [(kept.run_id, kept.token)])

    watch(place, looks=9, between=lambda: place.store.call(beat))
    assert state(place, kept.run_id) is State.RUNNING


def test_I4_a_lease_is_taken_after_its_own_time(place: Place) -> None:
    d = served(place)
    longer, other = begun(place, d, "a", lease=2 * LEASE), begun(place, d, "b")

    watch(place, looks=8)
    assert state(place, other.run_id) is State.SCHEDULED
    assert state(place, longer.run_id) is State.RUNNING
    watch(place, looks=9)
    assert state(place, longer.run_id) is State.SCHEDULED


def test_while_a_runner_lives_it_is_left_to_him(place: Place) -> None:
    """He has the code, and so the hooks."""
    d = served(place)
    run_id = begun(place, d).run_id
    place.store.call(register_runner(d, LIVING, "{}", False))

    watch(place, looks=9, between=lambda: place.store.call(look(d, LIVING, thorough=False)))
    assert state(place, run_id) is State.RUNNING


def test_deployments_in_which_nothing_happens_are_asked_once(place: Place) -> None:
    """However many there are, they cost a leader nothing."""
    d = served(place)
    place.deploy_many(20, Interval(3600))
    asked: list[int] = []

    async def work() -> None:
        store = open_async_store(place.server.url)
        observer = Observer(store, HandClock(), LEASE, RETENTION_MS)
        for look_number in range(2 * FIND_EVERY + 1):
            before = counted(place, "zcard")
            if look_number == 2 * FIND_EVERY:
                observer.note(d)
            await observer.look()
            asked.append(counted(place, "zcard") - before)
        await store.close()

    asyncio.run(work())
    assert [asked[0], asked[FIND_EVERY], asked[-1]] == [21, 0, 1]
    assert sum(asked) == 22


def test_a_claim_that_comes_later_is_found_by_its_event(place: Place) -> None:
    d = served(place)
    found: list[RunId] = []

    async def work() -> None:
        store, clock = open_async_store(place.server.url), HandClock()
        observer = Observer(store, clock, LEASE, RETENTION_MS)
        feeder = Feeder(store, observer.note)
        for look_number in range(2 * FIND_EVERY):
            await feeder.turn()
            await observer.look()
            clock.seconds += STEP
            if look_number == 0:
                found.append(begun(place, d).run_id)
                feeder.note(d)
        await store.close()

    asyncio.run(work())
    assert state(place, found[0]) is State.SCHEDULED


def counted(place: Place, name: str) -> int:
    """Calls of a command that the server has executed."""
    facts = place.store.call(command(str, "INFO", "commandstats"))
    found = re.search(rf"cmdstat_{name}:calls=(\d+)", facts)
    return int(found[1]) if found else 0


def test_a_scheduler_process_watches(place: Place) -> None:
    run_id = begun(place, served(place), lease=1.0).run_id
    assert place.store.call(cancel_run(run_id, "test")) == "cancelling"

    place.start(ORCHESTRATOR_LEASE_SECONDS="1")
    eventually(lambda: state(place, run_id) is State.CANCELLED, within=60, why="it is over")
