"""Which parts of the parameters are secret, and their masking."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from orchestrator.declaring.parameters import Parameters
from orchestrator.model.secrets import MASK, is_secret, masked, secret_places, without_secrets


class Login(BaseModel):
    user: str
    password: SecretStr


class Node(BaseModel):
    key: SecretStr | None = None
    inner: Node | None = None


def several(
    token: SecretStr,
    login: Login,
    logins: dict[str, Login] | None = None,
    pair: tuple[int, SecretStr] = (1, SecretStr("default")),
    node: Node | None = None,
    plain: str = "seen",
) -> None: ...


SCHEMA = Parameters(several, title="several").schema()
PLACES = secret_places(SCHEMA)


def test_places() -> None:
    assert set(PLACES) == {
        ("token",),
        ("login", "password"),
        ("logins", "*", "password"),
        ("pair", "1"),
        ("node", "key"),
        ("node", "inner"),
    }
    assert secret_places({"properties": {"a": {"type": "string"}}}) == ()
    assert secret_places({}) == ()


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"token": "t", "plain": "p"}, {"token": MASK, "plain": "p"}),
        (
            {"login": {"user": "u", "password": "p"}},
            {"login": {"user": "u", "password": MASK}},
        ),
        ({"logins": {"a": {"password": "p"}}}, {"logins": {"a": {"password": MASK}}}),
        ({"pair": [1, "s"]}, {"pair": [1, MASK]}),
        ({"node": {"key": None, "inner": {"key": "k"}}}, {"node": {"key": None, "inner": MASK}}),
        ({"token": {"not": "a text"}}, {"token": MASK}),
        ({}, {}),
    ],
)
def test_masking(given: Any, shown: Any) -> None:
    assert masked(given, PLACES) == shown


def test_what_is_secret() -> None:
    assert is_secret(PLACES, ["token"])
    assert is_secret(PLACES, ["login"]), "it holds one"
    assert is_secret(PLACES, ["pair", 1])
    assert is_secret(PLACES, ["node", "inner", "key"])
    assert not is_secret(PLACES, ["plain"])
    assert not is_secret(PLACES, ["login", "user"])


def test_a_schema_is_shown_without_secret_values() -> None:
    frozen = {**SCHEMA["properties"]["token"], "enum": ["value"], "default": "value"}
    shown = without_secrets({**SCHEMA, "properties": {**SCHEMA["properties"], "token": frozen}})

    assert "value" not in str(shown["properties"]["token"])
    assert shown["properties"]["plain"]["default"] == "seen"
