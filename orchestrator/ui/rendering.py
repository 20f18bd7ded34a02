"""From records to HTML: one Jinja environment, and the words and marks that templates use."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any
from urllib.parse import quote
from zoneinfo import available_timezones

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from orchestrator import wording
from orchestrator.model.clock import from_ms, rfc3339, to_ms
from orchestrator.model.errors import RunNotFound
from orchestrator.model.ids import deployment_of
from orchestrator.model.secrets import without_secrets
from orchestrator.model.sizes import shown_size
from orchestrator.model.spans import relative, span
from orchestrator.model.states import CLAIMED, FINAL, LATE, WAITING, State
from orchestrator.model.trigger import in_words
from orchestrator.ui.assets import address
from orchestrator.ui.form_moments import meant
from orchestrator.ui.markup import markdown

TONES: dict[str, str] = {
    State.SCHEDULED: "wait",
    LATE: "warn",
    State.AWAITING_RETRY: "warn",
    State.AWAITING_CONCURRENCY_SLOT: "warn",
    State.PENDING: "run",
    State.RUNNING: "run",
    State.PAUSED: "stop",
    State.CANCELLING: "stop",
    State.COMPLETED: "good",
    State.FAILED: "bad",
    State.TIMED_OUT: "bad",
    State.CRASHED: "bad",
    State.CANCELLED: "stop",
    State.SKIPPED: "idle",
}
"""state -> its family of colours. Never the only sign: each state has an icon and its word."""

WORDS: dict[str, str] = {
    State.AWAITING_RETRY: "Awaiting retry",
    State.AWAITING_CONCURRENCY_SLOT: "Awaiting slot",
    State.TIMED_OUT: "Timed out",
}


def deployment_path(name: str) -> str:
    """The address of a deployment's page."""
    flow, _, own = name.partition("/")
    return f"/deployments/{quote(flow, safe='')}/{quote(own, safe='')}"


def moment(ms: int | None, now_ms: int) -> Markup:
    """How far away it is, with the instant itself for whoever asks."""
    if ms is None:
        return Markup('<span class="none">-</span>')
    exact = f"{from_ms(ms):%Y-%m-%d %H:%M:%S} UTC"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        rfc3339(ms), exact, relative(ms, now_ms)
    )


def is_run_id(text: str) -> bool:
    """Whether this may be the id of a run."""
    try:
        deployment_of(text)
    except RunNotFound:
        return False
    return True


def instant(seconds: float) -> str | None:
    """The exact time of a log line."""
    return rfc3339(round(seconds * 1000))


def clock(seconds: float) -> str:
    """The time of a log line in its day, UTC."""
    return f"{from_ms(round(seconds * 1000)):%H:%M:%S.%f}"[:-3]


def pretty(value: Any) -> str:
    """JSON for reading."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def compact(value: Any) -> str:
    """JSON in one line."""
    return json.dumps(value, ensure_ascii=False)


def about(description: str) -> str:
    """The description without the sections of a docstring that speak of its parameters: the form
    has them beside its fields."""
    return _SECTIONS.split(description, maxsplit=1)[0]


_SECTIONS = re.compile(r"^\s*(?:Args|Arguments|Returns|Raises|Yields):\s*$", re.MULTILINE)


@cache
def zones() -> list[str]:
    """The names of time zones, for the lists of fields."""
    return sorted(available_timezones())


def environment() -> Environment:
    """The environment of all templates; what is not marked as HTML is escaped."""
    made = Environment(
        loader=PackageLoader("orchestrator.ui"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    made.globals.update(
        static=address,
        words=wording,
        tones=TONES,
        state_words=WORDS,
        claimed=CLAIMED,
        final=FINAL,
        waiting=WAITING,
        State=State,
        without_secrets=without_secrets,
        zones=zones,
        meant=meant,
    )
    made.tests["run_id"] = is_run_id
    made.filters.update(
        about=about,
        moment=moment,
        ms=to_ms,
        instant=instant,
        clock=clock,
        pretty=pretty,
        compact=compact,
        span=span,
        trigger_words=in_words,
        size=shown_size,
        markdown=markdown,
        deployment_path=deployment_path,
    )
    return made
