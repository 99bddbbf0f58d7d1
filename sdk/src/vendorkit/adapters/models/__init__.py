"""How a fitted model is stored and loaded again, without a format that carries code where it can be.

One small module for each format; the first that claims a model stores it. Loading is allowed only after the digests
of the files were verified, and makes only the types that the run record names, which the approver has seen. Pickle is
written only where none of them can store a model and the policy pack allows it; whoever loads one asks the pack again.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from vendorkit.adapters.models import lightgbm_form, onnx_form, pickle_form, skops_form, xgboost_form
from vendorkit.errors import BadInput, Fault
from vendorkit.records.run import ModelFormat


class Format(Protocol):
    """What each module has.

    Args:
        NAME: How the run record calls it.
        FILE: Name of the file in the model folder.
        LIBRARIES: What has to be installed.
        PREDICT: Source of a plain `predict` for models that come without one; it finds the features in `COLUMNS`.
    """

    NAME: str
    FILE: str
    LIBRARIES: tuple[str, ...]
    PREDICT: str

    def claims(self, model: Any) -> bool: ...
    def usable(self, model: Any) -> Any: ...
    def save(self, model: Any, path: Path) -> tuple[str, ...]: ...
    def load(self, path: Path, types: tuple[str, ...]) -> Any: ...
    def types_in(self, path: Path) -> tuple[str, ...]: ...


FORMATS: dict[str, Format] = {
    "onnx": onnx_form,
    "lightgbm": lightgbm_form,
    "xgboost": xgboost_form,
    "skops": skops_form,  # claims whatever is left
    "cloudpickle": pickle_form,
    "pickle": pickle_form,  # as models come from elsewhere
}
MODEL_FILE = skops_form.FILE


def usable(model: Any) -> Any:
    """What `predict` is given: the same kind of object before storing as after loading."""
    form = _form_of(model)
    try:
        return form.usable(model)
    except Exception as error:
        raise _not_storable(model, form, f"{error}") from error


def save_model(model: Any, folder: Path, code_formats: Sequence[str] = ()) -> ModelFormat:
    """Store a fitted model in a folder, and load it again once: what cannot be loaded is not stored.

    Args:
        model: The model.
        folder: Where its files go.
        code_formats: Formats that carry code and may be used where no other can store it, by the policy pack.

    Raises:
        BadInput: The model cannot be stored without pickling it, or not be loaded again elsewhere.
    """
    form = _form_of(model)
    try:
        return _saved(model, folder, form)
    except Exception as error:
        if pickle_form.NAME in code_formats:
            refuse_absent(pickle_form)
            try:
                return _saved(model, folder, pickle_form)
            except Exception as again:
                raise _not_storable(model, pickle_form, f"{again}") from again
        raise _not_storable(model, form, f"{error}") from error


def _saved(model: Any, folder: Path, form: Format) -> ModelFormat:
    before = set(folder.iterdir())
    try:
        return ModelFormat(name=form.NAME, types=tuple(sorted(form.save(model, folder / form.FILE))))
    except Exception:
        for path in set(folder.iterdir()) - before:
            path.unlink()
        raise


def stored_as(name: str, path: Path) -> ModelFormat:
    """How a model file from elsewhere is stored, with the types that loading it will have to allow. Loads nothing.

    Raises:
        BadInput: It is not of this format.
    """
    try:
        return ModelFormat(name=name, types=tuple(sorted(FORMATS[name].types_in(path))))
    except Exception as error:
        raise BadInput(f"This is no model stored as {name}.", [Fault(path.name, f"{error}")]) from error


def load_model(folder: Path, stored: ModelFormat) -> Any:
    """Load a model whose files were verified before.

    Raises:
        BadInput: Another format, a library that is not installed, a broken file, or types that the record does not
            name.
    """
    form = FORMATS.get(stored.name)
    if form is None:
        fault = Fault("model_format", f"{stored.name!r} is not known; there are: {', '.join(FORMATS)}.")
        raise BadInput("The model cannot be loaded.", [fault])
    refuse_absent(form)
    try:
        return form.load(folder / form.FILE, stored.types)
    except Exception as error:
        raise BadInput("The model cannot be loaded.", [Fault(form.FILE, f"{error}")]) from error


def refuse_absent(form: Format) -> None:
    """Say which library of a format is not installed.

    Raises:
        BadInput: One is not.
    """
    absent = [name for name in form.LIBRARIES if importlib.util.find_spec(name) is None]
    if absent:
        fix = f"Add {' and '.join(absent)} to the dependencies of the model and lock again."
        faults = [Fault("model_format", f"{form.NAME} needs {name}, which is not installed.") for name in absent]
        raise BadInput(f"The model is stored as {form.NAME}.", faults, fix=fix)


def _form_of(model: Any) -> Format:
    form = next(form for form in FORMATS.values() if form.claims(model))
    refuse_absent(form)
    return form


def _not_storable(model: Any, form: Format, why: str) -> BadInput:
    how = "" if form is pickle_form else "as data "
    says = f"a {type(model).__qualname__} cannot be stored {how}({form.NAME}): {why.removesuffix('.')}."
    fix = "Return a scikit-learn estimator from train(), an ONNX graph, a booster, or an object of plain attributes."
    return BadInput("The model cannot be stored.", [Fault("train()", says, fix)])
