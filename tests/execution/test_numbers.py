"""Flows that import numpy and pandas, and threads that are there at import: what a fork makes of
them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.execution.desk import Open, RunLine

AT_ONCE = 4

NUMBERS = """
import os
import numpy, pandas
from orchestrator import flow

ones = numpy.ones((500, 500))
ones @ ones  # BLAS has made its threads by now
frame = pandas.DataFrame({"group": [n % 7 for n in range(50_000)], "value": range(50_000)})

@flow
def f():
    product = ones @ ones
    sums = frame.groupby("group").value.sum()
    solved = numpy.linalg.solve(product + numpy.eye(500), ones[0])
    return [float(product[0, 0]), int(sums.sum()), float(solved.sum()) > 0, numpy.random.random()]
"""


def all_of(lines: list[RunLine]) -> list[list[object]]:
    """What these runs return, which go on at the same time."""
    for line in lines:
        line.go()
    return [json.loads(line.finished()["result"]) for line in lines]


def threads(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


@pytest.mark.long
def test_F64_numpy_and_pandas_are_forked_with_their_threads(open_desk: Open) -> None:
    desk = open_desk(NUMBERS, environment={"OPENBLAS_NUM_THREADS": "4"})
    assert desk.heard("loaded")["isolation"]["f"] == "fork"
    assert threads(desk.process.pid) > 1, "else nothing is shown here"
    results = [r for _ in range(15) for r in all_of([desk.run() for _ in range(AT_ONCE)])]
    assert {tuple(result[:3]) for result in results} == {(500.0, 1_249_975_000, True)}
    assert len({str(result[3]) for result in results}) == len(results), "no two share a number"
    assert {line.output for line in desk.lines} == {b""}, "and nothing warns"


WARNS = """
import os, warnings
from orchestrator import flow

fork = os.fork

def fork_like_python_3_12():
    pid = fork()
    if pid:
        warnings.warn("This process is multi-threaded", DeprecationWarning)
    return pid

os.fork = fork_like_python_3_12

@flow
def f():
    warnings.warn("the flow's own", DeprecationWarning)
"""


def test_the_warning_of_a_fork_is_no_error_and_the_flow_s_own_still_is(open_desk: Open) -> None:
    desk = open_desk(WARNS, environment={"PYTHONWARNINGS": "error::DeprecationWarning"})
    for line in [desk.run() for _ in range(AT_ONCE)]:
        line.go()
        error = line.finished()["error"]
        assert (error["type"], error["message"]) == ("DeprecationWarning", "the flow's own")


POOL = """
import concurrent.futures, multiprocessing, os
from orchestrator import flow

pool = concurrent.futures.{kind}(2)
{used}

@flow
def f():
    return list(pool.map(abs, range(-3, 0)))
"""


@pytest.mark.parametrize(
    ("kind", "used", "isolation"),
    [
        ("ThreadPoolExecutor", False, "fork"),
        ("ThreadPoolExecutor", True, "spawn: importing the code started 1 thread: "),
        ("ProcessPoolExecutor", False, "spawn: importing the code made a pool, queue or lock of"),
        ("ProcessPoolExecutor", True, "spawn: importing the code started "),
    ],
)
def test_F64_pools_that_are_made_at_import(
    open_desk: Open, kind: str, used: bool, isolation: str
) -> None:
    """One of threads that has none yet is like any other object; one of processes has pipes, and
    forked runs would take one another's work out of them."""
    desk = open_desk(POOL.format(kind=kind, used="pool.submit(abs, 1).result()" * used))
    assert desk.heard("loaded")["isolation"]["f"].startswith(isolation)
    assert all_of([desk.run() for _ in range(AT_ONCE)]) == [[3, 2, 1]] * AT_ONCE


@pytest.mark.parametrize("made", ["Lock()", "Queue()", "SimpleQueue()", "Event()"])
def test_what_multiprocessing_shares_is_not_shared_by_runs(open_desk: Open, made: str) -> None:
    desk = open_desk(
        f"import multiprocessing\nshared = multiprocessing.{made}\n"
        "from orchestrator import flow\n@flow\ndef f():\n    pass\n"
    )
    assert "multiprocessing" in desk.heard("loaded")["isolation"]["f"]


def test_importing_a_kind_of_pool_is_harmless(open_desk: Open) -> None:
    desk = open_desk(
        "import multiprocessing.synchronize\nfrom concurrent.futures import ProcessPoolExecutor\n"
        "from orchestrator import flow\n@flow\ndef f():\n"
        "    with ProcessPoolExecutor(1) as pool:\n        return list(pool.map(abs, [-1]))\n"
    )
    assert desk.heard("loaded")["isolation"]["f"] == "fork"
    assert all_of([desk.run() for _ in range(AT_ONCE)]) == [[1]] * AT_ONCE
