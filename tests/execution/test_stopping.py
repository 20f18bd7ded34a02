"""Every way in which a run is made to end, or to stand still."""

from __future__ import annotations

import json
import os
import select
import signal
from pathlib import Path

import pytest

from orchestrator.model.clock import SystemClock
from tests.execution.desk import FAR, Open, RunLine, signal_name
from tests.support import eventually
from tests.support.processes import gone, is_gone, state_of

TELLS = """
import os, signal, subprocess, sys, time
from orchestrator import flow, RunCancelled
from orchestrator.execution.context import request

def tell(**facts):
    request("tell", **facts)

def forever():
    while True:
        time.sleep(60)
"""

POLITE = (
    TELLS
    + """
@flow
def f():
    try:
        tell(at="work")
        forever()
    finally:
        tell(at="finally")
"""
)

IMMUNE = (
    TELLS
    + """
@flow
def f():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    tell(at="work")
    forever()
"""
)


def working(line: RunLine) -> RunLine:
    """Wait until user code says that it is at work."""
    line.go()
    assert line.question() == {"at": "work"}
    line.answer()
    return line


def test_cancelling_runs_the_finally_blocks(open_desk: Open) -> None:
    desk = open_desk(POLITE)
    line = working(desk.run())
    desk.say("stop", key=line.key, reason="cancel", grace=FAR)
    assert line.question() == {"at": "finally"}
    line.answer()
    assert line.finished()["state"] == "Cancelled"
    ended = line.ended()
    assert (ended["stopped"], ended["killed"], ended["exit"]) == ("cancel", False, 0)


def test_cancelling_an_async_flow_runs_its_finally_blocks(open_desk: Open) -> None:
    desk = open_desk(
        TELLS
        + "import asyncio\n@flow\nasync def f():\n    try:\n        tell(at='work')\n"
        + "        await asyncio.sleep(600)\n    finally:\n        print('cleaned')\n"
    )
    line = working(desk.run())
    desk.say("stop", key=line.key, reason="cancel", grace=FAR)
    assert line.finished()["state"] == "Cancelled"
    assert line.raw == [b"cleaned"]


BETWEEN_TURNS = """
    def spin():
        time.sleep(0.01)
        asyncio.get_running_loop().call_soon(spin)
    spin()
"""
IN_ANOTHER_TASK = """
    async def spin():
        while True:
            time.sleep(0.01)
            await asyncio.sleep(0)
    spinning = asyncio.create_task(spin())
"""


@pytest.mark.parametrize("busy", [BETWEEN_TURNS, IN_ANOTHER_TASK])
def test_a_cancel_that_does_not_meet_the_async_flow_itself_reaches_it(
    open_desk: Open, busy: str
) -> None:
    desk = open_desk(
        TELLS
        + "import asyncio, time\n@flow\nasync def f():"
        + busy
        + "    try:\n        tell(at='work')\n        await asyncio.sleep(600)\n"
        + "    finally:\n        print('cleaned')\n"
    )
    line = working(desk.run())
    desk.say("stop", key=line.key, reason="cancel", grace=FAR)
    assert line.finished()["state"] == "Cancelled"
    assert line.raw == [b"cleaned"]


def test_who_ignores_sigterm_is_killed_after_the_grace(open_desk: Open) -> None:
    desk = open_desk(IMMUNE)
    line = working(desk.run())
    desk.say("stop", key=line.key, reason="cancel", grace=0.1)
    ended = line.ended()
    assert (signal_name(ended), ended["stopped"], ended["killed"]) == ("SIGKILL", "cancel", True)


def test_a_second_stop_can_only_bring_the_end_nearer(open_desk: Open) -> None:
    desk = open_desk(IMMUNE)
    line = working(desk.run())
    desk.say("stop", key=line.key, reason="drain", grace=FAR)
    desk.say("stop", key=line.key, reason="cancel", grace=0)
    assert line.ended()["stopped"] == "drain"


@pytest.mark.parametrize(
    "busy", ["sum(range(10**12))", "__import__('re').match(r'(a+)+$', 'a' * 64 + 'b')", "forever()"]
)
def test_a_timeout_ends_what_never_looks_up(open_desk: Open, busy: str) -> None:
    desk = open_desk(TELLS + f"@flow\ndef f():\n    tell(at='work')\n    {busy}\n")
    line = working(desk.run(timeout=0.2, grace=0.2))
    ended = line.ended()
    assert ended["stopped"] == "timeout"
    # Only this one never comes back to Python, and so cannot hear SIGTERM.
    assert ended["killed"] == busy.startswith("sum")


def test_the_timeout_counts_from_the_first_line_of_user_code(open_desk: Open) -> None:
    line = open_desk(POLITE).run(timeout=0.05, grace=FAR)
    ready, _, _ = select.select([line.stream], [], [], 0.3)
    assert not ready, "the run was stopped before it began"
    assert not is_gone(line.pid)


def test_a_passed_deadline_freezes_and_a_later_one_thaws(open_desk: Open) -> None:
    desk = open_desk(TELLS + "@flow\ndef f():\n    tell(at='work')\n    tell(at='more')\n")
    line = desk.run()
    line.go()
    line.question()
    desk.say("leases", deadlines={line.key: SystemClock().elapsed() - 1, "other:1": 5.0})
    eventually(lambda: state_of(line.pid) == "T", why="frozen")
    line.answer()
    desk.say("leases", deadlines={line.key: SystemClock().elapsed() + FAR})
    assert line.question() == {"at": "more"}
    line.answer()
    assert line.finished()["state"] == "Completed"


def test_paused_and_frozen_are_two_reasons(open_desk: Open) -> None:
    desk = open_desk(POLITE)
    line = working(desk.run())
    desk.say("pause", key=line.key)
    desk.say("leases", deadlines={line.key: SystemClock().elapsed() - 1})
    eventually(lambda: state_of(line.pid) == "T", why="frozen")
    desk.say("leases", deadlines={line.key: SystemClock().elapsed() + FAR})
    # The answer to a second run proves that the spawner has read the packet before.
    other = desk.run()
    assert not is_gone(other.pid)
    assert state_of(line.pid) == "T"
    desk.say("resume", key=line.key)
    eventually(lambda: state_of(line.pid) == "S", why="thawed")


def test_frozen_time_does_not_count_into_the_timeout(open_desk: Open) -> None:
    desk = open_desk(POLITE)
    line = working(desk.run(timeout=1.0, grace=FAR))
    desk.say("pause", key=line.key)
    eventually(lambda: state_of(line.pid) == "T", why="paused")
    select.select([line.stream], [], [], 1.5)
    assert state_of(line.pid) == "T"
    desk.say("resume", key=line.key)
    assert line.question() == {"at": "finally"}
    line.answer()
    line.finished()
    assert line.ended()["stopped"] == "timeout"


def test_cancelling_a_paused_tree_still_runs_its_finally_blocks(open_desk: Open) -> None:
    desk = open_desk(POLITE)
    line = working(desk.run())
    desk.say("pause", key=line.key)
    eventually(lambda: state_of(line.pid) == "T", why="paused")
    desk.say("stop", key=line.key, reason="cancel", grace=FAR)
    assert line.question() == {"at": "finally"}
    line.answer()
    assert line.finished()["state"] == "Cancelled"


def test_cancelling_a_process_that_stopped_itself_runs_its_finally_blocks(open_desk: Open) -> None:
    desk = open_desk(
        POLITE.replace("forever()\n    finally", "os.kill(0, signal.SIGSTOP)\n    finally")
    )
    line = working(desk.run())
    eventually(lambda: state_of(line.pid) == "T", why="it has stopped its whole group")
    desk.say("stop", key=line.key, reason="cancel", grace=FAR)
    assert line.question() == {"at": "finally"}
    line.answer()
    assert line.finished()["state"] == "Cancelled"


def test_quit_kills_everything_and_leaves(open_desk: Open) -> None:
    desk = open_desk(IMMUNE)
    lines = [working(desk.run()) for _ in range(3)]
    pids = [line.pid for line in lines]
    desk.say("quit")
    assert desk.process.wait(20) == 0
    assert all(map(is_gone, pids))


def test_F67_the_death_of_the_runner_kills_all_and_is_reported(
    open_desk: Open, tmp_path: Path
) -> None:
    report = ["/bin/sh", "-c", "cat > report.json; echo $MARK > mark; mv report.json told"]
    desk = open_desk(IMMUNE, report=report)
    lines = [working(desk.run()) for _ in range(2)]
    pids = [line.pid for line in lines]
    desk.hang_up()
    assert desk.process.wait(20) == 0
    assert all(map(is_gone, pids))
    told = eventually(lambda: (tmp_path / "told").exists() and (tmp_path / "told").read_text())
    assert json.loads(str(told))["runs"] == [
        {"run_id": "run0", "token": "1.token0"},
        {"run_id": "run1", "token": "1.token1"},
    ]
    assert (tmp_path / "mark").read_text() == "helper\n"


def test_the_report_names_a_run_older_than_all_that_came_after(
    open_desk: Open, tmp_path: Path
) -> None:
    desk = open_desk(IMMUNE, report=["/bin/sh", "-c", "cat > report.json; mv report.json told"])
    old = working(desk.run())
    for _ in range(110):
        line = desk.run()
        desk.say("stop", key=line.key, reason="cancel", grace=0)
        line.ended()
    desk.hang_up()
    assert desk.process.wait(20) == 0
    told = eventually(lambda: (tmp_path / "told").exists() and (tmp_path / "told").read_text())
    keys = [":".join(run.values()) for run in json.loads(str(told))["runs"]]
    assert keys[0] == old.key
    assert len(keys) == len(set(keys)) == 101


def test_the_death_of_the_spawner_ends_its_runs(open_desk: Open) -> None:
    desk = open_desk(IMMUNE)
    line = working(desk.run())
    pid = line.pid
    os.kill(desk.process.pid, signal.SIGKILL)
    gone([pid])
