"""Parameters as one JSON text, in which secrets are masked."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from orchestrator.model.errors import InvalidParameters, ParameterFault
from orchestrator.model.secrets import MASK, Place, is_secret, masked, secret_places
from orchestrator.ui.form_field import ABSENT, Steps


def read_document(
    name: str, text: str, held: Mapping[str, Any], schema: Mapping[str, Any]
) -> dict[str, Any]:
    """The parameters of a JSON text that are not what was ``held``; masked ones are kept.

    Raises:
        InvalidParameters: no JSON object; or a mask of which it is not plain what it hides.
    """
    try:
        found = json_of(text or "{}")
    except (ValueError, RecursionError) as error:
        raise InvalidParameters(name, [ParameterFault("", f"are no JSON: {error}")]) from None
    if not isinstance(found, dict):
        raise InvalidParameters(name, [ParameterFault("", "must be a JSON object: {...}")])
    unmasking = _Unmasking(secret_places(schema))
    whole = unmasking.value(found, held, ())
    if unmasking.faults:
        raise InvalidParameters(name, unmasking.faults)
    return {key: value for key, value in whole.items() if not is_same(value, held.get(key, ABSENT))}


def json_of(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: it is none; NaN and Infinity are none.
    """
    return json.loads(text, parse_constant=_refuse)


def is_same(one: Any, other: Any) -> bool:
    """Equal as JSON: 1, 1.0 and true are three values."""
    if other is ABSENT:
        return False
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


class _Unmasking:
    """Puts what was held in the places of masks."""

    def __init__(self, places: Sequence[Place]) -> None:
        self._places = places
        self.faults: list[ParameterFault] = []

    def value(self, value: Any, held: Any, steps: Steps) -> Any:
        if value == MASK and is_secret(self._places, steps):
            if held is ABSENT:
                what = "hides nothing that is known: write the value itself"
                self.faults.append(ParameterFault(".".join(steps), what))
            return held
        if isinstance(value, dict):
            before = held if isinstance(held, Mapping) else {}
            return {
                key: self.value(item, before.get(key, ABSENT), (*steps, key))
                for key, item in value.items()
            }
        if isinstance(value, list) and is_secret(self._places, steps):
            rows = self._rows(value, held if isinstance(held, list) else [], steps)
            return [
                self.value(item, row, (*steps, str(at)))
                for at, (item, row) in enumerate(zip(value, rows, strict=True))
            ]
        return value

    def _rows(self, new: Sequence[Any], held: Sequence[Any], steps: Steps) -> list[Any]:
        """For each item of a list the one that it was. Items may have been added, taken away and
        moved: what is not plain is none, so that no item gets the secret of another."""
        shown = [self._shown(each, (*steps, str(at))) for at, each in enumerate(held)]
        same_size = len(new) == len(held)
        found = []
        for at, item in enumerate(new):
            like = [place for place, each in enumerate(shown) if is_same(item, each)]
            if same_size and (at in like or shown[at] not in new):
                found.append(held[at])
            else:
                found.append(held[like[0]] if len(like) == 1 else ABSENT)
        return found

    def _shown(self, value: Any, steps: Steps) -> Any:
        places: Sequence[Sequence[str]] = self._places
        for step in steps:
            places = [place[1:] for place in places if place and place[0] in (step, "*")]
        return masked(value, places)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
