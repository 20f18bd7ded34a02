"""``orchestrator deployment run``: what was typed becomes a run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.store.listing import list_runs
from tests.cli.seeds import HELLO, Seeds
from tests.cli.terminal import Terminal


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_run_is_asked_for(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)

    answer = terminal.call(
        *("deployment", "run", HELLO, "-p", "name=Ada", "-p", "times=2"),
        *("--tag", "one", "-t", "two", "--name", "my run", "--output", "json"),
    )

    assert answer.code == 0
    assert answer.err == ""
    run = answer.document
    assert run["parameters"] == {"name": "Ada", "times": 2}
    assert set(run["tags"]) >= {"one", "two"}
    assert (run["name"], run["state"], run["deployment"]) == ("my run", "Scheduled", HELLO)
    shown = terminal.call("run", "inspect", run["id"], "--output", "json").document
    assert (shown["id"], shown["parameters"]) == (run["id"], run["parameters"])


def test_text_says_the_id_and_why_it_waits(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)

    alone = terminal.call("deployment", "run", HELLO)
    terminal.call("deployment", "hold", HELLO)
    held = terminal.call("deployment", "run", HELLO)

    (newest, oldest) = terminal.call("run", "ls", "--output", "json").document
    assert oldest["id"] in alone.out
    assert "No runner serves" in alone.err
    assert newest["id"] in held.out
    assert "is held" in held.err


def test_parameters_from_standard_input(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)

    answer = terminal.call(
        *("deployment", "run", HELLO, "--params", "-", "-p", "times=3", "-o", "json"),
        stdin='{"name": "Ada", "times": 1}',
    )

    assert answer.document["parameters"] == {"name": "Ada", "times": 3}


def test_start_in_and_start_at(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)
    ask = ("deployment", "run", HELLO, "--output", "json")

    later = terminal.call(*ask, "--start-in", "1h").document
    fixed = terminal.call(*ask, "--start-at", "2099-01-02T03:04:05+00:00").document
    text = terminal.call("deployment", "run", HELLO, "--start-in", "2h")

    away = moment(later["scheduled_at"]) - datetime.now(UTC)
    assert timedelta(minutes=59) < away < timedelta(hours=1)
    assert fixed["scheduled_at"] == "2099-01-02T03:04:05.000Z"
    assert "starts 20" in text.out


def test_the_same_key_gives_the_same_run(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)
    ask = ("deployment", "run", HELLO, "--idempotency-key", "k", "--output", "json")

    first, second = terminal.call(*ask), terminal.call(*ask)
    other = terminal.call(*ask, "-p", "name=Eve")

    assert first.document["id"] == second.document["id"]
    assert (other.code, other.out) == (1, "")
    assert "idempotency key 'k' was used with other parameters" in other.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["-p", "name"], "NAME=VALUE"),
        (["-p", "name=a", "-p", "name=b"], "twice"),
        (["-p", "name=5"], "name"),
        (["-p", "nmae=Ada"], "nmae"),
        (["-p", "times=many"], "times"),
        (["--params", "{"], "not JSON"),
        (["--params", "[1]"], "JSON object"),
        (["--params", "-"], "not JSON"),
        (["--start-in", "soon"], "--start-in"),
        (["--start-in", "99999999d"], "calendar"),
        (["--start-at", "tomorrow"], "--start-at"),
        (["--start-in", "1m", "--start-at", "2099-01-01"], "not both"),
        (["--output", "yaml"], "--output"),
        (["--unknown"], "--unknown"),
    ],
)
def test_wrong_usage_exits_2_and_makes_no_run(
    terminal: Terminal, seeds: Seeds, words: list[str], says: str
) -> None:
    seeds.deployment(HELLO)

    answer = terminal.call("deployment", "run", HELLO, *words)

    assert (answer.code, answer.out) == (2, "")
    assert says in answer.err
    assert "Traceback" not in answer.err
    assert seeds.store.follow(list_runs()) == []


@pytest.mark.parametrize(
    ("given", "lines"),
    [
        ("times=many", ["It takes:", "  times  integer, default 1"]),
        ("nmae=Ada", ["Did you mean name?"]),
        ("xyz=1", ["It takes:", "  name   string, default -", "  times  integer, default 1"]),
    ],
)
def test_a_refused_parameter_shows_what_is_taken(
    terminal: Terminal, seeds: Seeds, given: str, lines: list[str]
) -> None:
    seeds.deployment(HELLO)

    answer = terminal.call("deployment", "run", HELLO, "-p", given)

    assert answer.err.splitlines()[-len(lines) :] == lines


@pytest.mark.parametrize(
    "words", [("--tag", ""), ("--name", "x" * 501), ("--name", ""), ("--idempotency-key", " ")]
)
def test_texts_that_cannot_be_used_exit_2(
    terminal: Terminal, seeds: Seeds, words: tuple[str, str]
) -> None:
    seeds.deployment(HELLO)

    answer = terminal.call("deployment", "run", HELLO, *words)

    assert (answer.code, answer.out) == (2, "")
    assert seeds.store.follow(list_runs()) == []
