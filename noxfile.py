"""What can be run here: `nox -s demo`, `nox -s tests`, `nox -s lint types docs bench`."""

from __future__ import annotations

import os

import nox

nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "uv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "types", "docs", "tests"]

ENVIRONMENT = {
    "PYTHONDONTWRITEBYTECODE": "",  # where it is set, every process compiles mlflow and pandas anew
    "UV_PYTHON_DOWNLOADS": "never",
}


def prepare(session: nox.Session, *groups: str) -> None:
    """Install exactly what uv.lock says: the SDK and the named groups."""
    chosen = [f"--group={group}" for group in groups]
    place = session.virtualenv.location
    session.run_install(
        *("uv", "sync", "--locked", "--quiet", "--no-default-groups", *chosen, f"--python={place}"),
        env={**ENVIRONMENT, "UV_PROJECT_ENVIRONMENT": place},
    )
    session.env.update(ENVIRONMENT)


@nox.session
def demo(session: nox.Session) -> None:
    """The whole road on real data: kick off, train, gate, publish, approve, serve, trace, roll back."""
    prepare(session)
    session.run("python", "tests/journeys/demo.py", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """All tests; arguments after `--` go to pytest. VENDORKIT_NO_SKIP=1: large components too, and no test skips."""
    prepare(session, "tests", "docs", *(["components"] if os.environ.get("VENDORKIT_NO_SKIP") else []))
    # A file's tests share what they make; the journeys are the longest, and first in `testpaths`.
    session.run("pytest", "-n", "auto", "--dist", "loadfile", "--no-loadscope-reorder", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, format, and the direction of imports."""
    prepare(session, "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports")


@nox.session
def types(session: nox.Session) -> None:
    """Strict types."""
    prepare(session, "types")
    session.run("mypy")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation; a broken link is an error."""
    prepare(session, "docs")
    session.run("mkdocs", "build", "--strict", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure against peers and floors, in pairs; arguments name benchmarks."""
    prepare(session, "tests", "components")
    session.run("python", "tests/benchmarks/run.py", *session.posargs)
