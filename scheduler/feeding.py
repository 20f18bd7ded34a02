"""Feeding: what happened in each deployment is copied from its outbox to the one feed of all.

A page leaves the outbox only after it was copied, and the feed notes in the step that adds it up to
where that was: whatever dies in between, and whoever else copies, each entry comes once (I24).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from orchestrator.model.errors import ServerUnavailable
from orchestrator.model.ids import DeploymentId
from orchestrator.store.caller import AsyncStore
from orchestrator.store.deployments import member_ids
from orchestrator.store.outbox import (
    Mark,
    append_events,
    copied_mark,
    copied_marks,
    drop_outbox,
    pull_events,
)
from orchestrator.store.requests import Request

PAGE = 100
"""Deployments whose outboxes are copied in one turn."""

_log = logging.getLogger(__name__)


class Feeder:
    """Copies what it was told of; at first and after silence everything."""

    def __init__(
        self,
        store: AsyncStore,
        happened: Callable[[DeploymentId], None] = lambda _: None,
        calm: asyncio.Event | None = None,
    ) -> None:
        """``happened`` is told of each deployment of which something was copied. While it is not
        ``calm`` nothing is copied: runs that are due come first."""
        self._store, self._happened, self._calm = store, happened, calm
        self._marks: dict[DeploymentId, Mark] = {}
        self._noted: dict[DeploymentId, None] = {}
        self._copied = 0
        self._look_everywhere = True
        self._told: set[tuple[str, str]] = set()

    def note(self, d: DeploymentId) -> None:
        """Something came into this outbox."""
        self._noted[d] = None

    def forget(self) -> None:
        """Messages may have been missed: look into every outbox."""
        self._look_everywhere = True

    async def turn(self) -> int:
        """Copy what there is by now. How much was: it leaves the outbox in the next turn, with
        which it is good to wait, because what happens meanwhile is then copied as one page."""
        self._copied = 0
        try:
            if self._look_everywhere:
                await self._note_all()
            noted, self._noted = list(self._noted), {}
            while noted:
                page, noted = noted[:PAGE], noted[PAGE:]
                if self._calm is not None:
                    await self._calm.wait()
                noted += await self._copy(page)
        except BaseException:
            self.forget()
            raise
        return self._copied

    async def _note_all(self) -> None:
        self._look_everywhere = False
        marks = await self._store.call(copied_marks())
        self._marks = {DeploymentId(d): Mark.of(text) for d, text in marks.items()}
        self._noted |= dict.fromkeys([*await self._store.call(member_ids()), *self._marks])

    async def _copy(self, page: list[DeploymentId]) -> list[DeploymentId]:
        """Copy a page of each, and note it for the next turn; those of which more is there."""
        await self._read_marks([d for d in page if d not in self._marks])
        pulls = await self._ask({d: pull_events(d, self._marks[d]) for d in page})
        full = {d: pulled for d, pulled in pulls.items() if pulled.events}
        words = await self._ask(
            {d: append_events(d, self._marks[d], pulled) for d, pulled in full.items()}
        )
        for d, word in words.items():
            self._happened(d)
            self._noted[d] = None
            self._copied += len(full[d].events)
            if word == "ok":
                self._marks[d] = full[d].upto
            else:
                del self._marks[d]
        for d, pulled in pulls.items():
            if pulled.gone and not pulled.events:
                await self._store.follow(drop_outbox(d))
                self._marks.pop(d, None)
        return [d for d, pulled in full.items() if pulled.is_full]

    async def _read_marks(self, unknown: list[DeploymentId]) -> None:
        self._marks |= await self._ask({d: copied_mark(d) for d in unknown})

    async def _ask(self, calls: Mapping[DeploymentId, Request[Any]]) -> dict[DeploymentId, Any]:
        """The answers; deployments whose keys are damaged are left out, and told of once."""
        try:
            answers = await self._store.call_all(list(calls.values()))
        except ServerUnavailable:
            raise
        # One of them cannot be read: found by asking each on its own (F55), as every call allows.
        except Exception:  # noqa: BLE001
            return await self._ask_each(calls)
        return dict(zip(calls, answers, strict=True))

    async def _ask_each(
        self, calls: Mapping[DeploymentId, Request[Any]]
    ) -> dict[DeploymentId, Any]:
        answers = {}
        for d, call in calls.items():
            try:
                answers[d] = await self._store.call(call)
            except ServerUnavailable:
                raise
            except Exception as error:  # noqa: BLE001 - said, and the others go on
                if (d, str(error)) not in self._told:
                    self._told.add((d, str(error)))
                    _log.error("deployment %s: its events cannot be copied: %r", d, error)
        return answers
