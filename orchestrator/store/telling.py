"""What a run says of itself while it goes: its name, how far it has come."""

from __future__ import annotations

from orchestrator.model.ids import RunId
from orchestrator.store.requests import Request, Word, as_word, for_run


def name_run(run_id: RunId, token: str, name: str) -> Request[Word]:
    """Give it the name that its flow makes: ``ok``, ``named`` (it has one), ``lease_lost`` or
    ``gone``."""
    return for_run(run_id, "name_run", as_word, token=token, name=name)


def set_progress(run_id: RunId, token: str, progress: str) -> Request[Word]:
    """Note how far it has come, as JSON text: ``ok``, ``lease_lost`` or ``gone``."""
    return for_run(run_id, "set_progress", as_word, token=token, progress=progress)
