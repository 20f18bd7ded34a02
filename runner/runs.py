"""One claimed run, from its claim to the word about its end.

claimed -> (spawner forks) -> start_run -> go -> ... -> ended -> finish_run

Everything here reacts: to packets of the spawner, to messages of the run process, to replies of the
server. No step waits, so a run costs no task.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from orchestrator.execution import trees
from orchestrator.execution.pipe import Message
from orchestrator.model.deployment import DeploymentDefinition
from orchestrator.model.ids import DeploymentId, RunId
from orchestrator.model.run import Run
from orchestrator.model.watching import deadline
from orchestrator.store.children import as_parent, parted, was_taken_along
from orchestrator.store.leases import Claimed, start_run
from orchestrator.store.logs import append_log
from orchestrator.store.runs import cancel_run

from .identity import Identity
from .logs import LogBatches, RunLog, limits_of
from .outcomes import SHUT_DOWN, Ended, Fate, Terms, Verdict, judge, refused, was_signalled
from .requests import Asking
from .shortage import Shortage
from .streams import Lifelines
from .telling import Telling
from .writes import Writes


class SpawnerLink(Protocol):
    """What a run needs of its spawner."""

    misfits: dict[str, str]
    content: str

    @property
    def commit(self) -> str: ...

    @property
    def pid(self) -> int | None: ...

    def send(self, message: Message, descriptors: tuple[int, ...] = ()) -> None: ...

    def renew(self, deadlines: dict[str, float]) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What all runs of a runner share."""

    here: Identity
    writes: Writes
    batches: LogBatches
    answer: Callable[[Asking, Message], None]
    """For what run processes ask."""
    withdraw: Callable[[Asking, int | None], None]
    """The answer is not wanted any more; None: no answer of this run is."""
    gone: Callable[[HeldRun, Verdict], None]
    """The last process of a run is gone; this is what is to be written about it."""
    is_leaving: Callable[[], bool]
    """Whether this runner was told to end."""
    shortage: Shortage
    """What this host has no room for."""


class HeldRun:
    """A run whose lease this runner holds (or held, until its processes are gone)."""

    spawner: SpawnerLink
    holds_lease = True

    def __init__(self, shared: Surroundings, claimed: Claimed, sent: float) -> None:
        self._shared = shared
        self.claimed = claimed
        self.id: RunId = claimed.run_id
        self.token: str = claimed.token
        self.key = f"{claimed.run_id}:{claimed.token}"
        self.leased_at = sent
        """When the claim, or the last beat answered OK, was sent."""
        self.fate: Fate | None = None
        self.reason = ""
        self.is_over = False
        """Every process of it is gone."""
        self.has_children = claimed.children > 0
        """It has asked for runs, which may have to end with it."""
        self._grace: float | None = None
        self._paused = False
        self._is_to_ask_again = False
        """It was paused before it began: what starts it is the answer after it is resumed."""
        self._pid: int | None = None
        self._asked = 0.0
        """When the server was asked to let it start."""
        self._done: Message | None = None
        self._telling = Telling(shared.writes, self.id, self.token)
        self.log = RunLog(
            claimed.attempt, limits_of(shared.here.spec), shared.batches, self._append
        )

    @property
    def definition(self) -> DeploymentDefinition:
        return self._shared.here.served[self.deployment]

    @property
    def deployment(self) -> DeploymentId:
        return DeploymentId(self.id.partition("-")[0])

    @property
    def revision(self) -> str:
        """The code that it is to have; empty: the newest."""
        return self.claimed.revision

    @property
    def full_name(self) -> str:
        """Of its deployment."""
        return self.claimed.deployment

    @property
    def depth(self) -> int:
        """How many runs asked for one another before it."""
        return self.claimed.depth

    @property
    def said_nothing(self) -> bool:
        """Whether its process died before its last word, and so without calling its hooks."""
        return self._done is None

    @property
    def why_stopped(self) -> str | None:
        """A fate, or ``leaving`` while this runner lets its runs finish; None: nothing of ours."""
        if self.fate is not None:
            return self.fate.value
        return "leaving" if self._shared.is_leaving() else None

    @property
    def _is_limited(self) -> bool:
        """Whether its spawner has something to count from its first line on."""
        options = self.definition.options
        return not (options.timeout_seconds is options.memory_limit is options.cpu_limit is None)

    @property
    def trusted_until(self) -> float:
        """When its lease ends for us: another runner may own the run some time after that."""
        return deadline(self._shared.here.lease, self.leased_at)

    def launch(self, spawner: SpawnerLink) -> None:
        """Have a process made by this spawner, which says when it is there."""
        self.spawner = spawner
        self._lines = Lifelines(self._told, self.log)
        options = self.definition.options
        packet = {
            "op": "run",
            "key": self.key,
            "run_id": self.id,
            "flow": self.claimed.deployment,
            "timeout": options.timeout_seconds,
            "grace": options.cancel_grace_seconds,
            "memory_limit": options.memory_limit,
            "cpu_limit": options.cpu_limit,
            "deadline": self.trusted_until,
        }
        # The spawner's link owns the descriptors from here on, and closes them when they are sent.
        self.spawner.send(packet, self._lines.ends)

    def not_launched(self) -> bool:
        """The spawner forked nothing; whether the run still wants a process."""
        self._lines.finish()
        return self.fate is None

    def ready(self, pid: int) -> None:
        """Its process hears what it is told: ask the server whether user code may begin."""
        self._pid = pid
        self._shared.shortage.passed()
        if self.fate is not None:
            return
        if (parent := self.claimed.parent) is not None:
            # Answered before the start is. A child that was made too late to be cancelled with its
            # parent is stopped here (I23).
            heard = partial(self._heard_of_parent, parent)
            self._shared.writes.add(parted(parent), heard)
        self._ask_to_start()

    def heard(self, word: str, sent: float) -> None:
        """Take a beat's answer; the beat was sent at ``sent``."""
        if self.is_over or self.fate is Fate.LOST:
            return  # what is over learns from the answer to its finish whose run it is
        if word == "LOST":
            self.stop(Fate.LOST, 0.0, "the lease was lost")
            return
        self.leased_at = max(self.leased_at, sent)
        if word == "CANCEL":
            self._cancel()
        else:
            self._stand_still(word == "PAUSE")

    def child_ended(self, child: Run) -> None:
        """A run that it waited for is over. One that was taken along with this one may have heard
        of the cancel first; this one must not go on as if its child had simply ended."""
        if was_taken_along(child, self.id):
            self._cancel()

    def _stand_still(self, paused: bool) -> None:
        if paused is self._paused:
            return
        self._paused = paused
        self.spawner.send({"op": "pause" if paused else "resume", "key": self.key})
        if self._is_to_ask_again and not paused:
            self._is_to_ask_again = False
            self._ask_to_start()

    def _cancel(self) -> None:
        self.stop(Fate.CANCELLED, self.definition.options.cancel_grace_seconds, "cancelled")

    def stop(self, fate: Fate, grace: float, reason: str) -> None:
        """End its processes. Only a lost lease changes the decision; the grace only shrinks."""
        if self.is_over:
            return
        if fate is not Fate.LOST and self._grace is not None and grace >= self._grace:
            return
        # What has already said how it ended has ended like that; only its processes linger.
        if fate is Fate.LOST or (self.fate is None and self._done is None):
            self.fate, self.reason = fate, reason
        self._grace = grace
        self.spawner.send({"op": "stop", "key": self.key, "reason": fate.value, "grace": grace})
        if fate is Fate.LOST and self._pid is not None and self.spawner.pid is not None:
            # I4: another may begin it soon, and the spawner may be suspended.
            trees.kill(self._pid, self.spawner.pid)

    def ended(self, packet: Message | None) -> None:
        """Every process of it is gone; None when the spawner did not live to tell how."""
        ended = Ended.from_packet(packet) if packet else None
        if ended is not None and ended.stopped != "timeout":
            self._leave_together()
        self._be_over()
        self.log.close(lambda: self._shared.gone(self, self._verdict(ended)))

    def refused(self, why: str) -> None:
        """The spawner could not begin it."""
        self._be_over()
        self.log.close(lambda: self._shared.gone(self, refused(why, self._terms())))

    def lacked(self, why: str) -> None:
        """Its host had no process for it: it goes back, and nothing is spent."""
        if self.fate is None:
            self.fate, self.reason = Fate.HANDED_BACK, why
        self.is_over = True
        self._shared.shortage.met(why)
        self.log.close(lambda: self._shared.gone(self, self._verdict(None)))

    def _verdict(self, ended: Ended | None) -> Verdict:
        return judge(self._done, ended, self.fate, self._terms(), self.log.last_lines)

    def answer(self, message: Message) -> None:
        """Send the answer to something that the process asked."""
        if not self.is_over:
            self._lines.send(message)

    def _terms(self) -> Terms:
        return Terms(
            self.definition.options, self.claimed.failures, self._shared.here.spec.retention_ms
        )

    def _append(self, lines: bytes, stored: Callable[[], None]) -> None:
        keep_ms = self._shared.here.spec.retention_ms
        self._shared.writes.add(
            append_log(self.id, self.token, lines, keep_ms),
            lambda _: stored(),
            lambda _: stored(),
        )

    def _be_over(self) -> None:
        self._lines.finish()
        self.is_over = True
        self._shared.withdraw(self, None)
        self._telling.flush()

    def _told(self, message: Message) -> None:
        match message["op"]:
            case "ready":
                self.ready(message["pid"])
            case "done":
                self._done = message
            case "late":
                self.stop(Fate.HANDED_BACK, 0.0, "its lease had ended before its first line")
            case "request":
                self._shared.answer(self, message)
            case "withdraw":
                self._shared.withdraw(self, message["n"])
            case "named":
                self._telling.name(message["name"])
            case "progress":
                self._telling.progress(message["progress"])

    def _leave_together(self) -> None:
        """Who stops a service signals its run processes as well as its runner (systemd does): what
        ended by that goes back, like all that the runner stops."""
        stopped = self.fate is None and self._done is not None and was_signalled(self._done)
        if stopped and self._shared.is_leaving():
            self.fate, self.reason = Fate.HANDED_BACK, SHUT_DOWN

    def _heard_of_parent(self, parent: RunId, is_parted: bool) -> None:
        if not is_parted or self.is_over:
            return
        by, keep_ms = as_parent(parent), self._shared.here.spec.retention_ms
        self._shared.writes.add(cancel_run(self.id, by, keep_ms), lambda _: None)
        self.stop(Fate.CANCELLED, 0.0, "cancelled")

    def _ask_to_start(self) -> None:
        assert self._pid is not None
        self._asked = self._shared.here.clock.elapsed()
        code = self.spawner.commit, self.spawner.content
        self._shared.writes.add(
            start_run(self.id, self.token, self._pid, *code),
            self._started,
            lambda why: self.stop(Fate.LOST, 0.0, f"start_run: {why}"),
        )

    def _started(self, word: str) -> None:
        if self.is_over or self.fate is not None:
            return
        if word == "cancelled":
            self.stop(Fate.CANCELLED, 0.0, "cancelled")
        elif word == "held":
            self.stop(Fate.HANDED_BACK, 0.0, "held")
        elif word == "paused":
            self._is_to_ask_again = True
            self._stand_still(True)
        elif word != "ok":
            self.stop(Fate.LOST, 0.0, "the lease was lost")
        else:
            self._go()

    def _go(self) -> None:
        """Let user code begin: the server has said yes (I6)."""
        now, half = self._shared.here.clock.elapsed(), self._shared.here.lease / 2
        if now - self._asked > half or now - self.leased_at > half:
            # An old answer proves little: a hold, or another's claim, may have followed it.
            self.stop(Fate.HANDED_BACK, 0.0, "the answer to its start came late")
        else:
            # It looks at the clock itself: a host that is suspended here wakes up as a whole, and
            # its run process may be the first to have its turn (I4).
            go = {"op": "go", "run": self._as_told_to_process(), "until": self.trusted_until}
            self._lines.send(go)
            if self._is_limited:
                self.spawner.send({"op": "begun", "key": self.key})

    def _as_told_to_process(self) -> dict[str, Any]:
        claimed = self.claimed
        return {
            "id": claimed.run_id,
            "name": claimed.name,
            "attempt": claimed.attempt,
            "token": claimed.token,
            "parameters": claimed.parameters,
            "tags": json.loads(claimed.tags),
            "deployment": claimed.deployment,
            "flow": self.definition.flow,
            "scheduled_at": claimed.scheduled_at,
            "created_by": claimed.created_by,
            "retries_left": self.definition.options.retries - claimed.failures,
            "misfit": self.spawner.misfits.get(claimed.deployment),
        }
