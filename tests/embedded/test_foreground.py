"""``orchestrator server start``: be the guardian, or attend the one that lives."""

from __future__ import annotations

import os
import subprocess
from signal import SIGINT, SIGKILL, SIGTERM

import pytest

from orchestrator.embedded.foreground import run_server_in_foreground
from orchestrator.model.errors import EmbeddedServerFailed
from tests.embedded.living import FOREGROUND, Living
from tests.support import eventually


def line_with(process: subprocess.Popen[str], words: str) -> str:
    """The next line that holds the words; the lines before it are gone."""
    assert process.stdout is not None
    for line in process.stdout:
        if words in line:
            return line
    raise AssertionError(f"it ended without {words!r}")


@pytest.mark.parametrize("number", [SIGINT, SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_alone_it_is_the_guardian_until_told_to_stop(living: Living, number: int) -> None:
    server = living.start(FOREGROUND)
    assert living.home.url in line_with(server, "answers at")
    assert living.ensure().ping()
    assert living.guardians() == []

    server.send_signal(number)

    assert server.wait() == 0
    assert living.everything() == []


def test_a_second_one_attends_and_leaves_the_first_alone(living: Living) -> None:
    living.ensure().set("k", "v")
    second = living.start(FOREGROUND)
    assert str(living.guardians()[0]) in line_with(second, "already serves")

    os.kill(living.servers()[0], SIGKILL)
    line_with(second, "already serves")  # the server is back, and it attends again
    second.send_signal(SIGINT)

    assert second.wait() == 0
    assert living.ensure().get("k") == "v"
    assert len(living.guardians()) == 1


def test_an_attending_one_shows_what_happens(living: Living) -> None:
    living.ensure()
    second = living.start(FOREGROUND)
    line_with(second, "already serves")

    os.kill(living.guardians()[0], SIGTERM)

    line_with(second, "told to stop")


def test_an_attending_one_takes_over_when_the_guardian_goes(living: Living) -> None:
    living.ensure().set("k", "v")
    second = living.start(FOREGROUND)
    line_with(second, "already serves")

    os.kill(living.guardians()[0], SIGKILL)

    line_with(second, "answers at")
    assert living.ensure().get("k") == "v"
    assert living.guardians() == []


def test_its_terminal_goes_away(living: Living) -> None:
    server = living.start(FOREGROUND)
    line_with(server, "answers at")

    server.kill()
    server.wait()

    eventually(lambda: not living.everything(), why="server and scheduler are no orphans")


def test_a_home_that_cannot_be(living: Living) -> None:
    living.home.folder.write_text("")
    said: list[str] = []

    with pytest.raises(EmbeddedServerFailed, match="cannot make the folder"):
        run_server_in_foreground(living.settings, said.append)

    assert said == []
