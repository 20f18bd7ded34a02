"""Any sequence of calls leaves on the server what the oracle says, and every invariant holds.

After each step the whole keyspace is compared. Besides what a well-behaved caller does, steps are
sent twice, old tokens write, scripts are flushed and streams trimmed behind our back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Literal, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from orchestrator.model.deployment import (
    DeploymentDefinition,
    FlowOptions,
    Overlap,
    ScheduleDefinition,
)
from orchestrator.model.ids import RunId, RunnerId, idempotent_run_id, scheduled_run_id
from orchestrator.model.states import FINAL, State
from orchestrator.store import (
    children,
    deployments,
    hooks,
    keys,
    leases,
    logs,
    runners,
    runs,
    schedule_edits,
    schedules,
    telling,
    upkeep,
)
from orchestrator.store.connection import open_store
from orchestrator.store.explaining import explain_run
from orchestrator.store.requests import Plan, Request
from tests.support import Server
from tests.support.invariants import assert_invariants
from tests.support.keyspace import dump, open_client, read_keyspace
from tests.support.oracle import OracleDeployment
from tests.support.picture import picture_of

T = TypeVar("T")
OnLost = Literal["restart", "fail"]
D = DeploymentDefinition(flow="oracle", name="main", entrypoint="oracle.py:oracle").id
FAR = 4_102_444_800_000
"""The year 2100: later than any test."""
UNKNOWN = idempotent_run_id(D, "never asked for")
RUNNERS = [RunnerId(f"runner-{number}") for number in range(3)]
OVERLAPS: dict[str, Overlap] = {
    "hourly": "allow",
    "nightly": "skip",
    "often": "queue",
    "newest": "cancel_running",
}
SLUGS = [*OVERLAPS]
ENDS = sorted(FINAL - {State.SKIPPED})

STEPS = ["start", "start", "fail", "release", "reap", "reap", "cancel", "pause", "resume"]

picks = st.integers(0, 99)
"""Chooses among what there is at that moment."""
rarely = st.integers(0, 4).map(lambda number: number == 4)
runner_ids = st.sampled_from(RUNNERS)
rule_sets = st.dictionaries(st.sampled_from(SLUGS), st.sampled_from(["60", "3600"]))


def definition(
    on_lost: OnLost,
    limit: int | None,
    rules: dict[str, str],
    paused: bool | None,
    retention_days: int | None,
) -> DeploymentDefinition:
    return DeploymentDefinition(
        flow="oracle",
        name="main",
        entrypoint="oracle.py:oracle",
        concurrency_limit=limit,
        paused=paused,
        retention_days=retention_days,
        options=FlowOptions(on_lost=on_lost),
        schedules=tuple(schedule(slug, text) for slug, text in rules.items()),
    )


def schedule(slug: str, text: str) -> ScheduleDefinition:
    return ScheduleDefinition(
        slug=slug, kind="interval", expression=text, timezone="UTC", overlap=OVERLAPS[slug]
    )


class StoreMachine(RuleBasedStateMachine):
    """The store and the oracle, asked the same."""

    url: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.store = open_store(self.url)
        self.client = open_client(self.url)
        self.client.flushall()
        self.oracle = OracleDeployment()
        self.serial = 0
        self.asked: list[tuple[str, str]] = []
        """Idempotency keys and parameters of the runs that were asked for."""
        self.trimmed = False
        self.issued: list[tuple[RunId, str]] = []
        """Every (run, token) there ever was."""
        self.latest: Request[Any] | None = None

    def teardown(self) -> None:
        if self.trimmed:  # which damages keys, and only the machine knows
            self.client.flushall()
        self.store.close()
        self.client.close()

    def ask(self, request: Request[T]) -> T:
        self.latest = request
        return self.store.call(request)

    def go_through(self, plan: Plan[T]) -> T:
        self.latest = None
        return self.store.follow(plan)

    def server_ms(self) -> int:
        seconds, micros = self.client.time()
        return int(seconds) * 1000 + int(micros) // 1000

    def held(self) -> list[tuple[RunId, str]]:
        """The leases that are good now."""
        return [
            (RunId(run_id), run.token) for run_id, run in self.oracle.runs.items() if run.is_claimed
        ]

    def a_run(self, pick: int) -> RunId:
        """Most often an open one; now and then one that is over, or that never was."""
        is_open = [run_id for run_id, run in self.oracle.runs.items() if not run.is_final]
        among = [*is_open, *list(self.oracle.runs)[-2:], UNKNOWN]
        return RunId(among[pick % len(among)])

    def a_lease(self, pick: int) -> tuple[RunId, str]:
        held = self.held()
        return held[pick % len(held)]

    @initialize(
        on_lost=st.sampled_from(["restart", "fail"]),
        limit=st.sampled_from([None, 2]),
        rules=rule_sets,
    )
    def serve(self, on_lost: OnLost, limit: int | None, rules: dict[str, str]) -> None:
        self.oracle.on_lost, self.oracle.limit = on_lost, limit
        self.serve_anew(rules)

    def serve_anew(self, rules: dict[str, str]) -> None:
        self.put(rules, None, None)
        self.store.call(deployments.announce_deployment(D))
        for runner in RUNNERS[:2]:
            self.register(runner, True)

    @invariant()
    def the_server_holds_what_the_oracle_says(self) -> None:
        slot = read_keyspace(self.client).slots.get(D)
        if slot is not None:
            assert picture_of(slot) == self.oracle.picture()
            assert_invariants(self.client, trimmed=self.trimmed)

    # Asking for runs.

    @rule(parameters=st.sampled_from(["{}", '{"n": 1}']), later=rarely)
    def submit(self, parameters: str, later: bool) -> None:
        self.serial += 1
        self.asked.append((f"key {self.serial}", parameters))
        self.submit_once(*self.asked[-1], later)

    @precondition(lambda self: self.asked)
    @rule(pick=picks, other=st.booleans())
    def submit_again(self, pick: int, other: bool) -> None:
        key, parameters = self.asked[pick % len(self.asked)]
        self.submit_once(key, '{"n": 2}' if other else parameters, False)

    def submit_once(self, key: str, parameters: str, later: bool) -> None:
        new = runs.NewRun(
            deployment_id=D,
            run_id=idempotent_run_id(D, key),
            parameters=parameters,
            idempotency_key=key,
            scheduled_at=FAR if later else None,
        )
        expected = self.oracle.submit(new.run_id, parameters, later=later)
        assert self.ask(runs.submit_run(new)).word == expected

    @precondition(lambda self: self.issued)
    @rule(pick=picks, again=rarely)
    def ask_for_a_child(self, pick: int, again: bool) -> None:
        """Its parent's slot knows it first; a lease that was lost asks for nothing."""
        parent, token = self.issued[-1 - pick % len(self.issued)]
        if again and (known := self.oracle.runs[parent].children):
            child = RunId(known[pick % len(known)])
        else:
            self.serial += 1
            child = idempotent_run_id(D, f"child {self.serial}")
        word = self.ask(children.link_child(parent, token, child))
        assert word == self.oracle.link(parent, token, child)
        if word == "ok":
            self.make_child(child, parent)

    def make_child(self, child: RunId, parent: RunId) -> None:
        new = runs.NewRun(deployment_id=D, run_id=child, parameters="{}", parent=parent)
        word = self.oracle.submit(child, "{}")
        assert self.ask(runs.submit_run(new)).word == word
        if word == "created":
            self.oracle.runs[child].parent = parent

    @rule(pick=picks)
    def stop_children(self, pick: int) -> None:
        """What a run that was cancelled has asked for is cancelled, and so on down."""
        run_id = RunId([*self.oracle.stopping, self.a_run(pick)][0])
        expected = self.oracle.stop_children(run_id)
        assert self.go_through(children.stop_children(run_id)) == expected
        assert self.go_through(children.stop_children(run_id)) == 0

    def ended(self) -> list[RunId]:
        return [RunId(run_id) for run_id, run in self.oracle.runs.items() if run.is_final]

    @precondition(lambda self: self.ended())
    @rule(pick=picks)
    def retry(self, pick: int) -> None:
        ended = self.ended()
        retried = ended[pick % len(ended)]
        self.serial += 1
        new = runs.NewRun(
            deployment_id=D,
            run_id=idempotent_run_id(D, f"retry {self.serial}"),
            parameters=self.oracle.runs[retried].parameters,
            retry_of=retried,
        )
        assert self.ask(runs.submit_run(new)).word == self.oracle.retry(retried, new.run_id)

    @rule(pick=picks)
    def delete_run(self, pick: int) -> None:
        """Its old tokens are nobody's any more."""
        run_id = self.a_run(pick)
        word = self.oracle.delete_run(run_id)
        assert self.ask(runs.delete_run(run_id)) == word
        if word == "ok":
            tokens = [token for issued, token in self.issued if issued == run_id]
            self.issued = [each for each in self.issued if each[0] != run_id]
            before = dump(self.client)
            for token in tokens:
                assert self.store.call(leases.release_run(run_id, token, "late")) == "gone"
                assert self.store.call(logs.append_log(run_id, token, LINE, 1000)) == "gone"
            assert dump(self.client) == before

    @rule(force=rarely, rules=rule_sets, leave=rarely)
    def delete_deployment(self, force: bool, rules: dict[str, str], leave: bool) -> None:
        """All of it, and it is served anew."""
        if leave:
            for runner in RUNNERS:
                self.leave(runner, False)
        word, number = self.oracle.delete(force=force)
        reply = self.go_through(deployments.delete_deployment(D, force=force))
        assert (reply.word, reply.runs) == (word, number)
        if word == "ok":
            assert D not in read_keyspace(self.client).slots
            self.oracle = OracleDeployment(on_lost=self.oracle.on_lost, limit=self.oracle.limit)
            self.issued, self.asked = [], []
            self.serve_anew(rules)

    @rule(pick=picks)
    def explain(self, pick: int) -> None:
        """Whatever a run goes through, it can be explained, and that changes nothing."""
        before = dump(self.client)
        run_id = self.a_run(pick)
        found = self.go_through(explain_run(run_id))
        assert (found is not None) == (run_id in self.oracle.runs)
        assert dump(self.client) == before

    @rule(pick=picks)
    def cancel(self, pick: int) -> None:
        run_id = self.a_run(pick)
        assert self.ask(runs.cancel_run(run_id, "test")) == self.oracle.cancel(run_id)

    @precondition(lambda self: self.issued)
    @rule(pick=picks, name=st.sampled_from(["", "calm", "keen"]))
    def tell(self, pick: int, name: str) -> None:
        run_id, token = self.issued[pick % len(self.issued)]
        said = telling.name_run if name else telling.set_progress
        expected = self.oracle.tell(run_id, token, name)
        assert self.store.call(said(run_id, token, name or "1")) == expected

    @rule(pick=picks, lasting=st.booleans())
    def pause_run(self, pick: int, lasting: bool) -> None:
        run_id = self.a_run(pick)
        word = self.ask(runs.pause_run(run_id, "test", lasting=lasting))
        assert word == self.oracle.pause_run(run_id, lasting=lasting)

    @rule(pick=picks)
    def resume_run(self, pick: int) -> None:
        run_id = self.a_run(pick)
        assert self.ask(runs.resume_run(run_id, "test")) == self.oracle.resume_run(run_id)

    # Leases.

    @rule(runner=runner_ids, count=st.integers(1, 4), repeat=rarely)
    def claim(self, runner: RunnerId, count: int, repeat: bool) -> None:
        known = self.oracle.claims.get(runner)
        if known and repeat:
            nonce = known[0]
        else:
            self.serial += 1
            nonce = f"nonce{self.serial:011d}"
        word, expected = self.oracle.claim(runner, nonce, count)
        claims = self.ask(
            leases.claim_runs(
                D, runner=runner, host="h", version="1", nonce=nonce, count=count, lease_ms=30_000
            )
        )
        assert (claims.word, [each.run_id for each in claims.runs]) == (word, expected)
        for claimed in claims.runs:
            self.note_token(claimed, nonce)

    def note_token(self, claimed: leases.Claimed, nonce: str) -> None:
        epoch, _, rest = claimed.token.partition(".")
        earlier = [token for run_id, token in self.issued if run_id == claimed.run_id]
        assert rest == nonce
        assert all(
            int(token.partition(".")[0]) < int(epoch) for token in set(earlier) - {claimed.token}
        ), "I5: epochs rise"
        run = self.oracle.runs[claimed.run_id]
        assert (claimed.attempt, claimed.parameters) == (run.attempt, run.parameters)
        run.token = claimed.token
        if claimed.token not in earlier:
            self.issued.append((claimed.run_id, claimed.token))

    @precondition(lambda self: self.held())
    @rule(pick=picks)
    def start(self, pick: int) -> None:
        run_id, token = self.a_lease(pick)
        assert self.ask(leases.start_run(run_id, token, 77)) == self.oracle.start(run_id, token)

    @rule(runner=runner_ids, old=picks)
    def beat(self, runner: RunnerId, old: int) -> None:
        asked = [*self.held(), *self.issued[old : old + 1]]
        expected = self.oracle.beat(runner, asked)
        beats = self.ask(leases.beat_runs(D, runner, 30_000, asked))
        assert (beats.registered, beats.words) == (runner in self.oracle.runners, tuple(expected))
        assert bool(beats.wait_ms) == self.oracle.quarantined

    @precondition(lambda self: self.held())
    @rule(
        pick=picks,
        state=st.sampled_from(ENDS),
        retries=st.integers(0, 2),
        later=rarely,
    )
    def finish(self, pick: int, state: State, retries: int, later: bool) -> None:
        run_id, token = self.a_lease(pick)
        delay = FAR if later else 0
        outcome = leases.Outcome(state=state, retries=retries, retry_delay_ms=delay)
        expected = self.oracle.finish(run_id, token, state, retries, later=later)
        assert self.ask(leases.finish_run(run_id, token, outcome)).word == expected

    @precondition(lambda self: self.held())
    @rule(pick=picks)
    def release(self, pick: int) -> None:
        run_id, token = self.a_lease(pick)
        expected = self.oracle.release(run_id, token)
        assert self.ask(leases.release_run(run_id, token, "drained")) == expected

    @precondition(lambda self: self.held())
    @rule(pick=picks, beat=st.sampled_from(["right", "stale", "token only"]))
    def reap(self, pick: int, beat: str) -> None:
        run_id, token = self.a_lease(pick)
        now = self.oracle.runs[run_id].beat
        seen = {"right": now, "stale": now + 1, "token only": None}[beat]
        expected = self.oracle.reap(run_id, token, seen)
        assert self.ask(leases.reap_run(run_id, token, seen, "died")) == expected

    @rule()
    def call_hooks(self) -> None:
        """A runner has come that calls what is owed."""
        taken = self.ask(hooks.take_hooks(D, 100, 0))
        assert {run_id for run_id, _ in taken} == self.oracle.call_hooks()
        for run_id, _ in taken:
            self.ask(hooks.hooks_called(run_id))

    @rule(runner=runner_ids, steps=st.lists(st.tuples(st.sampled_from(STEPS), picks), max_size=10))
    def a_life(self, runner: RunnerId, steps: list[tuple[str, int]]) -> None:
        """Much that happens to few runs, claimed anew where all leases were lost meanwhile."""
        for step, pick in steps:
            if not self.held():
                self.claim(runner, 2, False)
            issued = [*self.held(), *self.issued[-3:]]
            if issued:
                self.happens(step, *issued[pick % len(issued)])

    def happens(self, step: str, run_id: RunId, token: str) -> None:
        """One call about the run; the token may be a good or an old one."""
        oracle, failed = self.oracle, leases.Outcome(state=State.FAILED, retries=2)
        match step:
            case "start":
                word = self.ask(leases.start_run(run_id, token, 79))
                assert word == oracle.start(run_id, token)
            case "fail":
                word = self.ask(leases.finish_run(run_id, token, failed)).word
                assert word == oracle.finish(run_id, token, State.FAILED, 2, later=False)
            case "release":
                word = self.ask(leases.release_run(run_id, token, "drained"))
                assert word == oracle.release(run_id, token)
            case "reap":
                word = self.ask(leases.reap_run(run_id, token, None, "died"))
                assert word == oracle.reap(run_id, token, None)
            case "cancel":
                assert self.ask(runs.cancel_run(run_id, "test")) == oracle.cancel(run_id)
            case "pause":
                assert self.ask(runs.pause_run(run_id, "test")) == oracle.pause_run(run_id)
            case "resume":
                assert self.ask(runs.resume_run(run_id, "test")) == oracle.resume_run(run_id)

    @rule(runner=st.none() | runner_ids)
    def look(self, runner: RunnerId | None) -> None:
        if runner is not None:
            self.oracle.beat(runner, [])
        seen = self.ask(leases.look(D, runner))
        held = {(run_id, token, self.oracle.runs[run_id].beat) for run_id, token in self.held()}
        assert {(each.run_id, each.token, each.beat) for each in seen.leases} == held
        assert seen.runners == self.oracle.runners
        assert seen.waiting == sum(map(len, self.oracle.queues.values()))
        assert not seen.odd, "I22: nothing is to be repaired"
        assert not seen.expired
        assert seen.drain == (runner in self.oracle.draining)
        assert (seen.held, seen.paused) == (self.oracle.held, bool(self.oracle.paused_by))

    @rule()
    def repair(self) -> None:
        """I22: there is nothing to repair, whatever happened; the walk changes nothing."""
        before = dump(self.client)
        assert self.go_through(upkeep.repair_deployment(D)) == 0
        assert dump(self.client) == before

    # Flags and runners.

    @rule(held=rarely)
    def hold(self, held: bool) -> None:
        assert self.ask(deployments.hold_deployment(D, held, "test")) == self.oracle.hold(held)

    @rule(by=st.sampled_from(["user", "shutdown"]))
    def pause(self, by: Literal["user", "shutdown"]) -> None:
        reply = self.go_through(deployments.pause_deployment(D, by))
        assert (reply.word, reply.skipped) == self.oracle.pause(by)

    @rule()
    def resume(self) -> None:
        expected = self.oracle.resume()
        with self.cursors_learnt():
            assert self.go_through(deployments.resume_deployment(D)) == expected

    @rule(runner=runner_ids, pauses=st.booleans())
    def register(self, runner: RunnerId, pauses: bool) -> None:
        self.oracle.register(runner, pauses=pauses)
        with self.cursors_learnt():
            assert self.ask(runners.register_runner(D, runner, "{}", pauses)) == "ok"

    @rule(runner=runner_ids, pause=st.booleans())
    def leave(self, runner: RunnerId, pause: bool) -> None:
        expected = self.oracle.leave(runner, pause=pause)
        assert self.ask(runners.leave_runner(D, runner, pause)) == expected

    @rule(runner=runner_ids)
    def drain(self, runner: RunnerId) -> None:
        expected = self.oracle.drain(runner)
        assert self.go_through(runners.drain_runner(runner, "test")) == expected

    @rule(runner=runner_ids, ahead=st.integers(0, 1))
    def drop(self, runner: RunnerId, ahead: int) -> None:
        beat = self.oracle.runners.get(runner, 0) + ahead
        expected = self.oracle.drop(runner, beat)
        assert self.ask(runners.drop_runner(D, runner, beat)) == expected

    # Schedules and delays.

    @contextmanager
    def cursors_learnt(self) -> Iterator[None]:
        """Cursors that the call within sets to "now" are taken over, if they are now."""
        before = self.server_ms()
        yield
        after = self.server_ms()
        stored = {s.definition.slug: s for s in self.store.call(schedules.agenda(D)).schedules}
        for slug, schedule in self.oracle.schedules.items():
            if schedule.cursor is None:
                schedule.cursor = stored[slug].cursor_ms
                assert before <= schedule.cursor <= after

    @rule(
        rules=rule_sets,
        paused=st.sampled_from([None, None, True, False]),
        days=st.sampled_from([None, 1, 2]),
    )
    def put(self, rules: dict[str, str], paused: bool | None, days: int | None) -> None:
        self.oracle.put(rules, paused, str(days or ""))
        new = definition(self.oracle.on_lost, self.oracle.limit, rules, paused, days)
        with self.cursors_learnt():
            self.ask(deployments.put_deployment(new))

    @rule(
        slug=st.sampled_from(SLUGS),
        wrong=st.sampled_from(["", "", "", "generation", "cursor"]),
        count=st.integers(0, 3),
        late=st.booleans(),
    )
    def tick(self, slug: str, wrong: str, count: int, late: bool) -> None:
        known = self.oracle.schedules.get(slug)
        generation, seen = (known.generation, known.cursor or 0) if known else (1, 0)
        dues = [seen + 1 + number for number in range(count)]
        made = tuple(
            # The instants are over, whatever the server's clock says.
            schedules.Occurrence(
                run_id=scheduled_run_id(D, slug, due), due_ms=1, parameters="{}", late=late
            )
            for due in dues
        )
        generation += wrong == "generation"
        seen -= wrong == "cursor"
        cursor, overlap = seen + 1, OVERLAPS[slug]
        dues_made = [(each.run_id, "{}", late) for each in made]
        expected = self.oracle.tick(slug, generation, seen, cursor, dues_made, overlap)
        one = schedules.Tick(
            slug=slug, generation=generation, cursor_seen=seen, cursor=cursor, next_ms=None,
            occurrences=made, overlap=overlap,
        )  # fmt: skip
        assert self.ask(schedules.tick_schedules(D, [one])) == [expected]
        self.keep_delayed()

    def keep_delayed(self) -> None:
        """What waits for other runs would be looked at again within this test."""
        for run_id, run in self.oracle.runs.items():
            if run.where == "delayed":
                self.client.zadd(keys.delayed(D), {run_id: FAR}, xx=True)

    @rule(slug=st.sampled_from(SLUGS), text=st.sampled_from(["60", "3600"]), edit=st.booleans())
    def put_schedule(self, slug: str, text: str, edit: bool) -> None:
        expected = self.oracle.put_schedule(slug, text, edit=edit)
        with self.cursors_learnt():
            plan = schedule_edits.put_schedule(D, schedule(slug, text), edit=edit)
            assert self.go_through(plan) == expected

    @rule(slug=st.sampled_from(SLUGS))
    def pause_schedule(self, slug: str) -> None:
        reply = self.go_through(schedule_edits.pause_schedule(D, slug))
        assert (reply.word, reply.skipped) == self.oracle.pause_schedule(slug)

    @rule(slug=st.sampled_from(SLUGS))
    def resume_schedule(self, slug: str) -> None:
        expected = self.oracle.resume_schedule(slug)
        with self.cursors_learnt():
            assert self.go_through(schedule_edits.resume_schedule(D, slug)) == expected

    @rule(slug=st.sampled_from(SLUGS))
    def delete_schedule(self, slug: str) -> None:
        expected = self.oracle.delete_schedule(slug)
        assert self.go_through(schedule_edits.delete_schedule(D, slug)) == expected

    @rule(pick=picks)
    def promote(self, pick: int) -> None:
        """The time of one delayed run comes, and it is promoted."""
        delayed = [i for i, run in self.oracle.runs.items() if run.where == "delayed"]
        due = delayed[pick % len(delayed) :][:1] if delayed else []
        for run_id in due:
            self.client.zadd(keys.delayed(D), {run_id: 1}, xx=True)
        expected = self.oracle.promote(due)
        assert self.ask(schedules.promote_delayed(D)).count == expected
        self.keep_delayed()

    # What should never happen, and does.

    @precondition(lambda self: self.latest is not None)
    @rule()
    def the_same_again(self) -> None:
        """I15: the reply was lost, the caller asks again."""
        assert self.latest is not None
        before = without_beats(dump(self.client))
        self.store.call(self.latest)
        assert without_beats(dump(self.client)) == before, f"I15: {self.latest.words}"
        self.recount_beats()

    def recount_beats(self) -> None:
        slot = read_keyspace(self.client).slots[D]
        for runner in self.oracle.runners:
            self.oracle.runners[runner] = int(slot.runners[f"{runner}:beat"])
        for run_id, run in self.oracle.runs.items():
            if run.is_claimed:
                run.beat = int(slot.runs[run_id].fields["beat"])

    @precondition(lambda self: self.lost())
    @rule(state=st.sampled_from(ENDS))
    def an_old_token_writes(self, state: State) -> None:
        """I8: whoever lost the lease changes nothing, whatever he calls."""
        before = dump(self.client)
        outcome = leases.Outcome(state=state, retries=9)
        for run_id, token in self.lost():
            words = self.store.call_all(
                [
                    leases.start_run(run_id, token, 78),
                    telling.set_progress(run_id, token, "1"),
                    telling.name_run(run_id, token, "late"),
                    children.link_child(run_id, token, UNKNOWN),
                    leases.release_run(run_id, token, "late"),
                    leases.reap_run(run_id, token, None, "late"),
                    logs.append_log(run_id, token, LINE, 1000),
                    leases.finish_run(run_id, token, outcome),
                ]
            )
            assert dump(self.client) == before, f"I8: {words}"

    def lost(self) -> list[tuple[RunId, str]]:
        """Tokens that a later claim has replaced."""
        runs = self.oracle.runs
        return [each for each in self.issued[-20:] if runs[each[0]].token != each[1]]

    @precondition(lambda self: self.issued)
    @rule(pick=picks, state=st.sampled_from(ENDS), retries=st.integers(0, 2))
    def an_ended_lease_writes(self, pick: int, state: State, retries: int) -> None:
        """The current token after its lease ended: words are repeated, nothing changes (I15)."""
        run_id, token = self.issued[pick % len(self.issued)]
        if self.oracle.runs[run_id].is_claimed:
            return
        before = dump(self.client)
        outcome = leases.Outcome(state=state, retries=retries)
        expected = self.oracle.finish(run_id, token, state, retries, later=False)
        assert self.ask(leases.finish_run(run_id, token, outcome)).word == expected
        assert self.ask(children.link_child(run_id, token, UNKNOWN)) == "lease_lost"
        assert self.ask(leases.start_run(run_id, token, 1)) == self.oracle.start(run_id, token)
        assert self.ask(leases.reap_run(run_id, token, None, "late")) == "stale"
        assert dump(self.client) == before

    @precondition(lambda self: self.issued)
    @rule(pick=picks)
    def log(self, pick: int) -> None:
        run_id, token = self.issued[pick % len(self.issued)]
        current = self.oracle.runs[run_id].token == token
        word = self.store.call(logs.append_log(run_id, token, LINE, 60_000))
        assert word == ("ok" if current else "lease_lost")

    @rule()
    def the_server_forgets_its_scripts(self) -> None:
        self.client.script_flush()

    @rule(runner=runner_ids)
    def the_server_was_another(self, runner: RunnerId) -> None:
        """Nothing is claimed until the quarantine is over; leases are kept meanwhile."""
        deployment = keys.deployment(D)
        self.client.hset(deployment, "server", "another")
        self.oracle.quarantined = True
        self.beat(runner, 0)
        self.claim(runner, 2, False)
        self.client.hset(deployment, "server", self.client.info("server")["run_id"])
        self.client.hdel(deployment, "quarantine")
        self.oracle.quarantined, self.latest = False, None

    @rule()
    def somebody_trims_what_was_delivered(self) -> None:
        """F10: tickets of claimed runs vanish; the records decide, so nothing is lost."""
        for ticket in read_keyspace(self.client).slots[D].tickets:
            if ticket.consumer and ticket.in_stream:
                self.client.xdel(f"orc:{{{D}}}:{ticket.queue}", ticket.entry)
                self.trimmed = True


LINE = b'{"t":1.0,"l":"INFO","n":"flow","m":"text","a":1}\n'


def without_beats(keyspace: dict[str, Any]) -> dict[str, Any]:
    """A dump without beat counters and times of beats: these may count a repeated call twice."""
    plain = {key: value for key, value in keyspace.items() if not key.endswith(":leases")}
    for key, (kind, content, expires) in plain.items():
        if kind == "hash":
            fields = {name: text for name, text in content.items() if not _is_beat(name)}
            plain[key] = (kind, fields, expires)
    return plain


def _is_beat(name: str) -> bool:
    return name == "beat" or name.endswith(":beat")


def run_machine(url: str, examples: int, steps: int, **options: Any) -> None:
    """Search for a sequence on which server and oracle disagree."""
    machine = type("Machine", (StoreMachine,), {"url": url})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            print_blob=True,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
            **options,
        ),
    )


def test_I1_to_I15_any_sequence_of_calls(every_server: Server) -> None:
    run_machine(every_server.url, examples=60, steps=40)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_I1_to_I15_many_sequences_of_calls(every_server: Server) -> None:
    run_machine(every_server.url, examples=600, steps=60)
