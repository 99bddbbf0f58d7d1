"""What kicking off an engagement costs, beside rendering alone, and how long until its own checks are green.

`python tests/benchmarks/bench_kick_off.py`. The second figure needs a package cache that is warm; its budget is 90 s.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from itertools import count
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.pairs import pair, table

BIN = Path(sys.executable).parent
CLONE = Path(__file__).parents[2]
PERSON = {
    f"GIT_{role}_{part}": text
    for role in ("AUTHOR", "COMMITTER")
    for part, text in (("NAME", "Bench"), ("EMAIL", "bench@example-bank.example"))
}
OUTSIDE = {key: text for key, text in os.environ.items() if not key.startswith(("UV_PROJECT", "VIRTUAL_ENV", "GIT_"))}
ENVIRONMENT = {**OUTSIDE, **PERSON, "PYTHONDONTWRITEBYTECODE": ""}


def run(*command: str | Path, cwd: Path | None = None) -> None:
    """Run a command line that must succeed."""
    subprocess.run([str(part) for part in command], check=True, capture_output=True, cwd=cwd, env=ENVIRONMENT)


def measure() -> list[dict[str, Any]]:
    """`vendorkit new` against `copier copy`; kick-off to first green against `uv sync` of its environment alone."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        template = folder / "template"
        run("git", "clone", "--quiet", CLONE, template)
        places = (folder / f"made-{number}" for number in count())

        def kick_off() -> Path:
            place = next(places)
            run(BIN / "vendorkit", "new", place, "--template", template, "--defaults", "--quiet")
            return place

        def first_green() -> None:
            place = kick_off()
            run("uv", "sync", "--locked", "--quiet", cwd=place)
            run("uv", "run", "--locked", "nox", cwd=place)
            shutil.rmtree(place)

        def install() -> None:
            place = next(places)
            shutil.copytree(reference, place)
            run("uv", "sync", "--locked", "--quiet", cwd=place)
            shutil.rmtree(place)

        reference = kick_off()
        copied = pair(
            kick_off,
            lambda: run(BIN / "copier", "copy", "--quiet", "--defaults", template, next(places)),
            3,
        )
        green = pair(first_green, install, 1)
    return [
        copied.row("vendorkit new: render, lock, commit", "copier copy: render alone"),
        green.row("kick-off to the first green of the scaffold's own checks", "installing its environment alone"),
    ]


if __name__ == "__main__":
    print(table(measure()))
