"""A scheduler dies between any two commands of copying and firing; each trigger fires once (I24).

Here the scheduler's parts run in this process, over a store that executes so many commands and no
more: every gap is met in seconds. ``tests/crash/test_points_triggers.py`` kills real ones.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import count
from typing import Any

import pytest

from orchestrator.model.deployment import DeploymentDefinition
from orchestrator.model.event import emitted
from orchestrator.model.ids import deployment_id, idempotent_run_id
from orchestrator.store import events, runs
from orchestrator.store.caller import AsyncStore, Store
from orchestrator.store.connection import open_async_store, open_store
from orchestrator.store.listing import list_runs
from orchestrator.store.requests import Request
from orchestrator.store.wanted import Wanted
from orchestrator.triggers import EventTrigger, with_names
from scheduler.feeding import Feeder
from scheduler.triggers import Triggers
from tests.scheduler.scheduling import serving
from tests.support import Server
from tests.support.invariants import assert_invariants
from tests.support.keyspace import open_client

NEVER = 10**9
WATCHERS = {
    "after/submit": EventTrigger(
        expect="run.Scheduled", match={"deployment": "first/one"}, parameters={"n": "{{ run.id }}"}
    ),
    "after/after": EventTrigger(expect="run.Scheduled", match={"deployment": "after/submit"}),
    "every/second": EventTrigger(
        expect="tick", threshold=2, parameters={"n": "{{ event.payload.n }}"}
    ),
    "each/room": EventTrigger(expect="tick", for_each="id", threshold=3),
    "never/well": EventTrigger(expect="tick", parameters={"n": "{{ event.payload.m }}"}),
    "past/silence": EventTrigger.after_silence(1, expect="nothing", name="quiet"),
}
EXPECTED = {
    "first/one": 2,
    "after/submit": 2,
    "after/after": 2,
    "every/second": 3,
    "each/room": 2,
    "never/well": 0,
    "past/silence": 1,
}


class Died(BaseException):
    """The scheduler is dead."""


class Mortal:
    """A store that executes ``left`` more commands; whoever asks for another one dies."""

    def __init__(self, store: AsyncStore, left: int) -> None:
        self.store, self.left = store, left
        self.died = False

    async def call(self, request: Request[Any]) -> Any:
        return (await self.call_all([request]))[0]

    async def call_all(self, requests: Sequence[Request[Any]]) -> list[Any]:
        if self.died:
            raise Died
        if len(requests) > self.left:
            self.died = True
            await self.store.call_all(requests[: self.left])
            raise Died
        self.left -= len(requests)
        return await self.store.call_all(requests)

    async def follow(self, plan: Any) -> Any:
        replies = None
        while True:
            try:
                requests = next(plan) if replies is None else plan.send(replies)
            except StopIteration as end:
                return end.value
            replies = await self.call_all(requests)


def prepare(store: Store) -> None:
    """Deployments with triggers, two runs, six ticks; nothing of it is copied yet."""
    names: dict[str, EventTrigger | None] = {"first/one": None, **WATCHERS}
    for name, trigger in names.items():
        flow, _, last = name.partition("/")
        definition = DeploymentDefinition(
            flow=flow,
            name=last,
            entrypoint="f:f",
            triggers=with_names([trigger] if trigger else []),
        )
        store.call_all(serving(definition))
    d = deployment_id("first/one")
    for key in ("a", "b"):
        new = runs.NewRun(deployment_id=d, run_id=idempotent_run_id(d, key), parameters="{}")
        store.call(runs.submit_run(new))
    for number in range(6):
        tick = emitted("tick", f"room {number % 2}", {"n": number}, id=f"tick {number}")
        store.call(events.emit_event(tick))


async def work(store: Any, now_ms: int) -> None:
    """What a scheduler does until nothing is left to be done."""
    feeder, triggers = Feeder(store), Triggers(store)
    seen = -1
    while True:
        await feeder.turn()
        await triggers.turn(now_ms)
        for name in EXPECTED:
            feeder.note(deployment_id(name))
        length = len(await store.call(events.events_after("", 10_000)))
        if length == seen:
            return
        seen = length


async def live_and_die(url: str, commands: int) -> bool:
    """A scheduler that dies after so many commands, and one that lives; whether the first died."""
    # Later than all that happens here: whoever waits in silence has waited long enough.
    now_ms = 4_102_444_800_000
    store = open_async_store(url)
    mortal = Mortal(store, commands)
    try:
        await work(mortal, now_ms)
    except (Died, BaseExceptionGroup):
        assert mortal.died
    await work(store, now_ms)
    await store.close()
    return mortal.died


def made(store: Store) -> dict[str, int]:
    return {name: len(store.follow(list_runs(100, Wanted(deployment=name)))) for name in EXPECTED}


@pytest.mark.parametrize("step", [9, pytest.param(1, marks=pytest.mark.long)])
def test_I24_each_trigger_fires_once_wherever_a_scheduler_dies(server: Server, step: int) -> None:
    store = open_store(server.url)
    with open_client(server.url) as client:
        for commands in count(step=step):
            client.flushall()
            prepare(store)
            died = asyncio.run(live_and_die(server.url, commands))
            assert made(store) == EXPECTED, f"after {commands} commands"
            ids = [event.id for event in store.follow(events.list_events(10_000))]
            assert len(ids) == len(set(ids)), f"after {commands} commands"
            assert sorted(failures(store)) == [f"tick {n}" for n in range(6)]
            assert_invariants(client)
            if not died:
                break
    assert commands > 60
    store.close()


def failures(store: Store) -> list[str]:
    """For which events the trigger that never goes well has failed."""
    wanted = events.WantedEvents(names=["trigger.failed"])
    return [each.payload["cause"] for each in store.follow(events.list_events(100, wanted))]
