"""What a run says of itself, on its way to the server."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from orchestrator.model.ids import RunId, deployment_id, idempotent_run_id
from orchestrator.store.requests import Request
from tests.runner.parts import part

RUN: RunId = idempotent_run_id(deployment_id("a/b"), "run")


class SlowWrites:
    """Writes that are answered when the test says so."""

    def __init__(self) -> None:
        self.added: list[tuple[Request[Any], Callable[[Any], None]]] = []

    def add(self, request: Request[Any], then: Callable[[Any], None], _: Any = None) -> None:
        self.added.append((request, then))

    def answer(self) -> None:
        self.added[-1][1]("ok")

    @property
    def done(self) -> list[int]:
        """How far the run had come, by each write."""
        return [json.loads(str(request.words[-1]))["done"] for request, _ in self.added]


def test_one_write_at_a_time_and_the_latest_one() -> None:
    writes = SlowWrites()
    telling = part("telling").Telling(writes, RUN, "1.token")

    for done in range(5):
        telling.progress({"done": done})
    assert writes.done == [0]
    writes.answer()
    assert writes.done == [0, 4]
    writes.answer()
    assert writes.done == [0, 4]


def test_the_last_one_is_written_before_the_end() -> None:
    writes = SlowWrites()
    telling = part("telling").Telling(writes, RUN, "1.token")

    telling.progress({"done": 1})
    telling.progress({"done": 2})
    telling.flush()
    telling.flush()
    assert writes.done == [1, 2]
