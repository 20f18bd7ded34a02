"""Follow one run from outside: its record, its history and its log, as they come."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from typing import Any

from orchestrator.client.reading import log_line_of, run_of
from orchestrator.client.transport import Call, Ears, Transport, path_of
from orchestrator.model.errors import ServerRefused, ServerUnavailable
from orchestrator.model.ids import RunId, deployment_of
from orchestrator.model.run import Run, Step
from orchestrator.operations import runs
from orchestrator.operations.runs import LogBatch
from orchestrator.store.logs import LogLine

PATIENCE = 60.0
"""Seconds without a server after which following gives up: restarts take less."""

WAITING, WATCHING = 1.0, 0.2
"""Seconds after which one looks again although nothing was published."""


@dataclass(frozen=True, slots=True)
class News:
    """A look at a run, and what has happened since the one before, in order."""

    run: Run
    happened: tuple[Step | LogLine, ...]


class Followed:
    """One run, looked at again and again until it is over.

    Every method may raise RunNotFound, and ServerUnavailable when the server stays away.
    """

    def __init__(self, transport: Transport, run_id: str, *, every: float = WATCHING) -> None:
        deployment_of(run_id)
        self._transport = transport
        self._id = RunId(run_id)
        self._every = every
        self._heard: Ears | None = None

    def records(self, timeout: float | None = None) -> Iterator[Run]:
        """The record now and at every later look; the last one is final, or at the timeout."""
        deadline = None if timeout is None else time.monotonic() + timeout
        away_since: float | None = None
        try:
            while True:
                left = None if deadline is None else deadline - time.monotonic()
                try:
                    run = self._look()
                    away_since = None
                    yield run
                    if run.is_final or (left is not None and left <= 0):
                        return
                    self._wait(left)
                except ServerRefused:
                    raise
                except ServerUnavailable:
                    away_since = away_since or time.monotonic()
                    if time.monotonic() - away_since > PATIENCE or (left is not None and left <= 0):
                        raise
                    self._pause()
        finally:
            self._close()

    def lines(self) -> Iterator[LogLine]:
        """Every line of the log, those to come too, until the run is over."""
        log = Log(self._transport, self._id)
        for _ in self.records():
            yield from log.news()

    def news(self) -> Iterator[News]:
        """The record at every look, with what has happened since the last, until it is over."""
        log, history = Log(self._transport, self._id), History()
        for run in self.records():
            steps: list[Step | LogLine] = [*history.news(run.history)]
            lines: Iterator[Step | LogLine] = log.news()
            # The log has an order of its own, which clocks do not change.
            yield News(run, tuple(merge(steps, lines, key=_moment)))

    def _look(self) -> Run:
        # Heard before it is read: an end in between is not missed.
        self._heard = self._heard or self._transport.hear_end(self._id)
        call = Call(read=run_of, method="GET", path=path_of(self._id))
        return self._transport.do(runs.read(self._id), call)

    def _wait(self, left: float | None) -> None:
        assert self._heard is not None
        self._heard.wait(self._every if left is None else min(left, self._every))

    def _pause(self) -> None:
        self._close()
        time.sleep(self._every)

    def _close(self) -> None:
        if self._heard is not None:
            self._heard.close()
            self._heard = None


class History:
    """A run's changes of state, read on from where one stopped."""

    def __init__(self) -> None:
        self._last: Step | None = None

    def news(self, history: Sequence[Step]) -> list[Step]:
        """Those since the last call; of a long history the middle may be gone."""
        last, self._last = self._last, history[-1] if history else None
        if last is None:
            return list(history)
        if last in history:
            return list(history[len(history) - list(reversed(history)).index(last) :])
        return [step for step in history if step.at_ms >= last.at_ms]


class Log:
    """A run's log, read on from where one stopped."""

    def __init__(self, transport: Transport, run_id: str) -> None:
        self._transport, self._id = transport, RunId(run_id)
        self._last = ""

    def news(self) -> Iterator[LogLine]:
        """The lines that came since the last call."""
        while batches := self._batches():
            self._last = batches[-1][0]
            for _, lines in batches:
                yield from lines

    def _batches(self) -> list[LogBatch]:
        call = Call(
            read=_batches_of,
            method="GET",
            path=path_of(self._id, "logs"),
            query={"after": self._last},
        )
        return self._transport.do(runs.log_after(self._id, self._last), call)


def _batches_of(document: Any) -> list[LogBatch]:
    """One batch of all lines of a page; the place behind them is where the next one begins."""
    lines = list(map(log_line_of, document["items"]))
    return [(document["next"], lines)] if lines else []


def _moment(happening: Step | LogLine) -> float:
    return happening.at_ms / 1000 if isinstance(happening, Step) else happening.at
