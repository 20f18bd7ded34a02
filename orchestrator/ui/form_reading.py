"""What was typed into a form of parameters, as values. Whether they fit is asked at the door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from orchestrator.model.errors import InvalidParameters, ParameterFault
from orchestrator.ui.form_documents import is_same, json_of
from orchestrator.ui.form_field import ABSENT, NONE, Field, choice_name, zone_name
from orchestrator.ui.form_moments import NoMoment, moment
from orchestrator.ui.form_moments import is_same as is_same_moment
from orchestrator.ui.form_texts import text_of


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
            if found[each.label] is not ABSENT and not is_same(found[each.label], each.value)
        }

    def _value(self, made: Field) -> Any:
        match made.kind:
            case "group":
                found = {each.label: self._value(each) for each in made.inner}
                return {name: value for name, value in found.items() if value is not ABSENT}
            case "rows":
                rows = [self._row(each) for each in made.inner]
                return rows if rows or _may_be_empty(made, list) else ABSENT
            case "entries":
                entries = self._entries(made)
                return entries if entries or _may_be_empty(made, Mapping) else ABSENT
            case "union":
                return self._chosen(made)
        return self._single(made, self._texts.get(made.name))

    def _row(self, made: Field) -> Any:
        """A row has no default that an empty field could stand for."""
        value = self._value(made)
        if value is not ABSENT:
            return value
        if made.kind in ("text", "long") and not made.secret:
            return self._texts.get(made.name, "").replace("\r\n", "\n")
        return None if made.nullable else self._fault(made.where, "is missing")

    def _entries(self, made: Field) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for each in made.inner:
            assert each.key is not None
            key = self._texts.get(each.key.name, each.key.text)
            if not key.strip():
                self._fault(each.key.where, "is empty: type a key, or remove the row")
            elif key in found:
                self._fault(each.key.where, f"{key} is there twice")
            found[key] = self._row(each)
        return found

    def _chosen(self, made: Field) -> Any:
        kind = self._texts.get(choice_name(made.name), made.text)
        if kind == NONE:
            return None if made.nullable else ABSENT
        known = {str(at): each for at, each in enumerate(made.inner)}
        return self._value(known[kind]) if kind in known else ABSENT

    def _single(self, made: Field, text: str | None) -> Any:
        if text is None:
            return made.value
        text = text.replace("\r\n", "\n")
        if self._is_untouched(made, text):
            return made.value
        if not text.strip():
            return _empty(made, text)
        return self._read(made, text)

    def _is_untouched(self, made: Field, text: str) -> bool:
        """It holds what it was filled with: then nothing can be lost on the way."""
        if made.secret:
            return not text.strip()
        if made.kind == "moment" and text:
            return is_same_moment(text, self._zone(made), made.value)
        return made.value is not ABSENT and text == text_of(made.kind, made.value)

    def _read(self, made: Field, text: str) -> Any:
        match made.kind:
            case "number":
                return _number(text.strip())
            case "choice":
                return _json_or_text(text)
            case "lines":
                kind = made.schema["items"].get("type", "string")
                lines = [line for line in text.split("\n") if line.strip()]
                return [line if kind == "string" else _number(line.strip()) for line in lines]
            case "json":
                return self._document(made, text)
            case "moment":
                return self._moment(made, text)
            case _:
                return text

    def _moment(self, made: Field, text: str) -> Any:
        try:
            return moment(text, self._zone(made)).text
        except NoMoment as error:
            return self._fault(made.where, f"{text} {error}")

    def _zone(self, made: Field) -> str:
        return self._texts.get(zone_name(made.name), made.zone or "").strip()

    def _document(self, made: Field, text: str) -> Any:
        try:
            return json_of(text)
        except (ValueError, RecursionError) as error:
            return self._fault(made.where, f"is no JSON: {error}")

    def _fault(self, where: str, what: str) -> None:
        self.faults.append(ParameterFault(where, what))


def read_form(name: str, fields: Sequence[Field], texts: Mapping[str, str]) -> dict[str, Any]:
    """The parameters that were changed.

    Raises:
        InvalidParameters: something cannot be read: what must be JSON is none, a time there never
            was, a key without text.
    """
    reading = Reading(texts)
    found = reading.changes(fields)
    if reading.faults:
        raise InvalidParameters(name, reading.faults)
    return found


def _may_be_empty(made: Field, kind: type) -> bool:
    """No rows at all are a value, where there must be one or where there were some."""
    return made.required or isinstance(made.value, kind)


def _empty(made: Field, text: str) -> Any:
    if made.nullable:
        return None if made.value is not ABSENT or made.required else ABSENT
    if made.kind in ("text", "long") and isinstance(made.value, str):
        return text
    return [] if made.kind == "lines" and _may_be_empty(made, list) else ABSENT


def _number(text: str) -> Any:
    """The number, or the text for the door to refuse."""
    for kind in (int, float):
        try:
            value = kind(text)
        except ValueError:
            continue
        return value if isinstance(value, int) or isfinite(value) else text
    return text


def _json_or_text(text: str) -> Any:
    try:
        return json_of(text)
    except ValueError:
        return text
