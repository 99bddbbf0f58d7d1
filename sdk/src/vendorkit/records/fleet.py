"""The list of a fleet, `fleet.yaml`: repositories, templates that may be used, rings, and how updates are rolled out.

It declares; what is found in the repositories lies in the fleet's state. Reading other places is done elsewhere.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints, ValidationError

from vendorkit.errors import BadInput, Fault
from vendorkit.records.answers import ANSWERS_FILE
from vendorkit.records.base import Value
from vendorkit.records.manifest.words import Duration, Id, RepoPath, Text
from vendorkit.records.plain_words import kind_of
from vendorkit.records.shape_faults import shape_faults
from vendorkit.records.yaml_text import YamlText, capped, read_yaml

FLEET_FILE = "fleet.yaml"
MAX_FLEET_BYTES = 8_000_000
"""Room for ten thousand repositories by name."""

SCHEMES = ("https", "http", "ssh", "git", "file")
_HELPER = re.compile(r"[A-Za-z0-9+.-]+::")
"""How git is told to start a program of a name; never allowed."""
_SHORT_SSH = re.compile(r"[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:[^:].*")


def is_url(text: str) -> bool:
    """Whether this is the address of a git repository rather than a folder."""
    return "://" in text or _SHORT_SSH.fullmatch(text) is not None or _HELPER.match(text) is not None


SHORT_FORMS = ("gh:", "gl:", "git+")
"""What Copier lets the place of a template begin with besides."""


def _address(text: str) -> str:
    """An address that git may be given: nothing that starts a program, no password, no option."""
    parts = urlsplit(text)
    if _HELPER.match(text) or ("://" in text and parts.scheme not in SCHEMES):
        raise ValueError(f"expected an address that begins with {', '.join(f'{name}://' for name in SCHEMES)}")
    if "://" not in text and not _SHORT_SSH.fullmatch(text):
        raise ValueError("expected an address like https://host/team/repository.git or git@host:team/repository.git")
    if "://" in text and (parts.password is not None or (parts.username and parts.scheme in ("http", "https"))):
        raise ValueError("expected an address without user or password: they come from the environment or git's helper")
    if re.search(r"[\x00-\x20\x7f]", text) or (parts.hostname or "").startswith("-"):
        raise ValueError("expected an address without spaces")
    return text


def _place(text: str) -> str:
    if text.startswith(SHORT_FORMS[:2]):
        return _plain_path(text)
    plain = text.removeprefix(SHORT_FORMS[2])
    (_address if is_url(plain) else _plain_path)(plain)
    return text


def _plain_path(text: str) -> str:
    if text.startswith("-") or re.search(r"[\x00-\x1f\x7f]", text):
        raise ValueError("expected a path without control characters that does not begin with -")
    return text


_PART = "[A-Za-z0-9_][A-Za-z0-9._-]*"
Name = Annotated[str, StringConstraints(max_length=200, pattern=rf"^{_PART}(/{_PART})*$")]
"""Letters, digits, `.`, `-`, `_`; parts set apart by `/`."""

Address = Annotated[Text, AfterValidator(_address)]
"""The address of a git repository: https, http, ssh, git or file, or `git@host:path`; without a password."""

FolderPath = Annotated[Text, AfterValidator(_plain_path)]
"""A folder, relative to the folder of `fleet.yaml`, or absolute."""

TemplatePlace = Annotated[Text, AfterValidator(_place)]
"""A folder or the address of a git repository."""

Share = Annotated[float, Field(ge=0, le=1)]
"""A part of all, from 0 to 1."""


class Template(Value):
    """A template that repositories may come from. Nothing else is fetched, whatever their answers say.

    Args:
        url: Folder or git address, as the answers files record it.
        moved_from: Places where it was before; repositories that record one of them are updated from `url`.
        managed: Patterns, as in `.gitignore`, of files that belong to the template alone; None leaves it to the
            template: vendorkit's own says it itself, others own nothing for good.
        tasks: What to do with its tasks, migrations and extensions: `report` names repositories that need them,
            `sandbox` lets Copier run them in a child process without network and home, which writes nowhere else.
        lock: What to do with a `uv.lock` whose declarations change: `report` says so, `uv` locks again from the
            package index of the machine that updates; declarations that name other places are reported.
    """

    url: TemplatePlace
    moved_from: tuple[Text, ...] = ()
    managed: tuple[Text, ...] | None = None
    tasks: Literal["report", "sandbox"] = "report"
    lock: Literal["report", "uv"] = "report"


class Repository(Value):
    """One engagement: a repository, or a folder of one.

    Args:
        name: Its name in the fleet; None means the last part of the path or address, and the folder.
        path: Its folder. Either this or `url`.
        url: Its git address.
        remote: Where updates of a `path` are pushed; None leaves them in that repository.
        web: Its address on its forge, where the one that git uses does not tell: another host for SSH, an alias.
        folder: The engagement's folder in the repository; None means its top.
        answers: Its answers file, relative to `folder`.
        branch: The branch that is updated; None means the repository's default branch.
        owner: Who answers for it; None means the manifest's accountable person.
        ring: Its ring; None means the last one.
    """

    name: Name | None = None
    path: FolderPath | None = None
    url: Address | None = None
    remote: TemplatePlace | None = None
    web: Address | None = None
    folder: RepoPath | None = None
    answers: RepoPath = ANSWERS_FILE
    branch: Name | None = None
    owner: Text | None = None
    ring: Id | None = None


class Forge(Value):
    """A forge of one's own. github.com, gitlab.com, codeberg.org and dev.azure.com are known.

    Its token comes from the environment, never from here: `VENDORKIT_TOKEN_` and the host in capitals, for instance
    `VENDORKIT_TOKEN_GIT_BANK_EXAMPLE`.

    Args:
        host: Its host as repository addresses name it, with the port where they have one.
        kind: `github`, `gitlab`, `gitea` (also Forgejo) or `azure`.
    """

    host: Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]+(:[0-9]+)?$")]
    kind: Literal["github", "gitlab", "gitea", "azure"]


class Discovery(Value):
    """Repositories that are looked for on a forge.

    Args:
        host: The forge's host.
        within: Organisation, user, group (with its subgroups) or Azure project; None means all that the token sees.
        topic: Only those with this topic.
        file: Only those whose default branch has this file.
        owner: Who answers for them; None means each manifest's accountable person.
        ring: Their ring; None means the last one.
    """

    host: Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]+(:[0-9]+)?$")]
    within: Text | None = None
    topic: Text | None = None
    file: RepoPath = ANSWERS_FILE
    owner: Text | None = None
    ring: Id | None = None


class Ring(Value):
    """A wave of a rollout. The next ring begins when this one is healthy.

    Args:
        name: Its id.
        merged: Share of its updates that must be merged, or have been current already.
        checks: `green` waits until no open or merged update has failing checks; `any` does not look.
    """

    name: Id
    merged: Share = 1.0
    checks: Literal["green", "any"] = "green"


class Rollout(Value):
    """How updates are rolled out.

    Args:
        conflicts: `markers` puts conflicts into the files of a draft request, `aside` leaves the files as they are
            and tells of them in the request.
        stop_at: Share of failures in one run at which it stops.
        stop_after: Failures that must have been before the share counts.
        max_open: Open requests at a time, so that continuous integration is not flooded.
        deadline: How long a request may stay open before it is named as stuck.
        labels: Labels of a request.
        assign_owners: Whether the owner is asked to review.
        auto_merge: Whether the forge may merge a request without conflicts when its checks pass.
    """

    conflicts: Literal["markers", "aside"] = "markers"
    stop_at: Share = 0.2
    stop_after: Annotated[int, Field(ge=1)] = 5
    max_open: Annotated[int, Field(ge=1)] = 500
    deadline: Duration = "P14D"
    labels: tuple[Text, ...] = ("template-update",)
    assign_owners: bool = True
    auto_merge: bool = False


class Fleet(Value):
    """What `fleet.yaml` declares.

    Args:
        schema_version: The form of this file.
        templates: Templates that repositories may come from; nothing else is fetched.
        rings: Waves of a rollout in their order; none means that all go together.
        rollout: How updates are rolled out.
        forges: Forges of one's own, where requests are opened.
        discover: Searches for repositories.
        repositories: Repositories by name.
    """

    schema_version: Literal[1]
    templates: tuple[Template, ...] = ()
    rings: tuple[Ring, ...] = ()
    rollout: Rollout = Rollout()
    forges: tuple[Forge, ...] = ()
    discover: tuple[Discovery, ...] = ()
    repositories: tuple[Repository, ...] = ()

    @property
    def ring_names(self) -> tuple[str, ...]:
        """The rings in their order; one named `all` where none is declared."""
        return tuple(ring.name for ring in self.rings) or ("all",)


def load_fleet(data: bytes, where: str = FLEET_FILE) -> Fleet:
    """Read the list of a fleet, or tell every fault of it at once.

    Args:
        data: UTF-8 text of the file, at most 8 MB.
        where: Its name, for messages.

    Raises:
        BadInput: Not strict YAML, wrong shape, or rules across the file are broken; `faults` has each with its line.
    """
    read = read_yaml(data, where, most=MAX_FLEET_BYTES)
    if not isinstance(read.value, dict):
        says = f"is {kind_of(read.value)}; expected a mapping with the keys of a fleet."
        raise BadInput(f"{where} is not valid.", [Fault(read.place(()), says)])
    try:
        fleet = Fleet.model_validate_json(json.dumps(read.value))
    except ValidationError as error:
        found = shape_faults(error, read, Fleet, "a fleet")
        raise BadInput(f"{where} is not valid.", capped(found, where)) from error
    faults = [*_entries(fleet, read), *_names(fleet, read)]
    if faults:
        raise BadInput(f"{where} is not valid.", capped(faults, where))
    return fleet


def name_of(entry: Repository) -> str:
    """The name of an entry in the fleet: its own, or the last part of its place with its folder."""
    if entry.name is not None:
        return entry.name
    place = (entry.url or entry.path or "").rstrip("/").removesuffix(".git").removesuffix("/")
    return plain_name("/".join(part for part in (re.split(r"[/\\:]", place)[-1], entry.folder) if part))


def plain_name(text: str) -> str:
    """Any text as a name."""
    parts = (re.sub(r"[^A-Za-z0-9._-]+", "-", part).lstrip(".-") for part in text.split("/"))
    return "/".join(part for part in parts if part) or "repository"


def _entries(fleet: Fleet, read: YamlText) -> Iterator[Fault]:
    """An entry has one place, and rings are declared."""
    for place, entry in enumerate(fleet.repositories):
        path = ("repositories", place)
        if (entry.path is None) == (entry.url is None):
            yield Fault(read.place(path), "expected one of `path` and `url`.")
        if entry.url is not None and entry.remote is not None:
            yield Fault(read.place((*path, "remote")), "an entry with `url` is pushed there.", "Remove it.")
        if entry.ring is not None and entry.ring not in fleet.ring_names:
            yield Fault(read.place((*path, "ring")), f"{entry.ring!r} is not one of `rings`.")
    for place, found in enumerate(fleet.discover):
        if found.ring is not None and found.ring not in fleet.ring_names:
            yield Fault(read.place(("discover", place, "ring")), f"{found.ring!r} is not one of `rings`.")


def _names(fleet: Fleet, read: YamlText) -> Iterator[Fault]:
    """Names are unique: of repositories, rings, templates and hosts."""
    lists: dict[str, Iterable[str]] = {
        "repositories": [name_of(entry) for entry in fleet.repositories],
        "rings": [ring.name for ring in fleet.rings],
        "templates": [template.url for template in fleet.templates],
        "forges": [forge.host for forge in fleet.forges],
    }
    for key, names in lists.items():
        twice = {name for name, count in Counter(names).items() if count > 1}
        seen: set[str] = set()
        for place, name in enumerate(names):
            if name in seen:
                fix = "Give one of them another `name`." if key == "repositories" else "Remove one."
                yield Fault(read.place((key, place)), f"{name!r} stands here twice.", fix)
            seen |= {name} & twice
