"""The process in which a flow runs once: from a bare fork (or a fresh interpreter) to its end."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from mmap import mmap
from types import FrameType
from typing import NoReturn

from orchestrator.execution import context, kernel, output
from orchestrator.execution.conversation import Conversation
from orchestrator.execution.failures import describe
from orchestrator.execution.loading import LoadedFlow, become_main
from orchestrator.execution.pipe import Message
from orchestrator.execution.results import encode_result
from orchestrator.model.errors import RunCancelled

MACHINERY_FAILED = 70
"""Exit code when our own code raised (EX_SOFTWARE)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """What a run process gets from its spawner."""

    control: int
    output: int
    spawner: int
    """Its process id: the run ends with it."""
    keep: Collection[int] = ()
    """Descriptors that the user's module opened while it was imported."""
    alone: mmap | None = None
    """One shared byte: set when the run ends and has started nothing that still exists."""


class Cancellation:
    """Turns SIGTERM into RunCancelled, once, and only while user code runs."""

    def __init__(self) -> None:
        self.asked = False
        self._armed = False
        self._process = os.getpid()

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        if os.getpid() != self._process:
            # A child forked by user code (a worker of multiprocessing): it ends as if we were not.
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        self.asked = True
        self._raise_once()

    def arm(self) -> None:
        """User code begins."""
        self._armed = True
        if self.asked:
            self._raise_once()

    def disarm(self) -> None:
        """User code has ended; what follows is not to be interrupted."""
        self._armed = False

    def _raise_once(self) -> None:
        if self._armed:
            self._armed = False  # a second signal must not cut the finally blocks short
            raise RunCancelled("the run is being stopped")


def become_run(equipment: Equipment, load: Callable[[], LoadedFlow]) -> NoReturn:
    """Turn this process into a run's: never returns, never unwinds into its maker's frames."""
    try:
        _leave_home(equipment)
        _live(Conversation(socket.socket(fileno=equipment.control)), load)
        if equipment.alone is not None and _is_alone():
            equipment.alone[0] = 1
    except BaseException as error:  # noqa: BLE001 - below us lie the spawner's frames
        output.complain(error)
        os._exit(MACHINERY_FAILED)
    os._exit(0)


def _leave_home(equipment: Equipment) -> None:
    """Own session, own orphans, own end; nothing of the spawner's stays open (F66)."""
    os.setsid()
    kernel.adopt_orphans()
    kernel.die_with(equipment.spawner)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # Blocked in the spawner, so that a stop that came since the fork takes effect here.
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(equipment.output, 1)
    os.dup2(equipment.output, 2)
    _close_all_but({0, 1, 2, equipment.control, *equipment.keep})


def _close_all_but(kept: Collection[int]) -> None:
    for descriptor in kernel.open_descriptors():
        if descriptor not in kept:
            os.close(descriptor)


def _live(conversation: Conversation, load: Callable[[], LoadedFlow]) -> None:
    flow: LoadedFlow | BaseException
    try:
        flow = load()
    except BaseException as error:  # noqa: BLE001 - told to the runner like an error of the run
        flow = error
    conversation.tell({"op": "ready", "pid": os.getpid()})
    go = conversation.hear()
    if go is None:
        return  # the runner is gone before the run began
    cancellation = Cancellation()
    signal.signal(signal.SIGTERM, cancellation)
    run = context.enter_run(go["run"], conversation)
    conversation.tell(
        _failed(flow)
        if isinstance(flow, BaseException)
        else _execute(flow, run.parameters, cancellation)
    )
    output.finish()


def _execute(flow: LoadedFlow, parameters: dict[str, object], stopping: Cancellation) -> Message:
    become_main(flow)
    if flow.log_prints:
        sys.stdout = output.PrintStream()
    try:
        stopping.arm()
        try:
            value = flow.run_with(parameters)
        finally:
            stopping.disarm()
    except BaseException as error:  # noqa: BLE001 - whatever user code raises is the run's end
        # Inside asyncio the cancellation may come out as CancelledError.
        cancelled = stopping.asked or isinstance(error, RunCancelled)
        return _failed(error, "Cancelled" if cancelled else "Failed")
    result, note = encode_result(value)
    return {"op": "done", "state": "Completed", "result": result, "note": note, "error": None}


def _failed(error: BaseException, state: str = "Failed") -> Message:
    return {"op": "done", "state": state, "result": None, "note": None, "error": describe(error)}


def _is_alone() -> bool:
    """Whether this process has no child, dead or alive, and nobody who could still make one."""
    if threading.active_count() > 1:
        return False
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return True
    return False


def main(arguments: list[str]) -> NoReturn:
    """A fresh interpreter's way to a run: CONTROL_FD OUTPUT_FD SPEC_FD SPAWNER_PID."""
    from orchestrator.execution.loading import load_flow

    control, pipe, spec, spawner = map(int, arguments)
    with open(spec) as file:
        document = json.load(file)

    def load() -> LoadedFlow:
        flow = load_flow(document["source"])
        output.collect_logging()
        return flow

    os.chdir(document["cwd"])
    sys.path[:0] = document["sys_path"]
    output.prepare_streams()
    os.set_inheritable(control, False)
    become_run(Equipment(control=control, output=pipe, spawner=spawner), load)
