"""What dead runs left behind: processes that have become children of their spawner."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Collection

from orchestrator.execution import trees


class Strangers:
    """Killed as soon as they are found, and watched until they are gone."""

    def __init__(self, poll: select.epoll) -> None:
        self._poll = poll
        self._handles: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._handles)

    def sweep(self, ours: Collection[int]) -> None:
        """Kill every child of this process but ``ours``, and everything below those."""
        known = {*ours, *self._handles.values()}
        found = [pid for pid in trees.children_of(os.getpid()) if pid not in known]
        for pid in found:
            handle = os.pidfd_open(pid)
            trees.send(handle, signal.SIGKILL)
            self._handles[handle] = pid
            self._poll.register(handle, select.EPOLLIN)
        trees.kill_below(found)

    def bury(self, handle: int) -> None:
        """Wait for one that has ended. Its own children are ours now: sweep again."""
        os.waitpid(self._handles.pop(handle), 0)
        self._poll.unregister(handle)
        os.close(handle)
