"""What was typed into a form of parameters, as values. Whether they fit is asked at the door."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from orchestrator.model.errors import InvalidParameters, ParameterFault
from orchestrator.model.secrets import MASK, is_secret, secret_places
from orchestrator.ui.form_field import ABSENT, NONE, Field


class Reading:
    """Reads one form; remembers what could not be read."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self.faults: list[ParameterFault] = []

    def changes(self, fields: Sequence[Field]) -> dict[str, Any]:
        """The parameters that are not what the form held at first."""
        found = {each.label: self._value(each) for each in fields}
        return {
            each.label: found[each.label]
            for each in fields
            if found[each.label] is not ABSENT and not _same(found[each.label], each.value)
        }

    def _value(self, made: Field) -> Any:
        if made.kind == "group":
            found = {each.label: self._value(each) for each in made.inner}
            return {name: value for name, value in found.items() if value is not ABSENT}
        if made.kind == "rows":
            rows = [self._value(each) for each in made.inner]
            return rows if rows or isinstance(made.value, list) else ABSENT
        if made.kind == "union":
            kind = self._texts.get(f"{made.name}?", made.text)
            if kind == NONE:
                return None if made.nullable else ABSENT
            known = {str(at): each for at, each in enumerate(made.inner)}
            return self._value(known[kind]) if kind in known else ABSENT
        return self._single(made, self._texts.get(made.name))

    def _single(self, made: Field, text: str | None) -> Any:
        if text is None:
            return made.value
        text = text.replace("\r\n", "\n")
        if made.kind == "secret":
            return text or made.value
        if not text.strip():
            return _empty(made, text)
        return self._read(made, text)

    def _read(self, made: Field, text: str) -> Any:
        match made.kind:
            case "number":
                return _number(text.strip(), made.schema.get("type") == "integer")
            case "choice":
                return _json_or_text(text)
            case "lines":
                kind = made.schema["items"].get("type", "string")
                lines = [line for line in text.split("\n") if line.strip()]
                return [
                    line if kind == "string" else _number(line.strip(), kind == "integer")
                    for line in lines
                ]
            case "json":
                return self._document(made, text)
            case "moment" | "time":
                return text.strip()
            case _:
                return text

    def _document(self, made: Field, text: str) -> Any:
        try:
            return json.loads(text, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            self.faults.append(ParameterFault(made.where, f"is no JSON: {error}"))
            return ABSENT


def read_form(name: str, fields: Sequence[Field], texts: Mapping[str, str]) -> dict[str, Any]:
    """The parameters that were changed.

    Raises:
        InvalidParameters: a field that must be JSON is none.
    """
    reading = Reading(texts)
    found = reading.changes(fields)
    if reading.faults:
        raise InvalidParameters(name, reading.faults)
    return found


def read_document(
    name: str, text: str, held: Mapping[str, Any], schema: Mapping[str, Any]
) -> dict[str, Any]:
    """The parameters of a JSON text that are not what was ``held``; masked ones are kept.

    Raises:
        InvalidParameters: no JSON object.
    """
    try:
        found = json.loads(text or "{}", parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise InvalidParameters(name, [ParameterFault("", f"are no JSON: {error}")]) from None
    if not isinstance(found, dict):
        raise InvalidParameters(name, [ParameterFault("", "must be a JSON object: {...}")])
    whole = _unmasked(found, held, secret_places(schema), ())
    return {
        key: value for key, value in whole.items() if not (key in held and _same(value, held[key]))
    }


def _unmasked(value: Any, held: Any, places: Any, steps: tuple[str, ...]) -> Any:
    if value == MASK and is_secret(places, steps) and held is not ABSENT:
        return held
    if isinstance(value, dict):
        return {
            key: _unmasked(
                item,
                held.get(key, ABSENT) if isinstance(held, Mapping) else ABSENT,
                places,
                (*steps, key),
            )
            for key, item in value.items()
        }
    if isinstance(value, list):
        before = held if isinstance(held, list) else []
        return [
            _unmasked(item, before[at] if at < len(before) else ABSENT, places, (*steps, str(at)))
            for at, item in enumerate(value)
        ]
    return value


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON: 1, 1.0 and true are three values."""
    if other is ABSENT:
        return False
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _empty(made: Field, text: str) -> Any:
    if made.nullable:
        return None if made.value is not ABSENT else (None if made.required else ABSENT)
    if made.kind in ("text", "long") and isinstance(made.value, str):
        return text
    return [] if made.kind == "lines" and isinstance(made.value, list) else ABSENT


def _number(text: str, whole: bool) -> Any:
    """The number, or the text for the door to refuse."""
    try:
        value = int(text) if whole else float(text)
    except ValueError:
        return text
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            return text
        return int(text) if text.lstrip("+-").isdecimal() else value
    return value


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse)
    except ValueError:
        return text


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
