"""``orchestrator deployment``: list, inspect, run, pause, hold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.cli.clients import connected
from orchestrator.cli.groups import group
from orchestrator.cli.moments import local, relative, span
from orchestrator.cli.output import (
    LimitOption,
    Output,
    OutputOption,
    as_json,
    note,
    print_document,
    print_fields,
    print_heading,
    print_table,
)
from orchestrator.model.clock import SystemClock

if TYPE_CHECKING:
    from orchestrator.model.deployment import Deployment, ScheduleRecord

app = group("List, run, pause and hold deployments.")

NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="The full name: flow/deployment.")
]


@app.command("ls")
def ls(limit: LimitOption = 50, output: OutputOption = Output.TEXT) -> None:
    """List the deployments by name."""
    with connected() as client:
        found = client.deployments()
    if output is Output.JSON:
        print_document([deployment.to_json() for deployment in found[:limit]])
    elif found:
        now_ms = SystemClock().now_ms()
        print_table(
            ("DEPLOYMENT", "STATUS", "SCHEDULES", "NEXT", "RUNNERS"),
            [_row(deployment, now_ms) for deployment in found[:limit]],
            folding=("DEPLOYMENT", "STATUS", "SCHEDULES"),
        )
    else:
        note("No deployments yet: call serve() in a script, or `orchestrator serve`.")
    if len(found) > limit:
        note(f"{len(found) - limit} more: --limit {len(found)} shows all.")


@app.command("inspect")
def inspect(name: NameArgument, output: OutputOption = Output.TEXT) -> None:
    """Show everything about one deployment."""
    with connected() as client:
        deployment = client.deployment(name)
    if output is Output.JSON:
        print_document(deployment.to_json())
    else:
        _print_page(deployment, SystemClock().now_ms())


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


def _say(deployment: Deployment, output: Output, sentence: str) -> None:
    if output is Output.JSON:
        print_document(deployment.to_json())
    else:
        print(f"{deployment.name} is {sentence}.")


def status(deployment: Deployment) -> str:
    """Whether its schedules and starts go on, in a few words."""
    words = []
    if deployment.paused:
        words.append(f"paused by {deployment.paused_by}" if deployment.paused_by else "paused")
    if deployment.held:
        words.append("held")
    return ", ".join(words) or "active"


def _row(deployment: Deployment, now_ms: int) -> tuple[str, ...]:
    return (
        deployment.name,
        status(deployment),
        ", ".join(_rule(schedule) for schedule in deployment.schedules) or "-",
        relative(_next(deployment), now_ms),
        str(len(deployment.runners)),
    )


def _next(deployment: Deployment) -> int | None:
    """When its schedules next create a run, as far as that is planned."""
    if deployment.paused:
        return None
    return min(_planned(deployment.schedules), default=None)


def _planned(schedules: Iterable[ScheduleRecord]) -> list[int]:
    return [s.next_ms for s in schedules if s.definition.active and s.next_ms is not None]


def _rule(schedule: ScheduleRecord) -> str:
    definition = schedule.definition
    if definition.kind == "interval":
        seconds = float(definition.expression)
        exact = seconds < 1 or seconds.is_integer()
        return f"every {span(seconds, units=4)}" if exact else f"every {seconds:g}s"
    zone = "" if definition.timezone == "UTC" else f" {definition.timezone}"
    return f"{definition.expression}{zone}"


def _print_page(deployment: Deployment, now_ms: int) -> None:
    limit = deployment.concurrency_limit
    print_fields(
        [
            ("Deployment", deployment.name),
            ("Status", status(deployment)),
            ("Description", deployment.description),
            ("Entrypoint", deployment.entrypoint),
            ("Version", deployment.version),
            ("Tags", ", ".join(deployment.tags) or None),
            ("Parameters", as_json(deployment.parameters)),
            ("Limit", None if limit is None else f"{limit} runs at once across all hosts"),
            ("Runners", ", ".join(deployment.runners) or "none: its runs wait until one serves it"),
        ]
    )
    _print_schedules(deployment, now_ms)
    _print_accepted(deployment)


def _print_schedules(deployment: Deployment, now_ms: int) -> None:
    if not deployment.schedules:
        return
    print_heading("Schedules")
    print_table(
        ("SLUG", "RULE", "ACTIVE", "NEXT", "FROM"),
        [
            (
                schedule.definition.slug,
                _rule(schedule),
                "yes" if schedule.definition.active else "no",
                "-" if schedule.next_ms is None else local(schedule.next_ms, now_ms),
                schedule.origin,
            )
            for schedule in deployment.schedules
        ],
        folding=("SLUG", "RULE"),
    )


def _print_accepted(deployment: Deployment) -> None:
    """The parameters that its runs take."""
    schema = deployment.parameter_schema
    properties = schema.get("properties", {})
    if not properties:
        return
    print_heading("Accepts")
    print_table(
        ("PARAMETER", "TYPE", "DEFAULT"),
        [
            (
                name,
                _kind(prop),
                _default(prop, name in schema.get("required", ())),
            )
            for name, prop in properties.items()
        ],
        folding=("PARAMETER", "TYPE", "DEFAULT"),
    )


def _kind(prop: dict[str, Any]) -> str:
    """What a parameter takes, in a word or two; the whole truth is in the schema."""
    kinds = [str(each.get("type", "object")) for each in prop.get("anyOf", ())]
    named = prop.get("type") or prop.get("$ref", "any").rpartition("/")[2]
    return " or ".join(kinds) or (named if isinstance(named, str) else " or ".join(named))


def _default(prop: dict[str, Any], required: bool) -> str:
    if required:
        return "required"
    return as_json(prop["default"]) if "default" in prop else "-"
