"""Saying what becomes of the served code: in the log, in the feed, in the runner's record."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.model.event import Event
from orchestrator.model.ids import new_nonce
from orchestrator.store.events import emit_event

from . import events
from .codebases import Codebase
from .identity import Identity
from .writes import Writes

_LONGEST = 4_000


class CodeNews:
    """Tells each change once."""

    def __init__(self, here: Identity, writes: Writes, *, said: Callable[[], None]) -> None:
        self._here, self._writes, self._said = here, writes, said

    def changed(self, place: Codebase) -> None:
        """Another code serves, or the source is in trouble, or out of it."""
        if place.trouble is not None:
            events.warning(
                "New code cannot be had; the last good code goes on serving.",
                source=place.shown,
                why=place.trouble,
            )
        elif place.current.code is not None:
            code = place.current.code.short
            events.info("The newest code of its source serves.", source=place.shown, code=code)
        for name in place.flows:
            self._emit(place, name)
        self._said()

    def _emit(self, place: Codebase, name: str) -> None:
        served = place.served(name)
        about = "deployment.code_failed" if served.trouble else "deployment.code_updated"
        event = Event(
            id=new_nonce(),
            event=about,
            resource={"id": name, "runner": self._here.id},
            payload={
                "source": served.source,
                "commit": served.commit,
                "content_hash": served.content_hash,
                "why": served.trouble and served.trouble[-_LONGEST:],
                "misfit": served.misfit and served.misfit[:_LONGEST],
            },
            occurred=self._here.clock.now_ms(),
            received=0,
        )
        self._writes.add(emit_event(event), lambda _: None)
