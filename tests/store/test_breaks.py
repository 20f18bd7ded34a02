"""The proof of the proof: scripts broken on purpose are noticed by the state machine.

Each break takes out one guard that an invariant rests on. One that goes unnoticed means that the
machine no longer walks there. Guards that its random walks meet too rarely are mutants in
``tests/crash/test_mutants.py``, each with a test that goes straight to it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import pytest
from hypothesis import Phase
from hypothesis.errors import FlakyFailure
from redis.exceptions import ResponseError

from orchestrator.store import requests
from orchestrator.store.scripts import Script, script
from tests.store.test_state_machine import run_machine
from tests.support import Server

pytestmark = [pytest.mark.damages_keys, pytest.mark.timeout(300)]


@dataclass(frozen=True)
class Break:
    """A script in which ``text`` is replaced ``by`` something wrong."""

    what: str
    script: str
    text: str
    by: str = ""

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
    Break("I8 finish compares no token", "finish_run", "record[2] ~= token", "false"),
    Break("I8 release compares no token", "release_run", "record[2] ~= token", "false"),
    Break("I8 start compares no token", "start_run", "record[2] ~= token or"),
    Break("I8 logs of any token", "append_log", "record[2] ~= token", "false"),
    Break("reap takes from the living", "reap_run", "beat ~= '' and record[7] ~= beat", "false"),
    Break("recovered without end", "reap_run", "local MOST = 3", "local MOST = 9"),
    Break("F02 a group at the end", "claim_runs", "GROUP, 0, 'MKSTREAM'", "GROUP, '$', 'MKSTREAM'"),
    Break("F17 no ticket pending", "claim_runs", "'STREAMS', each", "'NOACK', 'STREAMS', each"),
    Break("I10 claimed while held", "claim_runs", "facts[2] == '1'", "false"),
    Break("I9 started though cancelled", "start_run", "state == 'Cancelling'", "false"),
    Break("I9 a cancelled run is retried", "finish_run", "and before ~= 'Cancelling'"),
    Break("I14 cancel leaves the ticket", "cancel_run", "drop_ticket(record[5],", "local _ = ({},"),
    Break("I14 cancel leaves the delay", "cancel_run", "redis.call('ZREM', delayed, run_id)"),
    Break("I13 finish leaves the lease", "finish_run", "redis.call('ZREM', leases, run_id)"),
    Break("F11 only acknowledged", "finish_run", "redis.call('XDEL', streams[word], entry)"),
    Break("final records stay for ever", "finish_run", "redis.call('PEXPIREAT', key, instant)"),
    Break("F48 a release costs one", "release_run", "attempt, 'ticket'", "attempt + 1, 'ticket'"),
    Break("I12 promoted and still delayed", "promote_delayed", "redis.call('ZREM', delayed, id)"),
    Break("I2 a cursor is not compared", "tick_schedule", "or rule[2] ~= cursor_seen"),
    Break("a changed rule is not noticed", "tick_schedule", "rule[1] ~= generation or"),
    Break("I10 written inside a pause", "tick_schedule", "facts[3] == '1'", "false"),
    Break("I14 skipped with its ticket", "pause_deployment", "drop_ticket(each.ticket, streams)"),
    Break("a shutdown pauses for a person", "pause_deployment", "(by == 'user' and", "(true or"),
    Break("F12 pending tickets deleted", "leave_runner", "and #pending == 0"),
    Break("dropped though it lives", "drop_runner", "seen ~= beat", "false"),
    Break("I14 an open run is deleted", "delete_run", "WAITING[state] or"),
    Break("deleted though it is served", "delete_deployment", "served > 0", "false"),
]  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("broken", BREAKS, ids=lambda broken: broken.what)
def test_a_broken_script_is_noticed(
    broken: Break, server_of_worker: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "script", broken.of)

    with pytest.raises((AssertionError, ResponseError, FlakyFailure)):
        run_machine(
            server_of_worker.url,
            examples=500,
            steps=50,
            phases=[Phase.generate],
            database=None,
            derandomize=True,
        )


@pytest.mark.parametrize("broken", BREAKS, ids=lambda broken: broken.what)
def test_every_break_still_applies(broken: Break) -> None:
    assert broken.of(broken.script).source != script(broken.script).source
