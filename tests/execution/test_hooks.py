"""Hooks, run names, kept results: what surrounds the function in its process."""

from __future__ import annotations

import json

import pytest

from tests.execution.desk import Desk, Open, RunLine

NOTING = """
import asyncio, os, signal, sys, time
from orchestrator import flow, RunCancelled
from orchestrator.execution.context import request

def noted(kind):
    def hook(flow, run, state):
        request("tell", hook=kind, flow=flow.name, run=run.name, state=state.name, type=state.type)
    return hook

def tell(at):
    request("tell", at=at)

KINDS = ("on_running", "on_completion", "on_failure", "on_cancellation", "on_crashed")
"""

EVERY_KIND = (
    NOTING
    + """
@flow(name="it", timeout_seconds=60, **{kind: [noted(kind)] for kind in KINDS})
def f(fail: bool = False, wait: bool = False):
    tell("work")
    while wait:  # in pieces: a signal that comes right before a wait is noticed only after it
        time.sleep(0.01)
    assert not fail, "asked to"
"""
)


def begun(desk: Desk, retries_left: int = 0, **parameters: bool) -> RunLine:
    """A run whose function has begun, after its hook."""
    line = desk.run()
    line.go(parameters, retries_left=retries_left)
    assert line.question()["hook"] == "on_running"
    line.answer()
    assert line.question() == {"at": "work"}
    line.answer()
    return line


def last_hook(line: RunLine) -> tuple[str, str, str]:
    asked = line.question()
    line.answer()
    return asked["hook"], asked["state"], asked["type"]


def no_hook(line: RunLine) -> None:
    """The process ends without another question."""
    assert line.ended()["exit"] == 0
    assert line.stream.recv(1) == b""


def test_a_run_that_completes(open_desk: Open) -> None:
    line = begun(open_desk(EVERY_KIND))

    assert line.next()["state"] == "Completed", "told before the hooks: they cannot change it"
    assert last_hook(line) == ("on_completion", "Completed", "COMPLETED")
    no_hook(line)


def test_a_run_that_fails(open_desk: Open) -> None:
    line = begun(open_desk(EVERY_KIND), fail=True)

    assert line.next()["state"] == "Failed"
    assert last_hook(line) == ("on_failure", "Failed", "FAILED")
    no_hook(line)


def test_a_run_that_is_tried_again_has_not_failed(open_desk: Open) -> None:
    line = begun(open_desk(EVERY_KIND), retries_left=1, fail=True)

    assert line.next()["state"] == "Failed"
    no_hook(line)


@pytest.mark.parametrize(
    ("fate", "hook"),
    [
        ("cancel", ("on_cancellation", "Cancelled", "CANCELLED")),
        (None, ("on_crashed", "Crashed", "CRASHED")),
        ("leaving", None),
        ("drain", None),
        ("lost", None),
    ],
)
def test_a_run_that_is_stopped(
    open_desk: Open, fate: str | None, hook: tuple[str, str, str] | None
) -> None:
    """SIGTERM looks the same from within: the runner knows why."""
    desk = open_desk(EVERY_KIND)
    line = begun(desk, wait=True)
    desk.say("stop", key=line.key, reason=fate or "cancel", grace=60)

    assert line.next()["state"] == "Cancelled"
    assert line.question() == {}
    line.answer(fate)
    if hook is None:
        no_hook(line)
    else:
        assert last_hook(line) == hook
        no_hook(line)


def test_a_run_that_takes_too_long(open_desk: Open) -> None:
    desk = open_desk(EVERY_KIND.replace("timeout_seconds=60", "timeout_seconds=0.2"))
    line = desk.run(timeout=0.2, grace=60)
    line.go({"wait": True})
    for _ in range(2):
        line.question()
        line.answer()

    assert line.next()["state"] == "Cancelled"
    assert line.question() == {}
    line.answer(None)
    assert last_hook(line) == ("on_failure", "TimedOut", "FAILED")
    assert line.ended()["stopped"] == "timeout"


def test_a_failing_hook_is_logged_and_the_others_run(open_desk: Open) -> None:
    line = open_desk(
        NOTING
        + "def breaks(flow, run, state):\n    raise ValueError(state.result())\n"
        + "def leaves(flow, run, state):\n    sys.exit(3)\n"
        + "async def later(flow, run, state):\n"
        + "    await asyncio.sleep(0)\n    print('awaited', state.message)\n"
        + "@flow(on_completion=[breaks, leaves, later], log_prints=True)\n"
        + "def f():\n    return 'value'\n"
    ).completed()

    assert line.done["state"] == "Completed"
    assert line.ended()["exit"] == 0
    texts = [record["m"] for record in line.logged]
    assert texts[0].startswith("The hook breaks failed at Completed")
    assert "ValueError: value" in texts[0]
    assert texts[1].startswith("The hook leaves failed at Completed")
    assert texts[2] == "awaited "


def crashed(line: RunLine) -> None:
    order = {"op": "hooks", "run": line.told(), "state": "Crashed", "reason": "exit code 3"}
    line.begin(order)


def test_a_fresh_process_calls_the_hooks_of_one_that_died(open_desk: Open) -> None:
    desk = open_desk(EVERY_KIND)
    found = desk.heard("loaded")["hooks"]["f"]
    assert set(found) == {"Completed", "Failed", "TimedOut", "Cancelled", "Crashed"}
    line = desk.run()
    crashed(line)

    assert last_hook(line) == ("on_crashed", "Crashed", "CRASHED")
    no_hook(line)


def test_it_knows_why_and_that_there_is_no_result(open_desk: Open) -> None:
    line = open_desk(
        NOTING
        + "def tells(flow, run, state):\n    print(state.message)\n    state.result()\n"
        + "@flow(log_prints=True, on_crashed=[tells])\ndef f():\n    pass\n"
    ).run()
    crashed(line)

    assert line.ended()["exit"] == 0
    told, failed = (record["m"] for record in line.logged)
    assert told == "exit code 3"
    assert "RunFailed: run run0 ended as Crashed: exit code 3" in failed


def test_a_hook_that_hangs_is_killed(open_desk: Open) -> None:
    line = open_desk(
        NOTING
        + "def hangs(flow, run, state):\n    signal.pause()\n"
        + "@flow(on_crashed=[hangs])\ndef f():\n    pass\n"
    ).run(timeout=0.2, grace=0)
    crashed(line)

    assert (line.ended()["stopped"], line.ended()["killed"]) == ("timeout", True)


NAMED = """
from orchestrator import current_run, flow

@flow(flow_run_name="{who}-on-{number:03}")
def f(who: str, number: int = 7):
    return current_run().name
"""


def test_a_flow_names_its_runs(open_desk: Open) -> None:
    line = open_desk(NAMED).run()
    line.go({"who": "ann"}, name="")

    assert line.next() == {"op": "named", "name": "ann-on-007"}
    assert json.loads(line.next()["result"]) == "ann-on-007"


def test_a_name_that_was_given_stays(open_desk: Open) -> None:
    line = open_desk(NAMED).completed(who="ann")

    assert json.loads(line.done["result"]) == "calm-otter"


def test_a_name_that_cannot_be_made_is_no_reason_to_fail(open_desk: Open) -> None:
    desk = open_desk(NAMED.replace('"{who}-on-{number:03}"', "lambda: 1 / 0"))
    line = desk.run()
    line.go({"who": "ann"}, name="")

    assert json.loads(line.finished()["result"]) == "run0", "the end of its id"
    assert "ZeroDivisionError" in line.logged[0]["m"]


def test_a_result_that_nobody_wants_kept(open_desk: Open) -> None:
    text = "from orchestrator import flow\n@flow(persist_result=False)\ndef f():\n    return 1\n"

    assert open_desk(text).completed().done["result"] is None
