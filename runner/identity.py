"""Who this runner is, the same for all its parts."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass

from orchestrator.model.clock import Clock, SystemClock
from orchestrator.model.deployment import DeploymentDefinition
from orchestrator.model.ids import DeploymentId, RunnerId, new_nonce
from orchestrator.model.serving import ServingSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A runner: what it serves and under which id. New with every process start (F14)."""

    spec: ServingSpec
    id: RunnerId
    host: str
    pid: int
    started_ms: int
    clock: Clock
    served: dict[DeploymentId, DeploymentDefinition]

    @property
    def lease(self) -> float:
        """T: seconds without a beat after which a run is somebody else's."""
        return self.spec.lease_seconds


def identify(spec: ServingSpec) -> Identity:
    """The identity of this process."""
    host, pid, clock = socket.gethostname(), os.getpid(), SystemClock()
    return Identity(
        spec=spec,
        id=RunnerId(f"{host}-{pid}-{new_nonce()[:8]}"),
        host=host,
        pid=pid,
        started_ms=clock.now_ms(),
        clock=clock,
        served={definition.id: definition for definition in spec.definitions},
    )
