"""Keys of the API, as a setting holds them."""

from __future__ import annotations

import pytest

from orchestrator.model.apikeys import find_key, parse_keys

ADA, BOB = "secret-of-ada-0123", "secret-of-bob-0123"


def test_names_and_rights() -> None:
    first, second, third = parse_keys(f"{ADA}, bob@host={BOB}:read,x={ADA}+/~.-_")

    assert (first.name, first.secret, first.read_only) == ("key 1", ADA, False)
    assert (second.name, second.secret, second.read_only) == ("bob@host", BOB, True)
    assert (third.name, third.secret) == ("x", f"{ADA}+/~.-_")
    assert ADA not in repr(first)


@pytest.mark.parametrize(
    "text",
    ["", " , ", "short", f"{ADA},", f"a b={ADA}", f"a={ADA}:write", f"a={ADA} ; b={BOB}", "ä" * 20],
)
def test_what_is_no_key_is_never_quoted(text: str) -> None:
    with pytest.raises(ValueError, match="entry") as refused:
        parse_keys(text)
    assert ADA not in str(refused.value)


def test_a_secret_is_of_one_name_only() -> None:
    with pytest.raises(ValueError, match="twice"):
        parse_keys(f"a={ADA},b={ADA}")


def test_finding_one() -> None:
    keys = parse_keys(f"ada={ADA},bob={BOB}:read")

    assert find_key(keys, BOB) == keys[1]
    for wrong in ("", ADA[:-1], ADA + "x", f"ada={ADA}", f"{BOB}:read", "\ud800"):
        assert find_key(keys, wrong) is None


def test_an_id_changes_with_name_secret_and_right() -> None:
    texts = (f"a={ADA}", f"b={ADA}", f"a={BOB}", f"a={ADA}:read")
    assert len({parse_keys(text)[0].id for text in texts}) == 4
