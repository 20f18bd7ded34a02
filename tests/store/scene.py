"""A deployment with runs in the states that tests begin from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from orchestrator.model.deployment import (
    DeploymentDefinition,
    FlowOptions,
    Overlap,
    ScheduleDefinition,
)
from orchestrator.model.ids import RunId, RunnerId, idempotent_run_id, new_nonce
from orchestrator.model.run import Run
from orchestrator.model.states import State
from orchestrator.store import deployments, leases, runners, runs, schedules
from orchestrator.store.caller import Store
from orchestrator.store.leases import Claimed, Claims, Outcome
from orchestrator.store.requests import Request, Word
from orchestrator.store.runs import NewRun, Submitted

DEFINITION = DeploymentDefinition(flow="hello", name="main", entrypoint="hello.py:hello")
D = DEFINITION.id
RUNNER = RunnerId("runner-a")
NIGHTLY = ScheduleDefinition(slug="nightly", kind="cron", expression="0 3 * * *", timezone="UTC")
LOST_OPTIONS = FlowOptions(on_lost="fail")
DONE = Outcome(state=State.COMPLETED, result="1")
FAILED = Outcome(state=State.FAILED, error='{"type":"ValueError"}', reason="it broke")


def run_id(name: str = "run") -> RunId:
    return idempotent_run_id(D, name)


@dataclass(frozen=True)
class Scene:
    """What tests do all the time."""

    store: Store

    def deploy(self, **options: Any) -> None:
        self.store.call(deployments.put_deployment(replace(DEFINITION, **options)))
        self.store.call(deployments.announce_deployment(D))
        self.store.call(runners.register_runner(D, RUNNER, "{}"))

    def submit(self, name: str = "run", /, **fields: Any) -> Submitted:
        new = NewRun(**{"deployment_id": D, "run_id": run_id(name), "parameters": "{}"} | fields)
        return self.store.call(runs.submit_run(new))

    def claims(self, count: int = 1, nonce: str = "", runner: RunnerId = RUNNER) -> Claims:
        request = leases.claim_runs(
            D,
            runner=runner,
            host="host",
            version="v1",
            nonce=nonce or new_nonce(),
            count=count,
            lease_ms=30_000,
        )
        return self.store.call(request)

    def claim(self) -> Claimed:
        (claimed,) = self.claims().runs
        return claimed

    def pending(self, name: str = "run", /, **fields: Any) -> Claimed:
        """A run that was just claimed."""
        self.submit(name, **fields)
        return self.claim()

    def running(self, name: str = "run", /, **fields: Any) -> Claimed:
        """A run whose user code began."""
        claimed = self.pending(name, **fields)
        assert self.start(claimed) == "ok"
        return claimed

    def start(self, claimed: Claimed) -> str:
        return self.store.call(leases.start_run(claimed.run_id, claimed.token, 4711))

    def finish(self, claimed: Claimed, outcome: Outcome = DONE) -> leases.Finished:
        return self.store.call(leases.finish_run(claimed.run_id, claimed.token, outcome))

    def release(self, claimed: Claimed) -> str:
        return self.store.call(leases.release_run(claimed.run_id, claimed.token, "drained"))

    def reap(self, claimed: Claimed, beat: int | None = 0) -> str:
        return self.store.call(leases.reap_run(claimed.run_id, claimed.token, beat, "host lost"))

    def cancel(self, name: str = "run") -> str:
        return self.store.call(runs.cancel_run(run_id(name), "a person"))

    def run(self, name: str = "run") -> Run:
        found = self.store.call(runs.read_run(run_id(name)))
        assert found is not None
        return found

    def state(self, name: str = "run") -> State:
        return self.run(name).state

    def path(self, name: str = "run") -> list[str]:
        """The states the run went through."""
        return [step.state.value for step in self.run(name).history]


def tick_schedule(
    slug: str,
    generation: int,
    seen: int,
    cursor: int,
    next_ms: int | None,
    made: Sequence[schedules.Occurrence],
    overlap: Overlap = "allow",
) -> Request[list[Word]]:
    """A step of one schedule."""
    one = schedules.Tick(
        slug=slug,
        generation=generation,
        cursor_seen=seen,
        cursor=cursor,
        next_ms=next_ms,
        occurrences=tuple(made),
        overlap=overlap,
    )
    return schedules.tick_schedules(D, [one])
