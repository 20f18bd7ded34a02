"""A deployment as code defines it, and as it stands on the server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from orchestrator.model.clock import rfc3339
from orchestrator.model.ids import DeploymentId, deployment_id
from orchestrator.model.secrets import Place, masked, secret_places, without_secrets
from orchestrator.model.trigger import TriggerDefinition, TriggerRecord

Origin = Literal["code", "user"]
PausedBy = Literal["user", "shutdown"]
Catchup = Literal["latest", "all", "none"]
Overlap = Literal["allow", "skip", "queue", "cancel_running"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowOptions:
    """How runs of a deployment are executed. Durations in seconds."""

    retries: int = 0
    retry_delay_seconds: float | tuple[float, ...] = 0.0
    """Before each retry; or one per retry, the last of which serves all that follow."""
    timeout_seconds: float | None = None
    memory_limit: int | None = None
    """Bytes, of all processes of a run together."""
    cpu_limit: float | None = None
    """Seconds of CPU, likewise."""
    cancel_grace_seconds: float = 30.0
    on_lost: Literal["restart", "fail"] = "restart"
    log_prints: bool | None = None
    """None: as the settings say."""
    isolation: Literal["fork", "spawn"] = "fork"

    def delay_before_retry(self, failures: int) -> float:
        """Seconds to wait after so many failures before this one."""
        if not isinstance(self.retry_delay_seconds, tuple):
            return self.retry_delay_seconds
        return self.retry_delay_seconds[min(failures, len(self.retry_delay_seconds) - 1)]

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> FlowOptions:
        """The options as written; what a newer version wrote is passed over."""
        known = {name: value for name, value in document.items() if name in cls.__slots__}
        delays = known.get("retry_delay_seconds")
        if isinstance(delays, list):
            known["retry_delay_seconds"] = tuple(delays)
        return cls(**known)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleDefinition:
    """One schedule of a deployment: the rule, not its cursor."""

    slug: str
    kind: Literal["cron", "interval", "rrule"]
    expression: str
    timezone: str
    active: bool = True
    parameters: dict[str, Any] = field(default_factory=dict)
    catchup: Catchup = "latest"
    overlap: Overlap = "allow"
    jitter_seconds: float = 0.0
    """Each run is late by a part of this, the same part for whoever computes it."""
    details: dict[str, Any] = field(default_factory=dict)
    """``start`` and ``end`` (RFC 3339, both included) if given, and what only this kind knows:
    ``day_or`` of a cron, ``anchor`` (RFC 3339) of an interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentDefinition:
    """What ``serve`` registers. ``paused`` None leaves the flag to the rules of serving again."""

    flow: str
    name: str
    entrypoint: str
    source: str | None = None
    """The storage that the code is from, for people; None for a script's own."""
    version: str | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()
    parameters: dict[str, Any] = field(default_factory=dict)
    parameter_schema: dict[str, Any] = field(default_factory=dict)
    enforce_parameter_schema: bool = True
    paused: bool | None = None
    concurrency_limit: int | None = None
    retention_days: float | None = None
    """How long runs are kept once they are over; None: as the settings of whoever ends one say."""
    schedules: tuple[ScheduleDefinition, ...] = ()
    triggers: tuple[TriggerDefinition, ...] = ()
    options: FlowOptions = FlowOptions()

    @property
    def full_name(self) -> str:
        return f"{self.flow}/{self.name}"

    @property
    def id(self) -> DeploymentId:
        return deployment_id(self.full_name)

    def to_json(self) -> dict[str, Any]:
        """For the way from the serving script to its runner."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> DeploymentDefinition:
        return cls(
            **{
                **document,
                "tags": tuple(document["tags"]),
                "schedules": tuple(ScheduleDefinition(**s) for s in document["schedules"]),
                "triggers": tuple(map(TriggerDefinition.from_json, document["triggers"])),
                "options": FlowOptions.from_json(document["options"]),
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRecord:
    """A schedule as it stands: rule and cursor. Times in milliseconds since 1970, UTC."""

    definition: ScheduleDefinition
    origin: Origin
    generation: int
    """Rises with every change of the rule, so that a tick planned before it is refused."""
    cursor_ms: int
    """The last instant handled; occurrences after it are still to come."""
    next_ms: int | None
    """The next occurrence as last planned; None when not planned yet or there is none."""
    edited: bool = False
    """Its code made it, and a person changed it since: serving again leaves it alone."""

    secrets: tuple[Place, ...] = ()
    """Where secrets stand in its parameters: see ``model.secrets``."""

    def to_json(self) -> dict[str, Any]:
        definition = self.definition
        return {
            "slug": definition.slug,
            "kind": definition.kind,
            "expression": definition.expression,
            "timezone": definition.timezone,
            "active": definition.active,
            "parameters": masked(definition.parameters, self.secrets),
            "catchup": definition.catchup,
            "overlap": definition.overlap,
            "jitter": definition.jitter_seconds,
            "start_date": definition.details.get("start"),
            "end_date": definition.details.get("end"),
            "anchor_date": definition.details.get("anchor"),
            "day_or": definition.details.get("day_or"),
            "origin": self.origin,
            "edited": self.edited,
            "generation": self.generation,
            "cursor_at": rfc3339(self.cursor_ms),
            "next_at": rfc3339(self.next_ms) if definition.active else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedCode:
    """What a runner executes for a deployment."""

    source: str
    commit: str | None
    content_hash: str
    trouble: str | None
    """Why it is not the newest code of the source; None: it is, as of the latest look."""
    misfit: str | None
    """How the parameters differ from those registered: the serving script needs a restart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerRecord:
    """A serving process as it announced itself."""

    id: str
    name: str
    host: str
    pid: int
    limit: int
    running: int
    deployments: tuple[str, ...]
    version: str
    started_at: int
    last_seen: int
    draining: bool
    isolation: dict[str, str]
    """full name -> "fork", or "spawn: <why>" where forking was refused."""
    code: dict[str, ServedCode] = field(default_factory=dict)
    """full name -> what runs of the deployment execute here, once it has been loaded."""
    lacks: str | None = None
    """What its host had none left of when a process was to be made; None: nothing."""

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self.name,
            "host": self.host,
            "pid": self.pid,
            "limit": self.limit,
            "running": self.running,
            "deployments": list(self.deployments),
            "version": self.version,
            "started_at": rfc3339(self.started_at),
            "last_seen": rfc3339(self.last_seen),
            "draining": self.draining,
            "isolation": self.isolation,
            "code": {name: asdict(code) for name, code in self.code.items()},
            "lacks": self.lacks,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A deployment as it stands on the server."""

    id: DeploymentId
    name: str
    flow: str
    entrypoint: str
    source: str | None
    """The storage that its code is from; None for a script's own."""
    version: str | None
    description: str | None
    tags: tuple[str, ...]
    parameters: dict[str, Any] = field(repr=False)
    """As stored: to be shown, take ``shown_parameters``."""
    parameter_schema: dict[str, Any]
    enforce_parameter_schema: bool
    paused: bool
    paused_by: PausedBy | None
    held: bool
    concurrency_limit: int | None
    retention_days: float | None = None
    """Of runs made from now on; None: as the settings say."""
    options: FlowOptions
    schedules: tuple[ScheduleRecord, ...]
    triggers: tuple[TriggerRecord, ...]
    runners: tuple[str, ...]
    """Ids of the runners registered for it."""
    code: Mapping[str, ServedCode] = field(default_factory=dict)
    """Runner -> what it executes; only where that was asked for (``store.runners.with_code``)."""

    @property
    def shown_parameters(self) -> dict[str, Any]:
        """The defaults of its runs, secrets masked."""
        return {**masked(self.parameters, secret_places(self.parameter_schema))}

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self.name,
            "flow": self.flow,
            "entrypoint": self.entrypoint,
            "source": self.source,
            "version": self.version,
            "description": self.description,
            "tags": list(self.tags),
            "parameters": self.shown_parameters,
            "parameter_schema": without_secrets(self.parameter_schema),
            "enforce_parameter_schema": self.enforce_parameter_schema,
            "options": asdict(self.options),
            "paused": self.paused,
            "paused_by": self.paused_by,
            "held": self.held,
            "concurrency_limit": self.concurrency_limit,
            "retention_days": self.retention_days,
            "schedules": [schedule.to_json() for schedule in self.schedules],
            "triggers": [trigger.to_json() for trigger in self.triggers],
            "runners": list(self.runners),
            "code": {runner: asdict(code) for runner, code in self.code.items()},
        }
