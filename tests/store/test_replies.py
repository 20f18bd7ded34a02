"""The headers of the scripts say what the scripts do.

That each word of REPLY is provoked by some test is checked at the end of the session
(``tests.support.recorder``); here is what can be told from the files.
"""

from __future__ import annotations

import re

import pytest

from orchestrator.model.states import State
from orchestrator.store.scripts import FOLDER, script, script_names
from tests.support import Server
from tests.support.keyspace import open_client
from tests.support.recorder import Recorder, never_seen, undeclared

ADMITTING = {
    "emit_event",
    "fire_triggers",
    "link_child",
    "put_deployment",
    "put_schedule",
    "submit_runs",
    "tick_schedules",
}
"""What brings new work in is refused by a server without memory; what ends work never is (F20)."""


@pytest.mark.parametrize("name", script_names())
def test_every_script_compiles_on_every_server(name: str, every_server: Server) -> None:
    with open_client(every_server.url) as client:
        assert client.script_load(script(name).source) == script(name).sha


@pytest.mark.parametrize("name", script_names())
def test_only_admitting_scripts_are_refused_without_memory(name: str) -> None:
    first, _, _ = script(name).source.decode().partition("\n")

    assert first == ("#!lua" if name in ADMITTING else "#!lua flags=allow-oom")


@pytest.mark.parametrize("name", script_names())
def test_headers_say_every_word_that_the_script_can_return(name: str) -> None:
    text = (FOLDER / f"{name}.lua").read_text()
    returned = set(re.findall(r"\breturn \{?\s*'(\w+)'", text))

    assert returned <= set(script(name).replies), "add the word to REPLY, or drop it"


def test_scripts_know_only_the_states_of_the_table() -> None:
    text = "\n".join(path.read_text() for path in FOLDER.rglob("*.lua"))
    quoted = set(re.findall(r"'([A-Z][a-z]+(?:[A-Z][a-z]+)*)'", text))

    assert quoted <= {state.value for state in State}, "a state is spelt as in model/states.py"


def test_a_word_that_never_came_is_named() -> None:
    everything = {name: script(name).replies for name in script_names()}
    name = script_names()[0]

    assert never_seen(everything) == []
    assert never_seen({**everything, name: ()}) == [f"{name}: {w}" for w in script(name).replies]
    assert undeclared({**everything, name: ("surprise",)}) == [f"{name}: surprise"]


def test_words_of_another_process_are_taken_over() -> None:
    recorder = Recorder()

    class Node:
        workeroutput = {"replies": ({"cancel_run": ["gone"]}, True)}  # noqa: RUF012

    recorder.pytest_testnodedown(Node())

    assert recorder.whole
    assert recorder.seen == {"cancel_run": {"gone"}}
