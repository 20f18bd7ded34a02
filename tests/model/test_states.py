"""The table of transitions: whole, and told alike in the docs."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.model.states import CLAIMED, FINAL, TRANSITIONS, WAITING, State

DOCS = Path(__file__).parents[2] / "docs" / "states.md"


def test_every_state_is_waiting_claimed_or_final_and_only_one_of_them() -> None:
    assert set(State) == WAITING | CLAIMED | FINAL
    assert len(WAITING) + len(CLAIMED) + len(FINAL) == len(State)


def test_every_state_has_its_row() -> None:
    assert set(TRANSITIONS) == set(State)


@pytest.mark.parametrize("state", sorted(FINAL))
def test_I7_nothing_follows_a_final_state(state: State) -> None:
    assert not TRANSITIONS[state]


@pytest.mark.parametrize("state", sorted(set(State) - FINAL))
def test_every_open_state_can_be_cancelled(state: State) -> None:
    assert TRANSITIONS[state] & {State.CANCELLED, State.CANCELLING}


def test_every_state_is_reached_from_scheduled() -> None:
    seen, todo = set(), [State.SCHEDULED]
    while todo:
        state = todo.pop()
        if state not in seen:
            seen.add(state)
            todo.extend(TRANSITIONS[state])
    assert seen == set(State)


def test_the_docs_show_this_table() -> None:
    order = list(State)
    rows = []
    for state in order:
        followers = sorted(TRANSITIONS[state], key=order.index)
        if followers:
            rows.append(f"| `{state}` | {', '.join(f'`{follower}`' for follower in followers)} |")
    assert "\n".join(rows) in DOCS.read_text(), "docs/states.md should hold:\n" + "\n".join(rows)
