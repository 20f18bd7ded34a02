"""``orchestrator schedule``: list, create, pause, resume, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.arguments import (
    DeploymentArgument,
    OnlyArgument,
    ParamOption,
    ParamsOption,
    parse_parameters,
    those_named,
)
from orchestrator.cli.clients import connected
from orchestrator.cli.groups import group
from orchestrator.cli.moments import local
from orchestrator.cli.output import Output, OutputOption, note, print_document, print_table
from orchestrator.cli.rules import (
    AnchorOption,
    CatchupOption,
    CronOption,
    DayOrOption,
    EndOption,
    IntervalOption,
    JitterOption,
    OverlapOption,
    RRuleOption,
    StartOption,
    TimezoneOption,
    schedule_of,
)
from orchestrator.model.clock import SystemClock

if TYPE_CHECKING:
    from orchestrator.model.deployment import Deployment, ScheduleRecord

app = group("List, make, pause and preview schedules.")

SlugArgument = Annotated[
    str, typer.Argument(metavar="SLUG", help="The schedule's name within its deployment.")
]


@app.command("ls")
def ls(
    name: OnlyArgument = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """List the schedules, of one deployment or of all."""
    with connected() as client:
        found = those_named(client, name)
    rows = [(deployment, record) for deployment in found for record in deployment.schedules]
    if output is Output.JSON:
        print_document([{"deployment": of.name, **record.to_json()} for of, record in rows])
    elif rows:
        _print_table(rows, SystemClock().now_ms())
    else:
        note("No schedules: give serve() one, or `orchestrator schedule create`.")


@app.command("create")
def create(
    name: DeploymentArgument,
    cron: CronOption = None,
    interval: IntervalOption = None,
    rrule: RRuleOption = None,
    timezone: TimezoneOption = None,
    slug: Annotated[str | None, typer.Option("--slug", help="Default: by kind.")] = None,
    parameter: ParamOption = [],  # noqa: B006  # typer's way to say "none given"; it copies
    parameters: ParamsOption = None,
    catchup: CatchupOption = None,
    overlap: OverlapOption = None,
    start: StartOption = None,
    end: EndOption = None,
    jitter: JitterOption = None,
    anchor: AnchorOption = None,
    day_or: DayOrOption = True,
    paused: Annotated[bool, typer.Option("--paused", help="It begins with a resume.")] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put it in the place of the one of this slug.")
    ] = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Give a deployment another schedule; serving again leaves it alone."""
    made = schedule_of(
        cron=cron,
        interval=interval,
        rrule=rrule,
        timezone=timezone,
        slug=slug,
        parameters=parse_parameters(parameter, parameters) or None,
        catchup=catchup,
        overlap=overlap,
        start=start,
        end=end,
        jitter=jitter,
        anchor=anchor,
        day_or=day_or,
        active=not paused,
    )
    if replace and slug is None:
        raise typer.BadParameter("needs the --slug of the one to replace", param_hint="--replace")
    with connected() as client:
        if replace and slug is not None:
            record = client.replace_schedule(name, slug, made)
        else:
            record = client.create_schedule(name, made)
    _say(name, record, output, "has been replaced" if replace else "has been created")


@app.command("pause")
def pause(name: DeploymentArgument, slug: SlugArgument, output: OutputOption = Output.TEXT) -> None:
    """Make no more runs of one schedule; those that wait are skipped."""
    with connected() as client:
        _say(name, client.pause_schedule(name, slug), output, "is paused: it creates no runs")


@app.command("resume")
def resume(
    name: DeploymentArgument, slug: SlugArgument, output: OutputOption = Output.TEXT
) -> None:
    """Let one schedule go on from now."""
    with connected() as client:
        _say(name, client.resume_schedule(name, slug), output, "is resumed: it goes on from now")


@app.command("delete")
def delete(
    name: DeploymentArgument, slug: SlugArgument, output: OutputOption = Output.TEXT
) -> None:
    """Forget one schedule; its runs that wait are skipped."""
    with connected() as client:
        record = client.delete_schedule(name, slug)
    _say(name, record, output, "is deleted")
    if record.origin == "code":
        note("Code made it, and makes it again when it is served the next time.")


def _say(name: str, record: ScheduleRecord, output: Output, sentence: str) -> None:
    if output is Output.JSON:
        print_document({"deployment": name, **record.to_json()})
    else:
        print(f"Schedule {record.definition.slug} of {name} {sentence}.")


def _print_table(rows: list[tuple[Deployment, ScheduleRecord]], now_ms: int) -> None:
    from orchestrator.wording import rule_text

    print_table(
        ("DEPLOYMENT", "SLUG", "RULE", "ACTIVE", "NEXT", "FROM"),
        [
            (
                deployment.name,
                record.definition.slug,
                rule_text(record),
                _active(deployment, record),
                _next(deployment, record, now_ms),
                "code, edited" if record.edited else record.origin,
            )
            for deployment, record in rows
        ],
        folding=("DEPLOYMENT", "SLUG", "RULE"),
    )


def _active(deployment: Deployment, record: ScheduleRecord) -> str:
    if not record.definition.active:
        return "no"
    return "deployment paused" if deployment.paused else "yes"


def _next(deployment: Deployment, record: ScheduleRecord, now_ms: int) -> str:
    if deployment.paused or not record.definition.active or record.next_ms is None:
        return "-"
    return local(record.next_ms, now_ms)
