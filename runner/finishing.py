"""Writing how runs ended, until the server has it or says that the lease is another's."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from orchestrator.model.ids import DeploymentId, RunId
from orchestrator.model.states import State
from orchestrator.store.attention import NOW, lower_attention
from orchestrator.store.children import PARTED
from orchestrator.store.leases import Finished, Outcome, finish_run, reap_run, release_run

from . import events
from .aftermath import ENDED_UNSEEN, HOLD_MS
from .identity import Identity
from .outcomes import Drop, HandBack, Recover, Verdict
from .runs import HeldRun
from .writes import Writes

SPAWNER_DIED = "its spawner died"
_RETRIED = frozenset({State.FAILED, State.TIMED_OUT, State.CRASHED})


class Finishing:
    """Takes each run whose processes are gone and writes the last word about it."""

    def __init__(
        self,
        here: Identity,
        writes: Writes,
        *,
        forget: Callable[[HeldRun], None],
        slot_freed: Callable[[], None],
        tell_held: Callable[[DeploymentId], None],
        hooks_due: Callable[[RunId, str], None],
        part: Callable[[RunId], None],
    ) -> None:
        self._here, self._writes = here, writes
        self._forget, self._slot_freed = forget, slot_freed
        self._hooks_due = hooks_due
        self._tell_held, self._part = tell_held, part

    def gone(self, run: HeldRun, verdict: Verdict) -> None:
        """Write the verdict. Claims for the free slot follow it in the same pipeline."""
        match verdict:
            case Drop():
                self._over(run, "lease_lost")
                # A quarantine waits until we hold nothing that the server does not know.
                self._tell_held(run.deployment)
            case HandBack():
                self.hand_back(run)
            case Recover():
                self._recover(run)
            case Outcome():
                self._finish(run, verdict)
            case _:
                assert_never(verdict)
        self._slot_freed()

    def _finish(self, run: HeldRun, outcome: Outcome) -> None:
        retries = outcome.state in _RETRIED and outcome.retries > 0
        if retries and outcome.retry_delay_ms:
            # Before the change and after it: whatever dies in between, the scheduler has looked.
            due = self._here.clock.now_ms() + outcome.retry_delay_ms
            self._lower_attention(run.deployment, due)
        if outcome.state in PARTED:
            self._may_part(run)
        self._writes.add(
            finish_run(run.id, run.token, outcome),
            lambda finished: self._finished(run, outcome, finished),
            lambda _: self._over(run, "refused"),
        )

    def _finished(self, run: HeldRun, outcome: Outcome, finished: Finished) -> None:
        if finished.due is not None:
            self._lower_attention(run.deployment, finished.due)
        elif outcome.state in PARTED or finished.word == "cancelled":
            self._parted(run)
        if run.said_nothing and finished.word in ("ok", "cancelled"):
            self._hooks_due(run.id, run.token)
        self._over(run, finished.word, state=outcome.state, reason=outcome.reason or None)

    def hand_back(self, run: HeldRun) -> None:
        """Back to the front of the queue: no process of it lives."""
        self._may_part(run)
        self._writes.add(
            release_run(run.id, run.token, run.reason, self._here.spec.retention_ms),
            lambda word: self._ended_unseen(run, word, run.reason),
            lambda _: self._over(run, "refused"),
        )

    def _recover(self, run: HeldRun) -> None:
        self._may_part(run)
        self._writes.add(
            reap_run(run.id, run.token, None, SPAWNER_DIED, self._here.spec.retention_ms, HOLD_MS),
            lambda word: self._ended_unseen(run, word, SPAWNER_DIED),
            lambda _: self._over(run, "refused"),
        )

    def _ended_unseen(self, run: HeldRun, word: str, why: str) -> None:
        if word == "cancelled":
            self._parted(run)
        if word in ENDED_UNSEEN:
            self._hooks_due(run.id, run.token)
        self._over(run, word, reason=why)

    def _may_part(self, run: HeldRun) -> None:
        """Its end may leave children to cancel: should we die, the scheduler looks."""
        if run.has_children:
            self._lower_attention(run.deployment, NOW)

    def _parted(self, run: HeldRun) -> None:
        if run.has_children:
            self._lower_attention(run.deployment, NOW)
            self._part(run.id)

    def _over(self, run: HeldRun, word: str, **fields: object) -> None:
        events.info(
            "A run left this runner.",
            run_id=run.id,
            deployment=run.claimed.deployment,
            attempt=run.claimed.attempt,
            answer=word,
            **fields,
        )
        self._forget(run)

    def _lower_attention(self, d: DeploymentId, at_ms: int) -> None:
        self._writes.add(lower_attention(d, at_ms), _nothing_to_do)


def _nothing_to_do(_: None) -> None:
    """The attention was lowered."""
