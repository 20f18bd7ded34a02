"""Output becomes lines: whole, bounded, counted where some had to be dropped."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.model.errors import ServerUnavailable
from tests.runner.parts import part

logs, lines = part("logs"), part("lines")
LINE_BYTES = 16 * 1024


def split(*pieces: bytes, line_bytes: int = LINE_BYTES) -> list[Any]:
    splitter = lines.Splitter(line_bytes)
    found = [line for piece in pieces for line in splitter.feed(piece, 10.0)]
    return [*found, *splitter.close(10.0)]


def texts(*pieces: bytes, line_bytes: int = LINE_BYTES) -> list[str]:
    return [line.text for line in split(*pieces, line_bytes=line_bytes)]


def test_lines_come_whole_however_the_bytes_were_cut() -> None:
    assert texts(b"one\ntw", b"o\n", b"three") == ["one", "two", "three"]
    assert texts(b"a\n\nb\n") == ["a", "", "b"]


def test_a_framed_line_brings_its_own_time_level_and_logger() -> None:
    (line,) = split(b'\x1e{"t":5.5,"l":"ERROR","n":"flow","m":"a\\nb"}\n')
    assert (line.at, line.level, line.logger, line.text) == (5.5, "ERROR", "flow", "a\nb")


def test_output_without_a_newline_before_a_frame_is_a_line_of_its_own() -> None:
    assert texts(b'dots...\x1e{"t":1,"l":"INFO","n":"flow","m":"said"}\n') == ["dots...", "said"]


@pytest.mark.parametrize(
    "torn",
    [
        b"\x1e{no json}",
        b'\x1e{"t":1}',
        b'\x1e{"t":1,"l":"INFO","n":"flow","m":"half',
        b'\x1e{"t":1,"l":"IN\x1e{"t":1,"l":"INFO","n":"flow","m":"in it"}',
        b"\x1e" + b"[" * 15_000,
        b"\x1e",
    ],
)
def test_a_frame_that_is_none_is_plain_output(torn: bytes) -> None:
    (line,) = split(torn + b"\n")
    assert (line.text, line.logger) == (torn.decode(), "output")


def test_what_is_no_text_is_replaced_and_not_lost() -> None:
    assert texts(b"caf\xc3\xa9 \xff\r\n") == ["caf\u00e9 \ufffd"]
    assert texts(bytes(range(128, 192)) * 10, line_bytes=256) == ["\ufffd" * 256] * 2 + [
        "\ufffd" * 128
    ]


def test_a_long_line_is_cut_before_it_ends() -> None:
    splitter = lines.Splitter(LINE_BYTES)
    found = splitter.feed(b"x" * (2 * LINE_BYTES + 5), 1.0)
    assert [len(line.text) for line in found] == [LINE_BYTES] * 2
    assert [line.text for line in splitter.close(1.0)] == ["xxxxx"]


def test_a_cut_tears_no_frame_and_no_character() -> None:
    record = {"t": 1, "l": "INFO", "n": "flow", "m": "\u20ac" * 400}
    frame = b"\x1e" + json.dumps(record, ensure_ascii=False).encode() + b"\n"
    found = split(frame[:700], frame[700:], line_bytes=256)
    assert "".join(line.text for line in found) == record["m"]
    assert {line.logger for line in found} == {"flow"}
    assert max(len(line.text.encode()) for line in found) <= 256


def test_raw_lines_are_not_later_than_the_records_that_follow_them() -> None:
    frame = b'\x1e{"t":9.5,"l":"INFO","n":"flow","m":"record"}\n'
    assert [(line.text, line.at) for line in split(b"before\n" + frame + b"after\n")] == [
        ("before", 9.5),
        ("record", 9.5),
        ("after", 10.0),
    ]


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\n\r\x1e")))
def test_a_line_of_any_text_arrives_as_it_was(text: str) -> None:
    assert "".join(texts(text.encode() + b"\n", line_bytes=256)) == text


@given(st.lists(st.binary(max_size=600)))
def test_any_bytes_become_lines_that_are_not_too_long(pieces: list[bytes]) -> None:
    """However torn: nothing raises, and no line is longer than it may be."""
    assert all(len(line.text) <= 256 for line in split(*pieces, line_bytes=256))


class Stored:
    """Stands where the server is: keeps what is appended, answers when told to."""

    def __init__(self, answers: bool = True) -> None:
        self.batches: list[bytes] = []
        self.answers = answers

    def __call__(self, lines: bytes, stored: Callable[[], None]) -> None:
        self.batches.append(lines)
        if self.answers:
            stored()

    def texts(self) -> list[str]:
        return [json.loads(line)["m"] for batch in self.batches for line in batch.splitlines()]


def batches(is_away: bool = False) -> Any:
    """For a server that answers, or that does not."""
    contact = part("contact").Contact()
    if is_away:
        contact.failed(ServerUnavailable("nowhere", "it is away"))
    return logs.LogBatches(contact)


def logged(stored: Stored, *pieces: bytes, limit: int = 10_000, is_away: bool = False) -> Any:
    async def feed() -> Any:
        log = logs.RunLog(2, logs.Limits(lines=limit), batches(is_away), stored)
        for piece in pieces:
            log.feed(piece)
        log.close(_stored)
        return log

    return asyncio.run(feed())


def test_stored_lines_name_their_attempt() -> None:
    stored = Stored()
    logged(stored, b"hello\n")
    assert json.loads(stored.batches[0])["a"] == 2


def numbered(count: int) -> bytes:
    return b"".join(b"%d\n" % number for number in range(count))


@pytest.mark.parametrize(
    ("limit", "first", "last"), [(100, 90, 10), (2_000, 1_900, 100), (5, 5, 0)]
)
def test_beyond_the_limit_the_first_and_the_last_lines_are_kept(
    limit: int, first: int, last: int
) -> None:
    stored = Stored()
    logged(stored, numbered(2_500), limit=limit)
    found = stored.texts()
    assert found[:first] == [str(n) for n in range(first)]
    assert found[first] == f"{2_500 - limit} lines were dropped here: {logs.FULL}"
    assert found[first + 1 :] == [str(n) for n in range(2_500 - last, 2_500)]


def test_a_log_that_just_fits_is_whole() -> None:
    stored = Stored()
    logged(stored, numbered(100), limit=100)
    assert stored.texts() == [str(n) for n in range(100)]


def test_a_server_that_does_not_answer_bounds_what_waits() -> None:
    stored = Stored(answers=False)
    line = b"x" * 1000 + b"\n"
    logged(stored, *[line * 100] * 40, is_away=True)
    assert sum(map(len, stored.batches)) < 2 * logs.UNSENT_BYTES
    assert any(f"lines were dropped here: {logs.AWAY}" in text for text in stored.texts())


def test_after_an_outage_the_log_says_where_lines_are_missing() -> None:
    """What is printed afterwards comes after the gap, and its end is still there."""
    stored = Stored(answers=False)
    kept: list[Callable[[], None]] = []

    def append(lines: bytes, done: Callable[[], None]) -> None:
        stored.batches.append(lines)
        kept.append(done)

    async def live() -> None:
        log = logs.RunLog(1, logs.Limits(), batches(is_away=True), append)
        for number in range(3_000):
            log.feed(b"%d %s\n" % (number, b"x" * 1000))
        while kept:  # the server is back, and stores what comes
            kept.pop()()
            log.send()
        log.feed(b"back\n")
        log.close(_stored)

    asyncio.run(live())
    found = stored.texts()
    numbers = [int(text.split()[0]) for text in found if text.endswith("x")]
    (marker,) = (text for text in found if "dropped" in text)
    assert found[-1] == "back"
    assert numbers == sorted(set(numbers))
    assert marker == f"{3_000 - len(numbers)} lines were dropped here: {logs.AWAY}"


LINES = b"x" * 999 + b"\n"
LINES *= 64  # a pipe full


class Slow:
    """A server that answers when it is told to, and a log that is held back until then."""

    def __init__(self) -> None:
        self.answers: list[Callable[[], None]] = []
        self.texts: list[str] = []
        self.resumed = 0
        self.contact = part("contact").Contact()
        self.log = logs.RunLog(1, logs.Limits(), logs.LogBatches(self.contact), self._append)
        self.log.resume = self._resume
        assert self.log.feed(LINES), "nothing waits yet"
        self.fed = 1
        while self.feed():
            assert self.fed < 10, "it takes more than it can pass on"

    def feed(self) -> bool:
        self.fed += 1
        return bool(self.log.feed(LINES))

    def _append(self, lines: bytes, stored: Callable[[], None]) -> None:
        self.texts += [json.loads(line)["m"] for line in lines.splitlines()]
        self.answers.append(stored)

    def _resume(self) -> None:
        self.resumed += 1


def test_who_prints_faster_than_the_server_stores_waits_and_nothing_is_dropped() -> None:
    async def live() -> None:
        slow = Slow()
        while slow.fed < 100:
            assert slow.resumed == 0
            slow.answers.pop()()
            assert slow.resumed == 1, "there is room again"
            slow.resumed = 0
            while slow.feed():
                pass
        slow.log.close(_stored)
        while slow.answers:
            slow.answers.pop()()
        assert len(slow.texts) == 64 * slow.fed
        assert not any("dropped" in text for text in slow.texts)

    asyncio.run(live())


def test_nobody_waits_for_a_server_that_has_gone_away() -> None:
    async def live() -> None:
        slow = Slow()
        slow.contact.failed(ServerUnavailable("nowhere", "it is away"))
        assert slow.resumed == 1
        assert all(slow.feed() for _ in range(50))
        slow.log.close(_stored)
        assert any(text.endswith(logs.AWAY) for text in slow.texts)

    asyncio.run(live())


def test_a_log_is_closed_once_the_server_has_all_of_it() -> None:
    kept: list[Callable[[], None]] = []
    closed: list[bool] = []

    async def live() -> None:
        log = logs.RunLog(1, logs.Limits(), batches(), lambda _, done: kept.append(done))
        log.feed(b"first\n")
        log.send()
        log.feed(b"last")
        log.close(lambda: closed.append(True))
        kept.pop()()
        assert not closed
        kept.pop()()

    asyncio.run(live())
    assert closed == [True]


def _stored() -> None:
    """Nobody waits for it here."""


def test_the_last_lines_are_kept_for_the_error_of_a_crash() -> None:
    log = logged(Stored(), b"".join(b"%d\n" % n for n in range(100)))
    assert log.last_lines == [str(n) for n in range(100 - logs.LAST_LINES, 100)]
