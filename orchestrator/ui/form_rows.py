"""Rows of a form, of lists and of mappings: one is added, or one is taken away."""

from __future__ import annotations

import re
from collections.abc import Mapping

from orchestrator.ui.form_field import count_name

Texts = Mapping[str, str]

ADD, REMOVE = "+", "-"


def changed_rows(wish: str, texts: Texts) -> dict[str, str]:
    """The texts after the button was pressed that says ``+NAME`` or ``-NAME/NUMBER``; the same
    texts when there is no such row. A new row has no texts yet: it shows its defaults."""
    if wish.startswith(ADD):
        name = wish.removeprefix(ADD)
        return {**texts, count_name(name): str(_count(name, texts) + 1)}
    name, _, number = wish.removeprefix(REMOVE).rpartition("/")
    return _removed(name, number, texts)


def _removed(name: str, number: str, texts: Texts) -> dict[str, str]:
    count = _count(name, texts)
    if number not in map(str, range(count)):
        return dict(texts)
    gone = int(number)
    row = re.compile(re.escape(name) + r"/([0-9]+)(?![^/?#@])(.*)", re.DOTALL)
    kept = {}
    for each, text in texts.items():
        match = row.fullmatch(each)
        at = int(match[1]) if match else gone
        if match is None:
            kept[each] = text
        elif at != gone:
            kept[f"{name}/{at - (at > gone)}{match[2]}"] = text
    return {**kept, count_name(name): str(count - 1)}


def _count(name: str, texts: Texts) -> int:
    text = texts.get(count_name(name), "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else 0
