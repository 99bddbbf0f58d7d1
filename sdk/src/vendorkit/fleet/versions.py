"""The versions of the templates that the platform lists: fetched, named, counted, and what changed between two.

Nothing that is not listed is ever fetched, and nothing is rendered here: that is the work of `templates`.
"""

from __future__ import annotations

import difflib
import hashlib
import posixpath
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from vendorkit.adapters.git_objects import GitObjects
from vendorkit.adapters.repository import describe_commit, fetch_template
from vendorkit.errors import Fault, Refused, Unavailable
from vendorkit.records.answers import version_of

_COMMIT = re.compile(r"[0-9a-f]{7,40}")
_DESCRIBED = re.compile(r".+-\d+-g([0-9a-f]{4,40})")
_HOST = re.compile(r"[\w+]+://[^/]*/?|[\w.-]+@[\w.-]+:")
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


class Versions:
    """The versions of the platform's templates, by source.

    One object may be asked from several threads; `lock` lets one fetch or render at a time.

    Args:
        cache: A folder of our own, kept between runs: what was fetched, and which commits tags meant.
        allowed: The sources that may be fetched: folders or git URLs, as answers files or people write them.
        moved: Old source to the listed one that took its place.
    """

    def __init__(self, cache: Path, allowed: Sequence[str], *, moved: Mapping[str, str] | None = None) -> None:
        self.cache = cache
        self.lock = threading.RLock()
        self._listed = {plain_source(source): source for source in allowed}
        self._moved = {plain_source(old): plain_source(new) for old, new in (moved or {}).items()}
        self._mirrors: dict[str, GitObjects] = {}
        self._versions: dict[tuple[str, str], TemplateVersion] = {}
        self._unreached: dict[str, Unavailable] = {}

    def share(self, other: Versions) -> None:
        """Let another object use what was fetched here."""
        other.lock, other._mirrors, other._versions = self.lock, self._mirrors, self._versions
        other._unreached = self._unreached

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
        with self.lock:
            return self._behind(source, older, newer)

    def _behind(self, source: str, older: str, newer: str) -> int:
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
        with self.lock:
            return self._changed(source, older, newer)

    def _changed(self, source: str, older: str, newer: str) -> list[str]:
        first, last = self.version(source, older), self.version(source, newer)
        mirror = self._mirror(first.source)
        texts = [_text(mirror, version.commit) for version in (first, last)]
        if texts[1]:
            compared = list(difflib.unified_diff(texts[0], texts[1], n=0, lineterm=""))
            added = [line[1:] for line in compared[2:] if line.startswith("+") and line.strip("+ ")]  # 2: the head
            if added:
                return added[:_MOST_CHANGES]
        return mirror.subjects(first.commit, last.commit)[:_MOST_CHANGES]

    def _mirror(self, source: str) -> GitObjects:
        """What was fetched of a template; one that could not be reached is not tried again for every repository."""
        if source in self._unreached:
            raise self._unreached[source]
        if source not in self._mirrors:
            digest = hashlib.sha256(plain_source(source).encode()).hexdigest()[:24]
            folder = self.cache / f"{digest}.git"
            try:
                fetch_template(fetched_url(source), folder)
            except Unavailable as error:
                self._unreached[source] = error
                raise
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


def fetched_url(source: str) -> str:
    """What git is to fetch a source from: short forms written out, `git+` taken away."""
    for short, long in _SHORT.items():
        if source.startswith(short):
            return f"{long}{source.removeprefix(short).lstrip('/').removesuffix('.git')}.git"
    source = source.removeprefix("git+")
    return source if _is_url(source) else str(Path(source).expanduser().resolve())


def resolved(source: str, url: str) -> str:
    """The address of a submodule of a template; git takes `./` and `../` as relative to the template's own."""
    if not url.startswith(("./", "../")):
        return url
    head = _HOST.match(source)
    start = head[0] if head else ""
    return start + posixpath.normpath(posixpath.join(source[len(start) :], url))


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
