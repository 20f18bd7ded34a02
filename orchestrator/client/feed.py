"""The feed of events, followed live."""

from __future__ import annotations

import time
from collections.abc import Iterator

from orchestrator.client.reading import event_of
from orchestrator.client.transport import Call, Ears, Transport
from orchestrator.model.errors import ServerRefused, ServerUnavailable
from orchestrator.model.event import Event
from orchestrator.operations import events as operations
from orchestrator.store.events import PAGE, WantedEvents

EVERY = 1.0
"""Seconds after which one looks again although nothing was published."""

PATIENCE = 60.0
"""Seconds without a server after which following gives up."""


class FollowedFeed:
    """What happens from now on, or from after a place of the feed."""

    def __init__(
        self, transport: Transport, wanted: WantedEvents, after: str | None = None
    ) -> None:
        self._transport, self._wanted = transport, wanted
        self._last = after
        self._heard: Ears | None = None

    def events(self) -> Iterator[Event]:
        """Every event that is wanted, without end.

        Raises:
            ServerUnavailable: the server stays away.
        """
        away_since: float | None = None
        try:
            while True:
                try:
                    page = self._page()
                    away_since = None
                except ServerRefused:
                    raise
                except ServerUnavailable:
                    away_since = away_since or time.monotonic()
                    if time.monotonic() - away_since > PATIENCE:
                        raise
                    self._close()
                    time.sleep(EVERY)
                    continue
                yield from filter(self._wanted.takes, page)
        finally:
            self._close()

    def _page(self) -> list[Event]:
        """The next events; none when nothing happened for a while."""
        # Heard before it is read: what comes in between is not missed.
        self._heard = self._heard or self._transport.hear_feed()
        if self._last is None:
            self._last = self._transport.do(operations.end(), _END)
        page = self._transport.do(operations.after(self._last), feed_after(self._last))
        if page:
            self._last = page[-1].position
        if len(page) < PAGE:
            self._heard.wait(EVERY if not page else 0)
        return page

    def _close(self) -> None:
        if self._heard is not None:
            self._heard.close()
            self._heard = None


def feed_after(position: str, limit: int = PAGE) -> Call[list[Event]]:
    """The events behind a place of the feed, over HTTP."""
    return Call(
        read=lambda document: list(map(event_of, document["items"])),
        method="GET",
        path="/events/feed",
        query={"after": position or "0", "limit": limit},
    )


_END = Call(read=lambda document: str(document["position"]), method="GET", path="/events/feed")
