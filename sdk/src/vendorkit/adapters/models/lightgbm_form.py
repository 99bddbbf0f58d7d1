"""Models as LightGBM's own text. A wrapper of scikit-learn's kind comes back as a small one with the same methods.

The library is optional. LightGBM has no way of its own to store a wrapper: its classes lie beside the text.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

NAME = "lightgbm"
FILE = "model.lightgbm.txt"
LIBRARIES: tuple[str, ...] = ("lightgbm",)
CLASSES = "classes.json"
PREDICT = """\
def predict(model, frame):
    return model.predict(frame[COLUMNS])
"""
_WRAPPERS = ("LGBMClassifier", "LGBMRegressor", "LGBMRanker")


class LightgbmModel:
    """A booster with the methods of a fitted estimator.

    Args:
        booster_: The booster.
        classes_: The classes of a classifier in the order of their probabilities; None for others.
    """

    def __init__(self, booster_: Any, classes_: np.ndarray[Any, Any] | None) -> None:
        self.booster_ = booster_
        self.classes_ = classes_

    def predict(self, frame: Any) -> Any:
        """The class, or the value, of each row."""
        if self.classes_ is None:
            return self.booster_.predict(frame)
        return self.classes_[np.argmax(self.predict_proba(frame), axis=1)]

    def predict_proba(self, frame: Any) -> Any:
        """Probabilities, shape `(n_rows, n_classes)`."""
        if self.classes_ is None:
            raise AttributeError("predict_proba is there for classifiers only")
        scores = self.booster_.predict(frame)
        return np.column_stack([1.0 - scores, scores]) if scores.ndim == 1 else scores


def claims(model: Any) -> bool:
    """A booster or one of LightGBM's own wrappers; not a pipeline with one in it."""
    kind = type(model)
    return kind.__module__.startswith("lightgbm.") and kind.__name__ in ("Booster", *_WRAPPERS)


def usable(model: Any) -> Any:
    """What `predict` is given before the model is stored: the same object."""
    return model


def save(model: Any, path: Path) -> tuple[str, ...]:
    """Store a booster, and the classes of a classifier beside it."""
    wrapped = type(model).__name__ in _WRAPPERS
    (model.booster_ if wrapped else model).save_model(path)
    if wrapped:
        classes = np.asarray(model.classes_).tolist() if hasattr(model, "classes_") else None
        (path.parent / CLASSES).write_text(json.dumps(classes), encoding="utf-8")
    load(path, ())
    return ()


def load(path: Path, types: tuple[str, ...]) -> Any:
    """The booster, or the small wrapper around it."""
    import lightgbm  # noqa: PLC0415  (optional)

    booster = lightgbm.Booster(model_str=path.read_text("utf-8"))
    beside = path.parent / CLASSES
    if not beside.is_file():
        return booster
    classes = json.loads(beside.read_text("utf-8"))
    return LightgbmModel(booster, None if classes is None else np.asarray(classes))


def types_in(path: Path) -> tuple[str, ...]:
    """None: the text is data."""
    if not path.read_bytes().startswith(b"tree"):
        raise ValueError("it does not begin as LightGBM's text does")
    return ()
