"""The pointer file of a frozen dataset."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from vendorkit.errors import BadInput
from vendorkit.records.snapshot import Snapshot
from vendorkit.records.table_digest import content_digest

GOLDEN = json.loads((Path(__file__).parent / "golden" / "snapshot.json").read_text("utf-8"))


def test_a_pointer_may_be_written_for_people() -> None:
    pretty = json.dumps(GOLDEN, indent=2) + "\n"
    assert Snapshot.parse(pretty, "a.lock.json").to_value() == GOLDEN


def test_its_content_digest_follows_from_its_columns() -> None:
    record = Snapshot.parse(json.dumps(GOLDEN), "a.lock.json")
    assert content_digest(record.columns, record.rows) == record.content_digest


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"order": "random"}, "order"),
        ({"rows": "1000"}, "rows"),
        ({"content_digest": "3f2a"}, "content_digest"),
        ({"path": "data/applications.csv"}, "path"),
        ({"columns": [{"name": "a"}]}, "columns[0].type"),
    ],
)
def test_a_wrong_pointer_is_refused_by_key(change: dict[str, Any], where: str) -> None:
    with pytest.raises(BadInput) as caught:
        Snapshot.parse(json.dumps({**GOLDEN, **change}), "a.lock.json")
    assert f"a.lock.json: {where}" in [fault.where for fault in caught.value.faults]
