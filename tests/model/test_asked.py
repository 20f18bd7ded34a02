"""What is refused before anybody looks for the deployment."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.model.asked import Asked
from orchestrator.model.errors import InvalidOption


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tags": [""]}, "tags=''"),
        ({"tags": ["good", "  "]}, "not empty"),
        ({"tags": ["x" * 501]}, "longer than 500"),
        ({"tags": "text"}, "must be a list of texts"),
        ({"tags": [1]}, "must be a text"),
        ({"tags": None}, "must be a list of texts"),
        ({"name": ""}, "not empty"),
        ({"name": "x" * 501}, "longer than 500"),
        ({"name": 5}, "must be a text"),
        ({"idempotency_key": " "}, "not empty"),
    ],
)
def test_texts_that_cannot_be_used(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidOption) as refused:
        Asked(deployment="a/b", **options)
    assert words in str(refused.value)


def test_any_other_text_can_be() -> None:
    asked = Asked(deployment="a/b", name="é" * 500, tags=("日本", "a b"))

    assert (asked.name, asked.tags) == ("é" * 500, ("日本", "a b"))
