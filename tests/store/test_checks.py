"""What is found out about a server."""

from __future__ import annotations

import pytest

from orchestrator.store.caller import Store
from orchestrator.store.checks import check_server, server_facts

GOOD = {
    "redis_version": "7.0.15",
    "maxmemory_policy": "noeviction",
    "role": "master",
    "aof_enabled": "1",
    "connected_slaves": "0",
}


def levels(**changed: str) -> list[str]:
    return [finding.level for finding in check_server(GOOD | changed)]


def test_a_good_server() -> None:
    assert set(levels()) == {"ok"}


@pytest.mark.parametrize(
    ("changed", "level"),
    [
        ({"redis_version": "6.2.7"}, "refuse"),
        ({"redis_version": "8.2.1"}, "ok"),
        ({"redis_version": "7.2.4", "valkey_version": "9.1.2"}, "ok"),
        ({"maxmemory_policy": "allkeys-lru"}, "refuse"),
        ({"maxmemory_policy": "volatile-lru"}, "ok"),
        ({"role": "slave"}, "refuse"),
        ({"aof_enabled": "0"}, "warn"),
        ({"aof_enabled": "0", "loading": "1"}, "ok"),
        ({"connected_slaves": "1"}, "warn"),
        ({"connected_slaves": "1", "min_slaves_good_slaves": "1"}, "ok"),
    ],
)
def test_findings(changed: dict[str, str], level: str) -> None:
    assert levels(**changed)[0] == level


def test_whoever_is_warned_is_told_what_to_do() -> None:
    bad = {"redis_version": "6.0", "role": "slave", "aof_enabled": "0"}
    findings = check_server(GOOD | bad)
    assert all(finding.remedy for finding in findings if finding.level != "ok")


def test_facts_of_a_real_server(store: Store) -> None:
    facts = store.call(server_facts())
    findings = check_server(facts)
    assert [finding.what for finding in findings if finding.level != "ok"] == [
        "appendonly is off: a restart of the server may lose minutes of runs"
    ]
