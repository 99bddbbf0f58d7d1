"""Copier's worker without a folder: asks the questions of a template and gives the context to render with.

What Copier looks up by starting git or reading folders is given here as values; its own code does the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from copier._jinja_ext import SandboxedEnvironment, get_yield_context
from copier._main import Worker
from copier._settings import SettingsModel
from copier._subproject import Subproject
from copier._template import Template
from copier._types import LazyDict, Phase
from copier._user_data import parse_yaml_string
from packaging.version import Version

from vendorkit.records.answers import version_of

Operation = Literal["copy", "update"]
"""What a template is told of why it is rendered (`_copier_operation`)."""


@dataclass(frozen=True)
class Checkout:
    """One version of a template, written out.

    Args:
        source: Where it comes from, as an answers file records it.
        name: What `git describe --tags --always` calls it; answers files record that.
        commit: Its full commit id.
        tree: The id of the commit's tree.
        folder: Where it is written out.
        entries: Path below its top to mode and id.
    """

    source: str
    name: str
    commit: str
    tree: str
    folder: Path
    entries: Mapping[str, tuple[int, str]]

    @property
    def version(self) -> Version | None:
        """Its name as a version of PEP 440; None where it is none."""
        return version_of(self.name)


@dataclass(frozen=True)
class Project:
    """What rendering may know of a repository.

    Args:
        folder_name: The name of its folder, which templates may use as a default.
        answers_file: Where its answers lie, relative to the project's top.
        read: The bytes of a file of the project, for a template that reads its data; None where there is none.
    """

    folder_name: str
    answers_file: str
    read: Callable[[str], bytes | None]


def bound_template(checkout: Checkout) -> Template:
    """Copier's template over a version that is written out, so that it clones nothing."""
    template = Template(url=checkout.source, ref=checkout.name)
    modes = {PurePosixPath(path): mode for path, (mode, _) in checkout.entries.items()}
    known = {
        "local_abspath": checkout.folder.resolve(),
        "commit": checkout.name,
        "commit_hash": checkout.commit,
        "version": checkout.version,
        "vcs": "git",
        "git_index_modes": modes,
    }
    template.__dict__.update(known)
    return template


class QuickWorker(Worker):  # type: ignore[misc]
    """Copier's worker for an empty folder, at half its time: each text of a template is compiled once, and git is not
    asked of each file.
    """

    @cached_property
    def jinja_env(self) -> SandboxedEnvironment:
        """Copier's own environment."""
        return remembering(super().jinja_env)

    def _sync_git_index_executable_bit(self, *_: object) -> None:
        """Copier brings the index of git up to date here; in an empty folder git tracks nothing yet."""


class FolderlessWorker(Worker):  # type: ignore[misc]
    """Copier's worker, with what it would look up given, and its context computed once after asking."""

    settled: dict[str, Any] | None = None
    project: Project

    @property
    def answers_relpath(self) -> Path:
        """Where the answers lie. Copier would render this text; a repository's file name is no template."""
        return Path(self.project.answers_file)

    def _render_context(self) -> Any:
        return super()._render_context() if self.settled is None else self.settled

    def _external_data(self) -> Any:
        def read(path: str) -> Any:
            with Phase.use(Phase.UNDEFINED):
                name = self._render_string(path)
            return parse_yaml_string((self.project.read(name) or b"{}").decode("utf-8", "replace"))

        sources = self.template.external_data.items()
        return LazyDict({name: lambda path=path: read(path) for name, path in sources})


def asked(
    template: Template,
    environment: SandboxedEnvironment,
    project: Project,
    *,
    given: Mapping[str, Any],
    recorded: Mapping[str, Any],
) -> FolderlessWorker:
    """A worker that knows every answer: those given, then those recorded, then the template's defaults.

    The user's own settings of Copier take no part: the same fleet gives the same change everywhere.

    Raises:
        copier.errors.CopierError, jinja2.TemplateError, ValueError, TypeError: Answers are not fit.
    """
    place = Path("/") / project.folder_name
    worker = FolderlessWorker(
        src_path=template.url,
        dst_path=place,
        answers_file=Path(project.answers_file),
        vcs_ref=template.ref,
        data=dict(given),
        settings=SettingsModel(),
        defaults=True,
        overwrite=True,
        quiet=True,
    )
    subproject = Subproject(local_abspath=place, answers_relpath=Path(project.answers_file))
    subproject.__dict__.update(last_answers=dict(recorded), template=None, vcs="git")
    worker.__dict__.update(template=template, subproject=subproject, jinja_env=environment, project=project)
    with Phase.use(Phase.PROMPT):
        worker._ask()
    with Phase.use(Phase.RENDER):
        worker.settled = worker._render_context()
    return worker


class Fixed:
    """A compiled text that renders to the same whatever the context."""

    def __init__(self, text: str) -> None:
        self._text = text

    def render(self, *_context: object, **_more: object) -> str:
        """The text."""
        return self._text


def remembering(environment: SandboxedEnvironment) -> SandboxedEnvironment:
    """An environment that compiles each text of a template once, and renders those without any mark only then.

    Copier clears what a `yield` tag left behind whenever it compiles; here that is done at each use.
    """
    made: dict[str, Any] = {}
    compile_text = environment.from_string
    marks = (environment.variable_start_string, environment.block_start_string, environment.comment_start_string)
    by_line = environment.line_statement_prefix or environment.line_comment_prefix

    def from_string(source: Any, *more: Any, **named: Any) -> Any:
        forget_yield(environment)
        if source is None or isinstance(source, bool | int | float | list | dict):
            raise TypeError("This is no text.")  # as Copier expects of values, without compiling them
        if type(source) is not str or more or named:
            return compile_text(source, *more, **named)
        known = made.get(source)
        if known is None:
            known = compile_text(source)
            if not by_line and not any(mark in source for mark in marks):
                known = Fixed(known.render())
            made[source] = known
        return known

    environment.from_string = from_string
    environment.auto_reload = False
    environment.cache = {}
    return environment


def forget_yield(environment: SandboxedEnvironment) -> None:
    """Clear what a `yield` tag of the text before left behind."""
    found = get_yield_context(environment)
    found.yield_name = found.yield_iterable = None


def first_environment(template: Template) -> SandboxedEnvironment:
    """The Jinja environment that Copier makes for a template."""
    worker = Worker(src_path=template.url, settings=SettingsModel())
    worker.__dict__["template"] = template
    return remembering(worker.jinja_env)


def migrations(newer: Template, older: Template) -> bool:
    """Whether an update from one version to the other runs migrations."""
    return any(newer.migration_tasks(stage, older) for stage in ("before", "after"))


def matcher(patterns: Iterable[str]) -> Callable[[str], bool]:
    """Whether a path matches one of the patterns, as Copier's exclusions do."""
    found: Callable[[str], bool] = Worker._path_matcher(None, patterns)
    return found
