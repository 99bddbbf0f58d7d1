"""Which repositories a fleet has: the folder with `fleet.yaml`, its rows, and adding to it without losing a comment.

What the repositories hold is looked at elsewhere.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from vendorkit.adapters.commits import OURS
from vendorkit.adapters.store import write_whole
from vendorkit.errors import BadInput, Fault
from vendorkit.records.answers import ANSWERS_FILE
from vendorkit.records.fleet import FLEET_FILE, Fleet, Repository, Template, is_url, load_fleet, name_of

BEGINNING = (
    "# The fleet: repositories that come from our templates. `vendorkit fleet add` adds to it.\nschema_version: 1\n"
)


@dataclass(frozen=True)
class Row:
    """One engagement of the fleet.

    Args:
        name: Its name in the fleet.
        place: Absolute folder, or git address.
        remote: Where its updates are pushed; empty for a folder without a remote.
        web: Its address on its forge; empty where `remote` tells.
        folder: The engagement's folder in the repository; empty means its top.
        answers: Its answers file, relative to `folder`.
        branch: The branch that is updated; empty means the default branch.
        owner: Who answers for it; empty where the list does not say.
        ring: Its ring.
    """

    name: str
    place: str
    remote: str
    web: str
    folder: str
    answers: str
    branch: str
    owner: str
    ring: str

    @property
    def answers_path(self) -> str:
        """The answers file, relative to the repository's top."""
        return f"{self.folder}/{self.answers}" if self.folder else self.answers

    @property
    def path(self) -> str:
        """The place with the folder, for people."""
        return f"{self.place}/{self.folder}" if self.folder else self.place

    @property
    def short_name(self) -> str:
        """What the repository's folder is called, which templates may use."""
        return re.split(r"[/:]", self.place.rstrip("/").removesuffix(".git"))[-1]

    def update_branch(self, version: str) -> str:
        """The branch of its update to a version."""
        return f"{OURS}update-{version}{self._suffix}"

    @property
    def reset_branch(self) -> str:
        """The branch that brings files back; a later reset takes the place of an earlier one."""
        return f"{OURS}reset{self._suffix}"

    @property
    def _suffix(self) -> str:
        """What tells its branches from those of other engagements in the same repository."""
        other = "" if self.answers == ANSWERS_FILE else self.answers.removeprefix(".copier-answers").strip(".")
        other = other.removesuffix(".yml").removesuffix(".yaml")
        return "".join(f"-{part.replace('/', '-')}" for part in (self.folder, other) if part)


def find_fleet(start: Path | None = None) -> Path:
    """The nearest folder upwards that has a `fleet.yaml`.

    Args:
        start: Where to begin; None means the current folder.

    Raises:
        BadInput: There is none.
    """
    first = (start or Path.cwd()).resolve()
    for folder in (first, *first.parents):
        if (folder / FLEET_FILE).is_file():
            return folder
    says = f"neither it nor a folder above has {FLEET_FILE}."
    fix = "Go to the fleet's folder, name it with `--repo DIR`, or begin one with `vendorkit fleet add PATH-OR-URL`."
    raise BadInput("There is no fleet here.", [Fault(str(first), says)], fix=fix)


def read_fleet(folder: Path) -> Fleet:
    """The list of the fleet in a folder.

    Raises:
        BadInput: It is not valid; all faults are listed with their lines.
    """
    return load_fleet((folder / FLEET_FILE).read_bytes())


def rows_of(fleet: Fleet, folder: Path, discovered: Iterable[Repository] = ()) -> list[Row]:
    """The engagements of a fleet in the order of its list; what was discovered and is not listed comes after it.

    Args:
        fleet: Its list.
        folder: The folder that its paths are relative to.
        discovered: Repositories that a forge told of.
    """
    last = fleet.ring_names[-1]
    rows = [_row(entry, folder, last) for entry in fleet.repositories]
    places, names = {(row.remote or row.place).removesuffix(".git") for row in rows}, {row.name for row in rows}
    for entry in discovered:
        row = _row(entry, folder, last)
        if row.place.removesuffix(".git") not in places and row.name not in names:
            rows.append(row)
            names.add(row.name)
    return rows


def _row(entry: Repository, folder: Path, last_ring: str) -> Row:
    place = entry.url or os.path.normpath(folder / Path(entry.path or "").expanduser())
    remote = entry.url or entry.remote or ""
    if remote and not is_url(remote):
        remote = os.path.normpath(folder / Path(remote).expanduser())
    return Row(
        name=name_of(entry),
        place=place,
        remote=remote,
        web=entry.web or "",
        folder=entry.folder or "",
        answers=entry.answers,
        branch=entry.branch or "",
        owner=entry.owner or "",
        ring=entry.ring or last_ring,
    )


def add_to_list(folder: Path, repositories: Sequence[Repository], templates: Sequence[Template]) -> Fleet:
    """Write entries into `fleet.yaml`, which is made where there is none. Comments and layout stay as they are.

    Args:
        folder: Where the file lies.
        repositories: Entries to add.
        templates: Templates to allow besides.

    Returns:
        The fleet as it is now.

    Raises:
        BadInput: The file is not valid, or is laid out so that nothing can be added; it is unchanged.
    """
    path = folder / FLEET_FILE
    data = path.read_bytes() if path.exists() else BEGINNING.encode()
    before = load_fleet(data)
    text = data.decode().replace("\r\n", "\n")
    for key, entries in (("templates", templates), ("repositories", repositories)):
        text = _with_entries(text, key, [entry.model_dump(mode="json", exclude_unset=True) for entry in entries])
    after = load_fleet(text.encode())
    wanted = {"repositories": (*before.repositories, *repositories), "templates": (*before.templates, *templates)}
    if after != before.model_copy(update=wanted):
        raise BadInput(f"{FLEET_FILE} is laid out so that nothing can be added to it.", fix="Add the entries by hand.")
    write_whole(path, (text.replace("\n", "\r\n") if b"\r\n" in data else text).encode())
    return after


def _with_entries(text: str, key: str, entries: Sequence[dict[str, Any]]) -> str:
    """The text of a fleet with entries added to the end of a list."""
    if not entries:
        return text
    root: Any = yaml.compose(text, yaml.SafeLoader)
    found = next((pair for pair in root.value if pair[0].value == key), None)
    if found is None:
        return _ended(text) + f"\n{key}:\n" + "".join(_entry(entry, "  ") for entry in entries)
    value = found[1]
    if value.flow_style:
        return _in_flow(text, value, entries)
    lines = _ended(text).splitlines(keepends=True)
    last = _last_line(value)
    indent = " " * value.start_mark.column
    return "".join([*lines[: last + 1], *(_entry(entry, indent) for entry in entries), *lines[last + 1 :]])


def _in_flow(text: str, value: Any, entries: Sequence[dict[str, Any]]) -> str:
    """Entries added to a list in brackets."""
    written = ", ".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
    start, end = value.start_mark.index, value.end_mark.index
    inside = text[start + 1 : end - 1].rstrip().rstrip(",")
    return f"{text[:start]}[{inside}{', ' if value.value else ''}{written}{text[end - 1 :]}"


def _last_line(node: Any) -> int:
    """The line on which the last word of a value stands, counted from 0."""
    while getattr(node, "value", None) and isinstance(node.value, list) and not node.flow_style:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    line = int(node.end_mark.line)
    return line - 1 if node.end_mark.column == 0 and line > node.start_mark.line else line


def _entry(entry: dict[str, Any], indent: str) -> str:
    lines = [f"{key}: {_word(value)}" for key, value in entry.items()]
    return "".join(f"{indent}{'- ' if place == 0 else '  '}{line}\n" for place, line in enumerate(lines))


def _word(value: Any) -> str:
    """A value as YAML, in quotes where a plain word could be read otherwise."""
    text = json.dumps(value, ensure_ascii=False)
    plain = isinstance(value, str) and value[:1].isalnum() and not set(value) - set(_PLAIN)
    return str(value) if plain and not value.replace(".", "").isdigit() else text


_PLAIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+@~"


def _ended(text: str) -> str:
    return text if text.endswith("\n") or not text else f"{text}\n"
