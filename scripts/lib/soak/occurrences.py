"""The schedule of each second: which occurrences there should be, and which there are; and the
schedule that people edit. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf

from orchestrator.model.run import Run
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
    runs = [run for run in evidence.runs.values() if run.created_by == "schedule:second"]
    made = Counter(run.scheduled_at for run in runs)
    if not made:
        return Tally(0, 0, [], [], 0, [])
    until = max(*made, round(evidence.calm_ms)) - SETTLED_MS
    expected = list(range(min(made), until + 1, STEP_MS))
    pauses = list(_pauses(evidence))
    absent = [at for at in expected if at not in made]
    gaps = list(_gaps(made, pauses))
    missed = [at for at in absent if not any(since < at <= until for since, until in gaps)]
    inside = [
        run.id for run in runs if any(a + 1 < run.created_at < b - 1 for _, a, b, _ in pauses)
    ]
    doubled = [at for at, count in made.items() if count > 1]
    return Tally(len(expected), len(made), doubled, missed, len(absent) - len(missed), inside)


_Pause = tuple[float, float, float, float]
"""Asked, answered, its end asked, its end answered."""


def _pauses(evidence: Evidence) -> Iterator[_Pause]:
    """Of a pause that may be forgotten nothing is asked; one whose end may be lasts until the
    next one."""
    events = evidence.of_kind("pause", "resume")
    for number, pause in enumerate(events):
        ends = [event for event in events[number:] if event.kind == "resume"]
        if pause.kind == "pause" and ends:
            sure = [end for end in ends if not evidence.may_be_forgotten(end.ended)]
            until = pause if evidence.may_be_forgotten(pause.ended) else ends[0]
            yield pause.began_ms, pause.ended_ms, until.began_ms, (sure or ends)[0].ended_ms


def _gaps(made: Counter[int], pauses: list[_Pause]) -> Iterator[tuple[float, float]]:
    """Resuming goes on from now: what was not made by then, inside the pause or shortly before it
    while no scheduler worked, is left out."""
    for begin, _, _, end in pauses:
        yield max((at for at in made if at <= begin), default=0), end


def edited(evidence: Evidence) -> Iterator[str]:
    """I2: a rule makes runs from when it was asked for until the next one was answered, one after
    the other; one that is off makes none."""
    rules = evidence.of_kind("edit")
    made: defaultdict[str, list[Run]] = defaultdict(list)
    for run in evidence.runs.values():
        if run.created_by == "schedule:edited":
            made[str(run.parameters["rule"])].append(run)
    for number, rule in enumerate(rules):
        runs = made.pop(rule.subject, [])
        if runs and rule.answer == "off":
            yield f"rule {rule.subject} made {len(runs)} runs while it was off"
        sure = (each for each in rules[number + 1 :] if not evidence.may_be_forgotten(each.ended))
        until = next(sure, None)
        for run in runs:
            if not rule.began_ms - 1 < run.created_at < (until.ended_ms + 1 if until else inf):
                yield f"{run.id} was made by rule {rule.subject} at another's time"
        instants = sorted(run.scheduled_at for run in runs)
        for before, after in pairwise(instants):
            if after - before != STEP_MS:
                yield f"rule {rule.subject} made no run between {before} and {after}"
    yield from (f"no rule {subject} was ever asked for" for subject in made)
