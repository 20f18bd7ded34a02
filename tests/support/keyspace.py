"""Everything that lies on a server, read at one go into plain values.

Only tests look at keys in this way (SCAN); what they find is judged in ``invariants`` and compared
with the model in ``oracle``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import redis

from orchestrator.model.ids import DeploymentId, RunId
from orchestrator.model.states import CLAIMED, FINAL, WAITING, State
from orchestrator.store import keys

QUEUES = ("queue:first", "queue", "queue:late")
"""The ticket streams of a deployment, in the order in which claims read them."""

_D = r"[a-z2-7]{12}"
_RUN = rf"{_D}-[0-9a-v]{{21}}"
SCHEMA: Mapping[str, str] = {
    rf"orc:\{{{_D}\}}:(deployment|schedules|runners|triggers|progress)": "hash",
    rf"orc:\{{{_D}\}}:versions": "list",
    rf"orc:\{{{_D}\}}:(queue:first|queue|queue:late|outbox)": "stream",
    rf"orc:\{{{_D}\}}:(delayed|leases|runs|expiring|stopping|hooks)": "zset",
    rf"orc:\{{(?P<d>{_D})\}}:run:(?P=d)-[0-9a-v]{{21}}": "hash",
    rf"orc:\{{(?P<l>{_D})\}}:log:(?P=l)-[0-9a-v]{{21}}": "stream",
    rf"orc:\{{(?P<c>{_D})\}}:children:(?P=c)-[0-9a-v]{{21}}": "zset",
    "orc:attention": "zset",
    "orc:deployments": "set",
    "orc:leader": "string",
    "orc:runner:.+": "string",
    r"orc:\{events\}:feed": "stream",
    r"orc:\{events\}:ids": "zset",
    r"orc:\{events\}:copied": "hash",
}
"""Pattern of a key -> its type, as the table in ``store.keys`` has it."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """One entry of a ticket stream. ``consumer`` is empty while nobody has it."""

    entry: str
    run_id: str
    queue: str
    consumer: str
    in_stream: bool = True

    @property
    def name(self) -> str:
        """As the record's field ``ticket`` has it: ``<queue word> <entry id>``."""
        return f"{self.queue.removeprefix('queue:')} {self.entry}"


@dataclass(frozen=True, slots=True)
class RecordOfRun:
    """A run's hash and the life time left to it (ms; -1: for ever)."""

    fields: Mapping[str, str]
    ttl: int

    @property
    def state(self) -> State:
        return State(self.fields["state"])

    @property
    def is_waiting(self) -> bool:
        return self.state in WAITING

    @property
    def is_claimed(self) -> bool:
        return self.state in CLAIMED

    @property
    def is_final(self) -> bool:
        return self.state in FINAL

    @property
    def history(self) -> list[list[Any]]:
        return [json.loads(line) for line in self.fields.get("history", "").split("\n")[:-1]]


@dataclass(frozen=True, slots=True)
class Slot:
    """What lies under one deployment's hash tag."""

    d: DeploymentId
    deployment: Mapping[str, str]
    schedules: Mapping[str, str]
    runners: Mapping[str, str]
    runs: Mapping[str, RecordOfRun]
    tickets: tuple[Ticket, ...]
    """Of each queue in turn: the pending ones, then those that nobody has yet."""
    leftovers: tuple[str, ...]
    """Entries that were acknowledged and never deleted."""
    delayed: Mapping[str, float]
    leases: Mapping[str, float]
    index: Mapping[str, float]
    expiring: Mapping[str, float]
    consumers: Mapping[str, int]
    """Consumer -> tickets pending with it, over all three queues."""
    logs: Mapping[str, int]
    """Run -> life time of its log."""
    children: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Run -> what it has asked for, each with its number."""
    families: Mapping[str, int] = field(default_factory=dict)
    """Run -> life time of that."""
    stopping: Mapping[str, float] = field(default_factory=dict)
    hooks: Mapping[str, float] = field(default_factory=dict)
    versions: tuple[int, ...] = ()
    """Their numbers, as they stand."""

    def tickets_of(self, run_id: str) -> list[Ticket]:
        return [ticket for ticket in self.tickets if ticket.run_id == run_id]


@dataclass(frozen=True, slots=True)
class Keyspace:
    """All of it."""

    slots: Mapping[DeploymentId, Slot]
    unknown: tuple[str, ...] = ()
    """Keys that the schema does not know, or of another type than it says."""
    lives: Mapping[str, int] = field(default_factory=dict)
    """Key -> life time, of the keys that are not records or logs of runs."""
    attention: Mapping[str, float] = field(default_factory=dict)


Client: TypeAlias = Any
"""A redis client that decodes its replies; its own types leave open whether it does."""


def open_client(url: str, *, decode_responses: bool = True) -> Client:
    """A connection that answers in text, or in bytes."""
    return redis.Redis.from_url(url, decode_responses=decode_responses)


def read_keyspace(client: Client) -> Keyspace:
    """The whole keyspace as it stands. Nothing else may be writing meanwhile; what expires just
    now (the leader, what a runner said of itself) is there or is not."""
    scanned = {key: str(client.type(key)) for key in sorted(client.scan_iter(count=1000))}
    types = {key: kind for key, kind in scanned.items() if kind != "none"}
    # An outbox outlives its deployment: what happened last is still to be told.
    tags = {
        match[1]
        for key in types
        if not key.endswith(":outbox")
        if (match := re.match(rf"orc:\{{({_D})\}}:", key))
    }
    return Keyspace(
        slots={DeploymentId(d): _read_slot(client, DeploymentId(d), types) for d in sorted(tags)},
        unknown=tuple(f"{key} ({kind})" for key, kind in types.items() if not _is_known(key, kind)),
        lives={key: life for key, life in _lives(client, types) if life != _GONE},
        attention=dict(client.zrange(keys.ATTENTION, 0, -1, withscores=True)),
    )


_GONE = -2


def _lives(client: Client, types: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    for key in types:
        if not re.search(":(run|log|children):", key):
            yield key, int(client.pttl(key))


def dump(client: Client) -> dict[str, Any]:
    """Every key with its bytes, for "nothing changed": equal dumps are equal keyspaces.

    Streams are dumped by what they hold: a refused read may note the consumer's time.
    """
    return {
        key: (str(client.type(key)), _content(client, key), client.pttl(key) >= 0)
        for key in sorted(client.scan_iter(count=1000))
    }


def _content(client: Client, key: str) -> Any:
    kind = client.type(key)
    if kind == "hash":
        return client.hgetall(key)
    if kind == "zset":
        return client.zrange(key, 0, -1, withscores=True)
    if kind == "set":
        return client.smembers(key)
    if kind == "list":
        return client.lrange(key, 0, -1)
    if kind == "stream":
        return (client.xrange(key), [_group(client, key, g) for g in client.xinfo_groups(key)])
    return client.get(key)


def _group(client: Client, key: str, group: Mapping[str, Any]) -> Any:
    pending = client.xpending_range(key, group["name"], "-", "+", 10_000)
    owners = [(entry["message_id"], entry["consumer"]) for entry in pending]
    consumers = sorted(each["name"] for each in client.xinfo_consumers(key, group["name"]))
    return group["name"], group["last-delivered-id"], owners, consumers


def _is_known(key: str, kind: str) -> bool:
    return any(kind == wanted and re.fullmatch(name, key) for name, wanted in SCHEMA.items())


def _read_slot(client: Client, d: DeploymentId, types: Mapping[str, str]) -> Slot:
    tag = f"orc:{{{d}}}:"
    ids = [key.removeprefix(tag + "run:") for key in types if key.startswith(tag + "run:")]
    logs = [key.removeprefix(tag + "log:") for key in types if key.startswith(tag + "log:")]
    parents = [
        RunId(key.removeprefix(tag + "children:"))
        for key in types
        if key.startswith(tag + "children:")
    ]
    runs = {run_id: _read_record(client, RunId(run_id)) for run_id in ids}
    holders = {run.fields.get("ticket", ""): run_id for run_id, run in runs.items()}
    streams = [name for name in QUEUES if types.get(tag + name) == "stream"]
    read = [_read_queue(client, tag, name, holders) for name in streams]
    return Slot(
        d=d,
        deployment=client.hgetall(keys.deployment(d)),
        schedules=client.hgetall(keys.schedules(d)),
        runners=client.hgetall(keys.runners(d)),
        runs=runs,
        tickets=tuple(ticket for tickets, _ in read for ticket in tickets),
        leftovers=tuple(entry for _, entries in read for entry in entries),
        delayed=dict(client.zrange(keys.delayed(d), 0, -1, withscores=True)),
        leases=dict(client.zrange(keys.leases(d), 0, -1, withscores=True)),
        index=dict(client.zrange(keys.runs(d), 0, -1, withscores=True)),
        expiring=dict(client.zrange(keys.expiring(d), 0, -1, withscores=True)),
        consumers=_read_consumers(client, [tag + name for name in streams]),
        logs={run_id: int(client.pttl(keys.log(RunId(run_id)))) for run_id in logs},
        children={
            run_id: dict(client.zrange(keys.children(run_id), 0, -1, withscores=True))
            for run_id in parents
        },
        families={run_id: int(client.pttl(keys.children(run_id))) for run_id in parents},
        stopping=dict(client.zrange(keys.stopping(d), 0, -1, withscores=True)),
        hooks=dict(client.zrange(keys.hooks(d), 0, -1, withscores=True)),
        versions=tuple(
            json.loads(each)["number"] for each in client.lrange(keys.versions(d), 0, -1)
        ),
    )


def _read_record(client: Client, run_id: RunId) -> RecordOfRun:
    key = keys.run(run_id)
    return RecordOfRun(client.hgetall(key), int(client.pttl(key)))


def _read_queue(
    client: Client, tag: str, name: str, holders: Mapping[str, str]
) -> tuple[list[Ticket], list[str]]:
    """The tickets of one stream, and what was acknowledged without being deleted."""
    stream = tag + name
    entries = {entry: fields["run"] for entry, fields in client.xrange(stream)}
    groups = {group["name"]: group for group in client.xinfo_groups(stream)}
    pending: dict[str, str] = {}
    delivered = "0-0"
    if keys.GROUP in groups:
        delivered = groups[keys.GROUP]["last-delivered-id"]
        found = client.xpending_range(stream, keys.GROUP, "-", "+", 100_000)
        pending = {each["message_id"]: each["consumer"] for each in found}
    held = [
        _pending(Ticket(entry, entries.get(entry, ""), name, who, entry in entries), holders)
        for entry, who in pending.items()
    ]
    waiting = {e: run for e, run in entries.items() if _moment(e) > _moment(delivered)}
    left = [f"{name} {e}" for e in entries if e not in waiting and e not in pending]
    return [*held, *(Ticket(e, run, name, "") for e, run in waiting.items())], left


def _pending(ticket: Ticket, holders: Mapping[str, str]) -> Ticket:
    """A pending ticket whose entry was removed is still known to its run's record."""
    return ticket if ticket.in_stream else replace(ticket, run_id=holders.get(ticket.name, "?"))


def _read_consumers(client: Client, streams: list[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name, pending in _consumers(client, streams):
        counts[name] = counts.get(name, 0) + pending
    return counts


def _consumers(client: Client, streams: list[str]) -> Iterator[tuple[str, int]]:
    for stream in streams:
        if any(group["name"] == keys.GROUP for group in client.xinfo_groups(stream)):
            for each in client.xinfo_consumers(stream, keys.GROUP):
                yield each["name"], int(each["pending"])


def _moment(entry: str) -> tuple[int, int]:
    ms, _, number = entry.partition("-")
    return int(ms), int(number)
