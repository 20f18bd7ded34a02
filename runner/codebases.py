"""The places that code comes from; for each the spawner that has its newest good code loaded."""

from __future__ import annotations

from orchestrator.model.code import Code
from orchestrator.model.deployment import ServedCode
from orchestrator.model.serving import BESIDE, ServingSpec, StoredCode

from .spawners import Spawner


class Codebase:
    """One place: a storage, or the folder of the serving script (and what it pickled)."""

    def __init__(self, spec: ServingSpec, key: str) -> None:
        self._spec, self.key = spec, key
        self.flows = tuple(spec.flows_of(key))
        """Full names."""
        self.stored: StoredCode | None = spec.storages.get(key)
        self.current = Spawner(key).start(spec, None if self.stored is None else self.stored.code)
        self.candidate: Spawner | None = None
        """Loads newer code; nothing runs in it before it has shown that it can."""
        self.pinned: dict[str, Spawner] = {}
        """Revision -> spawner, for runs that are done again with the code they had."""
        self.deaths_in_a_row = 0
        self.trouble: str | None = None
        """Why its newest code is not the one that serves."""

    @property
    def shown(self) -> str:
        """The place, for people."""
        return "the script" if self.stored is None else self.stored.shown

    def is_at(self, revision: str) -> bool:
        """Whether that is what serves."""
        return self.current.code is not None and revision in (
            self.current.code.revision,
            self.current.content,
        )

    def served(self, name: str) -> ServedCode:
        """What runs of this deployment execute."""
        return ServedCode(
            source=self.shown,
            commit=self.current.commit or None,
            content_hash=self.current.content,
            trouble=self.trouble,
            misfit=self.current.misfits.get(name),
        )

    def start(self, code: Code | None) -> Spawner:
        """A further spawner of this place."""
        return Spawner(self.key).start(self._spec, code)

    def renew(self) -> Spawner:
        """A new current spawner, with the same code."""
        self.current = self.start(self.current.code)
        return self.current


def codebases(spec: ServingSpec) -> dict[str, Codebase]:
    """All places of a spec by their keys; their spawners begin to load."""
    return {key: Codebase(spec, key) for key in spec.places or (BESIDE,)}
