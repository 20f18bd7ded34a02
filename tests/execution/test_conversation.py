"""Questions of a run process: from threads and event loops at once, and without a runner."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from orchestrator.execution.conversation import Conversation
from orchestrator.execution.pipe import Lines, Message, encode
from orchestrator.model.errors import RunCancelled, RunNotFound, ServerUnavailable


@dataclass
class Desk:
    """The runner's end: answers, in the order in which a test wants it."""

    theirs: socket.socket
    talk: Conversation
    lines: Lines = field(default_factory=Lines)

    def hears(self, count: int) -> list[Message]:
        """The next messages."""
        found: list[Message] = []
        while len(found) < count:
            found += self.lines.feed(self.theirs.recv(65_536))
        return found

    def answers(self, *questions: Message) -> None:
        replies = ({"op": "reply", "n": q["n"], "result": q["arguments"]["x"]} for q in questions)
        self.theirs.sendall(b"".join(map(encode, replies)))


@pytest.fixture
def desk() -> Iterator[Desk]:
    ours, theirs = socket.socketpair()
    yield Desk(theirs, Conversation(ours.fileno()))
    theirs.close()
    ours.close()


def test_a_question_that_was_cut_short_does_not_keep_others_from_asking(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As SIGTERM does, which raises between any two lines."""

    def cut_short() -> None:
        raise RunCancelled

    with monkeypatch.context() as patched:
        patched.setattr(desk.talk, "_read", cut_short)
        with pytest.raises(RunCancelled):
            desk.talk.ask("echo", {"x": 1})
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(desk.talk.ask, "echo", {"x": 2})
        desk.answers(*desk.hears(2))
        assert asked.result() == 2


def test_threads_and_a_loop_ask_at_once_and_each_gets_its_answer(desk: Desk) -> None:
    async def ask() -> list[int]:
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(4) as pool:
            threads = [
                loop.run_in_executor(pool, desk.talk.ask, "echo", {"x": x}) for x in range(4)
            ]
            waits = [desk.talk.ask_in_loop("echo", {"x": x}) for x in range(4, 100)]
            return list(await asyncio.gather(*threads, *waits))

    def answer() -> None:
        questions = desk.hears(100)
        for question in reversed(questions):
            desk.answers(question)

    runner = threading.Thread(target=answer)
    runner.start()
    assert asyncio.run(ask()) == list(range(100))
    runner.join()


def test_a_question_of_the_loop_s_own_thread_reads_for_the_others(desk: Desk) -> None:
    async def ask() -> tuple[int, int]:
        waiting = asyncio.ensure_future(desk.talk.ask_in_loop("echo", {"x": 1}))
        await asyncio.sleep(0)
        (first,) = desk.hears(1)
        second = {"n": 2, "arguments": {"x": 2}}
        desk.answers(first, second)
        blocking = desk.talk.ask("echo", {"x": 2})
        return blocking, await waiting

    assert asyncio.run(ask()) == (2, 1)


def test_who_is_cancelled_withdraws_and_its_late_answer_harms_nobody(desk: Desk) -> None:
    async def ask() -> int:
        waiting = asyncio.ensure_future(desk.talk.ask_in_loop("echo", {"x": 1}))
        await asyncio.sleep(0)
        (question,) = desk.hears(1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert desk.hears(1) == [{"op": "withdraw", "n": question["n"]}]
        desk.answers(question, {"n": 2, "arguments": {"x": 2}})
        return int(await desk.talk.ask_in_loop("echo", {"x": 2}))

    assert asyncio.run(ask()) == 2


def test_errors_are_raised_where_they_were_asked_for(desk: Desk) -> None:
    async def ask() -> None:
        error = {"type": "RunNotFound", "message": "no run"}
        desk.theirs.sendall(encode({"op": "reply", "n": 1, "error": error}))
        with pytest.raises(RunNotFound, match="no run"):
            await desk.talk.ask_in_loop("read_run", {"x": 1})

    asyncio.run(ask())


def test_without_a_runner_nobody_waits(desk: Desk) -> None:
    async def ask() -> None:
        waits = [
            asyncio.ensure_future(desk.talk.ask_in_loop("echo", {"x": each})) for each in range(3)
        ]
        await asyncio.sleep(0)
        desk.theirs.close()
        found = await asyncio.gather(*waits, return_exceptions=True)
        assert [type(each) for each in found] == [ServerUnavailable] * 3
        with pytest.raises(ServerUnavailable):
            await desk.talk.ask_in_loop("echo", {"x": 4})

    asyncio.run(ask())
