"""Follow one run to its end: its outcome is the command's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.errors import ExitCode
from orchestrator.cli.live import show_live
from orchestrator.cli.output import Output, note, print_document
from orchestrator.cli.run_page import ending
from orchestrator.model.clock import SystemClock
from orchestrator.model.states import State

if TYPE_CHECKING:
    from orchestrator.client.client import Client

WatchOption = Annotated[
    bool, typer.Option("--watch", help="Follow it to its end; exit 1 unless it completed.")
]


def watch_run(client: Client, run_id: str, output: Output) -> ExitCode:
    """Show the run until it is over; whether it completed. JSON: only the record at its end."""
    try:
        if output is Output.TEXT:
            show_live(client.news_of_run(run_id))
        run = client.wait_for_run(run_id)
    except KeyboardInterrupt:
        note(f"The run goes on. Stop it: orchestrator run cancel {run_id}")
        raise
    if output is Output.JSON:
        print_document(run.to_json(SystemClock().now_ms()))
    else:
        note(ending(run))
    return ExitCode.DONE if run.state is State.COMPLETED else ExitCode.FAILED
