"""Words that every door uses for the same thing: the terminal and the pages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from orchestrator.model.deployment import Deployment, ScheduleRecord, ServedCode
from orchestrator.model.run import Run
from orchestrator.model.sizes import shown_size
from orchestrator.model.spans import span
from orchestrator.model.states import State
from orchestrator.model.versions import DeploymentVersion

OWN_LOGGERS = ("flow", "print", "output")
"""Where a line of a run comes from unless something else is said."""


def took(run: Run) -> str | None:
    """How long its last attempt ran; None before its end, and when it never began."""
    if run.started_at is None or run.ended_at is None:
        return None
    return span(max(0, run.ended_at - run.started_at) / 1000)


def paused(run: Run) -> str:
    """What a run does after it was paused."""
    if run.state is State.PAUSED:
        return f"is {run.state}: its processes stand still."
    return f"is {run.state}: it waits to be resumed."


def resumed(run: Run) -> str:
    """What a run does after it was resumed."""
    if run.state is State.RUNNING:
        return f"is {run.state}: it goes on."
    return f"is {run.state}: it begins when its turn comes."


def place(run: Run) -> str | None:
    """Host, process and runner of its last attempt."""
    if run.host is None:
        return None
    words = [run.host]
    if run.pid is not None:
        words.append(f"pid {run.pid}")
    if run.runner is not None:
        words.append(f"runner {run.runner}")
    return ", ".join(words)


def used(run: Run) -> str | None:
    """Peak memory and CPU time of its last ended attempt."""
    if run.peak_bytes is None:
        return None
    cpu = "" if run.cpu_seconds is None else f", {run.cpu_seconds:.2f} s of CPU"
    return f"{shown_size(run.peak_bytes)} of memory{cpu}"


def code_text(code: ServedCode) -> str:
    """Which code it is: ``commit 1a2b3c…, content 4d5e6f…``."""
    content = f"content {code.content_hash[:12]}" if code.content_hash else ""
    return ", ".join(filter(None, (f"commit {code.commit}" if code.commit else "", content)))


def kept_text(deployment: Deployment) -> str | None:
    """How long its runs are kept; None where the settings say it."""
    days = deployment.retention_days
    return None if days is None else f"{span(days * 86_400)} after the end of a run"


def version_code(version: DeploymentVersion) -> str:
    """Which code it was, in short; empty when it was never loaded."""
    if version.commit:
        return f"commit {version.commit[:12]}"
    return f"content {version.content_hash[:12]}" if version.content_hash else ""


def summary(error: dict[str, Any] | None) -> str:
    """``ValueError: no such file``, as the last line of a traceback says it."""
    if not error:
        return ""
    return ": ".join(str(error[part]) for part in ("type", "message") if error.get(part))


def progress_words(progress: dict[str, Any]) -> list[str]:
    """``40%``, what it is of, and what the run is at."""
    done, total, text = progress["done"], progress["total"], progress.get("text")
    words = [f"{100 * done / total:.0f}%"]
    if total != 1:
        words.append(f"{done:g}/{total:g}")
    return [*words, text] if text else words


def status(deployment: Deployment) -> str:
    """Whether its schedules and starts go on, in a few words."""
    words = []
    if deployment.paused:
        words.append(f"paused by {deployment.paused_by}" if deployment.paused_by else "paused")
    if deployment.held:
        words.append("held")
    return ", ".join(words) or "active"


def next_planned(deployment: Deployment) -> int | None:
    """When its schedules next create a run, as far as that is planned."""
    if deployment.paused:
        return None
    return min(_planned(deployment.schedules), default=None)


def rule_text(schedule: ScheduleRecord) -> str:
    """The rule in one line."""
    definition = schedule.definition
    if definition.kind == "interval":
        seconds = float(definition.expression)
        exact = seconds < 1 or seconds.is_integer()
        return f"every {span(seconds, units=4)}" if exact else f"every {seconds:g}s"
    zone = "" if definition.timezone == "UTC" else f" {definition.timezone}"
    return f"{' '.join(definition.expression.split())}{zone}"


def _planned(schedules: Iterable[ScheduleRecord]) -> list[int]:
    return [s.next_ms for s in schedules if s.definition.active and s.next_ms is not None]
