"""A flow in a storage, opened: its code is here, and its place in it is known."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

from orchestrator.execution import context
from orchestrator.execution.loading import LoadedFlow
from orchestrator.model.code import Code
from orchestrator.model.errors import SourceFailed
from orchestrator.settings import load_settings
from orchestrator.sources.checkouts import use
from orchestrator.sources.checks import entry_point
from orchestrator.sources.fetching import look
from orchestrator.sources.importing import import_stored
from orchestrator.sources.storages import Storage, storage_of


@dataclass(frozen=True, slots=True)
class Stored:
    """A flow's place in a storage, and the code that was newest when it was opened."""

    storage: Storage
    code: Code
    entry: dict[str, str]
    """``path`` (inside the source) or ``module``, with ``qualname``."""
    used: int | None
    """Keeps the checkout from being removed while this process lives."""

    @property
    def entrypoint(self) -> str:
        """For people."""
        return f"{self.entry.get('path') or self.entry['module']}:{self.entry['qualname']}"

    def load(self) -> LoadedFlow:
        """The flow, imported from the checkout into this process.

        Raises:
            FlowNotLoaded: there is no such file, or no such flow in it.
            BaseException: whatever the module raised.
        """
        return import_stored(self.code.folder, self.entry)


def open_source(source: object, entrypoint: str) -> Stored:
    """Have the newest code of the source here. While a script is only imported to get at its
    flows, what was found last counts: it is the serving process that looks.

    Raises:
        InvalidInput: a source or entry point that cannot be used.
        SourceFailed: the code cannot be had.
    """
    storage, entry = storage_of(source), entry_point(entrypoint)
    again = context.is_loading() or context.in_run_process()
    found = look(storage, load_settings().home, math.inf if again else 0.0)
    code = found.code_or_raise(storage.shown)
    if found.why is not None:
        remedy = f"\n{found.remedy}" if found.remedy else ""
        text = f"{storage.shown}: {found.why}; the code of an earlier look is used{remedy}"
        warnings.warn(text, stacklevel=3)
    used = use(code) if code.revision else None
    if code.revision and used is None:
        raise SourceFailed(storage.shown, "its checkout was removed meanwhile", "try again")
    return Stored(storage, code, entry, used)
