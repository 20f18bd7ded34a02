"""Sessions of browsers: a signed cookie, so that every API process with the same keys knows them.

The signature is made with the key that was shown: who takes a key away ends its sessions.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from orchestrator.model.apikeys import ApiKey

COOKIE = "orchestrator_session"
LIFE_SECONDS = 12 * 3600


def new_session(key: ApiKey, now: float) -> str:
    """The value of a cookie that stands for the key until ``LIFE_SECONDS`` from ``now``."""
    told = f"{key.id}.{int(now) + LIFE_SECONDS}"
    return f"{told}.{_signature(key, told)}"


def key_of_session(keys: Sequence[ApiKey], value: str, now: float) -> ApiKey | None:
    """The key that the cookie stands for; None when it is over, forged, or the key is gone."""
    told, _, signature = value.rpartition(".")
    key_id, _, until = told.partition(".")
    for key in keys:
        if hmac.compare_digest(key.id.encode(), key_id.encode(errors="replace")):
            signed = hmac.compare_digest(
                _signature(key, told).encode(), signature.encode(errors="replace")
            )
            return key if signed and until.isdecimal() and int(until) > now else None
    return None


def _signature(key: ApiKey, told: str) -> str:
    secret = hashlib.sha256(f"session\0{key.secret}".encode()).digest()
    return hmac.new(secret, told.encode(errors="replace"), hashlib.sha256).hexdigest()
