"""What a stranger can check from outside: hosts share runs, nothing listens, no code is stored."""

from __future__ import annotations

import os
import pickletools
import socket
from collections import Counter
from pathlib import Path
from typing import Any

import redis

from orchestrator import Client
from orchestrator.model.states import State
from tests.support import Server, eventually
from tests.support.processes import scripts, tree

FLOWS = """
import time
from orchestrator import flow

SECRET_OF_THE_CODE = "do not store me"

@flow(log_prints=True)
def shared(number: int):
    print("number", number)
    time.sleep(0.05)
    return number

if __name__ == "__main__":
    shared.serve(name="here", limit=1, pause_on_shutdown=False)
"""


def test_two_homes_and_one_server_share_a_deployment(server: Server, tmp_path: Path) -> None:
    homes = [tmp_path / "a", tmp_path / "b"]
    for home in homes:
        home.mkdir()
    with (
        Client(server.url) as client,
        scripts(homes[0], ORCHESTRATOR_REDIS_URL=server.url, ORCHESTRATOR_HOME=str(homes[0])) as a,
        scripts(homes[1], ORCHESTRATOR_REDIS_URL=server.url, ORCHESTRATOR_HOME=str(homes[1])) as b,
    ):
        hosts = [a.python(FLOWS), b.python(FLOWS)]
        eventually(lambda: [len(d.runners) for d in client.deployments()] == [2], why="both serve")

        run_ids = client.create_runs([("shared/here", {"number": n}) for n in range(40)])

        def over() -> bool:
            return all(client.run(run_id).is_final for run_id in run_ids)

        eventually(over, within=30, why="all runs ended")
        ended = [client.run(run_id) for run_id in run_ids]
        assert [(run.state, run.result) for run in ended] == [
            (State.COMPLETED, number) for number in range(40)
        ]
        shares = Counter(run.runner for run in ended)
        assert len(shares) == 2, "both took some"
        assert min(shares.values()) >= 5, shares
        for host in hosts:
            for pid in [host.pid, *tree(host.pid)]:
                assert not listening(pid)
        assert_no_code(server)


def listening(pid: int) -> list[str]:
    """The listening TCP sockets (0A) of a process."""
    inodes = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(link.readlink())
        except FileNotFoundError:
            continue  # the one through which the list was read
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                found.append(fields[1])
    return found


def test_listening_would_be_noticed() -> None:
    with socket.create_server(("127.0.0.1", 0)):
        assert listening(os.getpid())


def assert_no_code(server: Server) -> None:
    """I19: no value on the server holds source code or a pickle."""
    with redis.Redis.from_url(server.url) as raw:
        values = [value for key in raw.scan_iter() for value in values_of(raw, key)]
    assert len(values) > 100
    for value in values:
        assert b"SECRET_OF_THE_CODE" not in value
        assert b"def shared" not in value
        assert not is_pickle(value), value[:80]


def values_of(raw: Any, key: bytes) -> list[bytes]:
    kind = raw.type(key)
    if kind == b"hash":
        return [part for pair in raw.hgetall(key).items() for part in pair]
    if kind == b"stream":
        return [part for _, fields in raw.xrange(key) for pair in fields.items() for part in pair]
    if kind == b"zset":
        return list(raw.zrange(key, 0, -1))
    if kind == b"set":
        return list(raw.smembers(key))
    if kind == b"list":
        return list(raw.lrange(key, 0, -1))
    return [raw.get(key)]


def is_pickle(value: bytes) -> bool:
    """Whether the whole value reads as a pickle of protocol 2 or later."""
    if not value.startswith(b"\x80"):
        return False
    try:
        return any(code.name == "STOP" for code, _, _ in pickletools.genops(value))
    except ValueError:
        return False
