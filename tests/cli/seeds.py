"""What the terminal is asked about: deployments, and runs in every stage of their life."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from orchestrator.model.asked import Asked
from orchestrator.model.clock import SystemClock
from orchestrator.model.deployment import (
    DeploymentDefinition,
    RunnerRecord,
    ScheduleDefinition,
)
from orchestrator.model.ids import (
    DeploymentId,
    RunId,
    RunnerId,
    deployment_id,
    new_nonce,
    new_run_id,
)
from orchestrator.model.states import State
from orchestrator.store.caller import Store
from orchestrator.store.deployments import announce_deployment, put_deployment
from orchestrator.store.leases import Claimed, Outcome, claim_runs, finish_run, start_run
from orchestrator.store.logs import append_log
from orchestrator.store.runners import register_runner, say_runner
from orchestrator.store.runs import NewRun, submit_run
from orchestrator.store.submission import create_child, name_run

RUNNER = RunnerId("seeded-runner")
HELLO = "hello/first"
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "times": {"type": "integer", "default": 1}},
    "additionalProperties": False,
}
EVERY_HOUR = ScheduleDefinition(
    slug="hourly",
    kind="interval",
    expression="3600",
    timezone="UTC",
    details={"anchor": "2026-01-01T00:00:00Z"},
)


@dataclass(frozen=True)
class Seeds:
    """Puts facts into a server, through the same store that the product uses."""

    store: Store

    def deployment(self, name: str = HELLO, **changes: Any) -> DeploymentId:
        """A deployment that takes ``name`` and ``times``."""
        flow, _, own = name.partition("/")
        given: dict[str, Any] = {"entrypoint": "hello.py:hello", "parameter_schema": SCHEMA}
        definition = DeploymentDefinition(flow=flow, name=own, **(given | changes))
        self.store.call(announce_deployment(definition.id))
        self.store.call(put_deployment(definition))
        return definition.id

    def waiting(self, name: str = HELLO, **parameters: Any) -> RunId:
        """A run that waits in the queue."""
        d = deployment_id(name)
        run_id = new_run_id(d, time.time_ns() // 1_000_000)
        new = NewRun(
            deployment_id=d,
            run_id=run_id,
            parameters=json.dumps(parameters),
            tags=("seeded",),
            name=f"run-{run_id[-4:]}",
            created_by="person",
            scheduled_at=None,
            idempotency_key=None,
        )
        assert self.store.call(submit_run(new)).word == "created"
        return run_id

    def claim(self, name: str = HELLO) -> Claimed | None:
        """The next run of the queue, as a runner gets it."""
        d = deployment_id(name)
        self.store.call(register_runner(d, RUNNER, "{}"))
        claims = self.store.call(
            claim_runs(
                d,
                runner=RUNNER,
                host="seeded-host",
                version="1",
                nonce=new_nonce(),
                count=1,
                lease_ms=600_000,
            )
        )
        return next(iter(claims.runs), None)

    def running(self, name: str = HELLO) -> Claimed:
        """A run whose function runs, as far as the server knows."""
        self.waiting(name)
        claimed = self.claim(name)
        assert claimed is not None
        assert self.store.call(start_run(RunId(claimed.run_id), claimed.token, 4711)) == "ok"
        return claimed

    def child(self, parent: Claimed, name: str = HELLO) -> RunId:
        """A run that a running one asked for."""
        asked = Asked(deployment=name, parent=parent.run_id, depth=parent.depth + 1)
        run_id = name_run(asked, SystemClock())
        return self.store.follow(create_child(asked, parent.token, run_id)).id

    def log(
        self,
        claimed: Claimed,
        *texts: str,
        level: str = "INFO",
        logger: str = "flow",
        attempt: int = 1,
    ) -> None:
        """Lines of a run's log."""
        facts = {"t": time.time(), "l": level, "n": logger, "a": attempt}
        lines = [json.dumps({**facts, "m": text}) + "\n" for text in texts]
        stored = append_log(
            RunId(claimed.run_id), claimed.token, "".join(lines).encode(), 3_600_000
        )
        assert self.store.call(stored) == "ok"

    def finish(self, claimed: Claimed, state: State = State.COMPLETED, **ends: Any) -> RunId:
        """The end of a run that was running."""
        given: dict[str, Any] = {
            "result": None,
            "error": None,
            "reason": "",
            "retries": 0,
            "retry_delay_ms": 0,
            "peak_bytes": 0,
            "cpu_seconds": 0.0,
            "retention_ms": 3_600_000,
        }
        outcome = Outcome(state=state, **(given | ends))
        assert self.store.call(finish_run(RunId(claimed.run_id), claimed.token, outcome)).word
        return RunId(claimed.run_id)

    def runner(self, runner: RunnerId = RUNNER, started_at: int = 1_000, **changes: Any) -> None:
        """A runner that serves ``HELLO`` and said something of itself."""
        given: dict[str, Any] = {
            "name": runner,
            "host": "seeded-host",
            "pid": 99,
            "limit": 4,
            "running": 1,
            "deployments": (HELLO,),
            "version": "0.1.0",
            "last_seen": time.time_ns() // 1_000_000,
            "draining": False,
            "isolation": {HELLO: "fork"},
        }
        self.store.call(register_runner(deployment_id(HELLO), runner, "{}"))
        record = RunnerRecord(id=runner, started_at=started_at, **(given | changes))
        self.store.call(say_runner(record))
