"""When the scheduler must look at which deployment, and which scheduler leads.

An entry is lowered before *and* after each change that may make something due; the scheduler raises
it only after looking, and then looks once more. So no interleaving loses a due instant.
"""

from __future__ import annotations

from typing import Any

from orchestrator.model.ids import DeploymentId
from orchestrator.store import keys
from orchestrator.store.requests import Request, as_is, command, nothing, script_call
from orchestrator.store.texts import maybe_int

NOW = 0
"""An instant that is always due: the scheduler looks at once."""


def lower_attention(d: DeploymentId, at_ms: int) -> Request[None]:
    """The scheduler looks at ``d`` at ``at_ms`` or earlier; it is woken when that is news."""
    return script_call(
        "lower_attention",
        nothing,
        attention=keys.ATTENTION,
        id=d,
        at_ms=at_ms,
        changed=keys.ATTENTION_CHANGED,
    )


def raise_attention(d: DeploymentId, at_ms: int | None) -> Request[None]:
    """The next look at ``d``, or none. Only for the scheduler, after looking."""
    if at_ms is None:
        return command(nothing, "ZREM", keys.ATTENTION, d)
    return command(nothing, "ZADD", keys.ATTENTION, at_ms, d)


def due_attention(now_ms: int, limit: int) -> Request[list[tuple[DeploymentId, int]]]:
    """The deployments to look at by ``now_ms``, earliest first."""
    words = ("ZRANGEBYSCORE", keys.ATTENTION, "-inf", now_ms, "WITHSCORES", "LIMIT", 0, limit)
    return command(_entries, *words)


def next_attention() -> Request[int | None]:
    """The earliest instant of all."""
    words = ("ZRANGE", keys.ATTENTION, 0, 0, "WITHSCORES")
    return command(lambda reply: maybe_int(reply[1]) if reply else None, *words)


def lead(token: str, ttl_ms: int) -> Request[bool]:
    """Whether ``token`` leads for the next ``ttl_ms``: taken when free, renewed when held. Leading
    is an economy; nothing is safe because of it (I2)."""
    return script_call(
        "lead", lambda reply: reply == "ok", leader=keys.LEADER, token=token, ttl_ms=ttl_ms
    )


def keep_lead(ttl_ms: int) -> Request[str | None]:
    """Who leads, for the next ``ttl_ms`` from now: for whoever has led so far. Should another one
    lead by now, his time begins anew."""
    return command(as_is, "GETEX", keys.LEADER, "PX", ttl_ms)


def unlead(token: str) -> Request[None]:
    """Let another lead at once."""
    return script_call("unlead", nothing, leader=keys.LEADER, token=token)


def is_led() -> Request[bool]:
    """Whether a scheduler leads: none does for some seconds after one was killed."""
    return command(bool, "EXISTS", keys.LEADER)


def _entries(reply: Any) -> list[tuple[DeploymentId, int]]:
    return [(DeploymentId(d), int(at)) for d, at in zip(reply[::2], reply[1::2], strict=True)]
