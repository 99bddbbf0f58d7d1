"""Answers to our template, inferred from what a repository holds: each with where it comes from.

Everything read here may be hostile: it counts as text only, and what does not look like an answer is left out.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from vendorkit.errors import BadInput
from vendorkit.records.answers import parse_answers
from vendorkit.records.toml_text import load_toml
from vendorkit.records.yaml_text import read_yaml

CRUFT, MANIFEST, PROJECT = ".cruft.json", "engagement.yaml", "pyproject.toml"
OLDEST_PYTHON = 11
MOST_BYTES = 256 * 1024

NAMES = {
    "engagement_id": ("engagement_id", "project_slug", "repo_name", "repository_name", "slug", "project_name", "name"),
    "title": ("title", "project_title", "project_name", "name", "project_short_description", "description"),
    "client": ("client", "client_name", "customer"),
    "vendor": ("vendor", "vendor_name", "company", "organization", "author_name", "full_name", "author"),
    "python_version": ("python_version", "minimum_python_version", "requires_python"),
    "operating_model": ("operating_model",),
    "tier": ("tier", "risk_tier"),
    "task": ("task",),
}
"""Our question to what others call it, the likeliest first."""

CHOICES = {
    "operating_model": ("hybrid", "internal-only", "vendor-only", "project-handoff", "embedded-pod"),
    "tier": ("low", "medium", "high"),
    "task": ("binary", "multiclass", "regression", "forecasting"),
}

PIPELINES = {".github/workflows/": "github", ".gitlab-ci.yml": "gitlab", "azure-pipelines.yml": "azure"}
HOSTS = {"github": "github", "gitlab": "gitlab", "azure": "azure", "visualstudio": "azure"}
_LINE = re.compile(r"\w[\w .,:&()/+-]{0,79}")


@dataclass(frozen=True)
class Inferred:
    """An answer.

    Args:
        value: As the template takes it.
        source: Where it comes from, for people.
    """

    value: str
    source: str


def infer(
    read: Callable[[str], bytes | None], paths: Iterable[str], *, folder: str, remote: str, began: str
) -> dict[str, Inferred]:
    """What a repository tells about itself.

    Args:
        read: Gives the content of a path; None where there is no such file.
        paths: Everything that it holds.
        folder: The name of its folder.
        remote: Where `origin` leads; empty where there is none.
        began: Day of its first commit.

    Returns:
        Question to answer; what several places tell, the first of them decides: the manifest, the answers of another
        Copier template, those that cruft recorded, `pyproject.toml`, the CI files, the remote, the history.
    """
    paths = list(paths)
    found: dict[str, Inferred] = {}
    told = [_manifest(read), *(_copier(read, path) for path in sorted(paths)), _cruft(read), _project(read)]
    for source, values in (one for one in told if one):
        for question in NAMES:
            answer = _first(question, values)
            if answer is not None:
                found.setdefault(question, Inferred(answer, source))
    for start, forge in PIPELINES.items():
        if any(path.startswith(start) for path in paths):
            found.setdefault("forge", Inferred(forge, start.rstrip("/")))
    for word, forge in HOSTS.items():
        if word in remote.partition("://")[2].partition("/")[0] or word in remote.partition(":")[0]:
            found.setdefault("forge", Inferred(forge, "the remote origin"))
    slug = _slug(folder)
    if slug:
        found.setdefault("engagement_id", Inferred(slug, "the folder's name"))
    if began.startswith("20"):
        found["starts"] = Inferred(began, "the first commit")
    return found


def template_named(read: Callable[[str], bytes | None], paths: Iterable[str]) -> dict[str, str]:
    """Files that say which template the repository came from, and what they say."""
    named = {}
    for path in paths:
        if copier := _copier(read, path):
            named[path] = str(copier[1].get("_src_path", ""))
    if cruft := _json(read(CRUFT)):
        named[CRUFT] = str(cruft.get("template", ""))
    return named


def _first(question: str, values: Mapping[str, Any]) -> str | None:
    for name in NAMES[question]:
        value = values.get(name)
        text = str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
        fit = _fit(question, text)
        if fit:
            return fit
    return None


def _fit(question: str, text: str) -> str | None:
    """The text as an answer; None where it cannot be one."""
    if question == "engagement_id":
        return _slug(text)
    if question == "python_version":
        found = re.search(r"3\.(\d{1,2})", text)
        return f"3.{found[1]}" if found and int(found[1]) >= OLDEST_PYTHON else None
    if question in CHOICES:
        return text.lower() if text.lower() in CHOICES[question] else None
    line = " ".join(text.split()).rstrip(".")
    return line if _LINE.fullmatch(line) else None


def _slug(text: str) -> str | None:
    if "{" in text:
        return None
    slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40].strip("-")
    return slug if re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", slug) else None


def _manifest(read: Callable[[str], bytes | None]) -> tuple[str, dict[str, Any]] | None:
    data = read(MANIFEST)
    try:
        value = read_yaml(data, MANIFEST).value if data else None
    except BadInput:
        return None
    about = _mapping(_mapping(value).get("engagement"))
    vendor = _mapping(_mapping(value).get("vendor")).get("name")
    told = {"engagement_id": about.get("id"), "vendor": vendor}
    return MANIFEST, {**told, **{key: about.get(key) for key in ("title", "operating_model", "risk_tier")}}


def _copier(read: Callable[[str], bytes | None], path: str) -> tuple[str, dict[str, object]] | None:
    name = path.rpartition("/")[2]
    if "/" in path or not (name.startswith(".copier-answers") and name.endswith((".yml", ".yaml"))):
        return None
    try:
        return path, parse_answers(read(path) or b"")
    except BadInput:
        return None


def _cruft(read: Callable[[str], bytes | None]) -> tuple[str, dict[str, Any]] | None:
    context = _mapping(_mapping(_json(read(CRUFT))).get("context"))
    values = _mapping(context.get("cookiecutter"))
    return (CRUFT, values) if values else None


def _project(read: Callable[[str], bytes | None]) -> tuple[str, dict[str, Any]] | None:
    try:
        value = load_toml(read(PROJECT) or b"")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return None
    project, poetry = _mapping(value.get("project")), _mapping(_mapping(value.get("tool")).get("poetry"))
    about = project or poetry
    authors = about.get("authors")
    first = authors[0] if isinstance(authors, list) and authors else ""
    author = first.get("name", "") if isinstance(first, dict) else str(first).partition("<")[0]
    told = {"name": about.get("name"), "title": about.get("description"), "author": author}
    return PROJECT, {**told, "requires_python": about.get("requires-python")}


def _json(data: bytes | None) -> dict[str, Any]:
    try:
        return _mapping(json.loads(data or b"{}"))
    except (ValueError, RecursionError):
        return {}


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
