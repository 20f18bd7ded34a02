"""Which trigger made a run, and for which event, in plain words. Pure."""

from __future__ import annotations

from orchestrator.model.deployment import Deployment
from orchestrator.model.event import Event
from orchestrator.model.run import Run
from orchestrator.model.trigger import TriggerDefinition, in_words


def cause_of(run: Run, deployment: Deployment | None, event: Event | None) -> str | None:
    """Why there is the run, when a trigger made it.

    Args:
        deployment: of the run; None when it was deleted.
        event: that of ``run.event``; None when it was not found.
    """
    kind, _, name = run.created_by.partition(":")
    if kind != "trigger":
        return None
    trigger = _trigger(name, deployment)
    what = "" if trigger is None else f" ({in_words(trigger)})"
    return f"Trigger {name}{what} made it{_for(run, trigger, event)}."


def _trigger(name: str, deployment: Deployment | None) -> TriggerDefinition | None:
    """As it is now: since then it may have been changed, or have gone."""
    records = () if deployment is None else deployment.triggers
    return next((each.definition for each in records if each.definition.name == name), None)


def _for(run: Run, trigger: TriggerDefinition | None, event: Event | None) -> str:
    if run.event is None:
        return ""
    named = f"event {run.event}" if event is None else f"{_named(event)}, event {event.id}"
    if trigger is not None and trigger.is_proactive:
        return f"; it had waited since {named}"
    return f" for {named}"


def _named(event: Event) -> str:
    return f"{event.event} of {event.resource.get('name', event.resource['id'])}"
