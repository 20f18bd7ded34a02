"""The spawner's loop: starts runs, keeps their limits, and leaves nothing of them behind."""

from __future__ import annotations

import math
import os
import select
import socket
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass

from orchestrator.execution.failures import format_failure
from orchestrator.execution.lacking import lacking, out_of_descriptors, spare_some
from orchestrator.execution.loading import LoadedFlow, Source
from orchestrator.execution.metering import Meter
from orchestrator.execution.pipe import Message, Outbox, close_all, receive_packet, send_packet
from orchestrator.execution.sources import Sources
from orchestrator.execution.spares import Spares
from orchestrator.execution.spawned import Spawned
from orchestrator.execution.starting import Started, fork_run, start_fresh
from orchestrator.execution.strangers import Strangers
from orchestrator.model.clock import Clock

_LOOK_AGAIN = 1.0
"""Seconds; epoll's own timer stands still while the machine sleeps, deadlines do not (F61)."""

_QUIET = 0.005
"""Seconds without anything to do after which a process is forked ahead: sooner, that would take
time from the run that has just begun, and from the next ones when many come."""

_DESCRIPTORS_OF_A_RUN = 2

_RESERVE = 16
"""Descriptors that no run gets: who stops, counts and buries processes opens some."""

_RECENT = 100
"""So many runs that were over already are reported as well when the runner dies: it may have died
before it wrote their ends. A report about a run whose end is written changes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """The user's code as loaded, by full name."""

    sources: dict[str, Source]
    flows: dict[str, LoadedFlow]
    faults: dict[str, str]
    isolation: dict[str, str]
    """"fork", or "spawn: <why>"."""
    files: Sources
    keep: Collection[int]
    residents: Collection[int]
    """Processes that importing the code has started; they live as long as the spawner."""
    sys_path: list[str]
    log_level: str

    def flows_to_fork(self) -> dict[str, LoadedFlow]:
        """Those whose runs are copies of this process."""
        return {n: flow for n, flow in self.flows.items() if self.isolation[n] == "fork"}


class Tending:
    """All runs of one spawner, from ``run`` to ``ended``."""

    def __init__(self, control: socket.socket, stock: Stock, clock: Clock) -> None:
        self._control = control
        self._outbox = Outbox(control)
        self._mirror = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        """A packet sent to the one is received from the other."""
        self._stock = stock
        self._clock = clock
        self._residents = frozenset(stock.residents)
        self._runs: dict[str, Spawned] = {}
        self._by_handle: dict[int, Spawned] = {}
        self._departed: list[Message] = []
        self._recent: deque[str] = deque(maxlen=_RECENT)
        self._unsettled: list[str] = []
        self._poll = select.epoll()
        self._strangers = Strangers(self._poll)
        self._spares = Spares(stock.flows_to_fork(), stock.keep, self._poll)
        self._poll.register(control, select.EPOLLIN)
        self._watched = select.EPOLLIN
        self._due = math.inf
        """No run has to be acted upon before: looking at each in every turn costs as much as the
        rest of the turn."""
        self._over: str | None = None

    def say(self, message: Message) -> None:
        """Send it as soon as the runner reads."""
        self._outbox.put(message)

    def until_over(self) -> str:
        """Tend runs until the runner says ``quit`` or is gone ("eof"); no process is left then."""
        self._control.setblocking(False)
        while self._over is None:
            self._turn()
        self._poll.unregister(self._control)
        self._spares.close()
        self._unsettled = [*self._runs, *self._recent]
        for run in self._runs.values():
            run.kill()
        while self._runs:
            self._turn()
        self._residents = frozenset()
        self._settle()
        while self._strangers:
            self._turn()
        return self._over

    def until_idle(self) -> None:
        """Do what was asked for until now; no process of it is left then."""
        self._control.setblocking(False)
        self._turn()
        while self._runs or self._strangers:
            self._turn()

    def keys_to_report(self) -> list[str]:
        """Runs that nobody may have written the end of."""
        return self._unsettled

    def _turn(self) -> None:
        happened = self._poll.poll(self._patience())
        if not happened and not self._spares.are_at_rest:
            self._spares.come_to_rest()
            self._rehearse()
        said, left_more = 0, False
        for descriptor, events in happened:
            if descriptor == self._control.fileno():
                said = events
            elif (run := self._by_handle.get(descriptor)) is not None:
                self._bury(run)
            elif not self._spares.bury(descriptor):
                self._strangers.bury(descriptor)
                left_more = True
        if left_more:
            self._settle()  # once for all that ended: a fork bomb leaves thousands
        if said:
            # After those that ended: new processes get descriptors that were of old ones, and what
            # happened to those is not the new ones' end.
            self._hear(said)
        if (now := self._clock.elapsed()) >= self._due:
            self._act(now)
        self._watch_control()

    def _rehearse(self) -> None:
        """What a spare was forked from is shared with it, and copied when it changes. What the next
        packet will change is changed now, while nobody waits for it."""
        send_packet(self._mirror[0], {"op": "leases", "deadlines": {"": self._clock.elapsed()}})
        message, descriptors = receive_packet(self._mirror[1])
        assert message is not None
        self._obey(message, descriptors)

    def _act(self, now: float) -> None:
        for run in self._runs.values():
            run.act(now)
        self._due = min((run.next_due() for run in self._runs.values()), default=math.inf)

    def _patience(self) -> float | None:
        quiet = None if self._spares.are_at_rest else _QUIET
        if self._due == math.inf:
            return quiet
        return min(max(self._due - self._clock.elapsed(), 0.0), quiet or _LOOK_AGAIN)

    def _watch_control(self) -> None:
        wanted = select.EPOLLIN | (0 if self._outbox.is_empty() else select.EPOLLOUT)
        if self._over is None and wanted != self._watched:
            self._poll.modify(self._control, wanted)
            self._watched = wanted

    def _hear(self, events: int) -> None:
        if events & select.EPOLLOUT:
            self._outbox.flush()
        while self._over is None:
            try:
                message, descriptors = receive_packet(self._control)
            except BlockingIOError:
                return
            except ConnectionResetError:
                message, descriptors = None, []  # it closed without reading all we had sent
            if message is None:
                self._over = "eof"
            else:
                self._obey(message, descriptors)

    def _obey(self, message: Message, descriptors: list[int]) -> None:
        now = self._clock.elapsed()
        match message["op"]:
            case "run":
                self._start(message, descriptors)
            case "leases":
                for key, deadline in message["deadlines"].items():
                    if run := self._runs.get(key):
                        run.renew(deadline, now)
                        self._expect(run)
            case "quit":
                self._over = "quit"
            case _:
                # A run that has ended meanwhile is not there any more: no signal (F33).
                if run := self._runs.get(message["key"]):
                    _instruct(run, message, now)
                    self._expect(run)

    def _expect(self, run: Spawned) -> None:
        """After each change of a run: there may be something to do for it sooner."""
        self._due = min(self._due, run.next_due())

    def _start(self, message: Message, descriptors: list[int]) -> None:
        key, flow = message["key"], message["flow"]
        try:
            if (path := self._stock.files.changed()) is not None:
                self._spares.close()
                self.say({"op": "stale", "path": path, "key": key})
            elif flow not in self._stock.flows:
                why = self._stock.faults.get(flow, f"this spawner has no flow {flow!r}")
                self._refuse(key, why)
            elif len(descriptors) != _DESCRIPTORS_OF_A_RUN:
                raise out_of_descriptors()  # the system drops what it has no room for
            else:
                spare_some(descriptors, _RESERVE)
                self._admit(message, self._make_process(flow, *descriptors))
        except OSError as error:
            if (what := lacking(error)) is not None:
                self._refuse(key, what, "lacked")
            else:
                self._refuse(key, format_failure(error))
        finally:
            close_all(descriptors)

    def _refuse(self, key: str, why: str, op: str = "refused") -> None:
        """``refused``: the run cannot begin; ``lacked``: not here, not now."""
        self._recent.append(key)
        self.say({"op": op, "key": key, "why": why})

    def _make_process(self, flow: str, control: int, output: int) -> Started:
        stock = self._stock
        if (spare := self._spares.give(flow, control, output)) is not None:
            return spare
        if stock.isolation[flow] == "fork":
            started = fork_run(stock.flows[flow], control, output, stock.keep)
            self._spares.missed()  # at once: what comes next changes pages, and they are copied
            return started
        source = stock.sources[flow]
        return start_fresh(source, stock.sys_path, stock.log_level, control, output)

    def _admit(self, message: Message, started: Started) -> None:
        run = Spawned(
            key=message["key"],
            process=started,
            grace=message["grace"],
            timeout=message["timeout"],
            deadline=message["deadline"],
            meter=Meter.of(message["memory_limit"], message["cpu_limit"]),
        )
        self._runs[run.key] = self._by_handle[started.handle] = run
        self._expect(run)
        self._poll.register(started.handle, select.EPOLLIN)
        self.say({"op": "forked", "key": run.key, "pid": started.pid})

    def _bury(self, run: Spawned) -> None:
        """The run process has ended; say so once everything it started has ended too."""
        left_nothing = run.process.left_nothing()
        if not left_nothing:
            run.kill_group()
        _pid, status, usage = os.wait4(run.pid, 0)
        del self._runs[run.key], self._by_handle[run.handle]
        if not self._runs:
            self._due = math.inf
        self._recent.append(run.key)
        self._poll.unregister(run.handle)
        ended = run.ended(os.waitstatus_to_exitcode(status), usage)
        run.process.close()
        if left_nothing:
            self.say(ended)
        else:
            self._departed.append(ended)
            self._settle()

    def _settle(self) -> None:
        """Say of runs that they have ended when nothing that they started is left."""
        runs = {run.pid for run in self._runs.values()}
        self._strangers.sweep(runs | self._spares.pids | self._residents)
        if not self._strangers:
            for ended in self._departed:
                self.say(ended)
            self._departed.clear()


def _instruct(run: Spawned, message: Message, now: float) -> None:
    match message["op"]:
        case "begun":
            run.begin(now)
        case "stop":
            run.stop(message["reason"], message["grace"], now)
        case "pause":
            run.freeze("person", now)
        case "resume":
            run.thaw("person", now)
