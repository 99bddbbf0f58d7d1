"""What is counted of data, each figure on data that is fit and on data that is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest
import yaml
from vendorkit.errors import BadInput
from vendorkit.records.data_contract import read_rules
from vendorkit.tracking.contract_counting import violations
from vendorkit.tracking.counting import COUNTS, data
from vendorkit.tracking.hashes import row_hashes
from vendorkit.tracking.subject import Measuring

from tests.sdk.tracking.conftest import in_threes
from tests.support.shared import shared_data

Make = Callable[..., Measuring]

CONTRACT: dict[str, Any] = {
    "apiVersion": "v3.1.0",
    "kind": "DataContract",
    "id": "acme-loans",
    "version": "1.0.0",
    "status": "active",
    "schema": [
        {
            "name": "loans",
            "logicalType": "object",
            "properties": [
                {"name": "key", "logicalType": "integer", "primaryKey": True, "required": True, "unique": True},
                {"name": "age", "logicalType": "integer", "logicalTypeOptions": {"minimum": 18, "maximum": 99}},
                {"name": "income", "logicalType": "number", "logicalTypeOptions": {"exclusiveMinimum": 0}},
                {
                    "name": "home",
                    "logicalType": "string",
                    "logicalTypeOptions": {"maxLength": 6, "pattern": "^[a-z]+$"},
                    "quality": [
                        {"metric": "invalidValues", "arguments": {"validValues": ["own", "rent"]}, "mustBe": 0},
                        {"metric": "nullValues", "unit": "percent", "mustBeLessThan": 20},
                        {"type": "sql", "query": "SELECT 1", "mustBe": 1, "name": "only SQL can tell"},
                    ],
                },
                {"name": "on", "logicalType": "timestamp", "logicalTypeOptions": {"minimum": "2026-01-01T00:00:00Z"}},
                {"name": "bad", "logicalType": "integer"},
            ],
            "quality": [{"metric": "rowCount", "mustBeBetween": [5, 10]}],
        }
    ],
}
TEXT = yaml.safe_dump(CONTRACT, sort_keys=False)


def test_the_contract_of_these_tests_is_one() -> None:
    jsonschema.validate(CONTRACT, json.loads(shared_data("../schemas/odcs/odcs-json-schema-v3.1.0.json").read_text()))


def broken(frame: pd.DataFrame) -> dict[str, int]:
    cells = violations(frame, read_rules(TEXT.encode(), "loans", "loans.odcs.yaml"))
    return {cell["name"]: cell["value"] for cell in cells if cell["value"]}


def test_rows_that_keep_the_contract(rows: pd.DataFrame) -> None:
    assert broken(rows) == {}


CHANGES: dict[str, tuple[dict[str, Any], dict[str, int]]] = {
    "a range": ({"age": [17, 100, 40, 50, 60, 70, 80, 90]}, {"age is at least 18": 1, "age is at most 99": 1}),
    "an open range": ({"income": [0.0] * 8}, {"income is above 0": 8}),
    "a type": ({"age": ["old"] * 8}, {"age is of type integer": 8}),
    "fractions": ({"age": [20.5] * 8}, {"age is of type integer": 8}),
    "missing and twice": (
        {"key": [1, 1, None, 4, 5, 6, 7, 8]}, {"key is never missing": 1, "key is unique": 1}
    ),
    "an unknown value": ({"home": ["own", "boat"] * 4}, {"home: invalidValues must be 0, is 4": 1}),
    "too many missing": (
        {"home": [None, None, *["own"] * 6]}, {"home: nullValues must be less than 20 %, is 25 %": 1}
    ),
    "a form": (
        {"home": ["Own", *["rent"] * 7]},
        {"home has the form ^[a-z]+$": 1, "home: invalidValues must be 0, is 1": 1},
    ),
    "an early day": ({"on": pd.to_datetime(["2025-12-31"] * 8, utc=True)}, {"on is at least 2026-01-01T00:00:00Z": 8}),
    "a column that nobody described": ({"secret": 1}, {"secret is not in the contract": 1}),
}  # fmt: skip


@pytest.mark.parametrize(("change", "says"), CHANGES.values(), ids=CHANGES.keys())
def test_each_rule_is_counted(rows: pd.DataFrame, change: dict[str, Any], says: dict[str, int]) -> None:
    assert broken(rows.assign(**change)) == says


def test_a_column_and_rows_that_are_missing(rows: pd.DataFrame) -> None:
    assert broken(rows.drop(columns="age")) == {"age is missing": 8}
    assert broken(rows.head(3)) == {"the table: rowCount must be between [5, 10], is 3": 1}


BAD_CONTRACTS = {
    "no contract": ("kind: Other\n", "expected DataContract"),
    "no columns": ("kind: DataContract\nschema: [{name: loans}]\n", "describes no columns"),
    "another table": ("kind: DataContract\nschema: [{name: a}, {name: b}]\n", "has no table 'loans'"),
    "a rule that is none": (
        "kind: DataContract\nschema: [{name: loans, properties: [{name: a, quality: [{metric: magic, mustBe: 0}]}]}]\n",
        "metric 'magic'",
    ),
    "a limit that is none": (
        "kind: DataContract\nschema: [{name: l, properties: [{name: a, logicalTypeOptions: {minimum: low}}]}]\n",
        "is 'low'",
    ),
}


@pytest.mark.parametrize(("text", "why"), BAD_CONTRACTS.values(), ids=BAD_CONTRACTS.keys())
def test_a_contract_that_cannot_be_read_is_told(text: str, why: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_rules(text.encode(), "loans", "loans.odcs.yaml")
    assert why in str(refused.value)


def ask(measuring: Measuring, metric: str, *columns: str, held: bool = True, text: str = TEXT) -> dict[str, Any]:
    benchmark = measuring.__dict__["held"] if held else None
    contracts = {"loans": {"path": "loans.odcs.yaml", "text": text}}
    return data(measuring, {"metric": metric, "benchmark": benchmark, "columns": list(columns), "contracts": contracts})


def value(found: dict[str, Any]) -> float:
    (only,) = found["values"].values()
    return float(only)


def test_the_figures_of_data_that_is_fit(measuring: Make, rows: pd.DataFrame) -> None:
    later = rows.assign(key=rows["key"] + 100, on=rows["on"] + pd.Timedelta(days=30))
    asked = measuring(held=later)
    found = ask(asked, "contract_violations")
    assert value(found) == 0
    assert found["notes"] == ["Not counted, another tool must judge it: loans, home: only SQL can tell"]
    assert value(ask(asked, "missing_share")) == 0
    assert value(ask(asked, "rows")) == 8
    assert value(ask(asked, "label_share")) == 1
    assert value(ask(asked, "label_balance")) == 0.5
    assert value(ask(asked, "shared_rows")) == 0
    assert value(ask(asked, "shared_keys", "key")) == 0
    assert value(ask(asked, "time_overlap", "on")) == 0
    assert value(ask(asked, "age_days")) < 1
    since = (datetime.now(UTC) - datetime(2026, 2, 7, tzinfo=UTC)).total_seconds() / 86_400
    assert value(ask(asked, "age_days", "on")) == pytest.approx(since, abs=0.01)


def test_the_figures_of_data_that_is_not(measuring: Make, rows: pd.DataFrame) -> None:
    held = rows.assign(income=[np.nan, *rows["income"][1:]], bad=[np.nan, 1, 1, 1, 1, 1, 1, 1])
    asked = measuring(held=held)
    assert value(ask(asked, "missing_share", "income")) == 1 / 8
    assert value(ask(asked, "label_share")) == 7 / 8
    assert value(ask(asked, "label_balance")) == 1
    assert value(ask(asked, "shared_rows")) == 4, "rows 2, 4, 6 and 8 have their old label"
    keys = ask(asked, "shared_keys", "key")
    assert (value(keys), keys["says"]) == (8, "They are rows 1, 2, 3 of the benchmark.")
    assert value(ask(asked, "time_overlap", "on")) == 8
    assert value(ask(asked, "rows", held=False)) == 8


@pytest.mark.parametrize(
    ("metric", "columns", "why"),
    [
        ("time_overlap", ("age",), "expected a date or a time"),
        ("shared_keys", ("no",), "there is no column no"),
        ("missing_share", ("no",), "there is no column no"),
    ],
)
def test_what_cannot_be_counted_is_told(measuring: Make, metric: str, columns: tuple[str, ...], why: str) -> None:
    with pytest.raises(BadInput, match=why):
        ask(measuring(), metric, *columns)


def test_a_label_of_many_values_has_no_balance(measuring: Make, rows: pd.DataFrame) -> None:
    with pytest.raises(BadInput, match="its balance is known for 0 and 1 only"):
        ask(measuring(held=rows.assign(bad=range(8))), "label_balance")


def test_of_several_classes_the_rarest_counts(measuring: Make, rows: pd.DataFrame) -> None:
    held = rows.assign(bad=["a", "a", "b", "b", "b", "c", None, "a"])
    asked = measuring(held=held)
    several = Measuring(replace(asked.subject, task="multiclass"), asked.folder, fitted=1)
    several.__dict__["held"] = asked.__dict__["held"]
    found = ask(several, "label_balance")
    assert (value(found), found["n"], found["says"]) == (1 / 7, 7, "The rarest class is c, with 1 rows.")
    assert {each["name"]: each["value"] for each in found["cells"]} == {"a": 3 / 7, "b": 3 / 7, "c": 1 / 7}


def test_a_dataset_without_a_contract_is_told(measuring: Make) -> None:
    with pytest.raises(BadInput, match="no data contract"):
        data(measuring(), {"metric": "contract_violations", "contracts": {}})


@pytest.mark.parametrize("metric", sorted(COUNTS))
def test_batches_add_up_to_the_whole(
    measuring: Make, rows: pd.DataFrame, metric: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = rows.assign(
        income=[np.nan, *rows["income"][1:]], bad=[np.nan, 1, 1, 0, 1, 1, 1, 1], key=[1, 2, 2, None, 9, 9, 7, 8]
    ).assign(age=[17.5, *rows["age"][1:]])
    named = {"age_days": ["on"], "time_overlap": ["on"], "shared_keys": ["key"]}.get(metric, [])
    asked = measuring(held=held)
    whole = ask(asked, metric, *named)
    monkeypatch.setattr("vendorkit.tracking.plan.MOST_ROWS", 5)
    monkeypatch.setattr("vendorkit.tracking.counting.frozen_batches", in_threes)
    monkeypatch.setattr("vendorkit.tracking.batches.frozen_batches", in_threes)
    parts = ask(asked, metric, *named)
    assert whole == parts if metric != "age_days" else value(whole) == pytest.approx(value(parts), abs=1e-3)


def test_hashes_tell_large_numbers_apart_and_equal_ones_alike() -> None:
    large = pd.DataFrame({"id": [2**53, 2**53 + 1, 5]})
    assert len(set(row_hashes(large))) == 3
    assert row_hashes(pd.DataFrame({"id": [5.0, -0.0]})).tolist() == row_hashes(pd.DataFrame({"id": [5, 0]})).tolist()
    assert len(set(row_hashes(pd.DataFrame({"id": [np.nan, np.nan, 0.5]})))) == 2


@pytest.mark.parametrize(
    ("schema", "where"),
    [
        ("3", "schema"),
        ("[3]", "schema[0]"),
        ("[{name: loans, properties: 3}]", "schema.properties"),
        ("[{name: loans, properties: [3]}]", "schema.properties[0]"),
        ("[{name: loans, properties: [{name: a, logicalType: [integer]}]}]", "schema.properties[0].logicalType"),
        ("[{name: loans, properties: [{name: a, logicalTypeOptions: 3}]}]", "schema.properties[0].logicalTypeOptions"),
        (
            "[{name: loans, properties: [{name: a, logicalTypeOptions: {pattern: '('}}]}]",
            "schema.properties[0].logicalTypeOptions.pattern",
        ),
        (
            "[{name: loans, properties: [{name: a, primaryKey: true, primaryKeyPosition: x}]}]",
            "schema.properties[0].primaryKeyPosition",
        ),
        ("[{name: loans, properties: [{name: a}], quality: all}]", "schema.quality"),
        ("[{name: loans, properties: [{name: a}], quality: [all]}]", "schema.quality[0]"),
        (
            "[{name: loans, properties: [{name: a, quality: [{metric: nullValues, mustBe: '0'}]}]}]",
            "schema.properties[0].quality[0].mustBe",
        ),
        (
            "[{name: loans, properties: [{name: a}], quality: [{metric: rowCount, mustBeBetween: 5}]}]",
            "schema.quality[0].mustBeBetween",
        ),
        (
            "[{name: loans, properties: [{name: a, quality: [{metric: invalidValues, mustBe: 0, arguments: own}]}]}]",
            "schema.properties[0].quality[0].arguments",
        ),
        (
            "[{name: loans, properties: [{name: a, quality:"
            " [{metric: invalidValues, mustBe: 0, arguments: {pattern: '('}}]}]}]",
            "schema.properties[0].quality[0].arguments.pattern",
        ),
    ],
)
def test_a_contract_of_another_form_is_refused_with_the_place(schema: str, where: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_rules(f"kind: DataContract\nschema: {schema}\n".encode(), "loans", "c.yaml")
    assert [fault.where for fault in refused.value.faults] == [f"c.yaml: {where}"]
