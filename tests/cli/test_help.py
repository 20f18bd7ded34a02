"""``--help`` is quick, complete and exits 0."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.cli.terminal import SCRIPT, Terminal

HEAVY = {
    "asyncio",
    "cloudpickle",
    "croniter",
    "fastapi",
    "starlette",
    "uvicorn",
    "hiredis",
    "jsonschema_rs",
    "orchestrator.client.client",
    "orchestrator.store.caller",
    "pydantic",
    "redis",
    "rich",
}
"""None of these is needed to print help, and each costs more than the help itself."""

PAGES = {
    "": "serve doctor version completion "
    "server scheduler api deployment schedule run runner event trigger config",
    "server": "start",
    "scheduler": "start",
    "api": "start",
    "deployment": "ls inspect versions pause resume hold release delete run",
    "schedule": "ls create pause resume delete preview",
    "run": "ls inspect logs watch cancel pause resume retry delete explain",
    "runner": "ls drain",
    "event": "emit ls inspect stream",
    "trigger": "ls enable disable test",
    "config": "show",
}


@pytest.mark.parametrize(("page", "commands"), PAGES.items())
def test_help_names_exactly_the_commands_that_work(
    terminal: Terminal, page: str, commands: str
) -> None:
    answer = terminal.call(*page.split(), "--help")

    listed = answer.out.partition("Commands:\n")[2].splitlines()
    assert answer.code == 0
    assert [line.split()[0] for line in listed if line[2:3].strip()] == commands.split()
    assert max(map(len, answer.lines)) <= 80


@pytest.mark.parametrize(
    "words", [[], ["deployment"], ["deployment", "run"], ["schedule", "create"], ["serve"]]
)
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", str(SCRIPT), *words, "--help"],
        env={**os.environ, "COVERAGE_PROCESS_START": ""},
        capture_output=True,
        text=True,
        check=True,
    )

    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "typer" in imported
    assert imported & HEAVY == set()


def test_nothing_said_shows_the_help(terminal: Terminal) -> None:
    answer = terminal.call()

    assert answer.code == 2
    assert "Commands:" in answer.out + answer.err


def test_a_misspelled_command_is_told(terminal: Terminal) -> None:
    answer = terminal.call("deploymnt", "ls")

    assert (answer.code, answer.out) == (2, "")
    assert "deployment" in answer.err
