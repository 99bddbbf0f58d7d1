"""Measuring in a fresh process: what it gives, and how every death of that process is told."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from vendorkit.adapters.store import Candidate, Store
from vendorkit.tracking import measuring
from vendorkit.tracking.measurement import Job, Measured, Measurement

from tests.support.world import World


@pytest.fixture
def candidate(gated: World) -> Candidate:
    return Store(gated.repo).candidate(None)


def job_of(world: World, candidate: Candidate, model_folder: Path | None = None) -> Job:
    run = candidate.run
    holdout = (world.repo / "benchmarks/holdout.lock.json").read_text()
    return Job(
        model_folder=str(model_folder or candidate.model_folder),
        module="pipeline",
        shown="models/credit",
        format_name=run.model_format.name,
        format_types=list(run.model_format.types),
        base=str(world.repo),
        datasets={snapshot.dataset: snapshot.to_bytes().decode() for snapshot in candidate.snapshots},
        benchmarks={"holdout": ("applications", holdout)},
        label="creditability",
        features=[feature.name for feature in candidate.features.features],
        repeat_prepare=True,
    )


@pytest.fixture
def job(gated: World, candidate: Candidate) -> Job:
    return job_of(gated, candidate)


def with_code(job: Job, folder: Path, code: str) -> Job:
    """The job with other code beside the same model."""
    (folder / "model/code").mkdir(parents=True)
    (folder / "model/model.skops").write_bytes((Path(job.model_folder) / "model.skops").read_bytes())
    (folder / "model/code/pipeline.py").write_text(code)
    return replace(job, model_folder=str(folder / "model"))


def here(job: Job, folder: Path) -> Measured:
    """Do a job in this process: quicker, with the same answer."""
    (folder / "job.json").write_text(json.dumps(job.__dict__))
    measuring.main(folder / "job.json")
    there = Measurement.__new__(Measurement)
    there._job, there._path = job, folder
    return there._read("exit code 0")


def test_a_fresh_process_prepares_and_scores(job: Job, candidate: Candidate, gated: World) -> None:
    measured = Measurement(job).wait()
    assert measured.prepared == candidate.run.prepared
    assert measured.prepared_fault == ""
    label, score = measured.scores["holdout"]
    assert len(label) == len(score) == 250
    assert set(label) == {0.0, 1.0}
    assert ((score > 0) & (score < 1)).all()
    assert Store(gated.repo).candidate(None).digest == candidate.digest, "it is as it was"


def test_the_same_in_this_process(job: Job, candidate: Candidate, tmp_path: Path) -> None:
    measured = here(job, tmp_path)
    assert measured.prepared == candidate.run.prepared
    assert len(measured.scores["holdout"][1]) == 250


PREDICT = "import os, time\n\ndef predict(model, frame):\n    {}\n"

DEATHS = {
    "killed": ("os.kill(os.getpid(), 9)", "killed by SIGKILL, perhaps for want of memory"),
    "ended": ("print('last words', flush=True); os._exit(0)", "no answer (exit code 0): last words"),
}


@pytest.mark.parametrize(("body", "says"), DEATHS.values(), ids=DEATHS.keys())
def test_a_process_that_dies_is_told(job: Job, tmp_path: Path, body: str, says: str) -> None:
    measured = Measurement(with_code(job, tmp_path, PREDICT.format(body))).wait()
    assert says in str(measured.scores["holdout"])
    assert measured.prepared == ""
    assert says in measured.prepared_fault


def test_a_process_that_hangs_is_ended_with_all_that_it_started(job: Job, tmp_path: Path) -> None:
    child = tmp_path / "child"
    body = f"import subprocess; c = subprocess.Popen(['sleep', '600']); open({str(child)!r}, 'w').write(str(c.pid))"
    hanging = with_code(job, tmp_path, PREDICT.format(body + "; time.sleep(600)"))
    there = Measurement(hanging, limit_seconds=0.1)
    while not child.exists() or not child.read_text():
        time.sleep(0.05)
    measured = there.wait()
    assert "no answer after 0.1 s" in str(measured.scores["holdout"])
    assert ends(int(child.read_text()))
    assert not there._path.exists()


def ends(process: int) -> bool:
    """Whether a process is gone, or dead and not yet buried."""
    for _ in range(200):
        state = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False)
        if state.stdout.strip() in ("", "Z", "Zs"):
            return True
        time.sleep(0.05)
    return False


def test_what_is_cancelled_is_gone(job: Job) -> None:
    there = Measurement(job)
    there.cancel()
    assert there._process.poll() is not None
    assert not there._path.exists()
    there.cancel()


FAULTS = {
    "a column that the benchmark lacks": (
        "def prepare(frames):\n    return frames['applications'][['no']]\n", "models/credit/pipeline.py:2: KeyError"
    ),
    "features that are not there any more": (
        "def prepare(frames):\n    return frames['applications'][['creditability']]\n",
        "lacks duration_in_month, credit_amount",
    ),
    "a label that is not there": (
        "def prepare(frames):\n    return frames['applications'].drop(columns='creditability')\n", "lacks creditability"
    ),
    "a label in words": ("def prepare(frames):\n    return frames['applications']\n", "could not convert string"),
    "a predict that raises": (
        "def prepare(frames):\n    f = frames['applications'].copy()\n    f['creditability'] = 1\n    return f\n"
        "def predict(model, frame):\n    1 / 0\n",
        "models/credit/pipeline.py:6: ZeroDivisionError",
    ),
    "code that cannot be imported": ("import lightgbmm\n", "No module named 'lightgbmm'"),
    "code without predict": ("predict = 5\n", "is not a function"),
}  # fmt: skip


@pytest.mark.parametrize(("code", "says"), FAULTS.values(), ids=FAULTS.keys())
def test_what_cannot_be_measured_is_told(job: Job, tmp_path: Path, code: str, says: str) -> None:
    code = code if "predict" in code else f"{code}def predict(model, frame):\n    return [0.5] * len(frame)\n"
    measured = here(with_code(job, tmp_path, code), tmp_path)
    assert isinstance(measured.scores["holdout"], str)
    assert says in measured.scores["holdout"]


def test_a_benchmark_that_changed_is_told_and_does_not_stop_the_rest(
    gated: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = gated.copy(tmp_path / "repo")
    job = job_of(world, Store(world.repo).candidate(None))
    own = json.loads((world.repo / "data/applications.lock.json").read_text())
    job = replace(job, benchmarks={**job.benchmarks, "train": ("applications", json.dumps(own))})
    file = world.repo / "benchmarks/holdout.csv"
    file.write_text(file.read_text().replace("\n", "\n", 1).rsplit("\n", 2)[0] + "\n")
    measured = here(job, tmp_path)
    assert "is not what was frozen" in str(measured.scores["holdout"])
    assert len(measured.scores["train"][1]) == 750
    assert measured.prepared.startswith("sha256:")


def test_a_table_of_scores_is_read_by_its_score_column(job: Job, tmp_path: Path) -> None:
    head = "import pandas as pd\nfrom sound import prepare\n"
    body = "def predict(model, frame):\n    return pd.DataFrame({'other': 0.1, 'score': 0.7}, index=frame.index)\n"
    made = with_code(job, tmp_path, head + body)
    sound = (Path(job.model_folder) / "code/pipeline.py").read_text()
    (tmp_path / "model/code/sound.py").write_text(sound)
    assert set(here(made, tmp_path).scores["holdout"][1]) == {0.7}
    (tmp_path / "model/code/pipeline.py").write_text((head + body).replace("'score'", "'last'"))
    assert set(here(made, tmp_path).scores["holdout"][1]) == {0.1}


def test_a_candidate_of_a_script_is_measured_without_prepare(job: Job, tmp_path: Path) -> None:
    code = "def predict(model, frame):\n    return frame['credit_amount'] / 1e6\n"
    plain = replace(job, label=None, features=["credit_amount"], repeat_prepare=False)
    measured = here(with_code(plain, tmp_path, code), tmp_path)
    label, score = measured.scores["holdout"]
    assert np.isnan(label).all()
    assert len(score) == 250
    assert (measured.prepared, measured.prepared_fault) == ("", "")
