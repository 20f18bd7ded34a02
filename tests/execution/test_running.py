"""One run from asking to its end."""

from __future__ import annotations

import base64
import json
import os
import signal

import cloudpickle  # type: ignore[import-untyped]  # it has no type hints
import pytest

from orchestrator import flow
from tests.execution.desk import Open, signal_name

ADD = """
from orchestrator import flow

@flow
def f(a: int = 1, b: int = 2) -> int:
    return a + b
"""


def test_a_run_returns_its_result_as_json(open_desk: Open) -> None:
    line = open_desk(ADD).completed(a=40)
    assert line.done["state"] == "Completed"
    assert json.loads(line.done["result"]) == 42
    ended = line.ended()
    assert (ended["exit"], ended["signal"], ended["stopped"], ended["killed"]) == (
        0,
        None,
        None,
        False,
    )
    assert ended["peak_bytes"] > 1_000_000


def test_an_async_flow_is_awaited(open_desk: Open) -> None:
    desk = open_desk(
        "import asyncio\nfrom orchestrator import flow\n"
        "@flow\nasync def f():\n    await asyncio.sleep(0)\n    return 'done'\n"
    )
    assert json.loads(desk.completed().done["result"]) == "done"


def test_an_exception_is_told_with_the_users_traceback(open_desk: Open) -> None:
    line = open_desk(
        "from orchestrator import flow\n@flow\ndef f():\n    return inner()\n"
        "def inner():\n    raise LookupError('no such thing')\n"
    ).completed()
    error = line.done["error"]
    assert line.done["state"] == "Failed"
    assert (error["type"], error["message"]) == ("LookupError", "no such thing")
    assert "in inner" in error["traceback"]
    assert "orchestrator/" not in error["traceback"]
    assert line.ended()["exit"] == 0


def test_a_result_without_a_json_form_completes_with_a_note(open_desk: Open) -> None:
    line = open_desk("from orchestrator import flow\n@flow\ndef f():\n    return object()\n")
    done = line.completed().done
    assert (done["state"], done["result"]) == ("Completed", None)
    assert "object" in done["note"]


@pytest.mark.parametrize(
    ("ending", "code", "name"),
    [
        ("os._exit(7)", 7, None),
        ("os.kill(os.getpid(), 9)", None, "SIGKILL"),
        ("import ctypes; ctypes.string_at(0)", None, "SIGSEGV"),
    ],
)
def test_a_process_that_dies_is_told_by_code_or_signal(
    open_desk: Open, ending: str, code: int | None, name: str | None
) -> None:
    line = open_desk(f"import os\nfrom orchestrator import flow\n@flow\ndef f():\n    {ending}\n")
    run = line.run()
    run.go()
    ended = run.ended()
    assert (ended["exit"], signal_name(ended), ended["stopped"]) == (code, name, None)


def test_system_exit_in_a_flow_is_a_failure_of_the_run(open_desk: Open) -> None:
    line = open_desk("from orchestrator import flow\n@flow\ndef f():\n    raise SystemExit(3)\n")
    done = line.completed().done
    assert (done["state"], done["error"]["type"]) == ("Failed", "SystemExit")


def test_F66_a_run_has_its_own_descriptors_only(open_desk: Open) -> None:
    first = open_desk(
        "import os\nfrom orchestrator import flow\n@flow\ndef f():\n"
        "    paths = {d: f'/proc/self/fd/{d}' for d in os.listdir('/proc/self/fd')}\n"
        "    return {d: os.readlink(p) for d, p in paths.items() if os.path.lexists(p)}\n"
    ).completed()
    found = json.loads(first.done["result"])
    assert set(found) >= {"0", "1", "2"}
    assert found["0"] == "/dev/null"
    assert found["1"] == found["2"]
    assert len(found) == 4
    assert sum(target.startswith("socket:") for target in found.values()) == 1


def test_a_file_that_the_module_opened_is_still_open_in_runs(open_desk: Open) -> None:
    desk = open_desk(
        "from orchestrator import flow\nbook = open('book.txt', 'a')\n"
        "@flow\ndef f():\n    book.write('line')\n    book.flush()\n"
    )
    assert desk.completed().done["state"] == "Completed"
    assert (desk.folder / "book.txt").read_text() == "line"


def test_runs_know_themselves(open_desk: Open) -> None:
    line = open_desk(
        "from orchestrator import flow, current_run\n@flow\ndef f(x: int):\n"
        "    r = current_run()\n    return [r.id, r.attempt, r.parameters, r.deployment, r.tags,\n"
        "        r.scheduled_at.isoformat(), r.fencing_token]\n"
    ).completed(x=3)
    assert json.loads(line.done["result"]) == [
        "run0",
        1,
        {"x": 3},
        "f/test",
        ["a"],
        "2023-11-14T22:13:20+00:00",
        "1.token0",
    ]


def test_requests_are_answered_or_raise_what_the_runner_met(open_desk: Open) -> None:
    line = open_desk(
        "from orchestrator import flow, RunNotFound\nfrom orchestrator.execution.context import"
        " request\n@flow\ndef f():\n    first = request('double', number=2)\n"
        "    try:\n        request('read_run', run_id='x')\n    except RunNotFound as error:\n"
        "        return [first, str(error)]\n"
    ).run()
    line.go()
    assert line.question() == {"number": 2}
    line.answer(4)
    line.question()
    error = {"type": "RunNotFound", "message": "no run 'x'"}
    line.tell({"op": "reply", "n": line.asked, "error": error})
    assert json.loads(line.finished()["result"]) == [4, "no run 'x'"]


def test_requests_of_several_threads_find_their_answers(open_desk: Open) -> None:
    line = open_desk(
        "import threading\nfrom orchestrator import flow\n"
        "from orchestrator.execution.context import request\n@flow\ndef f():\n"
        "    found = {}\n"
        "    def ask(n):\n        found[n] = request('double', number=n)\n"
        "    threads = [threading.Thread(target=ask, args=(n,)) for n in range(5)]\n"
        "    [t.start() for t in threads]\n    [t.join() for t in threads]\n    return found\n"
    ).run()
    line.go()
    asked = []
    for _ in range(5):
        number = line.question()["number"]
        asked.append((line.asked, number))
    for name, number in reversed(asked):
        line.tell({"op": "reply", "n": name, "result": 2 * number})
    assert json.loads(line.finished()["result"]) == {str(n): 2 * n for n in range(5)}


def test_a_closure_travels_as_a_pickle(open_desk: Open) -> None:
    factor = 7

    def times(number: int) -> int:
        return number * factor

    made = flow(times)
    cloudpickle.register_pickle_by_value(__import__(__name__, fromlist=["x"]))
    source = {"pickle": base64.b64encode(cloudpickle.dumps(made)).decode()}
    line = open_desk("", flows={"f": source}).completed(number=6)
    assert json.loads(line.done["result"]) == 42


def test_a_run_that_is_never_told_to_go_leaves_silently(open_desk: Open) -> None:
    line = open_desk(ADD).run()
    line.close()
    ended = line.ended()
    assert (ended["exit"], ended["signal"], line.output) == (0, None, b"")


def test_I4_a_run_that_wakes_up_after_its_lease_does_not_begin(open_desk: Open) -> None:
    """As on a host that was suspended between the server's yes and the first line."""
    line = open_desk(ADD).run()
    line.go(lease=-0.001)
    assert line.next() == {"op": "late"}
    assert line.ended()["exit"] == 0
    assert line.stream.recv(1) == b"", "it said nothing more"


def test_F34_a_kill_before_the_process_is_ready_hits_nobody_else(open_desk: Open) -> None:
    desk = open_desk(ADD)
    desk.heard("loaded")
    for _ in range(20):
        line = desk.run()
        desk.say("stop", key=line.key, reason="cancel", grace=0)
        assert signal_name(line.ended()) == "SIGKILL"
    assert desk.completed().done["state"] == "Completed"


def test_F33_a_stop_for_a_run_that_ended_touches_no_other(open_desk: Open) -> None:
    desk = open_desk(ADD)
    for _ in range(30):
        line, neighbour = desk.run(), desk.run()
        line.go()
        assert line.next()["op"] == "done"
        desk.say("stop", key=line.key, reason="cancel", grace=0)
        neighbour.go()
        assert neighbour.finished()["state"] == "Completed"
        line.ended()


def test_F65_sigterm_to_a_run_leaves_the_spawner_alone(open_desk: Open) -> None:
    desk = open_desk(ADD)
    line = desk.run()
    os.kill(line.pid, signal.SIGTERM)
    assert signal_name(line.ended()) == "SIGTERM"
    os.kill(desk.process.pid, signal.SIGTERM)
    assert desk.completed().done["state"] == "Completed"


def test_a_module_that_ignores_its_children_does_not_hide_how_runs_end(open_desk: Open) -> None:
    line = open_desk(
        "import os, signal\nfrom orchestrator import flow\n"
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n@flow\ndef f():\n    os._exit(9)\n"
    ).run()
    line.go()
    assert line.ended()["exit"] == 9


def test_a_flow_may_close_its_streams(open_desk: Open) -> None:
    line = open_desk(
        "import sys\nfrom orchestrator import flow\n"
        "@flow\ndef f():\n    sys.stdout.close()\n    sys.stderr = None\n"
    ).completed()
    assert (line.done["state"], line.ended()["exit"]) == ("Completed", 0)


def test_the_user_code_sees_itself_as_main_without_being_run_as_main(open_desk: Open) -> None:
    line = open_desk(
        "import pickle, sys\nfrom orchestrator import flow\n"
        "class Thing:\n    pass\n"
        "if __name__ == '__main__':\n    raise SystemExit('the guard did not hold')\n"
        "@flow\ndef f():\n    import __main__, flows\n"
        "    same = type(pickle.loads(pickle.dumps(Thing()))) is Thing\n"
        "    return [__name__, __main__ is flows, flows.Thing is Thing, same]\n"
    ).completed()
    assert json.loads(line.done["result"]) == ["flows", True, True, True]
