"""Runs and their logs as text: rows of a list, the page of one run, lines of a log."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from orchestrator.cli.moments import local, relative, stamp
from orchestrator.cli.output import (
    as_json,
    console,
    note,
    print_fields,
    print_heading,
    print_table,
    state_text,
)
from orchestrator.model.run import Run, Step
from orchestrator.model.states import State
from orchestrator.wording import OWN_LOGGERS, place, summary, took, used

if TYPE_CHECKING:
    from rich.text import Text

    from orchestrator.store.logs import LogLine


CHILDREN_SHOWN = 20
"""On the page of one run."""

_LEVELS = {"DEBUG": "dim", "WARNING": "yellow", "ERROR": "red", "CRITICAL": "bold red"}


def print_runs(runs: Sequence[Run], now_ms: int) -> None:
    """One line each; the whole id, because it is what other commands want."""
    if not runs:
        note("No runs.")
        return
    print_table(
        ("ID", "STATE", "WHEN", "DEPLOYMENT"),
        [
            (run.id, state_text(run.shown_state(now_ms)), _when(run, now_ms), run.deployment)
            for run in runs
        ],
        folding=("STATE", "DEPLOYMENT"),
    )


def print_run(run: Run, now_ms: int) -> None:
    """Everything about one run."""
    print_fields(
        [
            ("Run", run.name),
            ("Id", run.id),
            ("State", _state_and_reason(run, now_ms)),
            ("Deployment", run.deployment),
            ("Parameters", as_json(run.shown_parameters)),
            ("Tags", ", ".join(run.tags) or None),
            ("Asked by", run.created_by or None),
            ("Paused by", run.paused_by),
            ("Scheduled", local(run.scheduled_at, now_ms)),
            ("Started", None if run.started_at is None else local(run.started_at, now_ms)),
            ("Ended", None if run.ended_at is None else local(run.ended_at, now_ms)),
            ("Took", took(run)),
            ("Used", used(run)),
            ("Attempt", str(run.attempt) if run.attempt else None),
            ("Ran on", place(run)),
            ("Version", run.version),
            ("Commit", run.commit),
            ("Content", run.content_hash and run.content_hash[:12]),
            ("Key", run.idempotency_key),
            ("Parent", run.parent),
            ("Retry of", run.retry_of),
            ("Retried as", run.retried_as),
            ("Progress", None if run.progress is None else as_json(run.progress)),
            ("Result", None if run.result is None else as_json(run.result)),
        ]
    )
    _print_error(run.error)
    _print_history(run.history, now_ms)


def print_children(run: Run, children: Sequence[Run], now_ms: int) -> None:
    """What a run has asked for, the last ones of many."""
    if not run.children:
        return
    print_heading("Children")
    if children:
        print_runs(children, now_ms)
    if len(children) < run.children:
        note(f"{len(children)} of {run.children}; all: orchestrator run ls --parent {run.id}")


def print_log_line(line: LogLine) -> None:
    """One line of a run's log, at once."""
    attempt = f"#{line.attempt} " if line.attempt > 1 else ""
    source = "" if line.logger in OWN_LOGGERS else f"{line.logger}: "
    head = f"{stamp(line.at)} {attempt}{line.level:<7} {source}"
    if not sys.stdout.isatty():
        print(head + line.text, flush=True)
        return
    from rich.text import Text

    style = _LEVELS.get(line.level, "")
    console().print(Text.assemble((head, style or "dim"), (line.text, style)), soft_wrap=True)


def print_step(step: Step) -> None:
    """One change of a run's state, at once."""
    line = _step_line(step)
    if sys.stdout.isatty():
        console().print(line, soft_wrap=True)
    else:
        print(line.plain, flush=True)


def ending(run: Run) -> str:
    """How a run ended, after its last step was shown: what that did not say, and where more is."""
    time = took(run)
    sentence = f"{run.name} ended as {run.state}" + (f" after {time}" if time else "")
    if run.state is State.COMPLETED:
        return f"{sentence}."
    why = "" if run.reason else summary(run.error)
    return f"{sentence}{why and ': '}{why}\nMore: orchestrator run inspect {run.id}"


def _step_line(step: Step) -> Text:
    from rich.text import Text

    words: list[str | Text] = [Text(f"{stamp(step.at_ms / 1000)} ", "dim"), state_text(step.state)]
    if step.attempt > 1:
        words.append(f" (attempt {step.attempt})")
    if step.runner:
        words.append(Text(f" on {step.runner}", "dim"))
    if step.reason:
        words.append(f": {step.reason}")
    return Text.assemble(*words)


def _when(run: Run, now_ms: int) -> str:
    return relative(run.ended_at or run.started_at or run.scheduled_at, now_ms)


def _state_and_reason(run: Run, now_ms: int) -> Text:
    state = state_text(run.shown_state(now_ms))
    return state.append(f" ({run.reason})", style="") if run.reason else state


def _print_error(error: dict[str, Any] | None) -> None:
    if not error:
        return
    print_heading("Error")
    text = str(error.get("traceback") or summary(error)).rstrip()
    console().print(text, markup=False, soft_wrap=True)


def _print_history(history: Sequence[Step], now_ms: int) -> None:
    if not history:
        return
    print_heading("History")
    print_table(
        ("WHEN", "STATE", "ATTEMPT", "RUNNER", "REASON"),
        [
            (
                relative(step.at_ms, now_ms),
                state_text(step.state),
                str(step.attempt or "-"),
                step.runner or "-",
                step.reason or "-",
            )
            for step in history
        ],
        folding=("RUNNER", "REASON"),
    )
