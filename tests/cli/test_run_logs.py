"""``run logs``: all lines, or the part that was asked for."""

from __future__ import annotations

import pytest

from tests.cli.seeds import HELLO, Seeds
from tests.cli.terminal import Terminal
from tests.cli.test_watching import lines_until

EVERY = ["a0", "w1", "a2", "e3", "a4"]


@pytest.fixture
def run_id(seeds: Seeds) -> str:
    """A run with five lines, of which one is a warning and one an error of the second attempt."""
    seeds.deployment(HELLO)
    claimed = seeds.running()
    seeds.log(claimed, "a0")
    seeds.log(claimed, "w1", level="WARNING")
    seeds.log(claimed, "a2")
    seeds.log(claimed, "e3", level="ERROR", attempt=2, logger="library")
    seeds.log(claimed, "a4", level="NOTICE", attempt=2)
    return seeds.finish(claimed)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("", EVERY),
        ("--level warning", ["w1", "e3", "a4"]),
        ("--attempt 2", ["e3", "a4"]),
        ("--attempt 3", []),
        ("--head 2", EVERY[:2]),
        ("--tail 2", EVERY[-2:]),
        ("-n 9", EVERY),
        ("--reverse", EVERY[::-1]),
        ("--attempt 1 --level WARNING --tail 5", ["w1"]),
        ("--follow --tail 2", EVERY[-2:]),
        ("--follow --level ERROR", ["e3", "a4"]),
    ],
)
def test_a_part_of_a_log(terminal: Terminal, run_id: str, words: str, shown: list[str]) -> None:
    answer = terminal.call("run", "logs", run_id, "-o", "json", *words.split())

    assert [line["text"] for line in answer.document] == shown


def test_a_line_names_its_attempt_and_a_logger_that_is_not_the_flow(
    terminal: Terminal, run_id: str
) -> None:
    lines = terminal.call("run", "logs", run_id).lines

    assert lines[0].endswith(" INFO    a0")
    assert lines[3].endswith(" #2 ERROR   library: e3")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("--head 1 --tail 1", "give one of --head and --tail"),
        ("--tail 1 --reverse", "give one of --tail and --reverse"),
        ("--follow --head 1", "--follow and --head contradict"),
        ("--follow --reverse", "--follow and --reverse contradict"),
        ("--level LOUD", "levels are DEBUG, INFO"),
        ("--tail 0", "greater than or equal to 1"),
        ("--attempt 0", "greater than or equal to 1"),
    ],
)
def test_wrong_usage(terminal: Terminal, run_id: str, words: str, why: str) -> None:
    answer = terminal.call("run", "logs", run_id, *words.split())

    assert (answer.code, answer.out) == (2, "")
    assert why in " ".join(answer.err.split())


def test_the_last_lines_and_those_to_come(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)
    claimed = seeds.running()
    seeds.log(claimed, "one", "two", "three")
    with terminal.start("run", "logs", claimed.run_id, "-f", "-n", "1") as following:
        first = "".join(lines_until(following, "three"))
        seeds.log(claimed, "four")
        seeds.finish(claimed)
        rest, _ = following.communicate(timeout=20)

    assert "two" not in first
    assert [line.split()[-1] for line in rest.splitlines()] == ["four"]
