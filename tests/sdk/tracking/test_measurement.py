"""Measuring apart from this process: what it gives, and how every death of a measurement is told."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from vendorkit.adapters.store import Candidate, Store
from vendorkit.records.contract import contract_of
from vendorkit.records.manifest import load_manifest
from vendorkit.tracking import measurement, measuring
from vendorkit.tracking.measurement import Found, Job, Measurements, Subject, arrays
from vendorkit.tracking.measures import answer_job

from tests.support.engagement import manifest_bytes
from tests.support.world import World


@pytest.fixture(scope="module")
def candidate(gated: World) -> Candidate:
    return Store(gated.repo).candidate(None)


@pytest.fixture(scope="module")
def measurements() -> Iterator[Measurements]:
    with Measurements() as started:
        yield started


def subject_of(world: World, candidate: Candidate) -> Subject:
    run = candidate.run
    return Subject(
        model_folder=str(candidate.model_folder),
        module="pipeline",
        shown="models/credit",
        format_name=run.model_format.name,
        format_types=list(run.model_format.types),
        base=str(world.repo),
        datasets={snapshot.dataset: snapshot.to_bytes().decode() for snapshot in candidate.snapshots},
        label="creditability",
        features=[feature.name for feature in candidate.features.features],
        seed=run.seed,
    )


@pytest.fixture(scope="module")
def subject(gated: World, candidate: Candidate) -> Subject:
    return subject_of(gated, candidate)


def scoring(subject: Subject, pointer: str = "benchmarks/holdout.lock.json") -> Job:
    return Job(subject, "score", {"benchmark": {"applications": (Path(subject.base) / pointer).read_text()}})


def with_code(subject: Subject, folder: Path, code: str) -> Subject:
    """The subject with other code beside the same model."""
    (folder / "model/code").mkdir(parents=True)
    (folder / "model/model.skops").write_bytes((Path(subject.model_folder) / "model.skops").read_bytes())
    (folder / "model/code/sound.py").write_bytes((Path(subject.model_folder) / "code/pipeline.py").read_bytes())
    (folder / "model/code/pipeline.py").write_text(code)
    return replace(subject, model_folder=str(folder / "model"))


def here(job: Job, folder: Path) -> Found | str:
    """Do a job in this process: quicker, with the same answer."""
    (folder / "job.json").write_text(json.dumps(asdict(job)))
    answer_job(folder)
    return measurement._answer(folder, "exit code 0")


def columns(found: Found | str) -> dict[str, Any]:
    assert not isinstance(found, str), found
    return arrays(found)


def test_each_measurement_has_a_process_of_its_own(
    subject: Subject, candidate: Candidate, gated: World, measurements: Measurements
) -> None:
    jobs = {"prepared": Job(subject, "prepare"), **{f"score {n}": scoring(subject) for n in range(3)}}
    found = measurements.measure(jobs)
    assert list(found) != []
    assert found["prepared"] == {"digest": candidate.run.prepared}
    for n in range(3):
        label, score = columns(found[f"score {n}"])["label"], columns(found[f"score {n}"])["score"]
        assert len(label) == len(score) == 250
        assert set(label) == {0.0, 1.0}
        assert ((score > 0) & (score < 1)).all()
    assert Store(gated.repo).candidate(None).digest == candidate.digest, "it is as it was"


def test_the_same_in_a_new_interpreter(subject: Subject, candidate: Candidate) -> None:
    with Measurements(spawn=True) as measurements:
        found = measurements.measure({"prepared": Job(subject, "prepare")})
    assert found == {"prepared": {"digest": candidate.run.prepared}}


def test_the_same_in_this_process(subject: Subject, candidate: Candidate, tmp_path: Path) -> None:
    assert here(Job(subject, "prepare"), tmp_path) == {"digest": candidate.run.prepared}


SAME = "from sound import prepare\n"
PREDICT = "import os, time\n\ndef predict(model, frame):\n    {}\n"

DEATHS = {
    "killed": ("os.kill(os.getpid(), 9)", "killed by SIGKILL, perhaps for want of memory"),
    "ended": ("print('last words', flush=True); os._exit(0)", "no answer (exit code 0): last words"),
}


@pytest.mark.parametrize(("body", "says"), DEATHS.values(), ids=DEATHS.keys())
def test_a_process_that_dies_is_told_and_takes_nothing_with_it(
    subject: Subject, tmp_path: Path, measurements: Measurements, body: str, says: str
) -> None:
    dying = scoring(with_code(subject, tmp_path, SAME + PREDICT.format(body)))
    found = measurements.measure({"dies": dying, "lives": scoring(subject)})
    assert says in str(found["dies"])
    assert len(columns(found["lives"])["score"]) == 250


def test_a_process_that_hangs_is_ended_with_all_that_it_started(
    subject: Subject, tmp_path: Path, measurements: Measurements, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = tmp_path / "child"
    body = f"import subprocess; c = subprocess.Popen(['sleep', '600']); open({str(child)!r}, 'w').write(str(c.pid))"
    hanging = with_code(subject, tmp_path, SAME + PREDICT.format(body + "; time.sleep(600)"))
    for seconds in (2, 8, 32):  # a slow machine takes longer to come to where it hangs
        monkeypatch.setattr(measurements, "_limit_seconds", seconds)
        found = measurements.measure({"hangs": scoring(hanging)})
        assert found == {"hangs": f"the measuring process gave no answer (stopped after {seconds} s, the time limit)"}
        if child.exists() and child.read_text():
            break
    assert ends(int(child.read_text()))


def test_leaving_ends_what_runs(subject: Subject, tmp_path: Path) -> None:
    child = tmp_path / "child"
    body = f"open({str(child)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    hanging = scoring(with_code(subject, tmp_path, SAME + PREDICT.format(body)))
    measurements = Measurements()
    measurements._start(hanging)
    while not child.exists() or not child.read_text():
        time.sleep(0.05)
    measurements.close()
    assert ends(int(child.read_text()))
    assert not measurements._path.exists()
    measurements.close()


def test_where_nobody_reads_the_reports_nothing_is_left_running(monkeypatch: pytest.MonkeyPatch) -> None:
    started = [subprocess.Popen([each, "600"], start_new_session=True) for each in ("true", "sleep")]
    waiting = iter(started)
    monkeypatch.setattr(measuring, "_fork", lambda folder, ours: next(waiting).pid)
    orders, reports = os.pipe(), os.pipe()
    os.close(reports[0])
    os.write(orders[1], 2 * b'{"folder": "a", "limit_seconds": 600}\n')
    with pytest.raises(BrokenPipeError):
        measuring.main(orders[0], reports[1], spawn=False)
    for process in started:
        with pytest.raises(ProcessLookupError):
            os.kill(process.pid, 0)
        process.returncode = 0  # the measuring process waited for it
    for descriptor in (*orders, reports[1]):
        os.close(descriptor)


def test_a_measuring_process_that_is_killed_is_told(subject: Subject, tmp_path: Path) -> None:
    with Measurements() as measurements:
        killing = with_code(subject, tmp_path, SAME + PREDICT.format("os.kill(os.getppid(), 9); time.sleep(9)"))
        found = measurements.measure({"kills": scoring(killing), "other": scoring(subject)}, at_once=1)
        again = measurements.measure({"again": scoring(subject)})
    assert all("the measuring process gave no answer" in str(value) for value in {**found, **again}.values())


def ends(process: int) -> bool:
    """Whether a process is gone, or dead and not yet buried."""
    for _ in range(200):
        state = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False)
        if state.stdout.strip() in ("", "Z", "Zs"):
            return True
        time.sleep(0.05)
    return False


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
def test_what_cannot_be_measured_is_told(subject: Subject, tmp_path: Path, code: str, says: str) -> None:
    code = code if "predict" in code else f"{code}def predict(model, frame):\n    return [0.5] * len(frame)\n"
    found = here(scoring(with_code(subject, tmp_path, code)), tmp_path)
    assert isinstance(found, str)
    assert says in found


def test_a_benchmark_that_changed_is_told(gated: World, tmp_path: Path) -> None:
    world = gated.copy(tmp_path / "repo")
    subject = subject_of(world, Store(world.repo).candidate(None))
    file = world.repo / "benchmarks/holdout.csv"
    file.write_text(file.read_text().rsplit("\n", 2)[0] + "\n")
    assert "is not what was frozen" in str(here(scoring(subject), tmp_path))


def test_a_table_of_scores_is_read_by_its_score_column(subject: Subject, tmp_path: Path) -> None:
    head = "import pandas as pd\nfrom sound import prepare\n"
    body = "def predict(model, frame):\n    return pd.DataFrame({'other': 0.1, 'score': 0.7}, index=frame.index)\n"
    made = scoring(with_code(subject, tmp_path, head + body))
    assert set(columns(here(made, tmp_path))["score"]) == {0.7}
    (tmp_path / "model/code/pipeline.py").write_text((head + body).replace("'score'", "'last'"))
    assert set(columns(here(made, tmp_path))["score"]) == {0.1}


def test_a_candidate_of_a_script_is_measured_without_prepare(subject: Subject, tmp_path: Path) -> None:
    code = "def predict(model, frame):\n    return frame['credit_amount'] / 1e6\n"
    plain = replace(subject, label=None, features=["credit_amount"])
    found = columns(here(scoring(with_code(plain, tmp_path, code)), tmp_path))
    assert np.isnan(found["label"]).all()
    assert len(found["score"]) == 250


# Through the service

NEVER = "import sys\nif 'trial' in sys.argv[0]:\n    raise KeyError('no licence here')\n"
MISSING = """from sound import prepare as before
def prepare(frames):
    frame = before(frames).astype({"credit_amount": float})
    frame.loc[1, "credit_amount"] = float("nan")
    return frame
"""
RAISES = """def predict(model, frame):
    if (frame["credit_amount"] == AMOUNT).any():
        raise ValueError("odd")
    return model.predict_proba(frame)[:, 1]
"""
PLAIN = "def predict(model, frame):\n    return frame['duration_in_month'] / 100\n"


def test_a_service_that_fails_refuses_or_does_not_start_is_told(
    subject: Subject, candidate: Candidate, gated: World, tmp_path: Path, measurements: Measurements
) -> None:
    contract = contract_of(load_manifest(manifest_bytes()), candidate.run, candidate.features)
    served = replace(subject, contract=contract.to_bytes().decode())
    third = str(pd.read_csv(gated.repo / "benchmarks/holdout.csv")["credit_amount"][2])
    codes = {
        "fails": SAME + RAISES.replace("AMOUNT", third),
        "refuses": MISSING + PLAIN,
        "starts not": NEVER + SAME + PLAIN,
    }
    given = {**scoring(subject).given, "size": 1, "through": "service"}
    jobs = {name: Job(with_code(served, tmp_path / name, code), "latency", given) for name, code in codes.items()}
    found = measurements.measure(jobs)
    assert "the service answered 500 to row 3 of the benchmark: The model failed on this input." in str(found["fails"])
    assert "the service answered 422 to row 2 of the benchmark: " in str(found["refuses"])
    assert "rows[0].credit_amount" in str(found["refuses"])
    assert "the service did not start: " in str(found["starts not"])
    assert "no licence here" in str(found["starts not"])
