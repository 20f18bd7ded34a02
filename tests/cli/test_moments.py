"""Times and durations as people write and read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import typer

from orchestrator.cli.moments import (
    from_now,
    parse_duration,
    parse_moment,
    relative,
    span,
    stamp,
)

HOUR = 3600


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("0", 0),
        ("1.5", 1.5),
        ("30s", 30),
        ("5m", 300),
        ("1h30m", 5400),
        ("1h 30 min", 5400),
        ("2 days", 48 * HOUR),
        ("1W", 7 * 24 * HOUR),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", " ", "-5", "5x", "m", "5m later", "1h-1m", "9" * 30, "1e5"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match=r"duration|too long"):
        parse_duration(text)


def test_a_duration_beyond_the_calendar_is_refused() -> None:
    with pytest.raises(typer.BadParameter, match="calendar"):
        from_now(timedelta(days=999_999_999))


def test_a_moment_with_an_offset_is_that_moment() -> None:
    expected = datetime(2026, 11, 22, 14, 4, tzinfo=UTC)

    assert parse_moment("2026-11-22T15:04+01:00") == expected
    assert parse_moment("2026-11-22 14:04:00Z") == expected


def test_a_moment_without_offset_is_local() -> None:
    local = datetime(2026, 11, 22, 15, 4).astimezone()  # local on purpose

    assert parse_moment("2026-11-22T15:04") == local


@pytest.mark.parametrize("text", ["", "tomorrow", "15:04", "2026-13-01", "0001-01-01T00:00+14:00"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="no time"):
        parse_moment(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0ms"),
        (0.85, "850ms"),
        (1, "1s"),
        (59.6, "1m"),
        (185, "3m 5s"),
        (HOUR, "1h"),
        (HOUR + 5, "1h"),
        (52 * HOUR, "2d 4h"),
    ],
)
def test_spans_have_two_units_at_most(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_relative_times() -> None:
    assert relative(None, 0) == "-"
    assert relative(500, 0) == "now"
    assert relative(90_000, 0) == "in 1m 30s"
    assert relative(0, 90_000) == "1m 30s ago"


def test_a_log_line_of_another_day_shows_its_day() -> None:
    assert len(stamp(datetime.now(UTC).timestamp())) == len("15:04:05.123")
    assert stamp(datetime(2020, 5, 17, 12, tzinfo=UTC).timestamp()).startswith("2020-05-17 ")
