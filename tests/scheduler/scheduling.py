"""Real schedulers for the tests, and deployments for them."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from typing import Any

from orchestrator.declaring.slugs import with_slugs
from orchestrator.model.deployment import DeploymentDefinition, ScheduleRecord
from orchestrator.model.ids import DeploymentId, deployment_id
from orchestrator.model.run import Run
from orchestrator.programs import command_of
from orchestrator.schedules import Schedule
from orchestrator.store import keys
from orchestrator.store.attention import NOW, lower_attention
from orchestrator.store.caller import Store
from orchestrator.store.connection import open_store
from orchestrator.store.deployments import announce_deployment, put_deployment
from orchestrator.store.listing import list_runs
from orchestrator.store.requests import Request, command
from orchestrator.store.schedules import agenda
from orchestrator.store.wanted import Wanted
from tests.support import Server

MANY = 100_000


@dataclass
class Place:
    """A server with deployments on it, and scheduler processes beside it."""

    server: Server
    store: Store = field(init=False)
    schedulers: list[subprocess.Popen[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = open_store(self.server.url)

    def deploy(self, *schedules: Schedule, name: str = "flow/test", **options: Any) -> DeploymentId:
        """As serving does it: the scheduler is told before and after."""
        flow, _, last = name.partition("/")
        definition = DeploymentDefinition(
            flow=flow,
            name=last,
            entrypoint="flows.py:flow",
            schedules=with_slugs(schedules),
            **options,
        )
        self.store.call_all(serving(definition))
        return definition.id

    def deploy_many(self, count: int, schedule: Schedule) -> list[DeploymentId]:
        """So many deployments with this schedule."""
        definitions = [
            DeploymentDefinition(
                flow="flow", name=f"many-{n}", entrypoint="f:f", schedules=with_slugs([schedule])
            )
            for n in range(count)
        ]
        for page in range(0, count, 500):
            some = definitions[page : page + 500]
            self.store.call_all([each for one in some for each in serving(one)])
        return [definition.id for definition in definitions]

    def start(self, **environment: str) -> subprocess.Popen[str]:
        """A scheduler process."""
        process = subprocess.Popen(
            command_of("scheduler"),
            env={**os.environ, "ORCHESTRATOR_REDIS_URL": self.server.url, **environment},
            stderr=subprocess.PIPE,
            text=True,
        )
        self.schedulers.append(process)
        return process

    def end_schedulers(self) -> None:
        for process in self.schedulers:
            process.kill()
            process.communicate()
        self.schedulers.clear()

    def end(self) -> None:
        self.end_schedulers()
        self.store.close()

    def runs(self, name: str = "flow/test") -> list[Run]:
        """Its runs, the earliest scheduled first."""
        found = self.store.follow(list_runs(MANY, Wanted(deployment=name)))
        return sorted(found, key=lambda run: run.scheduled_at)

    def due(self, name: str = "flow/test") -> list[int]:
        """The scheduled instants of its runs."""
        return [run.scheduled_at for run in self.runs(name)]

    def tickets(self, d: DeploymentId) -> list[str]:
        """The runs that the tickets in ``queue`` name, the oldest first."""
        return self.store.call(command(named, "XRANGE", keys.queue(d), "-", "+"))

    def late_tickets(self, d: DeploymentId) -> list[str]:
        return self.store.call(command(named, "XRANGE", keys.queue_late(d), "-", "+"))

    def schedule(self, d: DeploymentId) -> ScheduleRecord:
        """Its only schedule."""
        (record,) = self.store.call(agenda(d)).schedules
        return record

    def now_ms(self, d: DeploymentId) -> int:
        """The server's time."""
        return self.store.call(agenda(d)).now_ms

    def server_ms(self) -> int:
        """The server's time when there is no deployment to ask about."""
        return self.now_ms(deployment_id("no/such"))

    def first_ticket_ms(self, d: DeploymentId) -> int | None:
        """When the oldest ticket was written; None without any."""
        request = command(entries, "XRANGE", keys.queue(d), "-", "+", "COUNT", 1)
        found = self.store.call(request)
        return int(found[0].partition("-")[0]) if found else None

    def attention(self, d: DeploymentId) -> int | None:
        return self.store.call(command(score, "ZSCORE", keys.ATTENTION, d))

    def leader(self) -> str | None:
        return self.store.call(command(text, "GET", keys.LEADER))

    def set_back(self, d: DeploymentId, slug: str, by_ms: int) -> int:
        """Move a cursor into the past, as after a time without a scheduler; where it is then."""
        cursor = self.now_ms(d) - by_ms
        fields = (f"{slug}:cursor", cursor)
        self.store.call(command(text, "HSET", keys.schedules(d), *fields))
        self.store.call(command(text, "HDEL", keys.schedules(d), f"{slug}:next"))
        self.store.call(lower_attention(d, NOW))
        return cursor


def serving(definition: DeploymentDefinition) -> list[Request[Any]]:
    """What a serving process sends."""
    lower = lower_attention(definition.id, NOW)
    return [lower, put_deployment(definition), lower, announce_deployment(definition.id)]


def named(reply: Any) -> list[str]:
    return [fields[1] for _, fields in reply]


def entries(reply: Any) -> list[str]:
    return [entry for entry, _ in reply]


def score(reply: Any) -> int | None:
    return None if reply is None else int(float(reply))


def text(reply: Any) -> str | None:
    return None if reply is None else str(reply)
