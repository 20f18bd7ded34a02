"""The form that asks for a run: of a deployment, or of an ended run again with other parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from starlette.responses import Response

from orchestrator.model.asked import Asked
from orchestrator.model.deployment import Deployment
from orchestrator.model.errors import InvalidInput, InvalidOption, InvalidParameters, RunIsOpen
from orchestrator.model.run import Run
from orchestrator.model.secrets import masked, secret_places
from orchestrator.operations import runs
from orchestrator.store.submission import create_run, find_deployment
from orchestrator.ui.form_documents import read_document
from orchestrator.ui.form_field import Form
from orchestrator.ui.form_fields import Fields
from orchestrator.ui.form_moments import NoMoment, moment
from orchestrator.ui.form_reading import read_form
from orchestrator.ui.form_rows import changed_rows
from orchestrator.ui.rendering import deployment_path
from orchestrator.ui.routing import pages
from orchestrator.ui.viewing import View, ViewNeeded

router = pages()

Texts = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Filling:
    """A form for parameters: whose, what it holds at first, and what was sent of it."""

    deployment: Deployment
    held: Mapping[str, Any]
    texts: Texts | None = None
    as_json: bool = False
    again: Run | None = None
    """The ended run that is to be done again."""

    @property
    def schema(self) -> Mapping[str, Any]:
        return self.deployment.parameter_schema

    def changes(self) -> dict[str, Any]:
        """The parameters that were changed.

        Raises:
            InvalidParameters: something cannot be read.
        """
        texts = self.texts or {}
        if self.as_json:
            return read_document(
                self.deployment.name, texts.get("json", ""), self.held, self.schema
            )
        fields = Fields(self.schema, texts).form(self.held).fields
        return read_form(self.deployment.name, fields, texts)

    def secrets_in(self, changes: Mapping[str, Any]) -> list[str]:
        """The changed parameters that hold secrets: those are never on a page, so what was typed
        of them is lost with it."""
        places = secret_places(self.schema)
        return [name for name in changes if masked(changes, places)[name] != changes[name]]

    def document(self, values: Mapping[str, Any]) -> str:
        """All values as JSON, secrets masked."""
        shown = masked(dict(values), secret_places(self.schema))
        return json.dumps(shown, indent=2, ensure_ascii=False)


@router.get("/deployments/{flow}/{own}/run")
async def run_form(flow: str, own: str, view: ViewNeeded) -> Response:
    """The empty form."""
    deployment = await view.store.follow(find_deployment(f"{flow}/{own}"))
    as_json = view.query.get("mode") == "json"
    return await _shown(view, Filling(deployment, deployment.parameters, as_json=as_json))


@router.post("/deployments/{flow}/{own}/run")
async def ask(flow: str, own: str, view: ViewNeeded) -> Response:
    """Ask for the run; what was refused is said beside its field."""
    deployment = await view.store.follow(find_deployment(f"{flow}/{own}"))
    filling = await _sent(view, deployment, deployment.parameters)
    if other := await _switched(view, filling):
        return other
    try:
        asked = Asked(
            deployment=deployment.name,
            parameters=filling.changes(),
            created_by=view.by,
            **_options(filling.texts or {}),
        )
        run = await view.store.follow(create_run(asked))
    except InvalidInput as error:
        return await _refused(view, filling, error)
    return view.done(f"Run {run.name} was asked for.", f"/runs/{run.id}")


@router.get("/runs/{run_id}/retry")
async def retry_form(run_id: str, view: ViewNeeded) -> Response:
    """The form with what the ended run was given."""
    run, deployment = await _ended(view, run_id)
    as_json = view.query.get("mode") == "json"
    return await _shown(view, Filling(deployment, run.parameters, as_json=as_json, again=run))


@router.post("/runs/{run_id}/retry")
async def retry(run_id: str, view: ViewNeeded) -> Response:
    """Do an ended run again; without fields, as it was."""
    run, deployment = await _ended(view, run_id)
    filling = await _sent(view, deployment, run.parameters, run)
    if other := await _switched(view, filling):
        return other
    try:
        changes = filling.changes() if filling.texts else {}
        again = await view.store.follow(runs.retry(run_id, changes))
    except InvalidInput as error:
        if view.wants_json:
            raise
        return await _refused(view, filling, error)
    return view.done(f"Run {run.name} was asked for again.", f"/runs/{again.id}")


@router.get("/moment")
async def what_it_means(view: ViewNeeded) -> Response:
    """What a local time means in a zone, in words."""
    at, zone = view.query.get("at", "").strip(), view.query.get("zone", "").strip()
    return view.part("moment.html", at=at, zone=zone)


async def _ended(view: View, run_id: str) -> tuple[Run, Deployment]:
    run = await view.store.follow(runs.read(run_id))
    if not run.is_final:
        raise RunIsOpen(run_id, run.state)
    return run, await view.store.follow(find_deployment(run.deployment))


async def _sent(
    view: View, deployment: Deployment, held: Mapping[str, Any], again: Run | None = None
) -> Filling:
    texts = {name: str(text) for name, text in (await view.form()).items()}
    return Filling(deployment, held, texts, texts.get("mode") == "json", again)


async def _switched(view: View, filling: Filling) -> Response | None:
    """The other way to fill the same form, or the form with other rows, when that was asked for;
    None when it was not."""
    texts = filling.texts or {}
    if "rows" in texts:
        changed = changed_rows(texts["rows"], texts)
        form = Fields(filling.schema, changed).form(filling.held)
        return await _shown(view, replace(filling, texts=changed), form=form)
    if "switch" not in texts:
        return None
    try:
        changes = filling.changes()
    except InvalidParameters as error:
        return await _refused(view, filling, error)
    values = {**filling.held, **changes}
    options = {name: text for name, text in texts.items() if name in ("name", "tags", "at", "zone")}
    to_json = not filling.as_json
    options |= {"json": filling.document(values)} if to_json else {}
    other = Filling(filling.deployment, filling.held, options, to_json, filling.again)
    filled = None if to_json else Fields(filling.schema, fresh=changes).form(values)
    return await _shown(view, other, form=filled, unsent=filling.secrets_in(changes))


async def _refused(view: View, filling: Filling, error: InvalidInput) -> Response:
    faults = error.faults if isinstance(error, InvalidParameters) else ()
    form = Fields(filling.schema, filling.texts, faults).form(filling.held)
    loose = list(form.faults)
    if filling.as_json:
        loose = [f"{each.where} {each.what}".strip() for each in faults]
    if not isinstance(error, InvalidParameters):
        loose = [str(error)]
    return await _shown(view, filling, 422, form=form, loose=loose)


async def _shown(
    view: View,
    filling: Filling,
    status: int = 200,
    form: Form | None = None,
    loose: Sequence[str] = (),
    unsent: Sequence[str] = (),
) -> Response:
    texts = filling.texts or {}
    return await view.page(
        "run_form.html",
        status,
        filling=filling,
        deployment=filling.deployment,
        place=deployment_path(filling.deployment.name),
        form=form or Fields(filling.schema).form(filling.held),
        loose=loose,
        unsent=unsent,
        document=texts.get("json") or filling.document(filling.held),
        options={name: texts.get(name, "") for name in ("name", "tags", "at", "zone")},
    )


def _options(texts: Texts) -> dict[str, Any]:
    """Start time, tags and name.

    Raises:
        InvalidOption: the time cannot be used.
    """
    tags = [tag.strip() for tag in texts.get("tags", "").split(",") if tag.strip()]
    return {
        "tags": tags,
        "name": texts.get("name", "").strip() or None,
        "scheduled_at": _moment(texts.get("at", ""), texts.get("zone", "")),
    }


def _moment(text: str, zone: str) -> datetime | None:
    if not text.strip():
        return None
    try:
        return moment(text, zone.strip() or "UTC").at
    except NoMoment as error:
        raise InvalidOption("start time", text, str(error)) from None
