"""What the terminal shows of runs that runs asked for, and what it does to them."""

from __future__ import annotations

import pytest

from orchestrator import Client
from orchestrator.cli.run_page import CHILDREN_SHOWN
from orchestrator.model.asked import DEEPEST, Asked
from orchestrator.model.errors import RunNotFound, TooDeep
from orchestrator.model.ids import deployment_id, idempotent_run_id
from orchestrator.model.states import State
from tests.cli.seeds import HELLO, Seeds
from tests.cli.terminal import Terminal
from tests.support import Server

UNKNOWN = idempotent_run_id(deployment_id(HELLO), "of no run")


def test_the_page_of_a_run_shows_its_family(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)
    parent = seeds.running()
    children = [seeds.child(parent) for _ in range(2)]

    above = terminal.call("run", "inspect", parent.run_id).out
    below = terminal.call("run", "inspect", children[0])
    record = terminal.call("run", "inspect", parent.run_id, "-o", "json").document
    child = terminal.call("run", "inspect", children[0], "-o", "json").document

    assert above.index("Children") < above.index(children[1]) < above.index(children[0])
    assert ["Parent", parent.run_id] in [line.split() for line in below.lines]
    assert "Children" not in below.out
    assert (record["parent"], record["depth"], record["children"]) == (None, 0, 2)
    assert (child["parent"], child["depth"], child["children"]) == (parent.run_id, 1, 0)


def test_the_page_shows_the_last_of_many_children(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)
    parent = seeds.running()
    children = [seeds.child(parent) for _ in range(CHILDREN_SHOWN + 1)]

    page = terminal.call("run", "inspect", parent.run_id)

    assert children[1] in page.out
    assert children[0] not in page.out
    assert f"all: orchestrator run ls --parent {parent.run_id}" in page.err


def test_ls_of_the_children_of_a_run(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)
    parent = seeds.running()
    children = [seeds.child(parent) for _ in range(3)]

    listed = terminal.call("run", "ls", "--parent", parent.run_id, "-o", "json").document
    unknown = terminal.call("run", "ls", "--parent", UNKNOWN)

    assert [run["id"] for run in listed] == children[::-1]
    assert unknown.code == 1
    assert UNKNOWN in unknown.err


def test_a_cancel_takes_the_children_along(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)
    parent = seeds.running()
    child = seeds.child(parent)

    assert terminal.call("run", "cancel", parent.run_id).code == 0

    assert terminal.call("run", "inspect", child, "-o", "json").document["state"] == "Cancelled"


def test_the_client_lists_and_cancels_them(server: Server, seeds: Seeds) -> None:
    seeds.deployment(HELLO)
    parent = seeds.running()
    children = [seeds.child(parent) for _ in range(3)]

    with Client(server.url) as client:
        assert [run.id for run in client.runs(parent=parent.run_id)] == children[::-1]
        assert [run.id for run in client.runs(2, parent=parent.run_id)] == children[:0:-1]
        assert client.cancel_run(parent.run_id).state is State.CANCELLING
        assert {run.state for run in client.runs(parent=parent.run_id)} == {State.CANCELLED}
        with pytest.raises(RunNotFound):
            client.runs(parent=UNKNOWN)


def test_a_chain_of_runs_ends(seeds: Seeds, server: Server) -> None:
    seeds.deployment(HELLO)

    with pytest.raises(TooDeep, match="100 runs stand above it already"):
        Asked(deployment=HELLO, depth=DEEPEST + 1)
    with Client(server.url) as client:
        assert client.ask(Asked(deployment=HELLO, depth=7)).depth == 7
