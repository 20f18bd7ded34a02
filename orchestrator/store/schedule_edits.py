"""Schedules as people make, change, pause and delete them, beside those of the code."""

from __future__ import annotations

from orchestrator.model.deployment import ScheduleDefinition
from orchestrator.model.ids import DeploymentId
from orchestrator.store import keys
from orchestrator.store.attention import NOW, lower_attention
from orchestrator.store.deployments import PauseReply, pause_in_pages
from orchestrator.store.requests import Plan, Request, Word, as_word, for_deployment
from orchestrator.store.schedules import rule_text


def put_schedule(d: DeploymentId, definition: ScheduleDefinition, *, edit: bool) -> Plan[Word]:
    """Make a schedule, or change one: ``created``, ``updated``, ``unchanged``, ``exists``,
    ``no_schedule`` or ``gone``. It goes on from now, and serving again leaves it alone."""
    request = for_deployment(
        d,
        "put_schedule",
        as_word,
        slug=definition.slug,
        rule=rule_text(definition),
        active="1" if definition.active else "",
        edit="1" if edit else "",
    )
    return (yield from _noticed(d, request))


def pause_schedule(
    d: DeploymentId, slug: str, retention_ms: int = keys.RETENTION_MS
) -> Plan[PauseReply]:
    """Make no more runs of one schedule; those that wait end as Skipped. ``ok``, ``unchanged``,
    ``no_schedule`` or ``gone``."""
    return (yield from pause_in_pages(d, "pause_schedule", retention_ms, slug=slug))


def resume_schedule(d: DeploymentId, slug: str) -> Plan[Word]:
    """Let one schedule go on, from now: ``ok``, ``unchanged``, ``no_schedule`` or ``gone``."""
    request = for_deployment(d, "resume_schedule", as_word, slug=slug)
    return (yield from _noticed(d, request))


def delete_schedule(
    d: DeploymentId, slug: str, retention_ms: int = keys.RETENTION_MS
) -> Plan[Word]:
    """Forget one schedule, whoever made it; its runs that wait end as Skipped. ``ok``,
    ``no_schedule`` or ``gone``."""
    paused = yield from pause_schedule(d, slug, retention_ms)
    if paused.word in ("no_schedule", "gone"):
        return paused.word
    (word,) = yield [for_deployment(d, "delete_schedule", as_word, slug=slug)]
    return str(word)


def _noticed(d: DeploymentId, request: Request[Word]) -> Plan[Word]:
    """Send it, and have the scheduler look: whatever dies in between."""
    lower = lower_attention(d, NOW)
    _, word, _ = yield [lower, request, lower]
    return str(word)
