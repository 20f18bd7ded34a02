"""What the OpenAPI document says is what the API does: thousands of requests made from it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.api.serving import Served
from tests.cli.seeds import Seeds

EXAMPLES = 8

NOT_CHECKED = "positive_data_acceptance"
"""Some rules are beyond a schema (one of three kinds, a cron expression that fires): what breaks
them fits the document, and is refused."""


@pytest.mark.long
@pytest.mark.timeout(600)
def test_the_api_does_what_its_document_says(api: Served, seeds: Seeds, tmp_path: Path) -> None:
    seeds.deployment()
    words = [
        str(Path(sys.executable).with_name("schemathesis")),
        "run",
        f"{api.url}/api/v1/openapi.json",
        *("--seed", "1", "--generation-deterministic", "--workers", "1", "--no-color"),
        *("--max-examples", str(EXAMPLES), "--exclude-checks", NOT_CHECKED),
        *("--suppress-health-check", "all", "--continue-on-failure"),
        *("--exclude-path-regex", "/stream$", "--request-timeout", "60"),
        *("--phases", "coverage,fuzzing"),  # the stateful one is in test_walks.py
    ]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout
