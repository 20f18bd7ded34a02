"""Amounts of memory, read and shown."""

from __future__ import annotations

import pytest

from orchestrator.model.sizes import parse_size, shown_size


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("4096", 4096),
        ("4096 B", 4096),
        ("512MiB", 512 * 1024**2),
        ("1.5 GiB", 1536 * 1024**2),
        ("2 kB", 2000),
        (" 1gb ", 10**9),
    ],
)
def test_sizes_that_people_write(text: str, count: int) -> None:
    assert parse_size(text) == count


@pytest.mark.parametrize("text", ["", "much", "-1MB", "1 MB 2", "1M", "٣MB", "1e9", "inf"])
def test_what_is_no_size(text: str) -> None:
    assert parse_size(text) is None


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (1_600_000_000, "1.5 GiB"),
        (2**60, "1048576 TiB"),
    ],
)
def test_sizes_that_people_read(count: int, text: str) -> None:
    assert shown_size(count) == text
