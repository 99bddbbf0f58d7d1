"""Kick off an engagement: render the template, `git init`, lock, first commit.

Everything is made in a hidden folder beside the destination and moved there at the very end, so that a failure
or an interruption leaves nothing half made.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from vendorkit.adapters import environment, repository, template
from vendorkit.errors import BadInput, Fault
from vendorkit.records.platform_answers import PlatformAnswers, read_platform_answers
from vendorkit.records.yaml_text import read_yaml

WORKING_TREE = "HEAD"
"""The ref that takes a local clone as it lies there, uncommitted changes included."""

PROJECT_URL = "Template"
"""The project URL in the package's metadata that names the template's repository."""


PROJECT = "pyproject.toml"


@dataclass(frozen=True)
class Source:
    """Where the template comes from.

    Args:
        url: Absolute path, or git URL as Copier takes it.
        ref: Tag, branch or commit; None means the newest tag.
        origin: `template` when the SDK is to be installed from the template's repository, `index` when from a
            package index.
    """

    url: str
    ref: str | None
    origin: str = "template"


@dataclass(frozen=True)
class Engagement:
    """An engagement repository that was just made.

    Args:
        path: Its folder.
        template: The template, as recorded for updates.
        ref: The template's version: tag, tag and distance, or short commit; empty where it is not in git.
        commit: The first commit.
        answers: All answers.
        requirement: The requirement that pins the SDK.
    """

    path: Path
    template: str
    ref: str
    commit: str
    answers: dict[str, object]
    requirement: str


def kick_off(
    destination: Path,
    source: Source,
    answers: Mapping[str, object],
    *,
    platform: PlatformAnswers | None = None,
    interactive: bool = False,
    progress: Callable[[str], None] = lambda line: None,
) -> Engagement:
    """Make an engagement repository.

    Args:
        destination: A folder that does not exist yet, or is empty.
        source: The template.
        answers: Answers to its questions; the others take their defaults, or are asked.
        platform: What the platform answers, and which other defaults it offers; None for neither.
        interactive: Whether to ask on the terminal.
        progress: Is told what is being done.

    Raises:
        BadInput: The destination is taken, answers are wrong or the platform's to give (all are named), or git does
            not know who commits.
        Unavailable: The template cannot be fetched, or the environment cannot be locked.
    """
    destination = _free(destination)
    if platform is not None:
        platform.combined(answers)  # before anything is made
    shelf = Path(tempfile.mkdtemp(prefix=f".{destination.name}-", dir=_nearest_folder(destination.parent)))
    try:
        folder = shelf / destination.name
        folder.mkdir()
        repository.init(folder)
        repository.identity(folder)
        around = repository.top(shelf)
        if around is not None:
            progress(
                f"{destination} lies in the repository {around}: git there will take it for a repository of its own"
            )
        progress(f"rendering {source.url}")
        rendered = _render(source, folder, answers, platform, interactive)
        if (folder / PROJECT).is_file():  # a library of CI jobs has no environment
            progress(f"locking the environment with {rendered.requirement}")
            environment.lock(folder)
        version = f" from template {rendered.version}" if rendered.version else ""
        commit = repository.commit_all(folder, f"Kick off {rendered.answers['engagement_id']}{version}")
        destination.parent.mkdir(parents=True, exist_ok=True)
        if destination.exists():
            destination.rmdir()
        folder.rename(destination)
    finally:
        shutil.rmtree(shelf, ignore_errors=True)
    return Engagement(destination, rendered.source, rendered.version, commit, rendered.answers, rendered.requirement)


def _render(
    source: Source, folder: Path, answers: Mapping[str, object], platform: PlatformAnswers | None, interactive: bool
) -> template.Rendered:
    computed: dict[str, object] = {"python_version": _python_version(), "sdk_origin": source.origin}
    if platform is None:
        return template.render(source.url, source.ref, folder, computed | dict(answers), interactive=interactive)
    left = {name: value for name, value in computed.items() if name not in platform.defaults}
    given = left | platform.combined(answers)
    try:
        return template.render(
            source.url, source.ref, folder, given, defaults=platform.defaults, interactive=interactive
        )
    except BadInput as error:
        if not error.faults:
            raise
        raise BadInput(error.says, platform.located(error.faults, answers), fix=error.fix) from error


def chosen_source(location: str, ref: str | None, progress: Callable[[str], None]) -> Source:
    """The template that somebody names: a folder, or a git URL.

    A relative path is made absolute, because updates look for it from elsewhere.

    Raises:
        BadInput: There is no such folder, or `ref` cannot be found in it.
    """
    path = Path(location).expanduser()
    if path.exists():
        return _local_source(path.resolve(), ref, progress)
    if "://" in location or location.startswith(("gh:", "gl:")) or "@" in location.partition(":")[0]:
        return Source(location, ref)
    raise BadInput(
        "There is no such template.",
        [Fault("--template", f"{location} is neither a folder nor a git URL (https://..., git@host:..., gh:...).")],
    )


def default_source(ref: str | None, progress: Callable[[str], None], package: Distribution | None = None) -> Source:
    """The template that belongs to this very SDK: where its package was installed from.

    Args:
        ref: Another version of it than the SDK's own.
        progress: Is told of uncommitted changes.
        package: The installed package; None means vendorkit.

    Raises:
        BadInput: The package does not tell where its template is.
    """
    package = package or distribution("vendorkit")
    origin = json.loads(package.read_text("direct_url.json") or "{}")
    if "vcs_info" in origin:
        return Source(f"git+{origin['url']}", ref or origin["vcs_info"]["commit_id"])
    if "dir_info" in origin:
        folder = Path(unquote(urlsplit(origin["url"]).path))
        for home in (folder, folder.parent):
            if (home / template.CONFIGURATION).is_file():
                return _local_source(home, ref, progress)
    if not origin:
        for entry in package.metadata.get_all("Project-URL") or ():
            label, _, url = entry.partition(",")
            if label.strip() == PROJECT_URL:
                return Source(url.strip(), ref or f"v{package.version}", "index")
    raise BadInput(
        "This vendorkit does not tell where its template is.",
        fix="Say it: `--template FOLDER` or `--template URL`, for instance a clone of vendorkit's repository.",
    )


def read_answers(file: Path | None, pairs: Iterable[str]) -> dict[str, object]:
    """Answers from a YAML file and from `KEY=VALUE` pairs; pairs win.

    Raises:
        BadInput: The file is not there or is no mapping, pairs have no `=`; `faults` has all of them.
    """
    answers: dict[str, object] = {}
    faults: list[Fault] = []
    if file is not None:
        try:
            answers, faults = _answers_in(file), []
        except BadInput as error:
            faults += error.faults
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            faults.append(Fault("--data", f"{pair!r} is not KEY=VALUE."))
        elif key == "deliverables" and not value.startswith("["):
            answers[key] = [item.strip() for item in value.split(",") if item.strip()]
        else:
            answers[key] = value
    if faults:
        raise BadInput("The answers cannot be read.", faults)
    return answers


def read_platform(file: Path) -> PlatformAnswers:
    """What a platform's file says of a kick-off.

    Raises:
        BadInput: It is not there, or not valid; `faults` has all of them.
    """
    if not file.is_file():
        raise BadInput("The platform's answers cannot be read.", [Fault("--platform", f"there is no file {file}.")])
    return read_platform_answers(file.read_bytes(), str(file))


def _answers_in(file: Path) -> dict[str, object]:
    if not file.is_file():
        raise BadInput("", [Fault("--answers", f"there is no file {file}.")])
    value: Any = read_yaml(file.read_bytes(), str(file)).value
    if value is not None and not isinstance(value, dict):
        raise BadInput("", [Fault(str(file), "expected a mapping of questions to answers.")])
    return {key: answer for key, answer in (value or {}).items() if not key.startswith("_")}


def _local_source(folder: Path, ref: str | None, progress: Callable[[str], None]) -> Source:
    if not (folder / template.CONFIGURATION).is_file():
        says = f"{folder} has no {template.CONFIGURATION}."
        raise BadInput("There is no such template.", [Fault("--template", says)])
    top = repository.top(folder)
    if top is None or not top.samefile(folder):
        if ref is not None:
            raise BadInput("There is no such version.", [Fault("--ref", f"{folder} is not a git repository.")])
        return Source(str(folder), None)
    if ref is not None and repository.resolve(folder, ref) is None:
        raise BadInput("There is no such version.", [Fault("--ref", f"{folder} has no tag or commit {ref!r}.")])
    if ref is None and repository.is_dirty(folder):
        progress(f"{folder} has uncommitted changes: they are taken too, and the SDK is pinned to the folder")
    return Source(str(folder), ref or WORKING_TREE)


def _free(destination: Path) -> Path:
    destination = destination.expanduser().absolute()
    if not destination.name or destination.name == "..":
        raise BadInput("This cannot become an engagement.", [Fault("DEST", f"{destination} has no name.")])
    if destination.is_symlink() or (destination.exists() and not destination.is_dir()):
        raise BadInput("This cannot become an engagement.", [Fault("DEST", f"{destination} is no folder.")])
    if destination.is_dir():
        if any(destination.iterdir()):
            says = f"{destination} is not empty."
            raise BadInput("This cannot become an engagement.", [Fault("DEST", says, "Name a new folder.")])
        if destination.samefile(Path.cwd()):
            says = "is the folder you are in; it is replaced at the end."
            raise BadInput("This cannot become an engagement.", [Fault("DEST", says, "Go up one and name it.")])
    return destination


def _nearest_folder(path: Path) -> Path:
    while not path.is_dir():
        path = path.parent
    return path


def _python_version() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"
