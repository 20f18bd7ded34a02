"""Descriptors that a run process must not inherit are closed, whatever the system offers for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

CLOSES = """
import os, sys
from orchestrator.execution import kernel
if sys.argv[1:]:
    kernel._close_range = eval(sys.argv[1])
kept = [os.dup(0) for _ in range(9)][2::3]
high = os.dup2(0, 200)
kernel.close_all_but({0, 1, 2, *kept})
assert kernel.open_descriptors() == {0, 1, 2, *kept}, kernel.open_descriptors()
kernel.close_all_but({1, 2})
print(sorted(kernel.open_descriptors()))
"""


@pytest.mark.parametrize(
    "offered", [[], ["None"], ["lambda *_: -1"]], ids=["as here", "no such call", "refused"]
)
def test_all_descriptors_but_those_kept_are_closed(offered: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CLOSES, *offered],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("[1, 2]\n", "")
