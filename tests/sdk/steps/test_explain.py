"""Everything that has a name is explained, in the words of the code itself; the engagement fits one page."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from vendorkit.documents.explanation import FORMATS, WIDTH
from vendorkit.errors import BadInput
from vendorkit.gates import GATES
from vendorkit.gates.metrics import METRICS
from vendorkit.standards.ask import CHECKS
from vendorkit.steps.explain import ERRORS, VERDICTS, explain, words

from tests.support.engagement import minimal_manifest, write_engagement
from tests.support.reports import HOSTILE

FIGURES = [name for gate in GATES.values() for name, _, _ in gate.figures]
EVERY = [*FIGURES, *CHECKS, *GATES, *METRICS, *ERRORS, *VERDICTS, *words(), "BadInput", "Refused", "Unavailable"]


@pytest.mark.parametrize("name", EVERY)
def test_every_name_is_explained(name: str) -> None:
    sections = explain(name, None)
    for section in sections:
        assert section.title.casefold() == name.casefold()
        assert section.says.endswith((".", "!", "?", ")")), section.says
        assert all(text for _, text in section.facts)


def test_a_metric_has_formula_and_source() -> None:
    (section,) = explain("roc_auc", None)
    facts = dict(section.facts)
    assert facts["formula"] == METRICS["roc_auc"].formula
    assert facts["source"] == METRICS["roc_auc"].source


def test_a_declared_gate_has_its_limit_formula_and_mend(tmp_path: Path) -> None:
    repo = write_engagement(tmp_path / "repo")
    gate = minimal_manifest()["gates"][0]
    (section,) = explain(gate["id"], repo)
    facts = dict(section.facts)
    assert section.says.rstrip(".") == gate["says"].rstrip(".")
    assert f"{gate['metric']} at least {gate['min']:g}" in facts["limit"]
    assert facts["judged by"] == GATES[gate["kind"]].formula
    assert facts["source"] == METRICS[gate["metric"]].source
    assert "engagement.yaml" in facts["to mend"]
    assert "newest answer" not in facts


EACH_KIND: list[tuple[dict[str, Any], str]] = [
    ({"kind": kind, "metric": metric, "benchmark": "holdout", **more}, wanted)
    for kind, metric, wanted, more in (
        ("fairness", "four_fifths", "29 CFR 1607.4(D)", {"slice": "sex", "min": 0.8}),
        ("business", "breaks_rising", "Monotonicity: share of rows whose score falls", {"slice": "age", "max": 0}),
        ("data", "shared_keys", "whose key stands in the training data too", {"slice": "key", "max": 0}),
        ("latency", "p99_ms", "The 99th percentile of the time of one call with one row", {"max": 1}),
        ("memory", "rss_mb", "VmHWM of /proc/self/status", {"max": 1}),
        ("determinism", "score_difference", "when the model is trained again with the same seed", {"max": 0}),
    )
]


@pytest.mark.parametrize(
    ("gate", "wanted"), EACH_KIND, ids=lambda each: str(each.get("kind", "")) if isinstance(each, dict) else ""
)
def test_a_gate_of_each_kind_is_explained_in_full(gate: dict[str, Any], wanted: str, tmp_path: Path) -> None:
    repo = write_engagement(tmp_path / "repo", gates=[{"id": "g-it", "says": "Fits", **gate}])
    sections = explain("g-it", repo)
    facts = dict(sections[0].facts)
    assert facts["judged by"] == GATES[gate["kind"]].formula
    text = " ".join(FORMATS["text"](sections).split())
    assert wanted in text
    assert " ".join(facts["judged by"].split()) in text
    assert "more characters" not in text + FORMATS["markdown"](sections)


def test_a_check_says_how_severe_it_is_here(tmp_path: Path) -> None:
    here = dict(explain("MAN-04", write_engagement(tmp_path / "repo"))[0].facts)
    assert "(stage kickoff)" in here["severity now"]
    assert "severity now" not in dict(explain("MAN-04", None)[0].facts)


def test_an_unknown_name_is_told_with_the_nearest() -> None:
    with pytest.raises(BadInput) as caught:
        explain("roc_acu", None)
    assert "roc_auc" in str(caught.value)


def test_the_engagement_fits_one_page(tmp_path: Path) -> None:
    sections = explain(None, write_engagement(tmp_path / "repo"))
    assert [section.title for section in sections] == [
        "acme-credit-2026", "Models", "Scoring API", "Allowed datasets", "Required lineage", "Gates",
        "Drift and alerts", "People", "Milestones", "Still owed",
    ]  # fmt: skip
    text = FORMATS["text"](sections)
    assert max(map(len, text.splitlines())) <= WIDTH
    assert len(text.splitlines()) <= 100
    for said in ("applications", "model-risk@bank.example", "label source", "operations", "vendor-ml"):
        assert said in text


def test_an_engagement_of_tables_is_told_of_tables_alone(tmp_path: Path) -> None:
    surface = {
        "id": "report", "kind": "report", "path": "deliverables", "owner": "ml-sre", "datasets": ["applications"],
        "contract": "deliverables/contract.odcs.yaml", "query": "https://reports.bank.example/credit", "refresh": "P1M",
    }  # fmt: skip
    sections = explain(None, write_engagement(tmp_path / "repo", surfaces=[surface]))
    titles = [section.title for section in sections]
    assert "Tables" in titles
    assert not {"Models", "Scoring API", "Required lineage", "Gates"} & set(titles)
    assert dict(sections[titles.index("Tables")].facts)["report"] == (
        "report; contract deliverables/contract.odcs.yaml; read at https://reports.bank.example/credit; "
        "made anew every P1M; owner ml-sre"
    )


def test_drift_names_who_is_alerted(tmp_path: Path) -> None:
    operations = {
        "objectives": [],
        "alerts": [{"signal": "psi_score", "over": 0.2, "to": "ml-sre", "runbook": "docs/RUNBOOK.md#drift"}],
        "failure_modes": dict.fromkeys(("missing", "stale", "invalid", "out_of_distribution"), "reject-422"),
        "rollback": {"authority": ["ml-sre"], "command": "make rollback", "target_minutes": 15},
        "escalation": ["ml-sre", "vendor-ml"],
        "retrain": {"every": "P3M", "owner": "ml-sre"},
    }
    repo = write_engagement(tmp_path / "repo", operations=operations)
    drift = next(section for section in explain(None, repo) if section.title == "Drift and alerts")
    assert "ml-sre@bank.example" in dict(drift.facts)["psi_score"]
    assert "ml-sre -> vendor-ml" in dict(drift.facts)["escalation"]


def test_no_engagement_and_no_name_is_bad_input() -> None:
    with pytest.raises(BadInput):
        explain(None, None)


@pytest.mark.parametrize("text", HOSTILE[:8])
def test_hostile_text_stays_text(tmp_path: Path, text: str) -> None:
    value = minimal_manifest()["engagement"]
    try:
        repo = write_engagement(tmp_path / "repo", engagement={**value, "title": text, "use_case": text})
        sections = explain(None, repo)
    except BadInput:
        return  # the manifest refuses some of it
    shown = FORMATS["text"](sections)
    assert all(sign == "\n" or sign.isprintable() for sign in shown)
    assert max(map(len, shown.splitlines())) <= WIDTH
    assert "<script>" not in FORMATS["markdown"](sections).replace("\\<", "")
    json.loads(FORMATS["json"](sections))


def test_it_answers_without_mlflow_and_pandas(tmp_path: Path) -> None:
    repo = write_engagement(tmp_path / "repo")
    code = (
        "import sys\nfrom vendorkit.cli.main import main\n"
        f"assert main(['explain', 'roc_auc', '--repo', {str(repo)!r}]) == 0\n"
        f"assert main(['explain', '--repo', {str(repo)!r}]) == 0\n"
        "print(sorted({'mlflow', 'pandas', 'ibis', 'duckdb', 'sklearn'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "[]"
    assert "DeLong" in done.stdout
