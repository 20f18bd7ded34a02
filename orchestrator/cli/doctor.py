"""``orchestrator doctor``: what is wrong here and with the server, and what to do about it."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.cli.errors import ExitCode
from orchestrator.cli.moments import span
from orchestrator.cli.output import Output, OutputOption, console, print_document
from orchestrator.model.clock import SystemClock
from orchestrator.store.checks import Finding

if TYPE_CHECKING:
    from orchestrator.client.client import Client
    from orchestrator.settings import Settings

_CLOCK_WARN_MS = 2_000
"""People compare log lines of two hosts; nothing that must be right depends on clocks (I18)."""

_MOST_MISFITS = 20
"""Damage comes in masses: more lines tell nothing more."""

_MARKS = {"ok": ("ok", "green"), "warn": ("warn", "yellow"), "refuse": ("REFUSED", "bold red")}


RepairOption = Annotated[
    bool, typer.Option("--repair", help="Make keys that were damaged fit each other again.")
]


def doctor(repair: RepairOption = False, output: OutputOption = Output.TEXT) -> None:
    """Check this machine and the server; exit 1 when something cannot work like this."""
    from orchestrator.model.errors import ServerUnavailable
    from orchestrator.settings import load_settings

    settings = load_settings()
    findings = [*_of_interpreter()]
    code = ExitCode.DONE
    try:
        findings += _of_server(settings, repair=repair)
    except ServerUnavailable as error:
        findings.append(Finding("refuse", f"server {error.url}: {error.why}", error.remedy))
        code = ExitCode.NO_SERVER
    if code is ExitCode.DONE and any(finding.level == "refuse" for finding in findings):
        code = ExitCode.FAILED
    _print(settings, findings, output)
    raise typer.Exit(code)


def _of_interpreter() -> Iterator[Finding]:
    """What runs on this machine can rely on."""
    from orchestrator.execution.isolation import why_not_fork

    yield Finding("ok", f"Python {platform.python_version()} on {platform.platform(terse=True)}")
    if sys.platform == "win32":
        yield Finding("refuse", "Windows is not supported", "Use Linux, WSL or a container.")
    elif sys.platform != "linux":
        yield Finding(
            "warn",
            "runs start in fresh interpreters, and only a run's own process group is stopped",
            "Everything holds on Linux; see the guide.",
        )
    elif reason := why_not_fork():
        yield Finding("warn", f"runs start in fresh interpreters: {reason}")
    else:
        yield Finding("ok", "this interpreter can fork runs")


def _of_server(settings: Settings, *, repair: bool) -> Iterator[Finding]:
    """What the server says of itself, and who is there to use it."""
    from orchestrator.client.client import Client

    with Client() as client:
        yield from client.server_findings()
        yield _of_clock(client)
        yield _of_scheduler(client, settings)
        yield _of_runners(client)
        yield from _of_keys(client, repair=repair)
        yield from _of_api(settings)


def _of_clock(client: Client) -> Finding:
    asked_ms = SystemClock().now_ms()
    server_ms = int(client.server_facts()["server_time_usec"]) // 1000
    # The server looked at its clock halfway between asking and answering, more or less.
    apart = abs((asked_ms + SystemClock().now_ms()) // 2 - server_ms)
    what = f"the clocks of this machine and the server are {span(apart / 1000)} apart"
    if apart < _CLOCK_WARN_MS:
        return Finding("ok", what)
    return Finding("warn", what, "Let both follow the same time server: times shown will disagree.")


def _of_scheduler(client: Client, settings: Settings) -> Finding:
    if client.scheduler_is_alive():
        return Finding("ok", "a scheduler is alive")
    remedy = "Start one: orchestrator scheduler start"
    if settings.redis_url is None:
        remedy = f"The server's guardian is starting one; its log is in {settings.home / 'logs'}"
    return Finding(
        "warn", "no scheduler is alive: schedules, delayed runs and retries wait", remedy
    )


def _of_keys(client: Client, *, repair: bool) -> Iterator[Finding]:
    """Whether each open run is led to by exactly one key, and nothing leads astray."""
    misfits = client.repair_keys() if repair else client.audit_keys()
    if not misfits:
        yield Finding("ok", "records and what leads to their runs fit each other")
    for each in misfits[:_MOST_MISFITS]:
        what = f"{each.deployment}: run {each.run}: {each.what}"
        if repair:
            yield Finding("ok", f"repaired: {what}")
        else:
            yield Finding("warn", what, "A serving runner repairs it; or: doctor --repair")
    if (more := len(misfits) - _MOST_MISFITS) > 0:
        yield Finding("ok" if repair else "warn", f"{more} more of the same kind")


def _of_api(settings: Settings) -> Iterator[Finding]:
    """Where the pages of the embedded server are; with a URL configured whoever started them
    knows."""
    from orchestrator.embedded import page_of

    if settings.redis_url is not None:
        return
    if page := page_of(settings):
        yield Finding("ok", f"API and pages at {page}")
    else:
        remedy = f"The reason is in {settings.home / 'logs' / 'guardian.log'}"
        yield Finding("warn", "no API and no pages", remedy)


def _of_runners(client: Client) -> Finding:
    count = len(client.runners())
    return Finding("ok", "1 runner is serving" if count == 1 else f"{count} runners are serving")


def _print(settings: Settings, findings: Sequence[Finding], output: Output) -> None:
    server = _server(settings)
    if output is Output.JSON:
        print_document(
            {
                "embedded": settings.redis_url is None,
                "server": server,
                "home": str(settings.home),
                "findings": [_document(finding) for finding in findings],
            }
        )
        return
    print(f"Server  {server or f'embedded, home {settings.home}'}\n")
    for finding in findings:
        _print_finding(finding)


def _server(settings: Settings) -> str | None:
    from orchestrator.store.connection import mask

    return None if settings.redis_url is None else mask(settings.redis_url)


def _document(finding: Finding) -> dict[str, Any]:
    return {"level": finding.level, "what": finding.what, "remedy": finding.remedy or None}


def _print_finding(finding: Finding) -> None:
    from rich.text import Text

    mark, style = _MARKS[finding.level]
    line = Text.assemble((f"{mark:<8}", style), finding.what.replace("\n", "\n" + " " * 8))
    console().print(line, soft_wrap=True)
    if finding.remedy:
        console().print(f"{'':8}{finding.remedy}", style="dim", markup=False, soft_wrap=True)
