"""What the parameters of a deployment's runs may be, as lines for people."""

from __future__ import annotations

from typing import Any

from orchestrator.cli.nearest import nearest
from orchestrator.cli.output import as_json
from orchestrator.model.deployment import Deployment
from orchestrator.model.errors import InvalidParameters
from orchestrator.model.secrets import without_secrets


def rows(schema: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Name, kind and default of each parameter."""
    required = schema.get("required", ())
    return [
        (name, _kind(prop), _default(prop, name in required))
        for name, prop in without_secrets(schema)["properties"].items()
    ]


def hint(deployment: Deployment, refused: InvalidParameters) -> str:
    """The lines of the parameters that were wrong; of all, when one is not known at all."""
    every = {row[0]: row for row in rows(deployment.parameter_schema)}
    wrong = dict.fromkeys(fault.where.partition(".")[0] for fault in refused.faults)
    unknown = [name for name in wrong if name not in every]
    if not every:
        return f"{deployment.name} takes no parameters."
    meant = [guess for name in unknown for guess in nearest(name, list(every))]
    if meant:
        return f"Did you mean {' or '.join(dict.fromkeys(meant))}?"
    shown = every if unknown else wrong
    width = max(map(len, shown))
    lines = [
        f"  {name:<{width}}  {every[name][1]}, {_or_required(every[name][2])}" for name in shown
    ]
    return "\n".join(["It takes:", *lines])


def _or_required(default: str) -> str:
    return default if default == _REQUIRED else f"default {default}"


_REQUIRED = "required"


def _kind(prop: dict[str, Any]) -> str:
    """What a parameter takes, in a word or two; the whole truth is in the schema."""
    if "enum" in prop:
        return " or ".join(map(as_json, prop["enum"]))
    kinds = [_kind(each) for each in prop.get("anyOf", ())]
    named = prop.get("type") or prop.get("$ref", "any").rpartition("/")[2]
    return " or ".join(kinds) or (named if isinstance(named, str) else " or ".join(named))


def _default(prop: dict[str, Any], required: bool) -> str:
    if required:
        return _REQUIRED
    return as_json(prop["default"]) if "default" in prop else "-"
