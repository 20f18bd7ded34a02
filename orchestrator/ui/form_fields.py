"""A JSON Schema as fields of a form: what to show for each part of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from orchestrator.model.errors import ParameterFault
from orchestrator.model.secrets import is_secret, secret_places
from orchestrator.ui.form_field import (
    ABSENT,
    NONE,
    Field,
    Form,
    Kind,
    Steps,
    changed,
    count_name,
    name_of,
    renamed,
)
from orchestrator.ui.form_kinds import MOST_ROWS, chosen_kind, fits_in_rows, kind_of_text
from orchestrator.ui.form_texts import hint_of, options_of, text_of, word_of

_DEEPEST = 6
"""Models within models that get fields of their own; what is below is JSON."""


class Fields:
    """Makes the fields of one schema."""

    def __init__(
        self,
        schema: Mapping[str, Any],
        texts: Mapping[str, str] | None = None,
        faults: Sequence[ParameterFault] = (),
        *,
        counts: Mapping[str, str] | None = None,
    ) -> None:
        """``counts``: texts that say how many rows there are; else ``texts`` do, or the values."""
        self._schema = schema
        self._counts = texts if counts is None else counts
        self._within_unions = 0
        self._definitions = {**schema.get("definitions", {}), **schema.get("$defs", {})}
        self._texts = texts
        self._faults = faults
        self._secrets = secret_places(schema)

    def form(self, values: Mapping[str, Any]) -> Form:
        """The fields of the whole, filled with ``values``."""
        fields = tuple(self._properties(self._schema, (), values, 0))
        known = set(_places(fields))
        loose = [each for each in self._faults if _nearest(each.where, known) is None]
        return Form(fields, tuple(f"{each.where} {each.what}".strip() for each in loose))

    def _properties(
        self, schema: Mapping[str, Any], steps: Steps, value: Any, depth: int
    ) -> Iterator[Field]:
        required = schema.get("required", ())
        values = value if isinstance(value, Mapping) else {}
        properties = schema.get("properties", {})
        # Stored schemas have their names in the order of the alphabet; required ones are a list.
        order = sorted(
            properties,
            key=lambda name: (
                properties[name].get("position", 0),
                required.index(name) if name in required else len(required),
            ),
        )
        for name in order:
            part = self.resolved(properties[name])
            held = values.get(name, part.get("default", ABSENT))
            yield self._field(part, (*steps, name), held, name in required, depth)

    def _field(
        self, schema: Mapping[str, Any], steps: Steps, value: Any, required: bool, depth: int
    ) -> Field:
        branches = [self.resolved(each) for each in schema.get("anyOf", schema.get("oneOf", ()))]
        nullable = any(each.get("type") == "null" for each in branches)
        branches = [each for each in branches if each.get("type") != "null"]
        kept = {key: schema[key] for key in ("title", "description") if key in schema}
        if len(branches) == 1 and not (nullable and branches[0].get("properties")):
            schema = {**branches[0], **kept}
        elif branches and depth < _DEEPEST:
            return self._union(schema, branches, steps, value, required, nullable, depth)
        kind = self._kind(schema, steps, depth)
        if kind == "rows" and not fits_in_rows(value, self.resolved(schema["items"])):
            kind = "json"
        made = self._plain(kind, schema, steps, value, required=required, nullable=nullable)
        if kind == "group":
            return changed(made, inner=tuple(self._properties(schema, steps, value, depth + 1)))
        if kind == "rows":
            return changed(made, inner=tuple(self._rows(schema, steps, value, depth + 1)))
        return made

    def _rows(
        self, schema: Mapping[str, Any], steps: Steps, value: Any, depth: int
    ) -> Iterator[Field]:
        rows = value if isinstance(value, list) else []
        text = (self._counts or {}).get(count_name(name_of(steps)), "")
        known = text.isascii() and text.isdecimal() and len(text) < 4
        for at in range(min(int(text), MOST_ROWS) if known else len(rows)):
            held = rows[at] if at < len(rows) else ABSENT
            item = self.resolved(schema["items"])
            made = self._field(item, (*steps, str(at)), held, False, depth)
            yield changed(made, label=f"{steps[-1]} {at + 1}")

    def _union(
        self,
        schema: Mapping[str, Any],
        branches: Sequence[Mapping[str, Any]],
        steps: Steps,
        value: Any,
        required: bool,
        nullable: bool,
        depth: int,
    ) -> Field:
        chosen = chosen_kind(branches, value, nullable)
        texts = self._texts or {}
        chosen = texts.get(f"{name_of(steps)}?", chosen)
        made = self._plain("union", schema, steps, value, required=required, nullable=nullable)
        self._within_unions += 1
        inner = tuple(
            self._field(each, steps, value if str(at) == chosen else ABSENT, False, depth + 1)
            for at, each in enumerate(branches)
        )
        self._within_unions -= 1
        inner = tuple(renamed(each, f"{name_of(steps)}?{at}") for at, each in enumerate(inner))
        options = [(str(at), word_of(each)) for at, each in enumerate(branches)]
        if nullable:
            options.insert(0, (NONE, "nothing"))
        return changed(made, inner=self._refilled(inner), options=tuple(options), text=chosen)

    def _refilled(self, inner: Sequence[Field]) -> tuple[Field, ...]:
        """Fields under other names hold what was sent under those."""
        if self._texts is None:
            return tuple(inner)
        return tuple(
            changed(
                each,
                text=each.text if each.kind == "secret" else self._texts.get(each.name, each.text),
                inner=self._refilled(each.inner),
            )
            for each in inner
        )

    def _plain(
        self,
        kind: Kind,
        schema: Mapping[str, Any],
        steps: Steps,
        value: Any,
        *,
        required: bool,
        nullable: bool,
    ) -> Field:
        name, where = name_of(steps), ".".join(steps)
        secret = is_secret(self._secrets, steps)
        shown = "" if secret and kind in ("secret", "json") else text_of(kind, value)
        if self._texts is not None and kind != "secret":
            shown = self._texts.get(name, "")
        hint = "\n".join(filter(None, [schema.get("description"), hint_of(schema, secret, kind)]))
        options = options_of(kind, schema, required=required and value is ABSENT, nullable=nullable)
        return Field(
            kind=kind,
            name=name,
            where=where,
            label=steps[-1],
            word=self._words(schema) + (" or nothing" if nullable else ""),
            hint=hint,
            required=required,
            nullable=nullable,
            value=value,
            text=shown,
            options=options,
            schema=schema,
            faults=tuple(
                each.what
                for each in self._faults
                if each.where == where
                or (kind not in ("group", "union", "rows") and each.where.startswith(f"{where}."))
            ),
        )

    def _words(self, schema: Mapping[str, Any]) -> str:
        branches = [self.resolved(each) for each in schema.get("anyOf", schema.get("oneOf", ()))]
        named = [word_of(each) for each in branches if each.get("type") != "null"]
        return " or ".join(dict.fromkeys(named)) or word_of(schema)

    def resolved(self, schema: Any) -> dict[str, Any]:
        """The schema that a reference stands for, with what is said beside the reference."""
        if not isinstance(schema, Mapping):
            return {}
        for _ in range(10):
            parts = schema.get("allOf", ())
            reference = schema.get("$ref") or (parts[0].get("$ref") if len(parts) == 1 else None)
            if not isinstance(reference, str):
                break
            beside = {key: schema[key] for key in schema if key not in ("$ref", "allOf")}
            schema = {**self._definitions.get(reference.rpartition("/")[2], {}), **beside}
        return dict(schema)

    def _kind(self, schema: Mapping[str, Any], steps: Steps, depth: int) -> Kind:
        named = schema.get("type")
        if "enum" in schema or "const" in schema or named == "boolean":
            return "choice"
        if schema.get("writeOnly") or schema.get("format") == "password":
            return "secret"
        if named in ("integer", "number"):
            return "number"
        if named == "string":
            return kind_of_text(schema)
        if named == "object" and schema.get("properties") and depth < _DEEPEST:
            return "group"
        items = self.resolved(schema.get("items"))
        if named == "array" and items.get("properties") and self._can_be_rows(steps, depth):
            return "rows"
        simple = items.get("type") in ("string", "integer", "number") and "enum" not in items
        if named == "array" and simple and not is_secret(self._secrets, steps):
            return "lines"
        return "json"

    def _can_be_rows(self, steps: Steps, depth: int) -> bool:
        """Not where fields go by other names, nor where secrets are known by their places."""
        hidden = any(place[: len(steps)] == steps for place in self._secrets)
        return depth < _DEEPEST and not self._within_unions and not hidden


def _places(fields: Sequence[Field]) -> Iterator[str]:
    for each in fields:
        yield each.where
        yield from _places(each.inner)


def _nearest(where: str, known: set[str]) -> str | None:
    """The field that a fault belongs to."""
    while where and where not in known:
        where = where.rpartition(".")[0]
    return where or None
