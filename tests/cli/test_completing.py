"""What a shell is offered when somebody presses the tab key."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.seeds import HELLO, Seeds
from tests.cli.terminal import SCRIPT, Terminal


def offered(terminal: Terminal, *words: str) -> list[str]:
    """What bash would get for these words, of which the last one is being typed."""
    asks = {"_ORCHESTRATOR_COMPLETE": "complete_bash", "COMP_CWORD": str(len(words))}
    typed = (*asks.items(), ("COMP_WORDS", " ".join(("orchestrator", *words))))
    answer = Terminal(terminal.url, terminal.folder, typed).call()
    return [line for line in answer.lines if line]


def test_commands_and_options(terminal: Terminal) -> None:
    assert offered(terminal, "dep") == ["deployment"]
    assert {"inspect", "logs"} <= set(offered(terminal, "run", ""))
    assert "--output" in offered(terminal, "deployment", "run", "--o")


def test_names_of_deployments(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)
    seeds.deployment("other/one")

    assert offered(terminal, "deployment", "inspect", "h") == [HELLO]
    assert offered(terminal, "run", "ls", "--deployment", "o") == ["other/one"]


@pytest.mark.parametrize("url", [None, "redis://127.0.0.1:1/0"])
def test_without_a_server_there_are_none_and_none_is_started(
    tmp_path: Path, url: str | None
) -> None:
    assert offered(Terminal(url, tmp_path), "deployment", "inspect", "h") == []
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_its_script(terminal: Terminal, shell: str) -> None:
    answer = terminal.call("completion", shell)

    assert (answer.code, answer.err) == (0, "")
    assert f"complete_{shell}" in answer.out
    if path := shutil.which(shell):
        subprocess.run([path, "-n"], input=answer.out, text=True, check=True)


def test_bash_completes_with_it(terminal: Terminal) -> None:
    """As a person has it: the line of the help in their profile, then the tab key."""
    typed = (
        'eval "$(orchestrator completion bash)"; COMP_WORDS=(orchestrator conf); COMP_CWORD=1; '
        '_orchestrator_completion orchestrator; echo "${COMPREPLY[@]}"'
    )
    path = f"{SCRIPT.parent}:{terminal.environment['PATH']}"
    done = subprocess.run(
        ["bash", "-c", typed],
        env={**terminal.environment, "PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "config\n"
