"""A firing that would have been: what trying a trigger on past events shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from orchestrator.model.clock import rfc3339
from orchestrator.model.event import Event
from orchestrator.model.trigger import Bucket


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """A firing that would have been, and the run that it would have made."""

    event: Event | None
    """None: it was silence that fired, and nothing had come before it."""
    bucket: Bucket
    """The values of ``for_each``."""
    parameters: dict[str, Any] | None
    """Of the run, secrets masked; None when it could not have been made."""
    error: str | None

    def to_json(self) -> dict[str, Any]:
        """As the terminal and HTTP show it."""
        return {
            "event": None if self.event is None else self.event.to_json(),
            "at": rfc3339(None if self.event is None else self.event.received),
            "bucket": list(self.bucket),
            "parameters": self.parameters,
            "error": self.error,
        }
