"""A function's parameters: what it can be given, as a schema and as values ready for a call."""

from __future__ import annotations

import inspect
import sys
import typing
from collections.abc import Callable, Mapping
from functools import cached_property
from types import FunctionType, MethodType, SimpleNamespace
from typing import TYPE_CHECKING, Any

from orchestrator.declaring.annotations import EXACT, is_plain, plain_schema, plain_value
from orchestrator.declaring.docstring import argument_texts
from orchestrator.model.errors import InvalidParameters, ParameterFault

if TYPE_CHECKING:
    from orchestrator.declaring.coercion import Coercion

_REST = inspect.Parameter.VAR_KEYWORD
_MORE = inspect.Parameter.VAR_POSITIONAL
_PLAIN = (FunctionType, MethodType)
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_ABSENT = inspect.Parameter.empty


class Parameters:
    """The parameters of one function. ``self`` of a bound method is none of them.

    pydantic is imported only for annotations, or values, beyond the plain types of JSON.
    """

    def __init__(self, fn: Callable[..., Any], *, title: str) -> None:
        self._fn = fn
        self._title = title
        self._signature = _without_fields(signature_of(fn))

    def of_call(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """The values by parameter name; TypeError when they do not fit the signature."""
        return dict(self._signature.bind(*args, **kwargs).arguments)

    def of_document(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """The values by parameter name, from what a run was given.

        Raises:
            InvalidParameters: an unknown name, or a missing one.
        """
        if self._expected.issuperset(document) and self._required.issubset(document):
            return dict(document)
        known = self._signature.parameters
        named = {n: v for n, v in document.items() if n in known and known[n].kind is not _REST}
        others = {n: v for n, v in document.items() if n not in named}
        faults = [ParameterFault(name, "is missing") for name in self.required if name not in named]
        rest = self._rest
        if others and rest is None:
            faults += [ParameterFault(name, "is not a parameter") for name in others]
        if faults:
            raise InvalidParameters(self._title, faults)
        return named if rest is None or not others else {**named, rest.name: others}

    def built(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values as their annotations want them.

        Raises:
            InvalidParameters: a value cannot become what its annotation asks for.
        """
        built = {}
        for name, value in values.items():
            hint = self._hints[name]
            if type(value) is hint and hint in EXACT:
                built[name] = value
            elif is_plain(value, hint):
                built[name] = plain_value(value, hint)
            else:
                return self._coercion.built(values)
        return built

    def arguments(self, values: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Positional and named arguments for the call, defaults filled in."""
        bound = self._bound(values)
        return bound.args, bound.kwargs

    def complete(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Every parameter with its value, or else its default."""
        return dict(self._bound(values).arguments)

    def prepare(self) -> None:
        """Build now what each call needs, and what values beyond plain JSON types will need, if
        there may be such."""
        _ = self.takes_names, self._expected, self._required
        if any(plain_schema(self._hint_of_value(name)) is None for name in self._hints):
            _ = self._coercion

    @cached_property
    def takes_names(self) -> bool:
        """Whether it can be called with names alone, and has itself the defaults that we see. What
        a decorator made may show the signature of another function, and take positions only."""
        if not isinstance(self._fn, _PLAIN) or hasattr(self._fn, "__wrapped__"):
            return False
        own = signature_of(self._fn).parameters
        return not hasattr(self._fn, "__signature__") and all(
            each.kind in _NAMED and each.default is own[name].default
            for name, each in self._signature.parameters.items()
        )

    @cached_property
    def _expected(self) -> frozenset[str]:
        """The names of its parameters, but for the ``**`` one."""
        found = self._signature.parameters.values()
        return frozenset(each.name for each in found if each.kind is not _REST)

    @cached_property
    def _required(self) -> frozenset[str]:
        return frozenset(self.required)

    @property
    def required(self) -> list[str]:
        """Names that have no default."""
        return [
            parameter.name
            for parameter in self._signature.parameters.values()
            if parameter.default is _ABSENT and parameter.kind not in (_REST, _MORE)
        ]

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of what a run can be given."""
        parameters = [p for p in self._signature.parameters.values() if p.kind is not _REST]
        properties, definitions = self._properties(parameters)
        texts = argument_texts(inspect.getdoc(self._fn) or "")
        for position, parameter in enumerate(parameters):
            described = properties[parameter.name]
            described["title"] = parameter.name
            described["position"] = position
            if parameter.name in texts:
                described.setdefault("description", texts[parameter.name])
        return {
            "title": "Parameters",
            "type": "object",
            "properties": properties,
            "required": self.required,
            "additionalProperties": self._rest is not None,
            "definitions": definitions,
        }

    def _properties(
        self, parameters: list[inspect.Parameter]
    ) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
        found = {p.name: plain_schema(self._hint_of_value(p.name), p.default) for p in parameters}
        if None not in found.values():
            return {name: schema or {} for name, schema in found.items()}, {}
        from orchestrator.declaring.coercion import schemas

        harder, definitions = schemas(
            {
                p.name: (self._hint_of_value(p.name), p.default)
                for p in parameters
                if found[p.name] is None
            }
        )
        return {p.name: found[p.name] or harder.get(p.name, {}) for p in parameters}, definitions

    def _bound(self, values: Mapping[str, Any]) -> inspect.BoundArguments:
        bound = inspect.BoundArguments(self._signature, {})
        bound.arguments.update(values)
        bound.apply_defaults()
        return bound

    @property
    def _rest(self) -> inspect.Parameter | None:
        """The ``**`` parameter, which takes every other name."""
        return next((p for p in self._signature.parameters.values() if p.kind is _REST), None)

    def _hint_of_value(self, name: str) -> Any:
        """What the value under ``name`` has to be: the annotation of ``*more`` is of each item."""
        kind, hint = self._signature.parameters[name].kind, self._hints[name]
        if kind is _MORE:
            return list[hint]  # type: ignore[valid-type]
        return dict[str, hint] if kind is _REST else hint  # type: ignore[valid-type]

    @cached_property
    def _coercion(self) -> Coercion:
        from orchestrator.declaring.coercion import Coercion

        return Coercion(self._title, {name: self._hint_of_value(name) for name in self._hints})

    @cached_property
    def _hints(self) -> dict[str, Any]:
        namespace = getattr(inspect.unwrap(self._fn), "__globals__", {})
        return {
            name: _resolved(parameter.annotation, namespace)
            for name, parameter in self._signature.parameters.items()
        }


def signature_of(fn: Callable[..., Any]) -> inspect.Signature:
    """The signature, whatever its annotations name."""
    if sys.version_info >= (3, 14):
        import annotationlib

        return inspect.signature(fn, annotation_format=annotationlib.Format.FORWARDREF)
    return inspect.signature(fn)


def _without_fields(signature: inspect.Signature) -> inspect.Signature:
    """``n: int = Field(3, gt=0)`` read as ``n: Annotated[int, Field(gt=0)] = 3``."""
    parameters = [
        _without_field(parameter) if type(parameter.default).__name__ == "FieldInfo" else parameter
        for parameter in signature.parameters.values()
    ]
    # Not validated: a required field may follow a default, which Python itself has accepted.
    return inspect.Signature(parameters, __validate_parameters__=False)


def _without_field(parameter: inspect.Parameter) -> inspect.Parameter:
    field: Any = parameter.default  # pydantic's, so pydantic is imported already
    annotation = Any if parameter.annotation is _ABSENT else parameter.annotation
    return parameter.replace(
        annotation=typing.Annotated[annotation, field],
        default=_ABSENT if field.is_required() else field.get_default(call_default_factory=True),
    )


def _resolved(annotation: Any, namespace: dict[str, Any]) -> Any:
    """The annotation as an object; Any for what only a type checker can see."""
    if annotation is _ABSENT:
        return Any
    holder = SimpleNamespace(__annotations__={"it": annotation})
    try:
        return typing.get_type_hints(holder, globalns=namespace, include_extras=True)["it"]
    except (NameError, AttributeError, TypeError, SyntaxError):
        return Any
