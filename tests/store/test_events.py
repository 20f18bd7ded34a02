"""The feed: emitted once per id, listed, found, capped."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from orchestrator.model.errors import InvalidOption
from orchestrator.model.event import Event, emitted
from orchestrator.store import events, keys
from orchestrator.store.caller import Store
from tests.support.keyspace import Client

AT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


def emit(store: Store, name: str, resource: str = "front", **given: Any) -> Event:
    return store.call(events.emit_event(emitted(name, resource, **given)))


def names(found: list[Event]) -> list[str]:
    return [event.event for event in found]


def test_what_is_emitted_lies_in_the_feed(store: Store) -> None:
    sent = emit(store, "door.opened", payload={"by": "key"}, occurred=AT, related=[{"id": "hall"}])

    (found,) = store.follow(events.list_events())

    assert found == sent
    assert found.to_json()["occurred"] == "2026-01-02T03:04:00.000Z"
    assert (found.payload, found.related, found.depth) == ({"by": "key"}, ({"id": "hall"},), 0)
    assert found.position.startswith(str(found.received))


def test_one_id_comes_once(store: Store) -> None:
    first = emit(store, "door.opened", id="one")
    again = emit(store, "door.opened", id="one")

    assert (first.received, again.position) == (again.received, "")
    assert len(store.follow(events.list_events())) == 1


def test_a_listing_takes_what_is_wanted(store: Store) -> None:
    for name, resource in (("door.opened", "front"), ("door.closed", "back"), ("rain", "sky")):
        emit(store, name, resource, related=[{"role": "house", "id": "home"}])
    rain, closed, _ = store.follow(events.list_events())

    def listed(**wanted: Any) -> list[str]:
        return names(store.follow(events.list_events(50, events.WantedEvents(**wanted))))

    assert listed(names=["door.*"]) == ["door.closed", "door.opened"]
    assert listed(resource_id="sky") == ["rain"]
    assert len(listed(resource_id="home")) == 3
    assert listed(since_ms=rain.received + 1) == []
    assert names(store.follow(events.list_events(1, before=rain.position))) == ["door.closed"]
    assert store.follow(events.find_event(closed.id)) == closed
    assert store.follow(events.find_event("another")) is None
    assert names(store.call(events.events_after(closed.position))) == ["rain"]
    assert store.call(events.last_position()) == rain.position


def test_feed_and_ids_are_capped(
    store: Store, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MOST_EVENTS", 10)
    for number in range(150):
        emit(store, "rain", id=f"id {number}")

    assert client.zcard(keys.EVENT_IDS) == 10
    assert client.xlen(keys.EVENTS) <= 110, "whole nodes of the stream go"
    assert emit(store, "rain", id="id 149").position == ""


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"event": ""}, "event=''"),
        ({"event": "run.Completed"}, "are our own"),
        ({"resource": ""}, "has no 'id'"),
        ({"resource": {"name": "x"}}, "has no 'id'"),
        ({"resource": {"id": "x", "n": 1}}, "must be texts"),
        ({"payload": [1]}, "must map names"),
        ({"payload": {"x": {1: 2}}}, "a key must be a text"),
        ({"payload": {"x": "y" * 20_000}}, "hand over a reference"),
        ({"related": "x"}, "must be a list"),
        ({"occurred": datetime(2026, 1, 1)}, "with a timezone"),  # noqa: DTZ001
        ({"id": "\n"}, "printable"),
    ],
)
def test_what_cannot_be_used_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidOption, match=words):
        emitted(**{"event": "rain", "resource": "sky"} | given)
