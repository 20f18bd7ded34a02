"""``orchestrator run cancel|pause|resume|delete``: what is done to one run or to several."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.clients import connected
from orchestrator.cli.errors import ExitCode, report
from orchestrator.cli.output import Output, OutputOption, note, print_document
from orchestrator.model.clock import SystemClock
from orchestrator.model.errors import Conflict, NotFound
from orchestrator.wording import paused, resumed

if TYPE_CHECKING:
    from orchestrator.client.client import Client
    from orchestrator.model.run import Run

IdsArgument = Annotated[list[str], typer.Argument(metavar="RUN_ID...", help="Ids of runs.")]


def cancel(run_ids: IdsArgument, output: OutputOption = Output.TEXT) -> None:
    """Cancel runs in any state; those that run get their grace time to clean up."""

    def say(run: Run) -> str:
        if run.is_final:
            return f"is {run.state}."
        note(f"Follow it: orchestrator run watch {run.id}")
        return f"is {run.state}: its process was asked to stop."

    _do_each(run_ids, output, lambda client, run_id: client.cancel_run(run_id), say)


def pause(run_ids: IdsArgument, output: OutputOption = Output.TEXT) -> None:
    """Stop the processes of running runs where they are, until they are resumed."""
    _do_each(
        run_ids,
        output,
        lambda client, run_id: client.pause_run(run_id),
        paused,
    )


def resume(run_ids: IdsArgument, output: OutputOption = Output.TEXT) -> None:
    """Let paused runs go on."""
    _do_each(
        run_ids,
        output,
        lambda client, run_id: client.resume_run(run_id),
        resumed,
    )


def delete(run_ids: IdsArgument, output: OutputOption = Output.TEXT) -> None:
    """Forget runs that have ended, and their logs."""
    _do_each(
        run_ids,
        output,
        lambda client, run_id: client.delete_run(run_id),
        lambda _: "was deleted.",
    )


def _do_each(
    run_ids: list[str],
    output: Output,
    act: Callable[[Client, str], Run],
    say: Callable[[Run], str],
) -> None:
    """Act on each run. A refusal is said and keeps no other run from its turn; exit 1 after one.

    JSON: the record of a single run, an array of those that it was done to for several.
    """
    done: list[Run] = []
    code = ExitCode.DONE
    with connected() as client:
        for run_id in dict.fromkeys(run_ids):
            try:
                run = act(client, run_id)
            except (NotFound, Conflict) as refusal:
                code = report(refusal)
                continue
            done.append(run)
            if output is Output.TEXT:
                print(f"{run.name} ({run.id}) {say(run)}", flush=True)
    if output is Output.JSON:
        now_ms = SystemClock().now_ms()
        documents = [run.to_json(now_ms) for run in done]
        if len(run_ids) > 1:
            print_document(documents)
        elif documents:
            print_document(documents[0])
    raise typer.Exit(code)
