"""Models as skops files: scikit-learn estimators, and objects that are made of plain state."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import skops.io

NAME = "skops"
FILE = "model.skops"
LIBRARIES: tuple[str, ...] = ("sklearn",)
MOST_GROWTH = 200
"""How many times its size a file may unpack to: zeros pack 1,000 to 1, fitted models hardly 20 to 1."""
PREDICT = """\
def predict(model, frame):
    given = frame[COLUMNS]
    if hasattr(model, "predict_proba"):
        scores = model.predict_proba(given)
        return scores[:, 1] if scores.shape[1] == 2 else scores
    return model.predict(given)
"""


def claims(model: Any) -> bool:
    """Everything that no other format is for."""
    return True


def usable(model: Any) -> Any:
    """What `predict` is given before the model is stored: the same object."""
    return model


def save(model: Any, path: Path) -> tuple[str, ...]:
    """Store a model; gives the types outside skops' own trusted list."""
    skops.io.dump(model, path)
    types = skops.io.get_untrusted_types(file=path)
    skops.io.load(path, trusted=types)
    homeless = [name for name in types if name.startswith("__main__.")]
    if homeless:
        raise ValueError(f"{', '.join(homeless)} lives in the script that runs; move it into a module")
    return tuple(types)


def load(path: Path, types: tuple[str, ...]) -> Any:
    """Load a model; only types that are named are made."""
    _refuse_bomb(path)
    return skops.io.load(path, trusted=list(types))


def types_in(path: Path) -> tuple[str, ...]:
    """The types that loading would have to allow. Makes none of them."""
    _refuse_bomb(path)
    return tuple(skops.io.get_untrusted_types(file=path))


def _refuse_bomb(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > MOST_GROWTH * path.stat().st_size:
        raise ValueError(f"it would unpack to {unpacked:,} bytes, more than {MOST_GROWTH} times its size")
