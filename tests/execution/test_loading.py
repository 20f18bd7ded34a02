"""How the user's code is imported, and what happens when that goes wrong."""

from __future__ import annotations

import json
from pathlib import Path

from tests.execution.desk import Desk, Open
from tests.support import eventually
from tests.support.processes import children

PLAIN = "from orchestrator import flow\n@flow\ndef f():\n    return {}\n"


def test_an_import_error_is_told_and_refuses_runs(open_desk: Open) -> None:
    desk = open_desk("import no_such_module\n")
    assert "no_such_module" in desk.heard("loaded")["flows"]["f"]
    line = desk.run()
    why = desk.heard("refused", line.key)["why"]
    assert "ModuleNotFoundError" in why
    assert "flows.py" in why
    assert "orchestrator/execution" not in why


def test_a_syntax_error_and_an_exit_are_import_errors_too(open_desk: Open) -> None:
    assert "SyntaxError" in open_desk("def f(:\n").heard("loaded")["flows"]["f"]
    assert "SystemExit" in open_desk("raise SystemExit(1)\n").heard("loaded")["flows"]["f"]


def test_a_missing_flow_is_told_with_those_that_are_there(open_desk: Open) -> None:
    desk = open_desk(PLAIN.format(1), qualnames=["g"])
    told = desk.heard("loaded")["flows"]["g"]
    assert "no such flow" in told
    assert "found: f" in told


def test_one_bad_flow_leaves_the_others(open_desk: Open) -> None:
    desk = open_desk(PLAIN.format(5), qualnames=["f", "g"])
    assert desk.heard("loaded")["flows"]["f"] is None
    assert json.loads(desk.completed("f").done["result"]) == 5


def test_a_flow_under_another_name_is_found_by_its_function(open_desk: Open) -> None:
    desk = open_desk(
        "from orchestrator import flow\ndef f():\n    return 'plain'\nserved = flow(f)\n"
    )
    assert json.loads(desk.completed().done["result"]) == "plain"


def test_a_module_is_imported_by_name(open_desk: Open) -> None:
    desk = open_desk(PLAIN.format("__name__"), flows={"f": {"module": "flows", "qualname": "f"}})
    assert json.loads(desk.completed().done["result"]) == "flows"


def test_import_runner_gets_the_users_own_file(open_desk: Open) -> None:
    open_desk("own = 'mine'\n", name="runner.py", flows={})
    open_desk("own = 'mine too'\n", name="scheduler.py", flows={})
    desk = open_desk(
        "import runner, scheduler\nfrom orchestrator import flow\n"
        "@flow\ndef f():\n    return [runner.own, scheduler.own]\n"
    )
    assert json.loads(desk.completed().done["result"]) == ["mine", "mine too"]


def test_a_script_may_have_the_name_of_a_loaded_module(open_desk: Open) -> None:
    desk = open_desk(PLAIN.format("__file__"), name="json.py")
    assert desk.completed().done["result"].endswith('json.py"')


def test_a_script_that_serves_without_a_guard_does_not_serve_again(open_desk: Open) -> None:
    desk = open_desk(PLAIN.format(1) + "f.serve('again')\n")
    assert desk.heard("loaded")["flows"]["f"] is None
    assert desk.completed().done["state"] == "Completed"


def test_a_changed_source_makes_the_spawner_stale(open_desk: Open) -> None:
    open_desk("value = 1\n", name="neighbour.py", flows={})
    desk = open_desk("import neighbour\n" + PLAIN.format("neighbour.value"))
    assert json.loads(desk.completed().done["result"]) == 1
    neighbour = desk.folder / "neighbour.py"
    neighbour.write_text("value = 22\n")
    line = desk.run()
    assert desk.heard("stale", line.key)["path"] == str(neighbour)
    assert all(packet.get("key") != line.key for packet in desk.packets if packet["op"] == "forked")


def test_a_repaired_import_makes_the_spawner_stale_instead_of_refusing(open_desk: Open) -> None:
    desk = open_desk("import no_such_module\n")
    desk.heard("loaded")
    (desk.folder / "flows.py").write_text(PLAIN.format("'repaired'"))
    desk.heard("stale", desk.run().key)


def test_a_script_that_appears_later_makes_the_spawner_stale(open_desk: Open) -> None:
    desk = open_desk("", flows={})
    late = desk.folder / "late.py"
    again = open_desk("", flows={"f": {"path": str(late), "qualname": "f"}})
    assert "no such file" in again.heard("loaded")["flows"]["f"]
    late.write_text(PLAIN.format(1))
    again.heard("stale", again.run().key)


def test_F64_threads_in_the_module_mean_a_fresh_interpreter(open_desk: Open) -> None:
    desk = open_desk(
        "import os, threading\nfrom orchestrator import flow\nmade_by = os.getpid()\n"
        "def idle():\n    threading.Event().wait()\n"
        "threading.Thread(target=idle, name='poller', daemon=True).start()\n"
        "@flow\ndef f(x: int):\n    return [x, made_by == os.getpid()]\n"
    )
    why = desk.heard("loaded")["isolation"]["f"]
    assert why.startswith("spawn: ")
    assert "'poller' (flows)" in why
    assert json.loads(desk.completed(x=3).done["result"]) == [3, True]


def test_F64_native_threads_of_unknown_origin_mean_a_fresh_interpreter(open_desk: Open) -> None:
    desk = open_desk(
        "import ctypes\nlibc, thread = ctypes.CDLL(None), ctypes.c_ulong()\n"
        "libc.pthread_create(ctypes.byref(thread), None, libc.pause, None)\n" + PLAIN.format(1)
    )
    assert "started 1 native thread (" in desk.heard("loaded")["isolation"]["f"]
    assert desk.completed().done["state"] == "Completed"


def test_a_flow_prepares_once_for_all_its_runs(open_desk: Open) -> None:
    desk = open_desk(
        "from orchestrator import Flow\n"
        "class Prepared(Flow):\n    prepared = 0\n"
        "    def prepare(self):\n        self.prepared += 1\n"
        "    def run_with(self, parameters):\n        return self.prepared\n"
        "@Prepared\ndef f():\n    pass\n"
    )
    assert [json.loads(desk.completed().done["result"]) for _ in range(2)] == [1, 1]


def test_a_fresh_interpreter_can_be_asked_for(open_desk: Open) -> None:
    text = (
        "import os, sys\nfrom orchestrator import flow\nmade_by = os.getpid()\n"
        "@flow\ndef f():\n    print('out')\n    import logging\n"
        "    logging.getLogger('mine').info('logged')\n"
        "    return [made_by == os.getpid(), sorted(map(int, os.listdir('/proc/self/fd')))[:3]]\n"
    )
    desk = open_desk(text, isolation={"f": "spawn"})
    assert desk.heard("loaded")["isolation"]["f"] == "spawn: asked for"
    line = desk.completed()
    assert json.loads(line.done["result"]) == [True, [0, 1, 2]]
    assert line.raw == [b"out"]
    assert [record["m"] for record in line.logged] == ["logged"]


def test_a_fresh_interpreter_that_cannot_import_fails_the_run(open_desk: Open) -> None:
    text = "import os\n" + PLAIN.format(1) + "if os.path.exists('broken'):\n    raise KeyError(1)\n"
    desk = open_desk(text, isolation={"f": "spawn"})
    desk.heard("loaded")
    (desk.folder / "broken").touch()
    done = desk.completed().done
    assert (done["state"], done["error"]["type"]) == ("Failed", "KeyError")


def test_the_spawner_imports_neither_pydantic_nor_redis(open_desk: Open) -> None:
    desk = open_desk(
        "import sys\nfrom orchestrator import flow\n@flow\ndef f():\n"
        "    return sorted({'pydantic', 'redis', 'asyncio'} & set(sys.modules))\n"
    )
    assert json.loads(desk.completed().done["result"]) == []


def test_descriptors_do_not_leak_in_the_spawner(open_desk: Open) -> None:
    desk = open_desk(PLAIN.format(1))
    desk.completed()
    before = descriptors_at_rest(desk, "before")
    for _ in range(20):
        desk.completed()
    assert descriptors_at_rest(desk, "after") == before


def descriptors_at_rest(desk: Desk, key: str) -> int:
    """Of a spawner with nothing but the one process that is forked ahead."""
    eventually(lambda: len(children(desk.process.pid)) == 1, why="one process forked ahead")
    desk.say("run", key=key, flow="nobody")
    desk.heard("refused", key)  # so the turn in which that process came, or others went, is over
    return len(list(Path(f"/proc/{desk.process.pid}/fd").iterdir()))
