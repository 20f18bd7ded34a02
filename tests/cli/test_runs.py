"""``orchestrator run``: both outputs of each command."""

from __future__ import annotations

import json

import pytest

from orchestrator.model.ids import deployment_id, idempotent_run_id
from orchestrator.model.states import State
from tests.cli.seeds import HELLO, RUNNER, Seeds
from tests.cli.terminal import Terminal

UNKNOWN = idempotent_run_id(deployment_id(HELLO), "of no run")


def test_ls_without_runs(terminal: Terminal) -> None:
    text = terminal.call("run", "ls")
    data = terminal.call("run", "ls", "--output", "json")

    assert (text.code, text.out, text.err) == (0, "", "No runs.\n")
    assert (data.code, data.document, data.err) == (0, [], "")


def test_ls_is_newest_first_over_all_deployments(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)
    seeds.deployment("other/thing")
    made = [seeds.waiting(name) for name in (HELLO, "other/thing", HELLO)]

    text = terminal.call("run", "ls")
    everything = terminal.call("run", "ls", "--output", "json").document
    newest = terminal.call("run", "ls", "--output", "json", "--limit", "2").document

    created = [run["created_at"] for run in everything]
    assert created == sorted(created, reverse=True)
    assert {run["id"] for run in everything} == set(made)
    assert [line.split()[0] for line in text.lines] == ["ID", *(run["id"] for run in everything)]
    assert newest == everything[:2]


def test_ls_by_state_and_deployment(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)
    seeds.deployment("other/thing")
    done = seeds.finish(seeds.running(HELLO))
    waiting = seeds.waiting(HELLO)
    seeds.waiting("other/thing")

    def ids(*words: str) -> list[str]:
        return [run["id"] for run in terminal.call("run", "ls", "-o", "json", *words).document]

    assert ids("--state", "completed") == [done]
    assert ids("--deployment", HELLO) == [waiting, done]
    assert ids("--deployment", HELLO, "--state", "Scheduled") == [waiting]
    assert ids("--state", "Failed") == []
    assert ids("--state", "failed", "--state", "completed") == [done]
    assert len(ids("--tag", "seeded")) == 3
    assert ids("--tag", "seeded", "-t", "other") == []
    assert len(ids("--since", "1h")) == 3
    assert ids("--since", "2099-01-01") == []


def test_inspect_a_failed_run(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)
    error = {
        "type": "ValueError",
        "message": "no [bold]markup[/bold]",
        "traceback": "Traceback (most recent call last):\nValueError: no [bold]markup[/bold]\n",
    }
    run_id = seeds.finish(seeds.running(HELLO), State.FAILED, error=json.dumps(error))

    text = terminal.call("run", "inspect", run_id)
    data = terminal.call("run", "inspect", run_id, "--output", "json")

    assert text.code == 0
    for fact in (run_id, "Failed", HELLO, "seeded-host", "pid 4711", RUNNER, "[bold]markup[/bold]"):
        assert fact in text.out
    assert data.document["error"] == error
    assert [step["state"] for step in data.document["history"]][-1] == "Failed"


def test_logs_print_every_line(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)
    claimed = seeds.running(HELLO)
    seeds.log(claimed, "first", "[bold]é[/bold]")
    seeds.log(claimed, "bad", level="ERROR")
    run_id = seeds.finish(claimed)

    text = terminal.call("run", "logs", run_id)
    data = terminal.call("run", "logs", run_id, "--output", "json")

    assert [line.split(maxsplit=2)[1:] for line in text.lines] == [
        ["INFO", "first"],
        ["INFO", "[bold]é[/bold]"],
        ["ERROR", "bad"],
    ]
    assert [line["text"] for line in data.document] == ["first", "[bold]é[/bold]", "bad"]
    assert set(data.document[0]) == {"at", "level", "logger", "text", "attempt"}


def test_a_run_without_logs(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)
    run_id = seeds.waiting(HELLO)

    assert terminal.call("run", "logs", run_id).out == ""
    assert terminal.call("run", "logs", run_id, "--output", "json").document == []


def test_cancel_a_waiting_run(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)
    first, second = seeds.waiting(HELLO), seeds.waiting(HELLO)

    text = terminal.call("run", "cancel", first)
    data = terminal.call("run", "cancel", second, "--output", "json")

    assert (text.code, "Cancelled" in text.out) == (0, True)
    assert (data.document["id"], data.document["state"]) == (second, "Cancelled")


def test_cancel_a_running_run(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)
    claimed = seeds.running(HELLO)

    text = terminal.call("run", "cancel", claimed.run_id)

    assert (text.code, "Cancelling" in text.out) == (0, True)
    assert "run watch" in text.err


def test_cancel_a_run_that_is_over(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)
    run_id = seeds.finish(seeds.running(HELLO))

    answer = terminal.call("run", "cancel", run_id)

    assert (answer.code, answer.out) == (1, "")
    assert "already Completed" in answer.err


VERBS = ["inspect", "logs", "watch", "cancel", "pause", "resume", "retry", "delete", "explain"]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("run_id", [UNKNOWN, "nonsense", "", "a" * 12 + "-" + "*" * 21, "é"])
def test_an_unknown_run_exits_1(terminal: Terminal, verb: str, run_id: str) -> None:
    answer = terminal.call("run", verb, run_id)

    assert (answer.code, answer.out) == (1, "")
    assert "no run" in answer.err
    assert "Traceback" not in answer.err


@pytest.mark.parametrize(
    "words",
    [
        ["ls", "--state", "Sleeping"],
        ["ls", "--state", "Late"],
        ["ls", "--limit", "0"],
        ["ls", "--limit", "many"],
        ["ls", "extra"],
        ["inspect"],
        ["ls", "--since", "yesterday"],
        ["ls", "--since", "99999999d"],
        ["cancel"],
        ["delete"],
        ["retry", UNKNOWN, "-p", "name"],
        ["begin"],
    ],
)
def test_wrong_usage_exits_2(terminal: Terminal, words: list[str]) -> None:
    answer = terminal.call("run", *words)

    assert (answer.code, answer.out) == (2, "")
    assert "Traceback" not in answer.err


def test_ls_of_an_unknown_deployment_exits_1(terminal: Terminal) -> None:
    answer = terminal.call("run", "ls", "--deployment", "no/such")

    assert (answer.code, answer.out) == (1, "")
    assert "no deployment 'no/such'" in answer.err
