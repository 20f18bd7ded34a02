"""Who may care for an event: found by its name and what it is about, not by asking everybody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from orchestrator.model.event import Event
from orchestrator.model.trigger import TriggerRecord

from .standing import Standing

Listener = tuple[Standing, TriggerRecord]


class Listeners:
    """Triggers that listen to events of one name."""

    def __init__(self, listeners: Iterable[Listener]) -> None:
        self._by_value: dict[str, dict[str, list[Listener]]] = {}
        self._others: list[Listener] = []
        for each in listeners:
            match = each[1].definition.match
            label = _plain_label(match)
            if label is None:
                self._others.append(each)
                continue
            for value in match[label]:
                self._by_value.setdefault(label, {}).setdefault(value, []).append(each)

    def __bool__(self) -> bool:
        return bool(self._by_value or self._others)

    def of(self, event: Event) -> list[Listener]:
        """Those whose trigger may cover it."""
        found = list(self._others)
        for label, listeners in self._by_value.items():
            found += listeners.get(event.resource.get(label, ""), ())
        return found


def _plain_label(match: Mapping[str, Sequence[str]]) -> str | None:
    """A label whose values are all meant as they are."""
    for label, values in match.items():
        if not any("*" in value or value.startswith("!") for value in values):
            return label
    return None
