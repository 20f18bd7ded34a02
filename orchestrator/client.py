"""``Client``: everything that people and programs can ask and do, over one connection."""

from __future__ import annotations

import socket
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import TracebackType
from typing import Any, Self, TypeVar

from orchestrator.following import WAITING, Followed, Log, News
from orchestrator.model.asked import Asked
from orchestrator.model.clock import to_ms
from orchestrator.model.deployment import Deployment, RunnerRecord
from orchestrator.model.errors import (
    Conflict,
    DeploymentNotFound,
    RunIsFinal,
    RunIsOpen,
    RunnerNotFound,
    RunNotFound,
)
from orchestrator.model.explanation import Explanation
from orchestrator.model.ids import DeploymentId, RunId, RunnerId, deployment_of
from orchestrator.model.run import Run, Step
from orchestrator.model.states import State
from orchestrator.noticing import Noticing
from orchestrator.scheduling import Scheduling
from orchestrator.settings import load_settings
from orchestrator.store import deployments, runners, runs
from orchestrator.store.attention import is_led
from orchestrator.store.checks import Finding, check_server, server_facts
from orchestrator.store.connection import open_store
from orchestrator.store.explaining import explain_run
from orchestrator.store.listing import Wanted, list_runs
from orchestrator.store.logs import LogLine
from orchestrator.store.requests import Request
from orchestrator.store.submission import (
    create_run,
    create_runs,
    find_deployment,
    id_of,
    retry_run,
)

T = TypeVar("T")


class Client(Scheduling, Noticing):
    """A connection to the server: the given one, the configured one, or the embedded one, which
    is started when need be. For one thread; close it, or use it in ``with``.

    Deployments are given as ``flow/deployment`` or by id. Every method may raise
    ServerUnavailable.
    """

    def __init__(self, url: str | None = None) -> None:
        settings = load_settings(redis_url=url)
        if settings.redis_url is None:
            from orchestrator.embedded import ensure_server

            self._store = open_store(ensure_server(settings))
        else:
            self._store = open_store(settings.redis_url)
        self._retention_ms = round(settings.retention_days * 86_400_000)
        self._by = f"person on {socket.gethostname()}"

    def create_run(
        self,
        deployment: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        tags: Sequence[str] = (),
        scheduled_at: datetime | None = None,
        idempotency_key: str | None = None,
        name: str | None = None,
        created_by: str = "person",
    ) -> Run:
        """Ask for a run, now or at an aware datetime; the same key again gives the same run.

        Raises:
            DeploymentNotFound: there is none.
            InvalidInput: parameters or an option that cannot be used; nothing was created.
            KeyReused: the idempotency key came before, with other parameters.
        """
        asked = Asked(
            deployment=deployment,
            parameters=parameters,
            tags=tags,
            scheduled_at=scheduled_at,
            idempotency_key=idempotency_key,
            name=name,
            created_by=created_by,
        )
        return self.ask(asked)

    def ask(self, asked: Asked) -> Run:
        """``create_run`` for a run described as a value."""
        return self._store.follow(create_run(asked))

    def create_runs(
        self,
        many: Sequence[tuple[str, Mapping[str, Any] | None]],
        *,
        tags: Sequence[str] = (),
        scheduled_at: datetime | None = None,
        created_by: str = "person",
    ) -> list[RunId]:
        """Ask for many runs, (deployment, parameters) each; their ids in the same order.

        All are checked before the first is created. Raises as ``create_run``.
        """
        asked = [
            Asked(
                deployment=deployment,
                parameters=parameters,
                tags=tags,
                scheduled_at=scheduled_at,
                created_by=created_by,
            )
            for deployment, parameters in many
        ]
        return self._store.follow(create_runs(asked))

    def run(self, run_id: str) -> Run:
        """The record of a run; RunNotFound when there is none."""
        deployment_of(run_id)
        found = self._store.call(runs.read_run(RunId(run_id)))
        if found is None:
            raise RunNotFound(run_id)
        return found

    def runs(
        self,
        limit: int = 50,
        deployment: str | None = None,
        state: State | str | Collection[State | str] = (),
        *,
        tags: Collection[str] = (),
        since: datetime | None = None,
    ) -> list[Run]:
        """The newest runs first: of one deployment or of all, in any of these states, with all of
        these tags, created at an aware datetime or later."""
        wanted = Wanted(
            deployment=None if deployment is None else self.deployment(deployment).name,
            states=(state,) if isinstance(state, str) else state,
            tags=tags,
            since_ms=None if since is None else to_ms(since),
        )
        return self._store.follow(list_runs(limit, wanted))

    def wait_for_run(self, run_id: str, timeout: float | None = None) -> Run:
        """The record at the run's end, or as it is after ``timeout`` seconds."""
        *_, last = Followed(self._store, run_id, every=WAITING).records(timeout)
        return last

    def watch_run(self, run_id: str) -> Iterator[Step | LogLine]:
        """Its changes of state and log lines, as they come, until it is over."""
        for news in self.news_of_run(run_id):
            yield from news.happened

    def news_of_run(self, run_id: str) -> Iterator[News]:
        """The same with the record as it was at each look, also when nothing had happened."""
        return Followed(self._store, run_id).news()

    def cancel_run(self, run_id: str) -> Run:
        """Stop a run in any state; one that runs gets its grace time first.

        Raises:
            RunIsFinal: it had ended before, in whichever way.
        """
        word = self._about_run(runs.cancel_run(RunId(run_id), self._by, self._retention_ms), run_id)
        run = self.run(run_id)
        if word == "already":
            raise RunIsFinal(run_id, run.state)
        return run

    def pause_run(self, run_id: str) -> Run:
        """Stop the processes of a running run where they are, until it is resumed.

        Raises:
            Conflict: it does not run.
        """
        return self._pausing(runs.pause_run(RunId(run_id), self._by), run_id)

    def resume_run(self, run_id: str) -> Run:
        """Let a paused run go on.

        Raises:
            Conflict: it does not run.
        """
        return self._pausing(runs.resume_run(RunId(run_id), self._by), run_id)

    def retry_run(self, run_id: str, parameters: Mapping[str, Any] | None = None) -> Run:
        """A new run that does an ended one again, with its tags and name; ``parameters`` go over
        its own. The two know each other: ``retry_of``, ``retried_as``.

        Raises:
            Conflict: it has not ended.
            InvalidParameters: they do not fit the deployment as it is now.
        """
        return self._store.follow(retry_run(self.run(run_id), parameters))

    def delete_run(self, run_id: str) -> Run:
        """Forget an ended run and its log; the record as it was.

        Raises:
            Conflict: it has not ended.
        """
        run = self.run(run_id)
        if self._about_run(runs.delete_run(run.id), run_id) == "open":
            raise RunIsOpen(run_id, run.state)
        return run

    def explain_run(self, run_id: str) -> Explanation:
        """Why the run is where it is, in plain words."""
        found = self._store.follow(explain_run(RunId(run_id)))
        if found is None:
            raise RunNotFound(run_id)
        return found

    def logs(self, run_id: str) -> list[LogLine]:
        """All lines that the run has logged so far."""
        self.run(run_id)
        return list(Log(self._store, run_id).news())

    def follow_logs(self, run_id: str) -> Iterator[LogLine]:
        """All lines of the run, those to come too, until it is over."""
        return Followed(self._store, run_id).lines()

    def deployments(self) -> list[Deployment]:
        """All deployments, sorted by name."""
        return self._store.follow(deployments.list_deployments())

    def deployment(self, name: str) -> Deployment:
        """One deployment with its schedules and runners; DeploymentNotFound when there is none."""
        return self._store.follow(find_deployment(name))

    def pause_deployment(self, name: str) -> Deployment:
        """Stop its schedules; their runs that still wait end as ``Skipped``."""
        plan = deployments.pause_deployment(id_of(name), "user", self._retention_ms)
        return self._after(self._store.follow(plan).word, name)

    def resume_deployment(self, name: str) -> Deployment:
        """Let its schedules go on, from now."""
        return self._after(self._store.follow(deployments.resume_deployment(id_of(name))), name)

    def hold_deployment(self, name: str) -> Deployment:
        """Let no run of it start, until it is released."""
        return self._after(self._store.call(self._hold(id_of(name), held=True)), name)

    def release_deployment(self, name: str) -> Deployment:
        """Let its runs start again."""
        return self._after(self._store.call(self._hold(id_of(name), held=False)), name)

    def delete_deployment(self, name: str, *, force: bool = False) -> int:
        """Forget a deployment with its schedules, runs and logs; how many runs there were.

        ``force`` deletes it although runners are registered or runs are under way: these are
        stopped at once, and a runner that lives makes the deployment anew, without its runs.

        Raises:
            Conflict: it is served, or runs are under way.
        """
        reply = self._store.follow(deployments.delete_deployment(id_of(name), force=force))
        match reply.word:
            case "gone":
                raise DeploymentNotFound(name)
            case "served":
                raise Conflict(f"{name} is served: stop its runners first, or force the deletion")
            case "running":
                raise Conflict(
                    f"runs of {name} are under way: cancel them first, or force the deletion"
                )
            case "revived":
                raise Conflict(f"{name} was served again meanwhile: it has lost {reply.runs} runs")
        return reply.runs

    def drain_runner(self, runner_id: str) -> RunnerRecord:
        """Have a runner claim nothing more, finish what it runs, and end, as its first signal
        would. What does not finish within its shutdown grace goes back to the queue.

        Raises:
            RunnerNotFound: it is registered nowhere.
        """
        drained = self._drain([each for each in self.runners() if each.id == runner_id])
        if not drained:
            raise RunnerNotFound(runner_id)
        return drained[0]

    def drain_host(self, host: str) -> list[RunnerRecord]:
        """The same for every runner of a host.

        Raises:
            RunnerNotFound: none of them is registered.
        """
        drained = self._drain([each for each in self.runners() if each.host == host])
        if not drained:
            raise RunnerNotFound(host)
        return drained

    def runners(self) -> list[RunnerRecord]:
        """Every serving process that was heard of within the last hour, the newest first."""
        return self._store.follow(runners.read_runners())

    def scheduler_is_alive(self) -> bool:
        """Whether a scheduler works: without one schedules, delayed runs and retries wait."""
        return self._store.call(is_led())

    def server_facts(self) -> dict[str, str]:
        """What the server tells of itself."""
        return self._store.call(server_facts())

    def server_findings(self) -> list[Finding]:
        """Whether the server can be used, and what is risky about it; the worst first."""
        return check_server(self.server_facts())

    def close(self) -> None:
        """Give the connection back. The client can be used again: it connects anew."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _drain(self, records: Sequence[RunnerRecord]) -> list[RunnerRecord]:
        """Those that could be told, as they are now."""
        words = [
            self._store.follow(runners.drain_runner(RunnerId(each.id), self._by))
            for each in records
        ]
        return [
            replace(record, draining=True)
            for record, word in zip(records, words, strict=True)
            if word != "gone"
        ]

    def _about_run(self, request: Request[str], run_id: str) -> str:
        word = self._store.call(request)
        if word == "gone":
            raise RunNotFound(run_id)
        return word

    def _pausing(self, request: Request[str], run_id: str) -> Run:
        word = self._about_run(request, run_id)
        run = self.run(run_id)
        if word == "not_running":
            if run.is_final:
                raise RunIsFinal(run_id, run.state)
            raise Conflict(f"run {run_id} is {run.state}: only a running one can be paused")
        return run

    def _hold(self, d: DeploymentId, *, held: bool) -> Request[str]:
        return deployments.hold_deployment(d, held, self._by)

    def _after(self, word: str, name: str) -> Deployment:
        if word == "gone":
            raise DeploymentNotFound(name)
        return self.deployment(name)
