"""How a fitted model is stored and loaded again, without a format that carries code.

skops stores scikit-learn estimators (and objects that are made of plain state) as data. Loading allows only the
types that the run record names, which the approver has seen. Pickle is never used.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import skops.io

from vendorkit.errors import BadInput, Fault
from vendorkit.records.run import ModelFormat

MODEL_FILE = "model.skops"


def save_model(model: Any, folder: Path) -> ModelFormat:
    """Store a fitted model in a folder, and load it again once: what cannot be loaded is not stored.

    Raises:
        BadInput: The model cannot be stored without pickling it, or not be loaded again elsewhere.
    """
    path = folder / MODEL_FILE
    try:
        skops.io.dump(model, path)
        types = skops.io.get_untrusted_types(file=path)
        skops.io.load(path, trusted=types)
    except Exception as error:
        path.unlink(missing_ok=True)
        raise _not_storable(model, f"{error}") from error
    homeless = [name for name in types if name.startswith("__main__.")]
    if homeless:
        path.unlink()
        raise _not_storable(model, f"{', '.join(homeless)} lives in the script that runs; move it into a module")
    return ModelFormat(name="skops", types=tuple(sorted(types)))


def _not_storable(model: Any, why: str) -> BadInput:
    says = f"a {type(model).__qualname__} cannot be stored as data: {why.removesuffix('.')}."
    fix = "Return a scikit-learn estimator from train(), or an object made of plain attributes."
    return BadInput("The model cannot be stored.", [Fault("train()", says, fix)])


def load_model(folder: Path, stored: ModelFormat) -> Any:
    """Load a model whose files were verified before.

    Raises:
        BadInput: Another format, a broken file, or types that the record does not name.
    """
    if stored.name != "skops":
        raise BadInput("The model cannot be loaded.", [Fault("model_format", f"{stored.name!r} is not known.")])
    try:
        return skops.io.load(folder / MODEL_FILE, trusted=list(stored.types))
    except Exception as error:
        raise BadInput("The model cannot be loaded.", [Fault(MODEL_FILE, f"{error}")]) from error
