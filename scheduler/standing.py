"""One deployment's triggers in the scheduler's memory: what events and time do to them. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from orchestrator.model.evaluation import (
    IDLE,
    MOST_DEPTH,
    Firing,
    Progress,
    beginning,
    is_over,
    on_event,
    on_time,
    stored,
)
from orchestrator.model.event import Event
from orchestrator.model.ids import DeploymentId
from orchestrator.model.trigger import Bucket, TriggerRecord
from orchestrator.store.triggers import Armed

Key = tuple[str, Bucket]
Position = tuple[int, int]

MOST_BUCKETS = 10_000
"""Of one deployment; past it those go that were touched longest ago."""


def place(position: str) -> Position:
    """A place in the feed, to be compared."""
    ms, _, number = position.partition("-")
    return int(ms or 0), int(number or 0)


@dataclass
class Standing:
    """Where a deployment's triggers stand, and what has happened that is not written yet."""

    d: DeploymentId
    armed: Armed
    """As last read or written."""
    at: Position = (0, 0)
    """Up to where of the feed it has come."""
    progress: dict[Key, Progress] = field(default_factory=dict)
    changed: set[Key] = field(default_factory=set)
    fired: list[tuple[TriggerRecord, Firing]] = field(default_factory=list)
    next_deadline: int | None = None

    @classmethod
    def of(cls, d: DeploymentId, armed: Armed) -> Standing:
        """As the server has it."""
        position = armed.cursor.partition(" ")[0]
        # An event of the very millisecond in which the trigger was made counts.
        at = place(position) if position else (armed.since_ms - 1, 0)
        standing = cls(d, armed, at)
        standing.progress = dict(armed.progress)
        for record in standing.enabled:
            if record.definition.waits_from_the_start:
                key = (record.definition.name, ())
                start = beginning(record.definition, record.since_ms)
                standing.progress.setdefault(key, start)
        standing.find_deadline()
        return standing

    @property
    def enabled(self) -> list[TriggerRecord]:
        """The triggers that may fire."""
        return [record for record in self.armed.records if record.definition.enabled]

    @property
    def has_news(self) -> bool:
        """Whether something is to be written."""
        return bool(self.changed or self.fired)

    def happens(self, record: TriggerRecord, event: Event) -> None:
        """An event whose name the trigger listens to."""
        trigger = record.definition
        if event.depth > MOST_DEPTH or event.received < record.since_ms:
            return
        bucket = trigger.bucket(event) if trigger.covers(event) else None
        if bucket is not None:
            key = (trigger.name, bucket)
            before = self.progress.get(key, IDLE)
            self._note(key, record, before, on_event(trigger, before, event))

    def pass_time(self, now_ms: int) -> None:
        """No event of before ``now_ms`` is still to come."""
        if self.next_deadline is None or self.next_deadline >= now_ms:
            return
        records = {record.definition.name: record for record in self.enabled}
        for key, before in list(self.progress.items()):
            if key[0] in records:
                self._note(key, records[key[0]], before, on_time(before, now_ms, key[1]))
        self.find_deadline()

    def find_deadline(self) -> None:
        """Learn when to look again."""
        names = {record.definition.name for record in self.enabled}
        self.next_deadline = min(
            (
                progress.deadline
                for (name, _), progress in self.progress.items()
                if progress.deadline is not None and name in names
            ),
            default=None,
        )

    def sweep(self, now_ms: int) -> None:
        """Forget what is too old to count, and what is too much."""
        definitions = {record.definition.name: record.definition for record in self.armed.records}
        spare = len(self.progress) - MOST_BUCKETS
        for number, (key, progress) in enumerate(list(self.progress.items())):
            trigger = definitions.get(key[0])
            if trigger is None or number < spare or is_over(trigger, progress, now_ms):
                del self.progress[key]
                self.changed.add(key)

    def to_write(self) -> dict[Key, str]:
        """What is stored of each bucket that changed; "" forgets it."""
        definitions = {record.definition.name: record.definition for record in self.armed.records}
        return {
            key: stored(definitions[key[0]], self.progress[key])
            if key in self.progress and key[0] in definitions
            else ""
            for key in self.changed
        }

    def _note(
        self,
        key: Key,
        record: TriggerRecord,
        before: Progress,
        outcome: tuple[Progress, Firing | None],
    ) -> None:
        after, firing = outcome
        if firing is not None:
            self.fired.append((record, firing))
        if after != before:
            self.changed.add(key)
            self.progress.pop(key, None)
            if after != IDLE or record.definition.waits_from_the_start:
                self.progress[key] = after
            if after.deadline != before.deadline:
                self.find_deadline()
