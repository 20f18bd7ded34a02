"""A flow by its entrypoint, ``flows.py:nightly`` or ``shop.flows:nightly``, without importing it
here: a short-lived process loads it, from a storage if one is named, and tells what it is.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

HOME = str(Path(__file__).resolve().parents[1])
if __name__ == "__main__" and HOME not in sys.path:
    # Started by path: sys.path lacks us. Appended: a user's modules come first.
    sys.path.append(HOME)

from orchestrator.deployment import Deployment, DeploymentOptions, FlowFacts  # noqa: E402
from orchestrator.execution.loading import load_flow  # noqa: E402
from orchestrator.flows import Flow, flow  # noqa: E402
from orchestrator.model.deployment import FlowOptions  # noqa: E402
from orchestrator.model.errors import FlowNotLoaded, SourceFailed  # noqa: E402
from orchestrator.model.serving import StoredCode  # noqa: E402
from orchestrator.origin import Source  # noqa: E402

if TYPE_CHECKING:
    from orchestrator.sources.storages import Storage


def deployment_of_entrypoint(
    entrypoint: str,
    name: str | None = None,
    options: DeploymentOptions | None = None,
    storage: Storage | None = None,
) -> Deployment:
    """What ``serve`` takes, for a flow in a file or module, of this folder or of a storage;
    ``name`` defaults to the flow's.

    Raises:
        FlowNotLoaded: it cannot be imported, or there is no such flow; with the traceback.
        SourceFailed: the code cannot be had from the storage.
        InvalidInput: a name, option or entry point that cannot be used.
    """
    facts = _facts(entrypoint, _place(entrypoint, storage))
    return Deployment.of(facts, facts.name if name is None else name, options or {})


def _place(entrypoint: str, storage: Storage | None) -> dict[str, Any]:
    """Where the other process finds the flow."""
    if storage is None:
        return {"source": _source(entrypoint)}
    from orchestrator.sources.checks import entry_point

    entry_point(entrypoint)
    return {"storage": storage.to_json(), "entrypoint": entrypoint}


def _source(entrypoint: str) -> Source:
    place, colon, qualname = entrypoint.rpartition(":")
    if not (colon and place and qualname):
        raise FlowNotLoaded(entrypoint, "write PATH:FLOW, for example flows.py:nightly")
    if place.endswith(".py") or os.sep in place:
        return {"path": str(Path(place).resolve()), "qualname": qualname}
    return {"module": place, "qualname": qualname}


def _facts(entrypoint: str, place: dict[str, Any]) -> FlowFacts:
    document = _answer(entrypoint, place)
    if "failed" in document:
        raise SourceFailed(**document["failed"])
    if "why" in document:
        raise FlowNotLoaded(entrypoint, document["why"])
    stored = document["stored"]
    return FlowFacts(
        **{
            **document,
            "options": FlowOptions.from_json(document["options"]),
            "sys_path": tuple(document["sys_path"]),
            "stored": None if stored is None else StoredCode.from_json(stored),
        }
    )


def _answer(entrypoint: str, place: dict[str, Any]) -> dict[str, Any]:
    """What the short-lived process says. It is asked through a file, not by its arguments: a
    storage may hold secrets."""
    reading, writing = os.pipe()
    with tempfile.TemporaryFile("w+") as question:
        json.dump(place, question)
        question.seek(0)
        handed = (question.fileno(), writing)
        words = [sys.executable, "-P", str(Path(__file__).resolve()), *map(str, handed)]
        with subprocess.Popen(words, pass_fds=handed) as process:
            os.close(writing)
            with open(reading) as answer:
                text = answer.read()
    if not text:
        raise FlowNotLoaded(entrypoint, f"loading it ended with code {process.returncode}")
    document: dict[str, Any] = json.loads(text)
    return document


def _main(asked: int, descriptor: int) -> None:
    """In the short-lived process: load the flow, write what it is."""
    with open(asked) as question:
        place = json.load(question)
    document = _told(place)
    with open(descriptor, "w") as answer:
        json.dump(document, answer)


def _told(place: dict[str, Any]) -> dict[str, Any]:
    try:
        return asdict(_of_storage(place) if "storage" in place else _of_source(place["source"]))
    except FlowNotLoaded as error:
        return {"why": error.why}
    except SourceFailed as error:
        return {"failed": {"source": error.source, "why": error.why, "remedy": error.remedy}}
    except BaseException:  # noqa: BLE001  # the user's module may raise anything, SystemExit too
        return {"why": f"importing it failed\n{traceback.format_exc()}"}


def _of_source(source: Source) -> FlowFacts:
    folder = str(Path(source["path"]).parent if "path" in source else Path.cwd())
    sys.path.insert(0, folder)
    found = load_flow(source)
    if not isinstance(found, Flow):
        raise FlowNotLoaded(source["qualname"], f"is no flow: {found!r}")
    return found.facts(source, (folder,))


def _of_storage(place: dict[str, Any]) -> FlowFacts:
    from orchestrator.sources.storages import storage_from_json

    found = flow.from_source(storage_from_json(place["storage"]), place["entrypoint"])
    assert found.stored is not None
    return found.stored_facts(found.stored)


if __name__ == "__main__":
    _main(int(sys.argv[1]), int(sys.argv[2]))
