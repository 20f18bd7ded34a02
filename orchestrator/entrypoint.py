"""A flow by its entrypoint, ``flows.py:nightly`` or ``shop.flows:nightly``, without importing it
here: a short-lived process loads it and tells what it is.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any

HOME = str(Path(__file__).resolve().parents[1])
if __name__ == "__main__" and HOME not in sys.path:
    # Started by path: sys.path lacks us. Appended: a user's modules come first.
    sys.path.append(HOME)

from orchestrator.deployment import Deployment, DeploymentOptions, FlowFacts  # noqa: E402
from orchestrator.execution.loading import load_flow  # noqa: E402
from orchestrator.flows import Flow  # noqa: E402
from orchestrator.model.deployment import FlowOptions  # noqa: E402
from orchestrator.model.errors import FlowNotLoaded  # noqa: E402
from orchestrator.origin import Source  # noqa: E402


def deployment_of_entrypoint(
    entrypoint: str, name: str | None = None, options: DeploymentOptions | None = None
) -> Deployment:
    """What ``serve`` takes, for a flow in a file or module; ``name`` defaults to the flow's.

    Raises:
        FlowNotLoaded: it cannot be imported, or there is no such flow; with the traceback.
        InvalidInput: a name or option that cannot be used.
    """
    facts = _facts(entrypoint, _source(entrypoint))
    return Deployment.of(facts, facts.name if name is None else name, options or {})


def _source(entrypoint: str) -> Source:
    place, colon, qualname = entrypoint.rpartition(":")
    if not (colon and place and qualname):
        raise FlowNotLoaded(entrypoint, "write PATH:FLOW, for example flows.py:nightly")
    if place.endswith(".py") or os.sep in place:
        return {"path": str(Path(place).resolve()), "qualname": qualname}
    return {"module": place, "qualname": qualname}


def _facts(entrypoint: str, source: Source) -> FlowFacts:
    reading, writing = os.pipe()
    words = [sys.executable, "-P", str(Path(__file__).resolve()), str(writing), json.dumps(source)]
    with subprocess.Popen(words, pass_fds=(writing,)) as process:
        os.close(writing)
        with open(reading) as answer:
            text = answer.read()
    if not text:
        raise FlowNotLoaded(entrypoint, f"loading it ended with code {process.returncode}")
    document = json.loads(text)
    if "why" in document:
        raise FlowNotLoaded(entrypoint, document["why"])
    return FlowFacts(
        **{
            **document,
            "options": FlowOptions.from_json(document["options"]),
            "sys_path": tuple(document["sys_path"]),
        }
    )


def _main(descriptor: int, source: Source) -> None:
    """In the short-lived process: load the flow, write what it is."""
    folder = str(Path(source["path"]).parent if "path" in source else Path.cwd())
    sys.path.insert(0, folder)
    try:
        document = asdict(_loaded(source).facts(source, (folder,)))
    except FlowNotLoaded as error:
        document = {"why": error.why}
    except BaseException:  # noqa: BLE001  # the user's module may raise anything, SystemExit too
        document = {"why": f"importing it failed\n{traceback.format_exc()}"}
    with open(descriptor, "w") as answer:
        json.dump(document, answer)


def _loaded(source: Source) -> Flow[..., Any]:
    flow = load_flow(source)
    if not isinstance(flow, Flow):
        raise FlowNotLoaded(source["qualname"], f"is no flow: {flow!r}")
    return flow


if __name__ == "__main__":
    _main(int(sys.argv[1]), json.loads(sys.argv[2]))
