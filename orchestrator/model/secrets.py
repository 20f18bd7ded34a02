"""Values that are never shown: which parts of the parameters are secret, and their masking.

A schema says it by ``writeOnly``, as pydantic does for ``SecretStr``. What is stored stays as it
is: the run needs it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

MASK = "**********"
EACH = "*"
"""Step of a place: every item of a list, every value of a mapping."""

Place = tuple[str, ...]
"""Where a secret stands: names and ``EACH``. Everything below it is secret, too."""

_DEFINITIONS = ("#/definitions/", "#/$defs/")
_BRANCHES = ("anyOf", "oneOf", "allOf")
_SHOWING = ("default", "enum", "const", "examples")


def secret_places(schema: Mapping[str, Any]) -> tuple[Place, ...]:
    """Where the values that fit this schema hold secrets."""
    definitions = {**schema.get("definitions", {}), **schema.get("$defs", {})}
    return tuple(dict.fromkeys(_places(schema, definitions, (), ())))


def masked(value: Any, places: Sequence[Sequence[str]]) -> Any:
    """The value with what stands at these places hidden; None hides nothing."""
    if value is None or not places:
        return value
    if any(not place for place in places):
        return MASK
    if isinstance(value, Mapping):
        return {name: masked(item, _below(places, name)) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked(item, _below(places, str(at))) for at, item in enumerate(value)]
    return value


def is_secret(places: Sequence[Sequence[str]], steps: Sequence[object]) -> bool:
    """Whether what these steps lead to is secret, or holds a secret."""
    left = places
    for step in steps:
        if any(not place for place in left):
            return True
        left = _below(left, str(step))
    return bool(left)


def without_secrets(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema, with the defaults and fixed values of secrets left out."""
    return {
        **schema,
        "properties": {
            name: _without_values(each, bool(_below(secret_places(schema), name)))
            for name, each in schema.get("properties", {}).items()
        },
    }


def _without_values(schema: Mapping[str, Any], secret: bool) -> dict[str, Any]:
    return {key: part for key, part in schema.items() if not (secret and key in _SHOWING)}


def _below(places: Sequence[Sequence[str]], step: str) -> list[Sequence[str]]:
    return [place[1:] for place in places if place and place[0] in (step, EACH)]


def _places(
    schema: Any, definitions: Mapping[str, Any], here: Place, within: tuple[str, ...]
) -> Iterator[Place]:
    """``within``: the definitions that lead here; one that leads to itself hides all below."""
    if not isinstance(schema, Mapping):
        return
    if schema.get("writeOnly") is True or schema.get("format") == "password":
        yield here
        return
    if name := _referred(schema):
        if name not in within:
            yield from _places(definitions.get(name), definitions, here, (*within, name))
        elif _holds_secrets(definitions[name], definitions):
            yield here
    for step, inner in _parts(schema):
        yield from _places(inner, definitions, (*here, *step), within)


def _parts(schema: Mapping[str, Any]) -> Iterator[tuple[Place, Any]]:
    for name, inner in schema.get("properties", {}).items():
        yield (name,), inner
    for position, inner in enumerate(schema.get("prefixItems", ())):
        yield (str(position),), inner
    for key in ("items", "additionalProperties"):
        yield (EACH,), schema.get(key)
    for inner in schema.get("patternProperties", {}).values():
        yield (EACH,), inner
    for key in _BRANCHES:
        for inner in schema.get(key, ()):
            yield (), inner


def _referred(schema: Mapping[str, Any]) -> str | None:
    """The definition that a schema stands for."""
    reference = str(schema.get("$ref", ""))
    for start in _DEFINITIONS:
        if reference.startswith(start):
            return reference.removeprefix(start)
    return None


def _holds_secrets(schema: Any, definitions: Mapping[str, Any], seen: tuple[str, ...] = ()) -> bool:
    if not isinstance(schema, Mapping):
        return False
    if schema.get("writeOnly") is True or schema.get("format") == "password":
        return True
    name = _referred(schema)
    if name and name not in seen and _holds_secrets(definitions[name], definitions, (*seen, name)):
        return True
    return any(_holds_secrets(inner, definitions, seen) for _, inner in _parts(schema))
