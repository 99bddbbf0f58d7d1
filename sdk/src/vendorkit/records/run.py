"""A run: how a candidate came to be. The digest of the run record is the candidate's name."""

from __future__ import annotations

from typing import ClassVar

from vendorkit.records.base import Digest, Record, Timestamp, Value, added

CARRY_CODE = ("pickle", "cloudpickle", "joblib", "dill")
"""Formats of models whose loading runs code that is in the file."""


class Input(Value):
    """A dataset that was read, verified against its snapshot."""

    dataset: str
    snapshot: Digest
    content_digest: Digest
    rows: int
    taken_at: Timestamp


class Filter(Value):
    """Rows left out, and why. An empty reason means that nobody gave one."""

    name: str
    reason: str
    rows_before: int
    rows_after: int


class Artifact(Value):
    """A file of the model: its path below the model folder, size and digest."""

    path: str
    bytes: int
    digest: Digest


class Label(Value):
    """What the model learned to predict: the column, who decided it, and by which policy."""

    column: str
    source: str
    policy: str


class Person(Value):
    """A person as git knows them."""

    name: str
    email: str


class Code(Value):
    """The code that ran.

    Args:
        commit: Full git commit, empty where there is none yet.
        dirty: Whether the working tree differed from the commit.
        committers: E-mail addresses of the commit's author and committer.
        module: The module among `files` that has `prepare`, `train` and `predict`.
        files: The model's own source files.
    """

    commit: str
    dirty: bool
    committers: tuple[str, ...]
    module: str
    files: tuple[Artifact, ...]


class Environment(Value):
    """Where it ran. `id` is the digest of the other three together."""

    id: Digest
    lock: Digest | None
    python: str
    platform: str


class Template(Value):
    """The template that the repository was made from, as its answers file says."""

    source: str
    version: str


class ModelFormat(Value):
    """How the model is stored.

    Args:
        name: `skops`, `onnx`, `lightgbm` or `xgboost`; `cloudpickle` or `pickle` where the policy pack allows it.
        types: Types outside the format's own trusted list, of a pickle all that it imports; the approver sees them,
            loading allows only them.
    """

    name: str
    types: tuple[str, ...]

    @property
    def carries_code(self) -> bool:
        """Whether loading it runs whatever was put into it."""
        return self.name in CARRY_CODE


class GoldenRow(Value):
    """What the model answered to one made-up row when it was stored.

    Args:
        given: Value of each feature.
        score: The answer.
    """

    given: dict[str, str | int | float | bool]
    score: float


class Run(Record):
    """Everything needed to rebuild and to judge a candidate.

    Args:
        run_id: UUIDv7 of the run.
        stage: What was tracked, for instance `train`; `import` for a model that was made without vendorkit.
        engagement: Id of the engagement.
        model: Id of the model surface.
        task: `binary`, `multiclass`, `regression` or `forecasting`.
        inputs: Datasets read.
        filters: Rows left out.
        features: Digest of the FeatureSet record.
        prepared: Content digest of the prepared table; None where training did not go through `prepare`.
        label: The label, None for a model without one.
        seed: Seed given to training.
        parameters: Training parameters as the vendor recorded them.
        author: Who trained, as git knows them.
        seconds: Wall time of the run.
        gaps: What the maker of an imported model did not tell, by field of the model's description.
        golden: Answers to made-up rows, which a rollback asks for again; none where the model does not take such.
    """

    schema_name: ClassVar[str] = "vendorkit/run/1"

    run_id: str
    stage: str
    engagement: str
    model: str
    task: str
    inputs: tuple[Input, ...]
    filters: tuple[Filter, ...]
    features: Digest
    prepared: Digest | None
    label: Label | None
    seed: int
    parameters: dict[str, str | int | float | bool]
    code: Code
    environment: Environment
    sdk_version: str
    template: Template | None
    author: Person
    started_at: Timestamp
    seconds: float
    model_format: ModelFormat
    artifacts: tuple[Artifact, ...]
    gaps: tuple[str, ...] = added(())
    golden: tuple[GoldenRow, ...] = added(())
