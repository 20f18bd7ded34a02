"""The options that describe a schedule, and the schedule that they describe."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.cli.moments import parse_duration

if TYPE_CHECKING:
    from orchestrator.schedules import Schedule

CronOption = Annotated[
    str | None, typer.Option("--cron", metavar="EXPR", help="Like '0 9 * * 1-5'.")
]
IntervalOption = Annotated[
    str | None, typer.Option("--interval", metavar="DURATION", help="Every 60, 5m, 1h.")
]
RRuleOption = Annotated[
    str | None, typer.Option("--rrule", metavar="RULE", help="Like 'FREQ=WEEKLY;BYDAY=MO'.")
]
TimezoneOption = Annotated[
    str | None, typer.Option("--timezone", metavar="ZONE", help="Like Europe/Berlin; default UTC.")
]
CatchupOption = Annotated[
    str | None, typer.Option("--catchup", help="Missed instants: latest (default), all or none.")
]
OverlapOption = Annotated[
    str | None,
    typer.Option("--overlap", help="allow (default), skip, queue or cancel_running."),
]
StartOption = Annotated[
    str | None, typer.Option("--start", metavar="TIME", help="Not before; in the timezone.")
]
EndOption = Annotated[
    str | None, typer.Option("--end", metavar="TIME", help="Not after; in the timezone.")
]
JitterOption = Annotated[
    str | None, typer.Option("--jitter", metavar="DURATION", help="Late by up to this.")
]
AnchorOption = Annotated[
    str | None, typer.Option("--anchor", metavar="TIME", help="What an interval is counted from.")
]
DayOrOption = Annotated[
    bool,
    typer.Option("--day-or/--day-and", help="Cron: day of month or weekday, or both of them."),
]


def schedule_of(
    *,
    cron: str | None,
    interval: str | None,
    rrule: str | None,
    catchup: str | None = None,
    overlap: str | None = None,
    start: str | None = None,
    end: str | None = None,
    jitter: str | None = None,
    anchor: str | None = None,
    **options: Any,
) -> Schedule:
    """The schedule that was typed.

    Raises:
        typer.BadParameter: none or several kinds, or no duration or time where one must be.
        InvalidInput: anything else that cannot be used.
    """
    from orchestrator.schedules import Schedule

    given = {"--cron": cron, "--interval": interval, "--rrule": rrule}
    if sum(each is not None for each in given.values()) != 1:
        raise typer.BadParameter(f"give exactly one of {', '.join(given)}")
    chosen: dict[str, Any] = {"catchup": catchup, "overlap": overlap}
    return Schedule(
        cron=cron,
        interval=None if interval is None else _duration("--interval", interval),
        rrule=rrule,
        start_date=_moment("--start", start),
        end_date=_moment("--end", end),
        jitter=0.0 if jitter is None else _duration("--jitter", jitter),
        anchor_date=_moment("--anchor", anchor),
        **{name: value for name, value in chosen.items() if value is not None},
        **options,
    )


def _duration(option: str, text: str) -> float:
    try:
        return parse_duration(text).total_seconds()
    except typer.BadParameter as error:
        error.param_hint = option
        raise


def _moment(option: str, text: str | None) -> datetime | None:
    """Without an offset a local time of the schedule's timezone."""
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no time; write 2026-11-22T15:04 (of the timezone) or "
            "2026-11-22T15:04:00Z",
            param_hint=option,
        ) from None
