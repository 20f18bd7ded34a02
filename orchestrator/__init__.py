"""Serve Python functions as deployments: schedules, isolated runs, Redis Streams underneath."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.client.client import Client
    from orchestrator.deployment import Deployment
    from orchestrator.emitting import emit_event
    from orchestrator.execution.context import current_run, get_run_logger
    from orchestrator.execution.progress import set_progress
    from orchestrator.flows import Flow, flow
    from orchestrator.freezing import freeze
    from orchestrator.model.errors import (
        CodeNotKept,
        DeploymentNotFound,
        EventNotFound,
        FlowNotLoaded,
        InvalidInput,
        InvalidName,
        InvalidOption,
        InvalidParameters,
        InvalidSchedule,
        KeyReused,
        OrchestratorError,
        RunCancelled,
        RunFailed,
        RunIsFinal,
        RunIsOpen,
        RunnerDied,
        RunnerNotFound,
        RunNotFound,
        ScheduleNotFound,
        ServerRefused,
        ServerUnavailable,
        SourceFailed,
        TooDeep,
        TriggerNotFound,
    )
    from orchestrator.origin import EntrypointType
    from orchestrator.runs import arun_deployment, pause_run, run_deployment
    from orchestrator.schedules import Cron, Interval, RRule, Schedule
    from orchestrator.serving import aserve, serve
    from orchestrator.sources.storages import GitRepository, LocalStorage, RemoteStorage
    from orchestrator.triggers import EventTrigger

__all__ = [  # noqa: RUF022 by topic
    # flows and how they are served
    "flow",
    "Flow",
    "Deployment",
    "serve",
    "aserve",
    "freeze",
    "EntrypointType",
    # where their code may lie
    "GitRepository",
    "RemoteStorage",
    "LocalStorage",
    # when they run
    "Schedule",
    "Cron",
    "Interval",
    "RRule",
    "EventTrigger",
    # inside a run
    "current_run",
    "get_run_logger",
    "set_progress",
    "pause_run",
    "RunCancelled",
    # what happens
    "emit_event",
    # asking for runs, and managing what is served
    "run_deployment",
    "arun_deployment",
    "Client",
    # errors
    "OrchestratorError",
    "InvalidInput",
    "InvalidName",
    "InvalidOption",
    "InvalidParameters",
    "InvalidSchedule",
    "DeploymentNotFound",
    "RunNotFound",
    "EventNotFound",
    "RunIsFinal",
    "RunIsOpen",
    "KeyReused",
    "TooDeep",
    "RunFailed",
    "FlowNotLoaded",
    "SourceFailed",
    "CodeNotKept",
    "RunnerDied",
    "RunnerNotFound",
    "ScheduleNotFound",
    "TriggerNotFound",
    "ServerUnavailable",
    "ServerRefused",
]

_HOMES = {
    "orchestrator.flows": ("flow", "Flow"),
    "orchestrator.deployment": ("Deployment",),
    "orchestrator.serving": ("serve", "aserve"),
    "orchestrator.sources.storages": ("GitRepository", "RemoteStorage", "LocalStorage"),
    "orchestrator.schedules": ("Schedule", "Cron", "Interval", "RRule"),
    "orchestrator.execution.context": ("current_run", "get_run_logger"),
    "orchestrator.execution.progress": ("set_progress",),
    "orchestrator.freezing": ("freeze",),
    "orchestrator.origin": ("EntrypointType",),
    "orchestrator.runs": ("run_deployment", "arun_deployment", "pause_run"),
    "orchestrator.triggers": ("EventTrigger",),
    "orchestrator.emitting": ("emit_event",),
    "orchestrator.client.client": ("Client",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    # Nothing is imported before it is used: a run process wants neither redis nor pydantic.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF.get(name, "orchestrator.model.errors")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
