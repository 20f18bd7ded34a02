"""Hooks: the user's functions that are called when a run begins or ends, in its own process, or
in a fresh one when its own has died without a last word."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.execution.context import RunContext
from orchestrator.model.errors import InvalidOption
from orchestrator.model.states import FINAL, State

Hook = Callable[[Any, RunContext, "RunState"], Any]
"""``hook(flow, run, state)``, sync or async."""

KINDS = {
    "on_running": frozenset({State.RUNNING}),
    "on_completion": frozenset({State.COMPLETED}),
    "on_failure": frozenset({State.FAILED, State.TIMED_OUT}),
    "on_cancellation": frozenset({State.CANCELLED}),
    "on_crashed": frozenset({State.CRASHED}),
}
"""When each kind is called. Who has crashed can call nothing: a fresh process does."""

_TYPES = {State.TIMED_OUT: "FAILED"}


@dataclass(frozen=True, slots=True)
class RunState:
    """A state as hooks see it: what it is, why, and what the function returned or raised."""

    state: State
    value: Any = None
    error: BaseException | None = None
    reason: str = ""
    """What its runner found out, when the process itself could not tell."""

    @property
    def name(self) -> str:
        """``Completed``, ``Failed``, ``TimedOut``, ``Cancelled``, ``Running``."""
        return self.state.value

    @property
    def type(self) -> str:
        """The name in capitals; a run that timed out is ``FAILED``."""
        return _TYPES.get(self.state, self.state.name)

    @property
    def message(self) -> str:
        """What went wrong, if anything did."""
        if self.state is State.TIMED_OUT:
            return "the time limit has passed"
        if self.reason:
            return self.reason
        return "" if self.error is None else f"{type(self.error).__name__}: {self.error}"

    def result(self, raise_on_failure: bool = True) -> Any:
        """What the function returned; what it raised is raised, or else returned."""
        if self.error is not None and raise_on_failure:
            raise self.error
        return self.value if self.error is None else self.error


def checked(option: str, hooks: object) -> list[Hook]:
    """The hooks as a list.

    Raises:
        InvalidOption: it is no list of functions.
    """
    if isinstance(hooks, str) or not isinstance(hooks, Iterable):
        raise InvalidOption(option, hooks, "must be a list of functions")
    found = list(hooks)
    for hook in found:
        if not callable(hook):
            raise InvalidOption(option, hook, "is not a function: hook(flow, run, state)")
    return found


def states_of(hooks: Mapping[str, Sequence[Hook]]) -> list[State]:
    """The final states for which there are hooks."""
    return [state for kind, states in KINDS.items() if hooks[kind] for state in states & FINAL]


def call(hooks: Iterable[Hook], flow: object, run: RunContext, state: RunState) -> None:
    """Call each; one that fails is logged, and the others are called all the same."""
    for hook in hooks:
        try:
            answer = hook(flow, run, state)
            if inspect.isawaitable(answer):
                import asyncio

                asyncio.run(_awaited(answer))
        except (Exception, SystemExit):
            name = getattr(hook, "__name__", repr(hook))
            logging.getLogger("flow").exception("The hook %s failed at %s", name, state.name)


async def _awaited(answer: Any) -> None:
    await answer
