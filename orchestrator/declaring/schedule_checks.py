"""What may be said of a schedule beside its rule: each option is refused where it is written."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import timedelta

from orchestrator.model.errors import InvalidName, InvalidOption
from orchestrator.model.plain import as_json

LONGEST_JITTER = 86_400
"""Seconds: a day."""

_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


def check_slug(slug: object) -> str:
    """The slug itself when it may name a schedule.

    Raises:
        InvalidName: it may not.
    """
    if isinstance(slug, str) and _SLUG.fullmatch(slug):
        return slug
    raise InvalidName(
        "schedule",
        slug,
        "must be 1 to 64 characters: a-z and 0-9, after the first one also - and _",
    )


def check_count(count: object) -> None:
    """Nothing, when it says how many instants to list; else InvalidOption."""
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:
        raise InvalidOption("count", count, "must be a whole number, 0 or more")


def check_flag(option: str, value: object) -> None:
    """Nothing, when it is True or False; else InvalidOption."""
    if not isinstance(value, bool):
        raise InvalidOption(option, value, "must be True or False")


def check_choice(option: str, value: object, choices: tuple[str, ...]) -> None:
    """Nothing, when it is one of the choices; else InvalidOption."""
    if value not in choices:
        raise InvalidOption(option, value, f"must be one of {', '.join(choices)}")


def check_parameters(parameters: object) -> None:
    """Nothing, when they map names to what JSON has, or are None; else InvalidOption."""
    if parameters is None:
        return
    if not isinstance(parameters, Mapping) or not all(isinstance(key, str) for key in parameters):
        raise InvalidOption("parameters", parameters, "must map names to values")
    try:
        json.dumps(as_json(parameters), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidOption("parameters", parameters, f"must be JSON: {error}") from None


def jitter_seconds(jitter: object) -> float:
    """Up to how many seconds an occurrence is delayed; InvalidOption when it cannot be."""
    seconds = jitter.total_seconds() if isinstance(jitter, timedelta) else jitter
    # bool is an int, and nan is neither below nor above anything
    if type(seconds) not in (int, float) or not 0 <= seconds <= LONGEST_JITTER:  # type: ignore[operator]
        raise InvalidOption("jitter", jitter, f"must be seconds, 0 to {LONGEST_JITTER}")
    return float(seconds)  # type: ignore[arg-type]  # its type was looked at
