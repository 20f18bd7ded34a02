"""The OpenAPI document, and the page that shows it."""

from __future__ import annotations

import re

from orchestrator.client.problems import MEDIA_TYPE
from tests.api.serving import Served


def test_every_operation_says_how_it_refuses(api: Served) -> None:
    document = api.get("/api/v1/openapi.json").document

    operations = [each for path in document["paths"].values() for each in path.values()]
    assert len({each["operationId"] for each in operations}) == len(operations) > 40
    for operation in operations:
        assert list(operation["responses"]["default"]["content"]) == [MEDIA_TYPE]
        assert operation["description"], operation["operationId"]
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_links_lead_to_what_there_is(api: Served) -> None:
    document = api.get("/api/v1/openapi.json").document
    operations = {
        each["operationId"]: each for path in document["paths"].values() for each in path.values()
    }
    links = [
        link
        for operation in operations.values()
        for answer in operation["responses"].values()
        for link in answer.get("links", {}).values()
    ]

    assert len(links) > 100
    for link in links:
        taken = {each["name"] for each in operations[link["operationId"]]["parameters"]}
        assert link["parameters"].keys() <= taken


def test_the_reference_page_loads_nothing_from_elsewhere(api: Served) -> None:
    page = api.get("/api/reference").body.decode()

    loaded = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert loaded
    loaded.remove("data:,")
    assert all(each.startswith("/api/") for each in loaded)
    for each in loaded:
        answer = api.get(each)
        assert answer.status == 200
        assert b"http://" not in answer.body
        assert b"https://" not in answer.body
    assert "<script>" not in page
    assert not re.search(r"\son\w+=|style=", page)
