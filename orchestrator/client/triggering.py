"""What a client can do about triggers: see them, let them fire or not, try them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from orchestrator.client.reading import rehearsal_of, trigger_of
from orchestrator.client.transport import Call, Transport
from orchestrator.model.errors import TriggerNotFound
from orchestrator.model.rehearsal import Rehearsal
from orchestrator.model.trigger import TriggerRecord
from orchestrator.operations import triggers
from orchestrator.operations.acting import Acting
from orchestrator.operations.triggers import LATEST

T = TypeVar("T")


class Triggering:
    """The part of ``Client`` that is about triggers. Each is known by deployment and name."""

    _transport: Transport
    _acting: Acting

    def triggers(self, deployment: str) -> tuple[TriggerRecord, ...]:
        """The triggers of a deployment, by name."""
        call = Call(
            read=lambda document: tuple(map(trigger_of, document["items"])),
            method="GET",
            path=_PATH,
            deployment=deployment,
        )
        return self._transport.do(triggers.listed(deployment), call)

    def trigger(self, deployment: str, name: str) -> TriggerRecord:
        """One trigger; TriggerNotFound when there is none."""
        call = _about(deployment, name, "GET", "", trigger_of)
        return self._transport.do(triggers.read(deployment, name), call)

    def enable_trigger(self, deployment: str, name: str) -> TriggerRecord:
        """Let it fire; it begins to count anew. Serving again leaves it so."""
        call = _about(deployment, name, "POST", "/enable", trigger_of)
        plan = triggers.enable(deployment, name, self._acting, enabled=True)
        return self._transport.do(plan, call)

    def disable_trigger(self, deployment: str, name: str) -> TriggerRecord:
        """Let it not fire until it is enabled again. Serving again leaves it so."""
        call = _about(deployment, name, "POST", "/disable", trigger_of)
        plan = triggers.enable(deployment, name, self._acting, enabled=False)
        return self._transport.do(plan, call)

    def test_trigger(self, deployment: str, name: str, latest: int = LATEST) -> list[Rehearsal]:
        """What the trigger would have done at the latest so many events. Nothing is changed."""
        call: Call[list[Rehearsal]] = Call(
            read=lambda document: list(map(rehearsal_of, document["items"])),
            method="GET",
            path=f"{_PATH}/{{name}}/test",
            deployment=deployment,
            name=name,
            unknown=_unknown(name),
            query={"latest": latest},
        )
        return self._transport.do(triggers.rehearsed(deployment, name, latest), call)


_PATH = "/deployments/{deployment}/triggers"


def _about(deployment: str, name: str, method: str, verb: str, read: Callable[[Any], T]) -> Call[T]:
    return Call(
        read=read,
        method=method,
        path=f"{_PATH}/{{name}}{verb}",
        deployment=deployment,
        name=name,
        unknown=_unknown(name),
    )


def _unknown(name: str) -> Callable[[Any], TriggerNotFound]:
    def error(deployment: Any) -> TriggerNotFound:
        known = [each["name"] for each in deployment["triggers"]]
        return TriggerNotFound(deployment["name"], name, known)

    return error
