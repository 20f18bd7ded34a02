"""Values and schemas for annotations beyond plain JSON types. The only importer of pydantic."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, PydanticUserError, ValidationError, create_model
from pydantic.errors import PydanticUndefinedAnnotation
from pydantic.json_schema import GenerateJsonSchema

from orchestrator.model.errors import InvalidParameters, ParameterFault
from orchestrator.model.secrets import MASK, is_secret, secret_places

_ABSENT = inspect.Parameter.empty
_CONFIG = ConfigDict(arbitrary_types_allowed=True)
_REFERENCES = "#/definitions/{model}"


class Coercion:
    """Makes values as their annotations want them; built once, used for every call."""

    def __init__(self, title: str, hints: Mapping[str, Any]) -> None:
        self._title = title
        self._fields = {name: _field(position) for position, name in enumerate(hints)}
        self._model = _model({name: (hint, None) for name, hint in hints.items()})

    def built(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Each value as pydantic makes it from its annotation.

        Raises:
            InvalidParameters: some value cannot become what its annotation asks for.
        """
        try:
            made = self._model.model_validate(dict(values))
        except ValidationError as error:
            raise InvalidParameters(self._title, self._faults(error)) from None
        return {name: getattr(made, self._fields[name]) for name in values}

    def _faults(self, error: ValidationError) -> list[ParameterFault]:
        secrets = secret_places(_schema(self._model))
        return [_fault(dict(each), is_secret(secrets, each["loc"][:1])) for each in error.errors()]


def schemas(
    parameters: Mapping[str, tuple[Any, Any]],
) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """The schemas of (annotation, default) by parameter, and the definitions they refer to."""
    document = _schema(_model(parameters))
    return document.get("properties", {}), document.get("$defs", {})


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema(
        by_alias=True, ref_template=_REFERENCES, schema_generator=_Schema
    )


class _Schema(GenerateJsonSchema):
    """What JSON cannot describe, a callable for one, is described as anything at all."""

    ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012 theirs

    def handle_invalid_for_json_schema(self, *_: Any) -> dict[str, Any]:
        return {}


def _model(parameters: Mapping[str, tuple[Any, Any]]) -> type[BaseModel]:
    try:
        return _create(parameters)
    except (PydanticUserError, PydanticUndefinedAnnotation):
        return _create({n: (_usable(hint), default) for n, (hint, default) in parameters.items()})


def _create(parameters: Mapping[str, tuple[Any, Any]]) -> type[BaseModel]:
    # Fields get names of our own: any name is fine for a parameter, not so for a model's field.
    fields: dict[str, Any] = {
        _field(position): (hint, Field(... if default is _ABSENT else default, alias=name))
        for position, (name, (hint, default)) in enumerate(parameters.items())
    }
    model: type[BaseModel] = create_model("Parameters", __config__=_CONFIG, **fields)
    model.model_rebuild(raise_errors=True)
    return model


def _usable(hint: Any) -> Any:
    """The annotation, or Any where pydantic can do nothing with it."""
    try:
        _create({"it": (hint, _ABSENT)})
    except (PydanticUserError, PydanticUndefinedAnnotation):
        return Any
    return hint


def _field(position: int) -> str:
    return f"p{position}"


def _fault(error: dict[str, Any], secret: bool) -> ParameterFault:
    where = ".".join(map(str, error["loc"]))
    value = MASK if secret else f"{error['input']!r:.80}"
    return ParameterFault(where, f"{value}: {error['msg']}")
