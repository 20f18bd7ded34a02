"""Many simulated runners on one deployment: the real protocol, every command of it, but nothing is
executed. Shows what one server carries and what a crowd costs.
"""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import random
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from typing import TypeVar

from bench.figures import Figure, quantile
from bench.machine import cpu_seconds, until
from bench.place import Place, fresh_place
from orchestrator.model.clock import SystemClock
from orchestrator.model.deployment import DeploymentDefinition
from orchestrator.model.errors import ServerUnavailable
from orchestrator.model.ids import RunnerId, deployment_id, new_nonce, new_run_id
from orchestrator.model.states import State
from orchestrator.model.watching import watches
from orchestrator.programs import load_program
from orchestrator.store import keys
from orchestrator.store.caller import AsyncStore, Store
from orchestrator.store.connection import open_async_store, open_store
from orchestrator.store.deployments import put_deployment
from orchestrator.store.leases import Claims, Outcome, claim_runs, finish_run, look, start_run
from orchestrator.store.requests import Request, command
from orchestrator.store.runners import register_runner
from orchestrator.store.runs import NewRun, submit_run, submit_runs

T = TypeVar("T")
DEFINITION = DeploymentDefinition(flow="simulated", name="bench", entrypoint="none.py:none")
D = deployment_id(DEFINITION.full_name)
LEASE_MS = 30_000
LOOK_SECONDS, THOROUGH_EVERY = LEASE_MS / 6000, 6
AGAINST = "runners of one deployment"
SECONDS = 10
QUEUED = 5_000
TOGETHER = 500
"""Simulated runners of one process: Python, which hears ten words a second for each of them."""
DONE = Outcome(state=State.COMPLETED, result="null")


@dataclass
class Runner:
    """A runner with one slot: it claims, starts and finishes, and does nothing in between."""

    store: AsyncStore
    name: RunnerId
    crowd: int
    waits: list[float] = field(default_factory=list)
    """Seconds from submit to claim, of each run."""
    wanted: asyncio.Event = field(default_factory=asyncio.Event)
    looks_soon: bool = False

    async def live(self) -> None:
        """Hear, look and work, until cancelled. Not all come at once."""
        await asyncio.sleep(random.uniform(0, LOOK_SECONDS))
        word = await self._ask(register_runner(D, self.name, "{}", pauses=False))
        assert word == "ok", word
        await asyncio.gather(self._hear(), self._look(), self._work())

    async def _hear(self) -> None:
        load_program("runner")
        from runner.hearing import patience

        async for _, message in self.store.listen(keys.control(D)):
            if message in ("queue", "connected") and not self.looks_soon:
                self.looks_soon = True
                asyncio.get_running_loop().call_later(patience(self.crowd), self._want)

    def _want(self) -> None:
        self.looks_soon = False
        self.wanted.set()

    async def _look(self) -> None:
        await asyncio.sleep(random.uniform(0, LOOK_SECONDS))
        others = watches(self.name, self.crowd)
        for number in itertools.count(random.randrange(THOROUGH_EVERY)):
            thorough = number % THOROUGH_EVERY == 0
            await self._ask(look(D, self.name, thorough=thorough, others=others))
            await asyncio.sleep(LOOK_SECONDS)

    async def _work(self) -> None:
        while True:
            await self.wanted.wait()
            self.wanted.clear()
            claims = await self._ask(self._claim())
            for run in claims.runs:
                self.waits.append(time.time() - run.scheduled_at / 1000)
                await self._ask(start_run(run.run_id, run.token, 1))
                await self._ask(finish_run(run.run_id, run.token, DONE))
            if claims.more:
                self.wanted.set()

    async def _ask(self, request: Request[T]) -> T:
        """As long as it takes, like a real one: hundreds in one process are late with reading."""
        while True:
            try:
                return await self.store.call(request)
            except ServerUnavailable:
                await asyncio.sleep(random.uniform(0.1, 0.5))

    def _claim(self) -> Request[Claims]:
        return claim_runs(
            D,
            runner=self.name,
            host="simulated",
            version="",
            nonce=new_nonce(),
            count=1,
            lease_ms=LEASE_MS,
        )


@dataclass
class Crowd:
    """All simulated runners, and what the server spends on them."""

    place: Place
    processes: Sequence[Connection]

    def waits(self) -> list[float]:
        """Of all runs claimed since the last question."""
        for process in self.processes:
            process.send("waits?")
        return [wait for process in self.processes for wait in process.recv()]

    async def spent(self, seconds: float) -> tuple[float, float]:
        """Commands a second, and percent of a core that the server takes."""
        server = self.place.server_pid()
        commands, cpu = self.place.commands(), cpu_seconds(server)
        await asyncio.sleep(seconds)
        commands, cpu = self.place.commands() - commands, cpu_seconds(server) - cpu
        return commands / seconds, cpu / seconds * 100


def measure(runners: int) -> list[Figure]:
    """10, 100 ... up to ``runners`` wait idle, then for single runs, then work off a queue."""
    sizes = sorted({*(10**power for power in range(1, 6) if 10**power < runners), runners})
    return [replace(figure, against=AGAINST, at=size) for size in sizes for figure in _with(size)]


def _with(runners: int) -> list[Figure]:
    sys.stderr.write(f"{runners} simulated runners\n")
    with fresh_place() as place, closing(open_store(place.url)) as store:
        store.call(put_deployment(DEFINITION))
        with _crowd(place, runners) as crowd:
            until(lambda: _registered(store) == runners)
            time.sleep(LOOK_SECONDS)
            return asyncio.run(_measure(crowd))


def _registered(store: Store) -> int:
    fields = store.call(command(list[str], "HKEYS", keys.runners(D)))
    return sum(":" not in field for field in fields)


async def _measure(crowd: Crowd) -> list[Figure]:
    return [*await _idle(crowd), *await _singles(crowd), *await _queue(crowd)]


@contextmanager
def _crowd(place: Place, size: int) -> Iterator[Crowd]:
    """They live within the block."""
    context = multiprocessing.get_context("spawn")
    processes, pipes = [], []
    for first in range(0, size, TOGETHER):
        ours, theirs = context.Pipe()
        numbers = range(first, min(first + TOGETHER, size))
        words = (place.url, numbers, size, theirs)
        process = context.Process(target=_live_together, args=words, daemon=True)
        process.start()
        processes.append(process)
        pipes.append(ours)
        theirs.close()
    try:
        yield Crowd(place, pipes)
    finally:
        for process in processes:
            process.terminate()
            process.join()


def _live_together(url: str, numbers: range, crowd: int, asker: Connection) -> None:
    """In a process of their own. When one fails, everything does."""

    async def live() -> None:
        runners = [Runner(open_async_store(url), RunnerId(f"r{n}"), crowd) for n in numbers]
        asyncio.get_running_loop().add_reader(asker.fileno(), _tell, asker, runners)
        async with asyncio.TaskGroup() as group:
            for runner in runners:
                group.create_task(runner.live())

    asyncio.run(live())


def _tell(asker: Connection, runners: Sequence[Runner]) -> None:
    try:
        asker.recv()
    except EOFError:
        raise SystemExit from None  # nobody asks any more
    asker.send([wait for runner in runners for wait in runner.waits])
    for runner in runners:
        runner.waits = []


async def _idle(crowd: Crowd) -> list[Figure]:
    commands, cpu = await crowd.spent(SECONDS)
    return [
        Figure("idle: commands", commands, "per s"),
        Figure("idle: the server", cpu, "% of a core"),
    ]


async def _singles(crowd: Crowd) -> list[Figure]:
    crowd.waits()
    submitting = asyncio.create_task(_submit_singly(crowd.place))
    commands, cpu = await crowd.spent(SECONDS)
    submitting.cancel()
    waits = crowd.waits()
    while not waits:  # the simulating process itself is behind
        await asyncio.sleep(1)
        waits = crowd.waits()
    return [
        Figure("10 runs a second: commands", commands, "per s"),
        Figure("10 runs a second: the server", cpu, "% of a core"),
        Figure("10 runs a second: submit to claim, median", quantile(waits, 0.5) * 1e3, "ms"),
        Figure("10 runs a second: submit to claim, p99", quantile(waits, 0.99) * 1e3, "ms"),
    ]


async def _submit_singly(place: Place) -> None:
    store = open_async_store(place.url)
    while True:
        await store.call(submit_run(_new_run()))
        await asyncio.sleep(0.1)


async def _queue(crowd: Crowd) -> list[Figure]:
    """Python drives hundreds of runners in a process, so what counts is the server's own time."""
    crowd.waits()
    store = open_async_store(crowd.place.url)
    server = crowd.place.server_pid()
    cpu, began = cpu_seconds(server), time.perf_counter()
    for _ in range(QUEUED // 500):
        await store.call_all([submit_runs(D, [_new_run() for _ in range(100)]) for _ in range(5)])
    done = 0
    while done < QUEUED:
        await asyncio.sleep(0.1)
        done += len(crowd.waits())
    spent = cpu_seconds(server) - cpu
    rate = QUEUED / (time.perf_counter() - began)
    return [
        Figure("a full queue: the server", spent / QUEUED * 1e3, "ms of CPU per run"),
        Figure("a full queue: what a core of the server carries", QUEUED / spent, "runs per s"),
        Figure("a full queue: reached by the simulating processes", rate, "runs per s"),
    ]


def _new_run() -> NewRun:
    run_id = new_run_id(D, SystemClock().now_ms())
    return NewRun(deployment_id=D, run_id=run_id, parameters="{}")
