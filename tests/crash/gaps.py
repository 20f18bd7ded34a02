"""Every gap between two commands of a program, one after the other.

A proxy counts what the program sends. The n-th command is held back for ever, or executed and its
answer lost; what happens there is the test's matter. When a whole scenario goes by without coming
to the n-th command, every gap was met.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Literal

from soak.proxy import Hold, Loss, Proxies, Proxy
from tests.support import Server, eventually

Harm = Literal["killed before", "answer lost"]
ANY = b"\r\n"
"""In every command."""


@dataclass(frozen=True)
class Gap:
    """The place before (or behind) the ``number``-th command of a program."""

    proxy: Proxy
    number: int
    place: Hold | Loss

    @property
    def url(self) -> str:
        return self.proxy.url

    @property
    def is_reached(self) -> bool:
        return self.place.reached.is_set()

    def release(self) -> None:
        """Let the command that is held back through."""
        assert isinstance(self.place, Hold)
        self.proxy.release(self.place)

    def reached_or(self, is_over: Callable[[], object], within: float = 30) -> bool:
        """Wait until the program comes there, or until its scenario is over; whether it did."""
        eventually(
            lambda: self.is_reached or is_over(),
            within=within,
            why=f"the scenario ends; gap {self.number}",
        )
        return self.is_reached


@contextmanager
def one_gap(server: Server, number: int, harm: Harm) -> Iterator[Gap]:
    """One gap; the program must use its ``url``."""
    path = server.folder / f"gap-{harm[0]}{number}"
    path.unlink(missing_ok=True)
    with Proxies() as proxies:
        proxy = proxies.open(server.socket, path)
        if harm == "killed before":
            yield Gap(proxy, number, proxy.hold(ANY, number))
        else:
            yield Gap(proxy, number, proxy.lose_reply(ANY, number))


def every_gap(
    server: Server, harm: Harm, first: int = 1, step: int = 1, most: int = 500
) -> Iterator[Gap]:
    """Gap after gap until one is not reached any more. ``first`` and ``step`` share the work."""
    for number in count(first, step):
        assert number < most, "a scenario sends more and more commands"
        with one_gap(server, number, harm) as here:
            yield here
            if not here.is_reached:
                return
