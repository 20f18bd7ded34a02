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
    """SIGTERM: raises RunCancelled in user code, once; before that it ends the process.

    Installed ahead of the fork, while the signal is blocked: less to do on the way of each run.
    """

    def __init__(self) -> None:
        self.asked = False
        self._run: int | None = None
        self._armed = False

    def install(self) -> None:
        """Take over the signals of this process, whatever user code has done with them."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, self)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored, it would take exit codes away

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        if os.getpid() != self._run:
            # Not begun; or a child that user code forked (a worker of multiprocessing).
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        self.asked = True
        self._raise_once()

    def begin(self) -> None:
        """This process is a run from now on."""
        self._run = os.getpid()

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


cancellation = Cancellation()


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
    # Blocked in the spawner: a stop that came since the fork takes effect here.
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
    cancellation.begin()
    run = context.enter_run(go["run"], conversation)
    conversation.tell(
        _failed(flow) if isinstance(flow, BaseException) else _execute(flow, run.parameters)
    )
    output.finish()


def _execute(flow: LoadedFlow, parameters: dict[str, object]) -> Message:
    become_main(flow)
    if flow.log_prints:
        sys.stdout = output.PrintStream()
    try:
        cancellation.arm()
        try:
            value = flow.run_with(parameters)
        finally:
            cancellation.disarm()
    except BaseException as error:  # noqa: BLE001 - whatever user code raises is the run's end
        # Inside asyncio the cancellation may come out as CancelledError.
        cancelled = cancellation.asked or isinstance(error, RunCancelled)
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
        try:
            return load_flow(document["source"])
        finally:
            cancellation.install()
            output.collect_logging()

    os.chdir(document["cwd"])
    sys.path[:0] = document["sys_path"]
    output.prepare_streams()
    os.set_inheritable(control, False)
    become_run(Equipment(control=control, output=pipe, spawner=spawner), load)
