"""The feature set: what a model is given, with the types and the ranges seen in training."""

from __future__ import annotations

from typing import ClassVar, Literal

from vendorkit.records.base import Digest, Record, Value

FeatureType = Literal["number", "integer", "string", "boolean"]


class Feature(Value):
    """One feature.

    Args:
        name: Column name in the prepared table.
        type: JSON type of its values.
        nullable: Whether training had missing values in it.
        minimum: Smallest value seen in training (numbers only).
        maximum: Largest value seen in training (numbers only).
        categories: Values seen in training, sorted (strings with at most 100 distinct values only).
    """

    name: str
    type: FeatureType
    nullable: bool
    minimum: float | None = None
    maximum: float | None = None
    categories: tuple[str, ...] | None = None


class FeatureSet(Record):
    """The features of one model.

    Args:
        model: Id of the model.
        features: In the order in which the model takes them.
        definition: Digest of the code that makes them.
    """

    schema_name: ClassVar[str] = "vendorkit/feature-set/1"

    model: str
    features: tuple[Feature, ...]
    definition: Digest
