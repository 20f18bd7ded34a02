"""Parameters as JSON text, with everything refused that JSON cannot carry as it is."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.model.errors import InvalidParameters, ParameterFault

LARGEST_BYTES = 512 * 1024
"""Parameters are copied to every attempt and shown in every listing: data belongs elsewhere."""

_LONGEST_VALUE = 80


def encoded(deployment: str, parameters: Mapping[str, Any]) -> str:
    """The parameters as JSON text.

    Raises:
        InvalidParameters: something that JSON has no word for, or too much of it.
    """
    try:
        faults = list(_unspeakable("", parameters))
    except RecursionError:
        faults = [ParameterFault("", "are nested too deeply, or contain themselves")]
    if faults:
        raise InvalidParameters(deployment, faults)
    text = json.dumps(parameters, ensure_ascii=False, separators=(",", ":"))
    size = len(text.encode())
    if size > LARGEST_BYTES:
        what = f"are {size:,} bytes of JSON; {LARGEST_BYTES:,} are allowed: hand over a reference"
        raise InvalidParameters(deployment, [ParameterFault("", what)])
    return text


def _unspeakable(where: str, value: Any) -> Iterator[ParameterFault]:
    """Everything in ``value`` that JSON cannot carry as it is."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if type(key) is str:
                yield from _unspeakable(f"{where}.{key}" if where else key, item)
            yield from _wrong(where, key, "a key must be a text, not", (str,))
    elif isinstance(value, (list, tuple)):
        for position, item in enumerate(value):
            yield from _unspeakable(f"{where}.{position}", item)
    else:
        yield from _wrong(where, value, "JSON has no word for", _PLAIN)


_PLAIN = (str, int, float, bool, type(None))


def _wrong(
    where: str, value: Any, complaint: str, kinds: tuple[type, ...]
) -> Iterator[ParameterFault]:
    kind = type(value)
    shown = f"{value!r:.{_LONGEST_VALUE}}"
    if kind not in kinds:
        yield ParameterFault(where, f"{complaint} {shown} of type {kind.__name__}")
    elif kind is float and not math.isfinite(value):
        yield ParameterFault(where, f"JSON has no word for {shown}")
    elif kind is str and not _is_unicode(value):
        yield ParameterFault(where, f"{shown} holds half a character (a lone surrogate)")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
