"""``orchestrator run``: list, inspect, and the commands that other files hold."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestrator.cli import run_verbs
from orchestrator.cli.clients import connected
from orchestrator.cli.completing import deployment_names
from orchestrator.cli.explaining import explain
from orchestrator.cli.groups import group
from orchestrator.cli.moments import parse_since
from orchestrator.cli.output import LimitOption, Output, OutputOption, print_document
from orchestrator.cli.retrying import retry
from orchestrator.cli.run_logs import logs
from orchestrator.cli.run_page import CHILDREN_SHOWN, print_children, print_run, print_runs
from orchestrator.cli.watching import watch_run
from orchestrator.model.clock import SystemClock
from orchestrator.model.states import LATE, State

app = group("List, inspect, watch, stop and repeat runs.")

IdArgument = Annotated[str, typer.Argument(metavar="RUN_ID", help="The run's id.")]


def _known_states(texts: list[str]) -> list[str]:
    """The states as they are written, for names in any case."""
    names = {name.lower(): str(name) for name in State}
    for text in texts:
        if text.lower() == LATE.lower():
            raise typer.BadParameter(f"{LATE} runs are {State.SCHEDULED} ones: list those")
        if text.lower() not in names:
            known = ", ".join(names.values())
            raise typer.BadParameter(f"{text!r} is no state; states are {known}")
    return [names[text.lower()] for text in texts]


@app.command("ls")
def ls(
    state: Annotated[
        list[str],
        typer.Option("--state", callback=_known_states, help="Only runs in this state. Repeat."),
    ] = [],  # noqa: B006  # typer's way to say "none given"; it copies
    deployment: Annotated[
        str | None,
        typer.Option(
            "--deployment",
            metavar="NAME",
            help="Only runs of this deployment.",
            autocompletion=deployment_names,
        ),
    ] = None,
    tag: Annotated[
        list[str],
        typer.Option("--tag", "-t", metavar="TAG", help="Only runs with all of these. Repeat."),
    ] = [],  # noqa: B006
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="WHEN", help="Created since: 2h (ago), or a time."),
    ] = None,
    parent: Annotated[
        str | None,
        typer.Option("--parent", metavar="RUN_ID", help="Only runs that this run has asked for."),
    ] = None,
    limit: LimitOption = 50,
    output: OutputOption = Output.TEXT,
) -> None:
    """List runs, newest first."""
    after = None if since is None else parse_since(since)
    with connected() as client:
        found = client.runs(limit, deployment, state, tags=tag, since=after, parent=parent)
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
        text = output is Output.TEXT
        children = client.runs(CHILDREN_SHOWN, parent=run_id) if text and run.children else []
    now_ms = SystemClock().now_ms()
    if output is Output.JSON:
        print_document(run.to_json(now_ms))
    else:
        print_run(run, now_ms)
        print_children(run, children, now_ms)


app.command("logs")(logs)


@app.command("watch")
def watch(run_id: IdArgument, output: OutputOption = Output.TEXT) -> None:
    """Show state changes and log lines until the run has ended; exit 0 if it completed, else 1."""
    with connected() as client:
        code = watch_run(client, run_id, output)
    raise typer.Exit(code)


app.command("cancel")(run_verbs.cancel)
app.command("pause")(run_verbs.pause)
app.command("resume")(run_verbs.resume)
app.command("retry")(retry)
app.command("delete")(run_verbs.delete)
app.command("explain")(explain)
