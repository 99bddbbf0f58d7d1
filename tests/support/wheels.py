"""Small wheels made by hand, and a project that locks them without a package index."""

from __future__ import annotations

import zipfile
from pathlib import Path


def write_wheel(folder: Path, name: str, version: str, *metadata: str) -> None:
    """A wheel without code; `metadata` are more lines of its METADATA."""
    info = f"{name}-{version}.dist-info"
    lines = ["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}", *metadata]
    contents = {
        f"{info}/METADATA": "\n".join(lines) + "\n\nIts description.\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in (*contents, f"{info}/RECORD"))
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for path, text in {**contents, f"{info}/RECORD": record}.items():
            wheel.writestr(path, text)


def declare(repo: Path, wheels: Path, *dependencies: str) -> None:
    """A project that needs these and finds them in a folder of wheels."""
    listed = ", ".join(f'"{each}"' for each in dependencies)
    (repo / "pyproject.toml").write_text(
        f'[project]\nname = "engagement"\nversion = "0"\nrequires-python = ">=3.11"\ndependencies = [{listed}]\n'
        f'[tool.uv]\npackage = false\nno-index = true\nfind-links = ["{wheels}"]\n'
    )
