"""A run as somebody asks for it, before anything is known of the deployment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orchestrator.model.clock import can_be_shown
from orchestrator.model.errors import InvalidOption, InvalidParameters, ParameterFault, TooDeep
from orchestrator.model.ids import LONGEST_NAME, RunId
from orchestrator.model.plain import as_json

DEEPEST = 100
"""Runs that may stand above a run. A chain this long is one that never ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A run as somebody asks for it.

    Raises:
        InvalidOption: a value that cannot be used.
        TooDeep: it would be one of a chain of runs that asked for each other without end.
    """

    deployment: str
    """``flow/deployment``, or the deployment's id."""
    parameters: Mapping[str, Any] | None = None
    """They go over the deployment's defaults. Dates, durations, enums, models and the like become
    what JSON has for them."""
    tags: Sequence[str] = ()
    """They come to the deployment's."""
    scheduled_at: datetime | None = None
    """An aware datetime; None is now."""
    idempotency_key: str | None = None
    name: str | None = None
    created_by: str = "person"
    retry_of: RunId | None = None
    """The ended run that it does again."""
    parent: RunId | None = None
    """The run that asks for it."""
    depth: int = 0
    """How many runs stand above it; DEEPEST at most."""
    revision: str = ""
    """The code that it is to have: a commit or content hash; empty: the newest."""

    def __post_init__(self) -> None:
        _check_moment(self.scheduled_at)
        check_tags(self.tags)
        for option in ("idempotency_key", "name"):
            if getattr(self, option) is not None:
                _check_text(option, getattr(self, option))
        check_mapping(self.deployment, self.parameters)
        if self.depth > DEEPEST:
            raise TooDeep(self.deployment, self.parent, DEEPEST)
        object.__setattr__(self, "parameters", as_json(self.parameters))


def check_tags(tags: object) -> tuple[str, ...]:
    """The tags, when they can be those of a run or a deployment.

    Raises:
        InvalidOption: no list, or a tag that is empty, too long, or no text.
    """
    if isinstance(tags, str) or not isinstance(tags, Iterable):
        raise InvalidOption("tags", tags, "must be a list of texts")
    found = tuple(tags)
    for tag in found:
        _check_text("tags", tag)
    return found


def _check_text(option: str, value: object) -> None:
    if not isinstance(value, str) or not value.strip():
        raise InvalidOption(option, value, "must be a text, and not empty")
    if len(value) > LONGEST_NAME:
        raise InvalidOption(option, value, f"is longer than {LONGEST_NAME} characters")


def check_mapping(deployment: str, parameters: object) -> None:
    """Nothing, when the parameters are a mapping or None.

    Raises:
        InvalidParameters: they are anything else.
    """
    if parameters is not None and not isinstance(parameters, Mapping):
        fault = ParameterFault("", f"must map names to values, not {parameters!r:.80}")
        raise InvalidParameters(deployment, [fault])


def _check_moment(when: object) -> None:
    if when is None:
        return
    if not isinstance(when, datetime):
        raise InvalidOption("scheduled_at", when, "must be a datetime")
    if when.utcoffset() is None:
        raise InvalidOption("scheduled_at", when, "has no timezone: add tzinfo=UTC or a zone")
    if not can_be_shown(when):
        raise InvalidOption("scheduled_at", when, "has no year in UTC")
