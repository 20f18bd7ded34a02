"""The invariants that hold between any two commands, checked over a live keyspace.

Every test that used a server ends with ``assert_invariants``: each open run has exactly one path to
progress (I12), leases and delays say what the state says (I13), nothing of a final or missing run
is left (I14), final records expire and open ones never do, histories follow the table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise

from orchestrator.model.states import FINAL, TRANSITIONS, State
from orchestrator.store.versions import MOST_VERSIONS
from tests.support.keyspace import Client, Keyspace, RecordOfRun, Slot, read_keyspace

MOST_RECOVERIES, MOST_UNBEGUN = 3, 20
MOST_LINES = 100
"""A history keeps this many lines; of a longer one the middle was dropped."""
SPARE_CONSUMERS = 10
DAY_MS = 86_400_000
MOST_NOTED = 101
"""100 that wait, or are cancelled, and the one before or after them."""


def assert_invariants(client: Client, *, trimmed: bool = False) -> None:
    """Fail with every violated invariant. ``trimmed``: entries were removed behind our back."""
    problems = violations(read_keyspace(client), trimmed=trimmed)
    assert not problems, "\n".join(["invariants violated:", *problems])


def violations(keyspace: Keyspace, *, trimmed: bool = False) -> list[str]:
    """What is wrong, in words; empty when all is well."""
    problems = [f"schema: no such key in store/keys.py: {key}" for key in keyspace.unknown]
    problems += [f"retention: {key} lives {life} ms" for key, life in _wrong_lives(keyspace)]
    for slot in keyspace.slots.values():
        for check in CHECKS:
            problems += check(slot)
        if not trimmed:
            problems += [f"I14 {slot.d}: {t} is pending, its entry gone" for t in _hollow(slot)]
    return problems


def _wrong_lives(keyspace: Keyspace) -> Iterator[tuple[str, int]]:
    """Only what is display or economy expires by itself."""
    for key, life in keyspace.lives.items():
        expires = key == "orc:leader" or key.startswith("orc:runner:")
        if expires != (life >= 0):
            yield key, life


def _hollow(slot: Slot) -> list[str]:
    return [ticket.entry for ticket in slot.tickets if not ticket.in_stream]


def paths(slot: Slot) -> Iterator[str]:
    """I12: exactly one way on for every open run."""
    for run_id, run in slot.runs.items():
        if run.is_final:
            continue
        ways = _ways(slot, run_id, run)
        if len(ways) != 1:
            state = run.fields["state"]
            yield f"I12 {run_id} ({state}) has {len(ways)} paths to progress, not 1: {ways}"


def _ways(slot: Slot, run_id: str, run: RecordOfRun) -> list[str]:
    """Every thing that would lead somebody on to this run."""
    ways = ["delayed"] if run_id in slot.delayed else []
    for ticket in slot.tickets_of(run_id):
        if not ticket.consumer:
            known = ticket.name == run.fields.get("ticket")
            ways.append(f"ticket in {ticket.queue}" + ("" if known else ", not its record's"))
        elif not run.is_claimed:
            ways.append(f"pending with {ticket.consumer}, though not claimed")
    if run_id in slot.leases:
        ways.append("lease")
    return ways


def claims(slot: Slot) -> Iterator[str]:
    """I13: leases, delays and pending tickets contain a run if and only if its state says so."""
    for run_id, run in slot.runs.items():
        leased, delayed = run_id in slot.leases, run_id in slot.delayed
        if leased != run.is_claimed:
            yield f"I13 {run_id} ({run.fields['state']}) {'has' if leased else 'lacks'} a lease"
        if delayed and not run.is_waiting:
            yield f"I13 {run_id} ({run.fields['state']}) is delayed"
        if run.is_claimed:
            yield from _claim_of(slot, run_id, run)


def _claim_of(slot: Slot, run_id: str, run: RecordOfRun) -> Iterator[str]:
    for name in ("token", "runner", "lease_ms", "beat", "claimed_at"):
        if not run.fields.get(name):
            yield f"I13 {run_id} is claimed without {name}"
    pending = [ticket for ticket in slot.tickets_of(run_id) if ticket.consumer]
    if [ticket.name for ticket in pending] != [run.fields.get("ticket")]:
        yield f"I13 {run_id} is claimed; its ticket must be pending once: {pending}"


def leftovers(slot: Slot) -> Iterator[str]:
    """I14: nothing of a final or missing run, and no ticket that nobody will ever see again."""
    closed = {run_id for run_id, run in slot.runs.items() if run.is_final}
    named = [(ticket.run_id, f"ticket {ticket.entry} in {ticket.queue}") for ticket in slot.tickets]
    named += [(run_id, "lease") for run_id in slot.leases]
    named += [(run_id, "delay") for run_id in slot.delayed]
    for run_id, what in named:
        if run_id in closed or run_id not in slot.runs:
            why = "final" if run_id in closed else "missing"
            yield f"I14 {what} of the {why} run {run_id}"
    for entry in slot.leftovers:
        yield f"I14 {slot.d}: acknowledged and never deleted: {entry}"
    for run_id, count in Counter(ticket.run_id for ticket in slot.tickets).items():
        if count > 1:
            yield f"I14 {run_id} has {count} tickets"


def retention(slot: Slot) -> Iterator[str]:
    """Final records expire, at the instant that is noted and no later than their deployment says;
    open ones never do; each record can be listed, and what can be listed has a record or will be
    swept; logs go with it."""
    for run_id, run in slot.runs.items():
        if run.is_final != (run.ttl >= 0):
            yield f"retention: {run_id} ({run.fields['state']}) lives {run.ttl} ms"
        days = run.fields.get("retention_days")
        if days and max(run.ttl, slot.logs.get(run_id, 0)) > float(days) * DAY_MS:
            yield f"retention: {run_id} lives {run.ttl} ms, its deployment gave it {days} days"
        if run.is_final != (run_id in slot.expiring):
            yield f"retention: {run_id} ({run.fields['state']}), expiring: {not run.is_final}"
        if run_id not in slot.index:
            yield f"retention: {run_id} is missing in the index of runs"
    for run_id in {*slot.index, *slot.expiring} - set(slot.runs):
        if not (run_id in slot.index and run_id in slot.expiring):
            yield f"retention: {run_id} is missing, and nothing will sweep it"
    for run_id, life in slot.logs.items():
        record = slot.runs.get(run_id)
        if life < 0 and (record is None or record.is_final):
            yield f"retention: the log of {run_id} never expires"


def histories(slot: Slot) -> Iterator[str]:
    """Every step is in the table, the last one is the state, and the first made the run."""
    for run_id, run in slot.runs.items():
        states = [State(line[1]) for line in run.history]
        if not states or states[-1] is not run.state:
            yield f"history: {run_id} is {run.fields['state']}, its last line says {states[-1:]}"
            continue
        if states[0] is not State.SCHEDULED:
            yield f"history: {run_id} begins as {states[0]}"
        if len(states) > MOST_LINES:
            yield f"history: {run_id} has {len(states)} lines"
        if len(states) < MOST_LINES:
            for before, after in pairwise(states):
                if after not in TRANSITIONS[before]:
                    yield f"history: {run_id} went from {before} to {after}"


def attempts(slot: Slot) -> Iterator[str]:
    """I11: attempts <= 1 + failures + recoveries, recoveries bounded; I7: no token, no end."""
    for run_id, run in slot.runs.items():
        attempt, failures, recoveries = (
            int(run.fields.get(name) or 0) for name in ("attempt", "failures", "recoveries")
        )
        if attempt > 1 + failures + recoveries:
            yield f"I11 {run_id}: attempt {attempt}, {failures} failures, {recoveries} recoveries"
        if recoveries > MOST_RECOVERIES:
            yield f"I11 {run_id} was recovered {recoveries} times"
        if (unbegun := int(run.fields.get("unbegun") or 0)) > MOST_UNBEGUN:
            yield f"I11 {run_id} was lost {unbegun} times before it began"
        if run.is_final != bool(run.fields.get("ended_at")):
            yield f"I7 {run_id} ({run.fields['state']}): ended_at {run.fields.get('ended_at')!r}"


def consumers(slot: Slot) -> Iterator[str]:
    """I17: names of runners that left do not pile up."""
    alive = {field for field in slot.runners if ":" not in field}
    idle = [name for name, held in slot.consumers.items() if not held and name not in alive]
    if len(idle) > SPARE_CONSUMERS:
        yield f"I17 {slot.d}: {len(idle)} consumers of runners that left: {idle}"


def notes(slot: Slot) -> Iterator[str]:
    """What a schedule notes of its runs is bounded, in order, and its own."""
    for name, text in slot.schedules.items():
        slug, _, field = name.rpartition(":")
        noted = text.split() if field == "open" else []
        if len(noted) != len(set(noted)) or len(noted) > MOST_NOTED:
            yield f"I17 {slot.d}: schedule {slug} notes {len(noted)} runs: {noted}"
        for run in (slot.runs[run_id] for run_id in noted if run_id in slot.runs):
            if run.fields["created_by"] != f"schedule:{slug}":
                yield f"overlap: schedule {slug} notes a run of {run.fields['created_by']}"


def families(slot: Slot) -> Iterator[str]:
    """I23: what a run has asked for is counted in its record, and goes with it; a duty is that of a
    run which is over or about to be, for children that it has."""
    for run_id, life in slot.families.items():
        run = slot.runs.get(run_id)
        if run is None or run.is_final != (life >= 0):
            yield f"I23 the names of the children of {run_id} live {life} ms"
        elif int(run.fields.get("children") or 0) != len(slot.children[run_id]):
            yield f"I23 {run_id} counts {run.fields.get('children')} children"
    for run_id, count in slot.stopping.items():
        run = slot.runs.get(run_id)
        if run is not None and run.state not in (*FINAL, State.CANCELLING):
            yield f"I23 children of {run_id} ({run.state}) are to be cancelled"
        if run is not None and count > len(slot.children.get(run_id, ())):
            yield f"I23 {count} children of {run_id} are to be cancelled: it has fewer"


def owed_hooks(slot: Slot) -> Iterator[str]:
    """Hooks are owed to runs that are over."""
    for run_id in slot.hooks:
        run = slot.runs.get(run_id)
        if run is not None and not run.is_final:
            yield f"hooks: {run_id} ({run.state}) is not over, and hooks of its end are owed"


def versions(slot: Slot) -> Iterator[str]:
    """I17: the newest versions, none missing between them."""
    newest = next(iter(slot.versions), 0)
    wanted = list(range(newest, max(0, newest - MOST_VERSIONS), -1))
    if list(slot.versions) != wanted:
        yield f"I17 {slot.d}: versions {slot.versions}"


CHECKS: tuple[Callable[[Slot], Iterator[str]], ...] = (
    paths,
    claims,
    leftovers,
    retention,
    histories,
    attempts,
    consumers,
    notes,
    families,
    owed_hooks,
    versions,
)
