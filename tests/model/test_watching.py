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


def test_who_looks_seldom_keeps_contact_in_between() -> None:
    """The server was there all the time: who lived could have changed its mark."""
    watched = watch()
    looks(watched, 0)
    for moment in (10, 20, 30):
        watched.keep_contact(moment)
    assert looks(watched, 30.5) == [["run"]]


def test_a_gap_between_other_answers_starts_anew() -> None:
    watched = watch()
    looks(watched, 0)
    for moment in (10, 20.1, 30):
        watched.keep_contact(moment)
    assert looks(watched, 30.5) == [[]]


def test_of_a_crowd_some_watch_whoever_dies() -> None:
    crowd = [f"host-{number % 40}-{number:x}" for number in range(2_000)]
    assert all(watching.watches(each, watching.WATCHERS) for each in crowd)
    for size in (17, 100, 1_000, 2_000):
        watchers = [each for each in crowd[:size] if watching.watches(each, size)]
        assert watching.WATCHERS / 4 <= len(watchers) <= watching.WATCHERS * 4
        assert {each for each in crowd[:size] if watching.watches(each, size * 2)} <= {*watchers}
    for host in range(40):
        left = [each for each in crowd if not each.startswith(f"host-{host}-")]
        assert any(watching.watches(each, len(crowd)) for each in left)


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
