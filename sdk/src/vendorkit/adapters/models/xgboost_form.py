"""Models as XGBoost's own JSON. The library is optional."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

NAME = "xgboost"
FILE = "model.xgboost.json"
LIBRARIES: tuple[str, ...] = ("xgboost",)
KIND = "kind.json"
PREDICT = """\
import xgboost


def predict(model, frame):
    return model.predict(xgboost.DMatrix(frame[COLUMNS]))
"""
_WRAPPERS = ("XGBClassifier", "XGBRegressor", "XGBRanker", "XGBRFClassifier", "XGBRFRegressor")


def claims(model: Any) -> bool:
    """A booster or one of XGBoost's own wrappers; not a pipeline with one in it."""
    kind = type(model)
    return kind.__module__.startswith("xgboost.") and kind.__name__ in ("Booster", *_WRAPPERS)


def usable(model: Any) -> Any:
    """What `predict` is given before the model is stored: the same object."""
    return model


def save(model: Any, path: Path) -> tuple[str, ...]:
    """Store a model, and which wrapper it was beside it."""
    model.save_model(path)
    kind = type(model).__name__
    if kind in _WRAPPERS:
        (path.parent / KIND).write_text(json.dumps(kind), encoding="utf-8")
    load(path, ())
    return ()


def load(path: Path, types: tuple[str, ...]) -> Any:
    """The booster, or the wrapper that it was."""
    import xgboost  # noqa: PLC0415  (optional)

    beside = path.parent / KIND
    kind = json.loads(beside.read_text("utf-8")) if beside.is_file() else "Booster"
    if kind not in ("Booster", *_WRAPPERS):
        raise ValueError(f"{kind!r} is no model of XGBoost")
    model = getattr(xgboost, kind)()
    model.load_model(bytearray(path.read_bytes()))
    return model


def types_in(path: Path) -> tuple[str, ...]:
    """None: the JSON is data."""
    if not path.read_bytes().startswith(b"{"):
        raise ValueError("it does not begin as XGBoost's JSON or UBJSON does")
    return ()
