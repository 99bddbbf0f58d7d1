"""Records: read whole or not at all, with every fault named at once."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError
from vendorkit.errors import BadInput
from vendorkit.records.base import Digest, Record, Timestamp, Value, key_path, now

DIGEST = "sha256:" + "0" * 64


class Part(Value):
    name: str
    rows: int


class Sample(Record):
    schema_name: ClassVar[str] = "vendorkit/sample/1"

    parent: Digest
    at: Timestamp
    parts: tuple[Part, ...] = ()
    ratio: float | None = None


GOOD: dict[str, Any] = {
    "schema": "vendorkit/sample/1",
    "parent": DIGEST,
    "at": "2026-11-22T10:00:00.123Z",
    "parts": [{"name": "a", "rows": 1}],
    "ratio": None,
}


def faults_of(value: Any) -> dict[str, str]:
    with pytest.raises(BadInput) as caught:
        Sample.parse(json.dumps(value), "s.json")
    return {fault.where: fault.says for fault in caught.value.faults}


def test_a_record_reads_back_and_keeps_its_digest() -> None:
    record = Sample.parse(json.dumps(GOOD, indent=2), "s.json")
    assert record.parts == (Part(name="a", rows=1),)
    assert Sample.parse(record.to_bytes(), "s.json") == record
    assert record.to_value() == GOOD
    assert record.digest == Sample.parse(json.dumps(dict(reversed(GOOD.items()))), "s.json").digest


def test_another_value_is_another_digest() -> None:
    record = Sample.parse(json.dumps(GOOD), "s.json")
    assert record.digest == record.model_copy().digest
    assert record.model_copy(update={"ratio": 0.5}).digest != record.digest


def test_records_are_frozen() -> None:
    record = Sample.parse(json.dumps(GOOD), "s.json")
    with pytest.raises(ValidationError):
        record.ratio = 1.0


def test_all_faults_are_told_at_once() -> None:
    value = {
        **GOOD,
        "schema": "vendorkit/other/1",
        "parent": "md5:1",
        "at": "yesterday",
        "parts": [{"name": "a", "rows": 1}, {"name": 7, "rows": "1", "size": 3}],
        "more": True,
    }
    found = faults_of(value)
    assert found == {
        "s.json: at": r'is "yesterday"; expected text of the form ^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$.',
        "s.json: more": "is not a key of this record.",
        "s.json: parent": 'is "md5:1"; expected text of the form ^sha256:[0-9a-f]{64}$.',
        "s.json: parts[1].name": "is 7; expected text.",
        "s.json: parts[1].rows": 'is "1"; expected a whole number.',
        "s.json: parts[1].size": "is not a key of this record.",
        "s.json: schema": "is 'vendorkit/other/1'; expected 'vendorkit/sample/1'.",
    }


@pytest.mark.parametrize("key", ["parent", "at", "schema"])
def test_a_missing_field_is_named(key: str) -> None:
    assert list(faults_of({name: part for name, part in GOOD.items() if name != key})) == [f"s.json: {key}"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("parent", "sha256:" + "A" * 64),
        ("parent", DIGEST + "\n"),
        ("at", "2026-11-22T10:00:00+01:00"),
        ("at", "2026-11-22"),
        ("ratio", "0.5"),
        ("parts", {"name": "a", "rows": 1}),
    ],
)
def test_values_of_the_wrong_form_are_refused(key: str, value: Any) -> None:
    assert list(faults_of({**GOOD, key: value})) == [f"s.json: {key}"]


@pytest.mark.parametrize("value", [[], "text", 1, None], ids=repr)
def test_json_that_is_no_object_is_no_record(value: Any) -> None:
    assert faults_of(value) == {"s.json": "expected a JSON object."}


def test_key_paths_read_like_code() -> None:
    assert key_path(("inputs", 0, "digest")) == "inputs[0].digest"
    assert key_path(()) == ""


def test_now_is_a_timestamp() -> None:
    assert Sample(parent=DIGEST, at=now()).at.endswith("Z")


@pytest.mark.parametrize(
    ("value", "says"),
    [("[" * 500 + "]" * 500, "nested too deeply"), ('"\\ud800"', "non-UTF-8")],
    ids=["deep", "half a character"],
)
def test_a_hostile_value_is_told_with_its_file(value: str, says: str) -> None:
    with pytest.raises(BadInput) as refused:
        Sample.parse(f'{{"schema": "vendorkit/sample/1", "parent": {value}}}', "s.json")
    (fault,) = refused.value.faults
    assert fault.where == "s.json"
    assert says in fault.says
