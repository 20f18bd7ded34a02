"""Parameters as typed become the values that were meant."""

from __future__ import annotations

from typing import Any

import pytest
import typer

from orchestrator.cli.arguments import parse_parameters


@pytest.mark.parametrize(
    ("pair", "value"),
    [
        ("x=1", 1),
        ("x=1.5", 1.5),
        ("x=true", True),
        ("x=null", None),
        ("x=[1, 2]", [1, 2]),
        ('x={"a": "b=c"}', {"a": "b=c"}),
        ('x="1"', "1"),
        ("x=Ada", "Ada"),
        ("x=a=b", "a=b"),
        ("x=", ""),
        ("x=  spaced ", "  spaced "),
        ("x=True", "True"),
        ("x=NaN", "NaN"),
        ("x=[1,", "[1,"),
        ("x=" + "[" * 100_000, "[" * 100_000),
    ],
)
def test_a_value_is_json_if_it_parses_else_the_text(pair: str, value: Any) -> None:
    assert parse_parameters([pair], None) == {"x": value}


def test_a_single_parameter_wins_over_the_document() -> None:
    assert parse_parameters(["x=2"], '{"x": 1, "y": 3}') == {"x": 2, "y": 3}


@pytest.mark.parametrize("pair", ["x", "=1", " =1", ""])
def test_a_pair_without_name_or_equals_sign_is_refused(pair: str) -> None:
    with pytest.raises(typer.BadParameter, match="NAME=VALUE"):
        parse_parameters([pair], None)


def test_the_same_name_twice_is_refused() -> None:
    with pytest.raises(typer.BadParameter, match="twice"):
        parse_parameters(["x=1", "x=2"], None)


@pytest.mark.parametrize("text", ["", "{", "[1]", "1", '"x"', "null", '{"x": NaN}', "{'x': 1}"])
def test_a_document_that_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="JSON"):
        parse_parameters([], text)
