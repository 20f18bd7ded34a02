"""The process in which a flow runs once: from a bare fork (or a fresh interpreter) to its end."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from mmap import mmap
from typing import Any, NoReturn

from orchestrator.execution import context, kernel, output
from orchestrator.execution.cancellation import cancellation
from orchestrator.execution.conversation import Conversation
from orchestrator.execution.executing import call_hooks, execute, failed
from orchestrator.execution.hooks import KINDS
from orchestrator.execution.loading import LoadedFlow
from orchestrator.execution.pipe import encode
from orchestrator.model.clock import SystemClock
from orchestrator.model.states import State

_MADE_UP = encode(
    {"op": "go", "run": {"id": "", "name": "", "parameters": "{}", "tags": []}, "until": 1.0}
)
_CLOCK = SystemClock()
MACHINERY_FAILED = 70
"""Exit code when our own code raised (EX_SOFTWARE)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """What a run process gets from its spawner."""

    spawner: int
    """Its process id: the run ends with it."""
    keep: Collection[int]
    """Descriptors that stay open: its own, and those that the user's module has opened."""
    alone: mmap | None = None
    """One shared byte: set when the run ends and has started nothing that still exists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a run process is for."""

    control: int
    output: int
    load: Callable[[], LoadedFlow]
    takes_long: bool = False
    """To load it: the runner is told when that is done. A fork hears what it is told at once."""


def become_run(equipment: Equipment, wait: Callable[[], Job | None]) -> NoReturn:
    """Turn this process into a run's: never returns, never unwinds into its maker's frames.

    ``wait`` says what to run, or None: nothing, leave.
    """
    try:
        _leave_home(equipment)
        if (job := wait()) is not None:
            _do(job)
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
    kernel.hear_all_signals()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    kernel.close_all_but({0, 1, 2, *equipment.keep})
    _reseed()


def _reseed() -> None:
    """Runs never share random numbers. The module ``random`` sees to that itself at every fork."""
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()


def _do(job: Job) -> None:
    os.dup2(job.output, 1)
    os.dup2(job.output, 2)
    os.close(job.output)
    _live(Conversation(job.control), job)


def _live(conversation: Conversation, job: Job) -> None:
    flow: LoadedFlow | BaseException
    try:
        flow = job.load()
    except BaseException as error:  # noqa: BLE001 - told to the runner like an error of the run
        flow = error
    if job.takes_long:
        conversation.tell({"op": "ready", "pid": os.getpid()})
    go = conversation.hear()
    if go is None:
        return  # the runner is gone before the run began
    if go["op"] == "go" and _CLOCK.elapsed() >= go["until"]:
        # We were suspended, and our spawner with us: another attempt may have begun (I4, F61).
        conversation.tell({"op": "late"})
        return
    cancellation.begin()
    context.enter_run(go["run"], conversation)
    if isinstance(flow, BaseException):
        conversation.tell(failed(flow))
    elif go["op"] == "hooks":
        call_hooks(flow, State(go["state"]), go["reason"])
    else:
        execute(flow, go["run"])
    output.finish()


def rehearse() -> None:
    """Do what a run does, with made-up words and no function: the pages that this changes are
    copied now, while nobody waits for them."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(_MADE_UP)
        conversation = Conversation(ours.fileno())
        go = conversation.hear()
        assert go is not None
        _CLOCK.elapsed()
        context.enter_run(go["run"], conversation)
        execute(_NoFlow(), go["run"])
        context.leave_run()


class _NoFlow:
    """A flow that does nothing."""

    fn = None
    log_prints = False
    keeps_result = True
    timeout_seconds = None
    parameter_schema: dict[str, Any] = {}  # noqa: RUF012 - nobody changes it
    hooks: Mapping[str, Sequence[Any]] = dict.fromkeys(KINDS, ())

    def run_name(self, _parameters: dict[str, Any]) -> str | None:
        return None

    def run_with(self, _parameters: dict[str, Any]) -> Any:
        return None


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
            output.collect_logging(document["log_level"])

    os.chdir(document["cwd"])
    sys.path[:0] = document["sys_path"]
    output.prepare_streams()
    os.set_inheritable(control, False)
    job = Job(control=control, output=pipe, load=load, takes_long=True)
    become_run(Equipment(spawner=spawner, keep=(control, pipe)), lambda: job)
