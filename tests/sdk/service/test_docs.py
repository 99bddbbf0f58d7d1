"""The page on calling the service says what the service does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from vendorkit.service.problems import KINDS, MOST_FAULTS
from vendorkit.service.servable import Limits

from tests.support.service import contract, is_problem, running

PAGE = (Path(__file__).parents[3] / "docs/how-to/call-the-service.md").read_text("utf-8")


def shown(value: Any) -> Any:
    """A value without what differs from call to call."""
    if isinstance(value, dict):
        return {key: shown(item) for key, item in value.items() if key not in ("id", "score")}
    return [shown(item) for item in value] if isinstance(value, list) else value


def test_the_request_on_the_page_is_answered_as_on_the_page(tmp_path: Path) -> None:
    asked, answered, refused = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
    with running(tmp_path, of=contract(max_age_days=None)) as client:
        answer = client.post("/v1/predict", json=asked).json()
        row = {"age": False, "purpose": "car", "owns_home": True}
        problem = is_problem(client.post("/v1/predict", json={"rows": [row]}), 422)
    assert shown(answer) == shown(answered)
    assert problem == refused


def test_every_status_and_limit_is_on_the_page() -> None:
    assert all(str(status) in PAGE for status, _ in KINDS.values())
    limits = Limits()
    assert f"{limits.max_rows:,} rows or {limits.max_body_bytes // 2**20} MiB" in PAGE
    assert f"up to {MOST_FAULTS}" in PAGE
    assert f"more than {limits.body_seconds} seconds" in PAGE
