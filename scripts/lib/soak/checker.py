"""The judgement: which invariant was violated, by what. Pure: values in, sentences out."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from orchestrator.model.run import Run
from orchestrator.model.states import State
from soak.attempts import Attempt, Mark, pairs
from soak.evidence import Evidence
from soak.history import Event, monotonic_ns, wall_ms
from soak.occurrences import edited, occurrences
from soak.profile import LEASE, RETRIES
from soak.unbegun import NO_REASON, never_begun

MOST_RECOVERIES = 3
MANY_STOPS = 20
AFTER_A_HOST_RESUMED = int(1.0e9)
"""ns. All processes of a suspended host go on at once; its spawner stops them within this."""


CLOCKS_MS = 20
"""The wall clock of records and the clock of the witness drift apart by less in one trial."""


@dataclass(frozen=True, slots=True)
class Violation:
    """What must not be."""

    invariant: str
    what: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.what}"


def judge(evidence: Evidence) -> list[Violation]:
    """Every violation; none when all is well."""
    found = [Violation(name, what) for name, check in CHECKS for what in check(evidence)]
    return found + [Violation("keys", what) for what in evidence.keys]


def lost(evidence: Evidence) -> Iterator[str]:
    """I1: a run that was accepted is over, and so is every other one."""
    declared = forgotten_runs(evidence)
    for run_id in evidence.accepted:
        if run_id not in evidence.runs and run_id not in declared:
            yield f"{run_id} was accepted; there is no such run"
    for run in evidence.runs.values():
        if not run.is_final:
            yield f"{run.id} ({run.deployment}) is {run.state} in the end: {_told(evidence, run)}"


def _told(evidence: Evidence, run: Run) -> str:
    """Whose it was and what became of it when, for somebody who asks why."""
    steps = (
        f"{step.state} at {(step.at_ms - evidence.calm_ms) / 1000:+.1f} s {step.reason}".rstrip()
        for step in run.history
    )
    waits = evidence.waits.get(run.id, "")
    return f"by {run.created_by}; seen from the last fault's end: {', '.join(steps)}; {waits}"


def undone(evidence: Evidence) -> Iterator[str]:
    """I1: what ended without ever having begun has a reason that makes it right."""
    for run, cause in never_begun(evidence):
        if cause in NO_REASON:
            yield f"{run.id} ({run.deployment}) never began: {cause}: {run.state} {run.reason}"


def forgotten_runs(evidence: Evidence) -> set[str]:
    """Accepted, and gone with the end of a journal."""
    return {
        event.answer
        for event in evidence.of_kind("create")
        if event.answer not in evidence.runs and evidence.may_be_forgotten(event.ended)
    }


def doubled(evidence: Evidence) -> Iterator[str]:
    """I15: asking again with the same key makes no second run."""
    asked = {run.id for run in evidence.runs.values() if run.idempotency_key}
    for run_id in asked - set(evidence.accepted):
        yield f"{run_id} was made by a creation that answered another run"


def overlaps(evidence: Evidence) -> Iterator[str]:
    """I4: nothing of an attempt executes after a later one has begun."""
    for attempts in evidence.attempts.values():
        for earlier, later in pairs(attempts):
            if _begin_is_excused(evidence, later):
                continue
            # Of a claim that was forgotten the one before is the owner again, once it is over.
            is_forgotten = _began_in_a_loss(evidence, [later])
            until = later.marks[-1].at if is_forgotten else math.inf
            for mark in earlier.marks_after(later.began):
                if mark.at < until and not excused(evidence, earlier, mark):
                    ms = (mark.at - later.began) / 1e6
                    yield f"{_named(earlier)} executed {ms:.1f} ms after {_named(later)} began"
                    break
        for attempt in attempts:
            for mark in attempt.conflicts:
                if not _is_excused_conflict(evidence, attempts, mark):
                    yield f"{_named(attempt)} found its lock held by processes {mark.detail}"


def executed_after_the_end(evidence: Evidence) -> Iterator[str]:
    """I4: an end is written when nothing of the run executes any more."""
    for run_id, attempts in evidence.attempts.items():
        run = evidence.runs.get(run_id)
        if run is None or run.ended_at is None or _began_in_a_loss(evidence, attempts):
            continue
        for attempt in attempts:
            late = (mark for mark in attempt.marks if wall_ms(mark.at) > run.ended_at + CLOCKS_MS)
            for mark in late:
                if not excused(evidence, attempt, mark):
                    yield f"{_named(attempt)} still executed when its run was {run.state}"
                    break


def _began_in_a_loss(evidence: Evidence, attempts: list[Attempt]) -> bool:
    """Whether its claim may be forgotten: then a cancel finds it waiting, and ends it at once."""
    since = int(LEASE * 1e9)
    return any(
        evidence.may_be_forgotten(attempt.began) or evidence.may_be_forgotten(attempt.began - since)
        for attempt in attempts
    )


def excused(evidence: Evidence, attempt: Attempt, mark: Mark) -> bool:
    """Whether its whole host was suspended and has just been resumed: the known limit."""
    return any(
        attempt.pid in event.pids and event.began < mark.at < event.ended + AFTER_A_HOST_RESUMED
        for event in evidence.of_kind("stop host")
    )


def _begin_is_excused(evidence: Evidence, attempt: Attempt) -> bool:
    """Whether it was suspended in the last step before its first line."""
    return excused(evidence, attempt, attempt.marks[0])


def _is_excused_conflict(evidence: Evidence, attempts: list[Attempt], mark: Mark) -> bool:
    earlier = [attempt for attempt in attempts if attempt.began < mark.at]
    return any(excused(evidence, attempt, mark) for attempt in earlier)


def tokens(evidence: Evidence) -> Iterator[str]:
    """I5, I6: tokens rise, and each lets user code begin once."""
    for attempts in evidence.attempts.values():
        for attempt in attempts:
            if len(attempt.begins) != 1:
                yield f"{_named(attempt)} began {len(attempt.begins)} times"
        for before, after in pairwise(attempts):
            if _began_in_a_loss(evidence, [before]):
                continue  # the number of its token may be given again
            if after.epoch <= before.epoch and not _begin_is_excused(evidence, after):
                yield f"{_named(after)} began after {_named(before)}"


def unknown(evidence: Evidence) -> Iterator[str]:
    """I6: what began is a run, and its record says that it ran."""
    for run_id, attempts in evidence.attempts.items():
        run = evidence.runs.get(run_id)
        if _began_in_a_loss(evidence, attempts):
            continue
        if run is None or not any(step.state is State.RUNNING for step in run.history):
            yield f"{_named(attempts[0])} was never allowed to start"


def changed_ends(evidence: Evidence) -> Iterator[str]:
    """I7: a final run is as it was when first seen final."""
    for run_id, first in evidence.finals.items():
        last = evidence.runs.get(run_id)
        if first.ended_at and evidence.may_be_forgotten(monotonic_ns(first.ended_at)):
            continue
        if last is not None and _end(first) != _end(last):
            yield f"{run_id}: {_end(first)} became {_end(last)}"


def _end(run: Run) -> tuple[object, ...]:
    return run.state, run.attempt, run.ended_at, run.result, run.error


def begun_after_cancel(evidence: Evidence) -> Iterator[str]:
    """I9: nothing of a run begins after a cancel was answered; a run being cancelled ends."""
    for event in evidence.of_kind("cancel"):
        if evidence.may_be_forgotten(event.ended):
            continue
        if event.answer == State.CANCELLED:
            for attempt in evidence.attempts.get(event.subject, []):
                if attempt.began > event.ended and not _begin_is_excused(evidence, attempt):
                    yield f"{_named(attempt)} began after {event.subject} was cancelled"
        if event.subject in evidence.runs:
            yield from _started_after_cancel(evidence.runs[event.subject])


def _started_after_cancel(run: Run) -> Iterator[str]:
    for before, after in pairwise(run.history):
        if before.state is State.CANCELLING and after.state in (State.PENDING, State.RUNNING):
            yield f"{run.id} went from Cancelling to {after.state}"


def begun_while_held(evidence: Evidence) -> Iterator[str]:
    """I10: between the answers to hold and the request to release nothing is claimed or starts."""
    for since, until, name in spans(evidence, "hold", "release"):
        for run in evidence.runs.values():
            for before, step in pairwise(run.history) if run.deployment == name else ():
                if before.state is State.PAUSED:
                    continue  # a person let it go on
                if step.state in (State.PENDING, State.RUNNING) and since < step.at_ms < until:
                    yield f"{run.id} became {step.state} while {name} was held"


def spans(evidence: Evidence, begin: str, end: str) -> Iterator[tuple[float, float, str]]:
    """What lies between the answer to ``begin`` and the next request of ``end``: wall clock."""
    opened: dict[str, Event] = {}
    for event in evidence.of_kind(begin, end):
        if event.kind == begin:
            opened[event.subject] = event
        elif event.subject in opened and evidence.may_be_forgotten(opened[event.subject].ended):
            del opened[event.subject]
        elif event.subject in opened:
            # Records cut off fractions of milliseconds.
            yield opened.pop(event.subject).ended_ms + 1, event.began_ms - 1, event.subject


def budgets(evidence: Evidence) -> Iterator[str]:
    """I11: attempts <= 1 + retries + recoveries."""
    for run in evidence.runs.values():
        most = 1 + RETRIES.get(run.deployment, 1) + MOST_RECOVERIES
        if run.attempt > most:
            yield f"{run.id} ({run.deployment}) had {run.attempt} attempts; {most} are allowed"
        failures = sum(step.state is State.AWAITING_RETRY for step in run.history)
        if failures > RETRIES.get(run.deployment, 1):
            yield f"{run.id} ({run.deployment}) was retried {failures} times"


def schedules(evidence: Evidence) -> Iterator[str]:
    """I2, I3, I10: each occurrence once, none left out, none made inside a pause."""
    tally = occurrences(evidence)
    yield from (f"the occurrence of {at} was made twice" for at in tally.doubled)
    yield from (f"the occurrence of {at} was never made" for at in tally.missed)
    yield from (f"{run_id} was made while its deployment was paused" for run_id in tally.in_pause)
    yield from edited(evidence)


def orphans(evidence: Evidence) -> Iterator[str]:
    """I16: when everybody has left, nobody is there."""
    yield from evidence.orphans
    if evidence.zombies:
        yield f"{evidence.zombies} processes ended and nobody waited for them"


def descriptors(evidence: Evidence) -> Iterator[str]:
    """I17: what is opened is closed."""
    yield from evidence.descriptors


def toothless(evidence: Evidence) -> Iterator[str]:
    """I8: among so many lost leases some owner must have tried to write."""
    stops = evidence.of_kind("stop runner", "stop host")
    if len(stops) >= MANY_STOPS and not sum(evidence.refused.values()):
        yield "no write of a lost lease was refused: the faults did not bite"


def counts(violations: list[Violation]) -> Counter[str]:
    """Violations by invariant."""
    return Counter(violation.invariant for violation in violations)


def _named(attempt: Attempt) -> str:
    return f"attempt {attempt.number} of {attempt.run_id} (token {attempt.token})"


CHECKS: tuple[tuple[str, Callable[[Evidence], Iterator[str]]], ...] = (
    ("I1", lost),
    ("I1", undone),
    ("I15", doubled),
    ("I4", overlaps),
    ("I4", executed_after_the_end),
    ("I5", tokens),
    ("I6", unknown),
    ("I7", changed_ends),
    ("I9", begun_after_cancel),
    ("I10", begun_while_held),
    ("I11", budgets),
    ("I2/I3", schedules),
    ("I16", orphans),
    ("I17", descriptors),
    ("I8", toothless),
)
