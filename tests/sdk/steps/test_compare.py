"""Two candidates or releases side by side: the same rows or not at all, and what changed between them."""

from __future__ import annotations

import json

import pytest
from vendorkit.adapters.store import Store
from vendorkit.documents.comparison import FORMATS
from vendorkit.records.comparison import Comparison, rows_of
from vendorkit.records.gate_report import GateReport

from tests.support.reports import ERROR, FAIL, HOSTILE, PASS, SEGMENTS, full_report, hostile, report
from tests.support.world import World

BETTER = {"roc_auc": "higher", "brier": "lower"}


def comparison(a: GateReport, b: GateReport) -> Comparison:
    return Comparison("credit/1", "credit/2", "binary", b.benchmarks, tuple(rows_of(a, b, BETTER)), ())  # type: ignore[arg-type]


def test_numbers_stand_beside_each_other() -> None:
    better = FAIL.model_copy(update={"value": 0.8, "verdict": "pass"})
    (row,) = rows_of(report(FAIL), report(better), {"roc_auc": "higher"})
    assert row.a is not None
    assert row.b is not None
    assert (row.a.value, row.b.value, row.a.verdict, row.b.verdict) == (0.712, 0.8, "fail", "pass")
    assert row.difference == pytest.approx(0.088)
    assert row.better == "b"
    assert (row.a.n, row.a.interval) == (30_000, FAIL.interval)


def test_lower_is_better_for_losses_and_nobody_wins_a_tie() -> None:
    first = FAIL.model_copy(update={"metric": "brier", "value": 0.1})
    second = first.model_copy(update={"value": 0.2})
    (row,) = rows_of(report(first), report(second), {"brier": "lower"})
    assert row.better == "a"
    (row,) = rows_of(report(first), report(first), {"brier": "lower"})
    assert (row.difference, row.better) == (0.0, "")


def test_segments_are_matched_by_name_and_a_gate_that_asks_something_else_is_not_compared() -> None:
    other = FAIL.model_copy(update={"benchmark": "covid-2020"})
    rows = list(rows_of(report(SEGMENTS, FAIL), report(SEGMENTS, other), {"roc_auc": "higher"}))
    assert [row.part for row in rows if row.gate == "g-young"] == ["", *(cell.name for cell in SEGMENTS.cells)]
    assert all(row.difference == 0.0 for row in rows if row.part == "age < 25")
    apart = [row for row in rows if row.gate == "g-auc"]
    assert [(row.a is None, row.b is None) for row in apart] == [(True, False), (False, True)]


@pytest.mark.parametrize("form", FORMATS)
def test_every_form_shows_both_sides(form: str) -> None:
    better = FAIL.model_copy(update={"value": 0.8, "verdict": "pass"})
    shown = FORMATS[form](comparison(report(PASS, FAIL, ERROR), report(PASS, better, ERROR)))
    assert "0.712" in shown
    assert "0.8" in shown
    assert "frozen-2025q4" in shown
    if form != "json":
        assert "better in 1, worse in 0 of 3 gates" in shown


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text: str) -> None:
    found = comparison(hostile(text), hostile(text))
    shown = FORMATS["text"](found)
    assert all(sign == "\n" or sign.isprintable() for sign in shown)
    assert "<script>" not in FORMATS["html"](found)
    assert FORMATS["html"](found).count("<tr>") == FORMATS["html"](comparison(hostile("x"), hostile("x"))).count("<tr>")
    assert "<" not in FORMATS["markdown"](found).replace("\\<", "")
    json.loads(FORMATS["json"](found))


def test_a_release_and_a_candidate(live: World) -> None:
    live.edit("models/credit/pipeline.py", "C=", "C=0.5 * ")
    candidate = str(live.ok("train")["candidate"])
    answer = live.run("compare", "credit@champion", candidate[7:19])
    assert answer.code == 2, "its gates were not asked"
    assert "vendorkit gate" in json.dumps(answer.result)
    live.run("gate")
    result = live.ok("compare", "credit@champion", candidate[7:19])
    assert (result["a"], result["task"]) == ("credit/1", "binary")
    row = next(row for row in result["rows"] if row["gate"] == "g-auc")
    assert row["difference"] == pytest.approx(row["b"]["value"] - row["a"]["value"])
    assert {"training"} <= {change["part"] for change in result["changes"]}
    assert "packages" not in {change["part"] for change in result["changes"]}
    text = live.run("compare", "credit/1", candidate[7:19], as_json=False).out
    assert "g-auc" in text
    assert "What changed" in text

    # other rows: refused
    folder = Store(live.repo).report_folder(candidate)
    value = json.loads((folder / "gate-report.json").read_text())
    value["benchmarks"][0]["content_digest"] = "sha256:" + "0" * 64
    (folder / "gate-report.json").write_text(json.dumps(value))
    refused = live.run("compare", "credit/1", candidate[7:19])
    assert refused.code == 1
    assert "has other rows" in json.dumps(refused.result)


def test_names_that_lead_nowhere(live: World) -> None:
    for name in ("credit/9", "credit@nobody", "!", "ffffffffffff"):
        answer = live.run("compare", name, "credit/1")
        assert answer.code == 2, (name, answer.out)


def test_the_whole_report_can_be_compared_with_itself() -> None:
    found = comparison(full_report(), full_report())
    assert all(not row.difference for row in found.rows)
    assert "better in 0, worse in 0 of 5 gates" in FORMATS["text"](found)
