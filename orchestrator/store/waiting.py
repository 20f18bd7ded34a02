"""Waiting for the ends of many runs in one event loop: one subscription, and no task for each."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from orchestrator.model.errors import RunNotFound, ServerUnavailable
from orchestrator.model.ids import RunId, deployment_of
from orchestrator.model.run import Run
from orchestrator.model.states import FINAL, State
from orchestrator.store import keys
from orchestrator.store.caller import AsyncStore
from orchestrator.store.listening import Ear
from orchestrator.store.requests import command
from orchestrator.store.runs import read_run

LOOK_SECONDS = 5.0
"""One looks at all of them after so long, whatever was heard."""

AT_ONCE = 256
"""Records read in one pipeline."""

PAUSE_SECONDS = 0.5
"""Between tries while the server is away."""


class Waiting:
    """Runs that somebody waits for. ``loop`` must run meanwhile, and whoever reads the messages of
    the ear hands them to ``heard``."""

    def __init__(self, store: AsyncStore, ear: Ear, patience: float | None = None) -> None:
        """``patience``: seconds without a server after which waiting fails; None: never."""
        self._store, self._ear, self._patience = store, ear, patience
        self._waiters: defaultdict[RunId, list[asyncio.Future[Run]]] = defaultdict(list)
        self._on_channel: Counter[str] = Counter()
        self._due: set[RunId] = set()
        self._some = asyncio.Event()

    async def wait(
        self,
        run_id: RunId,
        timeout: float | None = None,  # noqa: ASYNC109 - its passing is an answer, no error
    ) -> Run:
        """The run when it is over, or as it is after ``timeout`` seconds.

        Raises:
            RunNotFound: there is none, or it was deleted.
            ServerUnavailable: the server stayed away for longer than there was patience.
        """
        ended: asyncio.Future[Run] = asyncio.get_running_loop().create_future()
        self._add(run_id, ended)
        try:
            async with asyncio.timeout(timeout):
                return await ended
        except TimeoutError:
            run = await self._store.call(read_run(run_id))
        finally:
            self._remove(run_id, ended)
        if run is None:
            raise RunNotFound(run_id)
        return run

    def heard(self, channel: str, text: str) -> None:
        """Take a message."""
        if text in ("connected", "subscribed"):
            # What ended before is not published again.
            self._look(i for i in self._waiters if not channel or _channel(i) == channel)
        else:
            self._look({RunId(text)} & self._waiters.keys())

    async def loop(self) -> None:
        """Look at runs that may be over, for ever."""
        away_since: float | None = None
        while True:
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._some.wait()
            except TimeoutError:
                self._due.update(self._waiters)
            self._some.clear()
            try:
                await self._look_at_due()
                away_since = None
            except ServerUnavailable as why:
                away_since = away_since or time.monotonic()
                if self._patience is not None and time.monotonic() - away_since > self._patience:
                    self._fail_all(why)
                await asyncio.sleep(PAUSE_SECONDS)
                self._look(self._waiters)

    async def _look_at_due(self) -> None:
        due, self._due = sorted(self._due), set()
        for first in range(0, len(due), AT_ONCE):
            page = due[first : first + AT_ONCE]
            try:
                await self._look_at(page)
            except ServerUnavailable:
                raise
            # A record that cannot be read is one run's: found by looking at each on its own.
            except Exception:  # noqa: BLE001
                await self._look_at_each(page)

    async def _look_at_each(self, page: Sequence[RunId]) -> None:
        for run_id in page:
            try:
                await self._look_at([run_id])
            except ServerUnavailable:
                raise
            except Exception as error:  # noqa: BLE001 - handed to whoever waits for it
                self._settle_all(run_id, error)

    async def _look_at(self, page: Sequence[RunId]) -> None:
        """Two steps: most of the many are not over, and their records can be long."""
        states = await self._store.call_all(
            [command(_state, "HGET", keys.run(each), "state") for each in page]
        )
        over = [
            each for each, state in zip(page, states, strict=True) if state in FINAL or not state
        ]
        runs = await self._store.call_all([read_run(each) for each in over])
        for run_id, run in zip(over, runs, strict=True):
            self._settle_all(run_id, run if run is not None else RunNotFound(run_id))

    def _look(self, run_ids: Iterable[RunId]) -> None:
        self._due.update(run_ids)
        self._some.set()

    def _fail_all(self, why: ServerUnavailable) -> None:
        for run_id in self._waiters:
            self._settle_all(run_id, why)

    def _settle_all(self, run_id: RunId, outcome: Run | Exception) -> None:
        for ended in self._waiters.get(run_id, ()):
            _settle(ended, outcome)

    def _add(self, run_id: RunId, ended: asyncio.Future[Run]) -> None:
        channel = _channel(run_id)
        self._waiters[run_id].append(ended)
        self._on_channel[channel] += 1
        if self._on_channel[channel] == 1:
            self._ear.add(channel)
        self._look([run_id])

    def _remove(self, run_id: RunId, ended: asyncio.Future[Run]) -> None:
        channel = _channel(run_id)
        self._waiters[run_id].remove(ended)
        if not self._waiters[run_id]:
            del self._waiters[run_id]
        self._on_channel[channel] -= 1
        if not self._on_channel[channel]:
            del self._on_channel[channel]
            self._ear.drop(channel)


def _channel(run_id: RunId) -> str:
    return keys.ended(deployment_of(run_id))


def _state(reply: str | None) -> State | None:
    return State(reply) if reply else None


def _settle(ended: asyncio.Future[Run], outcome: Run | Exception) -> None:
    if ended.done():
        return
    if isinstance(outcome, Run):
        ended.set_result(outcome)
    else:
        ended.set_exception(outcome)
