"""Rows of a form: lists of models, to which one is added, or from which one is taken."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from orchestrator.ui.form_field import Field, count_name
from orchestrator.ui.form_fields import Fields

Texts = Mapping[str, str]

ADD, REMOVE = "+", "-"


def changed_rows(
    wish: str, texts: Texts, schema: Mapping[str, object], held: Mapping[str, object]
) -> dict[str, str]:
    """The texts after the button was pressed that says ``+NAME`` or ``-NAME/NUMBER``; the same
    texts when there is no such list or row."""
    if wish.startswith(ADD):
        return _added(wish.removeprefix(ADD), texts, schema, held)
    name, _, number = wish.removeprefix(REMOVE).rpartition("/")
    return _removed(name, number, texts)


def _added(
    name: str, texts: Texts, schema: Mapping[str, object], held: Mapping[str, object]
) -> dict[str, str]:
    longer = {**texts, count_name(name): str(_count(name, texts) + 1)}
    made = Fields(schema, counts=longer).form(held)
    row = f"{name}/{_count(name, texts)}/"
    fresh = {each.name: each.text for each in _leaves(made.fields) if each.name.startswith(row)}
    return {**fresh, **longer}


def _removed(name: str, number: str, texts: Texts) -> dict[str, str]:
    count = _count(name, texts)
    numbers = [str(at) for at in range(count)]
    if number not in numbers:
        return dict(texts)
    gone = numbers.index(number)
    places = {str(at): str(at - (at > gone)) for at in range(count) if at != gone}
    kept = {}
    for each, text in texts.items():
        at, slash, rest = each.removeprefix(f"{name}/").partition("/")
        if not each.startswith(f"{name}/") or not slash:
            kept[each] = text
        elif at in places:
            kept[f"{name}/{places[at]}/{rest}"] = text
    return {**kept, count_name(name): str(count - 1)}


def _count(name: str, texts: Texts) -> int:
    text = texts.get(count_name(name), "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else 0


def _leaves(fields: Iterable[Field]) -> Iterator[Field]:
    for each in fields:
        yield each
        yield from _leaves(each.inner)
