"""Who counts as dead, and until when a run may go on: the two sides of one lease."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.model import watching

T = 30.0


def watch() -> watching.Watch[str]:
    return watching.Watch(T / 3)


def mark(sign: object, who: str = "run") -> watching.Mark[str]:
    return watching.Mark(who, sign, T)


def looks(watched: watching.Watch[str], *at: float, sign: object = 0) -> list[list[str]]:
    return [watched.look(moment, moment, [mark(sign)]) for moment in at]


def test_a_mark_that_stands_still_for_a_lease_is_dead() -> None:
    watched = watch()
    assert looks(watched, 0, 10, 20, 29.9) == [[], [], [], []]
    assert looks(watched, 30) == [["run"]]


def test_a_change_starts_anew() -> None:
    watched = watch()
    looks(watched, 0, 10, 20)
    assert looks(watched, 25, 35, 45, 54.9, sign=1) == [[], [], [], []]
    assert looks(watched, 55, sign=1) == [["run"]]


def test_a_gap_in_contact_starts_anew() -> None:
    watched = watch()
    looks(watched, 0, 10, 20)
    assert looks(watched, 30.1, 40, 50, 60) == [[], [], [], []]
    assert looks(watched, 60.1) == [["run"]]


def test_a_failed_look_starts_anew() -> None:
    watched = watch()
    looks(watched, 0, 10, 20)
    watched.lose_contact()
    assert looks(watched, 30, 40, 50, 59) == [[], [], [], []]


def test_a_slow_answer_counts_for_the_living() -> None:
    watched = watch()
    watched.look(0, 5, [mark(0)])
    assert watched.look(12, 13, [mark(0)]) == []
    assert watched.look(22, 23, [mark(0)]) == []
    assert watched.look(32, 32, [mark(0)]) == []  # first seen at 5, whatever was sent at 0
    assert watched.look(35, 36, [mark(0)]) == ["run"]


def test_each_mark_has_its_own_period() -> None:
    watched = watch()
    short = watching.Mark("short", 0, 5.0)
    assert watched.look(0, 0, [short, mark(0)]) == []
    assert watched.look(5, 5, [short, mark(0)]) == ["short"]


def test_what_was_not_seen_for_a_while_is_not_remembered() -> None:
    watched = watch()
    looks(watched, 0, 10, 20)
    watched.look(25, 25, [])
    assert looks(watched, 30) == [[]]


delays = st.floats(0, 8)


@given(sent=st.floats(0, 1000), way=delays, seen=delays, back=delays, more=st.floats(0, 40))
def test_I4_the_owner_has_stopped_before_an_observer_may_reap(
    sent: float, way: float, seen: float, back: float, more: float
) -> None:
    """A beat sent, applied, seen; then looks until one of them calls the run dead."""
    applied = sent + way
    answered = applied + seen + back
    watched = watch()
    watched.look(applied + seen, answered, [mark(1)])
    moment = answered
    dead: list[str] = []
    while not dead:
        moment += T / 6
        dead = watched.look(moment, moment, [mark(1)])
    assert moment > watching.deadline(T, sent) + T / 15 - 1e-6
