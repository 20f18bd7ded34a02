"""The proof of the proof: scripts broken on purpose are noticed by the state machine.

Each break takes out one guard that an invariant rests on, and names the shortest walk of the
machine that comes by there. The walks are written down and not searched for: what Hypothesis draws
depends on every module that is loaded, so that a break found in one place was not in another.
``tests/crash/test_mutants.py`` does the same for what no script decides.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from redis.exceptions import ResponseError

from orchestrator.model.states import State
from orchestrator.store import requests
from orchestrator.store.scripts import Script, script
from tests.store.test_state_machine import RUNNERS, StoreMachine
from tests.support import Server

pytestmark = pytest.mark.damages_keys
Step = Callable[[StoreMachine], object]
"""One call; the machine itself compares the answer with the oracle's."""


def submit(machine: StoreMachine) -> None:
    machine.submit("{}", later=False)


def submit_for_later(machine: StoreMachine) -> None:
    machine.submit("{}", later=True)


def claim(machine: StoreMachine) -> None:
    machine.claim(RUNNERS[0], 4, repeat=False)


def start(machine: StoreMachine) -> None:
    machine.start(0)


def fail(machine: StoreMachine) -> None:
    machine.finish(0, State.FAILED, retries=1, later=False)


def complete(machine: StoreMachine) -> None:
    machine.finish(0, State.COMPLETED, retries=0, later=False)


def release(machine: StoreMachine) -> None:
    machine.release(0)


def die(machine: StoreMachine) -> None:
    machine.reap(0, "token only")


def cancel(machine: StoreMachine) -> None:
    machine.cancel(0)


def tick(machine: StoreMachine, wrong: str = "") -> None:
    machine.tick("hourly", wrong, count=1, late=False)


def pause(machine: StoreMachine) -> None:
    machine.pause("user")


def pause_run(machine: StoreMachine) -> None:
    machine.pause_run(0, lasting=True)


def resume_run(machine: StoreMachine) -> None:
    machine.resume_run(0)


CLAIMED = (submit, claim)
CLAIMED_AGAIN = (*CLAIMED, die, claim)


def old_token(machine: StoreMachine) -> None:
    machine.an_old_token_writes(State.COMPLETED)


@dataclass(frozen=True)
class Break:
    """A script in which ``text`` is replaced ``by`` something wrong; ``walk`` comes by there."""

    what: str
    script: str
    text: str
    by: str
    walk: tuple[Step, ...]

    def of(self, name: str) -> Script:
        """What stands for ``script(name)``."""
        whole = script(name)
        if name != self.script:
            return whole
        source = whole.source.decode()
        assert source.count(self.text) == 1, f"{name}.lua changed: adapt the break {self.what!r}"
        broken = source.replace(self.text, self.by).encode()
        return replace(whole, source=broken, sha=hashlib.sha1(broken).hexdigest())


BREAKS = [
    Break(
        "I8 finish compares no token",
        "finish_run",
        "record[2] ~= token",
        "false",
        (*CLAIMED_AGAIN, old_token),
    ),
    Break(
        "I8 release compares no token",
        "release_run",
        "record[2] ~= token",
        "false",
        (*CLAIMED_AGAIN, old_token),
    ),
    Break(
        "I8 start compares no token",
        "start_run",
        "record[2] ~= token or",
        "",
        (*CLAIMED_AGAIN, old_token),
    ),
    Break(
        "I8 logs of any token",
        "append_log",
        "record[2] ~= token",
        "false",
        (*CLAIMED_AGAIN, old_token),
    ),
    Break(
        "reap takes from the living",
        "reap_run",
        "beat ~= '' and record[7] ~= beat",
        "false",
        (*CLAIMED, lambda m: m.reap(0, "stale")),
    ),
    Break(
        "recovered without end",
        "reap_run",
        "local MOST = 3",
        "local MOST = 9",
        (submit, *(claim, die) * 4),
    ),
    Break(
        "F02 a group at the end",
        "claim_runs",
        "GROUP, 0, 'MKSTREAM'",
        "GROUP, '$', 'MKSTREAM'",
        CLAIMED,
    ),
    Break(
        "F17 no ticket pending",
        "claim_runs",
        "'STREAMS', each",
        "'NOACK', 'STREAMS', each",
        CLAIMED,
    ),
    Break(
        "I10 claimed while held",
        "claim_runs",
        "facts[2] == '1'",
        "false",
        (submit, lambda m: m.hold(True), claim),
    ),
    Break(
        "I4 claimed in a quarantine",
        "claim_runs",
        "if wait > 0 then",
        "if false then",
        (submit, lambda m: m.the_server_was_another(RUNNERS[0])),
    ),
    Break(
        "I9 started though cancelled",
        "start_run",
        "state == 'Cancelling'",
        "false",
        (*CLAIMED, cancel, start),
    ),
    Break(
        "I9 a cancelled run is retried",
        "finish_run",
        "and before ~= 'Cancelling'",
        "",
        (*CLAIMED, cancel, fail),
    ),
    Break(
        "I14 cancel leaves the ticket",
        "cancel_run",
        "drop_ticket(record[5],",
        "local _ = ({},",
        (submit, cancel),
    ),
    Break(
        "I14 cancel leaves the delay",
        "cancel_run",
        "redis.call('ZREM', delayed, run_id)",
        "",
        (submit_for_later, cancel),
    ),
    Break(
        "I13 finish leaves the lease",
        "finish_run",
        "redis.call('ZREM', leases, run_id)",
        "",
        (*CLAIMED, complete),
    ),
    Break(
        "F11 only acknowledged",
        "finish_run",
        "redis.call('XDEL', streams[word], entry)",
        "",
        (*CLAIMED, complete),
    ),
    Break(
        "final records stay for ever",
        "finish_run",
        "redis.call('PEXPIREAT', keys.run, instant)",
        "",
        (*CLAIMED, complete),
    ),
    Break(
        "a pause ends with its process",
        "start_run",
        "(record[6] or '') ~= ''",
        "false",
        (*CLAIMED, start, pause_run, release, claim, start),
    ),
    Break(
        "I6 what was resumed needs no leave to start",
        "resume_run",
        "and 'Running' or 'Pending'",
        "and 'Running' or 'Running'",
        (*CLAIMED, start, pause_run, release, claim, start, resume_run),
    ),
    Break(
        "F48 a release costs one",
        "release_run",
        "attempt, 'ticket'",
        "attempt + 1, 'ticket'",
        (*CLAIMED, release, claim),
    ),
    Break(
        "I12 promoted and still delayed",
        "promote_delayed",
        "redis.call('ZREM', delayed, id)",
        "",
        (submit_for_later, lambda m: m.promote(0)),
    ),
    Break(
        "I2 a cursor is not compared",
        "tick_schedules",
        " and cursor == tick.cursor_seen",
        "",
        (lambda m: tick(m, "cursor"),),
    ),
    Break(
        "a changed rule is not noticed",
        "tick_schedules",
        "generation == tick.generation and ",
        "",
        (lambda m: tick(m, "generation"),),
    ),
    Break(
        "I10 written inside a pause", "tick_schedules", "facts[3] == '1'", "false", (pause, tick)
    ),
    Break(
        "I14 skipped with its ticket",
        "pause_deployment",
        "drop_ticket(each.ticket, streams)",
        "",
        (tick, pause),
    ),
    Break(
        "a shutdown pauses for a person",
        "pause_deployment",
        "(by == 'user' and",
        "(true or",
        (pause, lambda m: m.pause("shutdown")),
    ),
    Break(
        "F12 pending tickets deleted",
        "leave_runner",
        "and #pending == 0",
        "",
        (*CLAIMED, lambda m: m.leave(RUNNERS[0], False)),
    ),
    Break(
        "dropped though it lives",
        "drop_runner",
        "seen ~= beat",
        "false",
        (lambda m: m.drop(RUNNERS[0], 1),),
    ),
    Break(
        "I14 an open run is deleted",
        "delete_run",
        "WAITING[state] or",
        "",
        (submit, lambda m: m.delete_run(0)),
    ),
    Break(
        "deleted though it is served",
        "delete_deployment",
        "served > 0",
        "false",
        (lambda m: m.delete_deployment(False, {}, False),),
    ),
]


def go(url: str, walk: tuple[Step, ...]) -> None:
    """Take the steps; after each one the server holds what the oracle says."""
    machine = type("Machine", (StoreMachine,), {"url": url})()
    try:
        machine.serve("restart", None, {"hourly": "60"})
        for step in walk:
            step(machine)
            machine.the_server_holds_what_the_oracle_says()
    finally:
        machine.teardown()


@pytest.mark.parametrize("broken", BREAKS, ids=lambda broken: broken.what)
def test_a_broken_script_is_noticed(
    broken: Break, server_of_worker: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    go(server_of_worker.url, broken.walk)

    monkeypatch.setattr(requests, "script", broken.of)
    with pytest.raises((AssertionError, ResponseError)):
        go(server_of_worker.url, broken.walk)
