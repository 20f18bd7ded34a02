"""``orchestrator runner ls``."""

from __future__ import annotations

from orchestrator.model.ids import RunnerId
from tests.cli.seeds import HELLO, RUNNER, Seeds
from tests.cli.terminal import Terminal


def test_no_runners(terminal: Terminal) -> None:
    text = terminal.call("runner", "ls")

    assert (text.code, text.out, text.err) == (0, "", "No runner is serving.\n")
    assert terminal.call("runner", "ls", "--output", "json").document == []


def test_runners_are_listed_newest_first(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)
    seeds.runner(RUNNER, started_at=1_000, lacks="its host has no memory left")
    newer = RunnerId("newer")
    reason = "spawn: numpy started a thread"
    seeds.runner(newer, started_at=2_000, draining=True, isolation={HELLO: reason})

    text = terminal.call("runner", "ls")
    data = terminal.call("runner", "ls", "--output", "json")

    assert [line.split()[0] for line in text.lines] == ["RUNNER", newer, RUNNER]
    assert "1/4 draining" in text.lines[1]
    assert "1/4, its host has no memory left" in text.lines[2]
    assert f"{HELLO} (fresh interpreter: numpy started a thread)" in text.lines[1]
    assert [runner["id"] for runner in data.document] == [newer, RUNNER]
    assert len(terminal.call("runner", "ls", "--limit", "1", "-o", "json").document) == 1


def test_a_runner_is_drained(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)
    seeds.runner(RUNNER)

    text = terminal.call("runner", "drain", RUNNER)
    data = terminal.call("runner", "drain", RUNNER, "--output", "json")

    assert (text.code, text.out) == (0, f"{RUNNER} on seeded-host drains: 1 of its runs go on.\n")
    assert [(record["id"], record["draining"]) for record in data.document] == [(RUNNER, True)]
    assert "1/4 draining" in terminal.call("runner", "ls").lines[1]


def test_all_runners_of_a_host_are_drained(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)
    seeds.runner(RUNNER)
    seeds.runner(RunnerId("second"))
    seeds.runner(RunnerId("elsewhere"), host="other-host")

    drained = terminal.call("runner", "drain", "--host", "seeded-host", "-o", "json").document

    assert {record["id"] for record in drained} == {RUNNER, "second"}
    listed = terminal.call("runner", "ls", "-o", "json").document
    assert {r["id"]: r["draining"] for r in listed} == {
        RUNNER: True, "second": True, "elsewhere": False,
    }  # fmt: skip


def test_runners_that_are_not_there(terminal: Terminal) -> None:
    for words in (["nobody"], ["--host", "nowhere"]):
        answer = terminal.call("runner", "drain", *words)
        assert (answer.code, answer.out, "no runner" in answer.err) == (1, "", True)
    for words in ([], ["one", "--host", "two"]):
        assert terminal.call("runner", "drain", *words).code == 2
