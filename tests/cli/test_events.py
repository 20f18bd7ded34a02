"""``orchestrator event``: emit, ls, inspect, stream."""

from __future__ import annotations

import json
import signal

from tests.cli.terminal import Terminal
from tests.support import eventually

OPENED = ("event", "emit", "door.opened", "--resource-id", "front")


def test_what_is_emitted_is_listed(terminal: Terminal) -> None:
    more = ("--payload", '{"by": "key"}', "--related", "house=home", "--resource", "name=Front")
    said = terminal.call(*OPENED, *more, "--id", "one")
    data = terminal.call("event", "ls", "--output", "json").document
    text = terminal.call("event", "ls", "--event", "door.*")

    assert said.code == 0
    assert "No scheduler is alive" in said.err
    assert data[0]["resource"] == {"id": "front", "name": "Front"}
    assert data[0]["related"] == [{"role": "house", "id": "home"}]
    assert terminal.call("event", "inspect", "one").document == data[0]
    assert "Front" in text.out
    assert '{"by": "key"}' in text.out
    assert terminal.call("event", "ls", "--event", "rain").err == "No events.\n"
    assert terminal.call("event", "inspect", "two").code == 1


def test_wrong_usage_changes_nothing(terminal: Terminal) -> None:
    for words in (
        ("event", "emit", "run.Completed", "--resource-id", "x"),
        (*OPENED, "--payload", "[1]"),
        (*OPENED, "--related", "house"),
        ("event", "emit", "rain"),
    ):
        assert terminal.call(*words).code == 2, words
    assert terminal.call("event", "ls", "--output", "json").document == []


def test_the_stream_shows_events_as_they_happen(terminal: Terminal) -> None:
    stream = terminal.start("event", "stream", "--event", "door.*", "--output", "json")
    assert stream.stdout is not None
    try:
        # Nobody tells when it listens: say it until it was heard.
        numbers = iter(range(10_000))
        lines = iter(stream.stdout)

        def emitted() -> bool:
            terminal.call(*OPENED, "--id", str(next(numbers)))
            return next(numbers) > 6

        eventually(emitted, within=60)
        heard = json.loads(next(lines))
        assert heard["event"] == "door.opened"
    finally:
        stream.send_signal(signal.SIGINT)
        stream.communicate(timeout=10)
