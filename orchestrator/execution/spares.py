"""Processes forked ahead of the runs that will need them.

While there is nothing else to do there is one: a run then begins without a fork. While runs come
one right after the other some are forked at once with a run that found none: between forks that
follow each other the spawner changes few of the pages that it would have to copy again.

A spare has done all that does not depend on the run: it is its own session, adopts its orphans,
dies with its spawner, and holds nothing open but what the user's module opened. It waits for the
name of its flow, with its two descriptors, and leaves when its spawner closes the other end.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import struct
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from orchestrator.execution import trees
from orchestrator.execution.loading import LoadedFlow
from orchestrator.execution.pipe import CLOSE_ON_EXEC
from orchestrator.execution.run_process import Job, rehearse
from orchestrator.execution.starting import Started, fork

AT_REST = 1
"""More would only help runs that come at once, and those wait for the server anyway."""

_MOST_BYTES = 8192
"""Of a full name: two names of 500 characters, of four bytes at most."""

_TWO = struct.Struct("ii")
_ROOM = socket.CMSG_LEN(_TWO.size)
"""Read as it comes: ``socket.recv_fds`` makes an array of it, which costs pages."""

AT_MOST = 3
"""While runs come one after the other. A fifth fork in a row saves little."""


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
        self._wanted = AT_REST if flows else 0
        self._waiting: dict[int, _Spare] = {}
        self._missed = 0
        """Runs that have found none since it was quiet."""

    @property
    def pids(self) -> set[int]:
        return {spare.started.pid for spare in self._waiting.values()}

    @property
    def are_at_rest(self) -> bool:
        """Whether there are as many as there are to be while nothing happens."""
        return len(self._waiting) == self._wanted

    def come_to_rest(self) -> None:
        """It is quiet: fork one that is missing, end those that are too many."""
        self._missed = 0
        for handle in list(self._waiting)[self._wanted :]:
            self._end(handle)
        if len(self._waiting) < self._wanted:
            self._fork_one(is_early=True)

    def missed(self) -> None:
        """A run has found none, so it came right after another: fork some for the next ones, one
        more each time, so that two runs at once do not lead to four processes."""
        ahead = min(self._missed, AT_MOST)
        self._missed += 1
        while self._wanted and len(self._waiting) < ahead:
            self._fork_one()

    def give(self, flow: str, control: int, output: int) -> Started | None:
        """A process that runs the flow; None when there is no spare, or the flow wants none."""
        while self._waiting and flow in self._flows:
            handle = next(iter(self._waiting))
            spare = self._waiting[handle]
            try:
                rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, _TWO.pack(control, output))
                spare.post.sendmsg([flow.encode()], [rights])
            except OSError:
                self.bury(handle)
                continue
            os.close(spare.post.detach())
            del self._waiting[handle]
            self._poll.unregister(handle)
            return spare.started
        return None

    def bury(self, handle: int) -> bool:
        """Wait for one that has ended; False when this is none of the spares.

        None is forked in its place: what has killed it (memory is short?) may kill the next.
        """
        if handle not in self._waiting:
            return False
        self._wanted = 0
        self._end(handle)
        return True

    def close(self) -> None:
        """End them all; there will be no others."""
        self._wanted = 0
        for handle in list(self._waiting):
            self._end(handle)

    def _fork_one(self, is_early: bool = False) -> None:
        """Where that fails, runs are forked when they come: no more."""
        try:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        except OSError:
            self.close()
            return
        try:
            kept = (theirs.fileno(), *self._keep)
            started = fork(kept, lambda: self._job(theirs, is_early))
        except OSError:
            ours.close()
            self.close()
            return
        finally:
            os.close(theirs.detach())
        self._poll.register(started.handle, select.EPOLLIN)
        self._waiting[started.handle] = _Spare(started, ours)

    def _end(self, handle: int) -> None:
        spare = self._waiting.pop(handle)
        spare.post.close()
        trees.send(handle, signal.SIGKILL)
        os.waitpid(spare.started.pid, 0)
        self._poll.unregister(handle)
        spare.started.close()

    def _job(self, post: socket.socket, is_early: bool) -> Job | None:
        """In the spare: wait for what it is to run."""
        if is_early:
            rehearse()
        name, extras, _, _ = post.recvmsg(_MOST_BYTES, _ROOM, CLOSE_ON_EXEC)
        os.close(post.detach())
        if not name:
            return None
        control, output = _TWO.unpack(extras[0][2])
        flow = self._flows[name.decode()]
        return Job(control=control, output=output, load=lambda: flow)
