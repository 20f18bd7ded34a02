"""What a run prints and logs, on its way into one pipe.

Descriptors 1 and 2 are that pipe. Logging (and ``print`` of a flow with ``log_prints``) writes
framed lines: ``\\x1e{"t":seconds,"l":level,"n":logger,"m":text}\\n``. Everything else arrives as it
was written, by Python, C code or other programs, in the order of writing.
"""

from __future__ import annotations

import faulthandler
import io
import json
import logging
import os
import sys
import threading
import time
import traceback
from typing import TextIO

from orchestrator.execution.kernel import flush_c_streams, prepare_c_streams
from orchestrator.execution.pipe import FRAME, LONGEST_FRAME


def frame(at: float, level: str, logger: str, text: str) -> bytes:
    """One framed line, or several when the text is too long for one."""
    text = text.encode("utf-8", "backslashreplace").decode()
    body = json.dumps({"t": round(at, 6), "l": level, "n": logger, "m": text}, ensure_ascii=False)
    data = FRAME + body.encode() + b"\n"
    if len(data) <= LONGEST_FRAME or len(text) < 2:
        return data
    middle = text.rfind("\n", 1, len(text) // 2 + 1) + 1 or len(text) // 2
    return frame(at, level, logger, text[:middle]) + frame(at, level, logger, text[middle:])


def write(data: bytes) -> None:
    """Write all of it to the pipe."""
    view = memoryview(data)
    while view:
        view = view[os.write(1, view) :]


class FramedHandler(logging.Handler):
    """Sends log records into the pipe as framed lines."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record)
            flush_streams()  # what was printed before stays before
            write(frame(record.created, record.levelname, record.name, text))
        except Exception:  # noqa: BLE001 - logging must not fail the flow; the reason goes to stderr
            self.handleError(record)


class PrintStream(io.TextIOBase):
    """Stands in for ``sys.stdout`` so that each printed line becomes a log line."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self) -> None:
        self.buffer = open(1, "wb", buffering=0, closefd=False)  # noqa: SIM115 - as long as we are
        self._partial = ""
        self._lock = threading.RLock()

    def write(self, text: str) -> int:
        with self._lock:
            *lines, self._partial = (self._partial + text).split("\n")
            for line in lines:
                write(frame(time.time(), "INFO", "print", line))
        return len(text)

    def finish(self) -> None:
        """Write what was printed without a line's end."""
        with self._lock:
            if self._partial:
                self.write("\n")

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return 1


def prepare_streams() -> None:
    """Make ``sys.stdout`` and ``sys.stderr`` fit for forked runs, which use these very objects.

    Line by line, as on a terminal: else a run's prints arrive after what its programs print, and
    characters that UTF-8 lacks would raise in ``print``.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
    prepare_c_streams()
    faulthandler.enable(2)  # what Python was doing when C code crashed, at the end of the log


def collect_logging(level: str) -> None:
    """Send every log record of the process from ``level`` on into the pipe, exactly once.

    A handler that user code put on standard output or error would write each record a second
    time, as raw text. A higher level that user code has chosen stays.
    """
    root = logging.getLogger()
    untouched = root.level == logging.WARNING and not root.handlers
    for logger in [root, *root.manager.loggerDict.values()]:
        if isinstance(logger, logging.Logger):
            for handler in [kept for kept in logger.handlers if _writes_to_console(kept)]:
                logger.removeHandler(handler)
                logger.propagate = True
    if untouched:
        root.setLevel(level)
    root.addHandler(FramedHandler(level))
    if logging.getLogger("flow").level == logging.NOTSET:
        logging.getLogger("flow").setLevel(level)


def flush_streams() -> None:
    """Write out what Python has buffered for the pipe."""
    for stream in (sys.stdout, sys.stderr):
        _flush(stream)


def finish() -> None:
    """Write out everything that was printed and logged so far, by Python or C."""
    if _logs_elsewhere():
        logging.shutdown()
    if type(sys.stdout) is PrintStream:
        sys.stdout.finish()
    flush_streams()
    for stream in (sys.__stdout__, sys.__stderr__):
        _flush(stream)
    flush_c_streams()


def _logs_elsewhere() -> bool:
    """Whether there are handlers that may have something to write out: any but ours, which keeps
    nothing, and the one that Python itself falls back on."""
    for reference in logging._handlerList:  # type: ignore[attr-defined]
        handler = reference()
        if handler is not logging.lastResort and type(handler) is not FramedHandler:
            return True
    return False


def complain(error: BaseException) -> None:
    """A traceback into the pipe as raw text, for errors of the machinery itself."""
    write("".join(traceback.format_exception(error)).encode("utf-8", "backslashreplace"))


def _flush(stream: TextIO | None) -> None:
    # User code may have closed a stream, or taken it away.
    if stream is not None and not stream.closed:
        stream.flush()


def _writes_to_console(handler: logging.Handler) -> bool:
    console = (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
    return isinstance(handler, logging.StreamHandler) and handler.stream in console
