"""The runner put together: who knows whom, which loops run, and how it all ends."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from typing import Any

from orchestrator.model.errors import ServerUnavailable
from orchestrator.model.ids import DeploymentId, RunId
from orchestrator.model.serving import ServingSpec
from orchestrator.store.caller import AsyncStore
from orchestrator.store.connection import open_async_store
from orchestrator.store.deployments import Put
from orchestrator.store.leases import Claimed
from orchestrator.store.waiting import Waiting

from . import events
from .aftermath import Aftermath
from .banner import banner
from .claiming import Claimer
from .codebases import Codebase
from .codenews import CodeNews
from .contact import Contact
from .fetching import Fetching
from .finishing import Finishing
from .hearing import Hearing
from .identity import Identity, identify
from .leases import Leases
from .logs import LogBatches
from .observing import Observer
from .parting import Parting
from .polling import Polling
from .registering import Registrar
from .requests import Requests
from .reviving import Reviving
from .roster import Roster
from .runs import HeldRun, Surroundings
from .shortage import Shortage
from .shutdown import Leaving, Wishes
from .spawning import Spawning
from .standstills import Standstills
from .strays import bury_strangers
from .writes import Writes

NO_SERVER, BROKEN = 3, 1


async def serve(spec: ServingSpec, places: dict[str, Codebase], parent: int | None) -> int:
    """Serve until asked to end; the exit code."""
    service = Service(identify(spec), places)
    service.wishes.listen(parent)
    try:
        await service.register()
    except ServerUnavailable as why:
        sys.stderr.write(f"{why}\n")
        return NO_SERVER
    return await service.run()


class Service:
    """One runner."""

    def __init__(self, here: Identity, places: dict[str, Codebase]) -> None:
        self._here = here
        self._contact = Contact()
        self.wishes = Wishes()
        # A beat waits for nobody, a start or a finish for no look.
        beats, writes, looks = (open_async_store(here.spec.url) for _ in range(3))
        self._puts: dict[DeploymentId, Put] = {}
        self._announced, self._is_scheduled = False, True
        self._roster = Roster(here.spec.limit)
        self._writes = Writes(writes, self._contact)
        self._ear = looks.ear()
        self._waiting = Waiting(looks, self._ear)
        self._requests = Requests(looks, self._waiting, self._contact, here.clock)
        self._parting = Parting(looks, self._contact, here.spec.retention_ms)
        self._reviving = Reviving(here.spec.url, self._contact)
        self._fetching = Fetching(here.spec)
        self._news = CodeNews(here, self._writes, said=self._say_soon)
        self._spawning = Spawning(
            here,
            places,
            loaded=self._code_is_loaded,
            guests=lambda: self._reviving.guests() | self._fetching.pids,
            fetch=self._fetching.revision,
            changed=self._news.changed,
        )
        self._polling = Polling(
            places.values(),
            self._fetching,
            offer=self._spawning.offer,
            changed=self._news.changed,
        )
        self._registrar = Registrar(
            here,
            looks,
            self._contact,
            running=lambda: self._roster.running,
            isolation=lambda: self._spawning.isolation,
            code=lambda: self._spawning.code,
            lacks=lambda: self._shortage.why,
        )
        self._standstills = Standstills(
            looks, self._contact, held=self._roster.all, awaited=self._requests.awaited
        )
        self._leases = Leases(
            here,
            beats,
            self._contact,
            held=self._roster.all,
            unregistered=self._registrar.register_again,
        )
        self._claimer = self._make_claimer()
        self._shortage = Shortage(
            self._roster, look=self._claimer.look, changed=self._registrar.say_now
        )
        self._finishing = Finishing(
            here,
            self._writes,
            forget=self._roster.forget,
            slot_freed=self._claimer.look,
            hooks_due=self._hooks_due,
            tell_held=self._leases.tell_held,
            part=self._parting.part,
        )
        self._shared = Surroundings(
            here=here,
            writes=self._writes,
            batches=LogBatches(self._contact),
            answer=self._requests.answer,
            withdraw=self._requests.withdraw,
            gone=self._finishing.gone,
            is_leaving=self.wishes.drain.is_set,
            shortage=self._shortage,
        )
        self._aftermath = Aftermath(self._shared, looks, self._contact, self._spawning)
        self._observer = self._make_observer(looks)
        self._hearing = Hearing(
            here,
            self._ear,
            wake=self._claimer.wake,
            beat_now=self._leases.beat_now,
            look_now=self._observer.look_now,
            crowd=self._observer.crowd,
            ended=self._waiting.heard,
        )
        self._leaving = Leaving(
            here,
            self.wishes,
            looks,
            claimer=self._claimer,
            registrar=self._registrar,
            roster=self._roster,
            spawning=self._spawning,
            aftermath=self._aftermath,
        )

    async def register(self) -> None:
        """Make the deployments known.

        Raises:
            ServerUnavailable, ServerRefused: nothing is served.
        """
        await self._registrar.check_server()
        self._puts = await self._registrar.register_all()
        self._is_scheduled = await self._registrar.is_scheduled()
        self._announce()
        self._claimer.wake(self._here.served)

    async def run(self) -> int:
        """Run all loops until this runner is asked to end; the exit code."""
        loops: set[asyncio.Task[Any]] = {
            asyncio.create_task(loop, name=name)
            for name, loop in {
                "writes": self._writes.loop(),
                "leases": self._leases.loop(),
                "hearing": self._hearing.loop(),
                "observing": self._observer.loop(),
                "registering": self._registrar.loop(),
                "spawning": self._spawning.loop(),
                "reviving": self._reviving.loop(),
                "polling": self._polling.loop(),
                "parting": self._parting.loop(),
                "waiting": self._waiting.loop(),
                "standstills": self._standstills.loop(),
            }.items()
        }
        if os.getpid() == 1:  # every orphan of the container becomes a child of ours (F70)
            loops.add(asyncio.create_task(bury_strangers(), name="burying"))
        leaving = asyncio.create_task(self._leaving.when_asked(), name="leaving")
        loops |= {leaving, asyncio.create_task(self._callbacks_failed(), name="callbacks")}
        done, _ = await asyncio.wait(loops, return_when=asyncio.FIRST_COMPLETED)
        if done == {leaving} and leaving.exception() is None:
            return leaving.result()
        for task in done:
            # Without one of its parts a runner only seems to live. Its spawner reports the runs as
            # those of a dead one.
            events.error("A part of the runner died.", part=task.get_name(), trace=task.exception())
        return BROKEN

    async def _callbacks_failed(self) -> None:
        """Raise what a callback raised: asyncio would log it and go on."""
        failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def fail(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
            if not failed.done():
                fault = context.get("exception") or RuntimeError(context["message"])
                failed.set_exception(fault)

        asyncio.get_running_loop().set_exception_handler(fail)
        await failed

    def _begin(self, claimed: Claimed, sent: float) -> None:
        run = HeldRun(self._shared, claimed, sent)
        self._roster.add(run)
        if self.wishes.drain.is_set() or not self._spawning.can_take(run):
            run.reason = "its runner could not begin it"
            run.is_over = True
            self._finishing.hand_back(run)
            return
        self._spawning.begin(run)
        if self._here.clock.elapsed() - sent > self._here.lease / 4:
            # The answer was long on its way, and the lease is older than it looks.
            self._leases.beat_now()

    def _hooks_due(self, run_id: RunId, token: str) -> None:
        self._aftermath.follows(run_id, token)

    def _code_is_loaded(self) -> None:
        self._announce()
        self._claimer.look()
        self._registrar.say_now()

    def _say_soon(self) -> None:
        self._registrar.say_now()

    def _announce(self) -> None:
        """Once both are true: the server knows the deployments, the spawner the code."""
        if self._puts and self._spawning.is_ready and not self._announced:
            self._announced = True
            self._say_banner()

    def _say_banner(self) -> None:
        spec, spawning = self._here.spec, self._spawning
        if spec.banner:
            text = banner(
                spec,
                self._puts,
                spawning.isolation,
                spawning.faults,
                is_scheduled=self._is_scheduled,
                code=spawning.code,
            )
            with suppress(OSError):  # a full disk below it is no reason not to serve (F72)
                os.write(sys.stdout.fileno(), f"{text}\n".encode(errors="replace"))
        events.info("Serving.", runner=self._here.id, deployments=len(spec.definitions))

    def _make_claimer(self) -> Claimer:
        return Claimer(
            self._here,
            self._writes,
            free_slots=lambda: self._shortage.free_slots,
            can_begin=self._spawning.is_ready_for,
            begin=self._begin,
            unregistered=self._registrar.register_again,
            tell_held=self._leases.tell_held,
        )

    def _make_observer(self, store: AsyncStore) -> Observer:
        return Observer(
            self._here,
            store,
            self._contact,
            is_ours=self._roster.holds,
            wake=self._claimer.wake,
            unregistered=self._registrar.register_again,
            drain=self.wishes.asked_from_afar,
            hooks_due=self._hooks_due,
            hooks_owed=self._aftermath.owed,
            part=self._parting.part,
        )
