"""``orchestrator server start`` and ``orchestrator scheduler start``: in the foreground."""

from __future__ import annotations

import os

import typer

from orchestrator.cli.groups import group
from orchestrator.cli.output import note

server = group("The server that this package carries, for when no URL is configured.")
scheduler = group("The process that makes runs become due. Several may run: one leads.")


@server.command("start")
def start_server() -> None:
    """Run the embedded server and its scheduler here, or attach to the one that runs."""
    from orchestrator.embedded.foreground import run_server_in_foreground
    from orchestrator.settings import load_settings

    raise typer.Exit(run_server_in_foreground(load_settings(), note))


@scheduler.command("start")
def start_scheduler() -> None:
    """Run a scheduler for the configured server, until Ctrl-C."""
    from orchestrator.embedded import ensure_server
    from orchestrator.programs import load_program
    from orchestrator.settings import load_settings

    settings = load_settings()
    # The program reads its settings where every process of ours does: in the environment.
    os.environ.update(settings.environment(), ORCHESTRATOR_REDIS_URL=ensure_server(settings))
    raise typer.Exit(load_program("scheduler").main([]))
