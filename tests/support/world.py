"""A small real engagement to work in: git, keys, frozen real data, a pipeline, and the command line in process.

Commands run through `vendorkit.cli.main.main`, so that mlflow and pandas are imported once for all tests of a
process. What a fresh process does is tested in the journeys.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vendorkit.cli.main import main

from tests.support.engagement import PEOPLE, write_engagement
from tests.support.keys import make_key
from tests.support.words import write_words

TEMPLATE = Path(__file__).parents[2] / "template"

PIPELINE = '''\
"""A small credit model."""

import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

NUMBERS = ["duration_in_month", "credit_amount"]
WORDS = ["status_of_existing_checking_account", "credit_history", "savings_account_and_bonds"]
FREEDOM = 1.0


def prepare(frames):
    applications = frames["applications"]
    prepared = applications[[*NUMBERS, *WORDS]].copy()
    prepared["creditability"] = (applications["creditability"] == "bad").astype("int64")
    return prepared


def train(frame, seed):
    columns = make_column_transformer((StandardScaler(), NUMBERS), (OneHotEncoder(handle_unknown="ignore"), WORDS))
    model = make_pipeline(columns, LogisticRegression(C=FREEDOM, max_iter=1000, random_state=seed))
    return model.fit(frame[[*NUMBERS, *WORDS]], frame["creditability"])


def predict(model, frame):
    return model.predict_proba(frame)[:, 1]
'''
WORSE = ("predict_proba(frame)[:, 1]", "predict_proba(frame)[:, 0]")
"""An edit of the pipeline that makes a model that fails its gates."""
OTHER = ("FREEDOM = 1.0", "FREEDOM = 0.9")
"""An edit that makes another model which passes."""


OPERATIONS = """
operations:
  objectives: [{id: avail, sli: availability, target: 99.9, window: P28D}]
  alerts: [{signal: error_rate, over: 0.01, to: ml-sre, runbook: "docs/RUNBOOK.md#errors"}]
  failure_modes: {missing: reject-422, stale: flag, invalid: reject-422, out_of_distribution: flag}
  rollback: {authority: [ml-sre], command: vendorkit rollback credit, target_minutes: 15}
  escalation: [ml-sre, vendor-ml, model-ops-lead]
  retrain: {every: P3M, or_when: "psi_score > 0.2 for 7d", owner: ml-sre}
"""
LIFECYCLE = """
lifecycle: {review_every: P6M, retire_after_idle: P12M, triggers: [superseded], approver: model-risk}
"""


@dataclass(frozen=True)
class Answer:
    """What a command gave: exit code, standard output and standard error."""

    code: int
    out: str
    err: str

    @property
    def envelope(self) -> dict[str, Any]:
        """Standard output as the one JSON document."""
        value = json.loads(self.out)
        assert isinstance(value, dict)
        return value

    @property
    def result(self) -> dict[str, Any]:
        result = self.envelope["result"]
        assert isinstance(result, dict)
        return result


class World:
    """One engagement and the people in it."""

    def __init__(self, repo: Path, keys: Path) -> None:
        self.repo = repo
        self.keys = keys

    def key(self, person: str) -> Path:
        """The private SSH key of a person; `stranger` has one that nobody knows."""
        return self.keys / person

    def run(self, *arguments: str, who: str = "vendor-ml", as_json: bool = True) -> Answer:
        """Run one command line in the engagement as a person."""
        out, err = io.StringIO(), io.StringIO()
        given = [*arguments, "--repo", str(self.repo), *(["--json"] if as_json else [])]
        with self.as_person(who), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = main(given)
            except SystemExit as end:
                code = int(end.code or 0)
        return Answer(code, out.getvalue(), err.getvalue())

    def ok(self, *arguments: str, who: str = "vendor-ml") -> dict[str, Any]:
        """Run a command that must say yes; gives its result."""
        answer = self.run(*arguments, who=who)
        assert answer.code == 0, f"{arguments} ended with {answer.code}:\n{answer.out}\n{answer.err}"
        return answer.result

    def decide(self, command: str, release: str, who: str, *more: str, key: str | None = None) -> Answer:
        """Approve, refuse, promote or roll back as a person with their key."""
        return self.run(command, release, "--key", str(self.key(key or who)), *more, who=who)

    @contextlib.contextmanager
    def as_person(self, who: str) -> Iterator[None]:
        """Let git know a person in this process."""
        own = self.environment(who)
        before = {name: os.environ.get(name) for name in own}
        os.environ.update(own)
        try:
            yield
        finally:  # these names only: what the registry sets when it is first imported stays
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value

    def environment(self, who: str) -> dict[str, str]:
        """Environment variables by which git knows a person."""
        name, email = PEOPLE[who][1:]
        both = {"NAME": name, "EMAIL": email}
        return {f"GIT_{role}_{part}": value for role in ("AUTHOR", "COMMITTER") for part, value in both.items()}

    def commit(self, message: str = "Change", who: str = "vendor-ml") -> None:
        """Commit everything."""
        for command in (["add", "--all"], ["commit", "--quiet", "--allow-empty", "-m", message]):
            subprocess.run(["git", *command], cwd=self.repo, env={**os.environ, **self.environment(who)}, check=True)

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace text in a file and commit it."""
        file = self.repo / path
        text = file.read_text("utf-8")
        assert old in text, f"{old!r} is not in {path}"
        file.write_text(text.replace(old, new), encoding="utf-8")
        self.commit(f"Edit {path}")

    def train_and_gate(self, edit: tuple[str, str] | None = None) -> str:
        """Train (after an edit of the pipeline) and ask the gates; gives the candidate."""
        if edit:
            self.edit("models/credit/pipeline.py", *edit)
        candidate = str(self.ok("train")["candidate"])
        self.run("gate")
        return candidate

    def live(self) -> int:
        """Publish the newest candidate, approve and promote it; gives its version."""
        version = int(self.ok("publish")["version"])
        assert self.decide("approve", f"credit/{version}", "model-risk").code == 0
        assert self.decide("promote", f"credit/{version}", "ml-sre").code == 0
        return version

    def declare(self, *, tier: str | None = None, operations: bool = False, lifecycle: bool = False) -> None:
        """Say more in the manifest of the working tree, without a commit."""
        manifest = self.repo / "engagement.yaml"
        text = manifest.read_text("utf-8")
        if tier:
            text = text.replace("risk_tier: medium", f"risk_tier: {tier}")
        text += OPERATIONS if operations else ""
        text += LIFECYCLE if lifecycle else ""
        manifest.write_text(text, encoding="utf-8")

    def copy(self, folder: Path) -> World:
        """An independent copy with its registry; MLflow's own tools find files of releases in the original only.

        What the original remembers of logs it has read stays there, whoever read them before.
        """
        shutil.copytree(self.repo, folder, symlinks=True)
        shutil.rmtree(folder / ".vendorkit/seen", ignore_errors=True)
        return World(folder, self.keys)


def make_world(folder: Path, **changes: Any) -> World:
    """A committed engagement with frozen data; `changes` replace sections of the manifest."""
    repo = write_engagement(folder / "repo", **changes)
    keys = folder / "keys"
    keys.mkdir()
    for person in (*PEOPLE, "stranger"):
        make_key(keys / person, comment=person)
    lines = [f"{PEOPLE[who][2]} {(keys / f'{who}.pub').read_text().rsplit(' ', 1)[0]}" for who in PEOPLE]
    (repo / "allowed_signers").write_text("\n".join(lines) + "\n")
    for name in ("data/applications.csv", "benchmarks/holdout.csv"):
        starter = (path for path in TEMPLATE.rglob("*.csv*") if "consumer-credit" in str(path))
        found = next(path for path in starter if Path(name).name in path.name)
        (repo / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(found, repo / name)
    (repo / "models/credit").mkdir(parents=True)
    (repo / "models/credit/pipeline.py").write_text(PIPELINE)
    write_words(repo)
    (repo / "pyproject.toml").write_text('[project]\nname = "small"\nversion = "0"\nrequires-python = ">=3.11"\n')
    (repo / ".gitignore").write_text(".vendorkit/\n__pycache__/\n")
    subprocess.run(["uv", "lock", "--quiet", "--offline", "--no-python-downloads"], cwd=repo, check=True)
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main"], cwd=repo, check=True)
    world = World(repo, keys)
    world.ok("snapshot")
    world.commit("Kick off")
    return world
