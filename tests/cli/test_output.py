"""Text on a terminal and in a pipe, and in a locale that knows little."""

from __future__ import annotations

import os
import pty
import re
import subprocess

from tests.cli.seeds import EVERY_HOUR, HELLO, Seeds
from tests.cli.terminal import SCRIPT, Terminal

COLUMNS = 80
LONG = "a-flow-with-a-long-name/and-a-deployment-with-an-even-longer-one-that-cannot-fit"
_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


def on_a_terminal(terminal: Terminal, *words: str) -> str:
    """What the command prints on a terminal of 80 columns."""
    ours, its = pty.openpty()
    seen = {"TERM": "xterm-256color", "COLUMNS": str(COLUMNS)}
    with subprocess.Popen(
        [str(SCRIPT), *words],
        stdin=its,
        stdout=its,
        env={**terminal.environment, **seen},
        cwd=terminal.folder,
    ):
        os.close(its)
        chunks = []
        try:
            while chunk := os.read(ours, 65_536):
                chunks.append(chunk)
        except OSError:  # how Linux says that the other end of a terminal is closed
            os.close(ours)
    return b"".join(chunks).decode()


def test_tables_have_colours_and_fit_a_terminal(terminal: Terminal, seeds: Seeds) -> None:
    for name in (HELLO, LONG):
        seeds.deployment(name, schedules=(EVERY_HOUR,), description="word " * 40)
        run_id = seeds.finish(seeds.running(name))

    pages = {
        words: on_a_terminal(terminal, *words.split())
        for words in ("run ls", "deployment ls", f"deployment inspect {LONG}")
    }

    for words, page in pages.items():
        plain = [_ESCAPES.sub("", line) for line in page.splitlines()]
        assert max(map(len, plain)) <= COLUMNS, words
        assert page != "".join(plain), "no colours"
    assert run_id in pages["run ls"], "an id must stay whole"
    assert "…" not in "".join(pages.values())


def test_a_pipe_gets_whole_lines_without_colours(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(LONG, schedules=(EVERY_HOUR,), description="word " * 40)
    run_id = seeds.finish(seeds.running(LONG))

    for words in (["run", "ls"], ["run", "inspect", run_id], ["deployment", "ls"]):
        answer = terminal.call(*words)
        assert any(LONG in line for line in answer.lines), words
        assert "\x1b" not in answer.out


def test_a_locale_without_the_characters_is_no_traceback(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO, description="Grüße", parameters={"name": "Zoë"})
    plain = Terminal(terminal.url, terminal.folder, (("PYTHONIOENCODING", "ascii"),))

    text = plain.call("deployment", "inspect", HELLO)
    data = plain.call("deployment", "inspect", HELLO, "--output", "json")

    assert (text.code, data.code) == (0, 0)
    assert "Gr\\xfc\\xdfe" in text.out
    assert data.document["description"] == "Grüße"
