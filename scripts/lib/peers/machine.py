"""What processes use of the machine, and how much the server has been asked. Standard library
only: every contestant's environment has it."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from urllib.parse import urlsplit

_TICKS = os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> list[int]:
    """The process and all that it has started and that lives, the eldest first."""
    found = [pid]
    for each in found:
        for task in Path(f"/proc/{each}/task").glob("*/children"):
            found += map(int, task.read_text().split())
    return found


def cpu_seconds(pid: int) -> float:
    """User and system time of the whole tree, with the children that were waited for."""
    return sum(map(_cpu_of_one, tree(pid)))


def _cpu_of_one(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / _TICKS


def memory_mib(pid: int) -> float:
    """What would be free without the process: pages that it shares count in part (PSS)."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


def commands(url: str) -> int:
    """What the server has executed so far, commands inside scripts counted."""
    parts = urlsplit(url)
    with socket.create_connection((str(parts.hostname), int(parts.port or 6379))) as link:
        link.sendall(b"INFO stats\r\nQUIT\r\n")
        answer = b"".join(iter(lambda: link.recv(65536), b""))
    (line,) = [x for x in answer.splitlines() if x.startswith(b"total_commands_processed:")]
    return int(line.partition(b":")[2])
