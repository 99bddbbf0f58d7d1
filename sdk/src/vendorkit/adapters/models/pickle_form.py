"""Models as pickles, for platforms whose policy pack allows them: whoever loads one runs what was put into it.

The imports that a static scan names stand in the run record as the types, for the approver to see; loading makes no
other. That keeps a file to what was seen, and is no safety: the imports that are named may do anything.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

from vendorkit.adapters.models import skops_form
from vendorkit.adapters.models.pickle_scan import scan

NAME = "cloudpickle"
FILE = "model.pkl"
LIBRARIES: tuple[str, ...] = ("cloudpickle",)
PREDICT = skops_form.PREDICT


def claims(model: Any) -> bool:
    """Nothing by itself: it takes what no other format can store, where the policy allows it."""
    return False


def usable(model: Any) -> Any:
    """What `predict` is given before the model is stored: the same object."""
    return model


def save(model: Any, path: Path) -> tuple[str, ...]:
    """Store a model; gives what loading it imports."""
    import cloudpickle  # noqa: PLC0415  (only where the policy allows it)

    path.write_bytes(cloudpickle.dumps(model))
    types = types_in(path)
    load(path, types)
    return types


def load(path: Path, types: tuple[str, ...]) -> Any:
    """Load a model, and with it the code in it; only what is named is imported."""
    with path.open("rb") as file:
        return _Named(file, types).load()


def types_in(path: Path) -> tuple[str, ...]:
    """What loading it would import, by a scan that unpickles nothing."""
    found = scan(path, path.name)
    if len(found) != 1 or found[0].where != path.name or not found[0].whole:
        raise ValueError("it is not one whole pickle")
    if any(name.startswith("?.") or name.endswith(".?") for name in found[0].imports):
        raise ValueError("what it imports cannot be read without unpickling it")
    return found[0].imports


class _Named(pickle.Unpickler):
    def __init__(self, file: Any, types: tuple[str, ...]) -> None:
        super().__init__(file)
        self._types = types

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        name = f"{module_name}.{global_name}"
        if name not in self._types:
            raise ValueError(f"it imports {name}, which its record does not name")
        return super().find_class(module_name, global_name)
