"""A JSON Schema as fields of a form: what to show for each part of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from orchestrator.model.errors import ParameterFault
from orchestrator.model.secrets import is_secret, secret_places
from orchestrator.ui.form_field import (
    ABSENT,
    CONTAINERS,
    NONE,
    Field,
    Form,
    Kind,
    Spot,
    changed,
    choice_name,
    count_name,
    key_name,
    kind_name,
    origin_name,
    zone_name,
)
from orchestrator.ui.form_kinds import MOST_ROWS, chosen_kind, holds, kinds_of
from orchestrator.ui.form_moments import parts
from orchestrator.ui.form_texts import hint_of, options_of, secret_hint, text_of, word_of

_DEEPEST = 6
"""Fields within fields; what is below is JSON."""

_ROWS = frozenset({"group", "rows", "entries"})


class Fields:
    """Makes the fields of one schema."""

    def __init__(
        self,
        schema: Mapping[str, Any],
        texts: Mapping[str, str] | None = None,
        faults: Sequence[ParameterFault] = (),
        *,
        fresh: Collection[str] = (),
    ) -> None:
        """``texts``: what was sent of the form. ``fresh``: parameters whose rows are others than
        those that the form will be read against."""
        self._schema = schema
        self._definitions = {**schema.get("definitions", {}), **schema.get("$defs", {})}
        self._texts = texts or {}
        self._faults = faults
        self._fresh = fresh
        self._secrets = secret_places(schema)

    def form(self, values: Mapping[str, Any]) -> Form:
        """The fields of the whole, filled with ``values``."""
        fields = tuple(self._properties(self._schema, Spot(), values, 0))
        known = set(_places(fields))
        loose = [each for each in self._faults if _nearest(each.where, known) is None]
        return Form(fields, tuple(f"{each.where} {each.what}".strip() for each in loose))

    def _properties(
        self, schema: Mapping[str, Any], spot: Spot, value: Any, depth: int
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
            yield self._field(part, spot.below(name), held, depth, required=name in required)

    def _field(
        self,
        schema: Mapping[str, Any],
        spot: Spot,
        value: Any,
        depth: int,
        *,
        label: str = "",
        required: bool = True,
    ) -> Field:
        branches, nullable = self._branches(schema)
        kept = {key: schema[key] for key in ("title", "description") if key in schema}
        if len(branches) == 1 and not (nullable and self._kinds(branches[0], spot)[0] in _ROWS):
            schema, branches = {**branches[0], **kept}, []
        chosen = chosen_kind(branches, value, nullable, self._definitions) if branches else None
        kind = self._kind(schema, branches, spot, value, depth, nullable=nullable)
        made = self._plain(kind, schema, spot, value, required=required, nullable=nullable)
        made = changed(made, label=label or spot.steps[-1])
        match kind:
            case "union":
                return self._union(made, branches, spot, chosen or "0", depth + 1)
            case "group":
                inner = self._properties(schema, spot, value, depth + 1)
            case "rows":
                inner = self._rows(made, spot, depth + 1)
            case "entries":
                inner = self._entries(made, spot, depth + 1)
            case _:
                return made
        return changed(made, inner=tuple(inner))

    def _branches(self, schema: Mapping[str, Any]) -> tuple[list[dict[str, Any]], bool]:
        """What else than null it may be, and whether it may be null."""
        every = [self.resolved(each) for each in schema.get("anyOf", schema.get("oneOf", ()))]
        branches = [each for each in every if each.get("type") != "null"]
        return branches, len(branches) < len(every)

    def _kind(
        self,
        schema: Mapping[str, Any],
        branches: Sequence[Mapping[str, Any]],
        spot: Spot,
        value: Any,
        depth: int,
        *,
        nullable: bool,
    ) -> Kind:
        """How it was shown, when it was; else the first kind that loses nothing of the value."""
        if branches:
            fits = chosen_kind(branches, value, nullable, self._definitions) is not None
            found: list[tuple[Kind, bool]] = [("union", fits), ("json", True)]
        else:
            found = [(each, holds(each, value, schema)) for each in self._kinds(schema, spot)]
        if nullable and value == []:  # no line at all stands for null
            found = [(each, fits and each != "lines") for each, fits in found]
        if depth >= _DEEPEST:
            found = [(each, fits) for each, fits in found if each not in CONTAINERS]
        sent = self._texts.get(kind_name(spot.name))
        return next(
            (each for each, _ in found if each == sent),
            next(each for each, fits in found if fits),
        )

    def _kinds(self, schema: Mapping[str, Any], spot: Spot) -> list[Kind]:
        plain = not is_secret(self._secrets, spot.steps)
        return list(kinds_of(schema, self._item(schema), plain=plain))

    def _item(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """What is in a list, or in a mapping."""
        return self.resolved(schema.get("items") or schema.get("additionalProperties"))

    def _rows(self, made: Field, spot: Spot, depth: int) -> Iterator[Field]:
        held = made.value if isinstance(made.value, list) else []
        item = self._item(made.schema)
        for at in range(self._count(spot, len(held))):
            row = spot.row(at, str(at))
            origin = self._origin(row, spot, str(at) if at < len(held) else "")
            known = origin.isascii() and origin.isdecimal() and int(origin) < len(held)
            value = held[int(origin)] if known else ABSENT
            inner = self._field(item, row, value, depth, label=f"{made.label} {at + 1}")
            yield changed(inner, origin=self._told(origin, spot))

    def _entries(self, made: Field, spot: Spot, depth: int) -> Iterator[Field]:
        held = made.value if isinstance(made.value, Mapping) else {}
        keys = list(held)
        item = self._item(made.schema)
        for at in range(self._count(spot, len(held))):
            name = spot.row(at, "").name
            origin = self._origin(Spot((), name), spot, keys[at] if at < len(keys) else "")
            key = self._texts.get(key_name(name), keys[at] if at < len(keys) else "")
            where = f"{made.where}.{at + 1} key"
            typed = Field(
                kind="text",
                name=key_name(name),
                where=where,
                label=f"Key {at + 1}",
                word="text",
                text=key,
                faults=self._said(where),
            )
            value = held.get(origin, ABSENT)
            inner = self._field(item, spot.row(at, key), value, depth, label=f"Value {at + 1}")
            yield changed(inner, origin=self._told(origin, spot), key=typed)

    def _count(self, spot: Spot, held: int) -> int:
        text = self._texts.get(count_name(spot.name), "")
        known = text.isascii() and text.isdecimal() and len(text) < 4
        return min(int(text), MOST_ROWS) if known else held

    def _origin(self, row: Spot, spot: Spot, held: str) -> str:
        sent = count_name(spot.name) in self._texts
        return self._texts.get(origin_name(row.name), "") if sent else held

    def _told(self, origin: str, spot: Spot) -> str:
        """What the form says: nothing, where it will be read against other rows."""
        return "" if spot.steps[0] in self._fresh else origin

    def _union(
        self,
        made: Field,
        branches: Sequence[Mapping[str, Any]],
        spot: Spot,
        held: str,
        depth: int,
    ) -> Field:
        inner = tuple(
            self._field(each, spot.kind(at), made.value if str(at) == held else ABSENT, depth)
            for at, each in enumerate(branches)
        )
        options = [(str(at), self._word(each)) for at, each in enumerate(branches)]
        if made.nullable:
            options.insert(0, (NONE, "nothing"))
        chosen = self._texts.get(choice_name(spot.name), held)
        return changed(made, inner=inner, options=tuple(options), text=chosen)

    def _plain(
        self,
        kind: Kind,
        schema: Mapping[str, Any],
        spot: Spot,
        value: Any,
        *,
        required: bool,
        nullable: bool,
    ) -> Field:
        where = ".".join(spot.steps)
        secret = kind not in CONTAINERS and is_secret(self._secrets, spot.steps)
        held = "" if secret else text_of(kind, value)
        if kind == "choice" and value is None and None in schema.get("enum", ()):
            held = "null"
        sent = None if secret and kind != "json" else self._texts.get(spot.name)
        description = schema.get("description")
        hint = secret_hint(value is not ABSENT) if secret else hint_of(schema, kind)
        empty = required and value is ABSENT
        return Field(
            kind=kind,
            name=spot.name,
            where=where,
            label=spot.steps[-1],
            word=self._words(schema) + (" or nothing" if nullable else ""),
            hint="\n".join(filter(None, [description, hint])),
            required=required,
            nullable=nullable,
            secret=secret,
            value=value,
            text=held if sent is None else sent,
            zone=self._zone(spot, value) if kind == "moment" else None,
            options=options_of(kind, schema, required=empty, nullable=nullable, secret=secret),
            schema=schema,
            faults=self._said(where, below=kind not in CONTAINERS),
        )

    def _zone(self, spot: Spot, value: Any) -> str | None:
        known = parts(value)
        return self._texts.get(zone_name(spot.name), known[1] if known else None)

    def _said(self, where: str, *, below: bool = False) -> tuple[str, ...]:
        """What is wrong with what stands there, or below it where that has no field."""
        return tuple(
            each.what
            for each in self._faults
            if each.where == where or (below and each.where.startswith(f"{where}."))
        )

    def _words(self, schema: Mapping[str, Any]) -> str:
        named = [self._word(each) for each in self._branches(schema)[0]]
        return " or ".join(dict.fromkeys(named)) or self._word(schema)

    def _word(self, schema: Mapping[str, Any]) -> str:
        """What it takes, with what is in it."""
        item = self._item(schema)
        if item and schema.get("type") == "array":
            return f"list of {self._inner_word(item)}"
        if item and schema.get("type") == "object" and not schema.get("properties"):
            return f"mapping to {self._inner_word(item)}"
        return word_of(schema)

    def _inner_word(self, item: Mapping[str, Any]) -> str:
        named = [word_of(each) for each in self._branches(item)[0]]
        return " or ".join(dict.fromkeys(named)) or word_of(item)

    def resolved(self, schema: Any) -> dict[str, Any]:
        """The schema that a reference stands for, with what is said beside the reference."""
        if not isinstance(schema, Mapping):
            return {}
        for _ in range(10):
            all_of = schema.get("allOf", ())
            reference = schema.get("$ref") or (all_of[0].get("$ref") if len(all_of) == 1 else None)
            if not isinstance(reference, str):
                break
            beside = {key: schema[key] for key in schema if key not in ("$ref", "allOf")}
            schema = {**self._definitions.get(reference.rpartition("/")[2], {}), **beside}
        return dict(schema)


def _places(fields: Sequence[Field]) -> Iterator[str]:
    for each in fields:
        yield each.where
        if each.key:
            yield each.key.where
        yield from _places(each.inner)


def _nearest(where: str, known: set[str]) -> str | None:
    """The field that a fault belongs to."""
    while where and where not in known:
        where = where.rpartition(".")[0]
    return where or None
