"""MLflow's own description of a stored model, so that MLflow can show and load it."""

from __future__ import annotations

from pathlib import Path

from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, DataType, Schema

_TYPES = {"number": DataType.double, "integer": DataType.long, "string": DataType.string, "boolean": DataType.boolean}


def describe_model(
    folder: Path, fields: tuple[tuple[str, str, bool], ...], requirements: str, python: str, loader: str
) -> None:
    """Write MLflow's own description beside a stored model, so that MLflow can show and load it.

    Args:
        folder: The model folder; gets `MLmodel` and `requirements.txt`.
        fields: Name, type and whether it may be missing, of each feature, from the contract: never inferred.
        requirements: Pinned requirements from the lock.
        python: Python version.
        loader: Module with `_load_pyfunc(path)`.
    """
    columns = [ColSpec(_type_of(kind, empty), name, required=not empty) for name, kind, empty in fields]
    description = Model(signature=ModelSignature(inputs=Schema(columns)))
    description.add_flavor("python_function", loader_module=loader, python_version=python, env="requirements.txt")
    (folder / "requirements.txt").write_text(requirements, encoding="utf-8")
    description.save(str(folder / "MLmodel"))


def _type_of(kind: str, nullable: bool) -> DataType:
    # pandas holds whole numbers with gaps as floats, and MLflow refuses floats for `long`.
    return DataType.double if kind == "integer" and nullable else _TYPES[kind]
