"""What `.gitignore` and `.gitattributes` of a repository say about a path, read as data from a tree.

Filters are only recognised, never run. The user's own git configuration takes no part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pathspec import GitIgnoreSpec

_BINARY_PEEK = 8000
"""Git looks for a zero byte in this many first bytes."""


def is_binary(data: bytes) -> bool:
    """Whether git takes content for binary."""
    return b"\0" in data[:_BINARY_PEEK]


class Rules:
    """The rules of one tree.

    Args:
        read: Gives the content of a file of the tree by its path; None where there is none.
    """

    def __init__(self, read: Callable[[str], bytes | None]) -> None:
        self._read = read
        self._ignores: dict[str, GitIgnoreSpec | None] = {}
        self._attributes: dict[str, list[tuple[GitIgnoreSpec, list[str]]]] = {}

    def ignores(self, path: str) -> bool:
        """Whether `git add` would leave a new file out."""
        parts = path.split("/")
        for depth in range(1, len(parts) + 1):
            name = "/".join(parts[:depth]) + ("/" if depth < len(parts) else "")
            if self._verdict(name):
                return True
        return False

    def _verdict(self, name: str) -> bool:
        """What the nearest `.gitignore` that says anything says."""
        for folder in _folders(name.rstrip("/")):
            spec = self._ignore(folder)
            found = spec.check_file(name.removeprefix(folder)).include if spec else None
            if found is not None:
                return found
        return False

    def _ignore(self, folder: str) -> GitIgnoreSpec | None:
        if folder not in self._ignores:
            data = self._read(f"{folder}.gitignore")
            lines = data.decode("utf-8", "replace").splitlines() if data else []
            self._ignores[folder] = GitIgnoreSpec.from_lines(lines) if lines else None
        return self._ignores[folder]

    def has_filter(self, path: str) -> bool:
        """Whether a program, as that of git-lfs, stands between the file and what git holds."""
        found = self._attribute(path, "filter")
        return found is not None and found is not False

    def stored(self, path: str, data: bytes, before: bytes | None) -> bytes:
        """Content as `git add` would store it: line ends are made plain where the attributes say that it is text.

        Args:
            path: Where the file lies.
            data: Its content.
            before: What git holds there so far; with `text=auto` a file that has CRLF there keeps them.
        """
        if b"\r\n" not in data:
            return data
        text, end = self._attribute(path, "text"), self._attribute(path, "eol")
        if text is False or (text is None and end is None):
            return data
        if text == "auto" and (is_binary(data) or (before is not None and b"\r\n" in before)):
            return data
        return data.replace(b"\r\n", b"\n")

    def written(self, path: str, data: bytes) -> bytes:
        """Content as a checkout on this system would write it: CRLF where the attributes ask for it."""
        if self._attribute(path, "eol") != "crlf" or b"\r\n" in data or is_binary(data):
            return data
        return data if self._attribute(path, "text") is False else data.replace(b"\n", b"\r\n")

    def _attribute(self, path: str, wanted: str) -> str | bool | None:
        """The value of an attribute: True when set, False when unset, a text, or None when nothing is said."""
        for folder in _folders(path):
            found: str | bool | None = None
            said = False
            for spec, words in self._lines(folder):
                if spec.match_file(path.removeprefix(folder)):
                    for name, value in _named(words):
                        if name == wanted:
                            found, said = value, True
            if said:
                return found
        return None

    def _lines(self, folder: str) -> list[tuple[GitIgnoreSpec, list[str]]]:
        if folder not in self._attributes:
            data = self._read(f"{folder}.gitattributes")
            rows = [line.split() for line in (data or b"").decode("utf-8", "replace").splitlines()]
            patterns = [row for row in rows if len(row) > 1 and not row[0].startswith(("#", "[", "!"))]
            self._attributes[folder] = [(GitIgnoreSpec.from_lines([row[0]]), row[1:]) for row in patterns]
        return self._attributes[folder]


def _named(words: list[str]) -> Iterator[tuple[str, str | bool | None]]:
    """Attributes and their values; `binary` means `-text` and more."""
    for word in words:
        if word == "binary":
            yield "text", False
        elif word.startswith("-"):
            yield word[1:], False
        elif word.startswith("!"):
            yield word[1:], None
        elif "=" in word:
            name, _, value = word.partition("=")
            yield name, value
        else:
            yield word, True


def _folders(path: str) -> Iterator[str]:
    """The folders above a path, the nearest first, each with a `/` at its end; the top is empty."""
    folder = path
    while folder:
        folder = folder.rpartition("/")[0]
        yield f"{folder}/" if folder else ""
