"""``orchestrator server|scheduler|api start``: programs in the foreground."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Annotated

import typer

from orchestrator.cli.groups import group
from orchestrator.cli.output import note
from orchestrator.model.errors import InvalidOption

server = group("The server that this package carries, for when no URL is configured.")
scheduler = group("The process that makes runs become due. Several may run: one leads.")

api = group("The HTTP API and the pages, for the configured server or the embedded one.")


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


@api.command("start")
def start_api(
    host: Annotated[
        str | None, typer.Option("--host", help="Where to listen; default 127.0.0.1.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", help="Default 4300; the next free one when it is taken."),
    ] = None,
) -> None:
    """Run the HTTP API and the pages here, until Ctrl-C."""
    from orchestrator.api.exposure import check_exposure
    from orchestrator.api.serving import serve_api
    from orchestrator.embedded import ensure_server
    from orchestrator.embedded.listening import listen, url_of
    from orchestrator.settings import load_settings

    settings = load_settings(api_host=host, api_port=port)
    check_exposure(settings)
    url = ensure_server(settings)
    try:
        listener = listen(settings.api_host, settings.api_port)
    except OSError as error:
        where = f"{settings.api_host} port {settings.api_port}"
        raise InvalidOption("api_host", where, f"cannot listen there: {error.strerror}") from None
    note(f"API and pages at {url_of(listener)}")
    serve_api(replace(settings, redis_url=url), listener)
