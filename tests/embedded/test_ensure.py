"""Whoever needs a server gets one, and all of a home get the same."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from orchestrator.embedded import ensure_server
from orchestrator.embedded.home import Home
from orchestrator.settings import load_settings
from tests.embedded.living import ENSURE, Living


def test_a_configured_url_is_returned_untouched_and_nothing_is_started(living: Living) -> None:
    url = "redis://user:secret@nowhere.invalid:1/0"

    assert ensure_server(load_settings({}, redis_url=url, home=living.home.folder)) == url

    assert not living.home.folder.exists()
    assert living.everything() == []


def test_a_fresh_home_gets_a_server_that_keeps_what_it_is_told(living: Living) -> None:
    client = living.ensure()

    wanted = {"appendonly": "yes", "save": "", "maxmemory-policy": "noeviction", "port": "0"}
    assert client.config_get(*wanted) == wanted
    assert client.config_get("dir")["dir"] == str(living.home.data)


def test_nobody_else_can_come_near_socket_and_data(living: Living) -> None:
    living.ensure()

    for folder in (living.home.socket_folder, living.home.data, living.home.folder):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_another_process_finds_the_same_server(living: Living) -> None:
    before = living.ensure().info("server")["run_id"]

    output, _ = living.start(ENSURE).communicate()

    assert output.strip() == living.home.url
    assert living.ensure().info("server")["run_id"] == before


def test_of_many_at_once_one_guardian_lives(living: Living) -> None:
    callers = [living.start(ENSURE) for _ in range(4)]

    assert [caller.communicate()[0].strip() for caller in callers] == [living.home.url] * 4

    assert len(living.guardians()) == 1
    assert len(living.servers()) == 1


def test_the_guardian_outlives_who_started_it(living: Living) -> None:
    living.start(ENSURE).communicate()
    (guardian,) = living.guardians()

    # In a session of its own: what ends the terminal of the first caller does not reach it.
    fields = Path(f"/proc/{guardian}/stat").read_text().rpartition(")")[2].split()
    assert int(fields[3]) == guardian
    assert living.ensure().ping()


def test_a_home_deeper_than_a_socket_can_be(tmp_path: Path, living: Living) -> None:
    deep = Home(tmp_path / ("x" * 150))
    assert len(str(deep.socket)) < 60

    settings = load_settings({}, home=deep.folder)
    deeper = Living(settings)
    try:
        assert deeper.ensure().ping()
    finally:
        deeper.end()


def test_two_names_of_one_home_are_one_home(living: Living, tmp_path: Path) -> None:
    living.ensure()
    (tmp_path / "other").symlink_to(living.home.folder)

    assert ensure_server(load_settings({}, home=tmp_path / "other")) == living.home.url
    assert len(living.guardians()) == 1


@pytest.mark.parametrize("text", ["", "{", '{"pid": 1}', "[]", '{"unknown": 1}'])
def test_files_that_lie_decide_nothing(living: Living, text: str) -> None:
    living.home.folder.mkdir()
    living.home.state.write_text(text)
    living.home.lock.write_text("99999999")  # the lock is held by no process: stale

    assert living.ensure().ping()


def test_a_file_broken_while_the_guardian_lives_decides_nothing_either(living: Living) -> None:
    living.ensure().set("k", "v")
    living.home.state.write_text("{")

    assert living.ensure().get("k") == "v"
    assert len(living.guardians()) == 1
