"""Programs of a template in a child process: Copier renders there, or runs the template's migrations.

The child has no network, none of this process's variables (so no token), a home folder of its own, limits of time,
memory and file size, and answers as data. It sees no home folder, no temporary files and no variables of others,
and can write nowhere but in one folder of its own, of which only the project is read afterwards, links unfollowed.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from vendorkit.adapters.template.asking import Operation, Project, matcher
from vendorkit.adapters.template.blueprint import Content, Piece, Rendering
from vendorkit.adapters.template.walls import behind_walls
from vendorkit.errors import BadInput, Unavailable

SECONDS = 300
_LINK = 0o120000
_MOST_MEMORY, _MOST_FILE, _MOST_FILES = 4_000_000_000, 200_000_000, 20_000

_WORKER = """
import json, sys
from pathlib import Path
from copier._main import Worker, _operation
from copier._settings import SettingsModel
from copier._template import Template
from copier._types import Phase
asked = json.load(sys.stdin)
_operation.set(asked["operation"])
worker = Worker(
    src_path=asked["source"], dst_path=Path(asked["folder"]), answers_file=Path(asked["answers_file"]),
    vcs_ref=asked["ref"], data=asked["data"], exclude=asked["exclude"], settings=SettingsModel(),
    defaults=True, overwrite=True, quiet=True, unsafe=True,
)
if asked["recorded"]:
    worker.subproject.__dict__["last_answers"] = asked["recorded"]
"""
_RENDER = (
    _WORKER
    + """
worker.run_copy()
told = {"seeded": [worker._render_string(text) for text in worker.all_skip_if_exists],
        "answers": json.loads(json.dumps(dict(worker._answers_to_remember()), default=str))}
Path(asked["told"]).write_text(json.dumps(told))
"""
)
_MIGRATE = (
    _WORKER
    + """
import subprocess
for words in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--allow-empty", "--message", "Before"]):
    subprocess.run(["git", *words], cwd=asked["folder"], check=True)
if asked["stage"] == "after":
    with Phase.use(Phase.PROMPT):
        worker._ask()
with Phase.use(Phase.MIGRATE):
    older = Template(url=asked["source"], ref=asked["older"])
    worker._execute_tasks(worker.template.migration_tasks(asked["stage"], older))
"""
)

Stage = Literal["before", "after"]
"""When a migration runs: before the files are updated, or after."""

Change = tuple[int, bytes] | None
"""Mode and content of a file; None where it was deleted."""


def render_isolated(
    mirror: Path,
    source: str,
    ref: str,
    project: Project,
    *,
    operation: Operation = "update",
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
        operation: What the template is told.
        given: Answers that count as they are.
        recorded: Answers that count where they still fit.
        exclude: More patterns to leave out.

    Raises:
        BadInput: The template or its programs failed.
        Unavailable: No sandbox can be had here, or it took too long.
    """
    with tempfile.TemporaryDirectory(prefix="vendorkit-") as name:
        place = Path(name)
        folder, told = place / "made" / project.folder_name, place / "told.json"
        folder.parent.mkdir()
        asked = {
            "ref": ref,
            "operation": operation,
            "folder": str(folder),
            "told": str(told),
            "answers_file": project.answers_file,
            "data": dict(given or {}),
            "recorded": dict(recorded or {}),
            "exclude": list(exclude),
        }
        _run(_RENDER, asked, place, mirror, source)
        answer = json.loads(told.read_bytes())
        return Rendering(dict(_pieces(folder)), matcher(answer["seeded"]), answer["answers"])


def migrate_isolated(
    mirror: Path,
    source: str,
    refs: tuple[str, str],
    stage: Stage,
    project: Project,
    files: Iterable[tuple[str, int, bytes]],
    *,
    recorded: Mapping[str, Any],
) -> dict[str, Change]:
    """What the migrations of a template make of a project's files, run by Copier in a repository of their own.

    Args:
        mirror: Where the template lies here.
        source: Where it comes from, as answers files record it.
        refs: Tag or full commit of the version that the project has, and of the one that it gets.
        stage: Which migrations.
        project: What may be known of the project.
        files: Path below the project's top, mode and content of each of its files and links.
        recorded: The answers that it records.

    Returns:
        Path to what became of it, for every file that is not as it was.

    Raises:
        BadInput: The template or its programs failed.
        Unavailable: No sandbox can be had here, or it took too long.
    """
    with tempfile.TemporaryDirectory(prefix="vendorkit-") as name:
        place = Path(name)
        folder = place / "made" / project.folder_name
        before = _written(folder, files)
        asked = {
            "ref": refs[1],
            "older": refs[0],
            "operation": "update",
            "stage": stage,
            "folder": str(folder),
            "answers_file": project.answers_file,
            "data": {},
            "recorded": dict(recorded),
            "exclude": [],
        }
        _run(_MIGRATE, asked, place, mirror, source)
        after: dict[str, Change] = {}
        left = set(before)
        for path, piece in _pieces(folder, most=len(before) + _MOST_FILES):
            content = piece.content()
            left.discard(path)
            if before.get(path) != (piece.mode, content.blob):
                after[path] = (piece.mode, content.data)
        return {**after, **dict.fromkeys(left)}


def _written(folder: Path, files: Iterable[tuple[str, int, bytes]]) -> dict[str, tuple[int, str]]:
    """Write files below a folder, links last, so that nothing is written through one; gives what was written."""
    links, told = [], {}
    folder.mkdir(parents=True)
    for path, mode, data in files:
        told[path] = (mode, Content(data).blob)
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if mode == _LINK:
            links.append((place, data))
        else:
            place.write_bytes(data)
            place.chmod(0o755 if mode & 0o100 else 0o644)
    for place, data in links:
        place.symlink_to(os.fsdecode(data))
    return told


def _run(program: str, asked: Mapping[str, Any], place: Path, mirror: Path, source: str) -> None:
    """Run a program of ours behind walls, in the only folder that it may write into."""
    text = json.dumps({**asked, "source": source}, default=str)
    shown = (str(mirror), source.removeprefix("file://"))
    command = behind_walls(place, shown, sys.executable, "-c", program)
    home = place / "home"
    home.mkdir()
    settings = (
        f'[url "file://{mirror}"]\n\tinsteadOf = "{source}"\n[safe]\n\tdirectory = *\n[core]\n\thooksPath = /dev/null\n'
    )
    (home / ".gitconfig").write_text(settings, encoding="utf-8")
    variables = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "TMPDIR": str(place),
        "LC_ALL": "C.UTF-8",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ALLOW_PROTOCOL": "file",
        **{f"GIT_{role}_NAME": "vendorkit" for role in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{role}_EMAIL": "fleet@vendorkit.invalid" for role in ("AUTHOR", "COMMITTER")},
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
            preexec_fn=_limit,
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


def _pieces(folder: Path, most: int = _MOST_FILES) -> Iterator[tuple[str, Piece]]:
    """Every file and link of a folder; a repository that lies there is left out."""
    count = 0
    for top, folders, names in os.walk(folder, followlinks=False):
        folders[:] = [name for name in folders if name != ".git"]
        links = [name for name in folders if (Path(top) / name).is_symlink()]
        for name in (*names, *links):
            place = Path(top) / name
            path = place.relative_to(folder).as_posix()
            if place.is_symlink():
                mode, data = _LINK, os.fsencode(place.readlink())
            elif place.is_file():
                mode, data = 0o100755 if place.stat().st_mode & 0o100 else 0o100644, place.read_bytes()
            else:
                continue
            content = Content(data)
            count += 1
            if count > most:
                raise BadInput(f"The template made more than {most:,} files.")
            yield path, Piece(path, mode, ("made", content.blob), lambda made=content: made)  # type: ignore[misc]
