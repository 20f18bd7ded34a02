"""Runs that were cancelled, or ran out of time: what they have asked for is cancelled too."""

from __future__ import annotations

import asyncio
from functools import partial

from orchestrator.model.errors import ServerUnavailable
from orchestrator.model.ids import RunId
from orchestrator.store.caller import AsyncStore
from orchestrator.store.children import stop_children

from . import events
from .contact import Contact


class Parting:
    """Does the duties that runs have left with their deployment, one after the other. A duty that
    was given up stays written down: the next thorough look finds it."""

    def __init__(self, store: AsyncStore, contact: Contact, retention_ms: int) -> None:
        self._store, self._contact, self._retention_ms = store, contact, retention_ms
        self._parents: asyncio.Queue[RunId] = asyncio.Queue()

    def part(self, run_id: RunId) -> None:
        """This run has left children."""
        self._parents.put_nowait(run_id)

    async def loop(self) -> None:
        """Do what there is to do, for ever."""
        while True:
            parent = await self._parents.get()
            try:
                stopped = await self._contact.persist(partial(self._stop_children, parent))
            except ServerUnavailable:
                raise
            except Exception as error:  # noqa: BLE001 - keys of a child may be damaged; the duty stays
                events.error("Children could not be cancelled.", run_id=parent, trace=error)
            else:
                if stopped:
                    events.info("Cancelled the children of a run.", run_id=parent, count=stopped)

    async def _stop_children(self, parent: RunId) -> int:
        return await self._store.follow(stop_children(parent, self._retention_ms))
