"""What can be done about schedules, beside those that code makes. Each is known by deployment and
slug; every plan may raise DeploymentNotFound and ScheduleNotFound."""

from __future__ import annotations

from orchestrator.declaring.slugs import free_slug
from orchestrator.model.deployment import ScheduleDefinition, ScheduleRecord
from orchestrator.model.errors import Conflict, DeploymentNotFound, ScheduleNotFound
from orchestrator.operations.acting import Acting
from orchestrator.schedules import Schedule
from orchestrator.store import schedule_edits
from orchestrator.store.requests import Plan, Word
from orchestrator.store.submission import find_deployment, id_of
from orchestrator.store.validation import check_schedule


def listed(deployment: str) -> Plan[tuple[ScheduleRecord, ...]]:
    """The schedules of a deployment, by slug."""
    return (yield from find_deployment(deployment)).schedules


def read(deployment: str, slug: str) -> Plan[ScheduleRecord]:
    """One schedule."""
    found = yield from listed(deployment)
    for record in found:
        if record.definition.slug == slug:
            return record
    raise ScheduleNotFound(deployment, slug, [each.definition.slug for each in found])


def create(deployment: str, schedule: Schedule) -> Plan[ScheduleRecord]:
    """Add a schedule, from now on; Conflict when there is another one of its slug."""
    live = yield from find_deployment(deployment)
    taken = [each.definition.slug for each in live.schedules]
    definition = schedule.definition(schedule.slug or free_slug(schedule, taken))
    check_schedule(live, definition)
    word = yield from schedule_edits.put_schedule(live.id, definition, edit=False)
    if word == "exists":
        raise Conflict(
            f"{live.name} has another schedule {definition.slug}: replace it, or choose "
            "another slug"
        )
    return (yield from read(deployment, definition.slug))


def replace(deployment: str, slug: str, schedule: Schedule) -> Plan[ScheduleRecord]:
    """Put another schedule in the place of this one, from now on."""
    live = yield from find_deployment(deployment)
    definition = replacement(schedule, slug)
    check_schedule(live, definition)
    word = yield from schedule_edits.put_schedule(live.id, definition, edit=True)
    return (yield from _changed(word, deployment, slug))


def replacement(schedule: Schedule, slug: str) -> ScheduleDefinition:
    """What takes the place of the schedule of that slug.

    Raises:
        InvalidName: no schedule can be called that.
        Conflict: it is called otherwise.
    """
    definition = schedule.definition(slug)
    if definition.slug != slug:
        raise Conflict(f"the new schedule is called {definition.slug}, the old one {slug}")
    return definition


def pause(deployment: str, slug: str, acting: Acting) -> Plan[ScheduleRecord]:
    """Let it make no more runs; those of it that wait end as ``Skipped``."""
    reply = yield from schedule_edits.pause_schedule(id_of(deployment), slug, acting.retention_ms)
    return (yield from _changed(reply.word, deployment, slug))


def resume(deployment: str, slug: str) -> Plan[ScheduleRecord]:
    """Let it go on, from now."""
    word = yield from schedule_edits.resume_schedule(id_of(deployment), slug)
    return (yield from _changed(word, deployment, slug))


def delete(deployment: str, slug: str, acting: Acting) -> Plan[ScheduleRecord]:
    """Forget it; the record as it was."""
    record = yield from read(deployment, slug)
    word = yield from schedule_edits.delete_schedule(id_of(deployment), slug, acting.retention_ms)
    if word != "ok":
        raise ScheduleNotFound(deployment, slug, [])
    return record


def _changed(word: Word, deployment: str, slug: str) -> Plan[ScheduleRecord]:
    if word == "gone":
        raise DeploymentNotFound(deployment)
    return (yield from read(deployment, slug))
