"""``run watch``, ``run logs --follow`` and ``deployment run --watch``: live, to the end."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator

import pytest

from orchestrator.model.states import State
from orchestrator.store.telling import set_progress
from tests.cli.seeds import HELLO, Seeds
from tests.cli.terminal import Terminal
from tests.cli.test_output import on_a_terminal


def lines_until(process: subprocess.Popen[str], word: str) -> Iterator[str]:
    """What the process prints, up to the first line with the word."""
    assert process.stdout is not None
    for line in process.stdout:
        yield line
        if word in line:
            return
    raise AssertionError(f"ended without {word!r}")


def test_states_and_lines_appear_as_they_come(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)
    claimed = seeds.running()
    with terminal.start("run", "watch", claimed.run_id) as watching:
        before = "".join(lines_until(watching, "Running"))
        seeds.log(claimed, "live line")
        during = "".join(lines_until(watching, "live line"))
        seeds.finish(claimed)
        after, said = watching.communicate(timeout=20)

    assert watching.returncode == 0
    assert "Scheduled" in before
    assert "Pending" in before
    assert "INFO" in during
    assert "Completed" in after
    assert "ended as Completed" in said


@pytest.mark.parametrize("state", [State.FAILED, State.TIMED_OUT, State.CRASHED, State.CANCELLED])
def test_a_run_that_did_not_complete_exits_1(
    terminal: Terminal, seeds: Seeds, state: State
) -> None:
    seeds.deployment(HELLO)
    run_id = seeds.finish(
        seeds.running(), state, error='{"type": "ValueError", "message": "broken"}'
    )

    answer = terminal.call("run", "watch", run_id)

    assert answer.code == 1
    assert f"ended as {state}" in answer.err
    assert "ValueError: broken" in answer.err


def test_json_is_the_record_at_the_end(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)
    claimed = seeds.running()
    seeds.log(claimed, "not in the document")
    seeds.finish(claimed, result='{"x": 1}')

    answer = terminal.call("run", "watch", claimed.run_id, "--output", "json")

    assert (answer.code, answer.err) == (0, "")
    assert (answer.document["state"], answer.document["result"]) == ("Completed", {"x": 1})


def test_ctrl_c_ends_the_watch_and_not_the_run(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)
    claimed = seeds.running()
    with terminal.start("run", "watch", claimed.run_id) as watching:
        list(lines_until(watching, "Running"))
        watching.send_signal(signal.SIGINT)
        _, said = watching.communicate(timeout=20)

    assert watching.returncode == 130
    assert said == f"The run goes on. Stop it: orchestrator run cancel {claimed.run_id}\n"
    shown = terminal.call("run", "inspect", claimed.run_id, "--output", "json")
    assert shown.document["state"] == "Running"


def test_logs_follow_to_the_end(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)
    claimed = seeds.running()
    seeds.log(claimed, "early")
    with terminal.start("run", "logs", claimed.run_id, "--follow") as following:
        list(lines_until(following, "early"))
        seeds.log(claimed, "late")
        list(lines_until(following, "late"))
        seeds.finish(claimed)
        rest, said = following.communicate(timeout=20)

    assert (following.returncode, rest, said) == (0, "", "")


def test_running_and_watching_in_one_command(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)
    with terminal.start("deployment", "run", HELLO, "--watch") as watching:
        first = "".join(lines_until(watching, HELLO))
        (run,) = terminal.call("run", "ls", "--output", "json").document
        terminal.call("run", "cancel", run["id"])
        rest, said = watching.communicate(timeout=20)

    assert watching.returncode == 1
    assert run["id"] in first
    assert "Cancelled" in rest
    assert "ended as Cancelled" in said


def test_progress_is_shown_in_a_pipe_when_it_changes(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)
    claimed = seeds.running()
    half = '{"done": 5, "total": 10, "text": "half of it"}'
    with terminal.start("run", "watch", claimed.run_id) as watching:
        list(lines_until(watching, "Running"))
        seeds.store.call(set_progress(claimed.run_id, claimed.token, half))
        shown = list(lines_until(watching, "Progress"))
        seeds.finish(claimed)
        rest, _ = watching.communicate(timeout=20)

    assert shown[-1].endswith(" Progress 50% 5/10 half of it\n")
    assert "Progress" not in rest


def test_a_terminal_shows_a_status_line_that_goes_in_the_end(
    terminal: Terminal, seeds: Seeds
) -> None:
    seeds.deployment(HELLO)
    claimed = seeds.running()
    seeds.log(claimed, "live line")
    progress = '{"done": 0.25, "total": 1, "text": "at a quarter"}'
    seeds.store.call(set_progress(claimed.run_id, claimed.token, progress))
    run_id = seeds.finish(claimed)

    page = on_a_terminal(terminal, "run", "watch", run_id)

    before, _, after = page.partition("at a quarter")
    assert "live line" in before
    assert "25%" in before
    assert "\x1b[2K" in after, "the line is erased"


def test_no_color_is_honoured(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)
    run_id = seeds.finish(seeds.running(), State.FAILED)
    plain = Terminal(terminal.url, terminal.folder, (("NO_COLOR", "1"),))

    for words in (("run", "ls"), ("run", "watch", run_id), ("run", "inspect", run_id)):
        assert "\x1b[31m" not in on_a_terminal(plain, *words)
        assert "\x1b[1;31m" not in on_a_terminal(plain, *words)
