"""Whatever a schema allows: a form that is filled with a value and sent gives that value back."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.ui.form_fields import Fields
from orchestrator.ui.form_reading import read_form
from tests.ui.sending import sent_by

Case = tuple[dict[str, Any], Any]
"""A schema, and a value that fits it."""

TEXTS = st.text(st.characters(codec="utf-8"), max_size=100)
FULL = TEXTS.filter(str.strip)
"""An empty field stands for no value, so only rows have empty texts."""

MOMENTS = st.builds(
    "{}{}{}".format,
    st.datetimes().map(lambda each: each.isoformat(timespec="seconds")),
    st.sampled_from(["", ".5", ".123", ".123456"]),
    st.sampled_from(["", "Z", "+00:00", "+05:45", "-11:00"]),
)
TIMES = st.builds("{}{}".format, st.times(), st.sampled_from(["", "Z", "+05:45", "-11:00"]))


def of(schema: dict[str, Any], values: st.SearchStrategy[Any]) -> st.SearchStrategy[Case]:
    return values.map(lambda value: (schema, value))


def plain() -> st.SearchStrategy[Case]:
    return st.one_of(
        of({"type": "string"}, FULL),
        of({"type": "string", "maxLength": 1000}, FULL),
        of({"type": "integer"}, st.integers()),
        of({"type": "number"}, st.floats(allow_nan=False, allow_infinity=False)),
        of({"type": "boolean"}, st.booleans()),
        of({"enum": ["a", 2, 2.0, "2", True]}, st.sampled_from(["a", 2, 2.0, "2", True])),
        of({"const": "fixed"}, st.just("fixed")),
        of({"type": "string", "format": "date"}, st.dates().map(str) | FULL),
        of({"type": "string", "format": "time"}, TIMES | FULL),
        of({"type": "string", "format": "date-time"}, MOMENTS | FULL),
        of({"anyOf": [{"type": "integer"}, {"type": "null"}]}, st.integers() | st.none()),
        of({}, st.one_of(st.integers(), FULL, st.lists(TEXTS), st.dictionaries(TEXTS, TEXTS))),
    )


@st.composite
def lists(draw: st.DrawFn, inner: st.SearchStrategy[Case]) -> Case:
    schema, value = draw(inner)
    value = [value] * draw(st.integers(1, 3))
    return {"type": "array", "items": schema}, value


@st.composite
def mappings(draw: st.DrawFn, inner: st.SearchStrategy[Case]) -> Case:
    schema, value = draw(inner)
    keys = draw(st.lists(TEXTS, min_size=1, max_size=3, unique=True))
    return {"type": "object", "additionalProperties": schema}, dict.fromkeys(keys, value)


@st.composite
def models(draw: st.DrawFn, inner: st.SearchStrategy[Case]) -> Case:
    parts = draw(st.dictionaries(TEXTS, inner, min_size=1, max_size=3))
    properties = {name: part for name, (part, _) in parts.items()}
    schema = {"type": "object", "properties": properties, "required": list(parts)}
    # What the schema does not name is not lost either.
    unknown = draw(st.dictionaries(TEXTS, st.integers(), max_size=1))
    return schema, {**unknown, **{name: value for name, (_, value) in parts.items()}}


@st.composite
def unions(draw: st.DrawFn, inner: st.SearchStrategy[Case]) -> Case:
    kinds = draw(st.lists(inner, min_size=1, max_size=3))
    schemas = [schema for schema, _ in kinds]
    if draw(st.booleans()):
        return {"anyOf": [*schemas, {"type": "null"}]}, draw(st.sampled_from([None, kinds[0][1]]))
    return {"anyOf": schemas}, draw(st.sampled_from([value for _, value in kinds]))


def deeper(inner: st.SearchStrategy[Case]) -> st.SearchStrategy[Case]:
    return lists(inner) | mappings(inner) | models(inner) | unions(inner)


CASES = st.one_of(
    st.recursive(plain(), deeper, max_leaves=6),
    of({"type": "array", "items": {"type": "string"}}, st.lists(TEXTS, min_size=1)),
    of(
        {"type": "object", "additionalProperties": {"type": "string"}},
        st.dictionaries(TEXTS, TEXTS, min_size=1),
    ),
    of(
        {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}]},
        st.lists(TEXTS) | st.none(),
    ),
)


@given(CASES)
def test_what_nobody_touched_stays(case: Case) -> None:
    schema, value = whole(case)
    texts = sent_by(Fields(schema).form(value).fields)

    assert read_form("f/d", Fields(schema, texts).form(value).fields, texts) == {}


@given(CASES)
def test_what_is_filled_in_is_read(case: Case) -> None:
    """As when it comes from JSON: what the form held at first was something else."""
    schema, value = whole(case)
    texts = sent_by(Fields(schema, fresh=value).form(value).fields)

    found = read_form("f/d", Fields(schema, texts).form({}).fields, texts)

    assert repr(found) == repr(value), "1, 1.0 and true are three values"


def whole(case: Case) -> Case:
    schema, value = case
    return {"type": "object", "properties": {"x": schema}, "required": ["x"]}, {"x": value}
