"""What is asked of a deployment that holds much: each of the things that must not become slow."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from bench.costs import cost
from bench.figures import Figure
from bench.place import Place, fresh_place
from orchestrator.model.clock import SystemClock
from orchestrator.model.deployment import DeploymentDefinition
from orchestrator.model.ids import RunId, RunnerId, new_nonce, new_run_id
from orchestrator.model.states import State
from orchestrator.store.caller import Store
from orchestrator.store.connection import open_store
from orchestrator.store.deployments import announce_deployment, put_deployment
from orchestrator.store.leases import Outcome, claim_runs, finish_run, start_run
from orchestrator.store.runners import register_runner
from orchestrator.store.runs import NewRun, submit_run

DEFINITION = DeploymentDefinition(flow="full", name="bench", entrypoint="none.py:none")
D = DEFINITION.id
RUNNER = RunnerId("probe")
ROUNDS = 200
DONE = Outcome(state=State.COMPLETED, result="null")


@dataclass
class Probe:
    """A runner that executes nothing, and a person, both asking one thing after the other."""

    place: Place
    store: Store
    asked: list[RunId] = field(default_factory=list)

    def register(self) -> None:
        """The deployment, and the runner for it."""
        self.store.call_all([announce_deployment(D), put_deployment(DEFINITION)])
        self.store.call(register_runner(D, RUNNER, "{}", pauses=False))

    def submit(self) -> None:
        run_id = new_run_id(D, SystemClock().now_ms())
        self.store.call(submit_run(NewRun(deployment_id=D, run_id=run_id, parameters="{}")))
        self.asked.append(run_id)

    def claim_and_finish(self) -> None:
        claim = claim_runs(
            D, runner=RUNNER, host="here", version="", nonce=new_nonce(), count=1, lease_ms=30_000
        )
        (run,) = self.store.call(claim).runs
        self.store.call(start_run(run.run_id, run.token, 1))
        self.store.call(finish_run(run.run_id, run.token, DONE))

    def list_runs(self) -> None:
        self.place.client.runs(50, DEFINITION.full_name)

    def cancel(self) -> None:
        """The newest of those that wait."""
        self.place.client.cancel_run(self.asked.pop())

    def figures(self, against: str, at: float) -> list[Figure]:
        """Median time and cost of each; leaves as many runs waiting as it found."""
        self.place.wait_until_quiet()
        with self.place.without_scheduler():
            return self._figures(against, at)

    def _figures(self, against: str, at: float) -> list[Figure]:
        asking: dict[str, Callable[[], None]] = {
            "submit": self.submit,
            "claim, start and finish": self.claim_and_finish,
            "list 50": self.list_runs,
        }
        found = [
            figure for name, ask in asking.items() for figure in self._of(name, ask, against, at)
        ]
        for _ in range(ROUNDS):
            self.submit()
        return [*found, *self._of("cancel", self.cancel, against, at)]

    def _of(self, name: str, ask: Callable[[], None], against: str, at: float) -> list[Figure]:
        times: list[float] = []

        def rounds() -> None:
            for _ in range(ROUNDS):
                began = time.perf_counter()
                ask()
                times.append(time.perf_counter() - began)

        spent = cost(self.place, rounds, ROUNDS)
        middle = sorted(times)[ROUNDS // 2] * 1e3
        return [
            Figure(f"{name}: server CPU", spent.cpu_ms, "ms", against=against, at=at),
            Figure(f"{name}: commands", spent.commands, against=against, at=at),
            Figure(f"{name}: median", middle, "ms", against=against, at=at),
        ]


def grow(what: str, amounts: Sequence[int], add: Callable[[Probe, int, int], None]) -> list[Figure]:
    """What so many runs (``waiting run``, say) take of the server, and what is asked beside them.
    ``add`` makes more of them: from how many there are to how many there are to be."""
    figures: list[Figure] = []
    with fresh_place() as place, closing(open_store(place.url)) as store:
        probe = Probe(place, store)
        probe.register()
        there = 0
        for amount in amounts:
            sys.stderr.write(f"{amount} {what}s\n")
            before = place.memory()
            add(probe, there, amount)
            if amount:
                each = (place.memory() - before) / (amount - there) / 1024
                name = f"memory per {what}"
                figures.append(Figure(name, each, "KiB", against=f"{what}s", at=amount))
            there = amount
            figures += probe.figures(f"{what}s", amount)
    return figures
