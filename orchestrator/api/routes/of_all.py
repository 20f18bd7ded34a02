"""What each deployment has, of all of them in one list."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.responses import Response

from orchestrator.api.backend import Backend
from orchestrator.api.documents import Document, shown
from orchestrator.model.deployment import Deployment, ScheduleRecord
from orchestrator.model.trigger import TriggerRecord
from orchestrator.operations import deployments

Owned = Sequence[ScheduleRecord] | Sequence[TriggerRecord]


async def answer_of_all(backend: Backend, owned: Callable[[Deployment], Owned]) -> Response:
    """What ``owned`` takes from each deployment, by name, each item with whose it is."""
    page = await backend.store.follow(deployments.page())
    items = [
        {"deployment": each.name, **shown(record)} for each in page.items for record in owned(each)
    ]
    return Document({"items": items, "next": None})
