"""A small fleet to work in: a template with tags, repositories made from it, remotes, and the command line.

Repositories are written with plain git and hold what Copier would have written, so that making one is cheap.
"""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from vendorkit.cli.main import main

from tests.support.world import Answer

PEOPLE = {
    f"GIT_{role}_{part}": value
    for role in ("AUTHOR", "COMMITTER")
    for part, value in (("NAME", "Platform"), ("EMAIL", "platform@bank.example"))
}
COPIER = (
    '_subdirectory: template\nname: {type: str, default: none}\nengagement_id: {type: str, default: "{{ name }}"}\n'
)
VERSIONS: dict[str, dict[str, str]] = {
    "v1.0.0": {
        "ci.yml": "steps:\n  - lint\n  - test\n",
        "notes.md": "# {{ name }}\n\none\ntwo\nthree\nfour\nfive\n",
        "old.txt": "leaves with 1.1\n",
    },
    "v1.1.0": {
        "ci.yml": "steps:\n  - lint\n  - test\n  - scan\n",
        "notes.md": "# {{ name }}\n\none\nTWO\nthree\nfour\nfive\n",
        "new.txt": "came with 1.1 for {{ name }}\n",
    },
}
"""What each version of the template renders; all of it is Jinja."""
ANSWERS = "{{ _copier_conf.answers_file }}"


def git(folder: Path, *arguments: str) -> str:
    """Run git there as the platform's person; gives its output."""
    environment = {**os.environ, **PEOPLE, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"git {arguments}: {done.stderr}"
    return done.stdout.strip()


def write(folder: Path, files: Mapping[str, str | bytes | None]) -> None:
    """Write files; None deletes."""
    for name, text in files.items():
        path = folder / name
        if text is None:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)


def commit(folder: Path, files: Mapping[str, str | bytes | None], message: str = "Work") -> str:
    """Write files and commit everything; gives the commit."""
    write(folder, files)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(folder, "rev-parse", "HEAD")


def make_template(folder: Path, *, managed: bool = True) -> Path:
    """A template with versions 1.0.0 and 1.1.0; all of its files are managed, as in vendorkit's own, or none."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    for version, files in VERSIONS.items():
        for old in (folder / "template").glob("*.jinja"):
            old.unlink()
        written = {f"template/{name}.jinja": text for name, text in files.items()}
        written[f"template/{ANSWERS}.jinja"] = "{{ _copier_answers|to_nice_yaml }}"
        written["CHANGELOG.md"] = "".join(
            f"## {name}\n\n- What {name} mends.\n\n" for name in VERSIONS if name <= version
        )
        written["copier.yml"] = COPIER if managed else COPIER.replace("engagement_id", "other")
        commit(folder, written, f"Make {version}")
        git(folder, "tag", version)
    return folder


def rendered(template: Path, name: str, version: str = "v1.0.0") -> dict[str, str | bytes | None]:
    """What the template gives for a name, with its answers file."""
    answers = f"_commit: {version}\n_src_path: {template}\nengagement_id: {name}\nname: {name}\n"
    files = {path: text.replace("{{ name }}", name) for path, text in VERSIONS[version].items()}
    return {**files, ".copier-answers.yml": answers}


def make_repository(folder: Path, template: Path, version: str = "v1.0.0", name: str = "") -> Path:
    """A repository that came from the template, on branch `main`."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, rendered(template, name or folder.name, version), "Kick off")
    return folder


def make_remote(repository: Path) -> Path:
    """A bare remote of a repository, named `origin` there."""
    bare = repository.with_name(f"{repository.name}.git")
    git(repository.parent, "clone", "--quiet", "--bare", str(repository), str(bare))
    git(repository, "remote", "add", "origin", str(bare))
    return bare


def run(folder: Path, *arguments: str, as_json: bool = True) -> Answer:
    """Run one command of the fleet in its folder."""
    out, err = io.StringIO(), io.StringIO()
    given = ["fleet", *arguments, "--repo", str(folder), *(["--json"] if as_json else [])]
    before = dict(os.environ)
    os.environ.update({**PEOPLE, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"})
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(given)
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        for name in PEOPLE.keys() | {"GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"}:
            os.environ.pop(name, None)
            if name in before:
                os.environ[name] = before[name]
    return Answer(code, out.getvalue(), err.getvalue())
