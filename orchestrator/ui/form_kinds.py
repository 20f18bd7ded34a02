"""Of which kind a field is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.ui.form_field import ABSENT, NONE, Kind

MOST_ROWS = 200
"""More are edited as JSON."""

_LONG = 80
_BY_FORMAT: dict[str, Kind] = {"date": "date", "time": "time", "date-time": "moment"}


def kind_of_text(schema: Mapping[str, Any]) -> Kind:
    """What a text is typed into."""
    kind = _BY_FORMAT.get(schema.get("format", ""), "text")
    default = schema.get("default")
    if isinstance(default, str):
        if kind == "moment" and len(default) > len("2026-11-22T15:04:05"):
            return "text"  # with an offset, which the browser's own field has no room for
        if "\n" in default or len(default) > _LONG:
            return "long"
    return "long" if kind == "text" and schema.get("maxLength", 0) > 500 else kind


def fits_in_rows(value: Any, item: Mapping[str, Any]) -> bool:
    """Whether nothing of the value would be lost in rows."""
    if not isinstance(value, list):
        return True
    known = set(item["properties"])
    return len(value) <= MOST_ROWS and all(
        isinstance(each, Mapping) and known >= set(each) for each in value
    )


def chosen_kind(branches: Sequence[Mapping[str, Any]], value: Any, nullable: bool) -> str:
    """The kind of a union that the value is of."""
    if value is None or (value is ABSENT and nullable):
        return NONE if nullable else "0"
    fitting = [at for at, each in enumerate(branches) if _may_be(each, value)]
    return str(fitting[0]) if fitting else "0"


def _may_be(schema: Mapping[str, Any], value: Any) -> bool:
    if "enum" in schema:
        return value in schema["enum"]
    if isinstance(value, Mapping):
        properties = schema.get("properties", {})
        fixed = all(
            value.get(name) == part["const"] for name, part in properties.items() if "const" in part
        )
        return schema.get("type") == "object" and fixed and set(properties) >= set(value)
    kinds: dict[str, tuple[type, ...]] = {
        "string": (str,),
        "boolean": (bool,),
        "integer": (int,),
        "number": (int, float),
        "array": (list,),
    }
    return isinstance(value, kinds.get(str(schema.get("type")), ()))
