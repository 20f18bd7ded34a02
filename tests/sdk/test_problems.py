"""Refusals as HTTP tells them: whoever is refused learns what to do."""

from __future__ import annotations

import re

import pytest

from orchestrator.client.problems import REMEDIES
from orchestrator.model import errors
from orchestrator.model.errors import Conflict, InvalidInput, NotFound

REFUSALS = sorted(
    {
        kind
        for base in (Conflict, NotFound, InvalidInput)
        for kind in base.__subclasses__()
        if kind.__module__ == errors.__name__
    },
    key=lambda kind: kind.__name__,
)


@pytest.mark.parametrize("kind", REFUSALS)
def test_every_refusal_has_a_remedy(kind: type[Exception]) -> None:
    code = re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()

    assert REMEDIES[code].endswith(".")
