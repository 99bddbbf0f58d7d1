"""The tutorial is true: every command of it runs, in order, in one shell, on a real engagement.

The template and the SDK come from a clone of this repository, so what is not committed takes no part.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.ports import free_port

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "docs/tutorials/first-engagement.md"
BLOCK = re.compile(r"^```(?:bash|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
PORT = "8765"
SECONDS = 540

IDENTITY = """[user]
    name = Platform engineer
    email = ml-sre@example-bank.example
[safe]
    directory = *
"""

BEFORE = """set -euo pipefail
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
"""


def surroundings(home: Path) -> dict[str, str]:
    """A newcomer's environment: an own home with an own git identity; only the package cache is shared."""
    home.mkdir()
    (home / ".gitconfig").write_text(IDENTITY, encoding="utf-8")
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    cache = subprocess.run(
        ["uv", "cache", "dir"], env={**os.environ, "PATH": programs}, capture_output=True, check=True
    )
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "MLFLOW_", "VIRTUAL_ENV"))}
    return {
        **kept,
        "HOME": str(home),
        "PATH": programs,
        "UV_CACHE_DIR": cache.stdout.strip(),
        "UV_PYTHON_DOWNLOADS": "never",
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "PYTHONDONTWRITEBYTECODE": "",
    }


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="needs ssh-keygen: `apt-get install openssh-client`")
def test_every_command_of_the_tutorial_runs(tmp_path: Path) -> None:
    environment = surroundings(tmp_path / "home")
    work = tmp_path / "work"
    work.mkdir()
    clone = ["git", "clone", "--quiet", str(ROOT), "vendorkit"]
    subprocess.run(clone, cwd=work, env=environment, check=True)
    blocks = BLOCK.findall(TUTORIAL.read_text("utf-8"))
    script = BEFORE + "\n".join(blocks).replace(PORT, str(free_port()))

    done = subprocess.run(
        ["bash", "-c", script],
        cwd=work,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    assert "nothing stops consumer-credit" in done.stdout
    assert "credit may ship: 8 gates passed." in done.stdout
    assert "works for the vendor; only the client's own people decide" in done.stdout
    assert "refused, as it should be" in done.stdout
    assert re.search(
        r"^credit/1 +live +champion +model-risk, ml-sre +ml@example-analytics.example", done.stdout, re.MULTILINE
    )
    assert re.search(r"^prediction +credit/1 answered 0\.\d+", done.stdout, re.MULTILINE)
    assert "The chain is complete." in done.stdout
    status = ["git", "-C", str(work / "credit"), "status", "--porcelain"]
    left = subprocess.run(status, env=environment, capture_output=True, text=True, check=True)
    assert left.stdout == ""
    assert list((work / "credit").glob(".vendorkit/reports/*/gate-report.html"))
