"""What a docstring in Google's style says about each argument."""

from __future__ import annotations

import re

_SECTION = re.compile(r"(Args|Arguments|Parameters):\s*")
_ENTRY = re.compile(r"\*{0,2}(\w+)\s*(?:\([^)]*\))?\s*:\s*(.*)")


def argument_texts(docstring: str) -> dict[str, str]:
    """Argument -> its text, over several lines where it has several."""
    texts: dict[str, list[str]] = {}
    current: list[str] | None = None
    depth: int | None = None
    for line in _section(docstring):
        indent = len(line) - len(line.lstrip())
        if depth is None:
            depth = indent
        entry = _ENTRY.fullmatch(line.strip()) if indent == depth else None
        if entry:
            current = texts.setdefault(entry[1], [entry[2]])
        elif current is not None:
            current.append(line.strip())
    return {name: "\n".join(filter(None, lines)) for name, lines in texts.items()}


def _section(docstring: str) -> list[str]:
    """The indented lines below ``Args:``."""
    lines = docstring.splitlines()
    starts = [number for number, line in enumerate(lines) if _SECTION.fullmatch(line)]
    if not starts:
        return []
    found = []
    for line in lines[starts[0] + 1 :]:
        if line.strip() and not line[0].isspace():
            break
        if line.strip():
            found.append(line)
    return found
