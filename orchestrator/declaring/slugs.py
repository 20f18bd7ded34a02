"""Slugs: the names of one deployment's schedules."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import count

from orchestrator.model.deployment import ScheduleDefinition
from orchestrator.model.errors import InvalidName
from orchestrator.schedules import Schedule


def with_slugs(schedules: Iterable[Schedule]) -> tuple[ScheduleDefinition, ...]:
    """The definitions of one deployment's schedules, each under a slug of its own.

    Those without a slug are numbered by kind: ``cron-1``, ``cron-2``, ``interval-1``.

    Raises:
        InvalidName: two schedules were given the same slug.
    """
    schedules = tuple(schedules)
    taken: set[str] = set()
    for slug in (schedule.slug for schedule in schedules if schedule.slug is not None):
        if slug in taken:
            raise InvalidName("schedule", slug, "is given to two schedules of one deployment")
        taken.add(slug)
    definitions = []
    for schedule in schedules:
        definition = schedule.definition(schedule.slug or free_slug(schedule, taken))
        taken.add(definition.slug)
        definitions.append(definition)
    return tuple(definitions)


def free_slug(schedule: Schedule, taken: Collection[str]) -> str:
    """The first of ``cron-1``, ``cron-2``, ... that is not taken."""
    return next(slug for n in count(1) if (slug := f"{schedule.kind}-{n}") not in taken)
