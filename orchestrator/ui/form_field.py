"""A field of a form, and the form: what templates show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

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
    "entries",
]
Steps = tuple[str, ...]

CONTAINERS = frozenset({"group", "union", "rows", "entries"})
"""Kinds of fields that hold others."""

ABSENT: Any = object()
"""No value: the default is left to whoever has one."""

NONE = "none"
"""The kind of a union that stands for null."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a field stands in the parameters, and the name it has in the form.

    The two differ where kinds of a union share a place, and where a row of a mapping is known by
    its number while its key is still being typed.
    """

    steps: Steps = ()
    name: str = "p"

    def below(self, step: str) -> Spot:
        """A part of a group."""
        return Spot((*self.steps, step), f"{self.name}/{_escaped(step)}")

    def row(self, at: int, step: str) -> Spot:
        """A row of a list or a mapping."""
        return Spot((*self.steps, step), f"{self.name}/{at}")

    def kind(self, at: int) -> Spot:
        """One of the kinds of a union."""
        return Spot(self.steps, f"{self.name}?{at}")


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
    secret: bool = False
    """What it holds is not shown; left empty it stays."""
    value: Any = ABSENT
    """What it holds at first."""
    text: str = ""
    """The same as the form shows it."""
    zone: str | None = None
    """Of a moment: the zone beside it; None leaves it to the browser."""
    options: tuple[tuple[str, str], ...] = ()
    """Of a choice or a union: value and word."""
    inner: tuple[Field, ...] = ()
    """Of a group its parts, of a union one for each kind, of rows and entries one for each."""
    key: Field | None = None
    """Of an entry: what its key is typed into."""
    origin: str = ""
    """Of a row or an entry: which of those that the form held at first it was."""
    schema: Mapping[str, Any] = field(default_factory=dict)
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Form:
    """All fields, and what is wrong with none of them in particular."""

    fields: tuple[Field, ...]
    faults: tuple[str, ...] = ()


def _escaped(step: str) -> str:
    for at, special in enumerate("~/?#@"):
        step = step.replace(special, f"~{at}")
    return step


def choice_name(name: str) -> str:
    """The field that says which kind of a union was chosen."""
    return f"{name}?"


def count_name(name: str) -> str:
    """The field that says how many rows there are."""
    return f"{name}#"


def kind_name(name: str) -> str:
    """The hidden field that says how a value was shown: what does not fit into rows is JSON."""
    return f"{name}@kind"


def zone_name(name: str) -> str:
    """The field with the time zone of a moment."""
    return f"{name}@zone"


def key_name(name: str) -> str:
    """The field with the key of an entry."""
    return f"{name}@key"


def origin_name(name: str) -> str:
    """The hidden field that says which row this was at first: its secrets go with it."""
    return f"{name}@from"


def changed(made: Field, **changes: Any) -> Field:
    """The field with these parts different."""
    return Field(**{name: getattr(made, name) for name in Field.__slots__} | changes)
