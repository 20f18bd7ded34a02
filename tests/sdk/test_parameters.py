"""Parameters: the schema of a signature, and what is described by its docstring."""

from __future__ import annotations

import enum
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, Field, SecretStr

from orchestrator.declaring.annotations import is_plain, plain_schema, plain_value
from orchestrator.declaring.coercion import Coercion, schemas
from orchestrator.declaring.docstring import argument_texts
from orchestrator.declaring.parameters import Parameters
from orchestrator.model.errors import InvalidParameters
from orchestrator.store.validation import check_parameters

if TYPE_CHECKING:
    from nowhere import OnlyForTheTypeChecker  # type: ignore[import-not-found]


class Color(enum.Enum):
    RED = "red"


class Point(BaseModel):
    x: int


class Unknown:
    pass


def everything(  # type: ignore[no-untyped-def]  # one has no annotation
    text: str,
    color: Color = Color.RED,
    point: Point | None = None,
    when: datetime | None = None,
    wait: timedelta = timedelta(seconds=5),
    mode: Literal["a", "b"] = "a",
    pair: tuple[int, str] = (1, "x"),
    positive: Annotated[int, Field(gt=0)] = 1,
    hook: Callable[[], int] | None = None,
    thing: Unknown | None = None,
    bare=3,
    unseen: OnlyForTheTypeChecker = None,
    *,
    named: bool = False,
) -> None:
    """Do everything.

    Args:
        text: what to say,
            in some words
        color (Color): which
        *more: not there

    Returns:
        nothing: at all
    """


def schema_of(fn: Callable[..., Any]) -> dict[str, Any]:
    return Parameters(fn, title="it").schema()


def test_the_schema_of_everything() -> None:
    schema = schema_of(everything)
    properties = schema["properties"]

    assert schema["required"] == ["text"]
    assert schema["additionalProperties"] is False
    assert [p["position"] for p in properties.values()] == list(range(13))
    assert properties["text"] == {
        "title": "text",
        "type": "string",
        "position": 0,
        "description": "what to say,\nin some words",
    }
    assert properties["color"]["$ref"] == "#/definitions/Color"
    assert properties["color"]["description"] == "which"
    assert properties["color"]["default"] == "red"
    assert set(schema["definitions"]) == {"Color", "Point"}
    assert properties["when"]["anyOf"][0] == {"format": "date-time", "type": "string"}
    assert (properties["wait"]["format"], properties["wait"]["default"]) == ("duration", "PT5S")
    assert properties["mode"]["enum"] == ["a", "b"]
    assert len(properties["pair"]["prefixItems"]) == 2
    assert properties["positive"]["exclusiveMinimum"] == 0
    assert properties["bare"] == {"default": 3, "title": "bare", "position": 10}
    for anything in ("hook", "thing", "unseen"):
        assert "type" not in properties[anything], anything


def test_the_schema_of_nothing() -> None:
    def nothing() -> None: ...

    assert schema_of(nothing) == {
        "title": "Parameters",
        "type": "object",
        "properties": {},
        "required": [],
        "additionalProperties": False,
        "definitions": {},
    }


def test_more_and_rest() -> None:
    def open_ended(*more: int, **rest: str) -> None: ...

    schema = schema_of(open_ended)

    assert schema["properties"]["more"]["items"] == {"type": "integer"}
    assert "rest" not in schema["properties"]
    assert schema["additionalProperties"] is True


PLAIN = [
    Any,
    str,
    int,
    float,
    bool,
    None,
    list,
    dict,
    list[int],
    list[Any],
    dict[str, float],
    dict[str, Any],
    int | None,
    str | int | None,
    list[int] | None,
    list[dict[str, list[float]]],
]
VALUES = ["a", "1", 1, 1.0, True, None, [], [1], ["a"], {}, {"a": 1.5}, [{"a": [1, 2]}]]


@pytest.mark.parametrize("annotation", PLAIN, ids=str)
def test_plain_schemas_are_those_of_pydantic(annotation: Any) -> None:
    hint = type(None) if annotation is None else annotation
    ((theirs,), _) = (list(part.values()) for part in schemas({"it": (hint, 1)}))
    theirs.pop("title", None)

    assert plain_schema(hint, 1) == theirs


@pytest.mark.parametrize("value", VALUES, ids=str)
@pytest.mark.parametrize("annotation", PLAIN, ids=str)
def test_plain_values_are_those_of_pydantic(annotation: Any, value: Any) -> None:
    hint = type(None) if annotation is None else annotation
    if is_plain(value, hint):
        ours = plain_value(value, hint)
        theirs = Coercion("it", {"it": hint}).built({"it": value})["it"]

        assert (ours, type(ours)) == (theirs, type(theirs))


@pytest.mark.parametrize("annotation", [set[int], tuple[int, ...], bytes, Color, dict[int, str]])
def test_other_annotations_are_left_to_pydantic(annotation: Any) -> None:
    assert plain_schema(annotation) is None


def test_names_that_a_model_could_not_have() -> None:
    def odd(_private: Color, model_config: Color, schema: Color) -> list[Color]:
        return [_private, model_config, schema]

    parameters = Parameters(odd, title="odd")
    given = {"_private": "red", "model_config": "red", "schema": "red"}

    assert list(parameters.schema()["properties"]) == list(given)
    assert parameters.built(given) == dict.fromkeys(given, Color.RED)


def test_docstrings_without_arguments() -> None:
    assert argument_texts("") == {}
    assert argument_texts("Args are mentioned here: not listed.") == {}
    assert argument_texts("X.\n\nArgs:\n    a: one\n\n    b: two\nRaises:\n    c: no") == {
        "a": "one",
        "b": "two",
    }


OTHER_STYLES = [
    "X.\n\nParameters\n----------\na : int\n    One.\nb : str, optional\n    Two.",
    "X.\n\n:param a: one\n:type a: int\n:returns: nothing",
    "X.\n\n@param a: one\n@return: nothing",
    "Args:",
    "Args:\n",
    "Args:\n    : nothing\n    a without a colon",
    "    Args:\n  odd: indents\n\ta: tab\n        Args:\n",
    "☃" * 500,
]


@pytest.mark.parametrize("docstring", OTHER_STYLES)
def test_docstrings_of_other_styles_do_no_harm(docstring: str) -> None:
    def documented(a: int, b: str = "") -> None: ...

    documented.__doc__ = docstring
    schema = schema_of(documented)

    assert list(schema["properties"]) == ["a", "b"]
    assert all("description" not in each for each in schema["properties"].values())


def test_the_rest_of_the_types() -> None:
    def rest(
        raw: bytes,
        password: SecretStr,
        day: date,
        when: time,
        several: tuple[int, ...],
        unique: set[Color],
        either: int | Color,
        nested: dict[str, list[Point]],
        key: UUID,
    ) -> None: ...

    schema = schema_of(rest)
    properties = schema["properties"]

    assert properties["raw"]["format"] == "binary"
    password = {"type": "string", "format": "password", "writeOnly": True}
    assert properties["password"].items() >= password.items()
    assert [properties[name]["format"] for name in ("day", "when", "key")] == [
        "date",
        "time",
        "uuid",
    ]
    assert properties["several"]["items"] == {"type": "integer"}
    assert properties["unique"]["uniqueItems"] is True
    assert properties["either"]["anyOf"][1] == {"$ref": "#/definitions/Color"}
    assert properties["nested"]["additionalProperties"]["items"] == {"$ref": "#/definitions/Point"}
    assert schema["definitions"]["Point"]["required"] == ["x"]


def test_a_method_has_no_self() -> None:
    class Shop:
        def total(self, count: int, /, *, tax: float = 0.1) -> float:
            return count * tax

    properties = schema_of(Shop().total)["properties"]

    assert [(n, p["position"]) for n, p in properties.items()] == [("count", 0), ("tax", 1)]


def test_what_is_wrong_with_a_secret_is_said_without_it() -> None:
    def login(password: Annotated[SecretStr, Field(max_length=3)], count: int = 1) -> None: ...

    parameters = Parameters(login, title="login")
    with pytest.raises(InvalidParameters) as refused:
        parameters.built({"password": "hunter2", "count": "many"})
    with pytest.raises(InvalidParameters) as at_the_door:
        check_parameters("login", parameters.schema(), {"password": "hunter2", "count": "many"})

    for error in (refused, at_the_door):
        assert "hunter2" not in str(error.value)
        assert "password: **********" in str(error.value)
        assert "many" in str(error.value)


def test_defaults_written_as_fields() -> None:
    def fielded(
        number: int = Field(3, gt=0, description="how many"),
        color: Color = Field(),  # noqa: B008  # as users write it
    ) -> tuple[int, Color]:
        return number, color

    parameters = Parameters(fielded, title="fielded")
    number = parameters.schema()["properties"]["number"]

    assert (number["default"], number["exclusiveMinimum"]) == (3, 0)
    assert number["description"] == "how many"
    assert parameters.required == ["color"]
    assert parameters.arguments(parameters.built({"color": "red"})) == ((3, Color.RED), {})
    with pytest.raises(InvalidParameters, match="greater than 0"):
        parameters.built({"number": 0})
