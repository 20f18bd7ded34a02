"""The keys of the HTTP API, as a setting has them: ``ci=3f9c...:read, alice=77a0...``."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

SHORTEST = 16
"""Characters of a secret: shorter ones can be guessed."""

FORM = "[NAME=]SECRET[:read], several separated by commas"
_ENTRY = re.compile(
    r"(?:(?P<name>[\w.@-]{1,64})=)?(?P<secret>[\w.~+/-]+?)(?P<read>:read)?", re.ASCII
)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key: who uses it, and whether it may change anything."""

    name: str
    secret: str = field(repr=False)
    read_only: bool

    @property
    def id(self) -> str:
        """Names it without telling it, and differs when the secret, the name or the right does."""
        text = f"{self.name}\0{self.secret}\0{self.read_only}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def parse_keys(text: str) -> tuple[ApiKey, ...]:
    """The keys in a setting.

    Raises:
        ValueError: says which entry is wrong by its number, never by its text.
    """
    entries = [entry.strip() for entry in text.split(",")]
    keys = tuple(_parsed(number, entry) for number, entry in enumerate(entries, 1))
    if len({key.secret for key in keys}) < len(keys):
        raise ValueError("the same secret is given twice")
    return keys


def find_key(keys: Sequence[ApiKey], secret: str) -> ApiKey | None:
    """The key with this secret. Takes as long for a wrong one as for any."""
    found = None
    for key in keys:
        if hmac.compare_digest(key.secret.encode(), secret.encode(errors="replace")):
            found = key
    return found


def _parsed(number: int, entry: str) -> ApiKey:
    match = _ENTRY.fullmatch(entry)
    if match is None:
        raise ValueError(f"entry {number} is not of the form {FORM}")
    if len(match["secret"]) < SHORTEST:
        raise ValueError(f"the secret of entry {number} has fewer than {SHORTEST} characters")
    return ApiKey(match["name"] or f"key {number}", match["secret"], match["read"] is not None)
