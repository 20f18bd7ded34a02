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
    seeds.runner(RUNNER, started_at=1_000)
    newer = RunnerId("newer")
    reason = "spawn: numpy started a thread"
    seeds.runner(newer, started_at=2_000, draining=True, isolation={HELLO: reason})

    text = terminal.call("runner", "ls")
    data = terminal.call("runner", "ls", "--output", "json")

    assert [line.split()[0] for line in text.lines] == ["RUNNER", newer, RUNNER]
    assert "1/4 draining" in text.lines[1]
    assert f"{HELLO} (fresh interpreter: numpy started a thread)" in text.lines[1]
    assert [runner["id"] for runner in data.document] == [newer, RUNNER]
    assert len(terminal.call("runner", "ls", "--limit", "1", "-o", "json").document) == 1
