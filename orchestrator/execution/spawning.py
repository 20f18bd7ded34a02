"""A spawner's life: load the user's code, tend runs, and report when the runner died."""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import sys
import warnings
from collections.abc import Iterator
from typing import Any

from orchestrator.execution import kernel, output, trees
from orchestrator.execution.cancellation import cancellation
from orchestrator.execution.failures import clip, format_failure
from orchestrator.execution.hooks import states_of
from orchestrator.execution.isolation import why_not_fork
from orchestrator.execution.loading import LoadedFlow, Source, load_flow
from orchestrator.execution.orphaned import settle
from orchestrator.execution.pipe import LARGEST_PACKET
from orchestrator.execution.sources import Sources
from orchestrator.execution.starting import BLOCKED
from orchestrator.execution.tending import Stock, Tending
from orchestrator.model.clock import SystemClock
from orchestrator.model.schemas import schema_changes

Config = dict[str, Any]


def spawn(control_fd: int, config: Config) -> int:
    """Load, tend until told to quit or left alone; the exit code."""
    kernel.adopt_orphans()
    # A module that never finishes importing must not outlive the runner; later, end of file tells.
    kernel.die_with(os.getppid())
    stock = _load(config)
    signal.pthread_sigmask(signal.SIG_BLOCK, BLOCKED)
    cancellation.install()
    kernel.outlive_parent()
    # Since Python 3.12 a fork warns of any other thread, also of those of a BLAS that takes care of
    # forks itself. ``isolation`` has decided already; as an error it would come after the fork, and
    # nobody would know the child.
    warnings.filterwarnings("ignore", "This process .*multi-threaded", DeprecationWarning)
    gc.collect()
    gc.freeze()  # forked runs then share these pages as long as nobody changes them
    tending = Tending(socket.socket(fileno=control_fd), stock, SystemClock())
    tending.say(_loaded(stock, config))
    if tending.until_over() == "eof":
        settle(tending.keys_to_report(), config["report"], stock)
    return 0


def _load(config: Config) -> Stock:
    if config.get("cwd"):
        os.chdir(config["cwd"])
    sys.path[:0] = config["sys_path"]
    if config.get("checkout"):
        sys.dont_write_bytecode = True  # others use the same folder, and it never changes
        os.set_inheritable(config["checkout"], False)
    output.prepare_streams()
    before = kernel.open_descriptors()
    files, flows, faults = Sources(), {}, {}
    for name, source in config["flows"].items():
        loaded = _load_one(files, source)
        if isinstance(loaded, str):
            faults[name] = loaded
        else:
            flows[name] = loaded
    output.collect_logging(config["log_level"])
    output.flush_streams()
    kernel.flush_c_streams()
    return Stock(
        sources=config["flows"],
        flows=flows,
        faults=faults,
        isolation=_isolation(config),
        files=files,
        keep=kernel.open_descriptors() - before,
        residents=trees.children_of(os.getpid()),
        sys_path=config["sys_path"],
        log_level=config["log_level"],
    )


def _load_one(files: Sources, source: Source) -> LoadedFlow | str:
    """The flow, or the traceback that tells why there is none."""
    try:
        if "path" in source:
            files.note(source["path"])  # also when it is not there yet
        with files.noting():
            flow = load_flow(source)
        prepare = getattr(flow, "prepare", None)
        if prepare is not None:
            prepare()  # imports here, once, what else each run would import
        return flow
    except BaseException as error:  # noqa: BLE001 - a module may raise anything, SystemExit too
        return format_failure(error)


def _isolation(config: Config) -> dict[str, str]:
    danger = why_not_fork()
    found = {}
    for name in config["flows"]:
        if config.get("isolation", {}).get(name, "fork") == "spawn":
            found[name] = "spawn: asked for"
        else:
            found[name] = "fork" if danger is None else f"spawn: {danger}"
    return found


def _loaded(stock: Stock, config: Config) -> dict[str, Any]:
    room = LARGEST_PACKET // 4 // max(1, len(stock.sources))
    told = {
        name: clip(stock.faults[name], room) if name in stock.faults else None
        for name in stock.sources
    }
    found = {name: states_of(flow.hooks) for name, flow in stock.flows.items()}
    return {
        "op": "loaded",
        "pid": os.getpid(),
        "flows": told,
        "isolation": stock.isolation,
        "hooks": {name: states for name, states in found.items() if states},
        "content": stock.files.digest(),
        "misfits": {name: clip(why, room) for name, why in _misfits(stock, config)},
    }


def _misfits(stock: Stock, config: Config) -> Iterator[tuple[str, str]]:
    """Flows that take other parameters than they did when they were registered, and how so."""
    for name, registered in config.get("schemas", {}).items():
        if name in stock.flows:
            changes = schema_changes(json.loads(registered), stock.flows[name].parameter_schema)
            if changes:
                yield name, ", ".join(changes)
