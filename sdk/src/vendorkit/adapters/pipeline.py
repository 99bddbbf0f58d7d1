"""The vendor's code: the one place that imports and calls it.

Whatever it raises becomes a clear error that names the vendor's own file and line. What it prints goes to
standard error, so that `--json` stays one document. It is always read from its source, never from bytecode that
lies beside it: what runs is what lineage records.
"""

from __future__ import annotations

import contextlib
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from importlib.machinery import FileFinder, ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import numpy as np
import pandas as pd

from vendorkit.errors import BadInput, Fault, Unavailable, VendorkitError

ARGUMENTS = {"prepare": ("frames",), "train": ("frame", "seed"), "predict": ("model", "frame")}
LONGEST_MESSAGE = 2_000
"""Characters of the vendor's own error that are shown."""
CLASSES = "; for several classes a DataFrame of probabilities, one column named as each class"

_loading: ContextVar[bool] = ContextVar("vendorkit_loading", default=False)


@dataclass(frozen=True)
class Place:
    """Where a model's code lies.

    Args:
        folder: The folder of the model's source files.
        module: Name of the module in it.
        shown: How messages call the folder.
    """

    folder: Path
    module: str
    shown: str

    @property
    def file(self) -> Path:
        """The module's file."""
        return self.folder / f"{self.module}.py"

    def show(self, path: str, line: int | None) -> str | None:
        """`models/credit/pipeline.py:42`; None for files that lie elsewhere."""
        if not Path(path).is_relative_to(self.folder):
            return None
        return f"{self.shown}/{Path(path).relative_to(self.folder).as_posix()}:{line}"

    def of_function(self, function: Any) -> str:
        """File and line of a function, as far as it is the vendor's own."""
        code = getattr(inspect.unwrap(function), "__code__", None) if callable(function) else None
        shown = self.show(code.co_filename, code.co_firstlineno) if code else None
        return shown or f"{self.shown}/{self.module}.py"

    def of_error(self, error: BaseException) -> str:
        """The deepest line of the vendor's own code in a traceback."""
        if isinstance(error, SyntaxError) and error.filename:
            shown = self.show(error.filename, error.lineno)
            if shown:
                return shown
        frames = reversed(traceback.extract_tb(error.__traceback__))
        found = (self.show(frame.filename, frame.lineno) for frame in frames)
        return next((shown for shown in found if shown), f"{self.shown}/{self.module}.py")


@dataclass(frozen=True)
class Pipeline:
    """The functions of one model's module, wrapped."""

    place: Place
    functions: dict[str, Callable[..., Any]]

    def prepare(self, frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
        """The prepared table: features and the label column. The vendor's function works on copies.

        Raises:
            BadInput: The vendor's function raised, or did not return a table with unique text columns.
        """
        return self.prepare_rows(frames)[0]

    def prepare_rows(self, frames: dict[str, pd.DataFrame]) -> tuple[pd.DataFrame, pd.Index[Any]]:
        """As `prepare`, and the index that the vendor's function gave the rows: it tells which row came from where.

        Raises:
            BadInput: As for `prepare`.
        """
        prepared = self._call("prepare", {name: frame.copy() for name, frame in frames.items()})
        if not isinstance(prepared, pd.DataFrame):
            raise self.broken("prepare", f"returned {_kind(prepared)}, expected one pandas DataFrame.")
        names = list(prepared.columns)
        if not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
            listed = ", ".join(
                sorted({str(name) for name in names if names.count(name) > 1 or not isinstance(name, str)})
            )
            raise self.broken("prepare", f"returned columns whose names are not unique text: {listed}.")
        if prepared.empty:
            raise self.broken("prepare", "returned a table without rows or columns.")
        return prepared.reset_index(drop=True), prepared.index

    def train(self, frame: pd.DataFrame, seed: int) -> Any:
        """A fitted model; anything but None. The vendor's function works on a copy.

        Raises:
            BadInput: The vendor's function raised, or gave nothing.
        """
        model = self._call("train", frame.copy(), seed)
        if model is None:
            raise self.broken("train", "returned nothing, expected a fitted model.")
        return model

    def predict(self, model: Any, frame: pd.DataFrame, *, lend: bool = False) -> np.ndarray[Any, Any] | pd.DataFrame:
        """Scores, row for row: numbers of shape `(n_rows,)` or a DataFrame of `n_rows` rows.

        The vendor's function works on a copy of `frame`, unless it is lent the frame itself. Whether scores are
        finite and in range is for who uses them to ask.

        Raises:
            BadInput: The vendor's function raised, or returned something else.
        """
        rows = len(frame)
        given = self._call("predict", model, frame if lend else frame.copy())
        if isinstance(given, pd.DataFrame):
            if len(given) != rows:
                raise self.broken("predict", f"returned {len(given)} rows for {rows} rows.")
            return given
        try:
            scores = np.asarray(given)
        except (ValueError, TypeError) as error:
            raise self.broken("predict", f"returned something that is no array: {error}.") from error
        if scores.shape != (rows,):
            found = f"shape {scores.shape}" if scores.shape else _kind(given)
            hint = CLASSES if len(scores.shape) > 1 else ""
            raise self.broken("predict", f"returned {found} for {rows} rows, expected one number each{hint}.")
        if scores.dtype.kind not in "biuf":
            held = "text" if scores.dtype.kind in "US" else f"values of type {scores.dtype}"
            raise self.broken("predict", f"returned {held}, expected numbers{CLASSES}.")
        return scores

    def function(self, code: str, arguments: tuple[str, ...]) -> Callable[..., Any]:
        """A function beside the pipeline, of the vendor's own.

        Args:
            code: `module:function`, the module a file in the model's folder.
            arguments: What it is called with, in order.

        Raises:
            BadInput: There is no such function, or it takes other arguments.
        """
        module, _, name = code.partition(":")
        path = self.place.folder / f"{module}.py"
        if not path.is_file():
            raise BadInput("There is no such rule.", [Fault(f"{self.place.shown}/{module}.py", "no such file.")])
        place = Place(self.place.folder, module, self.place.shown)
        return _function(
            _execute(place) if module != self.place.module else sys.modules[module], place, name, arguments
        )

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """What a function of the vendor's gives.

        Raises:
            BadInput: It raised; has the vendor's own line.
            Unavailable: It ran out of memory.
        """
        name = getattr(function, "__name__", "function")
        try:
            with _printing_to_stderr():
                return function(*arguments)
        except (VendorkitError, KeyboardInterrupt):
            raise
        except MemoryError as error:
            fault = Fault(self.place.of_error(error), "needs more memory.")
            raise Unavailable(f"{name}() ran out of memory.", [fault]) from error
        except BaseException as error:  # SystemExit too: vendor code does not end our process
            fault = Fault(self.place.of_error(error), _told(error))
            raise BadInput(f"{name}() of the pipeline failed.", [fault]) from error

    def broken(self, name: str, says: str) -> BadInput:
        """The error that a function of the pipeline does not keep its contract, with its file and line."""
        where = f"{self.place.of_function(self.functions.get(name))} {name}()"
        return BadInput("The pipeline does not keep its contract.", [Fault(where, says)])

    def _call(self, name: str, *arguments: Any) -> Any:
        if name not in self.functions:
            raise self.broken(name, "does not exist in this module.")
        return self.call(self.functions[name], *arguments)


def load_pipeline(
    folder: Path, module: str, needs: tuple[str, ...] = tuple(ARGUMENTS), *, shown: str | None = None
) -> Pipeline:
    """Import a model's module anew and find its functions.

    Args:
        folder: The model's folder; modules beside the module can be imported by it.
        module: Module name, the file `<folder>/<module>.py`.
        needs: Functions that must be there.
        shown: How messages call the folder; by default its name.

    Raises:
        BadInput: No such file, it cannot be imported, functions are missing or take other arguments: all named.
    """
    place = Place(folder, module, shown or folder.name)
    loaded = _import(place)
    faults, functions = [], {}
    for name in ARGUMENTS:
        function = getattr(loaded, name, None)
        if function is None and name not in needs:
            continue
        says = mismatch(name, function)
        if says:
            faults.append(Fault(f"{place.of_function(function)} {name}()", says))
        elif function is not None:
            functions[name] = function
    if faults:
        raise BadInput("The pipeline does not keep its contract.", faults)
    return Pipeline(place, functions)


def load_function(file: Path, name: str, arguments: tuple[str, ...], shown: str) -> Callable[..., Any]:
    """A function of one file that stands alone, for instance of a stress.

    Raises:
        BadInput: It cannot be imported, there is no such function, or it takes other arguments.
    """
    place = Place(file.parent, file.stem, shown)
    return _function(_execute(place), place, name, arguments)


def _function(module: ModuleType, place: Place, name: str, arguments: tuple[str, ...]) -> Callable[..., Any]:
    found = getattr(module, name, None)
    where, takes = f"{place.of_function(found)} {name}()", ", ".join(arguments)
    if not callable(found):
        raise BadInput("There is no such function.", [Fault(where, f"is missing; it takes ({takes}).")])
    try:
        inspect.signature(found).bind(*arguments)
    except (TypeError, ValueError) as error:
        raise BadInput("The function cannot be called.", [Fault(where, f"must take ({takes}).")]) from error
    function: Callable[..., Any] = found
    return function


def mismatch(name: str, function: Any) -> str:
    """Why a function of the pipeline cannot be called as the contract says; empty when it can."""
    arguments = ARGUMENTS[name]
    if function is None:
        return f"is missing; it takes ({', '.join(arguments)})."
    if not callable(function):
        return "is not a function."
    try:
        inspect.signature(function).bind(*arguments)
    except (TypeError, ValueError):
        return f"must take ({', '.join(arguments)})."
    return ""


def is_loading() -> bool:
    """Whether a model's module is being imported at this moment: nothing may be trained then."""
    return _loading.get()


@contextlib.contextmanager
def outliving() -> Iterator[None]:
    """Within, `os._exit` in vendor code raises in this process: it must not end it with the vendor's exit code."""
    end, own = os._exit, os.getpid()

    def refuse(code: int) -> None:
        if os.getpid() != own:  # a forked child ends as it likes
            end(code)
        raise SystemExit(f"os._exit({code})")

    os._exit = refuse  # type: ignore[assignment]
    try:
        yield
    finally:
        os._exit = end


class _Source(SourceFileLoader):
    """Reads the source only: bytecode beside it may be older, or somebody else's. Writes none either."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        code: CodeType = self.source_to_code(self.get_data(path), path)
        return code


_folders: list[Path] = []
"""The folder that vendor code is imported from; empty before the first."""


def _finder(path: str) -> FileFinder:
    """The path hook for modules beside a pipeline, and in packages beside it."""
    if not any(_is_beside(path, folder) for folder in _folders):
        raise ImportError(path)
    return FileFinder(path, (_Source, [".py"]))


def _is_beside(path: str, folder: Path) -> bool:
    """Whether a path is the vendor's own code; an environment that is installed below the folder is not."""
    if not Path(path).is_relative_to(folder) or Path(path).is_relative_to(sys.prefix):
        return False
    return not any(part.startswith(".") for part in Path(path).relative_to(folder).parts)


def _import(place: Place) -> ModuleType:
    if not place.file.is_file():
        fix = "Write it, or mend `path` and `module` of the model in engagement.yaml."
        raise BadInput("There is no pipeline.", [Fault(f"{place.shown}/{place.module}.py", "no such file.", fix)])
    _forget_earlier(place.folder)
    if place.module in sys.modules:
        says = f"has the name of a module that is loaded already: {sys.modules[place.module]}."
        raise BadInput(
            "The pipeline cannot be imported.", [Fault(f"{place.shown}/{place.module}.py", says, "Rename it.")]
        )
    return _execute(place)


def _execute(place: Place) -> ModuleType:
    loader = _Source(place.module, str(place.file))
    spec = ModuleSpec(place.module, loader, origin=str(place.file))
    spec.has_location = True
    loaded = module_from_spec(spec)
    sys.modules[place.module] = loaded
    token = _loading.set(True)
    try:
        with _printing_to_stderr():
            loader.exec_module(loaded)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        sys.modules.pop(place.module, None)
        unknown = isinstance(error, ModuleNotFoundError)
        fix = "Add it to pyproject.toml beside the module and run `uv run --frozen vendorkit lock`." if unknown else ""
        fault = Fault(place.of_error(error), _told(error), fix)
        raise BadInput("The pipeline cannot be imported.", [fault]) from error
    finally:
        _loading.reset(token)
    return loaded


def _forget_earlier(folder: Path) -> None:
    """Make `folder` the one that vendor code comes from: what was imported from it or another is read anew."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        ours = isinstance(getattr(module, "__loader__", None), _Source)
        if name != "__main__" and (ours or (file and _is_beside(file, folder))):
            del sys.modules[name]
    sys.path[:] = [str(folder), *(path for path in sys.path if Path(path) not in (folder, *_folders))]
    _folders[:] = [folder]
    if _finder not in sys.path_hooks:
        sys.path_hooks.insert(0, _finder)
    for path in [path for path in sys.path_importer_cache if _is_beside(path, folder)]:
        del sys.path_importer_cache[path]


@contextlib.contextmanager
def _printing_to_stderr() -> Iterator[None]:
    """What vendor code, its libraries and the programs that it starts print goes to standard error."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.redirect_stdout(sys.stderr))
        with contextlib.suppress(OSError):  # closed by a daemon: then there is nothing to mix up
            saved = os.dup(1)
            stack.callback(os.close, saved)
            os.dup2(2, 1)
            stack.callback(os.dup2, saved, 1)
        yield


def _kind(value: Any) -> str:
    return "nothing" if value is None else f"a {type(value).__qualname__}"


def _told(error: BaseException) -> str:
    """Type and message of an error, without its notes."""
    lines = traceback.format_exception_only(error)
    told = lines[-1 if isinstance(error, SyntaxError) else 0].strip()
    return told if len(told) <= LONGEST_MESSAGE else f"{told[:LONGEST_MESSAGE]}..."
