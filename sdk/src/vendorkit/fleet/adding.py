"""Add repositories to a fleet: each is looked at first, so that the list holds only what is there.

Nothing of a repository is run, and nothing is fetched but the repository itself. Writing the list is `inventory`'s.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from pydantic import TypeAdapter, ValidationError

from vendorkit.adapters.commits import Commits, top_of
from vendorkit.errors import BadInput, Fault, VendorkitError
from vendorkit.fleet.inventory import Row, add_to_list, read_fleet
from vendorkit.fleet.reach import Reach
from vendorkit.records.answers import ANSWERS_FILE, MAX_ANSWERS_BYTES, parse_answers
from vendorkit.records.fleet import FLEET_FILE, Fleet, Repository, Template, TemplatePlace, is_url, name_of, plain_name

ANSWERS = re.compile(r"\.copier-answers[A-Za-z0-9._-]*\.ya?ml")
"""Names of answers files: a repository may come from several templates."""


@dataclass(frozen=True)
class Found:
    """An engagement that is to be added: its entry, and the template that it records."""

    entry: Repository
    template: str


@dataclass(frozen=True)
class Added:
    """What was added.

    Args:
        fleet: The fleet as it is now.
        entries: New entries by name.
        known: Names of those that were there already.
        templates: Templates that were listed because of it.
        unlisted: Name to the template that the fleet does not list: it cannot be updated.
    """

    fleet: Fleet
    entries: dict[str, Repository]
    known: list[str]
    templates: list[str]
    unlisted: dict[str, str]


def add(
    folder: Path, places: Sequence[str], reach: Reach, *, owner: str = "", ring: str = "", templates: Sequence[str] = ()
) -> Added:
    """Add repositories to `fleet.yaml`, which is made where there is none.

    Args:
        folder: Where the fleet's file lies.
        places: Folders and git addresses; of a folder inside a repository only what lies there is added.
        reach: Looks at repositories.
        owner: Who answers for them; empty means each manifest's accountable person.
        ring: Their ring; empty means the last one.
        templates: Templates to list besides. The first time, those that the repositories record are listed too.

    Raises:
        BadInput: A place is no repository with an answers file, or the list is not valid; nothing was written.
        Refused: A host does not let us read a repository.
        Unavailable: A repository cannot be reached.
    """
    before = read_fleet(folder) if (folder / FLEET_FILE).exists() else Fleet(schema_version=1)
    found: list[Found] = []
    faults: list[Fault] = []
    for place in places:
        try:
            found += list(_engagements(folder, place, reach))
        except VendorkitError as error:
            if error.exit_code != BadInput.exit_code:
                raise
            faults += [_at(place, each) for each in error.faults or [Fault("", error.says)]]
    if ring and ring not in before.ring_names:
        faults.append(Fault("--ring", f"{ring!r} is not one of `rings`: {', '.join(before.ring_names)}."))
    if faults:
        raise BadInput("Nothing was added.", faults)
    there = {_key(folder, entry): name_of(entry) for entry in before.repositories}
    every = {_key(folder, each.entry): each for each in found}
    new = {key: each for key, each in every.items() if key not in there}
    given = {key: value for key, value in (("owner", owner), ("ring", ring)) if value}
    entries = list(_named(before, [_with(each.entry, given) for each in new.values()]))
    listed = list(dict.fromkeys(_template(source) for source in templates))
    if not before.templates and not listed:
        listed = list(dict.fromkeys(each.template for each in new.values() if _may_be_listed(each.template)))
    missing = [source for source in listed if source not in {template.url for template in before.templates}]
    fleet = add_to_list(folder, entries, [Template(url=source) for source in missing])
    allowed = {template.url for template in fleet.templates}
    return Added(
        fleet=fleet,
        entries={name_of(entry): entry for entry in entries},
        known=sorted(there[key] for key in every if key in there),
        templates=missing,
        unlisted={
            name_of(entry): each.template
            for entry, each in zip(entries, new.values(), strict=True)
            if each.template not in allowed
        },
    )


def _at(place: str, fault: Fault) -> Fault:
    """A fault that says in which repository it is."""
    where = fault.where if place in fault.where else f"{place}: {fault.where}".removesuffix(": ")
    return replace(fault, where=where)


def _engagements(folder: Path, place: str, reach: Reach) -> Iterator[Found]:
    """Every engagement at a place."""
    if is_url(place):
        entry = _entry({"url": place}, place)
        row = Row("new", place, place, "", "", ANSWERS_FILE, "", "", "")
        stand = reach.stand(row)
        if not stand.commit:
            raise BadInput("", [Fault(place, "has no commit yet.")])
        yield from _answering(Commits(reach.bring(row, stand)), stand.commit, entry, place, "")
        return
    path = Path(os.path.normpath(Path.cwd() / Path(place).expanduser()))
    if not path.is_dir():
        raise BadInput("", [Fault(place, "is neither a folder nor the address of a git repository.")])
    top = top_of(path)
    if top is None:
        raise BadInput("", [Fault(place, "is no git repository.", "Run `git init` there and commit.")])
    inside = path.resolve().relative_to(top).as_posix() if path.resolve().is_relative_to(top) else "."
    commits = Commits(top)
    tip = commits.tip()
    if not tip.commit:
        raise BadInput("", [Fault(place, "has no commit yet.")])
    home = path if inside == "." else top
    given = {"path": str(home) if Path(place).is_absolute() else os.path.relpath(home, folder)}
    if origin := commits.origin():
        given["remote"] = origin if is_url(origin) else os.path.normpath(top / origin)
    yield from _answering(commits, tip.commit, _entry(given, place), place, "" if inside == "." else inside)


def _entry(given: dict[str, str], place: str) -> Repository:
    try:
        return Repository(**given)
    except ValidationError as error:
        faults = [
            Fault(f"{place}: {fault['loc'][0]}", f"{fault['msg'].removeprefix('Value error, ')}.")
            for fault in error.errors(include_url=False)
        ]
        raise BadInput("", faults) from error


def _answering(commits: Commits, commit: str, entry: Repository, place: str, inside: str) -> Iterator[Found]:
    """An entry for each answers file: those at the asked place, else those in folders below."""
    every = list(commits.folders_with(commit, ANSWERS))
    here = [(folder, name) for folder, name in every if folder == inside]
    chosen = here or ([] if inside else every)
    if not chosen:
        fix = "Bring it under a template first: `vendorkit fleet adopt`."
        raise BadInput("", [Fault(place, f"has no answers file of a template ({ANSWERS_FILE}).", fix)])
    for folder, name in sorted(chosen):
        where = f"{folder}/{name}" if folder else name
        seen = commits.read(commit, where, limit=MAX_ANSWERS_BYTES)
        if seen.data is None:
            raise BadInput("", [Fault(f"{place}: {where}", "is no regular file of at most 64 kB.")])
        more = {"folder": folder} if folder else {}
        more |= {"answers": name} if name != ANSWERS_FILE else {}
        yield Found(_with(entry, more), str(parse_answers(seen.data).get("_src_path") or ""))


def _with(entry: Repository, more: dict[str, str]) -> Repository:
    return Repository.model_validate({**entry.model_dump(exclude_unset=True), **more})


def _key(folder: Path, entry: Repository) -> tuple[str, str, str]:
    """What makes two entries the same engagement."""
    place = entry.url or os.path.realpath(folder / Path(entry.path or "").expanduser())
    return (place, entry.folder or "", entry.answers)


def _named(before: Fleet, entries: Sequence[Repository]) -> Iterator[Repository]:
    """The entries, with a name of their own where the usual one is taken."""
    taken = {name_of(entry) for entry in before.repositories}
    for entry in entries:
        name = usual = name_of(entry)
        if name in taken:
            above = PurePosixPath((entry.url or entry.path or "").replace(":", "/")).parent.name
            name = usual = plain_name(f"{above}/{usual}") if above else usual
        number = 2
        while name in taken:
            name, number = f"{usual}-{number}", number + 1
        taken.add(name)
        yield entry if name == name_of(entry) else _with(entry, {"name": name})


def _template(source: str) -> str:
    """A template as people name it: folders become absolute, as answers files record them."""
    if is_url(source) or source.startswith(("gh:", "gl:", "git+")):
        return source
    return os.path.normpath(Path.cwd() / Path(source).expanduser())


def _may_be_listed(source: str) -> bool:
    try:
        TypeAdapter(TemplatePlace).validate_python(source)
    except ValidationError:
        return False
    return source not in ("", ".") and not source.startswith("..")
