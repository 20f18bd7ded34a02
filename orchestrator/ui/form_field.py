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
]
Steps = tuple[str, ...]

ABSENT: Any = object()
"""No value: the default is left to whoever has one."""

NONE = "none"
"""The kind of a union that stands for null."""


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


def name_of(steps: Steps) -> str:
    """In the form."""
    return "p" + "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)


def count_name(name: str) -> str:
    """The field that says how many rows there are."""
    return f"{name}#"


def renamed(made: Field, name: str) -> Field:
    """The field, and all in it, under another name: kinds of a union share a place."""
    inner = tuple(renamed(each, name + each.name.removeprefix(made.name)) for each in made.inner)
    return changed(made, name=name, inner=inner)


def changed(made: Field, **changes: Any) -> Field:
    """The field with these parts different."""
    return Field(**{name: getattr(made, name) for name in Field.__slots__} | changes)
