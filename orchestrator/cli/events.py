"""``orchestrator event``: say that something happened, and see what did."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.cli.arguments import parse_document
from orchestrator.cli.clients import connected
from orchestrator.cli.groups import group
from orchestrator.cli.moments import local, parse_moment, parse_since, stamp
from orchestrator.cli.output import (
    LimitOption,
    Output,
    OutputOption,
    as_json,
    note,
    print_document,
    print_table,
)
from orchestrator.model.clock import SystemClock

if TYPE_CHECKING:
    from orchestrator.model.event import Event

app = group("Say that something happened, and see what did.")

NamesOption = Annotated[
    list[str],
    typer.Option("--event", "-e", metavar="NAME", help="Only these; * is anything. Repeat."),
]
ResourceOption = Annotated[
    str | None, typer.Option("--resource-id", metavar="ID", help="Only events about this.")
]


@app.command("emit")
def emit(
    event: Annotated[str, typer.Argument(metavar="NAME", help="The event's name: order.paid.")],
    resource_id: Annotated[
        str, typer.Option("--resource-id", metavar="ID", help="What it is about.")
    ],
    resource: Annotated[
        list[str],
        typer.Option("--resource", metavar="LABEL=TEXT", help="More about that. Repeat."),
    ] = [],  # noqa: B006  # typer's way to say "none given"; it copies
    payload: Annotated[
        str | None, typer.Option("--payload", metavar="JSON", help="An object; - reads stdin.")
    ] = None,
    related: Annotated[
        list[str],
        typer.Option("--related", metavar="ROLE=ID", help="What else it is about. Repeat."),
    ] = [],  # noqa: B006
    occurred: Annotated[
        str | None, typer.Option("--occurred", metavar="TIME", help="Default: now.")
    ] = None,
    event_id: Annotated[
        str | None, typer.Option("--id", help="The same id again changes nothing.")
    ] = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Emit an event; triggers may start runs for it."""
    labels = dict(_pairs(resource, "--resource"))
    others = [{"role": role, "id": each} for role, each in _pairs(related, "--related")]
    document = parse_document(payload, "--payload")
    when = None if occurred is None else parse_moment(occurred)
    with connected() as client:
        made = client.emit_event(
            event, {**labels, "id": resource_id}, document, others, when, event_id
        )
        scheduled = client.scheduler_is_alive()
    if output is Output.JSON:
        print_document(made.to_json())
    else:
        print(f"Event {made.event} {made.id} of {made.resource['id']} is in the feed.")
    if not scheduled:
        note("No scheduler is alive: triggers wait until `orchestrator scheduler start`.")


@app.command("ls")
def ls(
    event: NamesOption = [],  # noqa: B006
    resource_id: ResourceOption = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="WHEN", help="Received since: 2h (ago), or a time."),
    ] = None,
    limit: LimitOption = 50,
    output: OutputOption = Output.TEXT,
) -> None:
    """List events, newest first."""
    after = None if since is None else parse_since(since)
    with connected() as client:
        found = client.events(limit, event, resource_id=resource_id, since=after)
    if output is Output.JSON:
        print_document([each.to_json() for each in found])
    elif found:
        _print_table(found, SystemClock().now_ms())
    else:
        note("No events.")


@app.command("inspect")
def inspect(
    event_id: Annotated[str, typer.Argument(metavar="ID", help="The event's id.")],
) -> None:
    """Show one event, as JSON."""
    with connected() as client:
        print_document(client.event(event_id).to_json())


@app.command("stream")
def stream(
    event: NamesOption = [],  # noqa: B006
    resource_id: ResourceOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Show events as they happen, until Ctrl-C; as JSON one document a line."""
    with connected() as client:
        for each in client.stream_events(event, resource_id=resource_id):
            if output is Output.JSON:
                print(json.dumps(each.to_json()), flush=True)
            else:
                print(stamp(each.received / 1000), each.event, *_words(each), flush=True)


def _pairs(texts: Sequence[str], hint: str) -> list[tuple[str, str]]:
    """``NAME=VALUE`` each."""
    pairs = []
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise typer.BadParameter(f"{text!r} is not NAME=VALUE", param_hint=hint)
        pairs.append((name, value))
    return pairs


def _print_table(events: Sequence[Event], now_ms: int) -> None:
    print_table(
        ("RECEIVED", "EVENT", "RESOURCE", "PAYLOAD"),
        [(local(each.received, now_ms), each.event, *_words(each)) for each in events],
        folding=("EVENT", "RESOURCE", "PAYLOAD"),
    )


def _words(event: Event) -> tuple[str, str]:
    """What it is about, and what it carries."""
    payload: dict[str, Any] = {k: v for k, v in event.payload.items() if v is not None}
    return event.resource.get("name") or event.resource["id"], as_json(payload) if payload else ""
