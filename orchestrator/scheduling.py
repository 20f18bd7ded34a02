"""What a client can do about schedules, beside those that code makes."""

from __future__ import annotations

from orchestrator.model.deployment import ScheduleRecord
from orchestrator.model.errors import Conflict, DeploymentNotFound, ScheduleNotFound
from orchestrator.schedules import Schedule
from orchestrator.slugs import free_slug
from orchestrator.store import schedule_edits
from orchestrator.store.caller import Store
from orchestrator.store.requests import Word
from orchestrator.store.submission import find_deployment, id_of
from orchestrator.store.validation import check_schedule


class Scheduling:
    """The part of ``Client`` that is about schedules. Each is known by deployment and slug."""

    _store: Store
    _retention_ms: int

    def schedules(self, deployment: str) -> tuple[ScheduleRecord, ...]:
        """The schedules of a deployment, by slug."""
        return self._store.follow(find_deployment(deployment)).schedules

    def schedule(self, deployment: str, slug: str) -> ScheduleRecord:
        """One schedule; ScheduleNotFound when there is none."""
        found = self.schedules(deployment)
        for record in found:
            if record.definition.slug == slug:
                return record
        raise ScheduleNotFound(deployment, slug, [each.definition.slug for each in found])

    def create_schedule(self, deployment: str, schedule: Schedule) -> ScheduleRecord:
        """Add a schedule, from now on. Serving again leaves it alone.

        Without a slug it gets one of its kind, as ``cron-2``. The same again changes nothing.

        Raises:
            InvalidParameters: with its parameters no run can be made.
            Conflict: there is another one of this slug.
        """
        live = self._store.follow(find_deployment(deployment))
        taken = [each.definition.slug for each in live.schedules]
        definition = schedule.definition(schedule.slug or free_slug(schedule, taken))
        check_schedule(live, definition)
        plan = schedule_edits.put_schedule(live.id, definition, edit=False)
        if self._store.follow(plan) == "exists":
            raise Conflict(
                f"{live.name} has another schedule {definition.slug}: replace it, or choose "
                "another slug"
            )
        return self.schedule(deployment, definition.slug)

    def replace_schedule(self, deployment: str, slug: str, schedule: Schedule) -> ScheduleRecord:
        """Put another schedule in the place of this one, from now on. Serving again leaves it
        alone, though code made the first one; deleting it gives the place back to the code.

        Raises:
            InvalidParameters: with its parameters no run can be made.
            ScheduleNotFound: there is none to be replaced.
        """
        live = self._store.follow(find_deployment(deployment))
        definition = schedule.definition(slug)
        if definition.slug != slug:
            raise Conflict(f"the new schedule is called {definition.slug}, the old one {slug}")
        check_schedule(live, definition)
        plan = schedule_edits.put_schedule(live.id, definition, edit=True)
        return self._changed(self._store.follow(plan), deployment, slug)

    def pause_schedule(self, deployment: str, slug: str) -> ScheduleRecord:
        """Let it make no more runs; those of it that wait end as ``Skipped``."""
        plan = schedule_edits.pause_schedule(id_of(deployment), slug, self._retention_ms)
        return self._changed(self._store.follow(plan).word, deployment, slug)

    def resume_schedule(self, deployment: str, slug: str) -> ScheduleRecord:
        """Let it go on, from now."""
        plan = schedule_edits.resume_schedule(id_of(deployment), slug)
        return self._changed(self._store.follow(plan), deployment, slug)

    def delete_schedule(self, deployment: str, slug: str) -> ScheduleRecord:
        """Forget it; the record as it was. Its runs that wait end as ``Skipped``. One that code
        made is made again when that is served again."""
        record = self.schedule(deployment, slug)
        plan = schedule_edits.delete_schedule(id_of(deployment), slug, self._retention_ms)
        if self._store.follow(plan) != "ok":
            raise ScheduleNotFound(deployment, slug, [])
        return record

    def _changed(self, word: Word, deployment: str, slug: str) -> ScheduleRecord:
        if word == "gone":
            raise DeploymentNotFound(deployment)
        return self.schedule(deployment, slug)
