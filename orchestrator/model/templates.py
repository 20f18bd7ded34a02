"""Parameters that are filled in from an event: ``{{ event.payload.path }}``. Sandboxed.

A text that is one expression becomes the value itself, of whatever type; expressions among other
text become text. Nothing else of the template language is there: no loops, no macros, no includes.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, TemplateError, Undefined, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from orchestrator.model.errors import InvalidOption

KNOWN = ("event", "run")
"""What a template may speak of: the event that fired, and the run that it is about."""

LARGEST = 100_000
"""Longest text or list that a multiplication may make; numbers are bounded by it as exponents."""

_ALLOWED = (nodes.Output, nodes.TemplateData)


class TemplateFailed(Exception):
    """A template cannot be filled in from this event."""


class _Sandbox(ImmutableSandboxedEnvironment):
    """No attribute that is private, no call that changes anything, no value without measure."""

    intercepted_binops = frozenset({"*", "**"})

    def getattr(self, obj: Any, attribute: str) -> Any:
        # ``payload.items`` is what the event says, not the method that every dict has.
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        sizes = [len(each) for each in (left, right) if hasattr(each, "__len__")]
        numbers = [abs(each) for each in (left, right) if isinstance(each, (int, float))]
        is_large = max(sizes, default=1) * max(numbers, default=1) > LARGEST
        if (operator == "**" or sizes) and is_large:
            raise TemplateFailed(f"the {operator} makes something too large")
        return super().call_binop(context, operator, left, right)


def check_templates(parameters: Any) -> None:
    """Nothing, when every text in these parameters can be a template.

    Raises:
        InvalidOption: names the text and what is wrong with it.
    """
    for text in _texts(parameters):
        try:
            tree = _environment().parse(text)
        except TemplateError as error:
            raise InvalidOption("parameters", text, f"is no template: {error}") from None
        for node in tree.body:
            if not isinstance(node, _ALLOWED):
                raise InvalidOption(
                    "parameters", text, "only {{ expressions }} are filled in, no statements"
                )
        if unknown := meta.find_undeclared_variables(tree) - {*KNOWN, *_environment().globals}:
            why = f"{min(unknown)!r} is not known; templates may speak of {', '.join(KNOWN)}"
            raise InvalidOption("parameters", text, why)


def speaks_of(parameters: Any, name: str) -> bool:
    """Whether a template in the parameters needs this."""
    return any(
        name in meta.find_undeclared_variables(_environment().parse(text))
        for text in _texts(parameters)
    )


def filled_in(parameters: Any, context: Mapping[str, Any]) -> Any:
    """The parameters with every template filled in.

    Raises:
        TemplateFailed: what it speaks of is not there, or must not be.
    """
    if isinstance(parameters, str):
        return _filled(parameters, context)
    if isinstance(parameters, Mapping):
        return {name: filled_in(each, context) for name, each in parameters.items()}
    if isinstance(parameters, (list, tuple)):
        return [filled_in(each, context) for each in parameters]
    return parameters


def _filled(text: str, context: Mapping[str, Any]) -> Any:
    if "{{" not in text:
        return text
    try:
        expression = _only_expression(text)
        if expression is None:
            return _environment().from_string(text).render(context)
        value = _compiled(expression)(**context)
        if isinstance(value, Undefined):
            str(value)  # raises, and says what is not there
        return value
    except TemplateFailed as error:
        raise TemplateFailed(f"{text!r}: {error}") from None
    # Whatever an expression can do wrong, it does to a parameter only.
    except Exception as error:
        raise TemplateFailed(f"{text!r}: {error}") from error


@lru_cache(maxsize=1000)
def _only_expression(text: str) -> str | None:
    """The expression, when there is nothing beside it."""
    tokens = list(_environment().lex(text))
    kinds = [kind for _, kind, _ in tokens]
    if kinds[:1] != ["variable_begin"] or kinds[-1:] != ["variable_end"]:
        return None
    if kinds.count("variable_begin") != 1:
        return None
    return "".join(value for _, _, value in tokens[1:-1])


@lru_cache(maxsize=1000)
def _compiled(expression: str) -> Any:
    return _environment().compile_expression(expression, undefined_to_none=False)


@lru_cache(maxsize=1)
def _environment() -> _Sandbox:
    return _Sandbox(undefined=StrictUndefined, keep_trailing_newline=True)


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value] if "{{" in value or "{%" in value else []
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [text for each in value for text in _texts(each)]
    return []
