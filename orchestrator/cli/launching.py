"""``orchestrator deployment run``: ask for one run, now or later."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.arguments import ParamOption, ParamsOption, parse_parameters
from orchestrator.cli.clients import connected
from orchestrator.cli.deployments import NameArgument
from orchestrator.cli.moments import from_now, local, parse_duration, parse_moment
from orchestrator.cli.output import Output, OutputOption, note, print_document
from orchestrator.cli.watching import WatchOption, watch_run
from orchestrator.model.clock import SystemClock
from orchestrator.model.explanation import Code

_KEPT_BACK: frozenset[Code] = frozenset(
    {
        "held",
        "unserved",
        "runners_silent",
        "runners_draining",
        "at_limit",
        "runners_busy",
        "hosts_lacking",
        "no_scheduler",
    }
)
"""Why a run does not begin although its time has come; said without being asked for."""

if TYPE_CHECKING:
    from orchestrator.client.client import Client
    from orchestrator.model.run import Run


def run(
    name: NameArgument,
    parameter: ParamOption = [],  # noqa: B006  # typer's way to say "none given"; it copies
    parameters: ParamsOption = None,
    start_in: Annotated[
        str | None, typer.Option("--start-in", metavar="DURATION", help="Like 30s, 5m, 1h30m.")
    ] = None,
    start_at: Annotated[
        str | None,
        typer.Option("--start-at", metavar="TIME", help="ISO 8601; local time unless it says."),
    ] = None,
    tag: Annotated[
        list[str], typer.Option("--tag", "-t", metavar="TAG", help="Added to it. Repeat.")
    ] = [],  # noqa: B006
    run_name: Annotated[str | None, typer.Option("--name", help="What to call the run.")] = None,
    idempotency_key: Annotated[
        str | None,
        typer.Option("--idempotency-key", help="The same key again gives the same run."),
    ] = None,
    watch: WatchOption = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Ask for a run of a deployment."""
    given = parse_parameters(parameter, parameters)
    scheduled_at = _start(start_in, start_at)
    with connected() as client:
        created = client.create_run(
            name,
            given,
            tags=tag,
            scheduled_at=scheduled_at,
            idempotency_key=idempotency_key,
            name=run_name,
        )
        if output is Output.TEXT:
            say_created(client, created)
        if watch:
            raise typer.Exit(watch_run(client, created.id, output))
    if output is Output.JSON:
        print_document(created.to_json(SystemClock().now_ms()))


def _start(start_in: str | None, start_at: str | None) -> datetime | None:
    if start_in is not None and start_at is not None:
        raise typer.BadParameter("give one of --start-in and --start-at, not both")
    try:
        if start_in is not None:
            return from_now(parse_duration(start_in))
        return None if start_at is None else parse_moment(start_at)
    except typer.BadParameter as error:
        error.param_hint = "--start-at" if start_in is None else "--start-in"
        raise


def say_created(client: Client, created: Run) -> None:
    """Its id, when it starts, and what keeps it from starting."""
    now_ms = SystemClock().now_ms()
    when = (
        f", starts {local(created.scheduled_at, now_ms)}" if created.scheduled_at > now_ms else ""
    )
    print(f"Run {created.name} of {created.deployment}: {created.id}{when}", flush=True)
    explanation = client.explain_run(created.id)
    if explanation.code in _KEPT_BACK:
        note("\n".join([explanation.sentence, *explanation.notes]))
