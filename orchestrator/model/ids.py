"""Names and ids: what is accepted, and how one is made from another.

A deployment's id D is made from its full name, a run's id begins with D: any process finds all keys
of a run from its id alone, without an index.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from functools import lru_cache
from typing import NewType

from orchestrator.model.errors import InvalidName, RunNotFound

DeploymentId = NewType("DeploymentId", str)
RunId = NewType("RunId", str)
RunnerId = NewType("RunnerId", str)

FORBIDDEN_IN_NAMES = "/%&><"
"""Characters that no flow or deployment name may contain (they would break URLs and full names)."""

LONGEST_NAME = 500
_RUN_ID = re.compile(r"[a-z2-7]{12}-[0-9a-v]{21}")
_ALPHABET = "0123456789abcdefghijklmnopqrstuv"
_SORTABLE = str.maketrans("abcdefghijklmnopqrstuvwxyz234567", _ALPHABET)
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]


def check_name(kind: str, name: object) -> str:
    """The name itself when it may be used as the name of a ``kind`` ("flow", "deployment", ...).

    Raises:
        InvalidName: not a text, empty, one or two dots, too long, or with a forbidden or control
            character.
    """
    if not isinstance(name, str):
        raise InvalidName(kind, name, f"must be a text, not {type(name).__name__}")
    if not name.strip():
        raise InvalidName(kind, name, "must not be empty")
    if name in (".", ".."):
        raise InvalidName(
            kind, name, "means a folder in addresses, so no page could be found by it"
        )
    if len(name) > LONGEST_NAME:
        raise InvalidName(kind, name, f"is longer than {LONGEST_NAME} characters")
    for character in name:
        if character in FORBIDDEN_IN_NAMES:
            raise InvalidName(
                kind, name, f"contains {character!r}; none of {' '.join(FORBIDDEN_IN_NAMES)} may"
            )
        if not character.isprintable():
            raise InvalidName(kind, name, f"contains the unprintable character {character!r}")
    return name


@lru_cache(maxsize=1024)
def deployment_id(full_name: str) -> DeploymentId:
    """D: the 12 characters that stand for ``flow/deployment`` in every key."""
    return DeploymentId(_digest(full_name, 12))


def new_run_id(deployment: DeploymentId, now_ms: int) -> RunId:
    """An id for a run asked for now; ids of one deployment sort by time of creation."""
    return RunId(f"{deployment}-{_sortable(now_ms.to_bytes(6, 'big') + os.urandom(7))}")


def scheduled_run_id(deployment: DeploymentId, slug: str, due_ms: int) -> RunId:
    """The only id that the occurrence ``due_ms`` of schedule ``slug`` can ever have (I2)."""
    return _derived(deployment, f"schedule\0{slug}\0{due_ms}")


def idempotent_run_id(deployment: DeploymentId, key: str) -> RunId:
    """The only id that a run asked for under this idempotency key can ever have."""
    return _derived(deployment, f"key\0{key}")


def deployment_of(run_id: str) -> DeploymentId:
    """The D of a run's id.

    Raises:
        RunNotFound: this cannot be the id of any run.
    """
    if not _RUN_ID.fullmatch(run_id):
        raise RunNotFound(run_id)
    return DeploymentId(run_id.partition("-")[0])


def new_nonce() -> str:
    """16 random characters; unique for all practical purposes."""
    return _sortable(os.urandom(10))


def _derived(deployment: DeploymentId, text: str) -> RunId:
    return RunId(f"{deployment}-{_digest(text, 21).translate(_SORTABLE)}")


def _digest(text: str, length: int) -> str:
    raw = hashlib.sha256(text.encode()).digest()
    return base64.b32encode(raw).decode().lower()[:length]


def _sortable(raw: bytes) -> str:
    """Base 32 in an alphabet whose order is the order of the bytes. Two characters at a time: for
    each run that is asked for, Python's own encoder would take longer than all checks."""
    length = -(-len(raw) * 8 // 5)
    pairs = -(-length // 2)
    number = int.from_bytes(raw) << (pairs * 10 - len(raw) * 8)
    shifts = range((pairs - 1) * 10, -1, -10)
    return "".join([_PAIRS[number >> shift & 0x3FF] for shift in shifts])[:length]
