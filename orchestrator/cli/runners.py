"""``orchestrator runner``: the serving processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.clients import connected
from orchestrator.cli.groups import group
from orchestrator.cli.moments import relative
from orchestrator.cli.output import (
    LimitOption,
    Output,
    OutputOption,
    note,
    print_document,
    print_table,
)
from orchestrator.model.clock import SystemClock

if TYPE_CHECKING:
    from orchestrator.model.deployment import RunnerRecord

app = group("See the serving processes, and let them leave.")


@app.command("ls")
def ls(limit: LimitOption = 50, output: OutputOption = Output.TEXT) -> None:
    """List the runners, newest first."""
    with connected() as client:
        runners = sorted(client.runners(), key=lambda runner: -runner.started_at)[:limit]
    if output is Output.JSON:
        print_document([runner.to_json() for runner in runners])
        return
    if not runners:
        note("No runner is serving.")
        return
    now_ms = SystemClock().now_ms()
    print_table(
        ("RUNNER", "HOST", "PID", "BUSY", "SEEN", "DEPLOYMENTS"),
        [_row(runner, now_ms) for runner in runners],
        folding=("RUNNER", "HOST", "DEPLOYMENTS"),
    )


@app.command("drain")
def drain(
    runner: Annotated[
        str | None, typer.Argument(metavar="[RUNNER]", help="A runner's id, as `ls` shows it.")
    ] = None,
    host: Annotated[
        str | None, typer.Option("--host", metavar="HOST", help="Every runner of this host.")
    ] = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Let a runner finish what it runs, claim nothing more, and end."""
    with connected() as client:
        if runner is not None and host is None:
            drained = [client.drain_runner(runner)]
        elif host is not None and runner is None:
            drained = client.drain_host(host)
        else:
            raise typer.BadParameter("give a RUNNER, or --host")
    if output is Output.JSON:
        print_document([record.to_json() for record in drained])
        return
    for record in drained:
        print(f"{record.id} on {record.host} drains: {record.running} of its runs go on.")


def _slots(runner: RunnerRecord) -> str:
    draining = " draining" if runner.draining else ""
    lacks = f", {runner.lacks}" if runner.lacks else ""
    return f"{runner.running}/{runner.limit}{draining}{lacks}"


def _row(runner: RunnerRecord, now_ms: int) -> tuple[str, ...]:
    spawned = [
        f"{name} (fresh interpreter: {how.partition(': ')[2]})"
        for name, how in runner.isolation.items()
        if how != "fork"
    ]
    forked = [name for name in runner.deployments if runner.isolation.get(name, "fork") == "fork"]
    return (
        runner.id,
        runner.host,
        str(runner.pid),
        _slots(runner),
        relative(runner.last_seen, now_ms),
        ", ".join([*forked, *spawned]),
    )
