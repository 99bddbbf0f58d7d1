"""Folders of models as MLflow writes them, read without MLflow: `MLmodel` is a text, and nothing is loaded."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from vendorkit.errors import BadInput, Fault, Refused
from vendorkit.records.description import ModelDescription
from vendorkit.records.features import Feature, FeatureType
from vendorkit.records.yaml_text import read_yaml

NATIVE = {"onnx": "onnx", "lightgbm": "lightgbm", "xgboost": "xgboost", "sklearn": "skops"}
"""Flavour of MLflow to our format."""
_SUFFIXES = {"onnx": (".onnx",), "lightgbm": (".lgb", ".txt"), "xgboost": (".ubj", ".json"), "sklearn": ()}
_TYPES: dict[str, FeatureType] = {
    **{"double": "number", "float": "number", "long": "integer", "integer": "integer"},
    **{"string": "string", "boolean": "boolean"},
}


def find_mlmodel(found: Mapping[str, Path]) -> PurePosixPath | None:
    """The folder of the one `MLmodel` among the files of a run or a model; None where there is none.

    Raises:
        BadInput: There are several.
    """
    places = [PurePosixPath(path).parent for path in found if PurePosixPath(path).name == "MLmodel"]
    if len(places) > 1:
        faults = [Fault(str(place), "holds a model.") for place in sorted(places)]
        raise BadInput("Which model?", faults, fix="Name the folder of one of them.")
    return places[0] if places else None


def describe_mlmodel(
    place: PurePosixPath,
    found: Mapping[str, Path],
    read: Callable[[Path, str], bytes],
    code_formats: Sequence[str] = (),
) -> ModelDescription:
    """What an `MLmodel` file, and the run around it, say of a model.

    Args:
        place: Folder of the file.
        found: All files by path.
        read: Reads a small file, named by its path.
        code_formats: Formats that carry code and are allowed by the policy pack.

    Raises:
        BadInput: It is not readable, or of a flavour that is not known.
        Refused: The model is a pickle.
    """
    where = str(place / "MLmodel")
    value = read_yaml(read(found[where], where), where).value
    flavours = value.get("flavors") if isinstance(value, dict) else None
    if not isinstance(flavours, dict):
        raise BadInput("This is no model of MLflow.", [Fault(where, "names no flavors.")])
    odd = [name for name, flavour in flavours.items() if not isinstance(flavour, dict)]
    if odd:
        faults = [Fault(f"{where}: flavors.{name}", "expected a mapping.") for name in odd]
        raise BadInput("This is no model of MLflow.", faults)
    name = next((name for name in NATIVE if name in flavours), None)
    file = _file(flavours, name)
    pickled = str(flavours["sklearn"].get("serialization_format")) if name == "sklearn" else ""
    if pickled not in code_formats:
        _refuse_code(where, name, file, flavours)
    described: dict[str, Any] = {
        "format": pickled if pickled in code_formats else NATIVE[name or ""],
        "file": str(place / file),
        "features": _features(value),
    }
    if file.endswith(".skops"):
        described["format"] = "skops"
    kind = str(flavours[name].get("model_class", "")).rpartition(".")[2]
    if name == "xgboost" and kind.startswith("XGB"):
        described["kind"] = kind
    python = flavours.get("python_function", {}).get("python_version")
    if isinstance(python, str):
        described["python"] = f"CPython {python}"
    parameters = _parameters(place, found, read)
    if parameters:
        described["parameters"] = parameters
    made = value.get("utc_time_created")
    if isinstance(made, str):
        described["trained_at"] = _time(made, where)
    return ModelDescription(**described)


def _file(flavours: Mapping[str, Any], name: str | None) -> str:
    """The file of the model, as its flavour names it."""
    flavour = flavours.get(name or "python_function", {})
    named = [flavour.get(key) for key in ("data", "pickled_model", "model_path", "python_model")]
    return next((file for file in named if isinstance(file, str)), "")


def _refuse_code(where: str, name: str | None, file: str, flavours: Mapping[str, Any]) -> None:
    """Refuse what only runs by loading code, told by what stands in the text; the file is not looked at."""
    if name and PurePosixPath(file).suffix in (*_SUFFIXES[name], ".skops"):
        return
    if not name and "python_function" not in flavours:
        raise BadInput("This flavour is not known.", [Fault(where, f"has: {', '.join(map(str, flavours))}.")])
    says = f"stores the model as {file or 'code'}, a format that carries code: loading it runs whatever is in it."
    fix = "Store it as skops, ONNX, or in the format of LightGBM or XGBoost (MLflow: serialization_format='skops')."
    raise Refused("The model is a pickle, which the policy does not allow.", [Fault(where, says)], fix=fix)


def _features(value: Mapping[str, Any]) -> tuple[Feature, ...]:
    """The columns of the signature; none where it has none, or types that no field of a request has."""
    signature = value.get("signature")
    text = signature.get("inputs") if isinstance(signature, dict) else None
    try:
        columns = json.loads(text) if isinstance(text, str) else []
        return tuple(
            Feature(name=column["name"], type=_TYPES[column["type"]], nullable=column.get("required") is False)
            for column in columns
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return ()


def _parameters(
    place: PurePosixPath, found: Mapping[str, Path], read: Callable[[Path, str], bytes]
) -> dict[str, str | int | float | bool]:
    """The parameters of the run around a model, where it is a run's folder."""
    names = [PurePosixPath(path) for path in found if PurePosixPath(path).parts[:1] == ("params",)]
    return {
        "/".join(name.parts[1:]): read(found[str(name)], str(name)).decode("utf-8", "replace")
        for name in sorted(names)
        if place.parts[:1] == ("artifacts",)
    }


def _time(text: str, where: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput("This is no model of MLflow.", [Fault(where, f"utc_time_created: {error}.")]) from error
    return moment.replace(tzinfo=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
