"""Asking the gates: what is compared with what, and that nothing that cannot be measured passes."""

from __future__ import annotations

import json
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from vendorkit.adapters.registry import Registry
from vendorkit.adapters.store import Store
from vendorkit.cli.commands.gate import FORMATS
from vendorkit.documents.gate_report import FORMATS as FORMS
from vendorkit.records.gate_report import GateReport

from tests.support.engagement import manifest_bytes, minimal_manifest
from tests.support.world import OTHER, PIPELINE, WORSE, World

FILE = "models/credit/pipeline.py"


def edit_manifest(world: World, change: Callable[[dict[str, Any]], object]) -> None:
    value = minimal_manifest()
    change(value)
    (world.repo / "engagement.yaml").write_bytes(manifest_bytes(**value))


def verdicts(answer: Any) -> dict[str, str]:
    return {finding["id"]: finding["verdict"] for finding in answer.envelope["findings"]}


def says(answer: Any, gate_id: str) -> str:
    return next(str(finding["says"]) for finding in answer.envelope["findings"] if finding["id"] == gate_id)


# What is written


def test_a_passing_candidate(gated: World) -> None:
    folder = Store(gated.repo).report_folder(Store(gated.repo).candidate(None).digest)
    report = GateReport.parse((folder / "gate-report.json").read_bytes(), "gate-report.json")
    assert report.passed
    assert report.against is None
    assert [(result.id, result.verdict) for result in report.results] == [("g-auc", "pass"), ("g-same", "pass")]
    assert [(use.id, use.rows) for use in report.benchmarks] == [("holdout", 250)]
    assert sorted(path.name for path in folder.iterdir()) == [
        "gate-report.html", "gate-report.json", "gate-report.junit.xml", "gate-report.md", "gate-report.prom",
        "gate-report.sarif", "gate-report.txt",
    ]  # fmt: skip


def test_the_answer_in_json(world: World) -> None:
    answer = world.run("gate")
    assert answer.code == 0
    assert answer.result["candidate"] == Store(world.repo).candidate(None).digest
    assert (answer.result["against"], answer.result["passed"]) == (None, True)
    assert set(answer.result["reports"]) == set(FORMATS)
    assert all(Path(path).is_file() for path in answer.result["reports"].values())
    first = answer.envelope["findings"][0]
    assert {"id", "verdict", "severity", "says", "where", "why", "fix"} <= set(first)
    assert {"value", "limit", "previous", "n", "interval"} <= set(first)
    assert (first["n"], first["previous"]) == (250, None)
    assert first["interval"][0] < first["value"] < first["interval"][1]


def test_every_format_reads_as_what_it_is(gated: World) -> None:
    report = Store(gated.repo).report(Store(gated.repo).candidate(None).digest)
    assert report is not None
    texts = {form: FORMS[form](report) for form in FORMATS}
    assert texts["text"].startswith("credit may ship: 2 gates passed.")
    assert texts["markdown"].startswith("## credit may ship")
    assert texts["html"].lstrip().lower().startswith("<!doctype html>")
    assert GateReport.parse(texts["json"], "report") == report
    suite = ET.fromstring(texts["junit"]).find("testsuite")  # noqa: S314  (our own output)
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("2", "0")
    assert json.loads(texts["sarif"])["version"] == "2.1.0"


def test_a_named_candidate_is_asked(world: World) -> None:
    first = Store(world.repo).candidate(None).digest
    world.edit(FILE, *WORSE)
    world.ok("train")
    assert world.ok("gate", first[7:15])["candidate"] == first


def test_a_failing_candidate_ends_with_1_and_is_told_in_words(world: World) -> None:
    world.edit(FILE, *WORSE)
    edit_manifest(world, lambda value: value["gates"][0].update(min=0.79))
    world.ok("train")
    answer = world.run("gate", as_json=False)
    assert answer.code == 1
    assert "credit may not ship: 1 of 2 gates failed." in answer.out
    assert "the limit is at least 0.79" in " ".join(answer.out.split())


# What is compared


def test_a_worse_model_than_the_live_one_is_refused(live: World) -> None:
    live.edit(FILE, *WORSE)
    edit_manifest(live, lambda value: value["gates"][0].update(min=0.5, max_drop_vs_current=0.001))
    live.ok("train")
    answer = live.run("gate", "--against", "1")
    assert answer.code == 1
    assert answer.result["against"] == "credit/1"
    assert verdicts(answer) == {"g-auc": "fail", "g-same": "pass"}
    assert "worse than the live version" in says(answer, "g-auc")
    assert answer.envelope["findings"][0]["value"] < answer.envelope["findings"][0]["previous"]


def test_a_limit_that_was_moved_with_the_model_is_flagged(live: World) -> None:
    def loosen(value: dict[str, Any]) -> None:
        value["gates"][0].update(min=0.6, min_rows=10)
        value["gates"].append({"id": "g-change", "kind": "change", "says": "What changed is known"})

    edit_manifest(live, loosen)
    live.edit(FILE, *OTHER)
    live.ok("train")
    assert live.run("gate").code == 0
    report = Store(live.repo).report(Store(live.repo).candidate(None).digest)
    assert report is not None
    notes = report.results[0].notes
    assert "The limit was loosened since the live version: `min` was 0.7 and is 0.6." in notes
    assert any("What it asks (`min`, `min_rows`) was changed in the same commit as the model" in note for note in notes)
    assert "Changed code (pipeline.py)" in report.results[-1].says
    assert "It asks something else than of the live version: `min_rows` changed." in notes
    live.commit("Nothing")
    live.ok("train")
    live.run("gate")
    again = Store(live.repo).report(Store(live.repo).candidate(None).digest)
    assert again is not None
    assert again.results[0].notes == notes  # a commit on top of it hides nothing


def test_an_equal_model_may_follow_the_live_one(live: World) -> None:
    live.edit(FILE, *OTHER)
    live.ok("train")
    answer = live.run("gate")
    assert answer.code == 0
    assert answer.result["against"] == "credit/1"
    assert answer.envelope["findings"][0]["previous"] == pytest.approx(0.805, abs=0.01)


NOWHERE = {
    "no such version": ("99", "is not registered; there is: 1"),
    "no such alias": ("challenger", "credit@challenger"),
    "a release": ("credit/1", "points nowhere"),
    "a number of another script": ("²", "points nowhere"),
    "a quote": ("'", "points nowhere"),
}


@pytest.mark.parametrize(("against", "why"), NOWHERE.values(), ids=NOWHERE.keys())
def test_nothing_to_compare_with_is_no_pass(live: World, against: str, why: str) -> None:
    report = Store(live.repo).report(Store(live.repo).candidate(None).digest)
    answer = live.run("gate", "--against", against)
    assert answer.code == 2
    assert why in str(answer.result["faults"])
    assert Store(live.repo).report(Store(live.repo).candidate(None).digest) == report


def test_an_alias_that_was_moved_by_hand_is_not_believed(live: World) -> None:
    Registry.open(live.repo).set_alias("credit", "shadow", 1)
    answer = live.run("gate", "--against", "shadow")
    assert answer.code == 1
    assert "moved past the rules" in str(answer.result["faults"])


def test_a_live_version_whose_files_were_changed_is_not_compared_with(live: World) -> None:
    (stored,) = (live.repo / ".vendorkit/registry").rglob("model.skops")
    stored.write_bytes(stored.read_bytes() + b"x")
    answer = live.run("gate")
    assert answer.code == 1
    assert "model.skops" in str(answer.result["faults"])


# What cannot be asked


def holdout(world: World) -> Path:
    return world.repo / "benchmarks/holdout.csv"


def edit_file(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


UNMEASURED: dict[str, tuple[Callable[[World], object], str]] = {
    "benchmark gone": (lambda world: holdout(world).unlink(), "does not exist"),
    "benchmark changed": (lambda world: edit_file(holdout(world), ",bad", ",good"), "is not what was frozen"),
}


@pytest.mark.parametrize(("break_it", "why"), UNMEASURED.values(), ids=UNMEASURED.keys())
def test_a_benchmark_that_is_not_what_was_frozen_is_an_error(
    world: World, break_it: Callable[[World], object], why: str
) -> None:
    break_it(world)
    answer = world.run("gate")
    assert answer.code == 1
    assert answer.result["passed"] is False
    assert verdicts(answer)["g-auc"] == "error"
    assert why in says(answer, "g-auc")


def test_a_benchmark_frozen_without_the_label_is_an_error(world: World) -> None:
    rows = [line.rsplit(",", 1)[0] for line in holdout(world).read_text().splitlines()]
    assert holdout(world).read_text().splitlines()[0].endswith(",creditability")
    holdout(world).write_text("\n".join(rows) + "\n")
    world.ok("snapshot", "holdout")
    answer = world.run("gate")
    assert answer.code == 1
    assert verdicts(answer) == {"g-auc": "error", "g-same": "pass"}
    assert "KeyError: 'creditability'" in says(answer, "g-auc")
    assert "models/credit/pipeline.py:" in says(answer, "g-auc")


def test_benchmarks_that_are_not_frozen_are_all_named(world: World) -> None:
    def two(value: dict[str, Any]) -> None:
        value["benchmarks"].append({**value["benchmarks"][0], "id": "crisis", "path": "benchmarks/crisis.lock.json"})
        value["gates"].append({**value["gates"][0], "id": "g-crisis", "benchmark": "crisis"})

    edit_manifest(world, two)
    (world.repo / "benchmarks/holdout.lock.json").write_text("{}")
    answer = world.run("gate")
    assert answer.code == 2
    assert "vendorkit snapshot crisis" in str(answer.result["faults"])
    assert "holdout.lock.json: schema" in str(answer.result["faults"])
    (world.repo / "benchmarks/holdout.lock.json").unlink()
    assert len(world.run("gate").result["faults"]) == 2


def test_no_gates_is_no_pass(world: World) -> None:
    edit_manifest(world, lambda value: value["gates"].clear())
    answer = world.run("gate")
    assert answer.code == 2
    assert "declares none for credit" in answer.out


def test_an_unknown_candidate_is_told_before_anything_is_measured(world: World) -> None:
    answer = world.run("gate", "fffffffff")
    assert answer.code == 2
    assert answer.err == ""


BAD_SCORES = {
    "too high": ("[1.5] * len(frame)", "expected the probability of class 1"),
    "not a number": ("[float('nan')] * len(frame)", "is missing or infinite"),
}


@pytest.mark.parametrize(("scores", "why"), BAD_SCORES.values(), ids=BAD_SCORES.keys())
def test_scores_that_are_no_probabilities_are_an_error(world: World, scores: str, why: str) -> None:
    world.edit(FILE, "model.predict_proba(frame)[:, 1]", scores)
    world.ok("train")
    answer = world.run("gate")
    assert answer.code == 1
    assert verdicts(answer)["g-auc"] == "error"
    assert why in says(answer, "g-auc")


def test_a_measuring_process_that_dies_is_an_error(world: World) -> None:
    guard = "import os\n    if len(frame) > 50:\n        os.kill(os.getpid(), 9)\n    return"
    world.edit(FILE, "return model.predict_proba", f"{guard} model.predict_proba")
    world.ok("train")
    answer = world.run("gate")
    assert answer.code == 1
    assert verdicts(answer) == {"g-auc": "error", "g-same": "pass"}
    assert "killed by SIGKILL" in says(answer, "g-auc")


def test_a_predict_that_hangs_is_an_error(world: World) -> None:
    guard = "import time\n    time.sleep(0 if len(frame) <= 50 else 600)\n    return"
    world.edit(FILE, "return model.predict_proba", f"{guard} model.predict_proba")
    world.ok("train")
    for seconds in (3, 12, 48):  # on a slow machine, the other gate takes longer
        answer = world.run("gate", "--time-limit", str(seconds))
        assert answer.code == 1
        assert verdicts(answer)["g-auc"] == "error"
        assert f"stopped after {seconds} s, the time limit" in says(answer, "g-auc")
        if "the time limit" not in says(answer, "g-same"):
            break
    assert verdicts(answer) == {"g-auc": "error", "g-same": "pass"}


@pytest.mark.parametrize("given", ["0", "-1", "soon", "nan", "inf"])
def test_a_time_limit_that_is_none_is_told(gated: World, given: str) -> None:
    answer = gated.run("gate", f"--time-limit={given}")
    assert answer.code == 2
    assert "is no number of seconds above 0" in answer.out


# Determinism

UNSTEADY = {
    "an order of a set": "prepared[list({*prepared.columns})]",
    "random numbers": "prepared.assign(noise=__import__('numpy').random.default_rng().random(len(prepared)))",
}


@pytest.mark.parametrize("given", UNSTEADY.values(), ids=UNSTEADY.keys())
def test_a_prepare_that_gives_another_table_each_time_fails(world: World, given: str) -> None:
    more = "prepared = prepared.assign(**{f'x{n}': n for n in range(20)})\n    return "
    code = PIPELINE.replace("return prepared", more + given)
    (world.repo / FILE).write_text(code)
    world.ok("train")
    answer = world.run("gate")
    assert answer.code == 1
    assert verdicts(answer)["g-same"] == "fail"
    assert "2 different tables" in says(answer, "g-same")


@pytest.mark.parametrize(("least", "runs"), [(None, 2), (4, 4)])
def test_the_data_is_prepared_as_often_as_the_gate_says(world: World, least: int | None, runs: int) -> None:
    edit_manifest(world, lambda value: value["gates"][1].update({"min": least} if least else {}))
    answer = world.run("gate")
    assert verdicts(answer)["g-same"] == "pass"
    assert f"preparing the data {runs} times gave the same table every time" in says(answer, "g-same")


def test_a_gate_that_is_stopped_leaves_the_report_as_it_was(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Store(world.repo).report_folder(Store(world.repo).candidate(None).digest)
    before = (folder / "gate-report.json").read_bytes()

    def stop(repo: Path) -> Registry:
        raise KeyboardInterrupt

    monkeypatch.setattr(Registry, "open", stop)
    answer = world.run("gate")
    assert answer.code == 130
    assert (folder / "gate-report.json").read_bytes() == before
    shutil.rmtree(folder)
    assert world.run("gate").code == 130
    assert not folder.exists()
