"""What a client can do about schedules, beside those that code makes."""

from __future__ import annotations

from typing import Any

from orchestrator.client.reading import schedule_of
from orchestrator.client.schedule_documents import document_of_schedule
from orchestrator.client.transport import Call, Transport
from orchestrator.model.deployment import ScheduleRecord
from orchestrator.model.errors import OrchestratorError, ScheduleNotFound
from orchestrator.operations import schedules
from orchestrator.operations.acting import Acting
from orchestrator.schedules import Schedule


class Scheduling:
    """The part of ``Client`` that is about schedules. Each is known by deployment and slug."""

    _transport: Transport
    _acting: Acting

    def schedules(self, deployment: str) -> tuple[ScheduleRecord, ...]:
        """The schedules of a deployment, by slug."""
        call = Call(
            read=lambda document: tuple(map(schedule_of, document["items"])),
            method="GET",
            path=_PATH,
            deployment=deployment,
        )
        return self._transport.do(schedules.listed(deployment), call)

    def schedule(self, deployment: str, slug: str) -> ScheduleRecord:
        """One schedule; ScheduleNotFound when there is none."""
        call = _about(deployment, slug, "GET")
        return self._transport.do(schedules.read(deployment, slug), call)

    def create_schedule(self, deployment: str, schedule: Schedule) -> ScheduleRecord:
        """Add a schedule, from now on. Serving again leaves it alone.

        Without a slug it gets one of its kind, as ``cron-2``. The same again changes nothing.

        Raises:
            InvalidParameters: with its parameters no run can be made.
            Conflict: there is another one of this slug.
        """
        call = Call(
            read=schedule_of,
            method="POST",
            path=_PATH,
            deployment=deployment,
            body=lambda: document_of_schedule(schedule),
        )
        return self._transport.do(schedules.create(deployment, schedule), call)

    def replace_schedule(self, deployment: str, slug: str, schedule: Schedule) -> ScheduleRecord:
        """Put another schedule in the place of this one, from now on. Serving again leaves it
        alone, though code made the first one; deleting it gives the place back to the code.

        Raises:
            InvalidParameters: with its parameters no run can be made.
            ScheduleNotFound: there is none to be replaced.
        """
        call = _about(deployment, slug, "PUT", schedule=schedule)
        return self._transport.do(schedules.replace(deployment, slug, schedule), call)

    def pause_schedule(self, deployment: str, slug: str) -> ScheduleRecord:
        """Let it make no more runs; those of it that wait end as ``Skipped``."""
        call = _about(deployment, slug, "POST", "/pause")
        return self._transport.do(schedules.pause(deployment, slug, self._acting), call)

    def resume_schedule(self, deployment: str, slug: str) -> ScheduleRecord:
        """Let it go on, from now."""
        call = _about(deployment, slug, "POST", "/resume")
        return self._transport.do(schedules.resume(deployment, slug), call)

    def delete_schedule(self, deployment: str, slug: str) -> ScheduleRecord:
        """Forget it; the record as it was. Its runs that wait end as ``Skipped``. One that code
        made is made again when that is served again."""
        call = _about(deployment, slug, "DELETE")
        return self._transport.do(schedules.delete(deployment, slug, self._acting), call)


_PATH = "/deployments/{deployment}/schedules"


def _about(
    deployment: str, slug: str, method: str, verb: str = "", schedule: Schedule | None = None
) -> Call[ScheduleRecord]:
    def body() -> Any:
        assert schedule is not None
        return document_of_schedule(schedule)

    def unknown(live: Any) -> OrchestratorError:
        if schedule is not None:
            schedules.replacement(schedule, slug)
        return ScheduleNotFound(deployment, slug, [each["slug"] for each in live["schedules"]])

    return Call(
        read=schedule_of,
        method=method,
        path=f"{_PATH}/{{name}}{verb}",
        deployment=deployment,
        name=slug,
        unknown=unknown,
        body=None if schedule is None else body,
    )
