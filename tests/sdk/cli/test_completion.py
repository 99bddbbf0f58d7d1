"""What a real shell offers when somebody presses the tab key."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
ASK = """
eval "$(register-python-argcomplete vendorkit)"
COMP_LINE="$1" COMP_POINT=${#1} COMP_TYPE=9 COMP_WORDS=($1) COMP_CWORD=1 _python_argcomplete vendorkit
printf '%s\\n' "${COMPREPLY[@]}"
"""


def offered(line: str, folder: Path) -> set[str]:
    """What bash completes a line to."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("completion is tried in bash: apt-get install bash")
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    command = [bash, "--norc", "-c", ASK, "bash", line]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return {word.strip() for word in done.stdout.split("\n") if word.strip()}


@pytest.mark.parametrize(
    ("line", "among"),
    [
        ("vendorkit pro", {"promote"}),
        ("vendorkit re", {"reproduce", "refuse", "releases", "retire"}),
        ("vendorkit promote --al", {"--alias"}),
        ("vendorkit fleet ad", {"add", "adopt"}),
        ("vendorkit fleet add x --ri", {"--ring"}),
        ("vendorkit trace credit/1 --format op", {"openlineage"}),
    ],
)
def test_the_shell_completes(line: str, among: set[str], tmp_path: Path) -> None:
    assert offered(line, tmp_path) == among


def test_a_file_is_completed_where_a_file_belongs(tmp_path: Path) -> None:
    (tmp_path / "approver-key").touch()
    assert offered("vendorkit approve credit/1 --key appr", tmp_path) == {"approver-key"}


def test_nothing_is_made_up_behind_a_command_that_is_none(tmp_path: Path) -> None:
    assert offered("vendorkit prmote --al", tmp_path) == set()
