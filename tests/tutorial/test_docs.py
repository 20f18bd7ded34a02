"""What the docs show works: code compiles, names exist, commands and links are there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

import orchestrator
from orchestrator.cli.main import app
from orchestrator.declaring.flow_options import FlowArguments
from orchestrator.deployment import DeploymentOptions
from orchestrator.settings import load_settings

PROJECT = Path(__file__).parents[2]
PAGES = sorted(
    [*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md")],
    key=lambda page: str(page.relative_to(PROJECT)),
)
COMMAND = re.compile(r"\borchestrator((?: [a-z][a-z-]*)+)")


def page_name(page: Path) -> str:
    return str(page.relative_to(PROJECT))


def blocks(page: Path, language: str) -> Iterator[str]:
    """The fenced blocks of one language."""
    fence = re.compile(rf"^```{language}\n(.*?)^```$", re.DOTALL | re.MULTILINE)
    yield from fence.findall(page.read_text())


def imported_names(code: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and node.module == "orchestrator":
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_code_compiles_and_imports_what_exists(page: Path) -> None:
    for code in blocks(page, "python"):
        missing = [name for name in imported_names(code) if not hasattr(orchestrator, name)]
        assert not missing, f"{page_name(page)} imports {missing} from orchestrator"


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_commands_exist(page: Path) -> None:
    for block in blocks(page, "sh"):
        for words in COMMAND.findall(block):
            assert_is_command(words.split(), page)


def assert_is_command(words: list[str], page: Path) -> None:
    """Follow the words down the groups; what comes behind a command are its arguments."""
    known = getattr(typer.main.get_command(app), "commands", {})
    for word in words:
        assert word in known, f"{page_name(page)}: no command `orchestrator {' '.join(words)}`"
        known = getattr(known[word], "commands", None)
        if known is None:
            return


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page_name(page)} links to {target}"


def test_every_setting_is_in_the_reference() -> None:
    text = (PROJECT / "docs" / "reference.md").read_text()
    missing = [
        s.name for s in load_settings({}, Path("/")).sources() if f"| `{s.name}` " not in text
    ]
    assert not missing


def test_every_name_and_option_is_in_the_reference() -> None:
    text = (PROJECT / "docs" / "reference.md").read_text()
    options = {*FlowArguments.__annotations__, *DeploymentOptions.__annotations__}
    accepted_only_for_prefect = {"result_serializer", "cache_result_in_memory"}
    names = {*orchestrator.__all__, *options} - accepted_only_for_prefect
    missing = sorted(name for name in names if not re.search(rf"\b{name}\b", text))
    assert not missing
