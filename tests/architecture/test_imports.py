"""Imports point one way: ``model < settings < store < sdk < api, ui, cli``, and never in a circle.

Where a test fails its message says which line to change and what to do instead.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

import pytest

from tests.architecture.graph import (
    SHIPPED,
    Import,
    cycles,
    imports,
    inner_graph,
    modules,
    shortest_way,
)

FOUNDATION = ("model", "version", "programs", "orphans")
MAY_SEE: dict[str, frozenset[str]] = {
    "model": frozenset({"version"}),
    "version": frozenset(),
    "programs": frozenset({"model"}),
    "orphans": frozenset(),
    "settings": frozenset(FOUNDATION),
    "store": frozenset({*FOUNDATION, "settings"}),
    "execution": frozenset(FOUNDATION),
    "embedded": frozenset({*FOUNDATION, "settings", "store"}),
    "sources": frozenset({*FOUNDATION, "settings", "execution"}),
    "sdk": frozenset({*FOUNDATION, "settings", "store", "embedded", "execution", "sources"}),
    "doors": frozenset(
        {*FOUNDATION, "settings", "store", "embedded", "execution", "sources", "sdk"}
    ),
    "runner": frozenset(
        {*FOUNDATION, "settings", "store", "embedded", "pipe", "trees", "lacking", "sources"}
    ),
    "scheduler": frozenset({*FOUNDATION, "settings", "store", "pipe"}),
}
"""layer -> the layers below it; its own it always sees."""

OWN_LAYERS = {
    f"orchestrator.execution.{name}": name
    # How processes talk, how all of one run are reached, and what there is none left of for one.
    for name in ("pipe", "trees", "lacking")
}
DOORS = {"api", "ui", "cli"}
MAY_NEED_LIBRARIES = {
    f"orchestrator.model.{kind}" for kind in ("cron", "recurrence", "recurrences", "templates")
}
"""They read rules of schedules, and templates; only who plans or makes these imports them."""


def layer(module: str) -> str:
    """The layer a module belongs to."""
    top, _, rest = module.partition(".")
    first = rest.partition(".")[0]
    if top != "orchestrator":
        return top
    if first in DOORS:
        return "doors"
    return first if first in MAY_SEE else "sdk"


def layers_of_import(found: Import) -> set[str]:
    """The layers that allow this import."""
    return {layer(found.imported), OWN_LAYERS.get(found.imported, layer(found.imported))}


def told(problems: Iterable[str], remedy: str) -> str:
    return "\n".join([*sorted(problems), "", remedy])


def test_imports_point_to_lower_layers() -> None:
    problems = [
        f"{found.place}: {layer(found.importer)} must not see {found.imported}"
        for found in imports()
        if found.imported in modules()
        and not layers_of_import(found) & (MAY_SEE[layer(found.importer)] | {layer(found.importer)})
    ]
    remedy = (
        "Move what both need into the lower of the two layers (values and pure functions into "
        "orchestrator/model), or hand it over as an argument from above."
    )
    assert not problems, told(problems, remedy)


def test_no_import_goes_in_a_circle() -> None:
    problems = [" -> ".join(way) for way in cycles(inner_graph())]
    remedy = (
        "Two files that import each other are one noun or three: move what both need into a file "
        "of its own. An import inside a function or under TYPE_CHECKING is no way out."
    )
    assert not problems, told(problems, remedy)


def test_only_the_store_speaks_to_redis() -> None:
    problems = [
        f"{found.place}: {found.importer} imports {found.imported}"
        for found in imports()
        if found.imported.partition(".")[0] in {"redis", "hiredis"}
        and not found.importer.startswith("orchestrator.store")
    ]
    remedy = "Ask for it as a Request in orchestrator/store; its callers turn errors into ours."
    assert not problems, told(problems, remedy)


def test_only_the_api_and_the_pages_know_the_web() -> None:
    problems = [
        f"{found.place}: {found.importer} imports {found.imported}"
        for found in imports()
        if found.imported.partition(".")[0] in {"fastapi", "starlette", "uvicorn"}
        and not found.importer.startswith(("orchestrator.api", "orchestrator.ui"))
    ]
    remedy = "They take a second to import: start the API as a process (orchestrator.programs)."
    assert not problems, told(problems, remedy)


@pytest.mark.parametrize("package", ["orchestrator.execution", "orchestrator.model"])
def test_no_way_leads_from_user_code_to_redis(package: str) -> None:
    """What a run process imports never drags in the store, not even through others."""
    graph = inner_graph()
    starts = [name for name in graph if name.startswith(package)]
    ways = [shortest_way(graph, name, end) for name in starts for end in graph if is_store(end)]
    problems = [" -> ".join(way) for way in ways if way]
    remedy = "A run process asks its runner through the pipe (orchestrator/execution/context.py)."
    assert not problems, told(problems, remedy)


def is_store(module: str) -> bool:
    return module.startswith("orchestrator.store")


def test_the_model_needs_nothing_but_the_standard_library() -> None:
    problems = {
        f"{found.place}: imports {found.imported}"
        for found in imports()
        if layer(found.importer) == "model"
        and found.imported.partition(".")[0] not in {*sys.stdlib_module_names, "orchestrator"}
        and found.importer not in MAY_NEED_LIBRARIES
    }
    remedy = "Every process imports the model at its start: put what needs a library into a layer."
    assert not problems, told(problems, remedy)


def test_nobody_says_the_name_of_a_program() -> None:
    problems = [
        f"{found.place}: imports {found.imported}"
        for found in imports()
        if found.imported.partition(".")[0] in set(SHIPPED) - {"orchestrator"}
        and not found.relative
    ]
    remedy = (
        "A user's own runner.py would answer. Inside a program import relatively "
        "(`from .leases import Lease`); from outside use orchestrator.programs."
    )
    assert not problems, told(problems, remedy)


def test_programs_do_not_see_each_other() -> None:
    graph = inner_graph()
    problems = [
        f"{name} -> {other}"
        for name in graph
        for other in graph[name]
        if name.partition(".")[0] != other.partition(".")[0]
        and other.partition(".")[0] in {"runner", "scheduler"}
    ]
    remedy = "Share it through orchestrator/store or orchestrator/model."
    assert not problems, told(problems, remedy)


def test_the_graph_is_read_from_the_files() -> None:
    """The proof of the proofs above: the reader sees imports that are surely there."""
    graph = inner_graph()

    assert "orchestrator.model.ids" in graph["orchestrator.store.keys"]
    assert cycles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c", "a"]]
