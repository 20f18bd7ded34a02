"""What a preview says of clock changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.model.preview import preview
from orchestrator.schedules import Cron, Interval, RRule, Schedule

BERLIN = "Europe/Berlin"
NOTES = [
    (Cron("30 2 * * *", timezone=BERLIN), "2026-03-28T12:00", 2,
     {"29T01:00": "02:30 does not exist on 2026-03-29, fires at 03:00"}),
    (Cron("0,30 2 * * *", timezone=BERLIN), "2026-03-28T12:00", 2,
     {"29T01:00": "02:00, 02:30 do not exist on 2026-03-29, fires at 03:00"}),
    (Cron("*/5 2 * * *", timezone=BERLIN), "2026-03-28T12:00", 1,
     {"29T01:00": "02:00, 02:05, 02:10, … do not exist on 2026-03-29, fires at 03:00"}),
    (Cron("0 3 * * *", timezone=BERLIN), "2026-03-28T12:00", 2, {}),
    (Cron("30 * * * *", timezone=BERLIN), "2026-03-29T00:00", 3,
     {"29T01:30": "02:30 does not exist on 2026-03-29, left out"}),
    (Cron("30 2 * * *", timezone=BERLIN), "2026-10-24T12:00", 2,
     {"25T00:30": "repeated hour: first pass only"}),
    (Cron("30 * * * *", timezone=BERLIN), "2026-10-24T23:30", 4,
     {"25T00:30": "repeated hour: first pass", "25T01:30": "repeated hour: second pass"}),
    (RRule("FREQ=DAILY;BYHOUR=2;BYMINUTE=30", timezone=BERLIN), "2026-03-28T12:00", 2,
     {"29T01:00": "02:30 does not exist on 2026-03-29, fires at 03:00"}),
    (Interval(timedelta(days=1), anchor_date=datetime(2026, 1, 1, 2, 30), timezone=BERLIN),  # noqa: DTZ001
     "2026-03-28T12:00", 2, {"29T01:00": "02:30 does not exist on 2026-03-29, fires at 03:00"}),
    (Interval(6 * 3600, timezone=BERLIN), "2026-03-28T22:00", 3,
     {"29T05:00": "clocks went forward by 60 minutes since the one before"}),
    (Cron("0 9 30 * *", timezone="Pacific/Apia"), "2011-12-01T00:00", 1,
     {"30T10:00": "09:00 does not exist on 2011-12-30, fires at 00:00"}),
    (Cron("30 2 * * *", timezone=BERLIN, start_date=datetime(2026, 3, 29, tzinfo=UTC)),
     "2026-03-28T12:00", 1, {"29T01:00": "02:30 does not exist on 2026-03-29, fires at 03:00"}),
    (Cron("30 2 * * *"), "2026-03-28T12:00", 3, {}),
]  # fmt: skip


@pytest.mark.parametrize(("schedule", "start", "count", "wanted"), NOTES)
def test_notes(schedule: Schedule, start: str, count: int, wanted: dict[str, str]) -> None:
    begin = datetime.fromisoformat(start).replace(tzinfo=UTC)

    rows = preview(schedule.definition("x"), count, begin)

    assert [row.at for row in rows] == schedule.upcoming(count, begin)
    assert {f"{row.at:%dT%H:%M}": " ".join(row.notes) for row in rows if row.notes} == wanted


def test_a_row_shows_both_clocks() -> None:
    (row,) = preview(
        Cron("0 9 * * *", timezone=BERLIN).definition("x"), 1, datetime(2026, 7, 1, tzinfo=UTC)
    )

    assert row.to_json() == {
        "at": "2026-07-01T07:00:00.000Z",
        "local": "2026-07-01T09:00:00+02:00",
        "notes": [],
    }


def test_an_ended_schedule_has_no_rows() -> None:
    ended = Cron("0 9 * * *", end_date=datetime(2026, 1, 1, tzinfo=UTC)).definition("x")

    assert preview(ended, 5, datetime(2026, 7, 1, tzinfo=UTC)) == []
