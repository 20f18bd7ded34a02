"""Runs of this runner that wait for others: written down, and warned when none will ever go on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

from orchestrator.model.errors import ServerUnavailable
from orchestrator.model.ids import RunId
from orchestrator.store.caller import AsyncStore
from orchestrator.store.standstill import find_stuck, note_waiting

from . import events
from .contact import Contact
from .runs import HeldRun

LOOK_SECONDS = 5.0
"""Who waits for less is written down nowhere: most waits are short."""


class Standstills:
    """Looks at what the runs wait for."""

    def __init__(
        self,
        store: AsyncStore,
        contact: Contact,
        *,
        held: Callable[[], Iterable[HeldRun]],
        awaited: Callable[[str], Sequence[RunId]],
        every: float = LOOK_SECONDS,
    ) -> None:
        self._store, self._contact, self._every = store, contact, every
        self._held, self._awaited = held, awaited
        self._before: dict[str, Sequence[RunId]] = {}
        self._noted: dict[str, Sequence[RunId]] = {}
        self._warned: set[str] = set()

    async def loop(self) -> None:
        """Look for ever."""
        while True:
            await asyncio.sleep(self._every)
            await self._contact.persist(self._look)

    async def _look(self) -> None:
        runs = {run.key: run for run in self._held() if not run.is_over}
        waiting = {key: found for key in runs if (found := self._awaited(key))}
        long = {key: waiting[key] for key in waiting if key in self._before}
        await self._note(runs, long)
        for key in long.keys() - self._warned:
            await self._warn(runs[key], long[key])
        self._before = waiting
        self._warned &= runs.keys()

    async def _note(self, runs: dict[str, HeldRun], long: dict[str, Sequence[RunId]]) -> None:
        """Write down what has changed since the last look."""
        known = {key: found for key, found in self._noted.items() if key in runs}
        changed = {
            key: long.get(key, ())
            for key in known.keys() | long.keys()
            if known.get(key) != long.get(key)
        }
        await self._store.call_all(
            [note_waiting(runs[key].id, runs[key].token, found) for key, found in changed.items()]
        )
        self._noted = dict(long)

    async def _warn(self, run: HeldRun, awaited: Sequence[RunId]) -> None:
        try:
            stuck = await self._store.follow(find_stuck(run.id))
        except ServerUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - keys of anybody may be damaged; only a warning
            events.error("What a run waits for cannot be read.", run_id=run.id, trace=error)
            self._warned.add(run.key)
            return
        if not stuck:
            return
        self._warned.add(run.key)
        run.log.warn(
            f"This run waits for run {awaited[0]} and never goes on by itself: every slot that one "
            "of those could take is held by a run that waits, too. "
            f"`orchestrator run explain {run.id}` says what helps."
        )
        events.warning("Runs hold each other up.", run_id=run.id, stuck=len(stuck))
