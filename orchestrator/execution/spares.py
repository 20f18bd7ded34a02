"""Processes forked ahead, while there is nothing else to do: a run then begins without a fork.

A spare has done all that does not depend on the run: it is its own session, adopts its orphans,
dies with its spawner, and holds nothing open but what the user's module opened. It waits for a
packet with its flow and its two descriptors, and leaves when its spawner closes the other end.
"""

from __future__ import annotations

import os
import select
import signal
import socket
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from orchestrator.execution import trees
from orchestrator.execution.loading import LoadedFlow
from orchestrator.execution.pipe import receive_packet, send_packet
from orchestrator.execution.run_process import Job
from orchestrator.execution.starting import Started, fork

WANTED = 1
"""More would only help runs that come at once, and those wait for the server anyway."""


@dataclass(frozen=True, slots=True)
class _Spare:
    started: Started
    post: socket.socket


class Spares:
    """The spares of one spawner. They are no runs, and nobody hears of them."""

    def __init__(
        self, flows: Mapping[str, LoadedFlow], keep: Collection[int], poll: select.epoll
    ) -> None:
        self._flows, self._keep, self._poll = flows, keep, poll
        self._wanted = WANTED if flows else 0
        self._waiting: dict[int, _Spare] = {}
        self.is_short = self._wanted > 0
        """Whether one is missing."""

    @property
    def pids(self) -> set[int]:
        return {spare.started.pid for spare in self._waiting.values()}

    def fork_one(self) -> None:
        """Fork one that is missing. Where that fails, runs are forked when they come: no more."""
        try:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        except OSError:
            self.close()
            return
        try:
            with theirs:
                kept = (theirs.fileno(), *self._keep)
                started = fork(kept, lambda: self._job(theirs))
        except OSError:
            ours.close()
            self.close()
            return
        self._poll.register(started.handle, select.EPOLLIN)
        self._waiting[started.handle] = _Spare(started, ours)
        self.is_short = len(self._waiting) < self._wanted

    def give(self, flow: str, control: int, output: int) -> Started | None:
        """A process that runs the flow; None when there is no spare, or the flow wants none."""
        while self._waiting and flow in self._flows:
            handle = next(iter(self._waiting))
            spare = self._waiting[handle]
            try:
                with spare.post:
                    send_packet(spare.post, {"flow": flow}, (control, output))
            except OSError:
                self.bury(handle)
                continue
            del self._waiting[handle]
            self._poll.unregister(handle)
            self.is_short = self._wanted > 0
            return spare.started
        return None

    def bury(self, handle: int) -> bool:
        """Wait for one that ended, or end it; False when this is none of the spares.

        None is forked in its place: what has killed it (memory is short?) may kill the next.
        """
        spare = self._waiting.pop(handle, None)
        if spare is None:
            return False
        self._wanted, self.is_short = 0, False
        spare.post.close()
        trees.send(handle, signal.SIGKILL)
        os.waitpid(spare.started.pid, 0)
        self._poll.unregister(handle)
        spare.started.close()
        return True

    def close(self) -> None:
        """End them all; there will be no others."""
        self._wanted, self.is_short = 0, False
        for handle in list(self._waiting):
            self.bury(handle)

    def _job(self, post: socket.socket) -> Job | None:
        """In the spare: wait for what it is to run."""
        message, descriptors = receive_packet(post)
        post.close()
        if message is None:
            return None
        control, output = descriptors
        flow = self._flows[message["flow"]]
        return Job(control=control, output=output, load=lambda: flow)
