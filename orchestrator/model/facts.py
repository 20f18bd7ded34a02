"""What decides when a run goes on: the facts that are explained."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.model.deployment import Deployment, RunnerRecord
from orchestrator.model.event import Event
from orchestrator.model.ids import RunId
from orchestrator.model.run import Run

SILENT_MS = 60_000
"""A runner of which nothing was heard for so long is not counted on. It speaks each quarter of a
lease; this is for people to read, and decides nothing."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a runner last said of itself, and how long ago by the server's clock."""

    record: RunnerRecord
    silent_ms: int

    @property
    def is_silent(self) -> bool:
        return self.silent_ms > SILENT_MS

    @property
    def text(self) -> str:
        return f"{self.record.id} on {self.record.host}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What decides when a run goes on."""

    run: Run
    now_ms: int
    deployment: Deployment | None
    """None: it was deleted."""
    heard: tuple[Heard, ...]
    """Of the runners registered for the deployment, and of the one that has the run."""
    claimed: int
    """Runs of the deployment that runners have."""
    delayed_until: int | None
    ahead: int | None
    """Tickets before its own; None without a ticket."""
    is_led: bool
    """A scheduler is alive."""
    waits_for: tuple[RunId, ...] = ()
    """Runs for whose ends it waits, once it has waited for a while."""
    stuck: frozenset[RunId] = frozenset()
    """Runs that hold each other up, itself among them; empty when it goes on."""
    event: Event | None = None
    """For which a trigger made it, as far as it was found."""
    wait_ms: int = 0
    """How long no run is claimed, since the server is not the one it was."""

    @property
    def serving(self) -> list[Heard]:
        """Runners that are registered."""
        registered = self.deployment.runners if self.deployment else ()
        return [each for each in self.heard if each.record.id in registered]

    @property
    def ready(self) -> list[Heard]:
        """Those that live and claim."""
        return [e for e in self.serving if not (e.is_silent or e.record.draining)]
