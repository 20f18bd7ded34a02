"""``orchestrator run retry``: an ended run is asked for once more."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestrator.cli.arguments import ParamOption, ParamsOption, parse_parameters
from orchestrator.cli.clients import connected
from orchestrator.cli.launching import say_created
from orchestrator.cli.output import Output, OutputOption, print_document
from orchestrator.cli.watching import WatchOption, watch_run
from orchestrator.model.clock import SystemClock


def retry(
    run_id: Annotated[str, typer.Argument(metavar="RUN_ID", help="A run that has ended.")],
    parameter: ParamOption = [],  # noqa: B006  # typer's way to say "none given"; it copies
    parameters: ParamsOption = None,
    same_code: Annotated[
        bool,
        typer.Option("--same-code", help="Of the commit that the run had; default: the newest."),
    ] = False,
    watch: WatchOption = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Ask for an ended run again, with its parameters or others instead. The old record stays."""
    given = parse_parameters(parameter, parameters)
    with connected() as client:
        created = client.retry_run(run_id, given, same_code=same_code)
        if output is Output.TEXT:
            say_created(client, created)
        if watch:
            raise typer.Exit(watch_run(client, created.id, output))
    if output is Output.JSON:
        print_document(created.to_json(SystemClock().now_ms()))
