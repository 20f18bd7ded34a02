"""Who looks at once when tickets are announced, and who a little later."""

from __future__ import annotations

import itertools

from tests.runner.parts import part

hearing = part("hearing")


def test_few_runners_look_at_once() -> None:
    assert {hearing.patience(crowd) for crowd in range(hearing.FEW + 1) for _ in range(100)} == {0}


def test_of_a_crowd_a_few_look_at_once_and_the_others_spread_out() -> None:
    pauses = [hearing.patience(1000) for _ in range(10_000)]
    at_once = pauses.count(0)
    assert 5 <= at_once <= 120, "four of a thousand, give or take chance"
    later = sorted(pause for pause in pauses if pause)
    assert later[-1] <= hearing.SPREAD_SECONDS
    gaps = [after - before for before, after in itertools.pairwise(later)]
    assert max(gaps) < hearing.SPREAD_SECONDS / 50, "no hole, no herd"
