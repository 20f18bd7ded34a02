"""Find the server of a home, or have one started."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from orchestrator.embedded.home import Home
from orchestrator.embedded.probe import PONG, ask
from orchestrator.embedded.state import WAITING, read_state
from orchestrator.model.errors import EmbeddedServerFailed
from orchestrator.settings import Settings

TAKEN = 75
"""Exit code of a guardian that found another one alive."""

PATIENCE = 20.0
"""Seconds without an answer or a stated problem after which we give up."""

ROUND = 1.0
"""Seconds of waiting after which it is asked again whether a guardian is alive."""

COMPLAINTS = 2
"""Rounds with a problem after which it is believed: a server killed just now is back by then."""

REMEDY = "set ORCHESTRATOR_REDIS_URL to use a server of your own"


def ensure_server(settings: Settings) -> str:
    """The URL of a server that answers: the configured one, untouched, or that of the home.

    With a URL configured nothing is started and nobody is asked.

    Raises:
        EmbeddedServerFailed: the home's server does not come up; says why and what to do.
    """
    if settings.redis_url is not None:
        return settings.redis_url
    home = Home(settings.home)
    if not _answers(home):
        home.prepare()
        _bring_up(home, settings)
    return home.url


def page_of(settings: Settings) -> str | None:
    """Where the API and the pages of the home's guardian are; None with a URL configured, and when
    it has said nothing of them."""
    if settings.redis_url is not None:
        return None
    state = read_state(Home(settings.home).state)
    return state.page or None if state else None


def living_server(settings: Settings) -> str | None:
    """The URL of the configured server, or that of the home if it runs already; starts nothing."""
    if settings.redis_url is not None:
        return settings.redis_url
    home = Home(settings.home)
    return home.url if _answers(home) else None


def _answers(home: Home) -> bool:
    return home.is_private() and ask(home.socket) == PONG


def _bring_up(home: Home, settings: Settings) -> None:
    """Offer a guardian again and again: the lock lets one live, also when another just died."""
    give_up = time.monotonic() + PATIENCE
    complaints = 0
    while True:
        _offer_guardian(home, settings)
        answer = _answer_within(home.socket, ROUND)
        if answer == PONG:
            return
        if answer.startswith("LOADING"):  # reading its data: alive, and as long as it takes
            give_up = time.monotonic() + PATIENCE
        elif problem := answer or _problem(home):
            complaints += 1
            if answer or complaints == COMPLAINTS:
                raise EmbeddedServerFailed(home.url, problem, remedy(home))
        elif time.monotonic() > give_up:
            why = f"no answer within {PATIENCE:g} s: {_whereabouts(home)}"
            raise EmbeddedServerFailed(home.url, why, remedy(home))


def _offer_guardian(home: Home, settings: Settings) -> None:
    """Start a guardian; it detaches itself, or ends at once when it is not needed."""
    import subprocess  # not needed where a server answers, which is nearly always

    program = Path(__file__).with_name("__main__.py")
    started = subprocess.run(
        [sys.executable, "-P", str(program)],
        env=os.environ | settings.environment(),
        cwd=home.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if started.returncode not in (0, TAKEN):
        why = started.stderr.strip() or f"the guardian ended with {started.returncode}"
        raise EmbeddedServerFailed(home.url, why, remedy(home))


def _answer_within(socket: Path, seconds: float) -> str:
    """``PONG`` as soon as it comes, else the last answer of the time."""
    deadline = time.monotonic() + seconds
    while (answer := ask(socket)) != PONG and time.monotonic() < deadline:
        time.sleep(0.005)
    return answer


def _problem(home: Home) -> str:
    """What keeps the server from coming up and will not pass by itself."""
    state = read_state(home.state)
    if state and state.problem:
        trying = state.server_pid is not None or state.problem == WAITING
        return "" if trying else state.problem
    full = home.disk_trouble()  # then the guardian could not write its problem down
    return f"no server answers{full}" if full else ""


def _whereabouts(home: Home) -> str:
    """Who holds the lock: a home on a shared disk may be guarded on another host."""
    state = read_state(home.state)
    if state is None:
        return f"its guardian says nothing in {home.state}"
    told = f": {state.problem}" if state.problem else ""
    return f"its guardian is process {state.pid} on {state.host}, socket {state.url}{told}"


def remedy(home: Home) -> str:
    """What to do when the home's server does not come up."""
    return f"logs are in {home.logs}; {REMEDY}"
