"""Output becomes lines: whole, bounded, counted where some had to be dropped."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.runner.parts import part

logs = part("logs")


def texts(*pieces: bytes) -> list[str]:
    splitter = logs.Splitter()
    lines = [line for piece in pieces for line in splitter.feed(piece, 1.0)]
    return [line.text for line in (*lines, *splitter.close(1.0))]


def test_lines_come_whole_however_the_bytes_were_cut() -> None:
    assert texts(b"one\ntw", b"o\n", b"three") == ["one", "two", "three"]


def test_a_framed_line_brings_its_own_time_level_and_logger() -> None:
    (line,) = logs.Splitter().feed(b'\x1e{"t":5.5,"l":"ERROR","n":"flow","m":"a\\nb"}\n', 1.0)
    assert (line.at, line.level, line.logger, line.text) == (5.5, "ERROR", "flow", "a\nb")


def test_output_without_a_newline_before_a_frame_is_a_line_of_its_own() -> None:
    assert texts(b'dots...\x1e{"t":1,"l":"INFO","n":"flow","m":"said"}\n') == ["dots...", "said"]


def test_a_frame_that_is_none_is_plain_output() -> None:
    assert texts(b"\x1e{no json}\n", b'\x1e{"t":1}\n') == ["\x1e{no json}", '\x1e{"t":1}']


def test_what_is_no_text_is_replaced_and_not_lost() -> None:
    assert texts(b"caf\xc3\xa9 \xff\r\n") == ["café \ufffd"]


def test_a_long_line_is_cut_before_it_ends() -> None:
    splitter = logs.Splitter()
    lines = splitter.feed(b"x" * (2 * logs.LINE_BYTES + 5), 1.0)
    assert [len(line.text) for line in lines] == [logs.LINE_BYTES] * 2
    assert [line.text for line in splitter.close(1.0)] == ["xxxxx"]


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\n\r\x1e")))
def test_a_line_of_any_text_arrives_as_it_was(text: str) -> None:
    assert "".join(texts(text.encode() + b"\n")) == text


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


def logged(stored: Stored, *pieces: bytes) -> Any:
    async def feed() -> Any:
        log = logs.RunLog(2, logs.LogBatches(), stored)
        for piece in pieces:
            log.feed(piece)
        log.close()
        return log

    return asyncio.run(feed())


def test_stored_lines_name_their_attempt() -> None:
    stored = Stored()
    logged(stored, b"hello\n")
    assert json.loads(stored.batches[0])["a"] == 2


def test_lines_beyond_the_limit_are_counted_in_one_last_line() -> None:
    stored = Stored()
    logged(stored, b"x\n" * (logs.LINES_OF_A_RUN + 7))
    found = stored.texts()
    assert len(found) == logs.LINES_OF_A_RUN + 1
    assert found[-1] == "7 lines were dropped: the log of this attempt was full"


def test_a_server_that_does_not_answer_bounds_what_waits() -> None:
    stored = Stored(answers=False)
    line = b"x" * 1000 + b"\n"
    logged(stored, *[line * 100] * 40)
    assert sum(map(len, stored.batches)) < 2 * logs.UNSENT_BYTES
    assert "lines were dropped" in stored.texts()[-1]


def test_the_last_lines_are_kept_for_the_error_of_a_crash() -> None:
    log = logged(Stored(), b"".join(b"%d\n" % n for n in range(100)))
    assert log.last_lines == [str(n) for n in range(100 - logs.LAST_LINES, 100)]
