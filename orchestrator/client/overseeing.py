"""What a client can ask and do about runners and the server."""

from __future__ import annotations

from typing import Any

from orchestrator.client.reading import runner_of
from orchestrator.client.transport import Call, Transport
from orchestrator.model.deployment import RunnerRecord
from orchestrator.model.errors import RunnerNotFound
from orchestrator.operations import auditing, runners
from orchestrator.operations.acting import Acting
from orchestrator.operations.auditing import Misfit
from orchestrator.operations.runners import ServerState
from orchestrator.store.checks import Finding


class Overseeing:
    """The part of ``Client`` that is about runners and the server."""

    _transport: Transport
    _acting: Acting

    def runners(self) -> list[RunnerRecord]:
        """Every serving process that was heard of within the last hour, by name."""
        call = Call(
            read=lambda document: list(map(runner_of, document["items"])),
            method="GET",
            path="/runners",
        )
        return self._transport.do(runners.listed(), call)

    def drain_runner(self, runner_id: str) -> RunnerRecord:
        """Have a runner claim nothing more, finish what it runs, and end, as its first signal
        would. What does not finish within its shutdown grace goes back to the queue.

        Raises:
            RunnerNotFound: it is registered nowhere.
        """
        call = Call(
            read=runner_of,
            method="POST",
            path="/runners/{name}/drain",
            name=runner_id,
            unknown=lambda _: RunnerNotFound(runner_id),
        )
        return self._transport.do(runners.drain(runner_id, self._acting), call)

    def drain_host(self, host: str) -> list[RunnerRecord]:
        """The same for every runner of a host.

        Raises:
            RunnerNotFound: none of them is registered.
        """
        call = Call(
            read=lambda document: list(map(runner_of, document["items"])),
            method="POST",
            path="/hosts/{name}/drain",
            name=host,
            unknown=lambda _: RunnerNotFound(host),
        )
        return self._transport.do(runners.drain_host(host, self._acting), call)

    def scheduler_is_alive(self) -> bool:
        """Whether a scheduler works: without one schedules, delayed runs and retries wait."""
        return self._server().is_led

    def server_facts(self) -> dict[str, str]:
        """What the server tells of itself."""
        return self._server().facts

    def server_findings(self) -> list[Finding]:
        """Whether the server can be used, and what is risky about it; the worst first."""
        return self._server().findings

    def audit_keys(self) -> list[Misfit]:
        """What in the server's keys does not fit, in any deployment. Nothing is changed."""
        call = Call(read=_misfits, method="GET", path="/server/misfits")
        return self._transport.do(auditing.audit(), call)

    def repair_keys(self) -> list[Misfit]:
        """The same, and each open run is led to once again afterwards. Runners that serve do so by
        themselves, within two looks."""
        call = Call(read=_misfits, method="POST", path="/server/repair")
        return self._transport.do(auditing.repair(self._acting), call)

    def _server(self) -> ServerState:
        call = Call(
            read=lambda document: ServerState(document["facts"], document["scheduler"]),
            method="GET",
            path="/server",
        )
        return self._transport.do(runners.server_state(), call)


def _misfits(document: dict[str, Any]) -> list[Misfit]:
    return [Misfit(**each) for each in document["items"]]
