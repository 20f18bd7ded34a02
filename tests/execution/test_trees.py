"""What a run starts ends with the run, wherever it hid."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from orchestrator.execution import trees
from tests.execution.desk import FAR, Open
from tests.execution.test_stopping import TELLS
from tests.support import eventually
from tests.support.processes import is_gone, state_of

HIDES = (
    TELLS
    + """
def hidden(depth):
    # Its own session, its parent gone, deaf to SIGTERM: the worst behaved descendant there is.
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if depth:
            pids = hidden(depth - 1)
        else:
            pids = []
        if os.fork() == 0:
            os.write(writing, b" ".join(b"%d" % pid for pid in [*pids, os.getpid()]))
            os.closerange(3, 256)
            forever()
        os._exit(0)
    os.close(writing)
    return [int(pid) for pid in open(reading).read().split()]
"""
)


@pytest.mark.parametrize("ending", ["return", "os._exit(1)", "os.kill(os.getpid(), 9)"])
def test_F68_descendants_are_gone_when_the_run_has_ended(open_desk: Open, ending: str) -> None:
    desk = open_desk(HIDES + f"@flow\ndef f():\n    tell(pids=hidden(2))\n    {ending}\n")
    line = desk.run()
    line.go()
    pids = line.question()["pids"]
    assert len(pids) == 3
    assert not any(map(is_gone, pids))
    line.answer()
    line.ended()
    assert all(map(is_gone, pids))


def test_F68_descendants_are_gone_after_a_cancel(open_desk: Open) -> None:
    desk = open_desk(HIDES + "@flow\ndef f():\n    tell(pids=hidden(1))\n    forever()\n")
    line = desk.run()
    line.go()
    pids = line.question()["pids"]
    line.answer()
    desk.say("stop", key=line.key, reason="cancel", grace=FAR)
    line.ended()
    assert all(map(is_gone, pids))


@pytest.mark.parametrize("ending", ["return", "os._exit(1)"])
def test_descendants_that_stopped_themselves_are_gone_too(open_desk: Open, ending: str) -> None:
    desk = open_desk(
        TELLS
        + "@flow\ndef f():\n    child = subprocess.Popen(['sh', '-c', 'kill -STOP $$'])\n"
        + f"    tell(pid=child.pid)\n    {ending}\n"
    )
    line = desk.run()
    line.go()
    pid = line.question()["pid"]
    eventually(lambda: state_of(pid) == "T", why="it has stopped itself")
    line.answer()
    line.ended()
    assert is_gone(pid)


def test_descendants_of_other_runs_are_left_alone(open_desk: Open) -> None:
    desk = open_desk(HIDES + "@flow\ndef f():\n    tell(pids=hidden(1))\n    tell(at='end')\n")
    first, second = desk.run(), desk.run()
    first.go()
    second.go()
    theirs, others = first.question()["pids"], second.question()["pids"]
    first.answer()
    first.question()
    first.answer()
    first.ended()
    assert all(map(is_gone, theirs))
    assert not any(map(is_gone, others))


def test_freezing_reaches_every_descendant(open_desk: Open) -> None:
    desk = open_desk(HIDES + "@flow\ndef f():\n    tell(pids=hidden(1))\n    tell(at='end')\n")
    line = desk.run()
    line.go()
    pids = [line.pid, *line.question()["pids"]]
    desk.say("pause", key=line.key)
    eventually(lambda: all(state_of(pid) == "T" for pid in pids), why="all frozen")
    desk.say("resume", key=line.key)
    eventually(lambda: not any(state_of(pid) == "T" for pid in pids), why="all thawed")
    line.answer()
    assert line.question() == {"at": "end"}


def test_a_worker_pool_ends_as_it_does_outside(open_desk: Open) -> None:
    line = open_desk(
        "import multiprocessing\nfrom orchestrator import flow\ndef double(x):\n    return 2 * x\n"
        "@flow\ndef f(way: str):\n    with multiprocessing.get_context(way).Pool(2) as pool:\n"
        "        return pool.map(double, range(3))\n"
    )
    for way in ("fork", "spawn"):
        run = line.completed(way=way)
        assert json.loads(run.done["result"]) == [0, 2, 4]
        assert run.output == b"", "the pool's end was noisy"


def test_a_process_that_importing_started_lives_on(open_desk: Open, tmp_path: Path) -> None:
    desk = open_desk(
        HIDES + "pids = hidden(0)\n@flow\ndef f():\n    subprocess.Popen(['sleep', '60'])\n"
        "    return pids\n"
    )
    pids = json.loads(desk.completed().done["result"])
    assert not any(map(is_gone, pids))
    desk.say("quit")
    desk.process.wait(20)
    assert all(map(is_gone, pids))


def test_both_ways_of_finding_descendants_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path(f"/proc/self/task/{os.getpid()}/children").exists():
        pytest.skip("this kernel lists no children")
    with subprocess.Popen(["sh", "-c", "sleep 60 & wait"]) as shell:
        eventually(lambda: trees.descendants_of(shell.pid), why="the shell has its child")
        found = trees.descendants_of(shell.pid)
        monkeypatch.setattr(trees, "_HAS_CHILDREN_FILES", False)
        assert trees.descendants_of(shell.pid) == found
        for pid in (shell.pid, *found):
            os.kill(pid, signal.SIGKILL)
