"""Triggers do what a slow and simple reading of their definition says, for any events."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.model.evaluation import (
    IDLE,
    MOST_DEPTH,
    Progress,
    beginning,
    is_over,
    on_event,
    on_time,
    rehearse,
    stored,
)
from orchestrator.model.event import Event
from orchestrator.model.trigger import Bucket, TriggerDefinition, in_words
from orchestrator.triggers import EventTrigger

Happening = tuple[str, str, int]
"""Name, whose it is, when (ms)."""
Fired = tuple[str, int]
"""Whose, and when: the event's number, or the deadline that passed."""


def event(number: int, happening: Happening, **changes: Any) -> Event:
    name, whose, at = happening
    plain = {
        "id": str(number), "event": name, "resource": {"id": whose}, "occurred": at, "received": at,
    }  # fmt: skip
    return Event(**{**plain, **changes})


def fired_by(
    trigger: TriggerDefinition, history: Iterable[Happening], end: int
) -> list[tuple[str, str]]:
    """(bucket, key) of each firing; what is stored in between is all that is remembered."""
    kept: dict[Bucket, str] = {}
    found: list[tuple[Bucket, str]] = []

    def take(bucket: Bucket, after: Progress, firing: Any) -> None:
        kept[bucket] = stored(trigger, after)
        found.extend([(bucket, firing.key)] if firing else [])

    def before(bucket: Bucket) -> Progress:
        text = kept.get(bucket)
        return Progress.from_text(text) if text else beginning(trigger, 0)

    for number, happening in enumerate(history):
        each = event(number, happening)
        bucket = trigger.bucket(each)
        assert bucket is not None
        take(bucket, *on_event(trigger, before(bucket), each))
    for bucket in {*kept, *([()] if trigger.waits_from_the_start else [])}:
        take(bucket, *on_time(before(bucket), end, bucket))
    return sorted((" ".join(bucket), key) for bucket, key in found)


# The same, read from the definition.


def reactive(trigger: TriggerDefinition, history: list[Happening]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for whose in {bucket_of(trigger, each) for each in history}:
        mine = [(n, e) for n, e in enumerate(history) if bucket_of(trigger, e) == whose]
        fired = -1
        for n, (name, _, at) in mine:
            if name != "hit":
                continue
            if trigger.after:
                firsts = [m for m, e in mine if e[0] == "first" and fired <= m < n]
                if not firsts:
                    continue
                begin = firsts[-1]
                since = history[begin][2]
                counted = [
                    m for m, e in mine
                    if e[0] == "hit" and begin < m <= n and is_within(trigger, since, e[2])
                ]  # fmt: skip
                if n not in counted:
                    continue
            else:
                counted = [
                    m for m, e in mine
                    if e[0] == "hit" and fired < m <= n and is_within(trigger, e[2], at)
                ]  # fmt: skip
            if len(counted) >= trigger.threshold:
                found.append((whose, str(n)))
                fired = n
    return sorted(found)


def is_within(trigger: TriggerDefinition, earlier: int, later: int) -> bool:
    return not trigger.within or later - earlier <= trigger.within_ms


def bucket_of(trigger: TriggerDefinition, happening: Happening) -> str:
    return happening[1] if trigger.for_each else ""


def proactive(
    trigger: TriggerDefinition, history: list[Happening], end: int
) -> list[tuple[str, str]]:
    """Millisecond by millisecond."""
    found: list[tuple[str, str]] = []
    for whose in {*(bucket_of(trigger, each) for each in history), ""}:
        mine = [each for each in history if bucket_of(trigger, each) == whose]
        waiting = trigger.waits_from_the_start
        begun, count = 0, 0
        for now in range(end + 1):
            if waiting and now > begun + trigger.within_ms:
                found.append((whose, f"silence {begun + trigger.within_ms} {whose}".strip()))
                waiting = False
            for name, _, at in mine:
                if at != now:
                    continue
                if name == "hit" and waiting:
                    count += 1
                    waiting = count < trigger.threshold
                if name == ("first" if trigger.after else "hit") and not waiting:
                    waiting, begun, count = True, now, 0
    return sorted(found)


names = st.sampled_from(["hit", "hit", "first", "other"])
histories = st.lists(
    st.tuples(names, st.sampled_from(["a", "b"]), st.integers(0, 12)), max_size=12
).map(
    lambda steps: [(n, w, sum(s[2] for s in steps[: i + 1])) for i, (n, w, _) in enumerate(steps)]
)
triggers = st.builds(
    TriggerDefinition,
    name=st.just("t"),
    expect=st.just(("hit",)),
    after=st.sampled_from([(), ("first",)]),
    for_each=st.sampled_from([(), ("id",)]),
    threshold=st.integers(1, 3),
)


@settings(max_examples=400, deadline=None)
@given(trigger=triggers, history=histories, within=st.sampled_from([0, 0.005, 0.02]))
def test_reactive(trigger: TriggerDefinition, history: list[Happening], within: float) -> None:
    object.__setattr__(trigger, "within", within)

    assert fired_by(trigger, history, 1000) == reactive(trigger, history)


@settings(max_examples=400, deadline=None)
@given(trigger=triggers, history=histories, within=st.sampled_from([0.005, 0.02]))
def test_proactive(trigger: TriggerDefinition, history: list[Happening], within: float) -> None:
    object.__setattr__(trigger, "within", within)
    object.__setattr__(trigger, "posture", "Proactive")

    assert fired_by(trigger, history, 200) == proactive(trigger, history, 200)


def test_what_is_too_old_may_be_forgotten() -> None:
    trigger = EventTrigger(expect="hit", threshold=3, within=10).definition("t")
    progress = Progress(times=(1000, 4000))

    assert not is_over(trigger, progress, 14_000)
    assert is_over(trigger, progress, 14_001)
    assert not is_over(EventTrigger(expect="hit", threshold=3).definition("t"), progress, 10**9)
    silent = EventTrigger(expect="hit", within=10, posture="Proactive").definition("t")
    assert not is_over(silent, Progress(deadline=1), 10**9)


@pytest.mark.parametrize(
    ("match", "related", "is_covered"),
    [
        ({}, (), True),
        ({"kind": "door"}, (), True),
        ({"kind": ["window", "door"]}, (), True),
        ({"kind": "d*r"}, (), True),
        ({"kind": "!door"}, (), False),
        ({"kind": ["!window", "!roof"]}, (), True),
        ({"kind": ["d*", "!door"]}, (), False),
        ({"colour": "!red"}, (), False),
        ({"id": "front", "kind": "window"}, (), False),
        ({}, {"role": "house", "id": "h*"}, True),
        ({}, {"role": "house", "id": "street"}, False),
        ({}, [{"role": "house"}, {"role": "street"}], True),
        ({}, [{"role": "house"}, {"role": "city"}], False),
    ],
)
def test_what_a_trigger_covers(match: Any, related: Any, is_covered: bool) -> None:
    trigger = EventTrigger(expect="x", match=match, match_related=related).definition("t")
    happened = event(
        1,
        ("x", "front", 1),
        resource={"id": "front", "kind": "door"},
        related=({"role": "house", "id": "home"}, {"role": "street", "id": "street"}),
    )

    assert trigger.covers(happened) is is_covered


def test_buckets() -> None:
    happened = event(
        1, ("x", "front", 1), payload={"n": {"m": 3}}, related=({"role": "house", "id": "home"},)
    )

    def bucket(*labels: str) -> Bucket | None:
        return EventTrigger(expect="x", for_each=labels).definition("t").bucket(happened)

    assert bucket() == ()
    assert bucket("id", "payload.n.m", "related.house") == ("front", "3", "home")
    assert bucket("payload.m") is None
    assert bucket("colour") is None


def test_names() -> None:
    trigger = EventTrigger(expect=["door.*", "rain"], after="begin*").definition("t")

    assert [trigger.expects(name) for name in ("door.opened", "rain", "raining", "door")] == [
        True,
        True,
        False,
        False,
    ]
    assert trigger.follows("beginning")
    assert EventTrigger(match={"id": "x"}).definition("t").expects("anything")
    assert not EventTrigger(match={"id": "x"}).definition("t").follows("anything")


def test_a_rehearsal_tells_each_firing() -> None:
    trigger = EventTrigger(expect="hit", for_each="id", threshold=2).definition("t")
    history = [event(n, ("hit", "ab"[n % 2], n)) for n in range(6)]
    deep = event(9, ("hit", "a", 9), depth=MOST_DEPTH + 1)

    found = rehearse(trigger, [*history, deep], 10)

    assert [(bucket, firing.key, firing.depth) for bucket, firing in found] == [
        (("a",), "2", 1),
        (("b",), "3", 1),
    ]
    silent = EventTrigger.after_silence(1, expect="hit").definition("t")
    ((bucket, firing),) = rehearse(silent, history, 5000)
    assert (bucket, firing.key, firing.event) == ((), "silence 1005", history[-1])


def test_progress_is_stored_whole() -> None:
    progress = Progress(times=(1, 2), armed_at=3, deadline=4, event=event(1, ("x", "é", 1)))

    assert Progress.from_text(progress.to_text()) == progress
    assert Progress.from_text(IDLE.to_text()) == IDLE


@pytest.mark.parametrize(
    ("trigger", "words"),
    [
        (EventTrigger(expect="rain"), "rain"),
        (EventTrigger.after_completion("a/b"), "run.Completed (deployment a/b)"),
        (
            EventTrigger(expect="rain", threshold=3, within=60, for_each="id"),
            "3 x rain within 60s, for each id",
        ),
        (
            EventTrigger(expect="paid", after="ordered", posture="Proactive", within=60),
            "no paid within 60s after ordered",
        ),
    ],
)
def test_a_trigger_in_words(trigger: EventTrigger, words: str) -> None:
    assert in_words(trigger.definition("t")) == words
