"""What fields say: what they hold, what they take, what there is to choose from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from orchestrator.ui.form_field import ABSENT, CONTAINERS, Kind
from orchestrator.ui.form_moments import parts

_HINTS = {
    "duration": "Like PT90S, PT1H30M or P2D.",
    "date-time": "Local to where the run happens unless it names an offset.",
    "uuid": "Like 123e4567-e89b-12d3-a456-426614174000.",
}


def options_of(
    kind: Kind, schema: Mapping[str, Any], *, required: bool, nullable: bool, secret: bool
) -> tuple[tuple[str, str], ...]:
    """Value and word of each that can be chosen; none of what is no choice."""
    if kind != "choice":
        return ()
    if "enum" in schema:
        values = list(schema["enum"])
    else:
        values = [schema["const"]] if "const" in schema else [True, False]
    found = [(json.dumps(each), _shown(each)) for each in values]
    if secret:
        return (("", "as it is"), *found)
    empty = [("", "nothing" if nullable else "choose")] if nullable or required else []
    return (*empty, *found)


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def text_of(kind: Kind, value: Any) -> str:
    """The value as the form shows it."""
    if value is ABSENT or kind in CONTAINERS or (value is None and kind != "json"):
        return ""
    if kind == "moment":
        return (parts(value) or ("", ""))[0]
    if kind == "lines" and isinstance(value, list):
        return "\n".join(map(str, value))
    if kind == "json":
        return json.dumps(value, indent=2, ensure_ascii=False)
    return json.dumps(value) if kind == "choice" or not isinstance(value, str) else value


def word_of(schema: Mapping[str, Any]) -> str:
    """What it takes, in a word."""
    if "enum" in schema or "const" in schema:
        return "choice"
    if schema.get("properties") and isinstance(schema.get("title"), str):
        return str(schema["title"])
    named = schema.get("format") or schema.get("type") or schema.get("title") or "anything"
    return named if isinstance(named, str) else " or ".join(map(str, named))


def hint_of(schema: Mapping[str, Any], kind: Kind) -> str:
    """What there is to know beside it."""
    limits = [
        f"{word} {schema[key]}"
        for key, word in (
            ("minimum", "at least"),
            ("exclusiveMinimum", "more than"),
            ("maximum", "at most"),
            ("exclusiveMaximum", "less than"),
            ("pattern", "fits"),
        )
        if key in schema
    ]
    one_each = "One a line." if kind == "lines" else ""
    about = "" if kind == "moment" else _HINTS.get(schema.get("format", ""), "")
    return " ".join(filter(None, [about, one_each, ", ".join(limits)]))


def secret_hint(held: bool) -> str:
    """What there is to know beside a secret."""
    return "Secret: it is never shown." + (" Left empty it stays as it is." if held else "")
