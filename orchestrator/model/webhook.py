"""Events that another program posts: whether it knows the secret, and what it says."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from orchestrator.model.errors import InvalidOption

PREFIX = "sha256="


def signature(secret: str, body: bytes) -> str:
    """What must stand in the header ``X-Signature-256``: ``sha256=`` and the HMAC of the body."""
    return PREFIX + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def is_signed(secret: str, body: bytes, given: str | None) -> bool:
    """Whether the header is the signature of exactly these bytes. An empty secret signs nothing.
    Takes as long for a wrong one as for a right one."""
    if not secret or given is None:
        return False
    return hmac.compare_digest(signature(secret, body).encode(), given.strip().encode())


def webhook_payload(body: bytes) -> dict[str, Any]:
    """The body as the payload of an event: a JSON object as it is, other JSON as ``body``.

    Raises:
        InvalidOption: it is no JSON.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidOption("body", f"{len(body)} bytes", "is no JSON") from None
    return document if isinstance(document, dict) else {"body": document}
