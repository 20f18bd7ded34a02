"""A script fails before its first write or not at all (F20).

There is no rollback in a script. So each one is called with each key of a busy deployment turned
into another type: where that makes it fail, every byte must be as before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest
from redis.exceptions import ResponseError

from orchestrator.model.deployment import (
    DeploymentDefinition,
    Overlap,
    RunnerRecord,
    ScheduleDefinition,
)
from orchestrator.model.event import emitted
from orchestrator.model.ids import RunId, RunnerId, idempotent_run_id, scheduled_run_id
from orchestrator.model.states import State
from orchestrator.model.versions import Registrant
from orchestrator.store import (
    attention,
    children,
    deployments,
    events,
    hooks,
    keys,
    leases,
    logs,
    outbox,
    runners,
    runs,
    schedule_edits,
    schedules,
    standstill,
    telling,
    triggers,
    upkeep,
)
from orchestrator.store.caller import Store
from orchestrator.store.connection import open_store
from orchestrator.store.explaining import explain_run
from orchestrator.store.requests import Plan, Request, as_word, for_deployment
from orchestrator.store.scripts import script_names
from orchestrator.store.versions import note_code
from orchestrator.triggers import EventTrigger, with_names
from tests.support import Server
from tests.support.keyspace import Client, dump, open_client

pytestmark = pytest.mark.damages_keys

SERVED = DeploymentDefinition(
    flow="wrong",
    name="types",
    entrypoint="wrong.py:wrong",
    schedules=(
        ScheduleDefinition(slug="often", kind="interval", expression="60", timezone="UTC"),
        ScheduleDefinition(
            slug="idle", kind="interval", expression="60", timezone="UTC", active=False
        ),
    ),
    triggers=with_names(
        [EventTrigger(expect="rain", name="rain", threshold=2), EventTrigger(expect="hail")]
    ),
)
D = SERVED.id
WORKER, IDLE = RunnerId("worker"), RunnerId("idle")
QUEUED, DELAYED, RUNNING, PAUSED, PENDING, ENDED, LOST, OLD, NEW, OTHER = (
    idempotent_run_id(D, name)
    for name in (
        *("queued", "delayed", "running", "paused", "pending", "ended", "lost", "old", ""),
        "other",
    )
)
LINE = b'{"t":1.0,"l":"INFO","n":"flow","m":"text","a":1}\n'
SAID = RunnerRecord(
    id=IDLE, name="idle", host="h", pid=1, limit=1, running=0, deployments=(), version="1",
    started_at=1, last_seen=1, draining=False, isolation={},
)  # fmt: skip


@dataclass(frozen=True)
class Scene:
    """A deployment in which every script finds something to do."""

    client: Client
    store: Store
    tokens: dict[RunId, str]
    cursor: int
    saved: dict[str, bytes]

    def restore(self) -> None:
        pipeline = self.client.pipeline()
        pipeline.flushall()
        for key, content in self.saved.items():
            pipeline.restore(key, 0, content)
        pipeline.execute()


def new_run(run_id: RunId, scheduled_at: int | None = None) -> runs.NewRun:
    return runs.NewRun(
        deployment_id=D, run_id=run_id, parameters="{}", scheduled_at=scheduled_at,
        idempotency_key="k",
    )  # fmt: skip


def claim(nonce: str, count: int) -> Request[leases.Claims]:
    return leases.claim_runs(
        D, runner=WORKER, host="h", version="1", nonce=nonce, count=count, lease_ms=30_000
    )


@pytest.fixture(scope="module")
def scene(server_of_worker: Server) -> Iterator[Scene]:
    store = open_store(server_of_worker.url)
    client = open_client(server_of_worker.url)
    client.flushall()
    store.call_all([deployments.put_deployment(SERVED), deployments.announce_deployment(D)])
    store.call_all([runners.register_runner(D, each, "{}") for each in (WORKER, IDLE)])
    store.call_all([runs.submit_run(new_run(each)) for each in (RUNNING, PAUSED, PENDING)])
    claimed = store.call(claim("first", 3)).runs
    tokens = {each.run_id: each.token for each in claimed}
    store.call_all([leases.start_run(each, tokens[each], 1) for each in (RUNNING, PAUSED)])
    store.call(runs.pause_run(PAUSED, "test"))
    store.call(logs.append_log(RUNNING, tokens[RUNNING], LINE, 60_000))
    store.call(children.link_child(RUNNING, tokens[RUNNING], QUEUED))
    store.call(children.link_child(PENDING, tokens[PENDING], QUEUED))
    store.call_all([runs.submit_run(new_run(ENDED)), runs.cancel_run(ENDED, "test")])
    store.call(runs.submit_run(new_run(QUEUED)))
    store.call(runs.submit_run(new_run(DELAYED, scheduled_at=4_102_444_800_000)))
    store.call_all([attention.lower_attention(D, 1), runners.say_runner(SAID)])
    cursor = store.call(schedules.agenda(D)).schedules[1].cursor_ms
    store.call(tick(cursor, "late", cursor + 1, "queue"))
    client.zadd(keys.delayed(D), {DELAYED: 1})
    store.call_all([runs.submit_run(new_run(LOST)), runs.submit_run(new_run(OLD))])
    store.call(runs.cancel_run(OLD, "test", 0))
    ticket = str(client.hget(keys.run(LOST), "ticket")).partition(" ")[2]
    client.xdel(keys.queue(D), ticket)
    # Bytes, not text: what DUMP answers cannot be decoded.
    raw = open_client(server_of_worker.url, decode_responses=False)
    store.call(events.emit_event(emitted("sun", "sky")))
    client.hset(keys.progress(D), "rain\n[]", "[[1], null, null, null]")
    client.hset(keys.EVENTS_COPIED, "other", "1-0 1")
    saved = {key: raw.dump(key) for key in client.scan_iter(count=1000)}
    yield Scene(client, store, tokens, cursor + 1, saved)
    raw.close()
    client.close()
    store.close()


PULLED = outbox.Pulled(False, ({"event": "rain"},), outbox.Mark("2-0", 2), is_full=False)
NOTHING = triggers.Armed(records=(), progress={}, cursor="", generation="1")


def fire(after_ms: int) -> Request[Any]:
    """A run, a failure, and progress that comes and goes."""
    made = triggers.TriggeredRun(
        id=NEW, trigger="rain", parameters="{}", key="rain:1", digest="", after_ms=after_ms,
        depth=1, event="1",
    )  # fmt: skip
    failure = triggers.Failure(
        word="trigger.failed", trigger="rain", error="no", event="1", depth=1
    )
    fired = triggers.Fired(
        cursor="1-0 1",
        progress={("rain", ()): "[]", ("hail", ()): ""},
        runs=(made,),
        failures=(failure,),
    )
    return first_of(triggers.fire_triggers(D, NOTHING, fired), "fire_triggers")


def tick(seen: int, late: str, cursor: int, overlap: Overlap = "allow") -> Request[Any]:
    made = schedules.Occurrence(
        run_id=scheduled_run_id(D, "often", cursor), due_ms=1, parameters="{}", late=bool(late)
    )
    one = schedules.Tick(
        slug="often", generation=1, cursor_seen=seen, cursor=cursor, next_ms=None,
        occurrences=(made,), overlap=overlap,
    )  # fmt: skip
    return schedules.tick_schedules(D, [one])


def put_schedule(slug: str, *, edit: bool) -> Request[Any]:
    new = ScheduleDefinition(slug=slug, kind="interval", expression="9", timezone="UTC")
    return first_of(schedule_edits.put_schedule(D, new, edit=edit), "put_schedule")


def first_of(plan: Plan[Any], script: str) -> Request[Any]:
    """The plan's first call of the script."""
    replies: list[Any] | None = None
    while True:
        requests = next(plan) if replies is None else plan.send(replies)
        for request in requests:
            if request.script is not None and request.script.name == script:
                return request
        replies = [None] * len(requests)


def drain_of(runner: RunnerId) -> Request[Any]:
    plan = runners.drain_runner(runner, "test")
    next(plan)
    return next(iter(plan.send([[D]])))


def repair_of(place: str, _: Scene) -> Request[Any]:
    return for_deployment(
        D, "repair_deployment", list, place=place, after="", retention_ms=1, only_look=""
    )


def finish(scene: Scene, state: State, retries: int, delay: int = 0) -> Request[Any]:
    outcome = leases.Outcome(state=state, retries=retries, retry_delay_ms=delay)
    return leases.finish_run(RUNNING, scene.tokens[RUNNING], outcome)


Sample = Callable[[Scene], Request[Any]]
SAMPLES: dict[str, list[Sample]] = {
    "agenda": [lambda _: schedules.agenda(D)],
    "append_events": [lambda _: outbox.append_events(D, outbox.Mark(), PULLED)],
    "append_log": [lambda s: logs.append_log(RUNNING, s.tokens[RUNNING], LINE, 60_000)],
    "beat_runs": [lambda s: leases.beat_runs(D, WORKER, 30_000, list(s.tokens.items()))],
    "cancel_run": [
        lambda _: runs.cancel_run(QUEUED, "test"),
        lambda _: runs.cancel_run(DELAYED, "test"),
        lambda _: runs.cancel_run(RUNNING, "test"),
    ],
    "link_child": [
        lambda s: children.link_child(RUNNING, s.tokens[RUNNING], QUEUED),
        lambda s: children.link_child(RUNNING, s.tokens[RUNNING], NEW),
    ],
    "note_waiting": [
        lambda s: standstill.note_waiting(RUNNING, s.tokens[RUNNING], [QUEUED])
    ],
    "settle_children": [
        lambda _: for_deployment(D, "settle_children", as_word, run_id=OLD, seen=5)
    ],
    "claim_runs": [lambda _: claim("second", 5)],
    "delete_deployment": [
        lambda _: first_of(deployments.delete_deployment(D, force=True), "delete_deployment")
    ],
    "delete_run": [lambda _: runs.delete_run(ENDED)],
    "drain_runner": [lambda _: drain_of(IDLE)],
    "drop_outbox": [lambda _: for_deployment(D, "drop_outbox", as_word)],
    "drop_runner": [lambda _: runners.drop_runner(D, IDLE, 0)],
    "enable_trigger": [lambda _: triggers.enable_trigger(D, "rain", False, "test")],
    "emit_event": [lambda _: events.emit_event(emitted("door.opened", "front"))],
    "explain_run": [lambda _: first_of(explain_run(QUEUED), "explain_run")],
    "fire_triggers": [lambda _: fire(0), lambda _: fire(1000)],
    "note_code": [lambda _: note_code(D, "1", Registrant(content_hash="other"))],
    "overview": [lambda _: for_deployment(D, "overview", list, count=8)],
    "finish_run": [
        lambda s: finish(s, State.COMPLETED, 0),
        lambda s: finish(s, State.FAILED, 1),
        lambda s: finish(s, State.FAILED, 1, 1000),
    ],
    "delete_schedule": [
        lambda _: for_deployment(D, "delete_schedule", as_word, slug="often")
    ],
    "hold_deployment": [lambda _: deployments.hold_deployment(D, True, "test")],
    "lead": [lambda _: attention.lead("me", 1000)],
    "leave_runner": [lambda _: runners.leave_runner(D, IDLE, True)],
    "look": [lambda _: leases.look(D, WORKER)],
    "lower_attention": [lambda _: attention.lower_attention(D, 0)],
    "name_run": [lambda s: telling.name_run(RUNNING, s.tokens[RUNNING], "calm")],
    "pause_deployment": [
        lambda _: first_of(deployments.pause_deployment(D, "user"), "pause_deployment")
    ],
    "pause_schedule": [
        lambda _: first_of(schedule_edits.pause_schedule(D, "often"), "pause_schedule")
    ],
    "put_schedule": [
        lambda _: put_schedule("often", edit=True),
        lambda _: put_schedule("another", edit=False),
    ],
    "resume_schedule": [
        lambda _: first_of(schedule_edits.resume_schedule(D, "idle"), "resume_schedule")
    ],
    "pause_run": [lambda _: runs.pause_run(RUNNING, "test")],
    "promote_delayed": [lambda _: schedules.promote_delayed(D)],
    "pull_events": [lambda _: outbox.pull_events(D, outbox.Mark("1-0", 1))],
    "put_deployment": [
        lambda _: deployments.put_deployment(
            DeploymentDefinition(
                flow="wrong", name="types", entrypoint="other.py:wrong", paused=True,
                triggers=with_names([EventTrigger(expect="sun"), EventTrigger(expect="snow")]),
                schedules=(
                    ScheduleDefinition(slug="new", kind="interval", expression="9", timezone="UTC"),
                ),
            )
        )
    ],
    "reap_run": [
        lambda s: leases.reap_run(RUNNING, s.tokens[RUNNING], None, "died"),
        lambda s: leases.reap_run(PENDING, s.tokens[PENDING], 0, "died"),
    ],
    "register_runner": [lambda _: runners.register_runner(D, RunnerId("third"), "{}")],
    "release_run": [lambda s: leases.release_run(RUNNING, s.tokens[RUNNING], "drained")],
    "repair_deployment": [
        partial(repair_of, place)
        for place in ("leases", "delayed", "first", "queue", "late", "runs", "expiring")
    ],
    "resume_deployment": [
        lambda _: first_of(deployments.resume_deployment(D), "resume_deployment")
    ],
    "resume_run": [lambda _: runs.resume_run(PAUSED, "test")],
    "scan_runs": [
        lambda _: for_deployment(
            D, "scan_runs", list,
            at=10**15, id="", oldest="", count=9, states=" x ", tags="", text="",
        )
    ],
    "set_progress": [lambda s: telling.set_progress(RUNNING, s.tokens[RUNNING], "1")],
    "start_run": [lambda s: leases.start_run(PENDING, s.tokens[PENDING], 1)],
    "submit_runs": [
        lambda _: runs.submit_run(new_run(NEW)),
        lambda _: runs.submit_run(new_run(NEW, scheduled_at=4_102_444_800_000)),
        lambda _: runs.submit_run(replace(new_run(NEW), retry_of=ENDED)),
        lambda _: runs.submit_runs(D, [new_run(NEW), new_run(OTHER, 4_102_444_800_000)]),
    ],
    "take_hooks": [lambda _: hooks.take_hooks(D, 5, 1000)],
    "sweep_runs": [lambda _: first_of(upkeep.sweep_runs(D), "sweep_runs")],
    "tick_schedules": [
        lambda s: tick(s.cursor, "", s.cursor + 1),
        lambda s: tick(s.cursor, "late", s.cursor + 1),
        lambda s: tick(s.cursor, "", s.cursor + 1, "skip"),
        lambda s: tick(s.cursor, "", s.cursor + 1, "queue"),
        lambda s: tick(s.cursor, "", s.cursor + 1, "cancel_running"),
    ],
    "unlead": [lambda _: attention.unlead("me")],
}  # fmt: skip


def test_every_script_has_a_sample() -> None:
    assert sorted(SAMPLES) == script_names(), "give each script a call that makes it write"


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_script_fails_before_its_first_write_or_not_at_all(name: str, scene: Scene) -> None:
    for sample in SAMPLES[name]:
        request = sample(scene)
        declared = [str(word) for word in request.words[: request.keys]]
        for key in sorted({*declared, *scene.saved}):
            scene.restore()
            turn_into_another_type(scene.client, key)
            before = dump(scene.client)
            error = refusal(scene.store, request)
            if error is not None:
                assert dump(scene.client) == before, f"wrote before it failed on {key}: {error}"


def refusal(store: Store, request: Request[Any]) -> ResponseError | None:
    """The error of the call, if it makes one."""
    try:
        store.call(request)
    except ResponseError as error:
        return error
    return None


def turn_into_another_type(client: Client, key: str) -> None:
    kind = client.type(key)
    client.delete(key)
    if kind == "string" or key == keys.LEADER:
        client.sadd(key, "of another type")
    else:
        client.set(key, "of another type")
