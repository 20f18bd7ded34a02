"""``serve``: the door through which a script becomes a serving process.

The script's process starts a runner as its child, forwards signals, waits, and goes on behind
``serve`` when the runner has ended. User code never runs in the runner, nor the runner in here.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from orchestrator.deployment import Deployment, ServingOptions, checked_limit
from orchestrator.execution import context
from orchestrator.model.errors import InvalidName, InvalidOption, ServerUnavailable
from orchestrator.model.serving import ServingSpec
from orchestrator.serving_process import NO_SERVER, Signals
from orchestrator.settings import Settings, load_settings

T = TypeVar("T")

logger = logging.getLogger("orchestrator")


def serve(
    *deployments: Deployment,
    limit: int | None = None,
    pause_on_shutdown: bool | None = None,
    print_starting_message: bool | None = None,
) -> None:
    """Register the deployments and execute their runs until SIGINT or SIGTERM.

    Args:
        *deployments: made by ``Flow.to_deployment``.
        limit: runs at once in this process; default: the number of CPUs.
        pause_on_shutdown: pause the schedules when the last process that serves them leaves;
            default True.
        print_starting_message: say on the terminal what is served; default True.

    Raises:
        InvalidInput: an option that cannot be used, or one name twice.
        RunnerDied: the runner ended by a signal or an error.
        RuntimeError: inside a running event loop, where ``await aserve(...)`` is the way.
        SystemExit: 130 after a second signal, 3 when there is no server.
    """
    if _is_reached_again():
        return
    if _in_event_loop():
        raise RuntimeError("an event loop is running here: use `await aserve(...)`")
    options = _options(limit, pause_on_shutdown, print_starting_message)
    with Signals() as signals:
        spec = _spec(deployments, options)
        with signals.start_runner(spec) as runner:
            runner.process.wait()
    runner.judge()


async def aserve(
    *deployments: Deployment,
    limit: int | None = None,
    pause_on_shutdown: bool | None = None,
    print_starting_message: bool | None = None,
) -> None:
    """``serve`` for code that runs in an event loop; cancelling it stops the runner orderly."""
    import asyncio

    if _is_reached_again():
        return
    options = _options(limit, pause_on_shutdown, print_starting_message)
    with Signals() as signals:
        spec = await _beside_the_loop(lambda: _spec(deployments, options))
        with signals.start_runner(spec) as runner:
            ended = asyncio.ensure_future(asyncio.to_thread(runner.process.wait))
            try:
                await asyncio.shield(ended)
            except asyncio.CancelledError:
                runner.stop()
                await ended
                raise
    runner.judge()


def serving_spec(
    deployments: Sequence[Deployment], options: ServingOptions, settings: Settings, url: str
) -> ServingSpec:
    """What a runner has to know.

    Raises:
        InvalidInput: nothing to serve, one name twice, or options that contradict each other.
    """
    from orchestrator.embedded import page_of

    _check(deployments)
    merged = _merged(deployments, options)
    return ServingSpec(
        url=url,
        name=Path(sys.argv[0]).stem or "serve",
        limit=merged.get("limit") or _cpus(),
        limit_is_default=not merged.get("limit"),
        definitions=tuple(deployment.definition for deployment in deployments),
        sources={deployment.name: deployment.source for deployment in deployments},
        storages={
            each.source["storage"]: each.stored for each in deployments if each.stored is not None
        },
        home=str(settings.home),
        sys_path=tuple(dict.fromkeys(f for each in deployments for f in each.sys_path)),
        cwd=str(Path.cwd()),
        pause_on_shutdown=merged.get("pause_on_shutdown", True),
        shutdown_grace_seconds=settings.shutdown_grace_seconds,
        lease_seconds=settings.lease_seconds,
        retention_seconds=settings.retention_days * 86_400,
        log_level=settings.log_level,
        log_line_bytes=settings.log_line_bytes,
        log_lines=settings.log_lines,
        embedded=settings.redis_url is None,
        page=page_of(settings),
        banner=merged.get("print_starting_message", True),
    )


def _spec(deployments: Sequence[Deployment], options: ServingOptions) -> ServingSpec:
    if sys.platform == "win32":
        raise RuntimeError("serving needs Linux or macOS; on Windows use WSL")
    from orchestrator.embedded import ensure_server

    settings = load_settings()
    serving_spec(deployments, options, settings, url="")  # refuse before a server is started
    try:
        url = ensure_server(settings)
    except ServerUnavailable as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(NO_SERVER) from None
    return serving_spec(deployments, options, settings, url)


async def _beside_the_loop(call: Callable[[], T]) -> T:
    """What ``call`` answers, called in a thread that nobody waits for when the program ends."""
    import asyncio
    from concurrent.futures import Future

    answer: Future[T] = Future()

    def work() -> None:
        try:
            answer.set_result(call())
        except BaseException as error:  # noqa: BLE001 - whoever awaits it gets it
            answer.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return await asyncio.wrap_future(answer)


def _is_reached_again() -> bool:
    """Whether this file is only being imported so that its flows can run."""
    if not (context.is_loading() or context.in_run_process()):
        return False
    logger.warning(
        "serve() returns at once: its file was imported to run a flow. "
        'Put it under `if __name__ == "__main__":`'
    )
    return True


def _in_event_loop() -> bool:
    asyncio: Any = sys.modules.get("asyncio")  # not imported yet: no loop runs
    return asyncio is not None and asyncio._get_running_loop() is not None


def _options(limit: int | None, pause: bool | None, say: bool | None) -> ServingOptions:
    options = ServingOptions()
    if limit is not None:
        options["limit"] = checked_limit("limit", limit)
    if pause is not None:
        options["pause_on_shutdown"] = pause
    if say is not None:
        options["print_starting_message"] = say
    return options


def _check(deployments: Sequence[Deployment]) -> None:
    if not deployments:
        raise InvalidOption("deployments", deployments, "give at least one")
    names = set()
    for deployment in deployments:
        _check_kind(deployment)
        if deployment.name in names:
            raise InvalidName("deployment", deployment.name, "is given to two deployments")
        names.add(deployment.name)


def _check_kind(deployment: object) -> None:
    if not isinstance(deployment, Deployment):
        raise TypeError(f"serve() takes what `.to_deployment(name)` answers, not {deployment!r}")


def _merged(deployments: Sequence[Deployment], options: ServingOptions) -> ServingOptions:
    """What ``serve`` was given, or else what the deployments were, if they agree."""
    merged: dict[str, Any] = {}
    for deployment in deployments:
        for option, value in deployment.serving.items():
            if option not in options and merged.setdefault(option, value) != value:
                why = f"another deployment says {merged[option]!r}: give it to serve() instead"
                raise InvalidOption(option, value, why)
    return ServingOptions(**{**merged, **options})  # type: ignore[typeddict-item]  # checked keys


def _cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
