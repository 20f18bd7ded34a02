"""How a client reaches what it asks about: directly, or through the API.

Every operation is said twice beside each other: as a plan over the store, and as a call over HTTP.
A transport takes the one that it understands.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from orchestrator.model.errors import OrchestratorError
from orchestrator.model.ids import RunId, deployment_of
from orchestrator.store import keys
from orchestrator.store.caller import Store
from orchestrator.store.listening import Subscription
from orchestrator.store.requests import Plan

T = TypeVar("T")

MOST_AT_ONCE = 1000
"""Records in one answer of the API."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[T]):
    """A request over HTTP, and how to read its answer."""

    read: Callable[[Any], T]
    """From the document of the answer."""
    method: str
    path: str
    """Below ``/api/v1``; ``{deployment}`` stands for the one given."""
    deployment: str | None = None
    name: str | None = None
    """What ``{name}`` stands for: a schedule, a trigger, a runner, a host."""
    unknown: Callable[[Any], OrchestratorError] | None = None
    """The error when no path can hold that name, from the deployment's document."""
    query: Mapping[str, Any] = field(default_factory=dict)
    """None is left out; an empty text is not, since nothing may be called that."""
    body: Callable[[], Any] | None = None
    key: str | None = None
    """An idempotency key."""


def fits_a_path(name: str) -> bool:
    """Whether one part of a path can be this name: with another no request would arrive."""
    return name not in ("", ".", "..") and "/" not in name


def path_of(run_id: str, verb: str = "") -> str:
    """Where a run is found over HTTP; RunNotFound when this cannot be the id of any."""
    deployment_of(run_id)
    return f"/runs/{run_id}/{verb}" if verb else f"/runs/{run_id}"


class Ears(Protocol):
    """Waiting for something that is announced."""

    def wait(self, seconds: float) -> None:
        """Until it may have happened, or for so long."""

    def close(self) -> None: ...


class Transport(Protocol):
    """What a client works through. Every method may raise ServerUnavailable."""

    def do(self, plan: Plan[T], call: Call[T]) -> T:
        """The result of an operation."""

    def hear_end(self, run_id: str) -> Ears:
        """Hear of the run's end, from the moment this returns."""

    def hear_feed(self) -> Ears:
        """Hear of new events, from the moment this returns."""

    def close(self) -> None: ...


class Direct:
    """To the server itself."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def do(self, plan: Plan[T], call: Call[T]) -> T:  # noqa: ARG002 - the other way
        return self.store.follow(plan)

    def hear_end(self, run_id: str) -> Ears:
        return _Heard(self.store.listen(keys.ended(deployment_of(run_id))), RunId(run_id))

    def hear_feed(self) -> Ears:
        return _Heard(self.store.listen(keys.EVENTS_NEWS), None)

    def close(self) -> None:
        self.store.close()


class _Heard:
    """A channel, of whose messages one text matters, or any."""

    def __init__(self, subscription: Subscription, text: str | None) -> None:
        self._subscription, self._text = subscription, text

    def wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while True:
            message = self._subscription.wait(max(0.0, until - time.monotonic()))
            if message is None or self._text in (None, message[1]):
                return

    def close(self) -> None:
        self._subscription.close()
