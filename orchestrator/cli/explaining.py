"""``orchestrator run explain``: why a run is where it is, in plain words."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestrator.cli.clients import connected
from orchestrator.cli.output import Output, OutputOption, print_document
from orchestrator.model.clock import SystemClock


def explain(
    run_id: Annotated[str, typer.Argument(metavar="RUN_ID", help="The run's id.")],
    output: OutputOption = Output.TEXT,
) -> None:
    """Say why a run waits, what it waits for, or how it ended."""
    with connected() as client:
        explanation = client.explain_run(run_id)
    run, now_ms = explanation.run, SystemClock().now_ms()
    if output is Output.JSON:
        print_document(explanation.to_json(now_ms))
        return
    print(f"{run.name} ({run.id}) of {run.deployment} is {run.shown_state(now_ms)}.")
    print("\n".join([explanation.sentence, *explanation.notes]))
