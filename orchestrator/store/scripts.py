"""The Lua scripts and their headers, read once.

A script's header is its signature::

    -- KEYS  run leases
    -- ARGV  token state pairs...
    -- USES  clock history
    -- REPLY ok | gone | lease_lost

The loader turns the names into Lua locals and inserts the shared functions, all on the header's
first line, so that line numbers in the server's error messages are those of the file.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "lua"
_HEADER = re.compile(r"^-- (KEYS|ARGV|USES|REPLY)\b[ \t]*(.*)$", re.MULTILINE)
_COMMENT = re.compile(r"^\s*--.*$|\s+--\s.*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Script:
    """One change of state (or one look), as sent to the server."""

    name: str
    keys: tuple[str, ...]
    arguments: tuple[str, ...]
    """The last may end with ``...``: it takes all that is left."""
    names: tuple[str, ...]
    """All of them in order, without the dots."""
    takes_rest: bool
    replies: tuple[str, ...]
    """The words it can answer; a list in reply begins with one of them."""
    source: bytes
    sha: str


@cache
def script(name: str) -> Script:
    """The script of ``lua/<name>.lua``."""
    text = (FOLDER / f"{name}.lua").read_text(encoding="utf-8")
    header = {kind: words.strip() for kind, words in _HEADER.findall(text)}
    keys = tuple(header["KEYS"].split())
    arguments = tuple(header["ARGV"].split())
    prelude = " ".join([_locals(keys, arguments), *map(_shared, header.get("USES", "").split())])
    found = _HEADER.search(text)
    assert found is not None
    source = (text[: found.start()] + prelude + text[found.end() :]).encode()
    return Script(
        name=name,
        keys=keys,
        arguments=arguments,
        names=tuple(name.removesuffix("...") for name in (*keys, *arguments)),
        takes_rest=bool(arguments) and arguments[-1].endswith("..."),
        replies=tuple(word.strip() for word in header["REPLY"].split("|")),
        source=source,
        sha=hashlib.sha1(source, usedforsecurity=False).hexdigest(),
    )


def script_names() -> list[str]:
    """Every script there is."""
    return sorted(path.stem for path in FOLDER.glob("*.lua"))


def _locals(keys: tuple[str, ...], arguments: tuple[str, ...]) -> str:
    words = [f"local {name} = KEYS[{at}];" for at, name in enumerate(keys, 1)]
    for at, name in enumerate(arguments, 1):
        if name.endswith("..."):
            rest = name.removesuffix("...")
            words.append(f"local {rest} = {{}}; for i = {at}, #ARGV do")
            words.append(f"{rest}[i - {at - 1}] = ARGV[i] end;")
        else:
            words.append(f"local {name} = ARGV[{at}];")
    return " ".join(words)


@cache
def _shared(name: str) -> str:
    """The shared functions of ``lua/shared/<name>.lua`` on one line."""
    text = (FOLDER / "shared" / f"{name}.lua").read_text(encoding="utf-8")
    return " ".join(_COMMENT.sub("", text).split())
