"""What a run process says of its run while it goes, on the way to the server."""

from __future__ import annotations

import json
from typing import Any

from orchestrator.model.ids import RunId
from orchestrator.store.telling import name_run, set_progress

from .writes import Writes


class Telling:
    """Writes a run's name, and its latest progress: one write at a time, so that they do not
    gather while the server is away."""

    def __init__(self, writes: Writes, run_id: RunId, token: str) -> None:
        self._writes, self._run_id, self._token = writes, run_id, token
        self._latest: str | None = None
        self._on_its_way = False

    def name(self, name: str) -> None:
        """Give the run this name, unless it has one."""
        self._writes.add(name_run(self._run_id, self._token, name), lambda _: None)

    def progress(self, progress: dict[str, Any]) -> None:
        """Show this progress, or a later one."""
        self._latest = json.dumps(progress)
        if not self._on_its_way:
            self.flush()

    def flush(self) -> None:
        """Write what has not been; before the run's end is written."""
        if self._latest is not None:
            request = set_progress(self._run_id, self._token, self._latest)
            self._latest, self._on_its_way = None, True
            self._writes.add(request, lambda _: self._written(), lambda _: self._written())

    def _written(self) -> None:
        self._on_its_way = False
        self.flush()
