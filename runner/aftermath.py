"""After a run whose process died without a last word: a fresh process calls its hooks.

Those of runs that ended when their owner was dead are owed until they were called, by this runner
or the next one. None is called for more than ``HOOKS_SECONDS``; whatever the hooks do, the run
stays as it ended.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from orchestrator.execution.pipe import HOOKS_SECONDS, Message
from orchestrator.model.ids import DeploymentId, RunId, deployment_of
from orchestrator.model.run import Run
from orchestrator.model.states import State
from orchestrator.store.caller import AsyncStore
from orchestrator.store.hooks import hooks_called, take_hooks
from orchestrator.store.logs import append_log
from orchestrator.store.runs import read_run

from . import events
from .contact import Contact, pause_after
from .logs import RunLog, limits_of
from .outcomes import Fate
from .runs import SpawnerLink, Surroundings
from .spawning import Spawning
from .streams import Lifelines

HOLD_MS = round(2 * HOOKS_SECONDS * 1000)
"""Who is to call the hooks of a run has this long for it; after that another one is free to."""

ENDED_UNSEEN = frozenset({"crashed", "cancelled"})
"""Answers to a reap, or to a hand-back, after which hooks are due: the run is over, and its process
did not know how, or was not left."""


def order_of(run: Run, token: str) -> Message:
    """What the process is told."""
    told = {
        "id": run.id,
        "name": run.name,
        "attempt": run.attempt,
        "token": token,
        "parameters": json.dumps(run.parameters),
        "tags": run.tags,
        "deployment": run.deployment,
        "flow": run.flow,
        "scheduled_at": run.scheduled_at,
        "created_by": run.created_by,
        "retries_left": 0,
    }
    return {"op": "hooks", "run": told, "state": run.state, "reason": run.why}


class HookProcess:
    """The process in which the hooks of one run are called."""

    fate: Fate | None = None
    why_stopped: str | None = None
    spawner: SpawnerLink
    has_children = holds_lease = False

    def __init__(self, shared: Surroundings, run: Run, token: str) -> None:
        self._shared, self._run = shared, run
        self.id, self.token, self.depth = run.id, token, run.depth
        self.full_name = run.deployment
        self.revision = run.revision or ""
        self.key = f"{run.id}:{token}:hooks"
        self.over = asyncio.Event()
        self.had_no_room = False
        """Its host had no process for it: nothing was called."""
        limits = limits_of(shared.here.spec)
        self._log = RunLog(run.attempt, limits, shared.batches, self._append)

    def launch(self, spawner: SpawnerLink) -> None:
        """Have a process forked by this spawner."""
        self.spawner = spawner
        self._lines = Lifelines(self._told, self._log)
        options = self._shared.here.served[deployment_of(self.id)].options
        packet = {
            "op": "run",
            "key": self.key,
            "run_id": self.id,
            "flow": self.full_name,
            "timeout": HOOKS_SECONDS,
            "grace": 0.0,
            "memory_limit": options.memory_limit,
            "cpu_limit": options.cpu_limit,
            "deadline": None,  # it has no lease: the run is over
        }
        spawner.send(packet, self._lines.ends)

    def not_launched(self) -> bool:
        """The spawner forked nothing; another one is wanted."""
        self._lines.finish()
        return True

    def ready(self, pid: int) -> None:  # noqa: ARG002 - nobody has to know which
        """Its process hears what it is told; nobody has to be asked."""
        self._lines.send(order_of(self._run, self.token))
        self.spawner.send({"op": "begun", "key": self.key})

    def child_ended(self, child: Run) -> None:
        """A run that a hook waited for is over; its own run was already."""

    def answer(self, message: Message) -> None:
        """Send the answer to something that a hook asked."""
        if not self.over.is_set():
            self._lines.send(message)

    def ended(self, packet: Message | None) -> None:
        """Every process of it is gone; None when the spawner did not live to tell how."""
        self._be_over()
        if packet is None or packet["stopped"] or packet["exit"] != 0:
            how = (packet["stopped"] or packet["exit"] or packet["signal"]) if packet else None
            events.warning("The hooks of a run were cut short.", run_id=self.id, how=how)

    def refused(self, why: str) -> None:
        """The spawner could not begin it."""
        self._be_over()
        events.error("The hooks of a run could not be called.", run_id=self.id, why=why)

    def lacked(self, why: str) -> None:
        """Its host had no process for it."""
        self.had_no_room = True
        self._shared.shortage.met(why)
        self._log.close(self.over.set)

    def _told(self, message: Message) -> None:
        match message["op"]:
            case "ready":
                self.ready(message["pid"])
            case "request":
                self._shared.answer(self, message)

    def _append(self, lines: bytes, stored: Callable[[], None]) -> None:
        keep_ms = self._shared.here.spec.retention_ms
        self._shared.writes.add(
            append_log(self.id, self.token, lines, keep_ms),
            lambda _: stored(),
            lambda _: stored(),
        )

    def _be_over(self) -> None:
        self._lines.finish()
        self._log.close(self.over.set)


class Aftermath:
    """Sees to it that hooks are called; so many processes at once as there are slots."""

    def __init__(
        self, shared: Surroundings, store: AsyncStore, contact: Contact, spawning: Spawning
    ) -> None:
        self._shared, self._store = shared, store
        self._contact, self._spawning = contact, spawning
        self._slots = asyncio.Semaphore(shared.here.spec.limit)
        self._tasks: set[asyncio.Task[None]] = set()
        self._catching_up: set[DeploymentId] = set()
        self.is_empty = asyncio.Event()
        self.is_empty.set()

    def follows(self, run_id: RunId, token: str) -> None:
        """The run is over, and its process has called nothing."""
        self._begin(self._call(run_id, token))

    def owed(self, d: DeploymentId) -> None:
        """Hooks of runs of this deployment were called by nobody."""
        if d not in self._catching_up:
            self._catching_up.add(d)
            self._begin(self._catch_up(d))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        self.is_empty.clear()
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not self._tasks:
            self.is_empty.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error  # a fault of ours: it ends the runner, as in any callback

    async def _catch_up(self, d: DeploymentId) -> None:
        """No more at a time than can be called at once: what waits here others could not take."""
        take = partial(self._store.call, take_hooks(d, self._shared.here.spec.limit, HOLD_MS))
        try:
            # Nobody's leaving waits for code that cannot be loaded: the duties stay.
            while not (self._spawning.is_ready or self._shared.is_leaving()):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
            while not self._shared.is_leaving() and (owed := await self._contact.persist(take)):
                await asyncio.gather(*(self._call(*each) for each in owed))
        finally:
            self._catching_up.discard(d)

    async def _call(self, run_id: RunId, token: str) -> None:
        async with self._slots:
            while not self._spawning.is_ready:  # noqa: ASYNC110 - only while code is loaded anew
                await asyncio.sleep(0.1)
            ask = partial(self._store.call, read_run(run_id))
            run = await self._contact.persist(ask)
            if run is not None and self._has_hooks(run) and not await self._were_called(run, token):
                return  # where they are owed they stay so, and somebody takes them later
            await self._contact.persist(partial(self._store.call, hooks_called(run_id)))

    async def _were_called(self, run: Run, token: str) -> bool:
        """Call them, as soon as this host has a process for it; False: it had none for too long."""
        give_up = self._shared.here.clock.elapsed() + HOOKS_SECONDS
        refusals = 0
        while True:
            process = HookProcess(self._shared, run, token)
            self._spawning.begin(process)
            await process.over.wait()
            if not process.had_no_room:
                return True
            if self._shared.is_leaving() or self._shared.here.clock.elapsed() > give_up:
                why = self._shared.shortage.why
                events.error("The hooks of a run could not be called.", run_id=run.id, why=why)
                return False
            refusals += 1
            await asyncio.sleep(pause_after(refusals))

    def _has_hooks(self, run: Run) -> bool:
        # What was cancelled before it began has done nothing that a hook could undo.
        began = run.started_at is not None or run.state is State.CRASHED
        return began and run.state in self._spawning.hooks.get(run.deployment, ())
