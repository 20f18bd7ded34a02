"""Templates: filled in with their types, inside a sandbox."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.model.errors import InvalidOption
from orchestrator.model.templates import TemplateFailed, check_templates, filled_in, speaks_of

CONTEXT = {
    "event": {
        "payload": {"n": 3, "text": "7", "list": [1, {"a": None}], "yes": True, "items": [2]},
        "id": "e",
    },
    "run": {"result": {"rows": 2}},
}


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("plain", "plain"),
        (5, 5),
        ("{{ event.payload.n }}", 3),
        ("{{event.payload.n}}", 3),
        ("{{- event.payload.n -}}", 3),
        ("{{ event.payload.n + 1 }}", 4),
        ("{{ -event.payload.n }}", -3),
        ("{{ event.payload.text }}", "7"),
        ("{{ event.payload.list }}", [1, {"a": None}]),
        ("{{ event.payload.yes }}", True),
        ("{{ event.payload.items }}", [2]),
        ("{{ event.payload.keys() | length }}", 5),
        ("{{ run.result }}", {"rows": 2}),
        ("{{ event.payload.list[1].a }}", None),
        ("{{ event.payload.missing | default(9) }}", 9),
        ("n={{ event.payload.n }}", "n=3"),
        (" {{ event.payload.n }}", " 3"),
        ("{{ event.payload.n }}{{ event.payload.text }}", "37"),
        ("{{ '{{' }}", "{{"),
        ({"a": ["{{ event.id }}", {"b": "{{ event.payload.n }}"}]}, {"a": ["e", {"b": 3}]}),
    ],
)
def test_a_template_is_filled_in(template: Any, value: Any) -> None:
    check_templates(template)
    filled = filled_in(template, CONTEXT)

    assert filled == value
    assert type(filled) is type(value)


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{{ event.payload.missing }}", "missing"),
        ("{{ event.payload.missing.more }}", "missing"),
        ("x{{ event.payload.missing }}", "missing"),
        ("{{ event.payload.n.real.__class__ }}", "unsafe"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{{ event.payload.list.append(1) }}", "append"),
        ("{{ 'x' * 10**9 }}", "too large"),
        ("{{ 10 ** 10 ** 10 }}", "too large"),
        ("{{ event.payload.n / 0 }}", "division"),
        ("{{ event.payload.n.x() }}", "x"),
    ],
)
def test_what_cannot_or_must_not_be_is_told(template: str, words: str) -> None:
    check_templates(template)
    with pytest.raises(TemplateFailed, match=words):
        filled_in(template, CONTEXT)


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{{ event.", "is no template"),
        ("{{ }}", "is no template"),
        ("{% for x in range(9) %}{{ x }}{% endfor %}", "no statements"),
        ("{% include 'x' %}", "no statements"),
        ("{{ flow_run.id }}", "'flow_run' is not known; templates may speak of event, run"),
    ],
)
def test_what_is_no_template_is_refused_at_the_door(template: str, words: str) -> None:
    with pytest.raises(InvalidOption, match=words):
        check_templates({"a": [template]})


def test_what_a_template_speaks_of() -> None:
    assert speaks_of({"a": ["{{ run.result }}"]}, "run")
    assert not speaks_of({"a": "{{ event.run }}", "b": "run"}, "run")
