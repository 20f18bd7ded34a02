"""Deployments: putting, reading, holding, pausing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from orchestrator.model.deployment import (
    Deployment,
    DeploymentDefinition,
    FlowOptions,
    PausedBy,
)
from orchestrator.model.ids import DeploymentId
from orchestrator.model.secrets import secret_places
from orchestrator.model.versions import Registrant
from orchestrator.store import keys
from orchestrator.store.attention import NOW, lower_attention, raise_attention
from orchestrator.store.requests import (
    Plan,
    Request,
    Word,
    as_word,
    command,
    for_deployment,
    in_turns,
    nothing,
)
from orchestrator.store.schedules import rule_text, schedules_of
from orchestrator.store.texts import maybe_float, maybe_int, record_of, text_of
from orchestrator.store.triggers import armed_texts, triggers_of
from orchestrator.store.versions import about, change_text


@dataclass(frozen=True, slots=True)
class Put:
    """``created``, ``updated`` or ``unchanged``, and what differs from the live definition."""

    word: Word
    changes: tuple[str, ...]
    kept: tuple[str, ...] = ()
    """Where the live definition was not followed by the code's: a person had the last word."""


@dataclass(frozen=True, slots=True)
class PauseReply:
    """``ok``, ``unchanged`` or ``gone``, and how many waiting runs were skipped."""

    word: Word
    skipped: int


@dataclass(frozen=True, slots=True)
class DeleteReply:
    """``ok``, ``served`` (a runner is registered), ``running`` (runs are claimed), ``revived``
    (somebody served it again meanwhile) or ``gone``; and how many runs were deleted."""

    word: Word
    runs: int


def put_deployment(
    definition: DeploymentDefinition,
    *,
    server: str = "",
    lease_ms: int = 0,
    by: Registrant = Registrant(),  # noqa: B008 - a value
) -> Request[Put]:
    """Make the live deployment what the code says. Schedules that a person made or edited stay;
    a rule that did not change keeps its cursor.

    ``server``: the one on which the caller has served it before. If it has to be made anew all the
    same, runs may execute of which the server knows nothing: claims wait for ``lease_ms`` at most.
    ``by`` is kept in the list of versions, if this makes one.
    """
    fields = [text for pair in _fields(definition).items() for text in pair]
    rules = [
        text
        for schedule in definition.schedules
        for text in (schedule.slug, rule_text(schedule), "1" if schedule.active else "")
    ]
    return for_deployment(
        definition.id,
        "put_deployment",
        _put,
        paused={None: "", True: "1", False: "0"}[definition.paused],
        fields=len(fields),
        server=server,
        lease_ms=lease_ms,
        about=about(definition.version, by),
        rules_end=len(fields) + len(rules),
        rest=[*fields, *rules, *armed_texts(definition.triggers)],
    )


def deployment_exists(d: DeploymentId) -> Request[bool]:
    """Whether there is such a deployment."""
    return command(bool, "EXISTS", keys.deployment(d))


def read_deployment(d: DeploymentId) -> Plan[Deployment | None]:
    """The deployment with its schedules and runners, or None."""
    fields, schedules, triggers, runners = yield _hashes(d)
    return _deployment(d, fields, schedules, triggers, runners)


def member_ids() -> Request[list[DeploymentId]]:
    """Of all deployments."""
    return command(lambda reply: sorted(map(DeploymentId, reply)), "SMEMBERS", keys.DEPLOYMENTS)


def list_deployments() -> Plan[list[Deployment]]:
    """All deployments, sorted by name."""
    (members,) = yield [command(sorted, "SMEMBERS", keys.DEPLOYMENTS)]
    hashes = yield from in_turns(each for d in members for each in _hashes(DeploymentId(d)))
    found = [
        _deployment(DeploymentId(d), *hashes[4 * at : 4 * at + 4]) for at, d in enumerate(members)
    ]
    return sorted((each for each in found if each), key=lambda each: each.name)


def announce_deployment(d: DeploymentId) -> Request[None]:
    """Enter it in the list of all deployments."""
    return command(nothing, "SADD", keys.DEPLOYMENTS, d)


def hold_deployment(d: DeploymentId, held: bool, by: str) -> Request[Word]:
    """Stop (or allow) claims and starts: ``ok``, ``unchanged`` or ``gone``."""
    return for_deployment(d, "hold_deployment", as_word, held="1" if held else "", by=by)


def pause_deployment(
    d: DeploymentId, by: PausedBy, retention_ms: int = keys.RETENTION_MS
) -> Plan[PauseReply]:
    """Stop the schedules; their runs that still wait end as Skipped."""
    return (yield from pause_in_pages(d, "pause_deployment", retention_ms, by=by))


def pause_in_pages(
    d: DeploymentId, script: str, retention_ms: int, **arguments: str
) -> Plan[PauseReply]:
    """What a script answers first, and how many waiting runs it skipped page by page."""
    first: Word | None = None
    skipped, place, after = 0, "delayed", "0"
    while place:
        request = for_deployment(
            d, script, list, place=place, after=after, retention_ms=retention_ms, **arguments
        )
        ((word, page, place, after),) = yield [request]
        first = first or str(word)
        skipped += int(page)
    assert first is not None
    return PauseReply(first, skipped)


def resume_deployment(d: DeploymentId) -> Plan[Word]:
    """Start the schedules again, from now: ``ok``, ``unchanged`` or ``gone``. Instants inside the
    pause are not missed ones."""
    lower = lower_attention(d, NOW)
    yield [lower]
    word, _ = yield [for_deployment(d, "resume_deployment", as_word), lower]
    return str(word)


def delete_deployment(d: DeploymentId, *, force: bool = False) -> Plan[DeleteReply]:
    """Forget the deployment and everything of it, in bounded steps. Without ``force`` one that
    somebody serves, or of which runs are being executed, stays.

    A deletion that breaks off is finished by the next one.
    """
    word, deleted, begun = "more", 0, False
    while word == "more":
        request = for_deployment(
            d,
            "delete_deployment",
            list,
            begun="1" if begun else "",
            force="1" if force else "",
        )
        ((word, page),) = yield [request]
        deleted, begun = deleted + int(page), True
    if word in ("ok", "gone"):
        yield [command(nothing, "SREM", keys.DEPLOYMENTS, d), raise_attention(d, None)]
        # Somebody may have served it again between the last two steps.
        (exists,) = yield [deployment_exists(d)]
        if exists:
            yield [announce_deployment(d), lower_attention(d, NOW)]
    return DeleteReply(word, deleted)


def _fields(definition: DeploymentDefinition) -> dict[str, str]:
    return {
        "name": definition.full_name,
        "entrypoint": definition.entrypoint,
        "source": text_of(definition.source),
        "version": text_of(definition.version),
        "description": text_of(definition.description),
        "tags": _json(definition.tags),
        "parameters": _json(definition.parameters),
        "parameter_schema": _json(definition.parameter_schema),
        "secrets": _json(secret_places(definition.parameter_schema)),
        "enforce_parameter_schema": "1" if definition.enforce_parameter_schema else "",
        "concurrency_limit": text_of(definition.concurrency_limit),
        "retention_days": text_of(definition.retention_days),
        "options": _json(asdict(definition.options)),
        "on_lost": definition.options.on_lost,
    }


def _json(value: Any) -> str:
    """The same text for the same value, so that the server can compare texts."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _put(reply: list[Any]) -> Put:
    word, *changes = reply
    return Put(
        word,
        tuple(change_text(*change) for change in changes if _is_told(*change)),
        tuple(f"{what} stays: {why}" for what, before, why in changes if before == "kept"),
    )


def _is_told(what: str, before: str, _: str) -> bool:
    # The places of secrets follow from the schema.
    return before != "kept" and what != "secrets"


def _hashes(d: DeploymentId) -> list[Request[dict[str, str]]]:
    return [
        command(record_of, "HGETALL", key)
        for key in (keys.deployment(d), keys.schedules(d), keys.triggers(d), keys.runners(d))
    ]


def _deployment(
    d: DeploymentId,
    fields: Mapping[str, str],
    schedules: Mapping[str, str],
    triggers: Mapping[str, str],
    runners: Mapping[str, str],
) -> Deployment | None:
    if "name" not in fields:
        return None
    secrets = tuple(map(tuple, json.loads(fields.get("secrets") or "[]")))
    return Deployment(
        id=d,
        name=fields["name"],
        flow=fields["name"].partition("/")[0],
        entrypoint=fields["entrypoint"],
        source=fields.get("source") or None,
        version=fields["version"] or None,
        description=fields["description"] or None,
        tags=tuple(json.loads(fields["tags"])),
        parameters=json.loads(fields["parameters"]),
        parameter_schema=json.loads(fields["parameter_schema"]),
        enforce_parameter_schema=fields["enforce_parameter_schema"] == "1",
        paused=fields.get("paused") == "1",
        paused_by=_paused_by(fields),
        held=fields.get("held") == "1",
        concurrency_limit=maybe_int(fields["concurrency_limit"]),
        retention_days=maybe_float(fields.get("retention_days")),
        options=FlowOptions.from_json(json.loads(fields["options"])),
        schedules=tuple(replace(each, secrets=secrets) for each in schedules_of(schedules)),
        triggers=tuple(replace(each, secrets=secrets) for each in triggers_of(triggers)),
        runners=tuple(sorted(name for name in runners if ":" not in name)),
    )


def _paused_by(fields: Mapping[str, str]) -> PausedBy | None:
    match fields.get("paused_by"):
        case "user":
            return "user"
        case "shutdown":
            return "shutdown"
        case _:
            return None
