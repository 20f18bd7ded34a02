"""A flow's function, executed once: its name, its hooks, its result or error, its last word."""

from __future__ import annotations

import logging
import sys
import time
from typing import Any

from orchestrator.execution import context, hooks, output, progress
from orchestrator.execution.cancellation import cancellation
from orchestrator.execution.context import RunContext
from orchestrator.execution.failures import describe
from orchestrator.execution.hooks import RunState
from orchestrator.execution.loading import LoadedFlow, become_main
from orchestrator.execution.pipe import FOREIGN_SIGTERM, Message, read_json
from orchestrator.execution.results import encode_result
from orchestrator.model.errors import (
    InvalidParameters,
    OrchestratorError,
    RunCancelled,
    RunFailed,
)
from orchestrator.model.states import State

_MISFIT = "The code takes other parameters than were registered"

_RETRIED = hooks.KINDS["on_failure"] | hooks.KINDS["on_crashed"]

_TOLERANCE = 1.0
"""Seconds by which this process may see its time limit pass earlier than its spawner does."""


def execute(flow: LoadedFlow, told: Message) -> None:
    """Run the function and tell the runner how it ended; then the hooks have their turn.

    Told first: a hook that hangs or dies does not change how the run ended.
    """
    _take_over(flow)
    began = time.monotonic()
    end = _ended(flow, told)
    progress.finish()
    context.tell(_last_word(flow, end))
    if _has_hooks_for(flow, end):
        known = _known_better(flow, end, time.monotonic() - began)
        _call_hooks(flow, known, told["retries_left"])


def call_hooks(flow: LoadedFlow, state: State, reason: str) -> None:
    """Be the fresh process that calls the hooks of a run whose own has died."""
    _take_over(flow)
    run = context.current_run()
    _call_all(flow, run, RunState(state, error=RunFailed(run.id, state, reason), reason=reason))


def failed(error: BaseException, state: State = State.FAILED) -> Message:
    """The last word about a run that ended with an error."""
    return {"op": "done", "state": state, "result": None, "note": None, "error": describe(error)}


def _take_over(flow: LoadedFlow) -> None:
    become_main(flow)
    if flow.log_prints:
        sys.stdout = output.PrintStream()


def _ended(flow: LoadedFlow, told: Message) -> RunState:
    try:
        cancellation.arm()
        try:
            parameters, _ = read_json(told["parameters"])
            if not told["name"]:
                _name(flow, parameters)
            if flow.hooks["on_running"]:
                running = RunState(State.RUNNING)
                hooks.call(flow.hooks["on_running"], flow, context.current_run(), running)
            return RunState(State.COMPLETED, flow.run_with(parameters))
        finally:
            cancellation.disarm()
    except BaseException as error:  # noqa: BLE001 - whatever user code raises is the run's end
        # Inside asyncio the cancellation may come out as CancelledError.
        stopped = cancellation.asked or isinstance(error, RunCancelled)
        misfit = told.get("misfit")
        if misfit and isinstance(error, (InvalidParameters, TypeError)):
            error.add_note(f"{_MISFIT}: {misfit}. Restart the serving script to register them.")
        return RunState(State.CANCELLED if stopped else State.FAILED, error=error)


def _name(flow: LoadedFlow, parameters: dict[str, Any]) -> None:
    """Give the run the name that its flow has for it; nobody else has given it one."""
    try:
        name = flow.run_name(parameters)
    except Exception:
        logging.getLogger("flow").exception("flow_run_name failed: the run keeps its own name")
        return
    if name is not None:
        context.tell({"op": "named", "name": name})
        if name:
            context.rename(name)


def _last_word(flow: LoadedFlow, end: RunState) -> Message:
    if end.error is not None:
        # Only the runner knows whether it has sent the signal.
        return {**failed(end.error, end.state), "signalled": cancellation.asked}
    result, note = encode_result(end.value) if flow.keeps_result else (None, None)
    return {"op": "done", "state": end.state, "result": result, "note": note, "error": None}


def _has_hooks_for(flow: LoadedFlow, end: RunState) -> bool:
    if not any(flow.hooks.values()):
        return False
    if end.state is State.CANCELLED:  # it may turn out to have timed out, or to have crashed
        return any(flow.hooks[kind] for kind in ("on_cancellation", "on_failure", "on_crashed"))
    return any(flow.hooks[kind] for kind, states in hooks.KINDS.items() if end.state in states)


def _known_better(flow: LoadedFlow, end: RunState, elapsed: float) -> RunState | None:
    """What the run really ended as; None when it begins again elsewhere.

    SIGTERM looks the same for a cancel, a time limit, a runner that drains, and a stranger.
    """
    if not cancellation.asked or end.state is not State.CANCELLED:
        return end
    try:
        fate = context.request("why_stopped")
    except OrchestratorError:  # the runner is gone: whoever recovers the run decides
        return None
    if fate in (None, "leaving") and _is_over(flow.timeout_seconds, elapsed):
        return RunState(State.TIMED_OUT, error=end.error)
    if fate is None:
        crash = RunFailed(context.current_run().id, State.CRASHED, FOREIGN_SIGTERM)
        return RunState(State.CRASHED, error=crash, reason=FOREIGN_SIGTERM)
    return end if fate == "cancel" else None


def _is_over(limit: float | None, elapsed: float) -> bool:
    return limit is not None and elapsed > limit - _TOLERANCE


def _call_hooks(flow: LoadedFlow, end: RunState | None, retries_left: int) -> None:
    if end is None or (end.state in _RETRIED and retries_left > 0):
        return
    _call_all(flow, context.current_run(), end)


def _call_all(flow: LoadedFlow, run: RunContext, end: RunState) -> None:
    for kind, states in hooks.KINDS.items():
        if end.state in states:
            hooks.call(flow.hooks[kind], flow, run, end)
