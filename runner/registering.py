"""Making known what is served: to the server, to other people's terminals, on this one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from orchestrator.model.deployment import RunnerRecord, ServedCode
from orchestrator.model.errors import ServerRefused
from orchestrator.model.ids import DeploymentId
from orchestrator.model.versions import Registrant
from orchestrator.store.attention import NOW, is_led, lower_attention
from orchestrator.store.caller import AsyncStore
from orchestrator.store.checks import check_server, server_facts, server_id
from orchestrator.store.deployments import (
    Put,
    announce_deployment,
    pause_deployment,
    put_deployment,
)
from orchestrator.store.requests import Request
from orchestrator.store.runners import register_runner, say_runner
from orchestrator.store.versions import note_code
from orchestrator.version import __version__

from . import events
from .banner import needs_scheduler
from .contact import Contact
from .identity import Identity


class Registrar:
    """Puts the deployments, joins them, and keeps the runner listed."""

    def __init__(
        self,
        here: Identity,
        store: AsyncStore,
        contact: Contact,
        *,
        running: Callable[[], int],
        isolation: Callable[[], dict[str, str]],
        code: Callable[[], dict[str, ServedCode]],
        lacks: Callable[[], str | None],
    ) -> None:
        self._here, self._store, self._contact = here, store, contact
        self._running, self._isolation, self._code = running, isolation, code
        self._lacks = lacks
        self._again: set[DeploymentId] = set()
        self._server: dict[DeploymentId, str] = {}
        """On which it registered last."""
        self._noted: dict[DeploymentId, Registrant] = {}
        """The code of which the list of versions knows."""
        self._now = asyncio.Event()
        self.is_draining = False

    async def check_server(self) -> None:
        """Return when the server can be used; risks are said.

        Raises:
            ServerRefused: its version or its settings would lose runs.
        """
        facts = await self._store.call(server_facts())
        for finding in check_server(facts):
            if finding.level == "refuse":
                raise ServerRefused(self._store.url, finding.what, finding.remedy)
            if finding.level == "warn":
                events.warning("The server is risky.", what=finding.what, remedy=finding.remedy)

    async def register_all(self) -> dict[DeploymentId, Put]:
        """Make every deployment what the code says and join it."""
        return {d: await self._register(d) for d in self._here.served}

    async def is_scheduled(self) -> bool:
        """Whether the schedules that are served here create runs, as far as one can see now."""
        return not needs_scheduler(self._here.spec) or await self._store.call(is_led())

    def register_again(self, d: DeploymentId) -> None:
        """The deployment does not know us any more: it was deleted, or we were taken for dead."""
        if not self.is_draining:
            if d not in self._again:
                events.warning("A deployment does not know this runner.", deployment=d)
            self._again.add(d)
            self._now.set()

    def say_now(self) -> None:
        """Something about this runner has changed."""
        self._now.set()

    async def loop(self) -> None:
        """Keep the runner listed, and register again where it is needed."""
        while True:
            self._now.clear()
            await self._contact.persist(self._say)
            try:
                async with asyncio.timeout(self._here.lease / 4):
                    await self._now.wait()
            except TimeoutError:
                continue

    async def _say(self) -> None:
        while self._again:
            d = next(iter(self._again))
            await self._register(d)
            self._again.discard(d)
        loaded = self._newly_loaded()
        notes = [note_code(d, self._here.served[d].version, by) for d, by in loaded.items()]
        await self._store.call_all([*notes, say_runner(self._record())])
        self._noted |= loaded

    def _newly_loaded(self) -> dict[DeploymentId, Registrant]:
        """The code of which the list of versions does not know yet."""
        code = self._code()
        served = self._here.served.items()
        known = {d: self._registrant(code.get(definition.full_name)) for d, definition in served}
        return {d: by for d, by in known.items() if by.content_hash and self._noted.get(d) != by}

    def _registrant(self, code: ServedCode | None) -> Registrant:
        here = self._here
        return Registrant(
            host=here.host,
            pid=here.pid,
            runner=here.id,
            commit=(code.commit or "") if code else "",
            content_hash=code.content_hash if code else "",
        )

    async def _register(self, d: DeploymentId) -> Put:
        here, definition = self._here, self._here.served[d]
        about = {"name": here.spec.name, "host": here.host, "pid": here.pid}
        requests: list[Request[Any]] = [
            # Before and after: whatever dies in between, the scheduler looks.
            lower_attention(d, NOW),
            put_deployment(
                definition,
                server=self._server.get(d, ""),
                lease_ms=here.spec.lease_ms,
                by=self._registrant(self._code().get(definition.full_name)),
            ),
            lower_attention(d, NOW),
            announce_deployment(d),
            register_runner(d, here.id, json.dumps(about), here.spec.pause_on_shutdown),
            server_id(),
        ]
        _, put, *_, self._server[d] = await self._store.call_all(requests)
        self._noted.pop(d, None)  # it may have been made anew
        assert isinstance(put, Put)
        if definition.paused:
            await self._store.follow(pause_deployment(d, "user", here.spec.retention_ms))
        return put

    def _record(self) -> RunnerRecord:
        here = self._here
        return RunnerRecord(
            id=here.id,
            name=here.spec.name,
            host=here.host,
            pid=here.pid,
            limit=here.spec.limit,
            running=self._running(),
            deployments=tuple(definition.full_name for definition in here.spec.definitions),
            version=__version__,
            started_at=here.started_ms,
            last_seen=here.clock.now_ms(),
            draining=self.is_draining,
            isolation=self._isolation(),
            code=self._code(),
            lacks=self._lacks(),
        )
