"""A trigger: which events, or whose absence, make a deployment run. As defined, as it stands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from orchestrator.model.clock import rfc3339
from orchestrator.model.event import Event
from orchestrator.model.matching import describes, fits_any
from orchestrator.model.secrets import Place, masked

Posture = Literal["Reactive", "Proactive"]
Bucket = tuple[str, ...]
"""The values of ``for_each`` that an event has: progress is counted for each on its own."""

_ACTING = ("name", "description", "enabled", "parameters", "schedule_after")


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerDefinition:
    """One trigger of a deployment. Durations in seconds."""

    name: str
    description: str = ""
    enabled: bool = True
    expect: tuple[str, ...] = ()
    """Names of events that count; none: any."""
    after: tuple[str, ...] = ()
    """Names of events that must come first; none: nothing must."""
    match: dict[str, tuple[str, ...]] = field(default_factory=dict)
    match_related: tuple[dict[str, tuple[str, ...]], ...] = ()
    """Each describes one of what is related."""
    for_each: tuple[str, ...] = ()
    posture: Posture = "Reactive"
    threshold: int = 1
    within: float = 0.0
    """0: without end."""
    parameters: dict[str, Any] = field(default_factory=dict)
    schedule_after: float = 0.0

    @property
    def within_ms(self) -> int:
        return round(self.within * 1000)

    @property
    def is_proactive(self) -> bool:
        return self.posture == "Proactive"

    @property
    def waits_from_the_start(self) -> bool:
        """It waits for events although none has come yet."""
        return self.is_proactive and not self.after and not self.for_each

    def covers(self, event: Event) -> bool:
        """Whether resource and related resources are those that it is about."""
        return describes(self.match, event.resource) and all(
            any(describes(each, related) for related in event.related)
            for each in self.match_related
        )

    def expects(self, name: str) -> bool:
        """Whether an event of this name counts."""
        return not self.expect or fits_any(self.expect, name)

    def follows(self, name: str) -> bool:
        """Whether an event of this name is one that must come first."""
        return fits_any(self.after, name)

    def bucket(self, event: Event) -> Bucket | None:
        """Whose progress the event counts for; None when it lacks what ``for_each`` names."""
        values = tuple(_value(label, event) for label in self.for_each)
        return None if None in values else tuple(str(value) for value in values)

    @property
    def text(self) -> str:
        """As it is stored; the same text for the same trigger."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False)

    @property
    def watched(self) -> str:
        """The part that its progress depends on, in the same way."""
        document = {name: part for name, part in asdict(self).items() if name not in _ACTING}
        return json.dumps(document, sort_keys=True, ensure_ascii=False)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> TriggerDefinition:
        """The trigger as written; what a newer version wrote is passed over."""
        known = {name: value for name, value in document.items() if name in cls.__slots__}
        for name in ("expect", "after", "for_each"):
            known[name] = tuple(known.get(name, ()))
        known["match"] = _specification(known.get("match", {}))
        known["match_related"] = tuple(map(_specification, known.get("match_related", ())))
        return cls(**known)


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerRecord:
    """A trigger as it stands on the server."""

    definition: TriggerDefinition
    since_ms: int
    """Events of before do not count."""
    fired: int
    fired_ms: int | None
    run: str | None
    """The run it made last."""
    error: str | None
    """Why it could not make the last one."""
    secrets: tuple[Place, ...] = ()
    """Where secrets stand in its parameters: see ``model.secrets``."""

    def to_json(self) -> dict[str, Any]:
        """The record as the terminal, HTTP and pages show it."""
        definition = self.definition
        return {
            "name": definition.name,
            "description": definition.description,
            "enabled": definition.enabled,
            "expect": list(definition.expect),
            "after": list(definition.after),
            "match": {label: list(each) for label, each in definition.match.items()},
            "match_related": [
                {label: list(each) for label, each in spec.items()}
                for spec in definition.match_related
            ],
            "for_each": list(definition.for_each),
            "posture": definition.posture,
            "threshold": definition.threshold,
            "within": definition.within,
            "parameters": masked(definition.parameters, self.secrets),
            "schedule_after": definition.schedule_after,
            "since": rfc3339(self.since_ms),
            "fired": self.fired,
            "last_fired_at": rfc3339(self.fired_ms),
            "last_run": self.run,
            "last_error": self.error,
        }


def in_words(trigger: TriggerDefinition) -> str:
    """The trigger in one line, for people."""
    plural = "event" if trigger.threshold == 1 else "events"
    names = " or ".join(trigger.expect) or (plural if trigger.is_proactive else "any event")
    about = ", ".join(
        f"{label} {' or '.join(patterns)}" for label, patterns in trigger.match.items()
    )
    words = f"{names} ({about})" if about else names
    if trigger.is_proactive:
        fewer = "no" if trigger.threshold == 1 else f"fewer than {trigger.threshold}"
        words = f"{fewer} {words} within {trigger.within:g}s"
    elif trigger.threshold > 1:
        words = f"{trigger.threshold} x {words}"
    if trigger.within and not trigger.is_proactive:
        words += f" within {trigger.within:g}s"
    if trigger.after:
        words += f" after {' or '.join(trigger.after)}"
    return words + (f", for each {' and '.join(trigger.for_each)}" if trigger.for_each else "")


def _specification(document: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    return {label: tuple(patterns) for label, patterns in document.items()}


def _value(label: str, event: Event) -> Any:
    """A label of the resource; ``payload.a.b``; ``related.ROLE``, the id of that one."""
    if label in event.resource:
        return event.resource[label]
    kind, _, path = label.partition(".")
    if kind == "payload":
        value: Any = event.payload
        for step in path.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        return value
    if kind == "related":
        return next((each.get("id") for each in event.related if each.get("role") == path), None)
    return None
