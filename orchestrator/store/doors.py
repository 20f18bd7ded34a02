"""Doors of deployments: read, and kept from one run that is asked for to the next.

What is kept may be outdated. So a run that is asked for through it carries the seal of what it was
checked by, and ``submit_runs.lua`` answers ``stale`` when the deployment has another one by now.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.model.ids import DeploymentId
from orchestrator.store import keys
from orchestrator.store.requests import Request, command
from orchestrator.store.validation import Door

MOST_KEPT = 256

_SEALED = ("tags", "parameters", "parameter_schema", "enforce_parameter_schema")
"""What the seal is made of, in the order of the script."""


class Doors:
    """Those through which runs were asked for lately; for one server."""

    def __init__(self) -> None:
        self._kept: dict[DeploymentId, Door] = {}

    def kept(self, d: DeploymentId) -> Door | None:
        """The door as it was when it was last read."""
        return self._kept.get(d)

    def keep(self, door: Door) -> None:
        """For the next run; the one kept longest goes for it."""
        if len(self._kept) >= MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[door.deployment.id] = door


def read_door(d: DeploymentId) -> Request[Door | None]:
    """The door of a deployment, or None."""
    return command(lambda reply: _door(d, reply), "HMGET", keys.deployment(d), "name", *_SEALED)


@dataclass(frozen=True, slots=True)
class _Demands:
    """What a deployment demands of its runs, and what it gives them."""

    id: DeploymentId
    name: str
    tags: tuple[str, ...]
    parameters: dict[str, Any]
    parameter_schema: dict[str, Any]
    enforce_parameter_schema: bool


def _door(d: DeploymentId, reply: Sequence[str | None]) -> Door | None:
    name, *texts = reply
    if name is None:
        return None
    tags, parameters, schema, enforced = (text or "" for text in texts)
    sealed = f"{tags}\n{parameters}\n{schema}\n{enforced}"
    # The hash that scripts have. It guards against change, not against enemies.
    seal = hashlib.sha1(sealed.encode(), usedforsecurity=False).hexdigest()
    demands = _Demands(
        id=d,
        name=name,
        tags=tuple(json.loads(tags)),
        parameters=json.loads(parameters),
        parameter_schema=json.loads(schema),
        enforce_parameter_schema=enforced == "1",
    )
    return Door(demands, seal)
