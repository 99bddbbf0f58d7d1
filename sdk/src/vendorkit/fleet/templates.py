"""The versions of the templates that the platform lists: fetched once, written out once, rendered for everyone.

Nothing that is not listed is ever fetched. What a version does to a repository is decided in `update`.
"""

from __future__ import annotations

import difflib
import hashlib
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from vendorkit.adapters.git_objects import FILE, LINK, PROGRAM, SUBMODULE, GitObjects, object_id, safe_path
from vendorkit.adapters.repository import describe_commit, fetch_template
from vendorkit.adapters.template.asking import Checkout, Project, version_of
from vendorkit.adapters.template.blueprint import Blueprint, Rendering, Renders
from vendorkit.adapters.template.isolated import render_isolated
from vendorkit.errors import BadInput, Fault, Refused, Unavailable
from vendorkit.fleet.rules import Rules

_COMMIT = re.compile(r"[0-9a-f]{7,40}")
_DESCRIBED = re.compile(r".+-\d+-g([0-9a-f]{4,40})")
_SEEN = "refs/vendorkit/seen"
_SHORT = {"gh:": "https://github.com/", "gl:": "https://gitlab.com/"}
_CHANGELOG = "CHANGELOG.md"
_MOST_CHANGES = 200


@dataclass(frozen=True)
class TemplateVersion:
    """A version of a template.

    Args:
        source: The template, as the platform lists it.
        name: Its tag, or the nearest tag and the distance, or a short commit: what answers files record.
        commit: The full commit id.
    """

    source: str
    name: str
    commit: str


class Templates:
    """The templates of the platform, by source and version.

    One object may be asked from several threads; `lock` lets one render at a time.

    Args:
        cache: A folder of our own, kept between runs: what was fetched, and which commits tags meant.
        allowed: The sources that may be fetched: folders or git URLs, as answers files or people write them.
        moved: Old source to the listed one that took its place.
        trusted: Those of `allowed` whose tasks, migrations and extensions may run (in a child process).
    """

    def __init__(
        self,
        cache: Path,
        allowed: Sequence[str],
        *,
        moved: Mapping[str, str] | None = None,
        trusted: Sequence[str] = (),
    ) -> None:
        self.cache = cache
        self.lock = threading.RLock()
        self.renders = Renders()
        self._listed = {plain_source(source): source for source in allowed}
        self._moved = {plain_source(old): plain_source(new) for old, new in (moved or {}).items()}
        self._trusted = {plain_source(source) for source in trusted}
        self._mirrors: dict[str, GitObjects] = {}
        self._versions: dict[tuple[str, str], TemplateVersion] = {}
        self._blueprints: dict[tuple[str, str], Blueprint] = {}

    def listed(self, source: str) -> str:
        """The listed source that a source means, also where the template moved.

        Raises:
            Refused: The platform does not list it.
        """
        plain = plain_source(source)
        found = self._listed.get(self._moved.get(plain, plain))
        if found is None:
            fault = Fault(without_credentials(source), "is not a template that the platform lists.")
            raise Refused("The template is not listed.", [fault], fix="List it under `templates` in fleet.yaml.")
        return found

    def is_trusted(self, source: str) -> bool:
        """Whether the platform lets the template's own programs run."""
        return plain_source(self.listed(source)) in self._trusted

    def version(self, source: str, ref: str | None = None) -> TemplateVersion:
        """A version of a template.

        Args:
            source: The template.
            ref: Tag, branch, commit, or what an answers file records; None means the newest release tag, or the
                default branch where there is no tag.

        Raises:
            Refused: The platform does not list the template, or it has no such version (any more).
            Unavailable: It could not be fetched.
        """
        source = self.listed(source)
        with self.lock:
            mirror = self._mirror(source)
            commit = self._newest(mirror) if ref is None else self._commit_of(mirror, ref)
            if commit is None:
                says = f"has no version {ref}: the tag or commit is not there (any more)."
                raise Refused("The template has no such version.", [Fault(without_credentials(source), says)])
            if (source, commit) not in self._versions:
                name = describe_commit(mirror.path, commit)
                self._versions[source, commit] = TemplateVersion(source, name, commit)
            return self._versions[source, commit]

    def tag_meant(self, source: str, name: str) -> tuple[str, ...]:
        """Every commit that a tag was seen to mean, the present one first; empty where it is no tag."""
        with self.lock:
            mirror = self._mirror(self.listed(source))
            now = mirror.commit_of(f"refs/tags/{name}")
            before = [commit for commit in mirror.references(f"{_SEEN}/{name}/").values() if commit != now]
            return ((now,) if now else ()) + tuple(sorted(before))

    def behind(self, source: str, older: str, newer: str) -> int:
        """How many releases (commits, where one of them is no release) lie between two versions; 0 when none."""
        first, last = self.version(source, older), self.version(source, newer)
        mirror = self._mirror(first.source)
        low, high = version_of(first.name), version_of(last.name)
        if low is None or high is None or any(_DESCRIBED.fullmatch(each.name) for each in (first, last)):
            return len(mirror.subjects(first.commit, last.commit))
        tags = {name.removeprefix("refs/tags/") for name in mirror.references("refs/tags/")}
        known = {version for tag in tags if (version := version_of(tag)) and low < version <= high}
        return len({version for version in known if not version.is_prerelease or version == high})

    def changes(self, source: str, older: str, newer: str) -> list[str]:
        """What a reviewer reads: the lines that were added to the changelog, else the subjects of commits.

        At most 200 lines.
        """
        first, last = self.version(source, older), self.version(source, newer)
        mirror = self._mirror(first.source)
        texts = [_text(mirror, version.commit) for version in (first, last)]
        if texts[1]:
            compared = difflib.ndiff(texts[0], texts[1])
            added = [line[2:] for line in compared if line.startswith("+ ") and line.strip("+ ")]
            if added:
                return added[:_MOST_CHANGES]
        return mirror.subjects(first.commit, last.commit)[:_MOST_CHANGES]

    def blueprint(self, version: TemplateVersion) -> Blueprint:
        """A version, ready to be rendered.

        Raises:
            BadInput: Its configuration cannot be read.
        """
        with self.lock:
            key = (version.source, version.commit)
            if key not in self._blueprints:
                self._blueprints[key] = Blueprint(self._checkout(version), self.renders)
            return self._blueprints[key]

    def render_isolated(
        self,
        version: TemplateVersion,
        project: Project,
        *,
        given: Mapping[str, Any] | None = None,
        recorded: Mapping[str, Any] | None = None,
        exclude: Sequence[str] = (),
    ) -> Rendering:
        """What Copier itself makes of a trusted template in a child process; the arguments are those of `render`.

        Raises:
            BadInput: The template or its programs failed.
            Unavailable: No sandbox can be had here.
        """
        mirror = self._mirror(version.source).path
        tag = f"refs/tags/{version.name}"
        ref = version.name if self._mirror(version.source).commit_of(tag) == version.commit else version.commit
        return render_isolated(mirror, version.source, ref, project, given=given, recorded=recorded, exclude=exclude)

    def _mirror(self, source: str) -> GitObjects:
        if source not in self._mirrors:
            digest = hashlib.sha256(plain_source(source).encode()).hexdigest()[:24]
            folder = self.cache / f"{digest}.git"
            fetch_template(fetched_url(source), folder)
            mirror = GitObjects(folder)
            for tag, commit in mirror.references("refs/tags/").items():
                mirror.keep(f"{_SEEN}/{tag.removeprefix('refs/tags/')}/{commit}", commit)
            self._mirrors[source] = mirror
        return self._mirrors[source]

    def _newest(self, mirror: GitObjects) -> str | None:
        tags = mirror.references("refs/tags/")
        versions = {name: version_of(name.removeprefix("refs/tags/")) for name in tags}
        final = [(version, name) for name, version in versions.items() if version and not version.is_prerelease]
        return tags[max(final)[1]] if final else mirror.commit_of("refs/vendorkit/head")

    def _commit_of(self, mirror: GitObjects, ref: str) -> str | None:
        for name in (f"refs/tags/{ref}", f"refs/heads/{ref}"):
            if found := mirror.commit_of(name):
                return found
        if ref == "HEAD":
            return mirror.commit_of("refs/vendorkit/head")
        described = _DESCRIBED.fullmatch(ref)
        if described or _COMMIT.fullmatch(ref):
            return mirror.commit_of(described[1] if described else ref)
        seen = mirror.references(f"{_SEEN}/{ref}/")
        return next(iter(seen.values()), None)

    def _checkout(self, version: TemplateVersion) -> Checkout:
        mirror = self._mirror(version.source)
        tree = mirror.tree_of(version.commit)
        entries = _as_written(mirror, tree)
        folder = mirror.path.with_suffix("") / version.commit
        if not folder.exists():
            _write_out(mirror, tree, folder)
        return Checkout(version.source, version.name, version.commit, tree, folder, entries)


def _rules(mirror: GitObjects, tree: str) -> Rules:
    def read(path: str) -> bytes | None:
        entry = mirror.entry(tree, path)
        return mirror.read(entry.id) if entry and entry.mode in (FILE, PROGRAM) else None

    return Rules(read)


def _as_written(mirror: GitObjects, tree: str) -> dict[str, tuple[int, str]]:
    """Path to mode and id of what is written out there, with the line ends that the template asks for."""
    found = {path: (entry.mode, entry.id) for path, entry in mirror.walk(tree)}
    if any(path.rpartition("/")[2] == ".gitattributes" for path in found):
        rules = _rules(mirror, tree)
        for path, (mode, blob) in found.items():
            if mode in (FILE, PROGRAM):
                found[path] = mode, object_id("blob", rules.written(path, mirror.read(blob)))
    return found


def _write_out(mirror: GitObjects, tree: str, folder: Path) -> None:
    """Write a version beside its place, then move it there."""
    entries = dict(mirror.walk(tree))
    rules = _rules(mirror, tree)
    if odd := [path for path in entries if not safe_path(path)]:
        raise BadInput("The template cannot be written out.", [Fault(path, "leads out of it.") for path in odd])
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=folder.parent))
    try:
        for path, entry in entries.items():
            place = aside / path
            place.parent.mkdir(parents=True, exist_ok=True)
            if entry.mode == SUBMODULE:
                place.mkdir()
            elif entry.mode == LINK:
                place.symlink_to(os.fsdecode(mirror.read(entry.id)))
            else:
                place.write_bytes(rules.written(path, mirror.read(entry.id)))
                place.chmod(0o755 if entry.mode == PROGRAM else 0o644)
        aside.rename(folder)
    except FileExistsError as error:
        raise BadInput(f"The template cannot be written out: {error}") from error
    except OSError as error:
        if not folder.exists():
            raise Unavailable(f"The template cannot be written out: {error}") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def fetched_url(source: str) -> str:
    """What git is to fetch a source from: short forms written out, `git+` taken away."""
    for short, long in _SHORT.items():
        if source.startswith(short):
            return f"{long}{source.removeprefix(short).lstrip('/').removesuffix('.git')}.git"
    source = source.removeprefix("git+")
    return source if _is_url(source) else str(Path(source).expanduser().resolve())


def plain_source(source: str) -> str:
    """The form by which two spellings of a source are told to be the same."""
    url = without_credentials(fetched_url(source))
    return url.removeprefix("file://").rstrip("/").removesuffix(".git").rstrip("/")


def without_credentials(source: str) -> str:
    """A URL without user and password, fit to be shown."""
    if "://" not in source:
        return source
    parts = urlsplit(source)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _is_url(source: str) -> bool:
    return "://" in source or bool(re.match(r"[\w.-]+@[\w.-]+:", source))


def _text(mirror: GitObjects, commit: str) -> list[str]:
    entry = mirror.entry(mirror.tree_of(commit), _CHANGELOG)
    return mirror.read(entry.id).decode("utf-8", "replace").splitlines() if entry else []
