"""Doing what the plan says: each lane in its own thread, each fault noted with begin and end."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from random import Random

import redis

from orchestrator.store.scripts import script
from soak import journal
from soak.fleet import Host, Member, all_below
from soak.history import Event, History
from soak.plan import BEHIND_PROXIES, SCHEDULERS, SERVER, Fault
from soak.proxy import Proxy
from tests.support.processes import stands_still
from tests.support.server import Server
from tests.support.waiting import eventually

STEP_SECONDS = 0.1
DELAY_SECONDS = 0.05
"""Of each piece in each direction: beats are late and still in time."""
JOURNAL_SECONDS = 1.0
"""As much of the journal may be lost, as with ``appendfsync everysec``."""
VICTIM_SECONDS = 5.0
"""How long a fault waits for a run process that it can hit."""
LOSS_SECONDS = 5.0
"""How long a loss waits for the command whose reply it takes."""


@dataclass
class Injector:
    """Breaks things."""

    hosts: dict[str, Host]
    schedulers: list[Member]
    proxies: dict[str, Proxy]
    """Lane -> what its programs talk through."""
    server: Server
    history: History
    random: Random
    enough: threading.Event
    """Nothing more is to break."""
    _shares: dict[str, float] = field(default_factory=dict)
    """Lane -> the part of its faults that are over."""
    _contact: threading.Lock = field(default_factory=threading.Lock)
    """Held while the server is away, and while a spawner is stopped: then nobody would stop its
    runs at the end of their lease. The docs name that limit."""

    def work_off(self, lane: str, faults: list[Fault]) -> None:
        """All faults of a lane, one after the other."""
        for number, fault in enumerate(faults):
            self.enough.wait(fault.wait)
            if lane not in self.hosts:
                self._keep_step(number / len(faults))
            if self.enough.is_set():
                break
            with self._alone(fault):
                self._inject(lane, fault)
            self._shares[lane] = (number + 1) / len(faults)
        self._shares[lane] = 1.0

    def _keep_step(self, share: float) -> None:
        """Wait for the hosts, which take the longest: whatever breaks does so all the time."""
        while share > sum(self._shares.get(host, 0.0) for host in self.hosts) / len(self.hosts):
            if self.enough.wait(STEP_SECONDS):
                break

    def _alone(self, fault: Fault) -> AbstractContextManager[object]:
        cuts = fault.kind in ("kill server", "stop server", "cut journal", "stop spawner")
        return self._contact if cuts else nullcontext()

    def _inject(self, lane: str, fault: Fault) -> None:
        victims = self._before(self.hosts[lane], fault) if lane in self.hosts else ()
        began = time.monotonic_ns()
        answer = self._do(lane, fault, victims)
        ended = time.monotonic_ns()
        self.history.add(
            Event(
                kind=fault.kind,
                subject=lane,
                began=began,
                ended=ended,
                answer=answer,
                pids=victims,
            )
        )
        self._mend(lane, fault)

    def _before(self, host: Host, fault: Fault) -> tuple[int, ...]:
        """Wait until there is something to hit; the run processes that it will hit."""
        if fault.kind in (*BEHIND_PROXIES, "serve again"):
            return ()
        with suppress(AssertionError):  # an idle host can be hit as well
            eventually(lambda: host.run_processes, within=VICTIM_SECONDS)
        pids = host.run_processes
        return (self.random.choice(pids),) if pids and fault.kind == "kill run" else tuple(pids)

    def _do(self, lane: str, fault: Fault, victims: Sequence[int]) -> str:
        """What was hit: a word, or nothing when there was nothing to hit."""
        if fault.kind in BEHIND_PROXIES:
            return _disturb(self.proxies[lane], fault)
        if lane == SERVER:
            return self._hit_server(fault)
        if lane == SCHEDULERS:
            return self._kill_scheduler()
        return _hit(self.hosts[lane], fault, victims)

    def _hit_server(self, fault: Fault) -> str:
        match fault.kind:
            case "kill server":
                self.server.kill()
                time.sleep(fault.seconds)
                self.server.start()
            case "cut journal":
                return self._cut_journal(fault)
            case "stop server":
                assert self.server.process is not None
                _stop([self.server.process.pid], fault.seconds)
            case "kill clients":
                self._command("CLIENT", "KILL", "TYPE", "pubsub")
                self._command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            case "flush scripts":
                self._command("SCRIPT", "FLUSH")
        return fault.kind

    def _cut_journal(self, fault: Fault) -> str:
        """Nothing when nothing was written in that time."""
        before = journal.Mark.now(self.server.folder)
        time.sleep(JOURNAL_SECONDS)
        self.server.kill()
        taken = before.cut(self.random)
        time.sleep(fault.seconds)
        self.server.start()
        return f"{taken} bytes" if taken else ""

    def _command(self, *words: str) -> None:
        with redis.Redis.from_url(self.server.url) as client:
            client.execute_command(*words)

    def _kill_scheduler(self) -> str:
        victim = self.random.choice(self.schedulers)
        hit = _signal([victim.pid], signal.SIGKILL)
        victim.restart()
        return hit

    def _mend(self, lane: str, fault: Fault) -> None:
        if lane in self.proxies:
            self.proxies[lane].mend()
        if lane in self.hosts and fault.kind in ENDS_THE_SCRIPT:
            self.hosts[lane].restart()
        elif lane in self.hosts:
            self.hosts[lane].until_ready()


ENDS_THE_SCRIPT = ("kill runner", "kill script", "kill host", "serve again")


def _disturb(proxy: Proxy, fault: Fault) -> str:
    """Until the proxy is mended."""
    if fault.kind == "lose reply":
        before = proxy.lost
        proxy.lose_reply(script(fault.script).sha.encode())
        with suppress(AssertionError):  # nobody sent that command: nothing was lost
            eventually(lambda: proxy.lost > before, within=LOSS_SECONDS)
        return fault.script if proxy.lost > before else ""
    match fault.kind:
        case "cut":
            proxy.cut()
        case "delay":
            proxy.delay(DELAY_SECONDS)
        case "black hole":
            proxy.swallow()
    time.sleep(fault.seconds)
    return fault.kind


def _hit(host: Host, fault: Fault, victims: Sequence[int]) -> str:
    """Kill or stop processes of a host."""
    if fault.kind == "serve again":
        host.leave()
        return fault.kind
    if fault.kind == "kill run":
        return _signal(victims, signal.SIGKILL)
    pids = _targets(host, fault)
    if fault.kind.startswith("stop "):
        return _stop(pids, fault.seconds)
    return _signal(reversed(pids), signal.SIGKILL)


def _stop(pids: Sequence[int], seconds: float) -> str:
    hit = _signal(pids, signal.SIGSTOP)
    time.sleep(seconds)
    # The run processes go on first: none may be woken after its spawner has frozen it.
    _signal(reversed(pids), signal.SIGCONT)
    return hit


def _targets(host: Host, fault: Fault) -> list[int]:
    """Parents before their children. Those of a whole host are stopped."""
    match fault.kind.split()[1]:
        case "script":
            return [host.pid]
        case "runner":
            return [host.runner]
        case "spawner":
            return [host.spawner]
        case _:
            return _stopped(host.pid)


def _stopped(pid: int) -> list[int]:
    """A process and all below it, standing still: as a host does, and so that none can report
    another's death. What stands still forks no more, so nothing escapes. Who waits in the kernel
    counts, once nobody new has come: who starts a process waits there for one that is stopped."""
    before: list[int] = []
    pids = all_below([pid])
    while pids != before or not all(map(stands_still, pids)):
        _signal(pids, signal.SIGSTOP)
        before, pids = pids, all_below([pid])
    return pids


def _signal(pids: Iterable[int], number: signal.Signals) -> str:
    """Send it to all that are there; ``ok``, or nothing when nobody was."""
    hit = ""
    for pid in pids:
        if pid > 1:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
                hit = "ok"
    return hit
