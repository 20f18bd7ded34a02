"""``orchestrator deployment``: list, inspect, run, pause, hold, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.clients import connected
from orchestrator.cli.completing import deployment_names
from orchestrator.cli.deployment_page import print_deployment, print_deployments, print_versions
from orchestrator.cli.groups import group
from orchestrator.cli.output import (
    LimitOption,
    Output,
    OutputOption,
    note,
    print_document,
)
from orchestrator.model.clock import SystemClock

if TYPE_CHECKING:
    from orchestrator.model.deployment import Deployment

LAST_VERSIONS = 5
"""That ``inspect`` shows."""

app = group("List, run, pause, hold and delete deployments.")

NameArgument = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="The full name: flow/deployment.", autocompletion=deployment_names
    ),
]


@app.command("ls")
def ls(limit: LimitOption = 50, output: OutputOption = Output.TEXT) -> None:
    """List the deployments by name."""
    with connected() as client:
        found = client.deployments()
    if output is Output.JSON:
        print_document([deployment.to_json() for deployment in found[:limit]])
    elif found:
        print_deployments(found[:limit], SystemClock().now_ms())
    else:
        note("No deployments yet: call serve() in a script, or `orchestrator serve`.")
    if len(found) > limit:
        note(f"{len(found) - limit} more: --limit {len(found)} shows all.")


@app.command("inspect")
def inspect(name: NameArgument, output: OutputOption = Output.TEXT) -> None:
    """Show everything about one deployment."""
    with connected() as client:
        deployment = client.deployment(name)
        versions = [] if output is Output.JSON else client.deployment_versions(name)
    if output is Output.JSON:
        print_document(deployment.to_json())
    else:
        now_ms = SystemClock().now_ms()
        print_deployment(deployment, now_ms)
        print_versions(versions[:LAST_VERSIONS], now_ms, heading=True)


@app.command("versions")
def versions(name: NameArgument, output: OutputOption = Output.TEXT) -> None:
    """Show what was served under this name and when, the newest first."""
    with connected() as client:
        found = client.deployment_versions(name)
    if output is Output.JSON:
        print_document([each.to_json() for each in found])
    elif found:
        print_versions(found, SystemClock().now_ms())
    else:
        note("No versions are known: it was registered by a program that kept none.")


@app.command("pause")
def pause(name: NameArgument, output: OutputOption = Output.TEXT) -> None:
    """Stop its schedules; scheduled runs that wait are skipped, others still run."""
    with connected() as client:
        _say(client.pause_deployment(name), output, "paused: its schedules create no runs")


@app.command("resume")
def resume(name: NameArgument, output: OutputOption = Output.TEXT) -> None:
    """Let its schedules go on from now."""
    with connected() as client:
        _say(client.resume_deployment(name), output, "resumed: its schedules go on from now")


@app.command("hold")
def hold(name: NameArgument, output: OutputOption = Output.TEXT) -> None:
    """Start none of its runs until it is released; running ones go on."""
    with connected() as client:
        _say(client.hold_deployment(name), output, "held: no run starts until it is released")


@app.command("release")
def release(name: NameArgument, output: OutputOption = Output.TEXT) -> None:
    """Let runs of a held deployment start again."""
    with connected() as client:
        _say(client.release_deployment(name), output, "released: waiting runs start")


@app.command("delete")
def delete(
    name: NameArgument,
    force: Annotated[
        bool, typer.Option("--force", help="Though it is served, or runs are under way.")
    ] = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Forget a deployment: its schedules, its runs and their logs."""
    with connected() as client:
        number = client.delete_deployment(name, force=force)
    if output is Output.JSON:
        print_document({"name": name, "deleted_runs": number})
    else:
        print(f"{name} was deleted, with {number} {'run' if number == 1 else 'runs'}.")


def _say(deployment: Deployment, output: Output, sentence: str) -> None:
    if output is Output.JSON:
        print_document(deployment.to_json())
    else:
        print(f"{deployment.name} is {sentence}.")
