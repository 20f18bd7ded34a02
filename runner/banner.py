"""What a person sees on the terminal when serving begins. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from orchestrator.model.deployment import DeploymentDefinition, ServedCode
from orchestrator.model.ids import DeploymentId
from orchestrator.model.serving import ServingSpec
from orchestrator.store.deployments import Put

NO_SCHEDULER = (
    "Warning: no scheduler is alive, so schedules and triggers create no runs.\n"
    "Start one:      orchestrator scheduler start"
)


def banner(
    spec: ServingSpec,
    puts: Mapping[DeploymentId, Put],
    isolation: Mapping[str, str],
    faults: Mapping[str, str],
    *,
    is_scheduled: bool = True,
    code: Mapping[str, ServedCode] | None = None,
) -> str:
    """What is served, how, where to watch it and how to ask for a run; whether something is
    missing for that."""
    why = " (limit: the number of CPUs here)" if spec.limit_is_default else ""
    lines = [f"Serving as {spec.name}, up to {_count(spec.limit, 'run')} at once{why}:", ""]
    for definition in spec.definitions:
        lines += _deployment(definition, puts[definition.id], isolation, faults)
        # Beside the script, it is the script: nothing to be said.
        served = (code or {}).get(definition.full_name) if definition.source else None
        if served is not None:
            lines += _code(served)
    first = shlex.quote(spec.definitions[0].full_name)
    lines += ["", f"Ask for a run:  orchestrator deployment run {first}"]
    if spec.page:
        lines.append(f"Watch:          {spec.page}")
    if not is_scheduled:
        lines += ["", NO_SCHEDULER]
    return "\n".join(lines)


def needs_scheduler(spec: ServingSpec) -> bool:
    """Whether somebody has to have started a scheduler: there are schedules or triggers, and the
    server is not the one that brings its own."""
    return not spec.embedded and any(
        definition.schedules or definition.triggers for definition in spec.definitions
    )


def _deployment(
    definition: DeploymentDefinition,
    put: Put,
    isolation: Mapping[str, str],
    faults: Mapping[str, str],
) -> list[str]:
    name = definition.full_name
    facts = [put.word]
    if definition.schedules:
        facts.append(_count(len(definition.schedules), "schedule"))
    if definition.triggers:
        facts.append(_count(len(definition.triggers), "trigger"))
    how = isolation.get(name, "fork")
    facts.append(
        "a fork per run" if how == "fork" else f"a fresh interpreter per run ({_why(how)})"
    )
    lines = [f"  {name}  {', '.join(facts)}"]
    lines += [f"    {change}" for change in (*put.changes, *put.kept)]
    if name in faults:
        lines.append(f"    could not be loaded: {faults[name].strip().splitlines()[-1]}")
    return lines


def _code(served: ServedCode) -> list[str]:
    lines = [f"    from {served.source}, {_short(served)}"]
    if served.trouble:
        lines.append(f"    not the newest: {served.trouble.splitlines()[0]}")
    if served.misfit:
        lines.append(f"    parameters changed since they were registered: {served.misfit}")
    return lines


def _short(served: ServedCode) -> str:
    if served.commit:
        return f"commit {served.commit[:12]}"
    return f"content {served.content_hash[:12]}"


def _why(isolation: str) -> str:
    return isolation.partition(": ")[2] or isolation


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
