"""``freeze``: a deployment's parameter that its runs cannot change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.model.plain import as_json


@dataclass(frozen=True, slots=True)
class Frozen:
    """What ``freeze`` answers."""

    value: Any


def freeze(value: Any) -> Any:
    """For ``parameters`` of a deployment: the value, which no run can be given another for."""
    return Frozen(value)


def thawed(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The values, frozen or not."""
    return {n: v.value if isinstance(v, Frozen) else v for n, v in parameters.items()}


def frozen_schema(schema: dict[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The schema that takes nothing but the frozen values for their parameters."""
    properties = dict(schema.get("properties", {}))
    for name, value in parameters.items():
        if isinstance(value, Frozen):
            only = {"readOnly": True, "enum": [as_json(value.value)]}
            properties[name] = {**properties.get(name, {}), **only}
    return {**schema, "properties": properties}
