"""Who imports whom, read from the source: every import statement counts, wherever it stands.

Imports under ``TYPE_CHECKING`` and inside functions count as any other: a cycle that only the type
checker walks is still two files that cannot be understood one after the other.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ("orchestrator", "runner", "scheduler")
"""The packages that users install."""


@dataclass(frozen=True, slots=True)
class Import:
    """One import statement's target, and where it is written."""

    importer: str
    imported: str
    """The module, as exact as it can be told: ``from a import b`` is ``a.b`` if that is a file."""
    relative: bool
    place: str
    """``orchestrator/store/keys.py:12``, for messages."""


@cache
def modules() -> Mapping[str, Path]:
    """Every module that is shipped, by its dotted name."""
    return {
        _name(path): path for package in SHIPPED for path in sorted((ROOT / package).rglob("*.py"))
    }


@cache
def imports() -> tuple[Import, ...]:
    """Every import of the shipped modules, of our own modules and of others'."""
    return tuple(found for name, path in modules().items() for found in _imports_of(name, path))


def inner_graph() -> dict[str, set[str]]:
    """Module -> the shipped modules that it imports."""
    graph: dict[str, set[str]] = {name: set() for name in modules()}
    for found in imports():
        if found.imported in graph and found.imported != found.importer:
            graph[found.importer].add(found.imported)
    return graph


def cycles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """One shortest way round for each module that reaches itself; each cycle once."""
    found: dict[frozenset[str], list[str]] = {}
    for start in graph:
        way = shortest_way(graph, start, start)
        if way:
            found.setdefault(frozenset(way), way)
    return list(found.values())


def shortest_way(graph: Mapping[str, set[str]], start: str, end: str) -> list[str]:
    """The modules from ``start`` to ``end``, both included; empty when there is no way."""
    ways = [[start]]
    seen: set[str] = set()
    for way in ways:  # grows while it is walked: breadth first
        for following in sorted(graph.get(way[-1], ())):
            if following == end:
                return [*way, end]
            if following not in seen:
                seen.add(following)
                ways.append([*way, following])
    return []


def _imports_of(importer: str, path: Path) -> Iterator[Import]:
    package = importer if path.name == "__init__.py" else importer.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import | ast.ImportFrom):
            place = f"{path.relative_to(ROOT)}:{node.lineno}"
            relative = isinstance(node, ast.ImportFrom) and node.level > 0
            for target in _targets(node, package):
                yield Import(importer, target, relative, place)


def _targets(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    parts = package.split(".")
    base = ".".join(parts[: len(parts) - node.level + 1]) if node.level else ""
    source = ".".join(filter(None, [base, node.module]))
    for alias in node.names:
        exact = f"{source}.{alias.name}"
        yield exact if exact in modules() else source


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
