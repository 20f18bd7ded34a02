"""The versions of a deployment: what its code registered, when, from where, and what was new."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from orchestrator.model.clock import rfc3339


@dataclass(frozen=True, slots=True, kw_only=True)
class Registrant:
    """Who registers a deployment, and the code that it serves as far as it is known yet."""

    host: str = ""
    pid: int = 0
    runner: str = ""
    commit: str = ""
    content_hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentVersion:
    """What was served from one moment on."""

    number: int
    """Counted from 1, for each deployment."""
    at_ms: int
    version: str | None
    """As ``serve(version=...)`` has it, or the file of the flow."""
    commit: str | None
    content_hash: str | None
    """SHA-256 of the code; None when it was never loaded."""
    host: str | None
    pid: int | None
    runner: str | None
    changes: tuple[str, ...]
    """Against the version before; none of the first one."""

    def to_json(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "at": rfc3339(self.at_ms),
            "version": self.version,
            "commit": self.commit,
            "content_hash": self.content_hash,
            "host": self.host,
            "pid": self.pid,
            "runner": self.runner,
            "changes": list(self.changes),
        }
