"""Completion of commands, options and names of deployments in bash, zsh and fish."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import Annotated

import typer

PROGRAM = "orchestrator"
VARIABLE = "_ORCHESTRATOR_COMPLETE"
"""Set by the shell when it asks for completions."""


class Shell(StrEnum):
    """Shells that can complete."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(shell: Annotated[Shell, typer.Argument(help="Yours.")]) -> None:
    """Print what makes your shell complete commands: eval "$(orchestrator completion bash)"."""
    from typer.completion import get_completion_script  # type: ignore[attr-defined]  # as below

    print(get_completion_script(prog_name=PROGRAM, complete_var=VARIABLE, shell=shell))


def prepare_completion() -> None:
    """Let typer answer the shell, when it is the shell that asks."""
    if VARIABLE in os.environ:
        # Typer's own home of both is private.
        from typer.completion import completion_init  # type: ignore[attr-defined]

        completion_init()


def deployment_names(incomplete: str) -> list[str]:
    """Full names that begin so; none when no server answers: nothing is started for this."""
    from orchestrator.client.client import Client
    from orchestrator.embedded import living_server
    from orchestrator.model.errors import OrchestratorError
    from orchestrator.settings import load_settings

    try:
        url = living_server(load_settings())
        if url is None:
            return []
        with Client(url) as client:
            names = [deployment.name for deployment in client.deployments()]
    except OrchestratorError:
        return []  # a shell has no use for a message in the middle of a line
    return [name for name in names if name.startswith(incomplete)]
