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
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def encoded(deployment: str, parameters: Mapping[str, Any]) -> str:
    """The parameters as JSON text.

    Raises:
        InvalidParameters: something that JSON has no word for, or too much of it.
    """
    try:
        text = _ENCODER.encode(dict(parameters))
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError):
        raise InvalidParameters(deployment, _faults(parameters)) from None
    if not _has_text_keys(parameters):
        raise InvalidParameters(deployment, _faults(parameters))
    if size > LARGEST_BYTES:
        what = f"are {size:,} bytes of JSON; {LARGEST_BYTES:,} are allowed: hand over a reference"
        raise InvalidParameters(deployment, [ParameterFault("", what)])
    return text


def _has_text_keys(value: Any) -> bool:
    """Whether all keys below are texts; the encoder would make texts of numbers."""
    if isinstance(value, (dict, Mapping)):  # asking abstract classes takes longer
        for key in value:
            if not isinstance(key, str):
                return False
        value = value.values()
    for item in value:
        if isinstance(item, (dict, list, tuple)) and not _has_text_keys(item):
            return False
    return True


def _faults(parameters: Mapping[str, Any]) -> list[ParameterFault]:
    try:
        return list(_unspeakable("", parameters))
    except RecursionError:
        return [ParameterFault("", "are nested too deeply, or contain themselves")]


def _unspeakable(where: str, value: Any) -> Iterator[ParameterFault]:
    """Everything in ``value`` that JSON cannot carry as it is."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(key, str):
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
    shown = f"{value!r:.{_LONGEST_VALUE}}"
    if not isinstance(value, kinds):
        yield ParameterFault(where, f"{complaint} {shown} of type {type(value).__name__}")
    elif isinstance(value, float) and not math.isfinite(value):
        yield ParameterFault(where, f"JSON has no word for {shown}")
    elif isinstance(value, str) and not _is_unicode(value):
        yield ParameterFault(where, f"{shown} holds half a character (a lone surrogate)")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
