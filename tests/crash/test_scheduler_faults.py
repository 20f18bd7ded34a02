"""What the server can do to a scheduler (F01, F21, F53, F76), and a leader that dies in mid-write.

The same faults as for runners in ``test_server_faults``. Nothing needs a restart: every instant is
made once, also those of the time without a server, and the scheduler says little.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from subprocess import Popen

import pytest

from orchestrator.schedules import Interval
from orchestrator.store.scripts import script
from soak.proxy import Proxies
from tests.scheduler.scheduling import Place
from tests.support import Server, eventually
from tests.support.invariants import assert_invariants
from tests.support.keyspace import Client, open_client

EVERY_MS = 200
DURABLE = ("--save", "", "--appendonly", "yes", "--appendfsync", "always")
PROTECTED = ("--enable-protected-configs", "yes")


@dataclass
class Scene:
    """A scheduler at work on a server that forgets nothing."""

    place: Place
    client: Client
    folder: Path
    scheduler: Popen[str]
    text: str = ""

    @property
    def server(self) -> Server:
        return self.place.server

    def goes_on(self) -> None:
        """New instants are made, as if nothing had been."""
        since = self.place.server_ms()
        eventually(lambda: self.latest() > since + 2 * EVERY_MS, within=40, why="runs are made")

    def said(self) -> str:
        """All that the scheduler has said so far."""
        assert self.scheduler.stderr is not None
        pipe = self.scheduler.stderr.fileno()
        while select.select([pipe], [], [], 0)[0] and (more := os.read(pipe, 1 << 16)):
            self.text += more.decode()
        return self.text

    def latest(self) -> int:
        return max(self.place.due(), default=0)

    def makes_none(self) -> None:
        """The server's time goes on without runs."""
        begun = self.server_seconds()
        eventually(lambda: self.server_seconds() > begun + 1)

    def server_seconds(self) -> float:
        seconds, micros = self.client.time()
        return int(seconds) + int(micros) / 1_000_000


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    server = Server(options=(*DURABLE, *PROTECTED)).start()
    place = Place(server)
    try:
        place.deploy(Interval(EVERY_MS / 1000, catchup="all"))
        with open_client(server.url) as client:
            scene = Scene(place, client, tmp_path, place.start())
            scene.goes_on()
            yield scene
    finally:
        place.end()
        server.stop()


def restart(scene: Scene) -> None:
    scene.server.kill()
    scene.server.start()


def stand_still(scene: Scene) -> None:
    """Longer than the scheduler waits for an answer, and than its lead lasts."""
    assert scene.server.process is not None
    scene.server.process.send_signal(signal.SIGSTOP)
    eventually(lambda: "server unavailable" in scene.said(), within=40)
    scene.server.process.send_signal(signal.SIGCONT)


def refuse_writes(scene: Scene) -> None:
    scene.client.config_set("min-replicas-to-write", 1)
    scene.makes_none()
    scene.client.config_set("min-replicas-to-write", 0)


def be_a_replica(scene: Scene) -> None:
    scene.client.execute_command("REPLICAOF", "127.0.0.1", "1")
    scene.makes_none()
    scene.client.execute_command("REPLICAOF", "NO", "ONE")


def fail_to_save(scene: Scene) -> None:
    """MISCONF."""
    folder = scene.folder / "gone"
    folder.mkdir()
    scene.client.config_set("dir", str(folder))
    folder.rmdir()
    scene.client.config_set("save", "3600 1")
    scene.client.bgsave()
    scene.makes_none()
    scene.client.config_set("save", "")


def run_out_of_memory(scene: Scene) -> None:
    scene.client.config_set("maxmemory", 1)
    scene.makes_none()
    scene.client.config_set("maxmemory", 0)


def forget_scripts(scene: Scene) -> None:
    scene.client.script_flush()


def cut(scene: Scene) -> None:
    for kind in ("pubsub", "normal"):
        scene.client.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")


Harm = Callable[[Scene], None]


@pytest.mark.parametrize("harm", [restart, run_out_of_memory, forget_scripts, cut])
def test_every_instant_is_made_through(scene: Scene, harm: Harm) -> None:
    harm(scene)
    all_is_well(scene)


@pytest.mark.long
@pytest.mark.parametrize("harm", [stand_still, refuse_writes, be_a_replica, fail_to_save])
def test_every_instant_is_made_also_through(scene: Scene, harm: Harm) -> None:
    harm(scene)
    all_is_well(scene)


def all_is_well(scene: Scene) -> None:
    scene.goes_on()
    due = scene.place.due()
    assert {later - earlier for earlier, later in pairwise(due)} == {EVERY_MS}, "each once"
    assert scene.scheduler.poll() is None, scene.said()
    assert len(scene.said().splitlines()) < 20, scene.said()
    assert "Traceback" not in scene.said()
    # What is read key by key must not change meanwhile.
    scene.place.end_schedulers()
    assert_invariants(scene.client)


@pytest.mark.parametrize("restarts", [False, True], ids=["FLUSHALL", "restart without data"])
def test_F01_a_server_without_data_is_scheduled_anew(scene: Scene, restarts: bool) -> None:
    """When its runners have put the deployment again, which is all that is left of it."""
    if restarts:
        scene.server.kill()
        shutil.rmtree(scene.server.folder / "appendonlydir")
        scene.server.start()
    else:
        scene.client.flushall()
    scene.place.deploy(Interval(EVERY_MS / 1000, catchup="all"))
    all_is_well(scene)


@pytest.mark.long
@pytest.mark.parametrize("lost", ["the tick", "its answer"])
def test_I2_the_leader_dies_in_mid_write_beside_a_standby(
    server: Server, tmp_path: Path, lost: str
) -> None:
    """The standby finds what was begun, and makes neither more nor less of it."""
    place = Place(server)
    tick = script("tick_schedules").sha.encode()
    with Proxies() as proxies:
        proxy = proxies.open(server.socket, tmp_path / "proxy")
        place.deploy(Interval(EVERY_MS / 1000, catchup="all"))
        leader = place.start(ORCHESTRATOR_REDIS_URL=proxy.url)
        token = eventually(place.leader, within=30, why="somebody leads")
        place.start()
        eventually(lambda: len(place.due()) >= 3, within=30, why="runs are made")
        there = proxy.hold(tick) if lost == "the tick" else proxy.lose_reply(tick)
        assert there.reached.wait(30)
        leader.kill()
        died_at = place.server_ms()
        eventually(lambda: place.leader() not in (None, token), within=30, why="the other leads")
        eventually(lambda: max(place.due()) > died_at + 1000, within=30, why="runs are made again")
        place.end_schedulers()
    due = place.due()
    assert {later - earlier for earlier, later in pairwise(due)} == {EVERY_MS}, "each once"
    place.end()
