"""The protocol in plain Python: what the server must hold after any sequence of calls.

It is written from the design, not from the scripts. Times are left out where the server makes
them; ``picture`` gives the part that can be compared, and ``tests.support.picture`` reads the same
from a live keyspace.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from orchestrator.model.states import CLAIMED, FINAL, State

MOST_RECOVERIES = 3
FIRST, ASKED, LATE = "queue:first", "queue", "queue:late"
FAILURES = frozenset({State.FAILED, State.TIMED_OUT, State.CRASHED})


@dataclass
class OracleRun:
    """A run as the design has it."""

    parameters: str
    scheduled: bool = False
    """Made by a schedule: a pause skips it while it waits."""
    state: State = State.SCHEDULED
    attempt: int = 1
    failures: int = 0
    recoveries: int = 0
    started: bool = False
    token: str = ""
    runner: str = ""
    beat: int = 0
    where: str = ""
    """A queue, ``delayed``, ``leases``; empty when final."""
    history: list[State] = field(default_factory=lambda: [State.SCHEDULED])
    last_word: str = ""
    """What the call that ended the present token's lease was answered; said again to a repeat."""

    def go(self, state: State, where: str) -> None:
        self.state, self.where = state, where
        self.history.append(state)

    @property
    def is_final(self) -> bool:
        return self.state in FINAL

    @property
    def is_claimed(self) -> bool:
        return self.state in CLAIMED


@dataclass
class OracleSchedule:
    rule: str
    origin: str = "code"
    generation: int = 1
    cursor: int | None = None
    """None where the server's clock set it."""


@dataclass
class OracleDeployment:
    """One deployment: runs, queues, flags, schedules, runners."""

    on_lost: Literal["restart", "fail"] = "restart"
    limit: int | None = None
    paused_by: str = ""
    held: bool = False
    runs: dict[str, OracleRun] = field(default_factory=dict)
    queues: dict[str, list[str]] = field(default_factory=lambda: {FIRST: [], ASKED: [], LATE: []})
    schedules: dict[str, OracleSchedule] = field(default_factory=dict)
    runners: dict[str, int] = field(default_factory=dict)
    """Runner -> its beats."""
    claims: dict[str, tuple[str, list[str]]] = field(default_factory=dict)
    """Runner -> nonce and runs of its latest claim."""
    pause_noted: bool = False

    # Runs come, wait, go.

    def submit(self, run_id: str, parameters: str, *, later: bool = False) -> str:
        if run_id in self.runs:
            return "exists" if self.runs[run_id].parameters == parameters else "conflict"
        self.runs[run_id] = OracleRun(parameters)
        self._wait(run_id, "delayed" if later else ASKED)
        return "created"

    def promote(self, due: Sequence[str]) -> int:
        ready = [run_id for run_id in due if self.runs[run_id].where == "delayed"]
        for run_id in ready:
            self._wait(run_id, ASKED)
        return len(ready)

    def cancel(self, run_id: str) -> str:
        run = self.runs.get(run_id)
        if run is None:
            return "gone"
        if run.is_final:
            return "already"
        if run.is_claimed:
            if run.state is not State.CANCELLING:
                run.go(State.CANCELLING, "leases")
            return "cancelling"
        self._end(run_id, State.CANCELLED)
        return "cancelled"

    def pause_run(self, run_id: str) -> str:
        return self._turn(run_id, State.RUNNING, State.PAUSED)

    def resume_run(self, run_id: str) -> str:
        return self._turn(run_id, State.PAUSED, State.RUNNING)

    def _turn(self, run_id: str, before: State, after: State) -> str:
        run = self.runs.get(run_id)
        if run is None:
            return "gone"
        if run.state is after:
            return "unchanged"
        if run.state is not before:
            return "not_running"
        run.go(after, "leases")
        return "ok"

    # Leases.

    def claim(self, runner: str, nonce: str, count: int) -> tuple[str, list[str]]:
        if runner not in self.runners:
            return "unregistered", []
        known, claimed = self.claims.get(runner, ("", []))
        if known == nonce:
            return "ok", [each for each in claimed if self._is_fresh(each, nonce)]
        if self.held:
            return "held", []
        leased = sum(run.is_claimed for run in self.runs.values())
        if self.limit is not None and leased >= self.limit:
            return "full", []
        room = count if self.limit is None else min(count, self.limit - leased)
        taken = [run_id for queue in self.queues.values() for run_id in queue][:room]
        for run_id in taken:
            run = self.runs[run_id]
            self.queues[run.where].remove(run_id)
            run.go(State.PENDING, "leases")
            run.token, run.runner, run.beat = nonce, runner, 0
            run.started, run.last_word = False, ""
        self.claims[runner] = (nonce, taken)
        return "ok", taken

    def _is_fresh(self, run_id: str, nonce: str) -> bool:
        run = self.runs[run_id]
        return run.token == nonce and run.state is State.PENDING

    def start(self, run_id: str, token: str) -> str:
        run = self.runs.get(run_id)
        if run is None:
            return "gone"
        if not run.is_claimed or run.token != token:
            return "lease_lost"
        if run.state is State.CANCELLING:
            return "cancelled"
        if run.state is not State.PENDING:
            return "ok"
        if self.held:
            return "held"
        run.go(State.RUNNING, "leases")
        run.started = True
        return "ok"

    def beat(self, runner: str, held: Sequence[tuple[str, str]]) -> list[str]:
        if runner in self.runners:
            self.runners[runner] += 1
        return [self._beat(run_id, token) for run_id, token in held]

    def _beat(self, run_id: str, token: str) -> str:
        run = self.runs.get(run_id)
        if run is None or not run.is_claimed or run.token != token:
            return "LOST"
        run.beat += 1
        return {State.CANCELLING: "CANCEL", State.PAUSED: "PAUSE"}.get(run.state, "OK")

    def finish(self, run_id: str, token: str, state: State, retries: int, *, later: bool) -> str:
        run = self.runs.get(run_id)
        if run is None:
            return "gone"
        if run.token != token:
            return "lease_lost"
        if not run.is_claimed:
            return run.last_word or "lease_lost"
        again = state in FAILURES and run.failures < retries
        if again and run.state is not State.CANCELLING:
            run.failures += 1
            run.attempt += 1
            self._wait(run_id, "delayed" if later else ASKED, State.AWAITING_RETRY)
            run.last_word = "retry"
        else:
            # A cancelled run that would have been tried again is over by the cancel.
            self._end(run_id, State.CANCELLED if again else state)
            run.last_word = "cancelled" if again else "ok"
        return run.last_word

    def release(self, run_id: str, token: str) -> str:
        run = self.runs.get(run_id)
        if run is None:
            return "gone"
        if run.token != token:
            return "lease_lost"
        if not run.is_claimed:
            return "lease_lost"
        if run.state is State.CANCELLING:
            self._end(run_id, State.CANCELLED)
            return "cancelled"
        self._wait(run_id, FIRST, State.SCHEDULED)
        return "ok"

    def reap(self, run_id: str, token: str, beat: int | None) -> str:
        run = self.runs.get(run_id)
        if run is None:
            return "gone"
        if not run.is_claimed or run.token != token or beat not in (None, run.beat):
            return "stale"
        if run.state is State.CANCELLING:
            self._end(run_id, State.CANCELLED)
            return "cancelled"
        run.recoveries += 1
        if (run.started and self.on_lost == "fail") or run.recoveries > MOST_RECOVERIES:
            self._end(run_id, State.CRASHED)
            return "crashed"
        run.attempt += run.started
        self._wait(run_id, FIRST, State.SCHEDULED)
        return "recovered"

    # Flags and runners.

    def hold(self, held: bool) -> str:
        if self.held == held:
            return "unchanged"
        self.held = held
        return "ok"

    def pause(self, by: str) -> tuple[str, int]:
        if self.paused_by in (by, "user"):
            return "unchanged", 0
        self.paused_by = by
        waiting = [i for i, run in self.runs.items() if run.scheduled and run.state in _SKIPPABLE]
        for run_id in waiting:
            self._end(run_id, State.SKIPPED)
        return "ok", len(waiting)

    def resume(self) -> str:
        if not self.paused_by:
            return "unchanged"
        self.paused_by = ""
        for schedule in self.schedules.values():
            schedule.cursor = None
        return "ok"

    def register(self, runner: str) -> None:
        self.runners[runner] = 0
        self.pause_noted = False

    def leave(self, runner: str, *, pause: bool) -> str:
        self.runners.pop(runner, None)
        self.claims.pop(runner, None)
        self.pause_noted |= pause
        return "ok" if self.runners or not self.pause_noted else "last"

    def drop(self, runner: str, beat: int) -> str:
        if self.runners.get(runner) != beat:
            return "stale"
        return self.leave(runner, pause=False)

    # Schedules.

    def put(self, rules: dict[str, str], paused: bool | None) -> None:
        """Serve again with these code schedules; those that a user made stay."""
        for slug in [s for s, each in self.schedules.items() if each.origin == "code"]:
            if slug not in rules:
                del self.schedules[slug]
        for slug, rule in rules.items():
            known = self.schedules.get(slug)
            if known is None:
                self.schedules[slug] = OracleSchedule(rule)
            elif known.rule != rule:
                known.rule, known.cursor = rule, None
                known.generation += 1
        if paused is None and self.paused_by == "shutdown":
            self.resume()
        elif paused is not None:
            self.pause("user") if paused else self.resume()

    def tick(
        self,
        slug: str,
        generation: int,
        cursor_seen: int | None,
        cursor: int,
        occurrences: Sequence[tuple[str, str, bool]],
    ) -> str:
        """Occurrences are (run, parameters, late)."""
        schedule = self.schedules.get(slug)
        if schedule is None:
            return "gone"
        if self.paused_by:
            return "paused"
        if schedule.generation != generation or schedule.cursor != cursor_seen:
            return "stale"
        schedule.cursor = cursor
        for run_id, parameters, late in occurrences:
            if run_id not in self.runs:
                self.runs[run_id] = OracleRun(parameters, scheduled=True)
                self._wait(run_id, LATE if late else ASKED)
        return "ok"

    # What all of them do.

    def _wait(self, run_id: str, where: str, state: State | None = None) -> None:
        run = self.runs[run_id]
        self._leave_queue(run_id)
        if state is not None:
            run.go(state, where)
        run.where = where
        if where in self.queues:
            self.queues[where].append(run_id)

    def _end(self, run_id: str, state: State) -> None:
        self._leave_queue(run_id)
        self.runs[run_id].go(state, "")

    def _leave_queue(self, run_id: str) -> None:
        for queue in self.queues.values():
            if run_id in queue:
                queue.remove(run_id)

    def picture(self) -> dict[str, Any]:
        """What must be found on the server."""
        return {
            "paused_by": self.paused_by,
            "held": self.held,
            "queues": {name: list(queue) for name, queue in self.queues.items()},
            "runners": dict(self.runners),
            "schedules": {
                slug: (each.generation, each.cursor) for slug, each in self.schedules.items()
            },
            "runs": {run_id: _run(run) for run_id, run in self.runs.items()},
        }


_SKIPPABLE = (State.SCHEDULED,)


def _run(run: OracleRun) -> dict[str, Any]:
    return {
        "state": run.state,
        "attempt": run.attempt,
        "failures": run.failures,
        "recoveries": run.recoveries,
        "where": run.where,
        "runner": run.runner if run.is_claimed else "",
        "beat": run.beat if run.is_claimed else 0,
        "history": list(run.history),
    }
