"""What is killed comes back, with every acknowledged write (F74)."""

from __future__ import annotations

import os
import shutil
from signal import SIGCHLD, SIGCONT, SIGKILL, SIGSTOP, SIGTERM

from orchestrator.embedded.state import WAITING, read_state
from tests.embedded.living import ENSURE, Living
from tests.support import eventually


def test_a_killed_server_is_started_again_by_its_guardian(living: Living) -> None:
    living.ensure().set("k", "v")
    (guardian,), (server,) = living.guardians(), living.servers()

    os.kill(server, SIGKILL)
    eventually(lambda: [pid for pid in living.servers() if pid != server], why="a new server")

    assert living.ensure().get("k") == "v"
    assert living.guardians() == [guardian]


def test_a_killed_scheduler_is_started_again(living: Living) -> None:
    living.ensure()
    (first,) = eventually(living.schedulers, why="the scheduler lives")

    os.kill(first, SIGKILL)

    eventually(lambda: living.schedulers() not in ([], [first]), why="another scheduler")
    assert len(living.servers()) == 1


def test_a_socket_that_was_tidied_away_comes_back(living: Living) -> None:
    living.ensure().set("k", "v")
    (guardian,) = living.guardians()

    shutil.rmtree(living.home.socket_folder)
    os.kill(guardian, SIGCHLD)  # any signal makes it look now

    assert living.ensure().get("k") == "v"
    assert living.guardians() == [guardian]


def test_a_killed_guardian_takes_its_server_along_and_the_next_serves_the_same_data(
    living: Living,
) -> None:
    living.ensure().set("k", "v")
    (guardian,) = living.guardians()

    os.kill(guardian, SIGKILL)
    eventually(lambda: not living.everything(), why="server and scheduler are no orphans")

    assert living.ensure().get("k") == "v"
    assert len(living.guardians()) == 1


def test_everything_killed_at_once(living: Living) -> None:
    living.ensure().set("k", "v")

    for pid in living.everything():
        os.kill(pid, SIGKILL)
    eventually(lambda: not living.everything(), why="all are gone")

    assert living.ensure().get("k") == "v"


def test_a_client_of_another_process_finds_its_data_after_the_guardian_died(
    living: Living,
) -> None:
    client = living.ensure()
    client.set("k", "v")
    os.kill(living.guardians()[0], SIGKILL)
    eventually(lambda: not living.everything(), why="all are gone")

    living.start(ENSURE).communicate()

    assert client.get("k") == "v", "the same URL leads to the same data"


def test_two_servers_never_share_the_data(living: Living) -> None:
    living.ensure().set("k", "v")
    (guardian,), (server,) = living.guardians(), living.servers()
    os.kill(server, SIGSTOP)  # it cannot obey: as if writing its data took long
    os.kill(guardian, SIGKILL)
    eventually(lambda: guardian not in living.guardians(), why="the first guardian is gone")

    caller = living.start(ENSURE)
    eventually(lambda: _problem(living) == WAITING, within=30, why="the next guardian waits")
    assert living.servers() == [server]
    os.kill(server, SIGCONT)

    assert caller.communicate()[0].strip() == living.home.url
    assert living.ensure().get("k") == "v"


def test_told_to_stop_everything_ends_in_order(living: Living) -> None:
    living.ensure().set("k", "v")
    (guardian,) = living.guardians()

    os.kill(guardian, SIGTERM)
    eventually(lambda: not living.everything(), why="nothing is left")

    assert not living.home.state.exists()
    assert "ready to exit" in (living.home.logs / "server.log").read_text()
    assert living.ensure().get("k") == "v"


def test_a_torn_end_of_the_append_only_file_costs_only_itself(living: Living) -> None:
    living.ensure().set("k", "v")
    os.kill(living.guardians()[0], SIGTERM)
    eventually(lambda: not living.everything(), why="nothing is left")
    (written,) = living.home.data.glob("appendonlydir/*.incr.aof")
    with written.open("ab") as end:
        end.write(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$9\r\nhal")  # the power went here

    assert living.ensure().get("k") == "v"


def _problem(living: Living) -> str:
    state = read_state(living.home.state)
    return state.problem if state else ""
