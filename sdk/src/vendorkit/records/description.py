"""What the maker of a model that was made elsewhere says of it, and what a candidate needs that nobody said yet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from vendorkit.errors import Fault
from vendorkit.records.base import Digest, Record, Timestamp, Value
from vendorkit.records.features import Feature
from vendorkit.records.run import Person

DESCRIPTION_FILE = "vendorkit-model.json"
GAPS = {
    "inputs": "which datasets it learned from, each with the digest of its content",
    "features": "its features in order, with their types",
    "seed": "the seed that it was trained with",
    "commit": "the commit of the code that trained it",
    "lock": "the digest of the lock file that it was trained with",
    "author": "who trained it, by name and e-mail address",
    "trained_at": "when it was trained",
}
"""What a candidate needs, by the field of the description that tells it."""


class DescribedInput(Value):
    """A dataset that it learned from: its id in engagement.yaml, and the digest of its snapshot's content."""

    dataset: str
    content_digest: Digest


class ModelDescription(Record):
    """The description of a model that was trained without vendorkit. What is not known is left out.

    Args:
        format: How the model is stored; `cloudpickle` and `pickle` only where the policy pack allows them.
        file: Its file, relative to the description.
        file_digest: Digest of that file.
        kind: For `xgboost`, which wrapper it is, for instance `XGBClassifier`; left out for a plain booster.
        predict: Module in `code/` with `predict(model, frame)`, and maybe `prepare`; left out, a plain one is made.
        features: What it is given, in order.
        inputs: Datasets that it learned from.
        seed: Seed of the training.
        parameters: Training parameters.
        commit: Full commit of the training code.
        lock: Digest of the lock file of the training.
        python: Python version of the training.
        author: Who trained it.
        trained_at: When.
    """

    schema_name: ClassVar[str] = "vendorkit/model-description/1"

    format: Literal["onnx", "lightgbm", "xgboost", "skops", "cloudpickle", "pickle"] | None = None
    file: str | None = None
    file_digest: Digest | None = None
    kind: str | None = None
    predict: Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]*$")] | None = None
    features: tuple[Feature, ...] = ()
    inputs: tuple[DescribedInput, ...] = ()
    seed: int | None = None
    parameters: dict[str, str | int | float | bool] = Field(default_factory=dict)
    commit: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")] | None = None
    lock: Digest | None = None
    python: str | None = None
    author: Person | None = None
    trained_at: Timestamp | None = None

    def and_also(self, more: ModelDescription) -> ModelDescription:
        """This description with what another one says."""
        said = {name: getattr(more, name) for name in more.model_fields_set}
        return self.model_copy(update=said)

    @property
    def gaps(self) -> tuple[str, ...]:
        """What it does not say."""
        return tuple(name for name in GAPS if getattr(self, name) in (None, (), ""))


def gap_faults(gaps: Iterable[str]) -> list[Fault]:
    """What has to be told before a model from elsewhere can be judged, one fault each."""
    return [
        Fault(name, f"nobody told {GAPS[name]}.", f"Give `{name}` in {DESCRIPTION_FILE} and import it again.")
        for name in gaps
    ]
