"""A flow made ready to be served: what ``Flow.to_deployment`` answers and ``serve`` takes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypedDict

from orchestrator.declaring.slugs import with_slugs
from orchestrator.freezing import frozen_schema, thawed
from orchestrator.model.asked import check_tags
from orchestrator.model.deployment import DeploymentDefinition, FlowOptions
from orchestrator.model.errors import InvalidOption
from orchestrator.model.ids import check_name
from orchestrator.model.plain import as_json
from orchestrator.model.serving import StoredCode
from orchestrator.origin import EntrypointType, Source
from orchestrator.schedules import Cron, Interval, RRule, Schedule
from orchestrator.settings import MOST_RETENTION_DAYS
from orchestrator.store.validation import check_defaults
from orchestrator.triggers import EventTrigger, with_names

Seconds = float | timedelta
_KINDS = ("interval", "cron", "rrule", "schedule", "schedules")


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowFacts:
    """What of a flow goes into a deployment."""

    name: str
    description: str | None
    version: str | None
    options: FlowOptions
    parameter_schema: dict[str, Any]
    source: Source
    entrypoint: str
    """The source for people."""
    sys_path: tuple[str, ...]
    """Where its imports are found."""
    stored: StoredCode | None = None
    """The storage that it is from, if it is from one."""


class ServingOptions(TypedDict, total=False):
    """Options of the serving process, the same for all deployments that it serves."""

    limit: int | None
    """Runs at once in this process; default: the number of CPUs."""
    pause_on_shutdown: bool
    """Pause the schedules when the last process that serves them leaves; default True."""
    print_starting_message: bool
    """Say on the terminal what is served; default True."""


class DeploymentOptions(ServingOptions, total=False):
    """Options of ``to_deployment`` and ``serve``. At most one kind of schedule."""

    interval: Seconds | Iterable[Seconds] | None
    """Seconds between runs, or several such."""
    cron: str | Iterable[str] | None
    """A cron expression in UTC, or several."""
    rrule: str | Iterable[str] | None
    """A recurrence rule of RFC 5545, or several."""
    schedule: Schedule | Mapping[str, Any] | None
    """``Cron(...)``, ``Interval(...)``, ``RRule(...)``, or a dict of ``Schedule``'s options."""
    schedules: Sequence[Schedule | Mapping[str, Any]] | None
    paused: bool | None
    """True or False sets it; None leaves a person's pause alone and clears a shutdown's."""
    parameters: Mapping[str, Any] | None
    """Defaults for runs; some or all. ``freeze(value)`` makes one that no run can change."""
    description: str | None
    """Default: the flow's."""
    tags: Iterable[str] | None
    """On the deployment and on each of its runs."""
    version: str | None
    """Default: the flow's."""
    entrypoint_type: EntrypointType | str | None
    """How other processes find the flow: ``FILE_PATH`` or ``MODULE_PATH``; default: as it was
    found here, and by value where it has no name."""
    enforce_parameter_schema: bool
    """False lets runs be asked for with parameters that do not fit."""
    concurrency_limit: int | None
    """Runs at once over all hosts."""
    retention_days: float | None
    """How long its runs and their logs are kept once they are over; default: as the settings
    say."""
    triggers: Sequence[EventTrigger | Mapping[str, Any]] | None
    """Events that make it run: each an ``EventTrigger``, or a dict of its options."""
    global_limit: int | None
    """Another word for ``concurrency_limit``."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """A flow with the name, schedules and defaults it will be served with."""

    definition: DeploymentDefinition
    source: Source
    sys_path: tuple[str, ...]
    serving: ServingOptions
    stored: StoredCode | None = None

    @property
    def name(self) -> str:
        """``flow-name/deployment-name``."""
        return self.definition.full_name

    @classmethod
    def of(cls, flow: FlowFacts, name: str, options: DeploymentOptions) -> Deployment:
        """The deployment ``name`` of a flow; a name that is a file's means the file's stem.

        Raises:
            InvalidInput: a name, option, schedule or parameter that cannot be used.
        """
        unknown = options.keys() - DeploymentOptions.__annotations__.keys()
        if unknown:
            raise TypeError(f"a deployment has no option {', '.join(sorted(unknown))}")
        given = _mapping(options.get("parameters"))
        definition = DeploymentDefinition(
            flow=flow.name,
            name=check_name("deployment", _stem(name)),
            entrypoint=flow.entrypoint,
            source=None if flow.stored is None else flow.stored.shown,
            version=_text("version", options.get("version")) or flow.version,
            description=_or(_text("description", options.get("description")), flow.description),
            tags=_tags(options.get("tags")),
            parameters=as_json(thawed(given)),
            parameter_schema=frozen_schema(flow.parameter_schema, given),
            enforce_parameter_schema=_flag(options, "enforce_parameter_schema") is not False,
            paused=_flag(options, "paused"),
            concurrency_limit=_concurrency_limit(options),
            retention_days=_retention(options.get("retention_days")),
            schedules=tuple(
                replace(each, parameters=as_json(each.parameters))
                for each in with_slugs(_schedules(options))
            ),
            triggers=with_names(options.get("triggers")),
            options=flow.options,
        )
        check_defaults(definition)
        return cls(definition, flow.source, flow.sys_path, _serving(options), flow.stored)


def checked_limit(option: str, value: object) -> int:
    """A number of runs at once, 1 or more.

    Raises:
        InvalidOption: it is none.
    """
    if type(value) is not int or value < 1:
        raise InvalidOption(option, value, "must be a whole number, 1 or more")
    return value


def _stem(name: object) -> object:
    """``serve(__file__)`` names the deployment after the script."""
    if isinstance(name, str) and os.path.isfile(name):  # noqa: PTH113  # Path's own raises
        return Path(name).stem
    return name


def _text(option: str, value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise InvalidOption(option, value, "must be a text")
    return value


def _or(given: str | None, default: str | None) -> str | None:
    """An empty text is given, too: it says that there is none."""
    return default if given is None else given or None


def _flag(options: Mapping[str, Any], option: str) -> bool | None:
    value = options.get(option)
    if value is not None and not isinstance(value, bool):
        raise InvalidOption(option, value, "must be True or False")
    return value


def _tags(tags: object) -> tuple[str, ...]:
    if tags is None:
        return ()
    if not isinstance(tags, str) and isinstance(tags, Iterable):
        tags = tuple(dict.fromkeys(tags))
    return check_tags(tags)


def _mapping(parameters: object) -> dict[str, Any]:
    if parameters is None:
        return {}
    if not isinstance(parameters, Mapping):
        raise InvalidOption("parameters", parameters, "must map names to values")
    return dict(parameters)


def _concurrency_limit(options: DeploymentOptions) -> int | None:
    given = {
        option: checked_limit(option, options[option])
        for option in ("concurrency_limit", "global_limit")
        if options.get(option) is not None
    }
    if len(set(given.values())) > 1:
        raise InvalidOption(
            "global_limit", given["global_limit"], "is the same as concurrency_limit: give one"
        )
    return next(iter(given.values()), None)


def _retention(given: object) -> float | None:
    if given is None:
        return None
    if isinstance(given, int | float) and given is not True and 0 < given <= MOST_RETENTION_DAYS:
        return given
    raise InvalidOption(
        "retention_days",
        given,
        f"must be a number of days, more than 0 and at most {MOST_RETENTION_DAYS:,}",
    )


def _schedules(options: DeploymentOptions) -> list[Schedule]:
    given = [kind for kind in _KINDS if options.get(kind) is not None]
    if len(given) > 1:
        raise InvalidOption(
            given[1],
            options.get(given[1]),
            f"{given[0]} is given too: give one of {', '.join(_KINDS)}",
        )
    return _BUILDERS[given[0]](options.get(given[0])) if given else []


def _intervals(given: Any) -> list[Schedule]:
    several = isinstance(given, Iterable) and not isinstance(given, str)
    return [Interval(each) for each in (given if several else [given])]


def _crons(given: Any) -> list[Schedule]:
    several = isinstance(given, Iterable) and not isinstance(given, str)
    return [Cron(each) for each in (given if several else [given])]


def _rrules(given: Any) -> list[Schedule]:
    several = isinstance(given, Iterable) and not isinstance(given, str)
    return [RRule(each) for each in (given if several else [given])]


def _one(given: Any) -> list[Schedule]:
    if isinstance(given, Mapping):
        known = {option.name for option in fields(Schedule)}
        if unknown := [name for name in given if name not in known]:
            raise InvalidOption("schedule", given, f"{unknown[0]!r} is none of {_listed(known)}")
        return [Schedule(**given)]
    if not isinstance(given, Schedule):
        raise InvalidOption("schedule", given, f"must be {_SCHEDULE}")
    return [given]


def _several(given: Any) -> list[Schedule]:
    if isinstance(given, (str, Schedule, Mapping)) or not isinstance(given, Iterable):
        raise InvalidOption("schedules", given, f"must be a list, each {_SCHEDULE}")
    return [schedule for each in given for schedule in _one(each)]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


_SCHEDULE = "a Schedule: Cron(...), Interval(...), RRule(...), or a dict of its options"
_BUILDERS: dict[str, Callable[[Any], list[Schedule]]] = {
    "interval": _intervals,
    "cron": _crons,
    "rrule": _rrules,
    "schedule": _one,
    "schedules": _several,
}


def _serving(options: DeploymentOptions) -> ServingOptions:
    serving = ServingOptions()
    if options.get("limit") is not None:
        serving["limit"] = checked_limit("limit", options["limit"])
    if (pause := _flag(options, "pause_on_shutdown")) is not None:
        serving["pause_on_shutdown"] = pause
    if (say := _flag(options, "print_starting_message")) is not None:
        serving["print_starting_message"] = say
    return serving
