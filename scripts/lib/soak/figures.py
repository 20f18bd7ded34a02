"""What a trial shows besides its violations: counts, causes, times. Pure."""

from __future__ import annotations

import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from orchestrator.model.run import Run
from orchestrator.model.states import State
from soak.attempts import Attempt
from soak.checker import excused, forgotten_runs
from soak.evidence import Evidence
from soak.history import Event, wall_ms
from soak.occurrences import occurrences
from soak.unbegun import never_begun

PEOPLE = frozenset({"create", "cancel", "pause run", "resume run", "hold", "release"}) | frozenset(
    {"pause", "resume", "edit"}
)
"""Kinds of events that are no faults."""

_LEFT = re.compile(r"A run left this runner\..* answer=(lease_lost|stale)(.*)")


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds."""

    count: int
    median: float
    p99: float
    most: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Times:
        ordered = sorted(seconds)
        p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
        return cls(len(ordered), statistics.median(ordered), p99, ordered[-1])


def figures(evidence: Evidence) -> dict[str, Any]:
    """Everything that is printed, ready for JSON."""
    tally = occurrences(evidence)
    return {
        "runs accepted": len(evidence.accepted),
        "runs accepted and final": sum(_is_final(evidence, i) for i in evidence.accepted),
        "runs accepted and gone with the end of a journal": len(forgotten_runs(evidence)),
        "runs of the schedule": tally.made,
        "runs of the schedule that people edit": _made_by(evidence, "schedule:edited"),
        "runs that a later version wrote": evidence.written_later,
        "states": _states(evidence),
        "attempts executed": sum(map(len, evidence.attempts.values())),
        "ended without having begun": dict(Counter(cause for _, cause in never_begun(evidence))),
        "faults": dict(sorted(Counter(fault_kinds(evidence)).items())),
        "requests of people": dict(Counter(e.kind for e in evidence.of_kind(*PEOPLE))),
        "requests repeated": sum(event.tries - 1 for event in evidence.of_kind(*PEOPLE)),
        "occurrences expected": tally.expected,
        "occurrences left out by a pause": tally.left_out,
        "occurrences doubled": len(tally.doubled),
        "occurrences missed": len(tally.missed),
        "writes refused": dict(evidence.refused),
        "executed again, by cause": dict(causes(evidence)),
        "frozen holders seen by the next attempt": _frozen_holders(evidence),
        "marks of hosts just resumed": _resumed(evidence),
        "recovery (server up)": {
            kind: asdict(times) for kind, times in recoveries(evidence).items()
        },
        "cancel": _as_dict(cancels(evidence)),
        "lateness of this machine": round(evidence.lateness, 3),
    }


def fault_kinds(evidence: Evidence) -> Iterable[str]:
    """The kind of each fault that hit something."""
    return (e.kind for e in evidence.events if e.kind not in PEOPLE and e.answer)


def refusals(log: str) -> Counter[str]:
    """What a runner's log says of writes that came too late."""
    found: Counter[str] = Counter()
    for word, fields in _LEFT.findall(log):
        if "state=" in fields:
            found["outcome refused"] += 1
        elif "reason=" in fields or word == "stale":
            found["hand-back or recovery refused"] += 1
        else:
            found["lease found lost by a beat or a start"] += 1
    return found


def causes(evidence: Evidence) -> Counter[str]:
    """Why runs were executed again, one attempt after the other."""
    found: Counter[str] = Counter()
    for run_id, attempts in evidence.attempts.items():
        for attempt in attempts[1:]:
            found[_cause(evidence.runs[run_id], attempt) if run_id in evidence.runs else "?"] += 1
    return found


def _cause(run: Run, attempt: Attempt) -> str:
    """The reason of the last return to the queue before this attempt began."""
    cause = "?"
    for step in run.history[1:]:
        if step.at_ms > wall_ms(attempt.began):
            break
        if step.state is State.AWAITING_RETRY:
            cause = "retry: " + ("killed" if "signal" in step.reason else "raised")
        elif step.state is State.SCHEDULED:
            cause = step.reason
    return cause


def recoveries(evidence: Evidence) -> Mapping[str, Times]:
    """From a kill (or the begin of a stop) to the next attempt of each run that it hit, where the
    server was there: an outage and a recovery take as long as both."""
    by_pid: defaultdict[int, list[tuple[Attempt, Attempt]]] = defaultdict(list)
    for attempts in evidence.attempts.values():
        for attempt, following in pairwise(attempts):
            by_pid[attempt.pid].append((attempt, following))
    seconds: defaultdict[str, list[float]] = defaultdict(list)
    for event in evidence.events:
        for pid in event.pids:
            for attempt, following in by_pid[pid]:
                hit = attempt.began < event.began < (attempt.ended or following.began)
                if hit and _is_undisturbed(evidence, event, following):
                    seconds[event.kind].append((following.began - event.began) / 1e9)
    return {kind: Times.of(times) for kind, times in sorted(seconds.items())}


def _is_undisturbed(evidence: Evidence, event: Event, following: Attempt) -> bool:
    outages = evidence.of_kind("kill server", "stop server", "cut journal")
    return not any(e.began < following.began and e.ended > event.began for e in outages)


def cancels(evidence: Evidence) -> Times | None:
    """From the answer to a cancel of a running run to its end."""
    seconds = []
    for event in evidence.of_kind("cancel"):
        run = evidence.runs.get(event.subject)
        if event.answer == State.CANCELLING and run is not None and run.ended_at:
            seconds.append(max(0.0, run.ended_at - event.ended_ms) / 1000)
    return Times.of(seconds) if seconds else None


def _is_final(evidence: Evidence, run_id: str) -> bool:
    return run_id in evidence.runs and evidence.runs[run_id].is_final


def _made_by(evidence: Evidence, maker: str) -> int:
    return sum(run.created_by == maker for run in evidence.runs.values())


def _states(evidence: Evidence) -> dict[str, int]:
    return dict(sorted(Counter(str(run.state) for run in evidence.runs.values()).items()))


def _frozen_holders(evidence: Evidence) -> int:
    marks = (m for all_ in evidence.attempts.values() for a in all_ for m in a.marks)
    return sum(mark.kind == "held" for mark in marks)


def _resumed(evidence: Evidence) -> int:
    """Marks of an attempt after the begin of the next one, under the known limit."""
    count = 0
    for attempts in evidence.attempts.values():
        for earlier, later in pairwise(attempts):
            late = earlier.marks_after(later.began)
            count += sum(excused(evidence, earlier, mark) for mark in late)
    return count


def _as_dict(times: Times | None) -> dict[str, float] | None:
    return asdict(times) if times else None
