"""``EventTrigger``: let a deployment run when something happens, or when nothing does."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any, Literal

from orchestrator.model.asked import check_mapping
from orchestrator.model.documents import encoded
from orchestrator.model.errors import InvalidOption, InvalidParameters
from orchestrator.model.ids import check_name
from orchestrator.model.plain import as_json
from orchestrator.model.trigger import TriggerDefinition

Names = str | Iterable[str]
Specification = Mapping[str, Names]
Seconds = float | timedelta

MOST_EVENTS = 1000
"""The largest threshold."""
SHORTEST_WAIT = 1.0
DEFAULT_WAIT = 10.0
"""Seconds that a Proactive trigger waits at least, and when nothing else is said."""

FAILURES = ("run.Failed", "run.TimedOut", "run.Crashed")


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTrigger:
    """Events that make a deployment run.

    In names and in the values of ``match``, ``*`` stands for anything; a value that begins with
    ``!`` is one that must not be there.

    Raises:
        InvalidOption: a value that cannot be used.
    """

    expect: Names = ()
    """Names of events, any of which counts; none: every event."""
    match: Specification | None = None
    """Labels that the event's resource must have, each with a value or several."""
    match_related: Specification | Sequence[Specification] | None = None
    """The same for related resources: each description fits one of them."""
    after: Names = ()
    """Names of events, one of which must have come first."""
    for_each: Names = ()
    """Count apart for each value of these: labels of the resource, ``payload.NAME``, or
    ``related.ROLE``. An event without them does not count."""
    posture: Literal["Reactive", "Proactive"] = "Reactive"
    """Reactive: run when the events come. Proactive: run when they do not come in time."""
    threshold: int = 1
    """How many events it takes."""
    within: Seconds = 0
    """The time in which so many must come; 0: whenever. A Proactive one waits so long."""
    parameters: Mapping[str, Any] | None = None
    """Of the run, over the deployment's defaults; ``{{ event.payload.x }}``, ``{{ run.result }}``
    are filled in, and keep their types when there is nothing beside them."""
    schedule_after: Seconds = 0
    """Begin the run so much later."""
    name: str | None = None
    """Its name within the deployment; default: ``trigger-1``, ``trigger-2``, ..."""
    description: str = ""
    enabled: bool = True

    def __post_init__(self) -> None:
        # Whatever cannot be used is told here, where it was written.
        self.definition(self.name or "trigger")

    def definition(self, name: str) -> TriggerDefinition:
        """The trigger in its plain form, under this name when it has none of its own."""
        if self.posture not in ("Reactive", "Proactive"):
            raise InvalidOption("posture", self.posture, "must be 'Reactive' or 'Proactive'")
        made = TriggerDefinition(
            name=check_name("trigger", self.name or name),
            description=_text("description", self.description),
            enabled=_flag("enabled", self.enabled),
            expect=_names("expect", self.expect),
            after=_names("after", self.after),
            match=_specification("match", self.match),
            match_related=_specifications(self.match_related),
            for_each=_names("for_each", self.for_each),
            posture=self.posture,
            threshold=_threshold(self.threshold),
            within=_wait(self.within, self.posture),
            parameters=_parameters(self.parameters),
            schedule_after=_seconds("schedule_after", self.schedule_after),
        )
        _check_own_runs(made)
        return made

    @classmethod
    def after_completion(
        cls, of: str, *, parameters: Mapping[str, Any] | None = None, **options: Any
    ) -> EventTrigger:
        """Run when a run of ``flow/deployment`` has completed; ``{{ run.result }}`` is what it
        returned, ``{{ run.parameters.x }}`` what it was given."""
        return cls(expect="run.Completed", match=_runs_of(of), parameters=parameters, **options)

    @classmethod
    def after_failure(
        cls, of: str, *, parameters: Mapping[str, Any] | None = None, **options: Any
    ) -> EventTrigger:
        """Run when a run of ``flow/deployment`` has failed for good: ``Failed``, ``TimedOut`` or
        ``Crashed``; ``{{ run.error.message }}`` says why."""
        return cls(expect=FAILURES, match=_runs_of(of), parameters=parameters, **options)

    @classmethod
    def after_silence(
        cls,
        within: Seconds,
        *,
        of: str | None = None,
        expect: Names = (),
        parameters: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> EventTrigger:
        """Run when for so long no run of ``flow/deployment`` has completed, or none of the events
        in ``expect`` has come. Once, until they come again."""
        if (of is None) == (not expect):
            raise InvalidOption("of", of, "give either a deployment, or the events to expect")
        match = options.pop("match", None) if of is None else _runs_of(of)
        names = expect or "run.Completed"
        return cls(
            expect=names,
            match=match,
            posture="Proactive",
            within=within,
            parameters=parameters,
            **options,
        )


def trigger_of(given: EventTrigger | Mapping[str, Any]) -> EventTrigger:
    """The trigger; a mapping has its options, and ``type="event"`` if it likes.

    Raises:
        InvalidOption: an option that is not known, or a value that cannot be used.
    """
    if isinstance(given, EventTrigger):
        return given
    if not isinstance(given, Mapping):
        raise InvalidOption("triggers", given, "each must be an EventTrigger, or a dict of one")
    options = dict(given)
    if options.pop("type", "event") != "event":
        raise InvalidOption("triggers", given, "only triggers of the type 'event' are known")
    known = sorted(option.name for option in fields(EventTrigger))
    if unknown := [name for name in options if name not in known]:
        raise InvalidOption("triggers", given, f"{unknown[0]!r} is none of {', '.join(known)}")
    return EventTrigger(**options)


def with_names(given: object) -> tuple[TriggerDefinition, ...]:
    """The definitions of one deployment's triggers, each under a name of its own.

    Raises:
        InvalidOption: no list, or two of one name.
    """
    if given is None:
        return ()
    if isinstance(given, (str, Mapping, EventTrigger)) or not isinstance(given, Iterable):
        raise InvalidOption("triggers", given, "must be a list of triggers")
    definitions = [
        trigger_of(each).definition(f"trigger-{number}") for number, each in enumerate(given, 1)
    ]
    names = [definition.name for definition in definitions]
    for name in names:
        if names.count(name) > 1:
            raise InvalidOption("triggers", name, "is the name of two of them")
    return tuple(definitions)


def _runs_of(deployment: object) -> Specification:
    if not isinstance(deployment, str) or "/" not in deployment:
        raise InvalidOption("of", deployment, "must be a full name: flow/deployment")
    return {"deployment": deployment}


def _names(option: str, given: object) -> tuple[str, ...]:
    if isinstance(given, str):
        given = (given,)
    if not isinstance(given, Iterable) or isinstance(given, Mapping):
        raise InvalidOption(option, given, "must be a text, or several")
    # Sets have no order of their own, and the same trigger must always be the same text.
    names = sorted(given, key=str) if isinstance(given, (set, frozenset)) else list(given)
    for name in names:
        if not isinstance(name, str) or not name.strip():
            raise InvalidOption(option, name, "must be a text, and not empty")
    return tuple(dict.fromkeys(names))


def _specification(option: str, given: object) -> dict[str, tuple[str, ...]]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise InvalidOption(option, given, "must map labels to values")
    made = {
        label: _names(option, patterns)
        for label, patterns in given.items()
        if isinstance(label, str) or _refuse(option, label, "is no label: must be a text")
    }
    for label, patterns in made.items():
        if not patterns:
            raise InvalidOption(option, given, f"{label!r} has no value")
    return made


def _specifications(given: object) -> tuple[dict[str, tuple[str, ...]], ...]:
    if given is None or given == {}:
        return ()
    if isinstance(given, Mapping) or not isinstance(given, Iterable) or isinstance(given, str):
        given = [given]
    return tuple(_specification("match_related", each) for each in given)


def _parameters(given: object) -> dict[str, Any]:
    try:
        check_mapping("the trigger", given)
    except InvalidParameters:
        raise InvalidOption("parameters", given, "must map names to values") from None
    parameters: dict[str, Any] = {} if given is None else as_json(given)
    encoded("the trigger", parameters)
    if parameters:
        from orchestrator.model.templates import check_templates

        check_templates(parameters)
    return parameters


def _threshold(given: object) -> int:
    if type(given) is not int or not 1 <= given <= MOST_EVENTS:
        raise InvalidOption("threshold", given, f"must be a whole number from 1 to {MOST_EVENTS}")
    return given


def _wait(given: object, posture: str) -> float:
    seconds = _seconds("within", given)
    if posture == "Reactive":
        return seconds
    if 0 < seconds < SHORTEST_WAIT:
        raise InvalidOption("within", given, f"a wait must be {SHORTEST_WAIT:g} s or longer")
    return seconds or DEFAULT_WAIT


def _seconds(option: str, given: object) -> float:
    seconds = given.total_seconds() if isinstance(given, timedelta) else given
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise InvalidOption(option, given, "must be seconds, or a timedelta")
    if not math.isfinite(seconds) or seconds < 0:
        raise InvalidOption(option, given, "must be 0 or more")
    return float(seconds)


def _text(option: str, given: object) -> str:
    if not isinstance(given, str):
        raise InvalidOption(option, given, "must be a text")
    return given


def _flag(option: str, given: object) -> bool:
    if not isinstance(given, bool):
        raise InvalidOption(option, given, "must be True or False")
    return given


def _refuse(option: str, value: object, why: str) -> bool:
    raise InvalidOption(option, value, why)


def _check_own_runs(trigger: TriggerDefinition) -> None:
    """A trigger that answers every step of every run answers those of the runs that it makes, and
    these again: more with each step, long before the depth of a chain ends it."""
    answers = all(trigger.expects(f"run.{state}") for state in ("Scheduled", "Completed"))
    if answers and not trigger.is_proactive and not (trigger.match or trigger.match_related):
        raise InvalidOption(
            "expect",
            list(trigger.expect),
            "would answer each step of the runs that it makes itself: name the states, or say "
            "with match whose runs are meant",
        )
