"""Of which kind a field is: the first its schema allows that loses nothing of its value."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from orchestrator.store.validation import is_fit
from orchestrator.ui.form_field import ABSENT, NONE, Kind
from orchestrator.ui.form_moments import parts

MOST_ROWS = 200
"""More are edited as JSON."""

_LONG = 80
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,3})?)?")
_BY_FORMAT: dict[str, Kind] = {"date": "date", "time": "time", "date-time": "moment"}

Schema = Mapping[str, Any]


def kinds_of(schema: Schema, items: Schema, *, plain: bool) -> Iterator[Kind]:
    """The kinds that can show what the schema allows, the best first. ``items``: what is in a list
    or mapping; ``plain``: it may be shown one a line."""
    named = schema.get("type")
    if "enum" in schema or "const" in schema or named == "boolean":
        yield "choice"
    elif schema.get("writeOnly") or schema.get("format") == "password":
        yield "secret"
    elif named in ("integer", "number"):
        yield "number"
    elif named == "string":
        yield from _of_text(schema)
    elif named == "object" and schema.get("properties"):
        yield "group"
    elif named == "object" and items:
        yield "entries"
    elif named == "array" and items and not schema.get("prefixItems"):
        if plain and items.get("type") in ("string", "integer", "number") and _is_simple(items):
            yield "lines"
        yield "rows"
    yield "json"


def _of_text(schema: Schema) -> Iterator[Kind]:
    if schema.get("format") in _BY_FORMAT:
        yield _BY_FORMAT[schema["format"]]
    if schema.get("maxLength", 0) <= 500:
        yield "text"
    yield "long"


def _is_simple(items: Schema) -> bool:
    return not any(key in items for key in ("enum", "const", "format", "writeOnly"))


def holds(kind: Kind, value: Any, schema: Schema) -> bool:
    """Whether nothing of the value is lost in a field of this kind."""
    if value is ABSENT or kind in ("json", "secret"):
        return True
    if value is None:
        return kind not in ("group", "rows", "entries")
    if kind == "choice":
        named = schema.get("enum", [schema["const"]] if "const" in schema else [True, False])
        return json.dumps(value) in [json.dumps(each) for each in named]
    return _HOLDS[kind](value, schema)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and "\r" not in value


def _is_date(value: Any) -> bool:
    try:
        return bool(re.fullmatch(r"\d{4}-\d\d-\d\d", value) and date.fromisoformat(value))
    except (TypeError, ValueError):
        return False


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _are_lines(value: Any, kind: object) -> bool:
    if not isinstance(value, list):
        return False
    if kind != "string":
        return all(map(_is_number, value))
    return all(_is_text(each) and each.strip() and "\n" not in each for each in value)


def _are_entries(value: Any) -> bool:
    if not isinstance(value, Mapping) or len(value) > MOST_ROWS:
        return False
    return all(_is_text(key) and key.strip() and "\n" not in key for key in value)


_HOLDS: dict[Kind, Callable[[Any, Schema], bool]] = {
    "text": lambda value, _: _is_text(value) and "\n" not in value and len(value) <= _LONG,
    "long": lambda value, _: _is_text(value),
    "number": lambda value, _: _is_number(value),
    "date": lambda value, _: _is_date(value),
    "time": lambda value, _: isinstance(value, str) and bool(_CLOCK.fullmatch(value)),
    "moment": lambda value, _: parts(value) is not None,
    "lines": lambda value, schema: _are_lines(value, schema["items"].get("type")),
    "rows": lambda value, _: isinstance(value, list) and len(value) <= MOST_ROWS,
    "entries": lambda value, _: _are_entries(value),
    "group": lambda value, schema: (
        isinstance(value, Mapping) and set(schema["properties"]) >= set(value)
    ),
}


def chosen_kind(
    branches: Sequence[Schema], value: Any, nullable: bool, definitions: Schema
) -> str | None:
    """The kind of a union that the value is of; None when it is of none."""
    if value is ABSENT or value is None:
        return NONE if nullable else ("0" if value is ABSENT else None)
    whole = [{**each, "definitions": definitions, "$defs": definitions} for each in branches]
    fitting = [at for at, each in enumerate(whole) if is_fit(each, value)]
    fitting += [at for at, each in enumerate(branches) if _looks_like(each, value)]
    return str(fitting[0]) if fitting else None


def _looks_like(schema: Schema, value: Any) -> bool:
    """Of the right type, though something in it is wrong: there it can be mended."""
    if "enum" in schema or "const" in schema:
        return False
    if isinstance(value, Mapping):
        known = set(schema.get("properties", {})) >= set(value)
        more = bool(schema.get("additionalProperties"))
        return schema.get("type") == "object" and (known or more)
    kinds: dict[str, tuple[type, ...]] = {
        "string": (str,),
        "boolean": (bool,),
        "integer": (int,),
        "number": (int, float),
        "array": (list,),
    }
    return isinstance(value, kinds.get(str(schema.get("type")), ()))
