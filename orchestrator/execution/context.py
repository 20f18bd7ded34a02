"""What user code can ask about the run it is in. State of this process, never its environment:
programs that a run starts inherit the environment, and they are no runs.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from orchestrator.execution.conversation import Conversation
from orchestrator.execution.pipe import Message
from orchestrator.model.clock import from_ms

_OUTSIDE = "not inside a run: call this in a flow while a deployment runs it"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """The run that this process executes."""

    id: str
    name: str
    attempt: int
    """Counted from 1; a retry or a recovery is the next attempt."""
    parameters: dict[str, Any]
    deployment: str
    flow: str
    tags: tuple[str, ...]
    scheduled_at: datetime
    created_by: str
    fencing_token: str
    """Differs for every attempt: hand it to systems that must refuse an outdated one."""
    misfit: str | None = None
    """How the parameters that the code takes differ from those that were registered."""


class _Place:
    """Where this process stands: loading a flow, in a run, or neither."""

    loading = False
    told: Message | None = None
    """Of the run, as its runner has told it."""
    run: RunContext | None = None
    """The same for whoever asks; most flows never do."""
    conversation: Conversation | None = None


_place = _Place()


def current_run() -> RunContext:
    """The run that this code belongs to.

    Raises:
        RuntimeError: not inside a run.
    """
    if _place.run is None:
        if _place.told is None:
            raise RuntimeError(_OUTSIDE)
        _place.run = _run_of(_place.told)
    return _place.run


def get_run_logger() -> logging.Logger:
    """A logger whose lines are stored with the run.

    Raises:
        RuntimeError: not inside a run.
    """
    current_run()
    return logging.getLogger("flow")


def request(method: str, **arguments: Any) -> Any:
    """Ask this run's runner, which can reach the server; a run process has no connection itself.

    Raises:
        RuntimeError: not inside a run, or in a process that the run started.
        OrchestratorError: what the runner answered.
    """
    if _place.conversation is None:
        raise RuntimeError(_OUTSIDE)
    return _place.conversation.ask(method, arguments)


async def request_in_loop(method: str, **arguments: Any) -> Any:
    """``request`` for code in an event loop, which goes on meanwhile."""
    if _place.conversation is None:
        raise RuntimeError(_OUTSIDE)
    return await _place.conversation.ask_in_loop(method, arguments)


def tell(message: Message) -> None:
    """Let this run's runner know.

    Raises:
        RuntimeError: not inside a run, or in a process that the run started.
    """
    if _place.conversation is None:
        raise RuntimeError(_OUTSIDE)
    _place.conversation.tell(message)


def in_run_process() -> bool:
    """Whether this process executes a run (or was forked by one)."""
    return _place.told is not None


def is_loading() -> bool:
    """Whether user code is being imported to get at its flows."""
    return _place.loading


@contextmanager
def loading() -> Iterator[None]:
    """Inside, ``is_loading`` is true."""
    before, _place.loading = _place.loading, True
    try:
        yield
    finally:
        _place.loading = before


def rename(name: str) -> None:
    """Let the run have this name from now on."""
    _place.run = replace(current_run(), name=name)


def enter_run(told: Message, conversation: Conversation) -> None:
    """Make this process the process of this run (fields as in the message ``go``)."""
    _place.told, _place.run, _place.conversation = told, None, conversation


def leave_run() -> None:
    """Be in no run again."""
    _place.told = _place.run = _place.conversation = None


def _run_of(told: Message) -> RunContext:
    return RunContext(
        id=told["id"],
        name=told["name"] or told["id"][-8:],
        attempt=told["attempt"],
        parameters=json.loads(told["parameters"]),
        deployment=told["deployment"],
        flow=told["flow"],
        tags=tuple(told["tags"]),
        scheduled_at=from_ms(told["scheduled_at"]),
        created_by=told["created_by"],
        fencing_token=told["token"],
        misfit=told.get("misfit"),
    )
