"""Stopping the server of a home on purpose."""

from __future__ import annotations

from orchestrator.embedded import stop_server
from tests.embedded.living import FOREGROUND, Living
from tests.support import eventually


def test_where_none_lives_there_is_nothing_to_stop(living: Living) -> None:
    assert not stop_server(living.settings)
    assert not living.home.folder.exists()


def test_on_return_everything_has_ended_and_is_kept(living: Living) -> None:
    living.ensure().set("k", "v")

    assert stop_server(living.settings)

    assert living.servers() == living.schedulers() == []
    assert living.ensure().get("k") == "v"


def test_one_in_the_foreground_too(living: Living) -> None:
    server = living.start(FOREGROUND)
    eventually(living.servers, why="it serves")

    assert stop_server(living.settings)

    assert server.wait() == 0
