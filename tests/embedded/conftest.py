"""A fresh home per test, and no process left behind."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.settings import load_settings
from tests.embedded.living import Living


@pytest.fixture
def living(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Living]:
    """A home that does not exist yet."""
    monkeypatch.delenv("ORCHESTRATOR_REDIS_URL", raising=False)
    yield from lives_in(tmp_path / "home", tmp_path)


def lives_in(home: Path, folder: Path, **settings: object) -> Iterator[Living]:
    """The same for a home of your choice."""
    living = Living(load_settings({}, folder, home=home, **settings))
    yield living
    living.end()
    shutil.rmtree(living.home.socket_folder, ignore_errors=True)
