"""Webhooks: who knows the secret, and what the body says."""

from __future__ import annotations

import pytest

from orchestrator.model.errors import InvalidOption
from orchestrator.model.webhook import is_signed, signature, webhook_payload

BODY = b'{"n": 1}'


def test_only_the_signature_of_these_bytes_is_taken() -> None:
    right = signature("secret", BODY)

    assert right.startswith("sha256=")
    assert is_signed("secret", BODY, right)
    assert is_signed("secret", BODY, f" {right}\n")
    for secret, body, given in [
        ("other", BODY, right),
        ("secret", BODY + b" ", right),
        ("secret", BODY, right[:-1]),
        ("secret", BODY, right.removeprefix("sha256=")),
        ("secret", BODY, "é"),
        ("secret", BODY, ""),
        ("secret", BODY, None),
        ("", BODY, signature("", BODY)),
    ]:
        assert not is_signed(secret, body, given)


def test_the_body_is_the_payload() -> None:
    assert webhook_payload(BODY) == {"n": 1}
    assert webhook_payload(b"[1]") == {"body": [1]}
    with pytest.raises(InvalidOption, match="is no JSON"):
        webhook_payload(b"n=1")
