"""The vendor's code: the one place that imports and calls it.

Whatever it raises becomes a clear error that names the vendor's own file and line. What it prints goes to
standard error, so that `--json` stays one document.
"""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from vendorkit.errors import BadInput, Fault, Unavailable, VendorkitError

ARGUMENTS = {"prepare": ("frames",), "train": ("frame", "seed"), "predict": ("model", "frame")}


@dataclass(frozen=True)
class Pipeline:
    """The functions of one model's module, wrapped.

    Args:
        folder: The folder of the model's source files.
        module: Name of the module in it.
    """

    folder: Path
    module: str
    functions: dict[str, Callable[..., Any]]

    def prepare(self, frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
        """The prepared table: features and the label column.

        Raises:
            BadInput: The vendor's function raised, or did not return a table with unique text columns.
        """
        prepared = self._call("prepare", {name: frame.copy() for name, frame in frames.items()})
        if not isinstance(prepared, pd.DataFrame):
            raise self._wrong(
                "prepare", f"returned {type(prepared).__qualname__}, expected one pandas DataFrame."
            )
        names = list(prepared.columns)
        if not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
            raise self._wrong("prepare", "returned columns whose names are not unique text.")
        if prepared.empty:
            raise self._wrong("prepare", "returned a table without rows or columns.")
        return prepared.reset_index(drop=True)

    def train(self, frame: pd.DataFrame, seed: int) -> Any:
        """A fitted model; anything but None."""
        model = self._call("train", frame.copy(), seed)
        if model is None:
            raise self._wrong("train", "returned nothing, expected a fitted model.")
        return model

    def predict(self, model: Any, frame: pd.DataFrame) -> np.ndarray[Any, Any] | pd.DataFrame:
        """Scores, row for row: an array of shape `(n_rows,)` or a DataFrame of `n_rows` rows.

        Raises:
            BadInput: The vendor's function raised, or returned something else.
        """
        given = self._call("predict", model, frame)
        if isinstance(given, pd.DataFrame):
            if len(given) != len(frame):
                raise self._wrong("predict", f"returned {len(given)} rows for {len(frame)} rows.")
            return given
        try:
            scores = np.asarray(given)
        except (ValueError, TypeError) as error:
            raise self._wrong("predict", f"returned something that is no array: {error}.") from error
        if scores.shape != (len(frame),):
            raise self._wrong(
                "predict", f"returned shape {scores.shape} for {len(frame)} rows, expected one each."
            )
        return scores

    def _call(self, name: str, *arguments: Any) -> Any:
        if name not in self.functions:
            raise self._wrong(name, "does not exist in this module.")
        try:
            with contextlib.redirect_stdout(sys.stderr):
                return self.functions[name](*arguments)
        except (VendorkitError, KeyboardInterrupt):
            raise
        except MemoryError as error:
            place = _place(self.folder, error)
            raise Unavailable(f"{name}() ran out of memory.", [Fault(place, "needs more memory.")]) from error
        except BaseException as error:  # SystemExit too: vendor code does not end our process
            place = _place(self.folder, error)
            raise BadInput(
                f"{name}() of the pipeline failed.", [Fault(place, f"{type(error).__name__}: {error}")]
            ) from error

    def _wrong(self, name: str, says: str) -> BadInput:
        where = f"{self.folder.name}/{self.module}.py {name}()"
        return BadInput("The pipeline does not keep its contract.", [Fault(where, says)])


def load_pipeline(folder: Path, module: str, needs: tuple[str, ...] = tuple(ARGUMENTS)) -> Pipeline:
    """Import a model's module and find its functions.

    Args:
        folder: The model's folder; modules beside the module can be imported by it.
        module: Module name, the file `<folder>/<module>.py`.
        needs: Functions that must be there.

    Raises:
        BadInput: No such file, it cannot be imported, functions are missing or take other arguments: all named.
    """
    loaded = _import(folder, module)
    faults, functions = [], {}
    for name, arguments in ARGUMENTS.items():
        function = getattr(loaded, name, None)
        if function is None and name not in needs:
            continue
        says = _mismatch(function, arguments)
        if says:
            faults.append(Fault(f"{folder.name}/{module}.py {name}()", says))
        elif function is not None:
            functions[name] = function
    if faults:
        raise BadInput("The pipeline does not keep its contract.", faults)
    return Pipeline(folder, module, functions)


def _mismatch(function: Any, arguments: tuple[str, ...]) -> str:
    if function is None:
        return f"is missing; it takes ({', '.join(arguments)})."
    if not callable(function):
        return "is not a function."
    try:
        inspect.signature(function).bind(*arguments)
    except (TypeError, ValueError):
        return f"must take ({', '.join(arguments)})."
    return ""


def _import(folder: Path, module: str) -> ModuleType:
    path = folder / f"{module}.py"
    if not path.is_file():
        fix = "Write it, or mend `path` and `module` of the model in engagement.yaml."
        raise BadInput("There is no pipeline.", [Fault(os.fspath(path), "no such file.", fix)])
    spec = importlib.util.spec_from_file_location(module, path)
    if spec is None or spec.loader is None:
        raise BadInput("There is no pipeline.", [Fault(os.fspath(path), "cannot be imported.")])
    loaded = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(folder))
    sys.modules[module] = loaded
    writes_bytecode, sys.dont_write_bytecode = (
        not sys.dont_write_bytecode,
        True,
    )  # its folder may be verified again
    try:
        with contextlib.redirect_stdout(sys.stderr):
            spec.loader.exec_module(loaded)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        sys.modules.pop(module, None)
        place = _place(folder, error)
        fix = (
            "Add it to pyproject.toml beside the module and run `uv lock`."
            if isinstance(error, ImportError)
            else ""
        )
        raise BadInput(
            "The pipeline cannot be imported.", [Fault(place, f"{type(error).__name__}: {error}.", fix)]
        ) from error
    finally:
        sys.dont_write_bytecode = not writes_bytecode
    return loaded


def _place(folder: Path, error: BaseException) -> str:
    """The deepest line of the vendor's own code in a traceback: `credit/pipeline.py:42`."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{folder.name}/{Path(error.filename).name}:{error.lineno}"
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.is_relative_to(folder):
            return f"{folder.name}/{path.relative_to(folder).as_posix()}:{frame.lineno}"
    return f"{folder.name}"
