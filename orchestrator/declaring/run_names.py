"""``flow_run_name``: what runs are called that nobody has given a name."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection, Mapping
from string import Formatter
from typing import Any

from orchestrator.model.errors import InvalidOption

LONGEST = 500
_ROOT = re.compile(r"[^.\[]*")


def check_run_name(made_by: object, parameters: Collection[str]) -> None:
    """Nothing, when names can be made by it.

    Raises:
        InvalidOption: neither text nor function, or a field that is no parameter.
    """
    if made_by is None or callable(made_by):
        return
    if not isinstance(made_by, str) or not made_by.strip():
        raise InvalidOption("flow_run_name", made_by, "must be a text, and not empty; or callable")
    try:
        fields = [field for _, field, _, _ in Formatter().parse(made_by) if field is not None]
    except ValueError as error:
        raise InvalidOption("flow_run_name", made_by, f"{error}") from None
    for field in fields:
        root = _ROOT.match(field)
        if root is None or root[0] not in parameters:
            known = ", ".join(parameters) or "none"
            raise InvalidOption(
                "flow_run_name", made_by, f"{{{field}}} is not a parameter; there are: {known}"
            )


def run_name(made_by: str | Callable[..., str], values: Mapping[str, Any]) -> str:
    """The name for a run with these values.

    Raises:
        Exception: whatever the user's function or formatting raises.
    """
    name = made_by.format(**values) if isinstance(made_by, str) else _called(made_by, values)
    if not isinstance(name, str) or not name.strip():
        raise TypeError(f"a name must be a text, and not empty: {name!r}")
    return name[:LONGEST]


def _called(function: Callable[..., str], values: Mapping[str, Any]) -> object:
    if "parameters" in inspect.signature(function).parameters:
        return function(parameters=dict(values))
    return function()
