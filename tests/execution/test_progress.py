"""``set_progress``: what is told, and how often."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestrator import InvalidOption, set_progress
from orchestrator.execution.pipe import Message
from tests.execution.desk import Open, RunLine

STEPS = """
import threading, time
from orchestrator import flow, set_progress

@flow
def f(count: int, within: str = ""):
    def go():
        for number in range(count + 1):
            set_progress((number, count), text=f"at {number}")
    if within == "thread":
        thread = threading.Thread(target=go)
        thread.start()
        thread.join()
    else:
        go()
    return count
"""


def told(line: RunLine) -> tuple[list[Any], Message]:
    """What the run says of its progress, and its last word."""
    said = []
    while (message := line.next())["op"] == "progress":
        said.append(message["progress"])
    return said, message


def test_the_first_and_the_last_are_told(open_desk: Open) -> None:
    line = open_desk(STEPS).run()
    line.go({"count": 20_000})
    said, done = told(line)

    assert said[0] == {"done": 0, "total": 20_000, "text": "at 0"}
    assert said[-1] == {"done": 20_000, "total": 20_000, "text": "at 20000"}
    assert len(said) < 1_000
    assert done["state"] == "Completed"


def test_from_another_thread(open_desk: Open) -> None:
    line = open_desk(STEPS).run()
    line.go({"count": 3, "within": "thread"})

    assert told(line)[0][-1]["text"] == "at 3"


def test_what_waits_is_told_in_time(open_desk: Open) -> None:
    line = open_desk(
        "from orchestrator import flow, set_progress\n"
        "from orchestrator.execution.context import request\n"
        "@flow\ndef f():\n"
        "    set_progress(0.1)\n    set_progress(0.2)\n    set_progress(0.3)\n"
        "    request('tell')\n"
    ).run()
    line.go()
    said = [line.next() for _ in range(3)]
    (question,) = (message for message in said if message["op"] == "request")

    assert [m["progress"]["done"] for m in said if m["op"] == "progress"] == [0.1, 0.3]
    line.tell({"op": "reply", "n": question["n"], "result": None})
    assert line.finished()["state"] == "Completed"


def test_a_process_of_the_run_has_no_say(open_desk: Open) -> None:
    line = open_desk(
        "import os\nfrom orchestrator import flow, set_progress\n"
        "@flow\ndef f():\n"
        "    reading, writing = os.pipe()\n"
        "    if os.fork() == 0:\n"
        "        try:\n            set_progress(1)\n"
        "        except RuntimeError as error:\n"
        "            os.write(writing, str(error).encode())\n"
        "        os._exit(0)\n"
        "    return os.read(reading, 1000).decode()\n"
    ).completed()

    assert "in the run's own process" in json.loads(line.done["result"])


def test_outside_a_run_nothing_happens() -> None:
    set_progress(0.5)
    set_progress((3, 10), text="counting")


@pytest.mark.parametrize(
    "value", [1.5, -0.1, float("nan"), "half", True, None, (1, 0), (3, 2), (-1, 2), (1, 2, 3)]
)
def test_what_is_no_progress(value: Any) -> None:
    with pytest.raises(InvalidOption, match="a part of 1, such as"):
        set_progress(value)
    with pytest.raises(InvalidOption, match="text=3: must be a text"):
        set_progress(1, text=3)  # type: ignore[arg-type]
