"""What a run prints and logs arrives: all of it, once, in order."""

from __future__ import annotations

import json

from orchestrator.execution.output import LONGEST_FRAME, frame
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
        "@flow\ndef f():\n    logging.debug('fine')\n"
    ).completed()
    assert [r["m"] for r in line.logged] == ["fine"]
    assert line.raw == []


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
