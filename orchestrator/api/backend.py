"""What every route works with: the store, the settings, and who asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, cast

from fastapi import Depends, Request

from orchestrator.api.attempts import Attempts
from orchestrator.model.apikeys import ApiKey
from orchestrator.operations.acting import Acting
from orchestrator.settings import Settings
from orchestrator.store.caller import AsyncStore
from orchestrator.store.doors import Doors


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a key, a browser that was shown one, or whoever is on this machine."""

    name: str
    read_only: bool = False
    key: ApiKey | None = None


@dataclass(frozen=True, slots=True)
class Backend:
    """One per process; routes get it as ``BackendNeeded``."""

    store: AsyncStore
    settings: Settings
    keys: Sequence[ApiKey]
    attempts: Attempts = field(default_factory=Attempts)
    doors: Doors = field(default_factory=Doors)

    def acting(self, caller: Caller) -> Acting:
        """On whose behalf something is done, as histories tell it."""
        return Acting(caller.name, round(self.settings.retention_days * 86_400_000))


def backend_of(request: Request) -> Backend:
    return cast(Backend, request.app.state.backend)


def caller_of(request: Request) -> Caller:
    """Set by the guard for every request that it lets in."""
    return cast(Caller, request.state.caller)


# Coroutines: whatever is none is called in a thread, which takes longer than most answers.
async def _backend(request: Request) -> Backend:
    return backend_of(request)


async def _caller(request: Request) -> Caller:
    return caller_of(request)


BackendNeeded = Annotated[Backend, Depends(_backend)]
CallerNeeded = Annotated[Caller, Depends(_caller)]
