"""Training by the pipeline: what is recorded, and every way in which data or vendor code can be wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from vendorkit.adapters.store import Store
from vendorkit.errors import BadInput
from vendorkit.records.run import Run
from vendorkit.steps.train import train

from tests.support.engagement import manifest_bytes, minimal_manifest
from tests.support.world import PIPELINE, World, make_world

FILE = "models/credit/pipeline.py"


@pytest.fixture
def own(frozen: World, tmp_path: Path) -> World:
    """An own engagement in which nothing was trained."""
    return frozen.copy(tmp_path / "repo")


def write(world: World, code: str) -> None:
    """Replace the pipeline, not committed."""
    (world.repo / FILE).write_text(code, encoding="utf-8")


def with_body(function: str, body: str) -> str:
    """The pipeline with another body of one function, which begins two lines below its `def`."""
    head, _, rest = PIPELINE.partition(f"def {function}(")
    arguments, _, rest = rest.partition("\n")
    _, separator, behind = rest.partition("\n\n\n")
    indented = "".join(f"    {line}\n" for line in body.splitlines())
    return f"{head}def {function}({arguments}\n{indented}{separator}{behind}"


def working(world: World) -> list[str]:
    """Everything in `.vendorkit/`."""
    return sorted(path.relative_to(world.repo).as_posix() for path in (world.repo / ".vendorkit").rglob("*"))


def run_of(world: World, digest: str) -> Run:
    return Store(world.repo).candidate(digest).run


def test_the_whole_run_is_recorded(own: World) -> None:
    result = own.ok("train")
    run = run_of(own, result["candidate"])
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=own.repo, capture_output=True, text=True, check=True)
    pointer = json.loads((own.repo / "data/applications.lock.json").read_bytes())
    assert (run.stage, run.engagement, run.model, run.task) == ("train", "acme-credit-2026", "credit", "binary")
    assert run.inputs[0].dataset == "applications"
    assert run.inputs[0].content_digest == pointer["content_digest"]
    assert (run.inputs[0].rows, run.inputs[0].taken_at) == (pointer["rows"], pointer["taken_at"])
    assert run.label is not None
    assert (run.label.column, run.label.source) == ("creditability", "repayment ledger")
    assert (run.seed, run.filters, run.parameters) == (20260901, (), {})
    assert (run.code.commit, run.code.dirty, run.code.module) == (commit.stdout.strip(), False, "pipeline")
    assert run.code.committers == ("ml@acme.example",)
    assert [file.path for file in run.code.files] == ["pipeline.py"]
    assert run.environment.lock is not None
    assert (run.author.email, run.template) == ("ml@acme.example", None)
    assert [artifact.path for artifact in run.artifacts] == ["code/pipeline.py", "model.skops"]
    assert run.model_format.types == ()
    assert run.prepared is not None
    assert result["model"] == "credit"
    assert result["run_id"] == run.run_id
    assert result["seconds"] == run.seconds > 0
    assert result["parents"] == [run.inputs[0].snapshot, run.features]


def test_people_read_what_was_read_and_what_comes_next(own: World) -> None:
    answer = own.run("train", as_json=False)
    assert answer.code == 0
    assert "read applications: 750 rows, frozen " in answer.out
    assert answer.out.endswith("Next: vendorkit gate\n")
    assert "cannot be published" not in answer.out


def test_training_twice_is_two_runs_on_the_same_table(own: World) -> None:
    first, second = (run_of(own, own.ok("train")["candidate"]) for _ in range(2))
    assert first.run_id != second.run_id
    assert (first.prepared, first.features, first.code) == (second.prepared, second.features, second.code)


def test_code_that_is_not_committed_is_marked(own: World) -> None:
    write(own, PIPELINE + "\n# changed\n")
    answer = own.run("train", as_json=False)
    assert answer.code == 0
    assert "not committed" in answer.out
    assert Store(own.repo).candidate(None).run.code.dirty


def test_the_template_that_it_came_from_is_recorded(own: World) -> None:
    (own.repo / ".copier-answers.yml").write_text("_src_path: https://git.example/kit\n_commit: v0.1.0\n")
    template = run_of(own, own.ok("train")["candidate"]).template
    assert template is not None
    assert (template.source, template.version) == ("https://git.example/kit", "v0.1.0")


# Rows left out

FILTERED = """\
import vendorkit
applications = frames["applications"]
kept = vendorkit.filter("small-loans", applications, applications[applications.credit_amount > 1000], reason="{}")
prepared = kept[[*NUMBERS, *WORDS]].copy()
prepared["creditability"] = (kept["creditability"] == "bad").astype("int64")
return prepared{}
"""


def test_rows_left_out_with_a_reason_are_counted(own: World) -> None:
    write(own, with_body("prepare", FILTERED.format("too small to decide on", "")))
    answer = own.run("train", as_json=False)
    (step,) = Store(own.repo).candidate(None).run.filters
    assert (step.name, step.reason, step.rows_before) == ("small-loans", "too small to decide on", 750)
    assert f"left out by small-loans: {750 - step.rows_after} rows: too small to decide on" in answer.out
    assert 0 < step.rows_after < 750


def test_rows_left_out_silently_stand_there_without_a_reason(own: World) -> None:
    write(own, PIPELINE.replace("return prepared", "return prepared.head(700)"))
    answer = own.run("train", as_json=False)
    (step,) = Store(own.repo).candidate(None).run.filters
    assert (step.name, step.reason, step.rows_before, step.rows_after) == ("prepare", "", 750, 700)
    assert "left out by prepare: 50 rows: NO REASON GIVEN: use vendorkit.filter" in answer.out


def test_rows_left_out_silently_beside_a_filter_are_told_apart(own: World) -> None:
    write(own, with_body("prepare", FILTERED.format("too small", ".iloc[10:]")))
    own.ok("train")
    said, silent = Store(own.repo).candidate(None).run.filters
    assert said.reason == "too small"
    assert (silent.reason, silent.rows_before, silent.rows_after) == ("", said.rows_after, said.rows_after - 10)


@pytest.mark.parametrize(("reason", "says"), [(" ", "has no reason"), ("more", "gives 1500 rows from 750")])
def test_a_filter_that_is_none_is_refused(own: World, reason: str, says: str) -> None:
    code = with_body("prepare", FILTERED.format(reason, ""))
    if reason == "more":
        code = code.replace("applications[applications.credit_amount > 1000]", "pd.concat([applications] * 2)")
    write(own, code)
    answer = own.run("train")
    assert answer.code == 2
    assert says in answer.result["faults"][0]["says"]


# Vendor code that is wrong. `where` is file and line; the body of a function begins on the line below its `def`.

PREPARE, TRAIN, PREDICT = (
    next(number for number, line in enumerate(PIPELINE.splitlines(), 1) if line.startswith(f"def {name}("))
    for name in ("prepare", "train", "predict")
)

NO_DATA = with_body("train", "return lambda frame: 1").replace("model.predict_proba(frame)[:, 1]", "[0.5] * len(frame)")

WRONG: dict[str, tuple[str, int, str, str]] = {
    "syntax error": ("def prepare(:\n", 2, f"{FILE}:1", "SyntaxError"),
    "unknown package": ("import lightgbmm\n", 2, f"{FILE}:1", "No module named 'lightgbmm'"),
    "no functions": ("", 2, f"{FILE} prepare()", "is missing"),
    "prepare gives a list": (with_body("prepare", "return []"), 2, f"{FILE}:{PREPARE} prepare()", "returned a list"),
    "prepare gives columns twice": (
        PIPELINE.replace("return prepared", "return pd.concat([prepared, prepared], axis=1)"),
        2,
        f"{FILE}:{PREPARE} prepare()",
        "not unique text",
    ),
    "prepare gives nothing to train on": (
        PIPELINE.replace("return prepared", "return prepared.head(0)"), 2, f"{FILE}:{PREPARE} prepare()", "without rows"
    ),
    "prepare loses the label": (
        PIPELINE.replace('prepared["creditability"] =', 'prepared["bad"] ='), 2, f"{FILE}:{PREPARE} prepare()",
        "no label 'creditability'; it has: duration_in_month",
    ),
    "a label with gaps": (
        PIPELINE.replace("return prepared", 'prepared.loc[:6, "creditability"] = float("nan")\n    return prepared'),
        2,
        f"{FILE}:{PREPARE} prepare()",
        "in 7 of 750 rows",
    ),
    "a label in words": (
        PIPELINE.replace('(applications["creditability"] == "bad").astype("int64")', 'applications["creditability"]'),
        2,
        f"{FILE}:{PREPARE} prepare()",
        "with bad, good; a binary task has 0 and 1",
    ),
    "a label of one and two": (
        PIPELINE.replace('.astype("int64")', '.astype("int64") + 1'), 2, f"{FILE}:{PREPARE} prepare()", "with 2;"
    ),
    "features without a JSON form": (
        PIPELINE.replace("return prepared", 'prepared["at"] = pd.Timestamp("2026-01-01")\n    return prepared'),
        2,
        "features: at",
        "has type datetime64",
    ),
    "train raises midway": (with_body("train", "x = 1\n1 / 0"), 2, f"{FILE}:{TRAIN + 2}", "ZeroDivisionError"),
    "train gives nothing": (with_body("train", "pass"), 2, f"{FILE}:{TRAIN} train()", "returned nothing"),
    "train runs out of memory": (with_body("train", "raise MemoryError"), 3, f"{FILE}:{TRAIN + 1}", "more memory"),
    "train wants more than there is": (
        with_body("train", "import numpy\nreturn numpy.ones((2**50,))"), 3, f"{FILE}:{TRAIN + 2}", "needs more memory"
    ),
    "train exits": (with_body("train", "raise SystemExit(0)"), 2, f"{FILE}:{TRAIN + 1}", "SystemExit: 0"),
    "train exits at once": (with_body("train", "import os\nos._exit(0)"), 2, f"{FILE}:{TRAIN + 2}", "os._exit(0)"),
    "a model that is no data": (NO_DATA, 2, "train()", "cannot be stored as data"),
    "predict raises": (with_body("predict", "frame['no']"), 2, f"{FILE}:{PREDICT + 1}", "KeyError: 'no'"),
    "predict gives one": (with_body("predict", "return [1.0]"), 2, f"{FILE}:{PREDICT} predict()", "shape (1,) for 50"),
    "predict gives two each": (
        with_body("predict", "return model.predict_proba(frame)"), 2, f"{FILE}:{PREDICT} predict()", "shape (50, 2)"
    ),
    "predict gives words": (
        with_body("predict", "return ['good'] * len(frame)"), 2, f"{FILE}:{PREDICT} predict()", "expected numbers"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("code", "exit_code", "where", "says"), WRONG.values(), ids=WRONG.keys())
def test_wrong_vendor_code_is_blamed_by_file_and_line(
    own: World, code: str, exit_code: int, where: str, says: str
) -> None:
    write(own, code)
    before = working(own)
    answer = own.run("train")
    assert answer.code == exit_code
    assert answer.envelope["exit_code"] == exit_code
    assert answer.result["faults"][0]["where"] == where
    assert says in answer.result["faults"][0]["says"]
    assert "Traceback" not in answer.out + answer.err
    assert working(own) == before


def test_a_model_of_the_vendors_own_class_is_stored_and_scored(own: World) -> None:
    write(
        own,
        "class Rule:\n    def __init__(self, limit):\n        self.limit = limit\n\n\n"
        + with_body("train", "return Rule(float(frame['credit_amount'].median()))").replace(
            "return model.predict_proba(frame)[:, 1]", "return (frame['credit_amount'] > model.limit).astype(float)"
        ),
    )
    assert run_of(own, own.ok("train")["candidate"]).model_format.types == ("pipeline.Rule",)
    gate = own.run("gate")
    assert gate.code == 1
    assert [finding["verdict"] for finding in gate.envelope["findings"]] == ["fail", "pass"]


def test_a_pipeline_that_writes_into_its_tables_does_no_harm(own: World) -> None:
    first = run_of(own, own.ok("train")["candidate"])
    write(
        own,
        PIPELINE.replace("    return prepared", '    applications["credit_amount"] = 0\n    return prepared')
        .replace("    return model.fit", "    frame = frame.copy()\n    return model.fit")
        .replace("    return model.predict_proba(frame)[:, 1]", (
            "    scores = model.predict_proba(frame)[:, 1]\n    frame['credit_amount'] = 0\n    return scores"
        )),
    )  # fmt: skip
    second = run_of(own, own.ok("train")["candidate"])
    assert (first.prepared, first.inputs) == (second.prepared, second.inputs)


def test_what_vendor_code_prints_does_not_spoil_the_json(own: World) -> None:
    talk = "print('hello'); import os; os.system('echo from a program')"
    write(own, f"{talk}\n" + with_body("train", f"{talk}\nreturn 5").replace(
        "return model.predict_proba(frame)[:, 1]", f"{talk}; return [0.5] * len(frame)"))  # fmt: skip
    command = [sys.executable, "-m", "vendorkit", "train", "--json", "--repo", str(own.repo)]
    environment = {**os.environ, **own.environment("vendor-ml")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["ok"] is True
    said = 5  # when the module loads, trains, predicts, and answers its golden rows twice
    assert done.stderr.count("hello") == said
    assert done.stderr.count("from a program") == said


# The engagement and its data


def one_byte(path: Path) -> None:
    data = path.read_text("utf-8")
    digit = next(place for place in range(len(data) // 2, len(data)) if data[place].isdigit())
    path.write_text(f"{data[:digit]}{(int(data[digit]) + 1) % 10}{data[digit + 1 :]}", encoding="utf-8")


def rename_column(path: Path) -> None:
    path.write_text(path.read_text("utf-8").replace("credit_amount", "amount_of_credit", 1), encoding="utf-8")


BROKEN_DATA: dict[str, tuple[Callable[[Path], object], str]] = {
    "one byte changed": (lambda repo: one_byte(repo / "data/applications.csv"), "not what was frozen"),
    "column renamed": (lambda repo: rename_column(repo / "data/applications.csv"), "amount_of_credit"),
    "file gone": (lambda repo: (repo / "data/applications.csv").unlink(), "data/applications.csv"),
    "row gone": (
        lambda repo: (repo / "data/applications.csv").write_text(
            "".join((repo / "data/applications.csv").read_text().splitlines(keepends=True)[:-1])
        ),
        "not what was frozen",
    ),
    "pointer gone": (lambda repo: (repo / "data/applications.lock.json").unlink(), "vendorkit snapshot applications"),
    "pointer empty": (lambda repo: (repo / "data/applications.lock.json").write_text(""), "applications.lock.json"),
    "pointer of another kind": (
        lambda repo: (repo / "data/applications.lock.json").write_text('{"schema": "vendorkit/run/1"}'),
        "expected 'vendorkit/snapshot/1'",
    ),
    "pointer a folder": (
        lambda repo: ((repo / "data/applications.lock.json").unlink(), (repo / "data/applications.lock.json").mkdir()),
        "no regular file",
    ),
}


@pytest.mark.parametrize(("break_it", "says"), BROKEN_DATA.values(), ids=BROKEN_DATA.keys())
def test_data_that_is_not_what_was_frozen_is_refused(own: World, break_it: Callable[[Path], object], says: str) -> None:
    break_it(own.repo)
    before = working(own)
    answer = own.run("train", as_json=False)
    assert answer.code == 2
    assert says in answer.err
    assert "Traceback" not in answer.err
    assert working(own) == before


def edit_manifest(world: World, change: Callable[[dict[str, Any]], object]) -> None:
    value = minimal_manifest()
    change(value)
    (world.repo / "engagement.yaml").write_bytes(manifest_bytes(**value))


def test_a_model_without_a_label_is_refused(own: World) -> None:
    edit_manifest(own, lambda value: value["datasets"][0].pop("label"))
    answer = own.run("train")
    assert answer.code == 2
    assert answer.result["error"] == "What is the label?"


def test_a_model_of_another_name_is_refused(own: World) -> None:
    answer = own.run("train", "--model", "fraud")
    assert answer.code == 2
    assert "fraud" in answer.out


def test_a_pipeline_elsewhere_is_found(own: World) -> None:
    edit_manifest(own, lambda value: value["surfaces"][0].update(module="scoring"))
    answer = own.run("train")
    assert answer.code == 2
    assert answer.result["faults"][0]["where"] == "models/credit/scoring.py"
    (own.repo / FILE).rename(own.repo / "models/credit/scoring.py")
    assert run_of(own, own.ok("train")["candidate"]).code.module == "scoring"


def test_someone_whom_git_does_not_know_is_told_before_training(
    own: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write(own, with_body("train", "raise RuntimeError('trained')"))
    for name in own.environment("vendor-ml"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    with pytest.raises(BadInput, match="git config"):
        train(own.repo)


def test_a_regression_needs_no_zero_and_one(tmp_path: Path) -> None:
    surfaces = minimal_manifest()["surfaces"]
    surfaces[0]["task"] = "regression"
    world = make_world(tmp_path, surfaces=surfaces)
    write(
        world,
        with_body("train", "return 5").replace('.astype("int64")', ".astype(float) * 3.5").replace(
            "return model.predict_proba(frame)[:, 1]", "return [2.0] * len(frame)"),
    )  # fmt: skip
    assert run_of(world, world.ok("train")["candidate"]).task == "regression"
