"""``orchestrator schedule preview``: the next instants, of a schedule there is or of a rule."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.clients import connected
from orchestrator.cli.moments import parse_moment
from orchestrator.cli.output import Output, OutputOption, note, print_document, print_table
from orchestrator.cli.rules import (
    AnchorOption,
    CronOption,
    DayOrOption,
    EndOption,
    IntervalOption,
    RRuleOption,
    StartOption,
    TimezoneOption,
    schedule_of,
)

if TYPE_CHECKING:
    from orchestrator.model.deployment import ScheduleDefinition


def preview(
    name: Annotated[str | None, typer.Argument(metavar="[DEPLOYMENT]")] = None,
    slug: Annotated[str | None, typer.Argument(metavar="[SLUG]")] = None,
    cron: CronOption = None,
    interval: IntervalOption = None,
    rrule: RRuleOption = None,
    timezone: TimezoneOption = None,
    start: StartOption = None,
    end: EndOption = None,
    anchor: AnchorOption = None,
    day_or: DayOrOption = True,
    count: Annotated[
        int, typer.Option("--count", "-n", min=1, max=1000, help="How many instants.")
    ] = 10,
    since: Annotated[
        str | None,
        typer.Option("--from", metavar="TIME", help="Where to begin; default now."),
    ] = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Show when a schedule fires next, with notes where clocks change."""
    from orchestrator.model.preview import preview as rows_of

    begin = datetime.now(UTC) if since is None else _begin(since)
    if name is not None:
        if slug is None or (cron, interval, rrule) != (None, None, None):
            raise typer.BadParameter("give DEPLOYMENT and SLUG, or one of --cron, --interval, …")
        definition = _stored(name, slug)
    else:
        definition = schedule_of(
            cron=cron,
            interval=interval,
            rrule=rrule,
            timezone=timezone,
            start=start,
            end=end,
            anchor=anchor,
            day_or=day_or,
        ).definition("preview")
    rows = rows_of(definition, count, begin)
    if output is Output.JSON:
        print_document([row.to_json() for row in rows])
        return
    if len(rows) < count:
        note("The schedule ends here." if rows else "The schedule has ended.")
    if rows:
        print_table(
            (f"LOCAL ({definition.timezone})", "UTC", "NOTES"),
            [
                (
                    f"{r.local:%a %Y-%m-%d %H:%M:%S %z}",
                    f"{r.at:%Y-%m-%d %H:%M:%S}",
                    "; ".join(r.notes),
                )
                for r in rows
            ],
            folding=("NOTES",),
        )


def _begin(text: str) -> datetime:
    try:
        return parse_moment(text)
    except typer.BadParameter as error:
        error.param_hint = "--from"
        raise


def _stored(name: str, slug: str) -> ScheduleDefinition:
    with connected() as client:
        return client.schedule(name, slug).definition
