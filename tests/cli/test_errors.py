"""No server, a wrong server, wrong settings: one clear message and its own exit code."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.terminal import Terminal

COMMANDS = [
    ["deployment", "ls"],
    ["deployment", "run", "a/b"],
    ["run", "ls", "--output", "json"],
    ["runner", "ls"],
    ["run", "inspect", "a" * 12 + "-" + "0" * 21],
    ["scheduler", "start"],
    ["doctor"],
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_without_a_server_every_command_exits_3(tmp_path: Path, words: list[str]) -> None:
    terminal = Terminal(f"unix://{tmp_path}/none.sock", tmp_path)

    answer = terminal.call(*words)

    assert answer.code == 3
    assert f"{tmp_path}/none.sock" in answer.out + answer.err
    assert "Traceback" not in answer.err


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_url_that_is_none_exits_2_and_hides_its_password(
    tmp_path: Path, words: list[str]
) -> None:
    terminal = Terminal("http://user:s3cret@host", tmp_path)

    answer = terminal.call(*words)

    assert (answer.code, answer.out) == (2, "")
    assert "REDIS_URL" in answer.err
    assert "s3cret" not in answer.err
    assert "Traceback" not in answer.err


def test_a_setting_that_cannot_be_used_exits_2(terminal: Terminal) -> None:
    wrong = Terminal(terminal.url, terminal.folder, (("ORCHESTRATOR_LEASE_SECONDS", "soon"),))

    answer = wrong.call("run", "ls")

    assert (answer.code, answer.out) == (2, "")
    assert "ORCHESTRATOR_LEASE_SECONDS" in answer.err


def test_a_home_that_cannot_be_used_exits_3(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")

    answer = Terminal(None, tmp_path).call("run", "ls")

    assert (answer.code, answer.out) == (3, "")
    assert str(tmp_path / "home") in answer.err
    assert "Traceback" not in answer.err


def test_output_into_a_closed_pipe_is_no_traceback(terminal: Terminal) -> None:
    with terminal.start("config", "show", "--output", "json") as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
