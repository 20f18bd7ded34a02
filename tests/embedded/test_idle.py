"""The server leaves when nobody needs it, and only then."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from orchestrator.embedded import ensure_server
from orchestrator.embedded.idle import SCHEDULER, url_as
from orchestrator.model.ids import deployment_id, new_run_id
from orchestrator.store import keys
from tests.embedded.conftest import lives_in
from tests.embedded.living import Living
from tests.support import eventually

IDLE_MINUTES = 0.002
LOOKS = 12
"""Three idle times long, the guardian looks that often."""

D = deployment_id("flow/deployment")


@pytest.fixture
def living(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Living]:
    """A home whose server leaves after a fraction of a second."""
    monkeypatch.delenv("ORCHESTRATOR_REDIS_URL", raising=False)
    yield from lives_in(tmp_path / "home", tmp_path, server_idle_minutes=IDLE_MINUTES)


def test_it_leaves_when_nobody_came_for_the_idle_time(living: Living) -> None:
    ensure_server(living.settings)

    eventually(lambda: not living.everything(), why="guardian, server and scheduler left")

    assert not living.home.state.exists()
    assert list(living.home.socket_folder.iterdir()) == []


def test_it_stays_while_somebody_is_connected(living: Living) -> None:
    with living.ensure() as client:
        eventually(lambda: _looks(client) > LOOKS, why="the guardian looked again and again")

    eventually(lambda: not living.everything(), why="it leaves after the last client")


NEEDS = {
    "queued": ("XADD", keys.queue(D), "*", "run", "r"),
    "handed back": ("XADD", keys.queue_first(D), "*", "run", "r"),
    "running": ("ZADD", keys.leases(D), "1", new_run_id(D, 1)),
    "scheduled": ("ZADD", keys.ATTENTION, "99999999999999", D),
}


@pytest.mark.parametrize("need", NEEDS.values(), ids=NEEDS.keys())
def test_it_stays_while_there_is_something_to_do(living: Living, need: tuple[str, ...]) -> None:
    ensure_server(living.settings)
    # Under the scheduler's name: this connection alone would not keep the server.
    with redis.Redis.from_url(url_as(living.home, SCHEDULER)) as client:
        client.sadd(keys.DEPLOYMENTS, D)
        client.execute_command(*need)
        eventually(lambda: _looks(client) > LOOKS, why="the guardian looked again and again")
        client.delete(need[1])

    eventually(lambda: not living.everything(), why="it leaves when all is done")


def test_who_comes_back_after_it_left_finds_everything(living: Living) -> None:
    with living.ensure() as client:
        client.set("k", "v")
    eventually(lambda: not living.everything(), why="it left")

    assert living.ensure().get("k") == "v"


def _looks(client: redis.Redis) -> int:
    """How often the guardian has asked who is connected."""
    return int(client.info("commandstats").get("cmdstat_client|list", {}).get("calls", 0))
