"""The versions of a deployment, as its slot keeps them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from orchestrator.model.ids import DeploymentId
from orchestrator.model.versions import DeploymentVersion, Registrant
from orchestrator.store import keys
from orchestrator.store.requests import Request, Word, as_word, command, for_deployment

MOST_VERSIONS = 100
"""Kept of a deployment; also said in lua/shared/versions.lua."""

_WITH_VALUES = frozenset(
    {"entrypoint", "source", "version", "concurrency_limit", "retention_days", "on_lost", "code"}
)
_IN_PARTS = {"parameters": "parameters", "parameter_schema": "accepted parameters"}


def read_versions(d: DeploymentId, count: int = MOST_VERSIONS) -> Request[list[DeploymentVersion]]:
    """The newest first."""
    return command(_versions, "LRANGE", keys.versions(d), 0, count - 1)


def note_code(d: DeploymentId, version: str | None, by: Registrant) -> Request[Word]:
    """What is served from now on is this code: ``ok``, ``unchanged`` or ``gone``."""
    return for_deployment(d, "note_code", as_word, about=about(version, by))


def about(version: str | None, by: Registrant) -> str:
    """The same for the scripts."""
    return json.dumps({"version": version or "", **asdict(by)}, ensure_ascii=False)


def change_text(what: str, before: str, after: str) -> str:
    """A change of a definition, as people are told."""
    if what in _WITH_VALUES:
        return f"{what} {_short(what, before)} -> {_short(what, after)}"
    if what.startswith(("schedule ", "trigger ", "paused")):
        return f"{what} {after}"
    return f"{what} changed"


def _short(what: str, value: str) -> str:
    return (value[:12] if what == "code" else value) or "none"


def _versions(reply: Sequence[str]) -> list[DeploymentVersion]:
    return [_version(line) for line in reply]


def _version(line: str) -> DeploymentVersion:
    entry = json.loads(line)
    return DeploymentVersion(
        number=int(entry["number"]),
        at_ms=int(entry["at"]),
        version=entry["version"] or None,
        commit=entry["commit"] or None,
        content_hash=entry["content_hash"] or None,
        host=entry["host"] or None,
        pid=int(entry["pid"]) or None,
        runner=entry["runner"] or None,
        # Lua knows no difference between an empty list and an empty object.
        changes=tuple(_told(*change) for change in entry["changes"] or ()),
    )


def _told(what: str, before: str, after: str) -> str:
    """The same, with the names of the parts that differ."""
    shown = _IN_PARTS.get(what, what)
    if what in _IN_PARTS or what == "options":
        return f"{shown} changed" + (f": {after}" if after else "")
    return change_text(what, before, after)
