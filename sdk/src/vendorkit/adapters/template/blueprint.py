"""One version of a template, ready to be rendered for many repositories.

A file is rendered once for all repositories that agree on the answers that matter to it, and only when somebody
asks for its content: two renderings can be compared by what decides them. Nothing is written and nothing is run.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from copier._jinja_ext import get_yield_context
from copier._tools import scantree
from copier._types import Phase
from copier.errors import CopierError
from jinja2 import TemplateError

from vendorkit.adapters.template.asking import (
    Checkout,
    FolderlessWorker,
    Operation,
    Project,
    asked,
    bound_template,
    first_environment,
    forget_yield,
    matcher,
    migrations,
)
from vendorkit.adapters.template.dependence import Dependence, closed, dependence, frozen, values
from vendorkit.errors import BadInput, Fault

_FILTERED = re.compile(r"(?m)^(?!\s*#).*\s(filter=|working-tree-encoding=|ident\b)")
_LINE = re.compile(r"\r\n|\r|\n")
_LINK, _SUBMODULE = 0o120000, 0o160000
_MOST_LAYOUTS = 500
_MOST_RENDERINGS = 64
_FOLDER_WORDS = (b"_folder_name", b"dst_path")


class Content:
    """The bytes of a file, and the id that git gives them."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    @cached_property
    def blob(self) -> str:
        """Its id in git."""
        head = b"blob %d\0" % len(self.data)
        return hashlib.sha1(head + self.data, usedforsecurity=False).hexdigest()


class Renders:
    """What was rendered, by what decides it; forgets the oldest beyond a size.

    Args:
        most_bytes: How much content is kept.
    """

    def __init__(self, most_bytes: int = 16_000_000) -> None:
        self._kept: OrderedDict[object, Content] = OrderedDict()
        self._left = most_bytes
        self.made = 0

    def get(self, key: object, make: Callable[[], bytes]) -> Content:
        """The content that a key decides; with a key of None it is made anew each time."""
        found = self._kept.get(key) if key is not None else None
        if found is not None:
            self._kept.move_to_end(key)
            return found
        made = Content(make())
        self.made += 1
        if key is not None:
            self._kept[key] = made
            self._left -= len(made.data)
            while self._left < 0 and len(self._kept) > 1:
                self._left += len(self._kept.popitem(last=False)[1].data)
        return made


@dataclass(frozen=True)
class Piece:
    """A file or link of a rendering.

    Args:
        path: Relative to the project's top.
        mode: 0o100644, 0o100755 or 0o120000; the content of a link is where it leads.
        key: What decides the content; equal keys mean equal content. None where chance decides.
        content: Gives the content.
    """

    path: str
    mode: int
    key: object
    content: Callable[[], Content] = field(repr=False, compare=False)


@dataclass(frozen=True)
class Rendering:
    """What a template makes of a project's answers.

    Args:
        pieces: Path to the file or link there.
        seeded: Whether a path is left alone once it exists (`_skip_if_exists`).
        answers: What the answers file is to record, `_commit` and `_src_path` included.
    """

    pieces: Mapping[str, Piece]
    seeded: Callable[[str], bool]
    answers: Mapping[str, Any]


@dataclass(frozen=True)
class _Place:
    """Where a file of the template goes."""

    path: str
    source: str
    is_link: bool
    extra: tuple[tuple[str, Any], ...]


class Blueprint:
    """A version of a template.

    Args:
        checkout: Where it is written out.
        renders: What was rendered so far, shared between versions and repositories.

    Raises:
        BadInput: Its configuration cannot be read.
    """

    def __init__(self, checkout: Checkout, renders: Renders) -> None:
        self.checkout = checkout
        self._renders = renders
        with _blamed(checkout):
            self._template = bound_template(checkout)
            self.questions = tuple(self._template.questions_data)
            self.exclude = tuple(self._template.exclude)
            self.answers_file = str(self._template.answers_relpath)
            self.needs = tuple(self._found_needs())
            self._environment: Any = None if "jinja_extensions" in self.needs else first_environment(self._template)
        self._tells_folder = self._says_any(_FOLDER_WORDS)
        self._renderings: dict[object, Rendering] = {}
        self._rules = frozen(dict(self._template.envops))
        self._layouts: dict[object, tuple[tuple[_Place, ...], Callable[[str], bool]]] = {}
        self._names: dict[object, tuple[tuple[str, ...], ...]] = {}
        self._decided: dict[str, tuple[Dependence, object]] = {}

    def _found_needs(self) -> Iterator[str]:
        if self._template.tasks:
            yield "tasks"
        if self._template.jinja_extensions:
            yield "jinja_extensions"
        if any(mode == _SUBMODULE for mode, _ in self.checkout.entries.values()):
            yield "submodules"
        attributes = [path for path in self.checkout.entries if path.rpartition("/")[2] == ".gitattributes"]
        folder = self.checkout.folder
        if any(_FILTERED.search((folder / path).read_text("utf-8", "replace")) for path in attributes):
            yield "filters"

    def _says_any(self, words: Sequence[bytes]) -> bool:
        """Whether a word stands anywhere in the template, names of files included."""
        entries = self.checkout.entries
        if any(word.decode() in path for path in entries for word in words):
            return True
        texts = (self.checkout.folder / path for path, (mode, _) in entries.items() if mode not in (_LINK, _SUBMODULE))
        return any(word in data for data in map(Path.read_bytes, texts) for word in words)

    def migrates(self, older: Blueprint) -> bool:
        """Whether an update from an older version runs migrations."""
        with _blamed(self.checkout):
            return migrations(self._template, older._template)

    def render(
        self,
        project: Project,
        *,
        operation: Operation = "update",
        given: Mapping[str, Any] | None = None,
        recorded: Mapping[str, Any] | None = None,
        exclude: Sequence[str] = (),
    ) -> Rendering:
        """Render for a project.

        Args:
            project: What may be known of it.
            operation: What the template is told: some leave files out of an update.
            given: Answers that count as they are: those of the version that the project has.
            recorded: Answers that count where they still fit: those to carry over to another version.
            exclude: More patterns to leave out.

        Raises:
            BadInput: The answers are not fit, or a path leads out of the project.
        """
        if self._environment is None:
            raise BadInput(f"{self.checkout.source} needs Jinja extensions; it cannot be rendered here.")
        if not self._tells_folder:
            project = replace(project, folder_name="project")
        key = (frozen([given or {}, recorded or {}, operation, *exclude]), project.folder_name, project.answers_file)
        if key not in self._renderings:
            if len(self._renderings) >= _MOST_RENDERINGS:
                self._renderings.pop(next(iter(self._renderings)))
            made = self._render(project, operation, given or {}, recorded or {}, exclude)
            if self._template.external_data:
                return made
            self._renderings[key] = made
        return self._renderings[key]

    def _render(
        self,
        project: Project,
        operation: Operation,
        given: Mapping[str, Any],
        recorded: Mapping[str, Any],
        exclude: Sequence[str],
    ) -> Rendering:
        with _blamed(self.checkout), Phase.use(Phase.RENDER):
            worker = asked(self._template, self._environment, project, given=given, recorded=recorded)
            places, seeded = self._layout(worker, operation, tuple(exclude))
            pieces: dict[str, Piece] = {}
            for place in places:
                if place.path not in pieces or not seeded(place.path):
                    pieces[place.path] = self._piece(worker, place)
            return Rendering(pieces, seeded, worker._answers_to_remember())

    def _layout(
        self, worker: FolderlessWorker, operation: Operation, exclude: tuple[str, ...]
    ) -> tuple[tuple[_Place, ...], Callable[[str], bool]]:
        """Which files there are, and which of them are seeded, for all projects that agree on what decides it."""
        top = self._decided_by("subdirectory", [self._template.subdirectory])
        root = self._names.setdefault(("root", values(top, worker.settled or {})), ((str(worker.template_copy_root),),))
        folder = root[0][0]
        wanted = [*self.exclude, *exclude]
        names = self._decided_by((folder, exclude), [*wanted, *self._template.skip_if_exists, *self._sources(folder)])
        key = (folder, operation, exclude, worker.project.answers_file, values(names, worker.settled or {}))
        if key not in self._layouts:
            if len(self._layouts) >= _MOST_LAYOUTS:
                self._layouts.clear()
            told = {"_copier_operation": operation}
            lines = (_LINE.split(worker._render_string(text, extra_context=told)) for text in wanted)
            excluded = matcher(line for part in lines for line in part)
            patterns = [worker._render_string(text) for text in self._template.skip_if_exists]
            places = tuple(self._places(worker, Path(folder), excluded))
            self._layouts[key] = places, matcher(patterns)
        return self._layouts[key]

    def _decided_by(self, key: object, texts: Sequence[str]) -> tuple[tuple[str, ...], ...]:
        """The variables that decide what some texts render to, in a fixed order."""
        if key not in self._names:
            found = closed(dependence(self._environment, texts), self._dependence_of)
            self._names[key] = tuple(sorted(found.names))
        return self._names[key]

    def _sources(self, folder: str) -> list[str]:
        """The names of files and folders of the template below a folder."""
        found = scantree(folder, not self._template.preserve_symlinks)
        suffix = self._template.templates_suffix
        return sorted({entry.name.removesuffix(suffix) for entry in found})

    def _places(self, worker: FolderlessWorker, root: Path, excluded: Callable[[str], bool]) -> Iterator[_Place]:
        top = self._template.local_abspath
        keeps_links = self._template.preserve_symlinks
        for entry in scantree(str(root), not keeps_links):
            source = Path(entry.path)
            if entry.is_symlink() and not keeps_links and not source.resolve().is_relative_to(top):
                raise BadInput(f"{source.relative_to(top)} of the template is a link that leads out of it.")
            for path, extra in worker._render_path(source.relative_to(root)):
                if excluded(path) or (entry.is_dir(follow_symlinks=not keeps_links)):
                    continue
                _check_path(path.as_posix())
                is_link = entry.is_symlink() and keeps_links
                yield _Place(path.as_posix(), source.relative_to(top).as_posix(), is_link, tuple((extra or {}).items()))

    def _piece(self, worker: FolderlessWorker, place: _Place) -> Piece:
        source = self._template.local_abspath / place.source
        suffix = self._template.templates_suffix
        is_template = source.name.endswith(suffix)
        if place.is_link:
            target = str(source.readlink())
            text = worker._render_string(target) if is_template else target
            made = Content(os.fsencode(text))
            return Piece(place.path, _LINK, ("link", text), lambda: made)
        mode = 0o100755 if self._is_program(place.source, source) else 0o100644
        entry = self.checkout.entries.get(place.source)
        if not is_template:
            key: object = ("followed", self.checkout.tree, place.source)
            if entry and entry[0] != _LINK:
                key = ("plain", entry[1])
            return Piece(place.path, mode, key, lambda: self._renders.get(key, source.read_bytes))
        context = worker.settled or {}
        found, identity = self._identity(place.source)
        other_each_time = found.chance or ("_copier_conf",) in found.names
        key = None if other_each_time else (identity, values(sorted(found.names), context), frozen(place.extra))

        def content() -> Content:
            return self._renders.get(key, lambda: self._text(place, context))

        return Piece(place.path, mode, key, cache(content) if key is None else content)

    def _is_program(self, name: str, source: Path) -> bool:
        """Whether Copier makes it executable: as git holds it, else as it lies there."""
        entry = self.checkout.entries.get(name)
        return bool((entry[0] if entry else source.stat().st_mode) & 0o111)

    def _text(self, place: _Place, context: Mapping[str, Any]) -> bytes:
        environment = self._environment
        with _blamed(self.checkout), Phase.use(Phase.RENDER):
            try:
                template = environment.get_template(place.source)
            except UnicodeDecodeError:
                if self._template.templates_suffix:
                    raise
                data: bytes = (self._template.local_abspath / place.source).read_bytes()
                return data
            forget_yield(environment)
            text: str = template.render(**context, **dict(place.extra))
            if get_yield_context(environment).yield_name:
                raise BadInput(f"{place.source} has a yield tag, which only file names may have.")
            return text.encode()

    def _identity(self, name: str) -> tuple[Dependence, object]:
        """What a file of the template depends on, and what tells it from every other text in any version."""
        if name not in self._decided:
            own = self._dependence_of(name)
            found = closed(own, self._dependence_of) if own is not None else Dependence(chance=True)
            ids = [self.checkout.entries.get(each) for each in (name, *sorted(found.files))]
            loose = found.open_ended or any(entry is not None and entry[0] == _LINK for entry in ids)
            identity = (self._rules, self.checkout.tree if loose else None, tuple(ids))
            self._decided[name] = found, identity
        return self._decided[name]

    def _dependence_of(self, name: str) -> Dependence | None:
        try:
            text = (self._template.local_abspath / name).read_text("utf-8")
        except OSError:
            return None
        except UnicodeDecodeError:
            return Dependence()
        return dependence(self._environment, [text])


def _check_path(path: str) -> None:
    parts = path.split("/")
    if any(part in ("", ".", "..") or part.casefold().rstrip(". ") == ".git" for part in parts):
        says = "would be written there, out of the repository or into git's own files."
        raise BadInput("The answers lead to a path that is not allowed.", [Fault(path, says)])


@contextmanager
def _blamed(checkout: Checkout) -> Iterator[None]:
    """Errors of Copier and Jinja as what they mean: this template and these answers do not go together."""
    try:
        yield
    except (CopierError, TemplateError, ValueError, TypeError, AssertionError, OSError, ArithmeticError) as error:
        says = f"The template {checkout.source} at {checkout.name} cannot be rendered: {error or type(error).__name__}"
        raise BadInput(says) from error
