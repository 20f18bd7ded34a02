"""Events that other programs post: without a key, signed with a shared secret instead."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response

from orchestrator.api.backend import BackendNeeded
from orchestrator.api.documents import answer
from orchestrator.api.guard import address_of, too_many
from orchestrator.api.problems import refusal
from orchestrator.api.records import EventRecord
from orchestrator.model.event import emitted
from orchestrator.model.webhook import is_signed, webhook_payload
from orchestrator.operations import events

router = APIRouter(prefix="/webhooks", tags=["events"])


@router.post("/{event}", status_code=201, response_model=EventRecord)
async def receive_webhook(
    request: Request,
    backend: BackendNeeded,
    event: str,
    resource_id: Annotated[str, Query(description="What the event is about.")] = "webhook",
    x_signature_256: Annotated[
        str, Header(description="sha256= and the HMAC of the body with the shared secret.")
    ] = "",
    x_hub_signature_256: Annotated[str, Header(description="The same, as some call it.")] = "",
    idempotency_key: Annotated[str | None, Header(description="The event's id.")] = None,
) -> Response:
    """Add an event of this name to the feed; the body, which must be JSON, is its payload."""
    address, now = address_of(request.scope), time.time()
    if wait := backend.attempts.wait(address, now):
        return too_many(wait)
    body = await request.body()
    secret = backend.settings.webhook_secret or ""
    if not is_signed(secret, body, x_signature_256 or x_hub_signature_256):
        backend.attempts.was_wrong(address, now)
        return refusal(
            401,
            "not_signed",
            "the body is not signed with the shared secret",
            "Send X-Signature-256: sha256=HMAC with the secret in ORCHESTRATOR_WEBHOOK_SECRET.",
        )
    made = emitted(event, resource_id, webhook_payload(body), id=idempotency_key)
    return answer(await backend.store.follow(events.emit(made)), 201)
