"""What can be done about deployments. Every plan may raise DeploymentNotFound."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from orchestrator.model.deployment import Deployment
from orchestrator.model.errors import Conflict, DeploymentNotFound
from orchestrator.model.versions import DeploymentVersion
from orchestrator.operations.acting import Acting
from orchestrator.store import deployments
from orchestrator.store.listing import Page
from orchestrator.store.requests import Plan, Word
from orchestrator.store.runners import with_code
from orchestrator.store.submission import find_deployment, id_of
from orchestrator.store.versions import MOST_VERSIONS, read_versions


def read(name: str) -> Plan[Deployment]:
    """The deployment with its schedules and runners, and what these execute."""
    return (yield from with_code((yield from find_deployment(name))))


def versions(name: str, count: int = MOST_VERSIONS) -> Plan[list[DeploymentVersion]]:
    """What was served under this name and when, the newest first."""
    deployment = yield from find_deployment(name)
    (found,) = yield [read_versions(deployment.id, count)]
    return list(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedDeployments:
    """Which deployments a listing shows; what is not given stands for any."""

    text: str = ""
    """In its name or description, in any case."""
    tags: Collection[str] = ()
    """All of these."""
    paused: bool | None = None
    held: bool | None = None

    def takes(self, deployment: Deployment) -> bool:
        """Whether the deployment is among those wanted."""
        text = f"{deployment.name}\n{deployment.description or ''}".lower()
        return (
            self.text.lower() in text
            and set(self.tags) <= set(deployment.tags)
            and self.paused in (None, deployment.paused)
            and self.held in (None, deployment.held)
        )


def page(
    limit: int | None = None, wanted: WantedDeployments | None = None, after: str = ""
) -> Plan[Page[Deployment]]:
    """Deployments by name: those wanted behind the name ``after``."""
    wanted = wanted or WantedDeployments()
    every = yield from deployments.list_deployments()
    found = [each for each in every if each.name > after and wanted.takes(each)]
    if limit is None or len(found) <= limit:
        return Page(found, None)
    return Page(found[:limit], found[limit - 1].name)


def pause(name: str, acting: Acting) -> Plan[Deployment]:
    """Stop its schedules; their runs that still wait end as ``Skipped``."""
    reply = yield from deployments.pause_deployment(id_of(name), "user", acting.retention_ms)
    return (yield from _after(reply.word, name))


def resume(name: str) -> Plan[Deployment]:
    """Let its schedules go on, from now."""
    return (yield from _after((yield from deployments.resume_deployment(id_of(name))), name))


def hold(name: str, acting: Acting, *, held: bool) -> Plan[Deployment]:
    """Let no run of it start, or let its runs start again."""
    (word,) = yield [deployments.hold_deployment(id_of(name), held, acting.by)]
    return (yield from _after(word, name))


def delete(name: str, *, force: bool = False) -> Plan[int]:
    """Forget a deployment with its schedules, runs and logs; how many runs there were. Conflict
    when it is served, or runs are under way."""
    reply = yield from deployments.delete_deployment(id_of(name), force=force)
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


def _after(word: Word, name: str) -> Plan[Deployment]:
    if word == "gone":
        raise DeploymentNotFound(name)
    return (yield from find_deployment(name))
