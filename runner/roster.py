"""The runs that this runner holds."""

from __future__ import annotations

import asyncio

from orchestrator.model.ids import RunId

from .runs import HeldRun


class Roster:
    """Every run between its claim and the last word about it."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.by_key: dict[str, HeldRun] = {}
        self.is_empty = asyncio.Event()
        self.is_empty.set()

    @property
    def running(self) -> int:
        """Slots in use. A run whose processes are gone needs none, though its end be unwritten."""
        return sum(not run.is_over for run in self.by_key.values())

    @property
    def free(self) -> int:
        """Slots that are free."""
        return self._limit - self.running

    def add(self, run: HeldRun) -> None:
        """It was claimed."""
        self.by_key[run.key] = run
        self.is_empty.clear()

    def forget(self, run: HeldRun) -> None:
        """Nothing more will be written about it."""
        del self.by_key[run.key]
        if not self.by_key:
            self.is_empty.set()

    def holds(self, run_id: RunId, token: str) -> bool:
        """Whether this lease is ours."""
        return f"{run_id}:{token}" in self.by_key

    def all(self) -> list[HeldRun]:
        """All of them."""
        return list(self.by_key.values())
