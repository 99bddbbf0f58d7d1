"""Data files of an engagement that git does not hold, brought from its folder into a clean checkout.

Whether they are the frozen ones is for who asked to verify; databases elsewhere need no bringing.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.parse import unquote, urlsplit

FILE_DATABASES = ("duckdb", "sqlite")


def local_path(source: str) -> str | None:
    """The path inside the repository that a source reads; None where it lies in a database elsewhere."""
    if "://" not in source:
        return source
    parts = urlsplit(source)
    return unquote(parts.netloc + parts.path) if parts.scheme in FILE_DATABASES else None


def bring(source: str, repo: Path, checkout: Path) -> bool:
    """Copy what a source reads from an engagement into a checkout, in place of what is there.

    Nothing outside the engagement is read, not even through a link.

    Args:
        source: A path inside the repository, or an Ibis URL.
        repo: The engagement.
        checkout: The clean checkout of it.

    Returns:
        Whether there was something to copy.
    """
    name = local_path(source)
    if name is None:
        return False
    found, target = (repo / name).resolve(), checkout / name
    if not found.is_relative_to(repo.resolve()) or not target.resolve().is_relative_to(checkout.resolve()):
        return False
    files = sorted(found.iterdir()) if found.is_dir() else [found]
    plain = [path for path in files if path.is_file() and not path.is_symlink()]
    if target.is_dir():
        shutil.rmtree(target)
    for path in plain:
        copy = target / path.name if found.is_dir() else target
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    return bool(plain)
