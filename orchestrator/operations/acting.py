"""On whose behalf something is done."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.store import keys


@dataclass(frozen=True, slots=True)
class Acting:
    """Who does it, as histories tell it, and how long runs that end by it are kept."""

    by: str
    retention_ms: int = keys.RETENTION_MS
