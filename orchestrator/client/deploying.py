"""What a client can ask and do about deployments."""

from __future__ import annotations

from typing import Any

from orchestrator.client.reading import deployment_of, version_of
from orchestrator.client.transport import MOST_AT_ONCE, Call, Transport
from orchestrator.model.deployment import Deployment
from orchestrator.model.versions import DeploymentVersion
from orchestrator.operations import deployments
from orchestrator.operations.acting import Acting
from orchestrator.store.listing import Page


class Deploying:
    """The part of ``Client`` that is about deployments, each given as ``flow/deployment`` or by
    its id."""

    _transport: Transport
    _acting: Acting

    def deployments(self) -> list[Deployment]:
        """All deployments, sorted by name."""
        found: list[Deployment] = []
        after: str | None = ""
        while after is not None:
            query = {"limit": MOST_AT_ONCE, "after": after}
            call = Call(read=_page_of, method="GET", path="/deployments", query=query)
            page = self._transport.do(deployments.page(MOST_AT_ONCE, None, after), call)
            found, after = found + page.items, page.next
        return found

    def deployment(self, name: str) -> Deployment:
        """One deployment with its schedules and runners; DeploymentNotFound when there is none."""
        return self._transport.do(deployments.read(name), _about(name, "GET"))

    def deployment_versions(self, name: str) -> list[DeploymentVersion]:
        """What was served under this name and when: the newest hundred, the newest first."""
        call = Call(
            read=lambda document: list(map(version_of, document["items"])),
            method="GET",
            path="/deployments/{deployment}/versions",
            deployment=name,
        )
        return self._transport.do(deployments.versions(name), call)

    def pause_deployment(self, name: str) -> Deployment:
        """Stop its schedules; their runs that still wait end as ``Skipped``."""
        plan = deployments.pause(name, self._acting)
        return self._transport.do(plan, _about(name, "POST", "pause"))

    def resume_deployment(self, name: str) -> Deployment:
        """Let its schedules go on, from now."""
        return self._transport.do(deployments.resume(name), _about(name, "POST", "resume"))

    def hold_deployment(self, name: str) -> Deployment:
        """Let no run of it start, until it is released."""
        plan = deployments.hold(name, self._acting, held=True)
        return self._transport.do(plan, _about(name, "POST", "hold"))

    def release_deployment(self, name: str) -> Deployment:
        """Let its runs start again."""
        plan = deployments.hold(name, self._acting, held=False)
        return self._transport.do(plan, _about(name, "POST", "release"))

    def delete_deployment(self, name: str, *, force: bool = False) -> int:
        """Forget a deployment with its schedules, runs and logs; how many runs there were.

        ``force`` deletes it although runners are registered or runs are under way: these are
        stopped at once, and a runner that lives makes the deployment anew, without its runs.

        Raises:
            Conflict: it is served, or runs are under way.
        """
        call = Call(
            read=lambda document: int(document["deleted_runs"]),
            method="DELETE",
            path="/deployments/{deployment}",
            deployment=name,
            query={"force": "true"} if force else {},
        )
        return self._transport.do(deployments.delete(name, force=force), call)


def _page_of(document: Any) -> Page[Deployment]:
    return Page(list(map(deployment_of, document["items"])), document["next"])


def _about(name: str, method: str, verb: str = "") -> Call[Deployment]:
    path = "/deployments/{deployment}" + (f"/{verb}" if verb else "")
    return Call(read=deployment_of, method=method, path=path, deployment=name)
