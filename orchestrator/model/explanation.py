"""Why a run is where it is, in plain words. Pure: from facts to sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from orchestrator.model.cause import cause_of
from orchestrator.model.deployment import Deployment
from orchestrator.model.facts import Facts
from orchestrator.model.ids import RunId
from orchestrator.model.run import Run
from orchestrator.model.spans import relative, span
from orchestrator.model.states import CLAIMED, State

Code = Literal[
    "final",
    "cancelling",
    "paused",
    "running",
    "standstill",
    "pending",
    "scheduled",
    "overlap",
    "awaiting_retry",
    "awaiting_slot",
    "due",
    "no_scheduler",
    "deployment_deleted",
    "held",
    "quarantined",
    "unserved",
    "runners_silent",
    "runners_draining",
    "at_limit",
    "runners_busy",
    "hosts_lacking",
    "queued",
]


OVERLAP = "overlap: "
"""How the script that makes runs of schedules begins its reasons to hold one back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a run is where it is: one word for programs, one sentence for people, and what else they
    may want to know."""

    run: Run
    code: Code
    sentence: str
    notes: tuple[str, ...] = ()

    def to_json(self, now_ms: int) -> dict[str, Any]:
        """For programs; ``code`` stays when sentences are worded anew."""
        return {
            "id": self.run.id,
            "state": self.run.shown_state(now_ms),
            "code": self.code,
            "sentence": self.sentence,
            "notes": list(self.notes),
        }


def explain(facts: Facts) -> Explanation:
    """Why the run is where it is."""
    run = facts.run
    if run.is_final:
        code, sentence = _final(facts)
    elif run.id in facts.stuck:
        code, sentence = "standstill", _standstill(facts)
    elif run.state in CLAIMED:
        code, sentence = _claimed(facts)
    elif facts.deployment is None:
        code, sentence = "deployment_deleted", f"{run.deployment} was deleted: it will never run."
    elif run.is_paused:
        code, sentence = "paused", f"{run.paused_by} has paused it: it waits to be resumed."
    elif facts.delayed_until is not None:
        code, sentence = _delayed(facts, facts.delayed_until)
    elif run.state is State.AWAITING_CONCURRENCY_SLOT:
        code, sentence = "awaiting_slot", "It waits until another run of the same limit ends."
    else:
        code, sentence = _queued(facts, facts.deployment)
    return Explanation(run=run, code=code, sentence=sentence, notes=tuple(_notes(facts, code)))


def _final(facts: Facts) -> tuple[Code, str]:
    run = facts.run
    ended = relative(run.ended_at, facts.now_ms)
    if run.state is State.COMPLETED:
        return "final", f"It completed {ended}."
    return "final", f"It ended as {run.state} {ended}" + (f": {run.why}." if run.why else ".")


def _standstill(facts: Facts) -> str:
    if facts.waits_for:
        return (
            f"It waits for run {facts.waits_for[0]} and never goes on by itself: every slot that "
            "one of those could take is held by a run that waits, too."
        )
    return (
        "It never begins by itself: every slot that it could take is held by a run that waits for "
        "others like this one."
    )


def _claimed(facts: Facts) -> tuple[Code, str]:
    run, place = facts.run, f"runner {facts.run.runner} on {facts.run.host}"
    since = span(max(0, facts.now_ms - run.history[-1].at_ms) / 1000)
    why = f" ({run.reason})" if run.reason else ""
    match run.state:
        case State.CANCELLING:
            return "cancelling", f"It is being stopped for {since}{why} by {place}."
        case State.PAUSED:
            return "paused", f"Its processes are stopped for {since}{why}, on {place}."
        case State.PENDING:
            return "pending", f"Claimed {since} ago by {place}; its function has not begun."
        case _:
            return "running", f"It has been running for {since}, on {place} (pid {run.pid})."


def _delayed(facts: Facts, until: int) -> tuple[Code, str]:
    run = facts.run
    if until <= facts.now_ms:
        if facts.is_led:
            return "due", "Its time has come: the scheduler is about to queue it."
        return (
            "no_scheduler",
            f"It was due {relative(until, facts.now_ms)}, and no scheduler is alive to queue it.",
        )
    when = relative(until, facts.now_ms)
    if run.state is State.SCHEDULED and (run.reason or "").startswith(OVERLAP):
        why = (run.reason or "").removeprefix(OVERLAP)
        return "overlap", f"Runs of its schedule must not overlap: it {why}; next look {when}."
    if run.state is State.AWAITING_RETRY:
        return "awaiting_retry", f"{_next_attempt(facts)} comes {when}."
    return "scheduled", f"It is scheduled for a later time, {when}."


def _queued(facts: Facts, deployment: Deployment) -> tuple[Code, str]:
    """It waits in a queue: for whom?"""
    name, limit = deployment.name, deployment.concurrency_limit
    ready = facts.ready
    busy, slots = sum(e.record.running for e in ready), sum(e.record.limit for e in ready)
    if deployment.held:
        return "held", f"{name} is held: no run starts until it is released."
    if not facts.serving:
        return "unserved", f"No runner serves {name}: start one, and it runs."
    if not ready:
        return _without_ready_runner(facts, name)
    if facts.wait_ms:
        return "quarantined", (
            f"The server restarted or lost data: runs of {name} start when its runners have said "
            f"what they execute, in {span(facts.wait_ms / 1000)} at the latest."
        )
    if limit is not None and facts.claimed >= limit:
        return "at_limit", f"{facts.claimed} of at most {limit} runs of {name} are under way."
    if busy >= slots:
        who = "The runner has" if len(ready) == 1 else f"All {len(ready)} runners have"
        return "runners_busy", f"{who} no free slot: {busy} of {slots} are in use."
    if all(each.record.lacks for each in ready):
        where, what = ready[0].text, ready[0].record.lacks
        return "hosts_lacking", f"No process can be made for it. Runner {where}: {what}."
    return "queued", "It is in the queue, and a runner with a free slot is about to claim it."


def _without_ready_runner(facts: Facts, name: str) -> tuple[Code, str]:
    silent = [each for each in facts.serving if each.is_silent]
    if len(silent) < len(facts.serving):
        return "runners_draining", f"Every runner that serves {name} is leaving: start another one."
    last = min(silent, key=lambda each: each.silent_ms)
    ago = span(last.silent_ms / 1000)
    return (
        "runners_silent",
        f"No runner of {name} is heard of; the last was {last.text}, {ago} ago.",
    )


def _notes(facts: Facts, code: Code) -> Iterator[str]:
    run = facts.run
    yield from _of_its_origin(facts)
    if run.is_final:
        return
    if run.is_paused:
        yield f"`orchestrator run resume {run.id}` lets it go on."
    if run.id in facts.stuck:
        some = ", ".join(sorted(facts.stuck - {run.id})[:3])
        yield (
            "More slots (`limit` of a runner, or the deployment's limit), one more runner, or the "
            f"cancel of one of them ends this{some and f': {some}'}."
        )
        return
    if run.state in CLAIMED:
        if facts.waits_for:
            yield f"It waits for {_named(facts.waits_for)}."
        yield from _of_its_runner(facts)
        return
    if facts.ahead:
        yield f"{_runs(facts.ahead)} of {run.deployment} will be started before it."
    if code != "awaiting_retry" and run.state is State.AWAITING_RETRY:
        yield f"{_next_attempt(facts)} is what it waits for."
    if facts.delayed_until is not None and not facts.is_led:
        yield "Without a scheduler nobody queues it: `orchestrator scheduler start` starts one."
    if code == "unserved" and (runners := [step.runner for step in run.history if step.runner]):
        yield f"The last runner that had it was {runners[-1]}."
    yield from _of_its_deployment(facts)


def _of_its_origin(facts: Facts) -> Iterator[str]:
    cause = cause_of(facts.run, facts.deployment, facts.event)
    if cause is not None:
        yield cause
    if facts.run.retried_as:
        yield f"It was asked for again as run {facts.run.retried_as}."


def _of_its_runner(facts: Facts) -> Iterator[str]:
    run = facts.run
    for each in facts.heard:
        if each.record.id != run.runner:
            continue
        if each.is_silent:
            ago = span(each.silent_ms / 1000)
            yield f"Its runner was last heard of {ago} ago; others take the run when it is dead."
        how = each.record.isolation.get(run.deployment, "fork")
        if how != "fork":
            yield f"It runs in a fresh interpreter: {how.partition(': ')[2]}."


def _of_its_deployment(facts: Facts) -> Iterator[str]:
    deployment = facts.deployment
    if deployment is None:
        return
    if deployment.paused:
        by = f" by {deployment.paused_by}" if deployment.paused_by else ""
        yield f"{deployment.name} is paused{by}: that stops its schedules, not this run."
    if facts.delayed_until is not None and not facts.serving:
        yield f"No runner serves {deployment.name} now."
    for each in facts.ready:
        how = each.record.isolation.get(deployment.name, "fork")
        if how != "fork":
            why = how.partition(": ")[2]
            yield f"Runner {each.text} starts a fresh interpreter for each run: {why}."


def _named(runs: tuple[RunId, ...]) -> str:
    return f"run {runs[0]}" if len(runs) == 1 else f"{len(runs)} runs, {runs[0]} among them"


def _next_attempt(facts: Facts) -> str:
    most = ""
    if facts.deployment is not None:
        most = f" of at most {1 + facts.deployment.options.retries}"
    why = f" ({facts.run.why})" if facts.run.why else ""
    return f"Attempt {facts.run.attempt + 1}{most}, after one that failed{why},"


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count} runs"
