"""The shape of the code: directions of imports, sizes, names, and what is public."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import vendorkit
from vendorkit.cli.main import COMMANDS

ROOT = Path(__file__).parents[2]
SDK = ROOT / "sdk/src/vendorkit"
MODULES = sorted(SDK.rglob("*.py"))
MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 40
DRAWERS = ("util", "helper", "common", "manager", "misc")

HEAVY = {"mlflow", "pandas", "numpy", "pyarrow", "ibis", "duckdb", "sklearn", "skops", "copier", "starlette", "uvicorn"}
ONE_PLACE: dict[str, str | tuple[str, ...]] = {
    "mlflow": "adapters/registry/",
    "copier": "adapters/template/",
    "pygit2": ("adapters/git_objects.py", "adapters/commits.py"),  # trees to be; branches and history
    "ibis": "adapters/tables",
    "duckdb": "adapters/tables",
    "skops": "adapters/models",
    "lightgbm": "adapters/models",
    "onnxruntime": "adapters/models",
    "xgboost": "adapters/models",
    "openlineage": "adapters/openlineage_client.py",
    "githubkit": "adapters/forges/github.py",
    "gitlab": "adapters/forges/gitlab.py",
    "httpx": "adapters/forges/",
    "pyforgejo": "adapters/forges/gitea.py",
    "uvicorn": "service",
    "starlette": "service",
}


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Name and number of code lines of each function: without its docstring and the arguments."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
            if documented and len(node.body) == 1:
                continue
            start = node.body[1].lineno if documented else first.lineno
            yield node.name, (node.end_lineno or start) - start + 1


def imported(path: Path) -> set[str]:
    """Top names of everything that a module imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def loaded_by(*arguments: str) -> set[str]:
    """Modules that a fresh process has loaded after one command line."""
    code = (
        "import sys, contextlib, io\n"
        "from vendorkit.cli.main import main\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        f"    main({list(arguments)!r})\n"
        "sys.stderr.write(' '.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_imports_point_down() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SDK)))
def test_files_and_functions_are_small(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= MOST_LINES_OF_A_FILE
    long = [(name, lines) for name, lines in functions(path) if lines > MOST_LINES_OF_A_FUNCTION]
    assert long == []


def test_the_linter_leaves_out_no_folder_of_ours() -> None:
    left_out = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["ruff"]["extend-exclude"]
    named = [each for each in left_out if "/" not in each]
    assert named == [], "a name without a slash means every folder of that name, adapters/template too"


def test_modules_open_with_what_lives_there() -> None:
    silent = [
        str(path)
        for path in MODULES
        if path.read_text("utf-8").strip() and not ast.get_docstring(ast.parse(path.read_text("utf-8")))
    ]
    assert silent == []


def test_no_module_is_a_drawer() -> None:
    assert [path.name for path in MODULES if any(word in path.stem for word in DRAWERS)] == []


@pytest.mark.parametrize("library", ONE_PLACE)
def test_each_outside_thing_has_one_place(library: str) -> None:
    places = {path.relative_to(SDK).as_posix() for path in MODULES if library in imported(path)}
    assert places, f"nothing imports {library} any more: remove it from this list"
    assert all(place.startswith(ONE_PLACE[library]) for place in places), places


def test_only_the_command_line_prints_and_exits() -> None:
    pattern = re.compile(r"(?<![\w.])(print|exit)\(|sys\.exit\(")
    found = [path for path in MODULES if pattern.search(path.read_text("utf-8"))]
    assert {path.relative_to(SDK).parts[0] for path in found} == {"cli"}


def test_help_and_version_load_nothing_heavy() -> None:
    assert loaded_by("--help") & (HEAVY | {"pydantic", "yaml"}) == set()


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command_loads_nothing_heavy(command: str) -> None:
    assert loaded_by(command, "--help") & HEAVY == set()


def test_the_public_face_is_exactly_this() -> None:
    assert vendorkit.__all__ == [
        "BadInput",
        "Fault",
        "Refused",
        "Unavailable",
        "VendorkitError",
        "filter",
        "gate",
        "publish",
        "track",
        "train",
    ]
    assert all(getattr(vendorkit, name).__doc__ for name in vendorkit.__all__)


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys, vendorkit; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) & HEAVY == set()
