"""The schedule of each second: which occurrences there should be, and which there are. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from soak.evidence import Evidence
from soak.profile import PERIOD

STEP_MS = round(PERIOD * 1000)
SETTLED_MS = 6_000
"""Younger instants may still be made by a scheduler that takes over."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Instants in ms since 1970."""

    expected: int
    made: int
    doubled: Sequence[int]
    missed: Sequence[int]
    left_out: int
    """Inside a pause, or not made up for before one."""
    in_pause: Sequence[str]
    """Runs that were made while their deployment was paused."""


def occurrences(evidence: Evidence) -> Tally:
    """Compare the runs of the schedule with the clock."""
    runs = [run for run in evidence.runs.values() if run.created_by.startswith("schedule:")]
    made = Counter(run.scheduled_at for run in runs)
    if not made:
        return Tally(0, 0, [], [], 0, [])
    until = max(*made, round(evidence.calm_ms)) - SETTLED_MS
    expected = list(range(min(made), until + 1, STEP_MS))
    pauses = _pauses(evidence)
    absent = [at for at in expected if at not in made]
    missed = [at for at in absent if not _is_left_out(at, made, pauses)]
    inside = [
        run.id for run in runs if any(a + 1 < run.created_at < b - 1 for _, a, b, _ in pauses)
    ]
    doubled = [at for at, count in made.items() if count > 1]
    return Tally(len(expected), len(made), doubled, missed, len(absent) - len(missed), inside)


_Pause = tuple[float, float, float, float]
"""Asked, answered, its end asked, its end answered."""


def _pauses(evidence: Evidence) -> list[_Pause]:
    events = evidence.of_kind("pause", "resume")
    return [
        (a.began_ms, a.ended_ms, b.began_ms, b.ended_ms)
        for a, b in zip(events[::2], events[1::2], strict=False)
    ]


def _is_left_out(at: int, made: Counter[int], pauses: list[_Pause]) -> bool:
    """Resuming goes on from now: what was not made by then, inside the pause or shortly before it
    while no scheduler worked, is left out."""
    for begin, _, _, end in pauses:
        last_before = max((other for other in made if other <= begin), default=0)
        if last_before < at <= end:
            return True
    return False
