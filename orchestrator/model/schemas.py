"""How the parameters of a flow have changed, told from two schemas. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def schema_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Each change in a few words; none when the same is taken as before. Only what decides
    whether parameters fit counts: neither titles nor defaults do."""
    old, new = before.get("properties", {}), after.get("properties", {})
    needed = set(after.get("required", ()))
    told = [
        f"{name} is new and {'required' if name in needed else 'optional'}"
        for name in new
        if name not in old
    ]
    told += [f"{name} is gone" for name in old if name not in new]
    was_needed = set(before.get("required", ()))
    for name in (name for name in new if name in old):
        if _essence(old[name], before) != _essence(new[name], after):
            told.append(f"{name} takes other values")
        elif (name in needed) is not (name in was_needed):
            told.append(f"{name} is now {'required' if name in needed else 'optional'}")
    return told


def _essence(part: Any, whole: Mapping[str, Any]) -> str:
    """What the part means, definitions included, as a text that can be compared."""
    shared = whole.get("$defs", {}) if "$ref" in json.dumps(part) else {}
    return json.dumps([_bare(part), _bare(shared)], sort_keys=True)


def _bare(part: Any) -> Any:
    if isinstance(part, Mapping):
        told = ("title", "description", "default", "position", "examples")
        return {k: _bare(v) for k, v in part.items() if k not in told or isinstance(v, Mapping)}
    return [_bare(each) for each in part] if isinstance(part, list) else part
