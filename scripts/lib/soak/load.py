"""What people and programs do meanwhile: ask for runs, cancel, pause, hold, resume, edit."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

from orchestrator import Client
from orchestrator.model.deployment import ScheduleDefinition
from orchestrator.model.errors import Conflict, RunIsFinal, RunNotFound, ServerUnavailable
from orchestrator.model.ids import RunId, deployment_id
from orchestrator.model.run import Run
from orchestrator.schedules import Schedule
from orchestrator.store.connection import open_store
from orchestrator.store.runs import read_run
from orchestrator.store.schedule_edits import put_schedule
from soak.history import History
from soak.profile import LEASE, PERIOD, SHARES, Profile

WINDOW = 4
"""Open runs per slot: a queue of some length, and room for a share of each kind."""
LOOK_SECONDS = 0.2
LONG_SHARE = 0.5
ACTIVE_SHARE = 0.7


@dataclass
class Load:
    """The people's side. ``is_calm``: nothing is broken or meddled with any more."""

    profile: Profile
    seed: int
    url: str
    history: History
    progress: Callable[[], float]
    """The share of the faults that are over, about: runs are asked for at the same pace."""
    enough: threading.Event
    """No more runs are to be asked for."""
    is_calm: threading.Event = field(default_factory=threading.Event)
    accepted: list[RunId] = field(default_factory=list)
    endless: list[RunId] = field(default_factory=list)
    """Runs that end only when somebody cancels them."""
    finals: dict[RunId, Run] = field(default_factory=dict)
    """Records as they were when they were first seen to be final."""
    paused: list[RunId] = field(default_factory=list)
    """Runs that somebody has paused and resumed; the server may have forgotten the latter."""
    edits: int = 0
    _open: dict[RunId, None] = field(default_factory=dict)
    """The runs that are not known to be over, in the order in which they were asked for."""

    def ask_for_runs(self) -> None:
        """Create all runs, never too many at once."""
        random = Random(f"runs {self.seed}")
        window = WINDOW * self.profile.hosts * self.profile.limit
        with Client(self.url) as client:
            for number in range(self.profile.runs):
                while not self.enough.is_set() and not (
                    len(self._open) < window and self._is_due(number)
                ):
                    self.enough.wait(LOOK_SECONDS / 4)
                if self.enough.is_set():
                    break
                self._create(client, number, random)

    def watch(self) -> None:
        """Note the records of runs that are over, until all are, or time is up."""
        store = open_store(self.url)
        done_at = None
        while done_at is None or (self._open and time.monotonic() < done_at):
            if self.is_calm.is_set() and done_at is None:
                done_at = time.monotonic() + self.profile.quiet_seconds
            with suppress(ServerUnavailable):
                asked = list(self._open)
                found = store.call_all([read_run(run_id) for run_id in asked])
                for run_id, run in zip(asked, found, strict=True):
                    if run is None or run.is_final:
                        # Whether one may be gone is for the checker to say.
                        del self._open[run_id]
                    if run is not None and run.is_final:
                        self.finals[run_id] = run
            time.sleep(LOOK_SECONDS)
        store.close()

    def meddle(self) -> None:
        """Cancel, pause, hold and edit at random, until all is calm."""
        random = Random(f"people {self.seed}")
        deeds: list[Callable[[Client, Random], None]] = [
            *[self._cancel] * 4, *[self._hold] * 2, *[self._edit_schedule] * 2,
            self._pause_run, self._pause_schedule, self._look_after,
        ]  # fmt: skip
        cancelled = 0
        with Client(self.url) as client:
            while not self.is_calm.wait(random.expovariate(1 / self.profile.meddle_seconds)):
                if cancelled < len(self.endless):
                    self._cancel_run(client, self.endless[cancelled])
                    cancelled += 1
                random.choice(deeds)(client, random)
            # All of them: the end of a journal that was cut may have been such a cancel.
            for run_id in self.endless:
                self._cancel_run(client, run_id)
            self._look_after(client, random)

    def _is_due(self, number: int) -> bool:
        return number <= self.profile.runs * (self.progress() * 0.95 + 0.05)

    def _create(self, client: Client, number: int, random: Random) -> None:
        (kind,) = random.choices(list(SHARES), list(SHARES.values()))
        name, key, parameters = f"{kind}/soak", f"soak-{number}", _parameters(kind, random)
        run = self.history.ask(
            "create",
            key,
            lambda: client.create_run(name, parameters, idempotency_key=key),
            lambda run: run.id,
        )
        self.accepted.append(run.id)
        self._open[run.id] = None
        if kind == "endless":
            self.endless.append(run.id)

    def _cancel(self, client: Client, random: Random) -> None:
        if run_id := self._some_run(random):
            self._cancel_run(client, run_id)

    def _cancel_run(self, client: Client, run_id: RunId) -> None:
        with suppress(RunIsFinal, RunNotFound):
            self._ask("cancel", run_id, lambda: client.cancel_run(run_id))

    def _pause_run(self, client: Client, random: Random) -> None:
        if run_id := self._some_run(random):
            with suppress(Conflict, RunIsFinal, RunNotFound):
                self.paused.append(run_id)
                self._ask("pause run", run_id, lambda: client.pause_run(run_id))
                self.is_calm.wait(random.uniform(0.2, 1.0))
                self._resume_run(client, run_id)

    def _resume_run(self, client: Client, run_id: RunId) -> None:
        with suppress(Conflict, RunIsFinal, RunNotFound):
            self._ask("resume run", run_id, lambda: client.resume_run(run_id))

    def _hold(self, client: Client, random: Random) -> None:
        name = f"{random.choice(list(SHARES))}/soak"
        self._ask("hold", name, lambda: client.hold_deployment(name))
        self.is_calm.wait(random.uniform(0.3, 1.5))
        self._ask("release", name, lambda: client.release_deployment(name))

    def _pause_schedule(self, client: Client, random: Random) -> None:
        self._ask("pause", "clock/soak", lambda: client.pause_deployment("clock/soak"))
        self.is_calm.wait(random.uniform(0.5, 2.5))
        self._ask("resume", "clock/soak", lambda: client.resume_deployment("clock/soak"))

    def _look_after(self, client: Client, _: Random) -> None:
        """Whatever the server forgot: nothing stays held or paused for ever."""
        for name in (f"{kind}/soak" for kind in SHARES):
            self._ask("release", name, partial(client.release_deployment, name))
        self._ask("resume", "clock/soak", lambda: client.resume_deployment("clock/soak"))
        for run_id in self.paused:
            self._resume_run(client, run_id)

    def _edit_schedule(self, _: Client, random: Random) -> None:
        """Another rule for a schedule that people made; its number is a parameter of its runs."""
        self.edits += 1
        rule = Schedule(
            interval=PERIOD,
            active=random.random() < ACTIVE_SHARE,
            catchup="all",
            parameters={"rule": self.edits},
        )
        put = partial(self._put, rule.definition("edited"))
        self.history.ask("edit", str(self.edits), put, lambda _: "on" if rule.active else "off")

    def _put(self, rule: ScheduleDefinition) -> None:
        store = open_store(self.url)
        try:
            deployment = deployment_id("edited/soak")
            if store.follow(put_schedule(deployment, rule, edit=True)) == "no_schedule":
                store.follow(put_schedule(deployment, rule, edit=False))
        finally:
            store.close()

    def _some_run(self, random: Random) -> RunId | None:
        runs = list(self._open)
        return random.choice(runs) if runs else None

    def _ask(self, kind: str, subject: str, call: Callable[[], Any]) -> None:
        self.history.ask(kind, subject, call, lambda answer: str(getattr(answer, "state", "ok")))


def _parameters(kind: str, random: Random) -> dict[str, Any]:
    if kind in ("brief", "endless"):
        return {}
    if kind == "failing":
        return {"failures": random.randint(0, 3)}
    # Some outlast a lease that is lost in their midst, by far.
    leases = random.uniform(2, 3) if random.random() < LONG_SHARE else random.uniform(0.05, 0.5)
    return {"seconds": round(leases * LEASE, 2)}
