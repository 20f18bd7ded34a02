"""``orchestrator run``: list, inspect, read logs, watch, cancel."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestrator.cli.clients import connected
from orchestrator.cli.groups import group
from orchestrator.cli.output import LimitOption, Output, OutputOption, note, print_document
from orchestrator.cli.run_logs import logs
from orchestrator.cli.run_page import print_run, print_runs
from orchestrator.cli.watching import watch_run
from orchestrator.model.clock import SystemClock
from orchestrator.model.states import LATE, State

app = group("List, inspect, watch and cancel runs.")

IdArgument = Annotated[str, typer.Argument(metavar="RUN_ID", help="The run's id.")]


def _known_state(text: str | None) -> str | None:
    """The state as it is written, for a name in any case."""
    if text is None:
        return None
    if text.lower() == LATE.lower():
        raise typer.BadParameter(f"{LATE} runs are {State.SCHEDULED} ones: list those")
    names = {name.lower(): str(name) for name in State}
    if text.lower() not in names:
        raise typer.BadParameter(f"{text!r} is no state; states are {', '.join(names.values())}")
    return names[text.lower()]


@app.command("ls")
def ls(
    state: Annotated[
        str | None,
        typer.Option("--state", callback=_known_state, help="Only runs in this state."),
    ] = None,
    deployment: Annotated[
        str | None,
        typer.Option("--deployment", metavar="NAME", help="Only runs of this deployment."),
    ] = None,
    limit: LimitOption = 50,
    output: OutputOption = Output.TEXT,
) -> None:
    """List runs, newest first."""
    with connected() as client:
        found = client.runs(
            limit=limit, deployment=deployment, state=None if state is None else State(state)
        )
    now_ms = SystemClock().now_ms()
    if output is Output.JSON:
        print_document([run.to_json(now_ms) for run in found])
    else:
        print_runs(found, now_ms)


@app.command("inspect")
def inspect(run_id: IdArgument, output: OutputOption = Output.TEXT) -> None:
    """Show everything about one run."""
    with connected() as client:
        run = client.run(run_id)
    now_ms = SystemClock().now_ms()
    if output is Output.JSON:
        print_document(run.to_json(now_ms))
    else:
        print_run(run, now_ms)


app.command("logs")(logs)


@app.command("watch")
def watch(run_id: IdArgument, output: OutputOption = Output.TEXT) -> None:
    """Show state changes and log lines until the run has ended; exit 0 if it completed, else 1."""
    with connected() as client:
        code = watch_run(client, run_id, output)
    raise typer.Exit(code)


@app.command("cancel")
def cancel(run_id: IdArgument, output: OutputOption = Output.TEXT) -> None:
    """Cancel a run in any state; one that runs gets its grace time to clean up."""
    with connected() as client:
        run = client.cancel_run(run_id)
    if output is Output.JSON:
        print_document(run.to_json(SystemClock().now_ms()))
    elif run.is_final:
        print(f"{run.name} ({run.id}) is {run.state}.")
    else:
        print(f"{run.name} ({run.id}) is {run.state}: its process was asked to stop.")
        note(f"Follow it: orchestrator run watch {run.id}")
