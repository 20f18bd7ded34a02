"""Whom of a deployment an observer takes for dead: owners of leases, and runners."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from orchestrator.model.ids import DeploymentId, RunId, RunnerId
from orchestrator.model.watching import Mark, Watch
from orchestrator.store import keys
from orchestrator.store.attention import NOW, lower_attention
from orchestrator.store.deployments import member_ids, pause_deployment
from orchestrator.store.leases import Look, Seen, reap_run
from orchestrator.store.requests import Plan, Word, command, in_turns
from orchestrator.store.runners import drop_runner

LEASE_LOST = "its runner or host was lost"


@dataclass(frozen=True, slots=True)
class Dead:
    """What stayed as it was for a whole period, by the last look."""

    leases: tuple[Seen, ...]
    """To be taken from their owners."""
    runners: tuple[tuple[RunnerId, int], ...]
    """To be dropped, with the beats that they had."""


class Vigil:
    """What one observer remembers of one deployment. It looks about each sixth of a lease."""

    def __init__(self, lease: float) -> None:
        self._lease = lease
        self._leases: Watch[tuple[RunId, str]] = Watch(lease / 3)
        self._runners: Watch[RunnerId] = Watch(lease / 3)

    def lose_contact(self) -> None:
        """A look failed: what was seen before proves nothing any more."""
        self._leases.lose_contact()
        self._runners.lose_contact()

    def keep_contact(self, answered: float) -> None:
        """A look that saw no others was answered."""
        self._leases.keep_contact(answered)
        self._runners.keep_contact(answered)

    def judge(
        self,
        seen: Look,
        sent: float,
        answered: float,
        *,
        is_ours: Callable[[RunId, str], bool] = lambda _run_id, _token: False,
        me: RunnerId | None = None,
    ) -> Dead:
        """By a look that was sent and answered at these elapsed times."""
        leases = {(each.run_id, each.token): each for each in seen.leases}
        marks = [
            Mark(who, each.beat, each.lease_ms / 1000)
            for who, each in leases.items()
            if not is_ours(*who)
        ]
        others = {runner: beat for runner, beat in seen.runners.items() if runner != me}
        runners = [Mark(runner, beat, self._lease) for runner, beat in others.items()]
        return Dead(
            tuple(leases[who] for who in self._leases.look(sent, answered, marks)),
            tuple((each, others[each]) for each in self._runners.look(sent, answered, runners)),
        )


def bury(
    d: DeploymentId, dead: Dead, retention_ms: int, hooks_after_ms: int = 0
) -> Plan[list[Word]]:
    """Bring back what the dead leave; whoever has sent a beat after all keeps what he has. What
    became of each lease, and who calls hooks: see ``reap_run``."""
    reaps = [
        reap_run(each.run_id, each.token, each.beat, LEASE_LOST, retention_ms, hooks_after_ms)
        for each in dead.leases
    ]
    drops = [drop_runner(d, runner, beat) for runner, beat in dead.runners]
    # One that was being cancelled ends by it, and may leave children.
    lower = lower_attention(d, NOW)
    _, *words, _ = yield [lower, *reaps, *drops, lower]
    if "last" in words[len(reaps) :]:
        yield from pause_deployment(d, "shutdown", retention_ms)
    return words[: len(reaps)]


def leased_deployments(among: Iterable[DeploymentId] | None = None) -> Plan[list[DeploymentId]]:
    """Those of these, or of all, in which runs are claimed."""
    if among is None:
        (among,) = yield [member_ids()]
    asked = sorted(set(among))
    leases = yield from in_turns(command(int, "ZCARD", keys.leases(d)) for d in asked)
    return [d for d, count in zip(asked, leases, strict=True) if count]
