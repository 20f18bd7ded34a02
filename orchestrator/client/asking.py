"""What a client can ask and do about runs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from orchestrator.client.following import WAITING, Followed, Log, News
from orchestrator.client.reading import explanation_of, moment_ms, run_of
from orchestrator.client.transport import MOST_AT_ONCE, Call, Transport, path_of
from orchestrator.model.asked import Asked, check_mapping
from orchestrator.model.clock import rfc3339, to_ms
from orchestrator.model.documents import encoded
from orchestrator.model.explanation import Explanation
from orchestrator.model.ids import RunId
from orchestrator.model.plain import as_json
from orchestrator.model.run import Run, Step
from orchestrator.model.states import State
from orchestrator.operations import runs
from orchestrator.operations.acting import Acting
from orchestrator.store.doors import Doors
from orchestrator.store.listing import Page
from orchestrator.store.logs import LogLine
from orchestrator.store.submission import create_run, create_runs
from orchestrator.store.wanted import Wanted


class Asking:
    """The part of ``Client`` that is about runs."""

    _transport: Transport
    _acting: Acting
    _doors: Doors

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
        call = Call(read=run_of, method="POST", path="/runs", body=lambda: _body(asked))
        return self._transport.do(create_run(asked, doors=self._doors), call)

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
        if not many:
            return []
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
        call = Call(
            read=lambda document: list(map(RunId, document["ids"])),
            method="POST",
            path="/bulk/runs",
            body=lambda: {"runs": list(map(_body, asked))},
        )
        return self._transport.do(create_runs(asked), call)

    def run(self, run_id: str) -> Run:
        """The record of a run; RunNotFound when there is none."""
        return self._transport.do(runs.read(run_id), _about(run_id, "GET"))

    def runs(
        self,
        limit: int = 50,
        deployment: str | None = None,
        state: State | str | Collection[State | str] = (),
        *,
        tags: Collection[str] = (),
        since: datetime | None = None,
        until: datetime | None = None,
        text: str = "",
        parent: str | None = None,
    ) -> list[Run]:
        """The newest runs first: of one deployment or of all, in any of these states (``Late``
        too), with all of these tags, created at an aware datetime or later, before another one,
        with this text in name or id, and asked for by this run."""
        wanted = runs.wanted_runs(deployment, state, tags, since, until, text, parent)
        found: list[Run] = []
        before: str | None = ""
        while before is not None and len(found) < limit:
            page = self._page(limit - len(found), wanted, before)
            found, before = found + page.items, page.next
        return found

    def runs_page(
        self,
        limit: int = 50,
        deployment: str | None = None,
        state: State | str | Collection[State | str] = (),
        *,
        tags: Collection[str] = (),
        since: datetime | None = None,
        until: datetime | None = None,
        text: str = "",
        parent: str | None = None,
        before: str = "",
    ) -> Page[Run]:
        """The same in pages: ``before`` is the ``next`` of the page that came before. A page may
        hold fewer runs than ``limit`` although there is a next one."""
        wanted = runs.wanted_runs(deployment, state, tags, since, until, text, parent)
        return self._page(limit, wanted, before)

    def wait_for_run(self, run_id: str, timeout: float | None = None) -> Run:
        """The record at the run's end, or as it is after ``timeout`` seconds."""
        *_, last = Followed(self._transport, run_id, every=WAITING).records(timeout)
        return last

    def watch_run(self, run_id: str) -> Iterator[Step | LogLine]:
        """Its changes of state and log lines, as they come, until it is over."""
        for news in self.news_of_run(run_id):
            yield from news.happened

    def news_of_run(self, run_id: str) -> Iterator[News]:
        """The same with the record as it was at each look, also when nothing had happened."""
        return Followed(self._transport, run_id).news()

    def cancel_run(self, run_id: str) -> Run:
        """Stop a run in any state, and what it has asked for; one that runs gets its grace time
        first.

        Raises:
            RunIsFinal: it had ended before, in whichever way.
        """
        plan = runs.cancel(run_id, self._acting)
        return self._transport.do(plan, _about(run_id, "POST", "cancel"))

    def pause_run(self, run_id: str) -> Run:
        """Stop the processes of a running run where they are, until it is resumed.

        Raises:
            Conflict: it does not run.
        """
        plan = runs.pause(run_id, self._acting)
        return self._transport.do(plan, _about(run_id, "POST", "pause"))

    def resume_run(self, run_id: str) -> Run:
        """Let a paused run go on.

        Raises:
            Conflict: it does not run.
        """
        plan = runs.resume(run_id, self._acting)
        return self._transport.do(plan, _about(run_id, "POST", "resume"))

    def retry_run(
        self,
        run_id: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        same_code: bool = False,
    ) -> Run:
        """A new run that does an ended one again, with its tags and name; ``parameters`` go over
        its own. It has the newest code, or with ``same_code`` the commit that the ended one had.
        The two know each other: ``retry_of``, ``retried_as``.

        Raises:
            Conflict: it has not ended, or its code cannot be had again.
            InvalidParameters: they do not fit the deployment as it is now.
        """
        check_mapping(f"run {run_id}", parameters)
        given = as_json(parameters)
        encoded(f"run {run_id}", given or {})
        call = _about(run_id, "POST", "retry", {"parameters": given, "same_code": same_code})
        return self._transport.do(runs.retry(run_id, parameters, same_code=same_code), call)

    def delete_run(self, run_id: str) -> Run:
        """Forget an ended run and its log; the record as it was.

        Raises:
            Conflict: it has not ended.
        """
        return self._transport.do(runs.delete(run_id), _about(run_id, "DELETE"))

    def explain_run(self, run_id: str) -> Explanation:
        """Why the run is where it is, in plain words."""
        call = Call(read=explanation_of, method="GET", path=path_of(run_id, "explain"))
        return self._transport.do(runs.explained(run_id), call)

    def logs(self, run_id: str) -> list[LogLine]:
        """All lines that the run has logged so far."""
        self.run(run_id)
        return list(Log(self._transport, run_id).news())

    def follow_logs(self, run_id: str) -> Iterator[LogLine]:
        """All lines of the run, those to come too, until it is over."""
        return Followed(self._transport, run_id).lines()

    def _page(self, limit: int, wanted: Wanted, before: str) -> Page[Run]:
        call = Call(read=_page_of, method="GET", path="/runs", query=_query(limit, wanted, before))
        return self._transport.do(runs.page(limit, wanted, before), call)


def _about(run_id: str, method: str, verb: str = "", body: Any = None) -> Call[Run]:
    return Call(
        read=run_of,
        method=method,
        path=path_of(run_id, verb),
        body=None if body is None else (lambda: body),
    )


def _body(asked: Asked) -> dict[str, Any]:
    """What is asked for, as the API takes it."""
    encoded(asked.deployment, asked.parameters or {})
    when = None if asked.scheduled_at is None else rfc3339(to_ms(asked.scheduled_at))
    return {
        "deployment": asked.deployment,
        "parameters": asked.parameters,
        "tags": list(asked.tags),
        "scheduled_at": when,
        "idempotency_key": asked.idempotency_key,
        "name": asked.name,
    }


def _query(limit: int, wanted: Wanted, before: str) -> dict[str, Any]:
    return {
        "limit": min(limit, MOST_AT_ONCE),
        "deployment": wanted.deployment,
        "state": list(map(str, wanted.states)),
        "tag": list(wanted.tags),
        "since": rfc3339(wanted.since_ms),
        "until": rfc3339(wanted.until_ms),
        "text": wanted.text,
        "parent": wanted.parent,
        "before": before,
    }


def _page_of(document: Any) -> Page[Run]:
    return Page(
        list(map(run_of, document["items"])),
        document["next"],
        document["looked_at"],
        moment_ms(document["back_to"]),
    )
