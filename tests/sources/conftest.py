"""A repository with one version, and a home for checkouts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sources.repository import Repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Version one is committed."""
    repository = Repository(tmp_path / "remotes" / "team")
    repository.commit_version("one")
    return repository


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("ORCHESTRATOR_HOME", str(folder))
    return folder
