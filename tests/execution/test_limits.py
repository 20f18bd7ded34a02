"""Limits of memory and CPU, held by the spawner over all processes of a run together."""

from __future__ import annotations

import json
import subprocess

import pytest

from orchestrator.execution.metering import LONGEST_PAUSE, SHORTEST_PAUSE, Meter, pause_after
from tests.execution.desk import Open, RunLine, signal_name
from tests.execution.test_stopping import TELLS
from tests.support import eventually
from tests.support.processes import is_gone, tree

MiB = 1024 * 1024

TAKES = (
    TELLS
    + """
def take(size):
    kept = bytearray(size)
    kept[::4096] = b"x" * len(kept[::4096])  # a page that nobody wrote to takes no memory
    forever()
"""
)


def over(line: RunLine, limit: str) -> None:
    """The run was killed for that limit."""
    ended = line.ended()
    assert (ended["stopped"], signal_name(ended), ended["killed"]) == (limit, "SIGKILL", True)


def test_who_takes_too_much_memory_is_killed(open_desk: Open) -> None:
    desk = open_desk(TAKES + f"@flow\ndef f():\n    take({400 * MiB})\n")
    line = desk.run(memory_limit=150 * MiB)
    line.go()
    over(line, "memory_limit")
    assert line.ended()["peak_bytes"] > 150 * MiB


def test_memory_is_that_of_all_processes_together(open_desk: Open) -> None:
    desk = open_desk(
        TAKES
        + f"""
@flow
def f():
    pids = []
    for _ in range(4):
        pids.append(os.fork())
        if not pids[-1]:
            os.setsid()
            take({60 * MiB})
    tell(pids=pids)
    forever()
"""
    )
    line = desk.run(memory_limit=150 * MiB)
    line.go()
    pids = line.question()["pids"]
    over(line, "memory_limit")
    assert all(map(is_gone, pids))


def test_shared_memory_counts_once(open_desk: Open) -> None:
    """What the module holds, every fork of it has too, and nobody has a copy."""
    desk = open_desk(
        TELLS
        + f"table = b'x' * {200 * MiB}\n"
        + "@flow\ndef f():\n    for _ in range(4):\n        if not os.fork():\n"
        + "            forever()\n    while time.process_time() < 0.5:\n        pass\n"
    )
    line = desk.run(memory_limit=230 * MiB)
    line.go()
    assert line.finished()["state"] == "Completed"
    assert line.ended()["stopped"] is None


def test_who_takes_too_much_cpu_is_killed(open_desk: Open) -> None:
    desk = open_desk(TELLS + "@flow\ndef f():\n    sum(range(10**12))\n")
    line = desk.run(cpu_limit=0.3)
    line.go()
    over(line, "cpu_limit")
    assert line.ended()["cpu_seconds"] > 0.3


def test_cpu_of_children_that_ended_counts(open_desk: Open) -> None:
    desk = open_desk(
        TELLS
        + "def burn():\n    if not os.fork():\n        sum(range(10**6))\n        os._exit(0)\n"
        + "    os.wait()\n@flow\ndef f():\n    while True:\n        burn()\n"
    )
    line = desk.run(cpu_limit=0.5)
    line.go()
    over(line, "cpu_limit")


def test_within_its_limits_a_run_does_not_notice_them(open_desk: Open) -> None:
    desk = open_desk(TELLS + "@flow\ndef f():\n    time.sleep(0.2)\n    return 'done'\n")
    line = desk.run(memory_limit=1024 * MiB, cpu_limit=60.0)
    line.go()
    assert json.loads(line.finished()["result"]) == "done"


BOMB = (
    TELLS
    + """
import tempfile
TOKENS = os.pipe()
os.set_blocking(TOKENS[0], False)
os.write(TOKENS[1], b"x" * 200)  # this machine is needed afterwards

def explode(hide):
    while True:
        try:
            os.read(TOKENS[0], 1)
        except BlockingIOError:
            forever()
        if not os.fork() and hide:
            os.setsid()
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        mine = bytearray(os.urandom(2**20))

@flow
def f(hide: bool = False):
    tell(at="work")
    explode(hide)
"""
)


@pytest.mark.long
@pytest.mark.parametrize("hide", [False, True])
def test_a_fork_bomb_ends_at_its_memory_limit(open_desk: Open, hide: bool) -> None:
    desk = open_desk(BOMB)
    line = desk.run(memory_limit=100 * MiB)
    line.go({"hide": hide})
    line.question()
    line.answer()
    over(line, "memory_limit")
    assert len(tree(desk.process.pid)) <= 1, "nobody but the process that waits for the next run"


@pytest.mark.long
@pytest.mark.parametrize("hide", [False, True])
def test_a_fork_bomb_without_limits_ends_when_cancelled(open_desk: Open, hide: bool) -> None:
    desk = open_desk(BOMB)
    line = desk.run()
    line.go({"hide": hide})
    line.question()
    line.answer()
    eventually(lambda: len(tree(line.pid)) > 50, within=60, every=0.1, why="it explodes")
    desk.say("stop", key=line.key, reason="cancel", grace=0.5)
    assert line.ended()["stopped"] == "cancel"
    assert len(tree(desk.process.pid)) <= 1, "nobody but the process that waits for the next run"


@pytest.mark.parametrize(
    ("took", "growth", "room", "pause"),
    [
        (0.0001, 0, 100, SHORTEST_PAUSE),
        (0.02, 0, 100, 0.2),
        (1.0, -50, 100, LONGEST_PAUSE),
        (0.0001, 100, 1000, SHORTEST_PAUSE),
        (0.0001, 1000, 40, 0.02),
        (0.01, 1000, 40, 0.02),
        (0.03, 1000, 40, 0.03),
        (0.0001, 1_000_000, 40, 0.005),
    ],
)
def test_who_grows_towards_its_limit_is_looked_at_sooner(
    took: float, growth: float, room: float, pause: float
) -> None:
    """Before it is there, but never so often that nothing else is done."""
    assert pause_after(took, growth, room) == pytest.approx(pause)


def test_what_is_gone_takes_nothing() -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
        assert Meter(memory_limit=1, cpu_limit=0.0).look(process.pid) is None
