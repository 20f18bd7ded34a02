"""What a spawner does when its runner is dead: report its runs, and have their hooks called."""

from __future__ import annotations

import json
import os
import socket
from typing import Any

from orchestrator.execution.hooks import states_of
from orchestrator.execution.pipe import HOOKS_SECONDS, Message, encode, send_packet
from orchestrator.execution.tending import Stock, Tending
from orchestrator.model.clock import SystemClock


def settle(keys: list[str], helper: dict[str, Any], stock: Stock) -> None:
    """Have the server told which runs lost their runner, and the hooks of those called that are
    over now. Without hooks there is nothing to wait for: the helper does its work alone."""
    if not keys:
        return
    if any(states_of(flow.hooks) for flow in stock.flows.values()):
        answers, answering = os.pipe()
    else:
        answers, answering = (os.open(os.devnull, os.O_RDWR) for _ in range(2))
    _report(keys, helper, answering)
    with open(answers, "rb") as pipe:
        orders = [json.loads(line) for line in pipe]
    for order in orders:  # the helper has ended: from now on every stranger is killed
        _call_hooks(order, stock)


def _report(keys: list[str], helper: dict[str, Any], answering: int) -> None:
    """Start the helper, which writes its answers to ``answering``."""
    runs = [dict(zip(("run_id", "token"), key.split(":", 1), strict=True)) for key in keys]
    line = json.dumps({"runs": runs}).encode() + b"\n"
    reading, writing = os.pipe()
    argv = helper["argv"]
    os.posix_spawn(
        argv[0],
        argv,
        helper["environment"],
        file_actions=[(os.POSIX_SPAWN_DUP2, reading, 0), (os.POSIX_SPAWN_DUP2, answering, 1)],
        setsid=True,
        setsigmask=(),
    )
    os.close(reading)
    os.close(answering)
    try:
        with open(writing, "wb") as pipe:
            pipe.write(line)
    except BrokenPipeError:
        pass  # the helper ended early: leases run out instead


def _call_hooks(order: Message, stock: Stock) -> None:
    """There is no log any more: what they print goes where the spawner's own words go; and what
    they ask for nobody answers."""
    flow = stock.flows.get(order["run"]["deployment"])
    if flow is None or order["state"] not in states_of(flow.hooks):
        return
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    stream, end = socket.socketpair()
    output = os.dup(2)
    with ours, theirs, stream, end:
        packet = {
            "op": "run",
            "key": order["run"]["id"],
            "flow": order["run"]["deployment"],
            "timeout": HOOKS_SECONDS,
            "grace": 0.0,
            "memory_limit": None,
            "cpu_limit": None,
            "deadline": None,
        }
        stream.sendall(encode(order))
        stream.shutdown(socket.SHUT_WR)
        send_packet(ours, packet, (end.fileno(), output))
        send_packet(ours, {"op": "begun", "key": packet["key"]})
        tending = Tending(theirs, stock, SystemClock())
        tending.until_idle()
        send_packet(ours, {"op": "quit"})
        tending.until_over()
    os.close(output)
