"""The starters: real data of known origin, a model whose limits have a margin, and a blank one that says what to do."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import io
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest
import skops.io
from sklearn.metrics import brier_score_loss, roc_auc_score
from vendorkit.records.manifest import load_manifest
from vendorkit.records.snapshot import Snapshot

from tests.support.shared import shared_data
from tests.template.rendering import rendered

SOURCE = "2c0bae00275c028fc853a1ea72cc7a68002c3f6876c41300c5c948711540c8c6"


def pipeline_of(folder: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("starter_pipeline", next(folder.glob("models/*/pipeline.py")))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "dont_write_bytecode", True)  # the folder is shared, and must stay as it was rendered
        spec.loader.exec_module(module)
    return module


def judged(pipeline: ModuleType) -> dict[str, float]:
    folder = rendered()
    tables = [pd.read_csv(folder / path) for path in ("data/applications.csv", "benchmarks/holdout.csv")]
    learned, kept = (pipeline.prepare({"applications": table}) for table in tables)
    scores = pipeline.predict(pipeline.train(learned, seed=1), kept)
    return {"roc_auc": roc_auc_score(kept["bad"], scores), "brier": brier_score_loss(kept["bad"], scores)}


def fits(found: dict[str, float], margin: float = 0.0) -> bool:
    manifest = load_manifest((rendered() / "engagement.yaml").read_bytes())
    limits = {gate.metric: (gate.min, gate.max) for gate in manifest.gates if gate.kind == "performance"}
    assert set(limits) == set(found)
    return all(
        (low is None or found[name] >= low + margin) and (high is None or found[name] <= high - margin)
        for name, (low, high) in limits.items()
    )


def test_the_two_tables_are_the_published_file_and_nothing_else() -> None:
    tables = [(rendered() / path).read_bytes() for path in ("data/applications.csv", "benchmarks/holdout.csv")]
    (head, *learned), (other_head, *kept) = (table.splitlines() for table in tables)
    assert head == other_head
    assert (len(learned), len(kept)) == (750, 250)
    rows = [kept[n // 4 - 1] if n % 4 == 0 else learned[n - n // 4 - 1] for n in range(1, 1001)]
    assert hashlib.sha256(b"\r\n".join([head, *rows, b""])).hexdigest() == SOURCE
    assert SOURCE in (rendered() / "data/README.md").read_text()


def test_the_tables_agree_with_the_coded_original() -> None:
    coded = [line.split(",") for line in shared_data("german-credit/german.csv").read_text().split()]
    tables = [(rendered() / path).read_text() for path in ("data/applications.csv", "benchmarks/holdout.csv")]
    learned, kept = (list(csv.DictReader(io.StringIO(table))) for table in tables)
    for n, row in enumerate(coded, 1):
        found = kept[n // 4 - 1] if n % 4 == 0 else learned[n - n // 4 - 1]
        readable = (found["duration_in_month"], found["credit_amount"], found["age_in_years"], found["creditability"])
        assert readable == (row[1], row[4], row[12], {"1": "good", "2": "bad"}[row[20]]), n


def test_the_pointers_say_what_the_tables_hold(tmp_path: Path) -> None:
    from vendorkit.steps.snapshot import snapshot

    shutil.copytree(rendered(), tmp_path / "repo")
    taken = {entry.id: entry for entry in snapshot(tmp_path / "repo")}
    assert {name: entry.status for name, entry in taken.items()} == {
        "applications": "unchanged",
        "holdout": "unchanged",
    }
    pointer = rendered() / "data/applications.lock.json"
    assert Snapshot.parse(pointer.read_bytes(), "pointer").rows == 750


def test_the_starter_passes_its_gates_with_a_margin() -> None:
    found = judged(pipeline_of(rendered()))
    assert fits(found, margin=0.01)
    assert found["roc_auc"] == pytest.approx(0.8078, abs=0.002)


def test_one_constant_makes_it_worse_or_better() -> None:
    pipeline = pipeline_of(rendered())
    assert pipeline.FREEDOM == 0.03
    found = judged(pipeline)
    pipeline.FREEDOM = 0.001
    assert not fits(judged(pipeline))
    pipeline.FREEDOM = 0.3
    better = judged(pipeline)
    assert better["roc_auc"] > found["roc_auc"]
    assert better["brier"] < found["brier"]


def test_the_model_is_stored_without_types_that_need_trust() -> None:
    pipeline = pipeline_of(rendered())
    prepared = pipeline.prepare({"applications": pd.read_csv(rendered() / "data/applications.csv")})
    stored = skops.io.dumps(pipeline.train(prepared, seed=1))
    assert skops.io.get_untrusted_types(data=stored) == []


def test_columns_of_the_contract_are_those_of_the_data() -> None:
    contract = (rendered() / "data/applications.odcs.yaml").read_text()
    documented = re.findall(r"^      - \{name: (\w+)", contract, re.MULTILINE)
    assert documented == list(pd.read_csv(rendered() / "data/applications.csv").columns)


def own_tests(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_starters_own_tests_pass(tmp_path: Path) -> None:
    shutil.copytree(rendered(), tmp_path / "repo")
    done = own_tests(tmp_path / "repo")
    assert done.returncode == 0, done.stdout


def test_the_blank_starter_fails_and_says_what_to_do(tmp_path: Path) -> None:
    folder = tmp_path / "repo"
    shutil.copytree(rendered(starter="blank"), folder)
    done = own_tests(folder)
    assert done.returncode == 1
    assert "There is no data yet. Put it into data/observations.csv" in done.stdout
    (folder / "data/observations.csv").write_text("x,target\n1,0\n2,1\n")
    done = own_tests(folder)
    assert done.returncode == 1
    assert "Not filled in yet: prepare() in models/model/pipeline.py" in done.stdout


def test_an_engagement_without_a_model_fails_and_says_what_to_do(tmp_path: Path) -> None:
    folder = tmp_path / "repo"
    shutil.copytree(rendered(starter="blank", deliverables=["report"]), folder)
    (folder / "data/observations.csv").write_text("x,target\n1,0\n2,1\n")
    done = own_tests(folder)
    assert done.returncode == 1
    assert "Not filled in yet: report() in deliverables/tables.py" in done.stdout


def test_the_blank_starter_passes_once_it_is_filled_in(tmp_path: Path) -> None:
    folder = tmp_path / "repo"
    shutil.copytree(rendered(starter="blank"), folder)
    rows = "".join(f"{n},{n % 3},{int(n % 3 == 1)}\n" for n in range(60))
    (folder / "data/observations.csv").write_text(f"a,b,target\n{rows}")
    contract = folder / "data/observations.odcs.yaml"
    columns = "".join(f"      - {{name: {name}, logicalType: number}}\n" for name in "ab")
    contract.write_text(contract.read_text().replace("    properties:\n", f"    properties:\n{columns}"))
    path = folder / "models/model/pipeline.py"
    bodies = iter(
        (
            "return frames['observations']",
            "from sklearn.tree import DecisionTreeClassifier as Tree\n"
            "    return Tree(random_state=seed).fit(frame[['a', 'b']], frame[LABEL])",
            "return model.predict_proba(frame[['a', 'b']])[:, 1]",
        )
    )
    filled = re.sub(r"raise RuntimeError\(.*?\n    \)", lambda _: next(bodies), path.read_text(), flags=re.DOTALL)
    path.write_text(filled)
    done = own_tests(folder)
    assert done.returncode == 0, done.stdout
