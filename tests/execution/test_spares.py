"""Processes forked ahead: what runs gain by them, and that nothing else changes."""

from __future__ import annotations

import json
import os
import signal

from tests.execution.desk import Desk, Open
from tests.support import eventually
from tests.support.processes import children, is_gone, state_of

WHO = """
import os, random, sys
from orchestrator import flow

@flow
def f():
    return [os.getpid(), os.getsid(0), random.random(), sys.modules["numpy.random"].GIVEN]
"""
NUMPY = """
import os
GIVEN = []
def seed():
    GIVEN.append(os.getpid())
"""

FORKS = """
import os
from orchestrator import flow

def forked():
    with open("forks", "a") as file:
        file.write(".")
os.register_at_fork(before=forked)

@flow
def f():
    return 1
"""


def spare_of(desk: Desk) -> int:
    """The process that waits for a run, once it is there."""
    desk.heard("loaded")
    pids = eventually(lambda: children(desk.process.pid), why="a spare")
    assert len(pids) == 1
    return pids[0]


def test_a_run_takes_the_process_that_was_forked_ahead(open_desk: Open) -> None:
    desk = open_desk(WHO.replace('sys.modules["numpy.random"].GIVEN', "0"))
    for _ in range(3):
        spare = spare_of(desk)
        line = desk.completed()
        assert line.pid == spare
        assert json.loads(line.done["result"])[:2] == [spare, spare]


def test_runs_that_come_at_once_have_some_forked_ahead_and_at_rest_one_is_left(
    open_desk: Open,
) -> None:
    """Of twelve runs the first takes the one that was there. One forks for itself alone, one has
    one forked ahead beside itself, one two, and two have three; at rest two of those end."""
    desk = open_desk(FORKS)
    spare_of(desk)
    os.kill(desk.process.pid, signal.SIGSTOP)
    lines = [desk.run() for _ in range(12)]
    os.kill(desk.process.pid, signal.SIGCONT)
    pids = {line.pid for line in lines}
    assert len(pids) == len(lines)
    eventually(lambda: len(children(desk.process.pid)) == 13, why="one spare")
    assert len((desk.folder / "forks").read_text()) == 1 + 1 + 2 + 3 + 4 + 4
    (left,) = set(children(desk.process.pid)) - pids
    for line in lines:
        line.go()
        line.finished()
    assert desk.completed().pid == left


def test_runs_never_share_random_numbers(open_desk: Open) -> None:
    desk = open_desk("GIVEN = []\n", name="unused.py", flows={})
    (desk.folder / "numpy").mkdir()
    (desk.folder / "numpy" / "__init__.py").touch()
    (desk.folder / "numpy" / "random.py").write_text(NUMPY)
    desk = open_desk("import numpy.random, random\nrandom.seed(1)\n" + WHO)
    spare_of(desk)
    lines = [desk.run() for _ in range(4)]  # the first by a spare, the others by a fork
    for line in lines:
        line.go()
        line.finished()
    told = [json.loads(line.done["result"]) for line in lines]
    assert len({number for _, _, number, _ in told}) == 4
    assert [seeded for *_, seeded in told] == [[pid] for pid, *_ in told]


def test_a_spare_that_was_killed_is_no_run_and_none_is_lost(open_desk: Open) -> None:
    desk = open_desk("from orchestrator import flow\n@flow\ndef f():\n    return 1\n")
    os.kill(spare_of(desk), signal.SIGKILL)
    eventually(lambda: not children(desk.process.pid), why="the spare gone")
    assert desk.completed().done["result"] == "1"
    assert {packet["op"] for packet in desk.packets} == {"loaded", "forked", "ended"}


def test_the_end_of_a_spare_is_not_that_of_the_run_asked_for_meanwhile(open_desk: Open) -> None:
    """The spawner hears of both at once; the process that it makes gets the descriptor that was the
    spare's."""
    desk = open_desk("from orchestrator import flow\n@flow\ndef f():\n    input()\n")
    spare = spare_of(desk)
    os.kill(desk.process.pid, signal.SIGSTOP)
    eventually(lambda: state_of(desk.process.pid) == "T")
    line = desk.run()
    os.kill(spare, signal.SIGKILL)
    eventually(lambda: is_gone(spare), why="the spare gone")
    os.kill(desk.process.pid, signal.SIGCONT)
    assert line.pid != spare
    desk.say("stop", key=line.key, reason="lost", grace=0.0)
    assert desk.heard("ended", line.key)["killed"]


def test_a_spare_with_old_code_gets_no_run(open_desk: Open) -> None:
    desk = open_desk("from orchestrator import flow\n@flow\ndef f():\n    return 1\n")
    spare_of(desk)
    (desk.folder / "flows.py").write_text("# changed\n")
    desk.heard("stale", desk.run().key)
    eventually(lambda: not children(desk.process.pid), why="the spare gone")


def test_spares_are_gone_when_the_runner_dies(open_desk: Open) -> None:
    desk = open_desk("from orchestrator import flow\n@flow\ndef f():\n    return 1\n")
    spare = os.pidfd_open(spare_of(desk))
    desk.hang_up()
    desk.process.wait()
    try:
        eventually(lambda: not _lives(spare), why="the spare gone")
    finally:
        os.close(spare)


def test_flows_that_are_not_forked_have_no_spares(open_desk: Open) -> None:
    desk = open_desk(
        "from orchestrator import flow\n@flow\ndef f():\n    return 1\n", isolation={"f": "spawn"}
    )
    assert desk.completed().done["result"] == "1"
    assert not children(desk.process.pid)


def _lives(handle: int) -> bool:
    try:
        signal.pidfd_send_signal(handle, 0)
    except ProcessLookupError:
        return False
    return True
