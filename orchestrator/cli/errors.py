"""What a failure looks like in the terminal: one message on stderr and an exit code with a name."""

from __future__ import annotations

import sys
from enum import IntEnum

from orchestrator.model.errors import InvalidInput, OrchestratorError, ServerUnavailable


class ExitCode(IntEnum):
    """What the command tells the shell. A Ctrl-C is 130, which typer itself answers."""

    DONE = 0
    FAILED = 1
    WRONG_USAGE = 2
    NO_SERVER = 3


def exit_code_of(error: OrchestratorError) -> ExitCode:
    """The code for an error that nobody handled."""
    if isinstance(error, InvalidInput):
        return ExitCode.WRONG_USAGE
    if isinstance(error, ServerUnavailable):
        return ExitCode.NO_SERVER
    return ExitCode.FAILED


def report(error: OrchestratorError) -> ExitCode:
    """Say the error, with the notes that were added on its way, on stderr."""
    lines = [f"Error: {error}", *getattr(error, "__notes__", ())]
    print("\n".join(lines), file=sys.stderr)
    return exit_code_of(error)
