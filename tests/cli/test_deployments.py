"""``orchestrator deployment``: both outputs, and what changes on the server."""

from __future__ import annotations

import pytest

from tests.cli.seeds import EVERY_HOUR, HELLO, Seeds
from tests.cli.terminal import Terminal


def test_ls_without_deployments(terminal: Terminal) -> None:
    text = terminal.call("deployment", "ls")
    data = terminal.call("deployment", "ls", "--output", "json")

    assert (text.code, text.out) == (0, "")
    assert "No deployments yet" in text.err
    assert (data.code, data.document, data.err) == (0, [], "")


def test_ls_lists_by_name_with_whole_values(terminal: Terminal, seeds: Seeds) -> None:
    long = "a-flow-with-a-long-name/" + "x" * 120
    seeds.deployment(HELLO, schedules=(EVERY_HOUR,))
    seeds.deployment(long)

    text = terminal.call("deployment", "ls")
    data = terminal.call("deployment", "ls", "-o", "json")

    assert [line.split()[0] for line in text.lines] == ["DEPLOYMENT", long, HELLO]
    assert "every 1h" in text.out
    assert "\x1b" not in text.out
    assert not any(line.endswith(" ") for line in text.lines)
    assert [document["name"] for document in data.document] == [long, HELLO]


def test_ls_says_when_it_left_some_out(terminal: Terminal, seeds: Seeds) -> None:
    for number in range(3):
        seeds.deployment(f"hello/{number}")

    data = terminal.call("deployment", "ls", "--limit", "2", "--output", "json")

    assert len(data.document) == 2
    assert "1 more" in data.err


def test_inspect(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(
        HELLO,
        schedules=(EVERY_HOUR,),
        description="Says hello",
        tags=("intro",),
        parameters={"name": "Zoë"},
        concurrency_limit=3,
        retention_days=1.5,
    )

    text = terminal.call("deployment", "inspect", HELLO)
    data = terminal.call("deployment", "inspect", HELLO, "--output", "json")

    assert text.code == 0
    for fact in (
        "Says hello",
        "intro",
        '{"name": "Zoë"}',
        "hourly",
        "3 runs",
        "1d 12h",
        "integer",
        "none:",
    ):
        assert fact in text.out
    assert data.document["name"] == HELLO
    assert data.document["parameters"] == {"name": "Zoë"}
    assert data.document["schedules"][0]["slug"] == "hourly"


def test_versions(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(version="1")
    seeds.deployment(version="2", tags=("new",))

    text = terminal.call("deployment", "versions", HELLO)
    data = terminal.call("deployment", "versions", HELLO, "--output", "json")

    assert "version 1 -> 2" in " ".join(text.out.split())
    assert [(each["number"], each["version"]) for each in data.document] == [(2, "2"), (1, "1")]
    assert "Versions" in terminal.call("deployment", "inspect", HELLO).out
    assert terminal.call("deployment", "versions", "hello/none").code == 1


def test_pause_and_resume(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO, schedules=(EVERY_HOUR,))

    paused = terminal.call("deployment", "pause", HELLO, "--output", "json")
    shown = terminal.call("deployment", "ls")
    resumed = terminal.call("deployment", "resume", HELLO)
    again = terminal.call("deployment", "inspect", HELLO, "--output", "json")

    assert (paused.document["paused"], paused.document["paused_by"]) == (True, "user")
    assert "paused by user" in shown.out
    assert (resumed.code, resumed.out) == (
        0,
        f"{HELLO} is resumed: its schedules go on from now.\n",
    )
    assert again.document["paused"] is False


def test_hold_and_release(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)

    held = terminal.call("deployment", "hold", HELLO)
    shown = terminal.call("deployment", "ls")
    released = terminal.call("deployment", "release", HELLO, "--output", "json")

    assert (held.code, held.out.split(":")[0]) == (0, f"{HELLO} is held")
    assert "held" in shown.out
    assert released.document["held"] is False


def test_doing_it_twice_is_no_failure(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)

    for verb in ("pause", "pause", "hold", "hold"):
        assert terminal.call("deployment", verb, HELLO).code == 0


@pytest.mark.parametrize(
    ("verb", "typed"),
    [
        ("inspect", "hello/frist"),
        ("inspect", "hello"),
        ("run", "first"),
        ("pause", "hello/frist"),
        ("resume", "hello/frist"),
        ("hold", "hello/frist"),
        ("release", "hello/frist"),
    ],
)
def test_an_unknown_deployment_suggests_the_nearest(
    terminal: Terminal, seeds: Seeds, verb: str, typed: str
) -> None:
    seeds.deployment(HELLO)
    seeds.deployment("other/thing")

    answer = terminal.call("deployment", verb, typed)

    assert (answer.code, answer.out) == (1, "")
    assert f"Did you mean {HELLO}?" in answer.err
    assert "Traceback" not in answer.err


def test_an_unlike_name_suggests_nothing(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)

    answer = terminal.call("deployment", "inspect", "zzzzz/qqqqq")

    assert answer.code == 1
    assert "no deployment 'zzzzz/qqqqq'" in answer.err
    assert "Did you mean" not in answer.err


def test_delete(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)
    seeds.deployment("other/thing")
    seeds.waiting(HELLO)
    seeds.waiting("other/thing")

    text = terminal.call("deployment", "delete", HELLO)
    data = terminal.call("deployment", "delete", "other/thing", "--output", "json")
    again = terminal.call("deployment", "delete", HELLO)

    assert (text.code, text.out) == (0, f"{HELLO} was deleted, with 1 run.\n")
    assert data.document == {"name": "other/thing", "deleted_runs": 1}
    assert (again.code, again.out, "no deployment" in again.err) == (1, "", True)
    assert terminal.call("deployment", "ls", "-o", "json").document == []
    assert terminal.call("run", "ls", "-o", "json").document == []


def test_a_served_deployment_is_deleted_by_force_only(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)
    seeds.runner()
    refused = terminal.call("deployment", "delete", HELLO)
    forced = terminal.call("deployment", "delete", HELLO, "--force")

    assert (refused.code, refused.out) == (1, "")
    assert f"{HELLO} is served: stop its runners first" in refused.err
    assert (forced.code, forced.out) == (0, f"{HELLO} was deleted, with 0 runs.\n")
