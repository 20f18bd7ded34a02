"""Accepted runs that ended without ever having begun, and why. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.model.run import Run
from orchestrator.model.states import State
from soak.evidence import Evidence

GIVEN_UP, UNEXPLAINED = "given up", "unexplained"
NO_REASON = frozenset({GIVEN_UP, UNEXPLAINED})
"""Causes that make it a loss: nobody wanted it, and no process of it was to blame."""


def never_begun(evidence: Evidence) -> Iterator[tuple[Run, str]]:
    """Each that is over and whose first line the witness never saw, with the cause."""
    for run_id in evidence.accepted:
        run = evidence.runs.get(run_id)
        if run is not None and run.is_final and run_id not in evidence.attempts:
            yield run, cause_of(run)


def cause_of(run: Run) -> str:
    """Why it ended before its first line, by what its record says."""
    if run.state in (State.CANCELLED, State.SKIPPED):
        return run.state.value
    if any(step.state is State.RUNNING for step in run.history):
        return "its process was lost between the leave to start and its first line"
    match (run.error or {}).get("type"):
        case "FlowNotLoaded":
            return "its spawner could not begin it"
        case "Crashed":
            return "its process died before its first line"
        case "RunnerDied":
            return GIVEN_UP
        case _:
            return UNEXPLAINED
