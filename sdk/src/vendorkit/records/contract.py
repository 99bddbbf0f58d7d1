"""The inference contract: what a caller sends, what comes back, and what happens to input that is not fit."""

from __future__ import annotations

from typing import ClassVar

from vendorkit.records.base import Digest, Record, Value
from vendorkit.records.features import Feature, FeatureSet
from vendorkit.records.manifest import Manifest
from vendorkit.records.run import Run


class Behaviour(Value):
    """What happens to input that is not fit, as the manifest's `operations.failure_modes` declares it.

    Each is `reject-422`, or the name of what is done instead; the service answers and puts that name into the
    prediction's warnings. `missing: accept` hands a missing value to the model.
    """

    missing: str = "reject-422"
    invalid: str = "reject-422"
    stale: str = "flag"
    out_of_distribution: str = "flag"


class Contract(Record):
    """The contract of one model's endpoint.

    Args:
        model: Id of the model.
        task: `binary`, `multiclass`, `regression` or `forecasting`.
        features: Digest of the FeatureSet record that the fields come from.
        fields: The fields of a row, in order.
        behaviour: What happens to input that is not fit.
        max_age_days: Older `as_of` is stale; None where nothing goes stale.
    """

    schema_name: ClassVar[str] = "vendorkit/contract/1"

    model: str
    task: str
    features: Digest
    fields: tuple[Feature, ...]
    behaviour: Behaviour
    max_age_days: int | None = None


def contract_of(manifest: Manifest, run: Run, features: FeatureSet) -> Contract:
    """The contract that a candidate offers: fields from its features, behaviour from the manifest."""
    modes = manifest.operations.failure_modes if manifest.operations else None
    ages = [manifest.dataset(source.dataset).max_age_days for source in run.inputs]
    return Contract(
        model=run.model,
        task=run.task,
        features=features.digest,
        fields=features.features,
        behaviour=Behaviour(**modes.model_dump()) if modes else Behaviour(),
        max_age_days=min((age for age in ages if age is not None), default=None),
    )
