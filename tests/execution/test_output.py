"""What a run prints and logs arrives: all of it, once, in order."""

from __future__ import annotations

import json
import signal

import pytest

from orchestrator.execution.output import frame
from orchestrator.execution.pipe import LONGEST_FRAME
from tests.execution.desk import Open

HEAD = "import logging, os, subprocess, sys\nfrom orchestrator import flow, get_run_logger\n"


def test_prints_logs_and_programs_keep_their_order(open_desk: Open) -> None:
    line = open_desk(
        HEAD + "@flow\ndef f():\n    print('one')\n    get_run_logger().info('two')\n"
        "    subprocess.run(['echo', 'three'])\n    print('four', file=sys.stderr)\n"
        "    logging.getLogger('mine').warning('five')\n    os.write(1, b'six')\n"
        "    logging.info('seven')\n    sys.stdout.write('eight')\n"
    ).completed()
    texts = [
        json.loads(text[1:])["m"] if text.startswith(b"\x1e") else text.decode()
        for text in line.output.replace(b"\x1e", b"\n\x1e").split(b"\n")
        if text
    ]
    assert texts == ["one", "two", "three", "four", "five", "six", "seven", "eight"]
    assert [(r["l"], r["n"]) for r in line.logged] == [
        ("INFO", "flow"),
        ("WARNING", "mine"),
        ("INFO", "root"),
    ]


def test_log_prints_turns_lines_into_records(open_desk: Open) -> None:
    line = open_desk(
        HEAD + "@flow(log_prints=True)\ndef f():\n    print('a', 'b')\n    print('two\\nlines')\n"
        "    print('rest', end='')\n"
    ).completed()
    assert [(r["l"], r["n"], r["m"]) for r in line.logged] == [
        ("INFO", "print", "a b"),
        ("INFO", "print", "two"),
        ("INFO", "print", "lines"),
        ("INFO", "print", "rest"),
    ]
    assert line.raw == []


def test_a_module_that_configured_logging_is_heard_once(open_desk: Open) -> None:
    line = open_desk(
        HEAD + "logging.basicConfig(level=logging.DEBUG)\n"
        "@flow\ndef f():\n    logging.info('fine')\n    logging.debug('not stored')\n"
    ).completed()
    assert [r["m"] for r in line.logged] == ["fine"]
    assert line.raw == []


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
@pytest.mark.parametrize(
    ("level", "stored"), [("DEBUG", ["a", "b", "c", "d"]), ("WARNING", ["c", "d"])]
)
def test_the_level_decides_which_records_are_stored(
    open_desk: Open, isolation: str, level: str, stored: list[str]
) -> None:
    line = open_desk(
        HEAD + "@flow\ndef f():\n    get_run_logger().debug('a')\n    logging.info('b')\n"
        "    logging.warning('c')\n    get_run_logger().error('d')\n    print('raw')\n",
        isolation={"f": isolation},
        log_level=level,
    ).completed()
    assert [r["m"] for r in line.logged] == stored
    assert line.raw == [b"raw"], "what has no level always is"


def test_any_logger_is_heard_whatever_its_handlers(open_desk: Open) -> None:
    line = open_desk(
        HEAD + "own = logging.getLogger('own')\nown.addHandler(logging.StreamHandler())\n"
        "own.propagate = False\n"
        "@flow\ndef f():\n    own.warning('once')\n"
        "    logging.getLogger('made.later').warning('too')\n"
    ).completed()
    assert [(r["n"], r["m"]) for r in line.logged] == [("own", "once"), ("made.later", "too")]
    assert line.raw == []


def test_c_code_keeps_its_place_and_loses_nothing_when_killed(open_desk: Open) -> None:
    line = open_desk(
        HEAD + "import ctypes, signal\n@flow\ndef f():\n    libc = ctypes.CDLL(None)\n"
        "    print('one')\n    libc.puts(b'two')\n    print('three')\n"
        "    libc.puts(b'four')\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    ).run()
    line.go()
    line.ended()
    assert line.raw == [b"one", b"two", b"three", b"four"]


def test_a_crash_in_c_code_tells_where_python_was(open_desk: Open) -> None:
    line = open_desk(
        HEAD + "import ctypes\n@flow\ndef f():\n    print('before')\n    ctypes.string_at(0)\n"
    ).run()
    line.go()
    assert line.ended()["signal"] == signal.SIGSEGV
    assert line.raw[0] == b"before"
    assert b"Segmentation fault" in line.raw[1]
    assert any(b"in f" in text for text in line.raw)


def test_an_error_is_logged_with_its_traceback(open_desk: Open) -> None:
    line = open_desk(
        HEAD + "@flow\ndef f():\n    try:\n        1 / 0\n    except ZeroDivisionError:\n"
        "        get_run_logger().exception('went wrong')\n"
    ).completed()
    assert line.logged[0]["l"] == "ERROR"
    assert "ZeroDivisionError" in line.logged[0]["m"]


def test_F72_bytes_that_are_no_text_pass_and_surrogates_do_not_raise(open_desk: Open) -> None:
    line = open_desk(
        HEAD + "@flow\ndef f():\n    os.write(1, b'\\xff\\xfe\\n')\n    print('\\udcff')\n"
        "    logging.warning('\\udcff')\n"
    ).completed()
    assert line.raw == [b"\xff\xfe", b"\\udcff"]
    assert line.logged[0]["m"] == "\\udcff"


def test_F71_what_c_code_printed_without_a_line_end_arrives(open_desk: Open) -> None:
    line = open_desk(
        HEAD + "import ctypes\n@flow\ndef f():\n    ctypes.CDLL(None).printf(b'from C')\n"
    ).completed()
    assert line.raw == [b"from C"]


def test_F71_nothing_that_the_import_printed_comes_again(open_desk: Open) -> None:
    line = open_desk(
        HEAD + "import atexit, ctypes\nsys.stdout.write('once')\n"
        "ctypes.CDLL(None).printf(b'once')\natexit.register(print, 'at exit')\n"
        "@flow\ndef f():\n    pass\n"
    ).completed()
    assert line.output == b""


def test_a_long_text_becomes_several_frames() -> None:
    text = "\n".join(f"line {number} \x00 é" for number in range(5000))
    frames = frame(1.0, "INFO", "a", text).splitlines(keepends=True)
    assert all(len(data) <= LONGEST_FRAME for data in frames)
    assert "".join(json.loads(data[1:])["m"] for data in frames) == text
