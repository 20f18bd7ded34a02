"""A JSON Schema as fields of a form: what to show for each part of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from orchestrator.model.errors import ParameterFault
from orchestrator.model.secrets import is_secret, secret_places

Kind = Literal[
    "text",
    "long",
    "number",
    "date",
    "time",
    "moment",
    "secret",
    "choice",
    "lines",
    "json",
    "group",
    "union",
    "rows",
]
Steps = tuple[str, ...]

ABSENT: Any = object()
"""No value: the default is left to whoever has one."""

NONE = "none"
"""The kind of a union that stands for null."""

_DEEPEST = 6
"""Models within models that get fields of their own; what is below is JSON."""

MOST_ROWS = 200
"""More are edited as JSON."""

_LONG = 80
_BY_FORMAT: dict[str, Kind] = {"date": "date", "time": "time", "date-time": "moment"}
_HINTS = {
    "duration": "Like PT90S, PT1H30M or P2D.",
    "date-time": "Local to where the run happens unless it names an offset.",
    "uuid": "Like 123e4567-e89b-12d3-a456-426614174000.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One part of the form."""

    kind: Kind
    name: str
    """In the form."""
    where: str
    """In the parameters, as faults name it."""
    label: str
    word: str
    """What it takes."""
    hint: str = ""
    required: bool = False
    nullable: bool = False
    value: Any = ABSENT
    """What it holds at first."""
    text: str = ""
    """The same as the form shows it."""
    options: tuple[tuple[str, str], ...] = ()
    """Of a choice or a union: value and word."""
    inner: tuple[Field, ...] = ()
    """Of a group its parts, of a union one for each kind, of rows a group for each."""
    schema: Mapping[str, Any] = field(default_factory=dict)
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Form:
    """All fields, and what is wrong with none of them in particular."""

    fields: tuple[Field, ...]
    faults: tuple[str, ...] = ()


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
        if kind == "rows" and not _fits_in_rows(value, self.resolved(schema["items"])):
            kind = "json"
        made = self._plain(kind, schema, steps, value, required=required, nullable=nullable)
        if kind == "group":
            return _with(made, inner=tuple(self._properties(schema, steps, value, depth + 1)))
        if kind == "rows":
            return _with(made, inner=tuple(self._rows(schema, steps, value, depth + 1)))
        return made

    def _rows(
        self, schema: Mapping[str, Any], steps: Steps, value: Any, depth: int
    ) -> Iterator[Field]:
        rows = value if isinstance(value, list) else []
        text = (self._counts or {}).get(count_name(_name(steps)), "")
        known = text.isascii() and text.isdecimal() and len(text) < 4
        for at in range(min(int(text), MOST_ROWS) if known else len(rows)):
            held = rows[at] if at < len(rows) else ABSENT
            item = self.resolved(schema["items"])
            made = self._field(item, (*steps, str(at)), held, False, depth)
            yield _with(made, label=f"{steps[-1]} {at + 1}")

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
        chosen = _chosen(branches, value, nullable)
        texts = self._texts or {}
        chosen = texts.get(f"{_name(steps)}?", chosen)
        made = self._plain("union", schema, steps, value, required=required, nullable=nullable)
        self._within_unions += 1
        inner = tuple(
            self._field(each, steps, value if str(at) == chosen else ABSENT, False, depth + 1)
            for at, each in enumerate(branches)
        )
        self._within_unions -= 1
        inner = tuple(_renamed(each, f"{_name(steps)}?{at}") for at, each in enumerate(inner))
        options = [(str(at), _word(each)) for at, each in enumerate(branches)]
        if nullable:
            options.insert(0, (NONE, "nothing"))
        return _with(made, inner=self._refilled(inner), options=tuple(options), text=chosen)

    def _refilled(self, inner: Sequence[Field]) -> tuple[Field, ...]:
        """Fields under other names hold what was sent under those."""
        if self._texts is None:
            return tuple(inner)
        return tuple(
            _with(
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
        name, where = _name(steps), ".".join(steps)
        secret = is_secret(self._secrets, steps)
        shown = "" if secret and kind in ("secret", "json") else _text(kind, value)
        if self._texts is not None and kind != "secret":
            shown = self._texts.get(name, "")
        hint = "\n".join(filter(None, [schema.get("description"), _hint(schema, secret, kind)]))
        options = _options(kind, schema, required=required and value is ABSENT, nullable=nullable)
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
        named = [_word(each) for each in branches if each.get("type") != "null"]
        return " or ".join(dict.fromkeys(named)) or _word(schema)

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
            return _kind_of_text(schema)
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


def _fits_in_rows(value: Any, item: Mapping[str, Any]) -> bool:
    """Whether nothing of the value would be lost in rows."""
    if not isinstance(value, list):
        return True
    known = set(item["properties"])
    return len(value) <= MOST_ROWS and all(
        isinstance(each, Mapping) and known >= set(each) for each in value
    )


def count_name(name: str) -> str:
    """The field that says how many rows there are."""
    return f"{name}#"


def _kind_of_text(schema: Mapping[str, Any]) -> Kind:
    kind = _BY_FORMAT.get(schema.get("format", ""), "text")
    default = schema.get("default")
    if isinstance(default, str):
        if kind == "moment" and len(default) > len("2026-11-22T15:04:05"):
            return "text"  # with an offset, which the browser's own field has no room for
        if "\n" in default or len(default) > _LONG:
            return "long"
    return "long" if kind == "text" and schema.get("maxLength", 0) > 500 else kind


def _options(
    kind: Kind, schema: Mapping[str, Any], *, required: bool, nullable: bool
) -> tuple[tuple[str, str], ...]:
    if kind != "choice":
        return ()
    if "enum" in schema:
        values = list(schema["enum"])
    else:
        values = [schema["const"]] if "const" in schema else [True, False]
    found = [(json.dumps(each), _shown(each)) for each in values]
    empty = [("", "nothing" if nullable else "choose")] if nullable or required else []
    return (*empty, *found)


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _text(kind: Kind, value: Any) -> str:
    if value is ABSENT or (value is None and kind != "json"):
        return ""
    if kind == "lines" and isinstance(value, list):
        return "\n".join(map(str, value))
    if kind == "json":
        return json.dumps(value, indent=2, ensure_ascii=False)
    return json.dumps(value) if kind == "choice" or not isinstance(value, str) else value


def _word(schema: Mapping[str, Any]) -> str:
    """What it takes, in a word."""
    if "enum" in schema or "const" in schema:
        return "choice"
    named = schema.get("format") or schema.get("type") or schema.get("title") or "anything"
    return named if isinstance(named, str) else " or ".join(map(str, named))


def _hint(schema: Mapping[str, Any], secret: bool, kind: Kind) -> str:
    if secret and kind in ("secret", "json"):
        return "Secret: it is never shown. Left empty it stays as it is."
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
    return " ".join(
        filter(None, [_HINTS.get(schema.get("format", ""), ""), one_each, ", ".join(limits)])
    )


def _chosen(branches: Sequence[Mapping[str, Any]], value: Any, nullable: bool) -> str:
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


def _name(steps: Steps) -> str:
    return "p" + "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)


def _renamed(made: Field, name: str) -> Field:
    """The field, and all in it, under another name: kinds of a union share a place."""
    inner = tuple(_renamed(each, name + each.name.removeprefix(made.name)) for each in made.inner)
    return _with(made, name=name, inner=inner)


def _with(made: Field, **changes: Any) -> Field:
    return Field(**{name: getattr(made, name) for name in Field.__slots__} | changes)


def _places(fields: Sequence[Field]) -> Iterator[str]:
    for each in fields:
        yield each.where
        yield from _places(each.inner)


def _nearest(where: str, known: set[str]) -> str | None:
    """The field that a fault belongs to."""
    while where and where not in known:
        where = where.rpartition(".")[0]
    return where or None
