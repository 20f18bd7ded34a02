"""Triggers of one deployment: reading them, and the one step that writes what they came to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from orchestrator.model.evaluation import Progress
from orchestrator.model.ids import DeploymentId, RunId
from orchestrator.model.trigger import Bucket, TriggerDefinition, TriggerRecord
from orchestrator.store import keys
from orchestrator.store.attention import lower_attention
from orchestrator.store.requests import Plan, Request, Word, as_word, command, for_deployment
from orchestrator.store.texts import maybe_int, record_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Armed:
    """A deployment's triggers as the scheduler reads them."""

    records: tuple[TriggerRecord, ...]
    progress: Mapping[tuple[str, Bucket], Progress]
    """(trigger, bucket) -> how far it has come."""
    cursor: str
    """The place of the feed up to which they were evaluated; "" when they never were."""
    generation: str

    @property
    def waits(self) -> bool:
        """Whether the passing of time alone can make one of them fire."""
        for record in self.records:
            trigger = record.definition
            own = [p for (name, _), p in self.progress.items() if name == trigger.name]
            is_armed = any(progress.deadline is not None for progress in own)
            if trigger.enabled and (is_armed or (trigger.waits_from_the_start and not own)):
                return True
        return False

    @property
    def since_ms(self) -> int:
        """No event of before this counts for any of them."""
        return min((record.since_ms for record in self.records), default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggeredRun:
    """A run that a trigger makes."""

    id: RunId
    trigger: str
    parameters: str
    """JSON text, the deployment's defaults merged in."""
    key: str
    """The idempotency key: trigger and event."""
    digest: str
    after_ms: int
    """How much later it begins."""
    depth: int
    event: str
    """The id of the event; empty when it was silence that fired."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A firing that makes no run: ``trigger.failed`` or ``trigger.stopped``."""

    word: str
    trigger: str
    error: str
    event: str
    depth: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """What some events did to a deployment's triggers."""

    cursor: str
    progress: Mapping[tuple[str, Bucket], str]
    """What is stored from now on; "" forgets it."""
    runs: tuple[TriggeredRun, ...] = ()
    failures: tuple[Failure, ...] = ()


def somebody_waits() -> Plan[bool]:
    """Whether a trigger anywhere waits for the passing of time."""
    for d in (yield from deployments_with_triggers()):
        if (yield from read_armed(d)).waits:
            return True
    return False


def armed_texts(triggers: Iterable[TriggerDefinition]) -> list[str]:
    """What ``put_deployment`` is given of each: name, rule, watched part, enabled."""
    return [
        text
        for each in triggers
        for text in (each.name, each.text, each.watched, "1" if each.enabled else "")
    ]


def read_armed(d: DeploymentId) -> Plan[Armed]:
    """The triggers of a deployment and how far they have come."""
    fields, progress = yield [
        command(record_of, "HGETALL", keys.triggers(d)),
        command(record_of, "HGETALL", keys.progress(d)),
    ]
    return Armed(
        records=triggers_of(fields),
        progress={_bucket(field): Progress.from_text(text) for field, text in progress.items()},
        cursor=fields.get("\ncursor", ""),
        generation=fields.get("\ngeneration", ""),
    )


def deployments_with_triggers() -> Plan[list[DeploymentId]]:
    """Those that have, or once had, a trigger."""
    (members,) = yield [command(sorted, "SMEMBERS", keys.DEPLOYMENTS)]
    found = yield [command(bool, "EXISTS", keys.triggers(DeploymentId(d))) for d in members]
    return [DeploymentId(d) for d, has in zip(members, found, strict=True) if has]


def fire_triggers(d: DeploymentId, seen: Armed, fired: Fired) -> Plan[Word]:
    """Write what the events came to, in one step: ``ok``, ``stale`` (somebody was first, or the
    triggers are others by now: read them again) or ``gone``."""
    work = {
        "progress": [[_field(*key), text] for key, text in fired.progress.items()],
        "runs": [asdict(run) for run in fired.runs],
        "failures": [asdict(each) for each in fired.failures],
    }
    request = for_deployment(
        d,
        "fire_triggers",
        as_word,
        generation=seen.generation,
        cursor_seen=seen.cursor,
        cursor=fired.cursor,
        work=json.dumps(work, ensure_ascii=False),
    )
    if not any(run.after_ms for run in fired.runs):
        (word,) = yield [request]
        return str(word)
    # As for any run of a later time: the scheduler is told before and after.
    lower = lower_attention(d, 0)
    yield [lower]
    word, _ = yield [request, lower]
    return str(word)


def enable_trigger(d: DeploymentId, name: str, enabled: bool, by: str) -> Request[Word]:
    """Let a trigger fire, or not: ``ok``, ``unchanged``, ``no_trigger`` or ``gone``."""
    return for_deployment(
        d, "enable_trigger", as_word, name=name, enabled="1" if enabled else "", by=by
    )


def triggers_of(fields: Mapping[str, str]) -> tuple[TriggerRecord, ...]:
    """The records in the hash ``triggers``, by name."""
    names = sorted(name.removesuffix("\nrule") for name in fields if name.endswith("\nrule"))
    return tuple(_record(name, fields) for name in names)


def _record(name: str, fields: Mapping[str, str]) -> TriggerRecord:
    definition = TriggerDefinition.from_json(json.loads(fields[f"{name}\nrule"]))
    return TriggerRecord(
        # The rule says what its code wanted; the field beside it what holds now.
        definition=replace(definition, enabled=fields[f"{name}\nenabled"] == "1"),
        since_ms=int(fields[f"{name}\nsince"]),
        fired=int(fields.get(f"{name}\nfired", 0)),
        fired_ms=maybe_int(fields.get(f"{name}\nfired_at")),
        run=fields.get(f"{name}\nrun") or None,
        error=fields.get(f"{name}\nerror") or None,
    )


def _field(trigger: str, bucket: Sequence[str]) -> str:
    return f"{trigger}\n{json.dumps(list(bucket), ensure_ascii=False)}"


def _bucket(field: str) -> tuple[str, Bucket]:
    trigger, _, bucket = field.partition("\n")
    return trigger, tuple(json.loads(bucket))
