"""``orchestrator run logs``: what a run has printed and logged, all of it or a part."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.cli.clients import connected
from orchestrator.cli.output import Output, OutputOption, print_document
from orchestrator.cli.run_page import print_log_line
from orchestrator.model.clock import in_microseconds
from orchestrator.settings import LEVELS

if TYPE_CHECKING:
    from orchestrator.client.client import Client
    from orchestrator.store.logs import LogLine


def _known_level(text: str | None) -> str | None:
    """The level as it is written, for a name in any case."""
    if text is not None and text.upper() not in LEVELS:
        raise typer.BadParameter(f"{text!r} is no level; levels are {', '.join(LEVELS)}")
    return None if text is None else text.upper()


def logs(
    run_id: Annotated[str, typer.Argument(metavar="RUN_ID", help="The run's id.")],
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the run has ended.")
    ] = False,
    level: Annotated[
        str | None,
        typer.Option("--level", callback=_known_level, help="This level and above, like WARNING."),
    ] = None,
    attempt: Annotated[
        int | None, typer.Option("--attempt", min=1, help="Only lines of this attempt.")
    ] = None,
    head: Annotated[int | None, typer.Option("--head", min=1, help="The first so many.")] = None,
    tail: Annotated[
        int | None, typer.Option("--tail", "-n", min=1, help="The last so many.")
    ] = None,
    reverse: Annotated[bool, typer.Option("--reverse", help="The last line first.")] = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Print the log lines of a run, of all its attempts."""
    from orchestrator.store.logs import reaches

    _check(follow, head, tail, reverse)

    def wanted(line: LogLine) -> bool:
        return attempt in (None, line.attempt) and reaches(line.level, level)

    with connected() as client:
        if follow:
            _print(_following(client, run_id, wanted, tail), output)
        else:
            found = [line for line in client.logs(run_id) if wanted(line)]
            _print(_part(found, head, tail, reverse), output)


def _check(follow: bool, head: int | None, tail: int | None, reverse: bool) -> None:
    given = {"--head": head is not None, "--tail": tail is not None, "--reverse": reverse}
    names = [name for name, is_given in given.items() if is_given]
    if len(names) > 1:
        raise typer.BadParameter(f"give one of {' and '.join(names)}")
    if follow and names and names != ["--tail"]:
        raise typer.BadParameter(f"--follow and {names[0]} contradict each other")


def _part(lines: list[LogLine], head: int | None, tail: int | None, reverse: bool) -> list[LogLine]:
    if tail is not None:
        return lines[-tail:]
    return lines[::-1] if reverse else lines[:head]


def _following(
    client: Client, run_id: str, wanted: Callable[[LogLine], bool], tail: int | None
) -> Iterator[LogLine]:
    """The lines so far, or the last of them, and those to come."""
    lines = filter(wanted, client.follow_logs(run_id))
    if tail is None:
        return lines
    so_far = sum(map(wanted, client.logs(run_id)))
    return islice(lines, max(0, so_far - tail), None)


def _print(lines: Iterable[LogLine], output: Output) -> None:
    if output is Output.JSON:
        print_document([_document(line) for line in lines])
        return
    for line in lines:
        print_log_line(line)


def _document(line: LogLine) -> dict[str, Any]:
    return {**asdict(line), "at": in_microseconds(line.at)}
