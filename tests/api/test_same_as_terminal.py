"""Everything that the terminal does, HTTP does: the table in docs/api.md names every command and
every route, and nothing that is not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main

from orchestrator.cli.main import app
from tests.api.serving import Served

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
ROW = re.compile(r"^\| `([^`]+)` \| (`[A-Z]+ /.*) \|$", re.MULTILINE)


def commands(group: Any, before: str = "") -> Iterator[str]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{before}{name} ")
        else:
            yield before + name


def test_every_command_has_its_route_and_every_route_its_command(api: Served) -> None:
    page = PAGE.read_text()
    rows = {command: set(re.findall(r"`([^`]+)`", routes)) for command, routes in ROW.findall(page)}
    (local,) = re.findall(r"has no route: ([^.]+)\.", page)
    without = set(re.findall(r"`([^`]+)`", local))

    assert rows.keys() | without == set(commands(typer.main.get_command(app)))
    assert not rows.keys() & without
    paths = api.get("/api/v1/openapi.json").document["paths"]
    offered = {
        f"{method.upper()} {path.removeprefix('/api/v1')}"
        for path, operations in paths.items()
        for method in operations
    }
    assert set().union(*rows.values()) == offered
