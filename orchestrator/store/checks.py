"""Whether a server can be used, and what is risky about it. Pure: facts in, findings out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from orchestrator.store.requests import Request, command

OLDEST = (7, 0)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found out about the server."""

    level: Literal["refuse", "warn", "ok"]
    what: str
    remedy: str = ""


Facts = Mapping[str, str]
"""What INFO tells, by name."""


def server_facts() -> Request[dict[str, str]]:
    """What INFO tells, as one flat table."""
    return command(facts_of, "INFO", "server", "memory", "persistence", "replication", "stats")


def server_id() -> Request[str]:
    """Which server this is: another one after each start."""
    return command(lambda text: facts_of(text)["run_id"], "INFO", "server")


def facts_of(text: str) -> dict[str, str]:
    """The ``name:value`` lines of INFO."""
    lines = (line.partition(":") for line in text.splitlines() if ":" in line)
    return {name: value for name, _, value in lines}


def check_server(info: Facts) -> list[Finding]:
    """Every finding, those that refuse the server first."""
    order = {"refuse": 0, "warn": 1, "ok": 2}
    return sorted((check(info) for check in _CHECKS), key=lambda finding: order[finding.level])


def _version(info: Facts) -> Finding:
    name = "valkey" if "valkey_version" in info else "redis"
    version = info.get(f"{name}_version", "0")
    if tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) < OLDEST:
        return Finding(
            "refuse",
            f"{name} {version} is older than {'.'.join(map(str, OLDEST))}",
            "Install Redis 7.0 or newer, or any Valkey.",
        )
    return Finding("ok", f"{name} {version}")


def _eviction(info: Facts) -> Finding:
    policy = info.get("maxmemory_policy", "noeviction")
    if policy.startswith("allkeys"):
        return Finding(
            "refuse",
            f"maxmemory-policy is {policy}: the server may throw away open runs",
            "CONFIG SET maxmemory-policy noeviction",
        )
    return Finding("ok", f"maxmemory-policy is {policy}")


def _role(info: Facts) -> Finding:
    if info.get("role", "master") != "master":
        return Finding(
            "refuse",
            "the server is a replica: it takes no writes",
            "Put the primary's address into REDIS_URL.",
        )
    return Finding("ok", "the server is a primary")


def _persistence(info: Facts) -> Finding:
    if info.get("loading", "0") != "0":  # which it does with the file closed: said to be off
        return Finding("ok", "the server loads its data: appendonly is not known yet")
    if info.get("aof_enabled", "0") != "1":
        return Finding(
            "warn",
            "appendonly is off: a restart of the server may lose minutes of runs",
            "CONFIG SET appendonly yes",
        )
    return Finding("ok", "appendonly is on")


def _replication(info: Facts) -> Finding:
    replicas = info.get("connected_slaves", "0")
    # INFO names the good ones only while min-replicas-to-write is set.
    if replicas != "0" and "min_slaves_good_slaves" not in info:
        return Finding(
            "warn",
            f"{replicas} replicas, but min-replicas-to-write is 0: a primary that is cut off "
            "goes on alone, and what it took is lost at failover",
            "CONFIG SET min-replicas-to-write 1",
        )
    return Finding("ok", f"{replicas} replicas")


_CHECKS: tuple[Callable[[Facts], Finding], ...] = (
    _version,
    _eviction,
    _role,
    _persistence,
    _replication,
)
