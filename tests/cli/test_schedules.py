"""``orchestrator schedule``: both outputs, what changes on the server, what is refused."""

from __future__ import annotations

import pytest

from tests.cli.seeds import EVERY_HOUR, HELLO, Seeds
from tests.cli.terminal import Terminal


def test_ls(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO, schedules=(EVERY_HOUR,))
    seeds.deployment("other/thing")

    text = terminal.call("schedule", "ls")
    data = terminal.call("schedule", "ls", HELLO, "--output", "json")
    none = terminal.call("schedule", "ls", "other/thing")

    assert "hourly" in text.out
    assert "every 1h" in text.out
    (record,) = data.document
    assert (record["deployment"], record["slug"], record["origin"]) == (HELLO, "hourly", "code")
    assert (none.code, none.out) == (0, "")
    assert "No schedules" in none.err


def test_a_life(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)

    created = terminal.call(
        "schedule", "create", HELLO, "--cron", "0 9 * * 1-5", "--timezone", "Europe/Berlin",
        "--slug", "mine", "-p", "name=Zoë", "--catchup", "all", "--overlap", "queue",
        "--start", "2027-01-01", "--end", "2027-12-31T12:00", "--jitter", "30s", "-o", "json",
    )  # fmt: skip
    again = terminal.call("schedule", "create", HELLO, "--interval", "1h", "--slug", "mine")
    replaced = terminal.call(
        "schedule", "create", HELLO, "--interval", "1h", "--slug", "mine", "--replace"
    )
    paused = terminal.call("schedule", "pause", HELLO, "mine", "-o", "json")
    resumed = terminal.call("schedule", "resume", HELLO, "mine")
    deleted = terminal.call("schedule", "delete", HELLO, "mine")

    record = created.document
    assert (record["kind"], record["expression"]) == ("cron", "0 9 * * 1-5")
    assert (record["catchup"], record["overlap"], record["jitter"]) == ("all", "queue", 30.0)
    assert record["start_date"] == "2026-12-31T23:00:00.000+00:00"
    assert (record["parameters"], record["origin"]) == ({"name": "Zoë"}, "user")
    assert (again.code, again.out) == (1, "")
    assert "another schedule mine" in again.err
    assert replaced.out == f"Schedule mine of {HELLO} has been replaced.\n"
    assert paused.document["active"] is False
    assert resumed.out == f"Schedule mine of {HELLO} is resumed: it goes on from now.\n"
    assert (deleted.code, deleted.err) == (0, "")
    assert terminal.call("schedule", "ls", "-o", "json").document == []


def test_one_that_code_made_comes_back(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO, schedules=(EVERY_HOUR,))

    assert "Code made it" in terminal.call("schedule", "delete", HELLO, "hourly").err
    assert terminal.call("schedule", "ls", "-o", "json").document == []
    seeds.deployment(HELLO, schedules=(EVERY_HOUR,))
    (record,) = terminal.call("schedule", "ls", "-o", "json").document
    assert record["slug"] == "hourly"


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (["--cron", "* * * * *", "--interval", "5"], 2, "exactly one of"),
        ([], 2, "exactly one of"),
        (["--cron", "0 0 31 2 *"], 2, "never fires"),
        (["--cron", "H * * * *"], 2, "R (random) and H (hashed) are refused"),
        (["--cron", "0 9 * * *", "--timezone", "europe/berlin"], 2, "did you mean Europe/Berlin"),
        (["--interval", "0"], 2, "must be 0.1 seconds or longer"),
        (["--interval", "soon"], 2, "is no duration"),
        (["--rrule", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"], 2, "never fires"),
        (["--rrule", "FREQ=DAILY;" + "BYHOUR=1;" * 800], 2, "longer than 6500 characters"),
        (["--interval", "5", "--start", "2027-01-02", "--end", "2027-01-01"], 2, "comes before"),
        (["--interval", "5", "--start", "soon"], 2, "is no time"),
        (["--interval", "5", "--slug", "Not So"], 2, "must be 1 to 64 characters"),
        (["--interval", "5", "--overlap", "maybe"], 2, "must be one of allow, skip, queue"),
        (["--interval", "5", "-p", "times=often"], 2, "times"),
        (["--interval", "5", "-p", "unknown=1"], 2, "no such parameter"),
        (["--interval", "5", "--replace"], 2, "needs the --slug"),
        (["--interval", "5", "--slug", "gone", "--replace"], 1, "no schedule 'gone'"),
    ],
    ids=lambda value: " ".join(value)[:50] if isinstance(value, list) else None,
)
def test_bad_input(terminal: Terminal, seeds: Seeds, words: list[str], code: int, why: str) -> None:
    seeds.deployment(HELLO)

    answer = terminal.call("schedule", "create", HELLO, *words)

    assert (answer.code, answer.out) == (code, "")
    assert why in " ".join(answer.err.replace("│", " ").split())
    assert "Traceback" not in answer.err
    assert terminal.call("schedule", "ls", "-o", "json").document == []


@pytest.mark.parametrize("verb", ["pause", "resume", "delete", "preview"])
def test_an_unknown_slug_names_those_there_are(terminal: Terminal, seeds: Seeds, verb: str) -> None:
    seeds.deployment(HELLO, schedules=(EVERY_HOUR,))

    answer = terminal.call("schedule", verb, HELLO, "daily")

    assert (answer.code, answer.out) == (1, "")
    assert "no schedule 'daily'" in answer.err
    assert "hourly" in answer.err
    assert "Did you mean" in terminal.call("schedule", verb, "hello/frist", "daily").err


def test_preview_of_a_rule_needs_no_server(terminal: Terminal) -> None:
    words = (
        "schedule", "preview", "--cron", "30 2 * * *", "--timezone", "Europe/Berlin",
        "--from", "2026-03-28T12:00:00Z", "-n", "2",
    )  # fmt: skip
    nowhere = Terminal("redis://localhost:1", terminal.folder)

    text = nowhere.call(*words)
    data = nowhere.call(*words, "--output", "json")

    assert text.lines[0].split() == ["LOCAL", "(Europe/Berlin)", "UTC", "NOTES"]
    assert "02:30 does not exist on 2026-03-29, fires at 03:00" in text.lines[1]
    assert data.document[0] == {
        "at": "2026-03-29T01:00:00.000Z",
        "local": "2026-03-29T03:00:00+02:00",
        "notes": ["02:30 does not exist on 2026-03-29, fires at 03:00"],
    }
    assert data.document[1]["notes"] == []


def test_preview_of_a_schedule_there_is(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO, schedules=(EVERY_HOUR,))

    data = terminal.call(
        "schedule", "preview", HELLO, "hourly", "--from", "2026-03-28T12:30:00Z", "-n", "1",
        "-o", "json",
    )  # fmt: skip

    assert [row["at"] for row in data.document] == ["2026-03-28T13:00:00.000Z"]


@pytest.mark.parametrize(
    "words", [["hello/first"], ["hello/first", "x", "--cron", "* * * * *"], []]
)
def test_preview_wants_one_thing(terminal: Terminal, words: list[str]) -> None:
    assert terminal.call("schedule", "preview", *words).code == 2


def test_preview_says_where_a_schedule_ends(terminal: Terminal) -> None:
    ended = ("schedule", "preview", "--interval", "1h", "--end", "2026-01-01T00:00", "-n", "3")

    some = terminal.call(*ended, "--from", "2025-12-31T23:30:00Z")
    none = terminal.call(*ended, "--from", "2027-01-01T00:00:00Z")

    assert (len(some.lines), some.err) == (2, "The schedule ends here.\n")
    assert (none.lines, none.err) == ([], "The schedule has ended.\n")
