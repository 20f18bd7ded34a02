"""``orchestrator trigger``: list, enable, disable, try."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.arguments import DeploymentArgument, OnlyArgument, those_named
from orchestrator.cli.clients import connected
from orchestrator.cli.groups import group
from orchestrator.cli.moments import local
from orchestrator.cli.output import (
    Output,
    OutputOption,
    as_json,
    note,
    print_document,
    print_table,
)
from orchestrator.model.clock import SystemClock
from orchestrator.model.trigger import in_words

if TYPE_CHECKING:
    from orchestrator.model.rehearsal import Rehearsal
    from orchestrator.model.trigger import TriggerRecord

app = group("List triggers, let them fire or not, and try them on what happened.")

NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="The trigger's name within its deployment.")
]


@app.command("ls")
def ls(
    name: OnlyArgument = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """List the triggers, of one deployment or of all."""
    with connected() as client:
        found = those_named(client, name)
    rows = [(deployment.name, record) for deployment in found for record in deployment.triggers]
    if output is Output.JSON:
        print_document([{"deployment": of, **record.to_json()} for of, record in rows])
    elif rows:
        print_triggers(rows, SystemClock().now_ms())
    else:
        note("No triggers: give serve() some, triggers=[EventTrigger(...)].")


@app.command("enable")
def enable(
    deployment: DeploymentArgument, name: NameArgument, output: OutputOption = Output.TEXT
) -> None:
    """Let a trigger fire; it begins to count anew. Serving again leaves it so."""
    with connected() as client:
        _say(deployment, client.enable_trigger(deployment, name), output)


@app.command("disable")
def disable(
    deployment: DeploymentArgument, name: NameArgument, output: OutputOption = Output.TEXT
) -> None:
    """Let a trigger not fire. Serving again leaves it so."""
    with connected() as client:
        _say(deployment, client.disable_trigger(deployment, name), output)


@app.command("test")
def rehearse(
    deployment: DeploymentArgument,
    name: NameArgument,
    events: Annotated[
        int, typer.Option("--events", min=1, max=100_000, help="How many of the latest events.")
    ] = 1000,
    output: OutputOption = Output.TEXT,
) -> None:
    """Show what a trigger would have done at past events. Nothing is changed."""
    with connected() as client:
        found = client.test_trigger(deployment, name, events)
    if output is Output.JSON:
        print_document([each.to_json() for each in found])
    elif found:
        _print_rehearsals(found, SystemClock().now_ms())
    else:
        note(f"Trigger {name} would not have fired at the latest {events} events.")


def print_triggers(rows: list[tuple[str, TriggerRecord]], now_ms: int) -> None:
    """One line each; the deployment's name is left out when it is empty."""
    headings = ["TRIGGER", "FIRES AT", "ENABLED", "FIRED", "LAST", "ERROR"]
    lines = [[of, *_row(record, now_ms)] for of, record in rows]
    if not all(of for of, _ in rows):
        lines = [line[1:] for line in lines]
    else:
        headings = ["DEPLOYMENT", *headings]
    print_table(headings, lines, folding=("DEPLOYMENT", "TRIGGER", "FIRES AT", "ERROR"))


def _row(record: TriggerRecord, now_ms: int) -> list[str]:
    return [
        record.definition.name,
        in_words(record.definition),
        "yes" if record.definition.enabled else "no",
        str(record.fired),
        "-" if record.fired_ms is None else local(record.fired_ms, now_ms),
        record.error or "-",
    ]


def _say(deployment: str, record: TriggerRecord, output: Output) -> None:
    if output is Output.JSON:
        print_document({"deployment": deployment, **record.to_json()})
    else:
        what = "enabled" if record.definition.enabled else "disabled"
        print(f"Trigger {record.definition.name} of {deployment} is {what}.")


def _print_rehearsals(found: list[Rehearsal], now_ms: int) -> None:
    print_table(
        ("AT", "EVENT", "FOR", "PARAMETERS"),
        [
            (
                "-" if each.event is None else local(each.event.received, now_ms),
                "silence" if each.event is None else f"{each.event.event} {each.event.id}",
                ", ".join(each.bucket) or "-",
                each.error or as_json(each.parameters),
            )
            for each in found
        ],
        folding=("EVENT", "PARAMETERS"),
    )
