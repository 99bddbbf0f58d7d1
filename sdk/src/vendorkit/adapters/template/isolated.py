"""Rendering by Copier itself in a child process, for templates that run programs of their own.

The child has no network, none of this process's variables (so no token), a home folder of its own, its own process
ids, limits of time, memory and file size, and answers as data. Only its rendered folder is read, links unfollowed.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vendorkit.adapters.template.asking import Project, matcher
from vendorkit.adapters.template.blueprint import Content, Piece, Rendering
from vendorkit.errors import BadInput, Unavailable

SECONDS = 300
_MOST_MEMORY, _MOST_FILE, _MOST_FILES = 4_000_000_000, 200_000_000, 20_000
_WALLS = ("--user", "--map-root-user", "--net", "--ipc", "--mount", "--pid", "--fork", "--kill-child")
_CHILD = """
import json, sys
from pathlib import Path
from copier._main import Worker, _operation
from copier._settings import SettingsModel
asked = json.load(sys.stdin)
_operation.set("update")
with Worker(
    src_path=asked["source"], dst_path=Path(asked["folder"]), answers_file=Path(asked["answers_file"]),
    vcs_ref=asked["ref"], data=asked["data"], exclude=asked["exclude"], settings=SettingsModel(),
    defaults=True, overwrite=True, quiet=True, unsafe=True,
) as worker:
    if asked["recorded"]:
        worker.subproject.__dict__["last_answers"] = asked["recorded"]
    worker.run_copy()
    told = {"seeded": [worker._render_string(text) for text in worker.all_skip_if_exists],
            "answers": json.loads(json.dumps(dict(worker._answers_to_remember()), default=str))}
Path(asked["told"]).write_text(json.dumps(told))
"""


def render_isolated(
    mirror: Path,
    source: str,
    ref: str,
    project: Project,
    *,
    given: Mapping[str, Any] | None = None,
    recorded: Mapping[str, Any] | None = None,
    exclude: Sequence[str] = (),
) -> Rendering:
    """What Copier makes of a template, its tasks and extensions included.

    Args:
        mirror: Where the template lies here; the child fetches it from there.
        source: Where it comes from, as answers files record it.
        ref: Its tag, or its full commit.
        project: What may be known of the project; templates that read its files do not find them.
        given: Answers that count as they are.
        recorded: Answers that count where they still fit.
        exclude: More patterns to leave out.

    Raises:
        BadInput: The template or its programs failed.
        Unavailable: No sandbox can be had here, or it took too long.
    """
    walls = _walls()
    with tempfile.TemporaryDirectory(prefix="vendorkit-") as name:
        place = Path(name)
        folder, told = place / "made" / project.folder_name, place / "told.json"
        folder.parent.mkdir()
        asked = {
            "source": source,
            "ref": ref,
            "folder": str(folder),
            "told": str(told),
            "answers_file": project.answers_file,
            "data": dict(given or {}),
            "recorded": dict(recorded or {}),
            "exclude": list(exclude),
        }
        _run([*walls, sys.executable, "-c", _CHILD], json.dumps(asked, default=str), place, mirror, source)
        answer = json.loads(told.read_bytes())
        return Rendering(_pieces(folder), matcher(answer["seeded"]), answer["answers"])


def _walls() -> list[str]:
    """The command that the child is started through.

    Raises:
        Unavailable: This system has none, or forbids it.
    """
    program = shutil.which("unshare")
    if program is not None:
        command = [program, *_WALLS]
        if subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
            return command
    raise Unavailable(
        "The template runs programs, and there is no sandbox for them here.",
        fix="Run this on Linux where `unshare --user --net` works for you.",
    )


def _run(command: Sequence[str], text: str, place: Path, mirror: Path, source: str) -> None:
    home = place / "home"
    home.mkdir()
    settings = f'[url "file://{mirror}"]\n\tinsteadOf = "{source}"\n[safe]\n\tdirectory = *\n[core]\n\thooksPath = /dev/null\n'
    (home / ".gitconfig").write_text(settings, encoding="utf-8")
    variables = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "TMPDIR": str(place),
        "LC_ALL": "C.UTF-8",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ALLOW_PROTOCOL": "file",
        "COPIER_CACHE_DIR": str(place / "cache"),
    }
    try:
        done = subprocess.run(
            command,
            input=text,
            cwd=place,
            env=variables,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=SECONDS,
            start_new_session=True,
            preexec_fn=_limit,  # noqa: PLW1509  (it only sets limits)
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"The programs of the template took longer than {SECONDS} s.") from error
    if done.returncode != 0:
        told = "\n".join(done.stderr.strip().splitlines()[-6:])
        raise BadInput(f"The template {source} failed in its sandbox:\n{told}")


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_MOST_FILE, _MOST_FILE))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _pieces(folder: Path) -> dict[str, Piece]:
    """Every file and link of a folder; a repository that a task made there is left out."""
    found: dict[str, Piece] = {}
    for top, folders, names in os.walk(folder, followlinks=False):
        folders[:] = [name for name in folders if name != ".git"]
        links = [name for name in folders if (Path(top) / name).is_symlink()]
        for name in (*names, *links):
            place = Path(top) / name
            path = place.relative_to(folder).as_posix()
            if place.is_symlink():
                mode, data = 0o120000, os.fsencode(place.readlink())
            elif place.is_file():
                mode, data = 0o100755 if place.stat().st_mode & 0o100 else 0o100644, place.read_bytes()
            else:
                continue
            content = Content(data)
            found[path] = Piece(path, mode, ("made", content.blob), lambda made=content: made)  # type: ignore[misc]
            if len(found) > _MOST_FILES:
                raise BadInput(f"The template made more than {_MOST_FILES:,} files.")
    return found
