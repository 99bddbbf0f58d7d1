"""The README's first command, in a fresh clone: the whole road, told in at most 40 lines."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOST_LINES = 40


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What `nox -s demo` prints in a fresh clone without tags."""
    clone = tmp_path_factory.mktemp("demo") / "clone"
    subprocess.run(["git", "clone", "--quiet", "--no-tags", ROOT, clone], check=True)
    outside = ("UV_PROJECT", "UV_PYTHON", "VIRTUAL_ENV", "GIT_", "NOX")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(outside)}
    done = subprocess.run(
        [sys.executable, "-m", "nox", "-s", "demo"],
        cwd=clone, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_the_demo_is_short(told: list[str]) -> None:
    assert 20 <= len(told) <= MOST_LINES


@pytest.mark.parametrize(
    "says",
    [
        "Kicked off from this clone",
        "works for the vendor; only the client's own people decide",
        "approved with an SSH signature",
        "A bad request gets 422",
        "traced (complete)",
        "Not good enough to ship",
        "credit/1 live, credit/2 approved",
        "demo/commands.log",
    ],
)
def test_the_demo_tells_every_part(told: list[str], says: str) -> None:
    assert any(says in line for line in told), "\n".join(told)
