"""How an attempt ended, judged from what its process said and what its spawner saw. Pure."""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from orchestrator.execution.pipe import FOREIGN_SIGTERM
from orchestrator.model.deployment import FlowOptions
from orchestrator.model.sizes import shown_size
from orchestrator.model.states import State
from orchestrator.store.leases import Outcome


class Fate(Enum):
    """Why this runner itself decided that an attempt must end; None in its place: it did not."""

    CANCELLED = "cancel"
    HANDED_BACK = "drain"
    LOST = "lost"


SHUT_DOWN = "its runner was shut down"
"""Why runs are handed back that a leaving runner ends."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What the spawner saw when the last process of a run's tree was gone."""

    exit: int | None = None
    signal: int | None = None
    peak_bytes: int = 0
    cpu_seconds: float = 0.0
    stopped: str | None = None
    """Why the spawner stopped it: ``cancel``, ``timeout``, ``drain``, ``lost``, ``memory_limit``,
    ``cpu_limit``."""

    @classmethod
    def from_packet(cls, packet: Mapping[str, Any]) -> Ended:
        return cls(
            exit=packet["exit"],
            signal=packet["signal"],
            peak_bytes=packet["peak_bytes"] or 0,
            cpu_seconds=packet["cpu_seconds"] or 0.0,
            stopped=packet["stopped"],
        )


@dataclass(frozen=True, slots=True)
class HandBack:
    """The attempt does not count: back to the queue under the same number."""


@dataclass(frozen=True, slots=True)
class Recover:
    """Nobody saw how it ended: as if the host had died."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Somebody else owns the run: nothing about it may be written (I8)."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What decides what follows an end."""

    options: FlowOptions
    failures: int
    """Attempts that failed before this one."""
    retention_ms: int


LONGEST_REASON = 500
"""Characters; the error has the rest."""

Verdict = Outcome | HandBack | Recover | Drop


def judge(
    done: Mapping[str, Any] | None,
    ended: Ended | None,
    fate: Fate | None,
    terms: Terms,
    last_lines: Sequence[str] = (),
) -> Verdict:
    """What to write about an attempt whose processes are all gone.

    ``done`` is the process's own last word, ``ended`` the spawner's (None: the spawner died first).
    A run that completed before the signal reached it has completed.
    """
    if fate is Fate.LOST:
        return Drop()
    make = _Maker(terms, ended or Ended())
    timed_out = ended is not None and ended.stopped == "timeout"
    by_itself = fate is None and not timed_out
    if done is not None and by_itself and was_signalled(done):
        return make.crashed(FOREIGN_SIGTERM, last_lines, done["error"]["traceback"])
    if done is not None and (by_itself or done["state"] == State.COMPLETED):
        return make.said(done)
    if fate is Fate.CANCELLED:
        return make.outcome(State.CANCELLED, "", error=(done or {}).get("error"))
    if fate is Fate.HANDED_BACK:
        return HandBack()
    if timed_out:
        return make.timed_out()
    if ended is None:
        return Recover()
    reason = _over_limit(ended, terms.options) or reason_of_death(ended)
    return make.crashed(reason, last_lines)


def was_signalled(done: Mapping[str, Any]) -> bool:
    """Whether a process ended because of SIGTERM, whoever has sent it. A flow that raises
    RunCancelled itself has cancelled itself."""
    return done["state"] == State.CANCELLED and bool(done.get("signalled"))


def refused(why: str, terms: Terms) -> Outcome:
    """The outcome of a run that its spawner could not even begin."""
    make = _Maker(terms, Ended())
    headline = why.strip().splitlines()[-1] if why.strip() else "no reason given"
    error = {"type": "FlowNotLoaded", "message": headline, "traceback": why}
    return make.outcome(State.CRASHED, f"could not begin: {headline}", error=error)


def reason_of_death(ended: Ended) -> str:
    """How a process ended by itself, for people."""
    if ended.signal is None:
        return f"exit code {ended.exit}"
    if ended.signal == signal.SIGKILL:
        # The kernel's memory killer leaves no other trace that we may read everywhere.
        return "killed by signal 9, possibly out of memory"
    try:
        return f"killed by {signal.Signals(ended.signal).name}"
    except ValueError:
        return f"killed by signal {ended.signal}"


def _over_limit(ended: Ended, options: FlowOptions) -> str | None:
    if ended.stopped == "memory_limit" and options.memory_limit is not None:
        taken, limit = shown_size(ended.peak_bytes), shown_size(options.memory_limit)
        return f"over its memory_limit: its processes took {taken}, and {limit} are allowed"
    if ended.stopped == "cpu_limit" and options.cpu_limit is not None:
        taken, limit = f"{ended.cpu_seconds:.2f} s", f"{options.cpu_limit:g} s"
        return f"over its cpu_limit: its processes took {taken} of CPU, and {limit} are allowed"
    return None


@dataclass(frozen=True, slots=True)
class _Maker:
    terms: Terms
    ended: Ended

    def said(self, done: Mapping[str, Any]) -> Outcome:
        error = done.get("error")
        reason = done.get("note") or (f"{error['type']}: {error['message']}" if error else "")
        return self.outcome(State(done["state"]), reason, result=done.get("result"), error=error)

    def timed_out(self) -> Outcome:
        reason = f"still running after {self.terms.options.timeout_seconds:g} s"
        error = {"type": "TimeoutError", "message": reason, "traceback": None}
        return self.outcome(State.TIMED_OUT, reason, error=error)

    def crashed(
        self, reason: str, last_lines: Sequence[str], traceback: str | None = None
    ) -> Outcome:
        error = {"type": "Crashed", "message": reason, "traceback": traceback}
        return self.outcome(State.CRASHED, reason, error={**error, "last_lines": list(last_lines)})

    def outcome(
        self,
        state: State,
        reason: str,
        *,
        result: str | None = None,
        error: Mapping[str, Any] | None = None,
    ) -> Outcome:
        options, failures = self.terms.options, self.terms.failures
        return Outcome(
            state=state,
            result=result,
            error=json.dumps(error) if error else None,
            # User code may raise with half a character in its text; Redis takes whole ones.
            reason=reason[:LONGEST_REASON].encode(errors="replace").decode(),
            retries=options.retries,
            retry_delay_ms=round(options.delay_before_retry(failures) * 1000),
            peak_bytes=self.ended.peak_bytes,
            cpu_seconds=self.ended.cpu_seconds,
            retention_ms=self.terms.retention_ms,
        )
