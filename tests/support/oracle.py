"""The protocol in plain Python: what the server must hold after any sequence of calls.

It is written from the design, not from the scripts. Times are left out where the server makes
them; ``picture`` gives the part that can be compared, and ``tests.support.picture`` reads the same
from a live keyspace.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from orchestrator.model.states import CLAIMED, FINAL, WAITING, State

MOST_RECOVERIES = 3
MOST_UNBEGUN = 20
FIRST, ASKED, LATE = "queue:first", "queue", "queue:late"
FAILURES = frozenset({State.FAILED, State.TIMED_OUT, State.CRASHED})


@dataclass
class OracleRun:
    """A run as the design has it."""

    parameters: str
    scheduled: bool = False
    """Made by a schedule: a pause skips it while it waits."""
    slug: str = ""
    """Of the schedule that made it."""
    waits: bool = False
    """For the earlier runs of its schedule."""
    state: State = State.SCHEDULED
    attempt: int = 0
    begin_as: int = 1
    """The attempt that the next claim begins."""
    failures: int = 0
    recoveries: int = 0
    unbegun: int = 0
    """How often it was lost between a claim and its start."""
    started: bool = False
    paused: bool = False
    """Somebody has paused it and nobody resumed it since, whatever happens to its processes."""
    token: str = ""
    nonce: str = ""
    runner: str = ""
    beat: int = 0
    name: str = ""
    where: str = ""
    """A queue, ``delayed``, ``leases``; empty when final."""
    history: list[State] = field(default_factory=lambda: [State.SCHEDULED])
    retention_days: str = ""
    """As its deployment had it when it was made."""
    last_word: str = ""
    """What the call that ended the present token's lease was answered; said again to a repeat."""
    retry_of: str = ""
    retried_as: str = ""
    parent: str = ""
    children: list[str] = field(default_factory=list)
    """What it has asked for, in that order."""

    def go(self, state: State, where: str) -> None:
        self.state, self.where = state, where
        self.history.append(state)

    @property
    def is_skippable(self) -> bool:
        """A pause ends it: made by a schedule, and nobody has begun with it."""
        return self.scheduled and self.state is State.SCHEDULED and not self.attempt

    @property
    def will_be_paused(self) -> bool:
        """It has no process that could stand still, but the next one will."""
        return self.paused and (self.state in WAITING or self.state is State.PENDING)

    @property
    def is_final(self) -> bool:
        return self.state in FINAL

    @property
    def is_claimed(self) -> bool:
        return self.state in CLAIMED


@dataclass
class OracleSchedule:
    rule: str
    generation: int
    cursor: int | None = None
    """None where the server's clock set it."""
    active: bool = True
    active_by_user: bool = False
    theirs: bool = False
    """A person made or edited it."""
    noted: list[str] = field(default_factory=list)
    """Its runs, oldest first, where these must not overlap; some may be over."""


@dataclass
class OracleDeployment:
    """One deployment: runs, queues, flags, schedules, runners."""

    on_lost: Literal["restart", "fail"] = "restart"
    limit: int | None = None
    retention_days: str = ""
    paused_by: str = ""
    held: bool = False
    runs: dict[str, OracleRun] = field(default_factory=dict)
    queues: dict[str, list[str]] = field(default_factory=lambda: {FIRST: [], ASKED: [], LATE: []})
    schedules: dict[str, OracleSchedule] = field(default_factory=dict)
    runners: dict[str, int] = field(default_factory=dict)
    """Runner -> its beats."""
    claims: dict[str, tuple[str, list[str]]] = field(default_factory=dict)
    """Runner -> nonce and runs of its latest claim."""
    keeping: set[str] = field(default_factory=set)
    """Runners whose leaving never pauses the deployment."""
    draining: set[str] = field(default_factory=set)
    """Runners that were told to leave."""
    pause_noted: bool = False
    quarantined: bool = False
    """The server is not the one it was, and not every runner has said what it holds."""
    stopping: dict[str, int] = field(default_factory=dict)
    """Run -> how many of its children are to be cancelled."""
    hooks: set[str] = field(default_factory=set)
    """Ended runs whose hooks nobody has called."""

    # Runs come, wait, go.

    def submit(self, run_id: str, parameters: str, *, later: bool = False) -> str:
        if run_id in self.runs:
            return "exists" if self.runs[run_id].parameters == parameters else "conflict"
        self.runs[run_id] = OracleRun(parameters, retention_days=self.retention_days)
        self._wait(run_id, "delayed" if later else ASKED)
        return "created"

    def retry(self, run_id: str, again: str) -> str:
        word = self.submit(again, self.runs[run_id].parameters)
        self.runs[again].retry_of = run_id
        self.runs[run_id].retried_as = again
        return word

    def link(self, run_id: str, token: str, child: str) -> str:
        """The run is about to ask for another."""
        run = self.runs.get(run_id)
        if run is None:
            return "gone"
        if not run.is_claimed or run.token != token:
            return "lease_lost"
        if child not in run.children:
            run.children.append(child)
        return "ok"

    def stop_children(self, run_id: str) -> int:
        """The duty that a run has left is done, and what follows from it."""
        stopped = 0
        todo = [run_id]
        while todo:
            parent = todo.pop()
            for child in self._children_to_stop(parent):
                stopped += self.cancel(child) in ("cancelled", "cancelling")
                todo += [child] if self.runs[child].children else []
            self.stopping.pop(parent, None)
        return stopped

    def _children_to_stop(self, parent: str) -> list[str]:
        if parent not in self.runs:
            return []
        first = self.runs[parent].children[: self.stopping.get(parent, 0)]
        return [each for each in first if each in self.runs and self.runs[each].parent == parent]

    def delete_run(self, run_id: str) -> str:
        run = self.runs.get(run_id)
        if run is None:
            return "gone"
        if not run.is_final:
            return "open"
        del self.runs[run_id]
        self.stopping.pop(run_id, None)
        self.hooks.discard(run_id)
        return "ok"

    def delete(self, *, force: bool) -> tuple[str, int]:
        """The whole deployment; ``ok`` leaves nothing."""
        if self.runners and not force:
            return "served", 0
        if any(run.is_claimed for run in self.runs.values()) and not force:
            return "running", 0
        return "ok", len(self.runs)

    def promote(self, due: Sequence[str]) -> int:
        ready = [
            run_id
            for run_id in due
            if self.runs[run_id].where == "delayed" and not self._is_blocked(run_id)
        ]
        for run_id in ready:
            self._wait(run_id, ASKED)
        return len(ready)

    def _is_blocked(self, run_id: str) -> bool:
        run = self.runs[run_id]
        schedule = self.schedules.get(run.slug)
        if not run.waits or run.state is not State.SCHEDULED or schedule is None:
            return False
        before = self._open_runs(schedule)
        return run_id in before and before[0] != run_id

    def _open_runs(self, schedule: OracleSchedule) -> list[str]:
        return [
            each for each in schedule.noted if each in self.runs and not self.runs[each].is_final
        ]

    def cancel(self, run_id: str) -> str:
        run = self.runs.get(run_id)
        if run is None:
            return "gone"
        if run.is_final:
            return "already"
        if run.is_claimed:
            if run.state is not State.CANCELLING:
                run.go(State.CANCELLING, "leases")
                self._part(run_id)
            return "cancelling"
        self._end(run_id, State.CANCELLED)
        return "cancelled"

    def pause_run(self, run_id: str, *, lasting: bool = True) -> str:
        run = self.runs.get(run_id)
        if run is None:
            return "gone"
        if run.state is State.PAUSED or run.will_be_paused:
            return "unchanged"
        if run.state is not State.RUNNING:
            return "not_running"
        run.go(State.PAUSED, "leases")
        run.paused = lasting
        return "ok"

    def resume_run(self, run_id: str) -> str:
        run = self.runs.get(run_id)
        if run is None:
            return "gone"
        if run.state is State.RUNNING:
            return "unchanged"
        if run.state is State.PAUSED:
            run.go(State.RUNNING if run.started else State.PENDING, "leases")
        elif not run.will_be_paused:
            return "not_running"
        run.paused = False
        return "ok"

    # Leases.

    def claim(self, runner: str, nonce: str, count: int) -> tuple[str, list[str]]:
        known, claimed = self.claims.get(runner, ("", []))
        if known == nonce:
            return "ok", [each for each in claimed if self._is_still_held(each, nonce)]
        if runner not in self.runners:
            return "unregistered", []
        if self.held:
            return "held", []
        if self.quarantined:
            return "quarantined", []
        leased = sum(run.is_claimed for run in self.runs.values())
        if self.limit is not None and leased >= self.limit:
            return "full", []
        room = count if self.limit is None else min(count, self.limit - leased)
        taken = [run_id for queue in self.queues.values() for run_id in queue][:room]
        for run_id in taken:
            run = self.runs[run_id]
            self.queues[run.where].remove(run_id)
            run.go(State.PENDING, "leases")
            run.nonce, run.runner, run.beat, run.attempt = nonce, runner, 0, run.begin_as
            run.started, run.last_word = False, ""
        if taken:
            self.claims[runner] = (nonce, taken)
        return "ok", taken

    def _is_still_held(self, run_id: str, nonce: str) -> bool:
        run = self.runs.get(run_id)
        return run is not None and run.nonce == nonce and run.is_claimed

    def start(self, run_id: str, token: str) -> str:
        run = self.runs.get(run_id)
        if run is None:
            return "gone"
        if not run.is_claimed or run.token != token:
            return "lease_lost"
        if run.state is State.CANCELLING:
            return "cancelled"
        if run.state is State.PAUSED and not run.started:
            return "paused"
        if run.state is not State.PENDING:
            return "ok"
        if self.held:
            return "held"
        if run.paused:
            run.go(State.PAUSED, "leases")
            return "paused"
        run.go(State.RUNNING, "leases")
        run.started = True
        return "ok"

    def tell(self, run_id: str, token: str, name: str = "") -> str:
        """The run says how far it has come, or what it is called."""
        run = self.runs.get(run_id)
        if run is None:
            return "gone"
        if not run.is_claimed or run.token != token:
            return "lease_lost"
        if name and run.name:
            return "named"
        run.name = run.name or name
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
            word, _, answer = run.last_word.partition(" ")
            return answer if word == "finish" else "lease_lost"
        again = state in FAILURES and run.failures < retries
        if again and run.state is not State.CANCELLING:
            run.failures += 1
            run.begin_as = run.attempt + 1
            self._wait(run_id, "delayed" if later else ASKED, State.AWAITING_RETRY)
            answer = "retry"
        else:
            # A cancelled run that would have been tried again is over by the cancel.
            self._end(run_id, State.CANCELLED if again else state)
            answer = "cancelled" if again else "ok"
        run.last_word = f"finish {answer}"
        return answer

    def release(self, run_id: str, token: str) -> str:
        run = self.runs.get(run_id)
        if run is None:
            return "gone"
        if run.token != token:
            return "lease_lost"
        if not run.is_claimed:
            word, _, answer = run.last_word.partition(" ")
            return answer if word == "release" else "lease_lost"
        if run.state is State.CANCELLING:
            self._end(run_id, State.CANCELLED)
            answer = "cancelled"
        else:
            self._wait(run_id, FIRST, State.SCHEDULED)
            run.begin_as, answer = run.attempt, "ok"
        run.last_word = f"release {answer}"
        return answer

    def reap(self, run_id: str, token: str, beat: int | None) -> str:
        run = self.runs.get(run_id)
        if run is None:
            return "gone"
        if not run.is_claimed or run.token != token or beat not in (None, run.beat):
            return "stale"
        if run.state is State.CANCELLING:
            self._end(run_id, State.CANCELLED)
            self.hooks |= {run_id} if run.started else set()
            return "cancelled"
        spent = run.recoveries == MOST_RECOVERIES or self.on_lost == "fail"
        if spent if run.started else run.unbegun == MOST_UNBEGUN:
            self._end(run_id, State.CRASHED)
            self.hooks.add(run_id)
            return "crashed"
        run.recoveries += run.started
        run.unbegun += not run.started
        run.begin_as = run.attempt + run.started
        self._wait(run_id, FIRST, State.SCHEDULED)
        return "recovered"

    def call_hooks(self) -> set[str]:
        """All that are owed; nothing is any more."""
        called, self.hooks = self.hooks, set()
        return called

    # Flags and runners.

    def hold(self, held: bool) -> str:
        if self.held == held:
            return "unchanged"
        self.held = held
        return "ok"

    def pause(self, by: str) -> tuple[str, int]:
        self.pause_noted = False
        waiting = [run_id for run_id, run in self.runs.items() if run.is_skippable]
        for run_id in waiting:
            self._end(run_id, State.SKIPPED)
        if self.paused_by in (by, "user"):
            return "unchanged", len(waiting)
        self.paused_by = by
        return "ok", len(waiting)

    def resume(self) -> str:
        if not self.paused_by:
            return "unchanged"
        self.paused_by, self.pause_noted = "", False
        for schedule in self.schedules.values():
            schedule.cursor = None
        return "ok"

    def register(self, runner: str, *, pauses: bool) -> None:
        self.runners.setdefault(runner, 0)
        self.keeping = self.keeping - {runner} if pauses else self.keeping | {runner}
        self.pause_noted = False
        if self.paused_by == "shutdown":
            self.resume()

    def leave(self, runner: str, *, pause: bool) -> str:
        self._forget(runner)
        wanted = (pause or self.pause_noted) and not self.keeping
        self.pause_noted = wanted
        return "last" if wanted and not self.runners else "ok"

    def drop(self, runner: str, beat: int) -> str:
        if self.runners.get(runner) != beat:
            return "stale"
        self._forget(runner)
        return "ok" if self.runners or self.keeping or not self.pause_noted else "last"

    def drain(self, runner: str) -> str:
        if runner not in self.runners:
            return "gone"
        if runner in self.draining:
            return "unchanged"
        self.draining.add(runner)
        return "ok"

    def _forget(self, runner: str) -> None:
        self.draining.discard(runner)
        self.runners.pop(runner, None)
        self.claims.pop(runner, None)
        self.keeping -= {runner}

    # Schedules.

    def put(self, rules: dict[str, str], paused: bool | None, retention_days: str) -> None:
        """Serve again with these schedules; an unchanged rule keeps its cursor."""
        self.retention_days = retention_days
        for slug in set(self.schedules) - set(rules):
            if not self.schedules[slug].theirs:
                del self.schedules[slug]
        for slug, rule in sorted(rules.items()):
            known = self.schedules.get(slug)
            if known is None:
                self.schedules[slug] = OracleSchedule(rule, 1)
            elif not known.theirs and known.rule != rule:
                known.rule, known.cursor = rule, None
                known.generation += 1
                known.active = known.active or not known.active_by_user
        if paused:
            self.paused_by = "user"
        elif self.paused_by == "shutdown" or paused is False:
            noted = self.pause_noted
            self.resume()
            self.pause_noted = noted

    def put_schedule(self, slug: str, rule: str, *, edit: bool) -> str:
        known = self.schedules.get(slug)
        if known is None:
            if edit:
                return "no_schedule"
            made = OracleSchedule(rule, 1, active_by_user=True, theirs=True)
            self.schedules[slug] = made
            return "created"
        if known.rule == rule and known.active:
            return "unchanged"
        if known.rule != rule and not edit:
            return "exists"
        known.rule, known.cursor, known.theirs = rule, None, True
        known.active = known.active_by_user = True
        known.generation += 1
        return "updated"

    def pause_schedule(self, slug: str) -> tuple[str, int]:
        known = self.schedules.get(slug)
        if known is None:
            return "no_schedule", 0
        waiting = [i for i, run in self.runs.items() if run.slug == slug and run.is_skippable]
        for run_id in waiting:
            self._end(run_id, State.SKIPPED)
        word = "ok" if known.active else "unchanged"
        known.active, known.active_by_user = False, True
        return word, len(waiting)

    def resume_schedule(self, slug: str) -> str:
        known = self.schedules.get(slug)
        if known is None:
            return "no_schedule"
        if known.active:
            return "unchanged"
        known.active, known.active_by_user, known.cursor = True, True, None
        return "ok"

    def delete_schedule(self, slug: str) -> str:
        word, _ = self.pause_schedule(slug)
        return "ok" if self.schedules.pop(slug, None) else word

    def tick(
        self,
        slug: str,
        generation: int,
        cursor_seen: int | None,
        cursor: int,
        occurrences: Sequence[tuple[str, str, bool]],
        overlap: str = "allow",
    ) -> str:
        """Occurrences are (run, parameters, late)."""
        if self.paused_by:
            return "paused"
        schedule = self.schedules.get(slug)
        if schedule is None or schedule.generation != generation or schedule.cursor != cursor_seen:
            return "stale"
        if not schedule.active:
            return "stale"
        schedule.cursor = cursor
        missing = [each for each in occurrences if each[0] not in self.runs]
        schedule.noted = [] if overlap == "allow" else self._open_runs(schedule)
        for run_id, parameters, late in missing:
            is_last = run_id == missing[-1][0]
            fate = self._fate(schedule, overlap, is_last=is_last)
            self.runs[run_id] = OracleRun(
                parameters,
                scheduled=True,
                slug=slug,
                waits=fate == "wait",
                retention_days=self.retention_days,
            )
            if fate == "skip":
                self._end(run_id, State.SKIPPED)
                continue
            self._wait(run_id, "delayed" if fate == "wait" else LATE if late else ASKED)
            if overlap != "allow":
                schedule.noted.append(run_id)
        return "ok"

    def _fate(self, schedule: OracleSchedule, overlap: str, *, is_last: bool) -> str:
        if overlap == "cancel_running":
            if not is_last:
                return "skip"
            for run_id in schedule.noted:
                self.cancel(run_id)
            schedule.noted = self._open_runs(schedule)
        if not schedule.noted:
            return "run"
        return "skip" if overlap == "skip" else "wait"

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
        if state in (State.CANCELLED, State.TIMED_OUT):
            self._part(run_id)

    def _part(self, run_id: str) -> None:
        if count := len(self.runs[run_id].children):
            self.stopping[run_id] = count

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
            "draining": sorted(self.draining),
            "schedules": {
                slug: (each.generation, each.cursor, each.active, each.theirs)
                for slug, each in self.schedules.items()
            },
            "stopping": dict(self.stopping),
            "hooks": sorted(self.hooks),
            "runs": {run_id: _run(run) for run_id, run in self.runs.items()},
        }


def _run(run: OracleRun) -> dict[str, Any]:
    return {
        "state": run.state,
        "attempt": run.attempt,
        "failures": run.failures,
        "recoveries": run.recoveries,
        "unbegun": run.unbegun,
        "where": run.where,
        "runner": run.runner if run.is_claimed else "",
        "beat": run.beat if run.is_claimed else 0,
        "name": run.name,
        "paused": run.paused,
        "retention_days": run.retention_days,
        "history": list(run.history),
        "children": sorted(run.children),
        "retries": (run.retry_of, run.retried_as),
    }
