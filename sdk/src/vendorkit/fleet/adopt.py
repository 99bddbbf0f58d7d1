"""Bring a repository that was made otherwise under our template: one commit on a branch of its own.

Nothing of it is lost: its history goes on, its files stay, and where a managed file takes the place of one of theirs,
theirs is put aside in the same commit and named. Nothing of it is run, and its work tree is not touched.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vendorkit.adapters import environment, repository, template
from vendorkit.adapters.commits import Commits
from vendorkit.adapters.git_objects import FILE, LINK, PROGRAM, Entry, GitObjects, Shelf, Signature
from vendorkit.errors import BadInput, Fault, Refused
from vendorkit.fleet.inferring import MOST_BYTES, Inferred, infer, template_named
from vendorkit.records.answers import ANSWERS_FILE, parse_answers

BRANCH = "vendorkit/adopt"
ASIDE = "before-adoption"
TRAILER = "Adopted-Tree"
"""Names the tree that we committed: a commit with another one was changed by people."""

STARTER = Inferred("blank", "adoption: the work is there already")


@dataclass(frozen=True)
class Adoption:
    """What adopting would do, or did.

    Args:
        path: The repository on this machine.
        name: What its folder is called.
        base: The commit that it starts from.
        branch: Where the commit goes.
        answers: Question to answer, all that the template recorded, each with where it comes from.
        came_from: Files that name the template it came from, and what they name.
        added: Files that are new.
        kept: Files that stay as they are, though the template has one of that name: they are the vendor's.
        aside: Their files to where they are put, because a file of the template takes their place.
        todo: What people have to do after it.
        tree: The tree to be.
        shelf: Its new objects.
        version: The template's.
    """

    path: Path
    name: str
    base: str
    branch: str
    answers: dict[str, Inferred]
    came_from: dict[str, str]
    added: list[str]
    kept: list[str]
    aside: dict[str, str]
    todo: list[str]
    tree: str
    shelf: Shelf = field(repr=False)
    version: str


def plan(
    path: Path,
    source: str,
    ref: str | None,
    given: Mapping[str, object],
    *,
    origin: str = "template",
    name: str = "",
    remote: str = "",
    commit: str = "",
    progress: Callable[[str], None] = lambda line: None,
) -> Adoption:
    """What adopting a repository would do; writes nothing.

    Args:
        path: The repository's top folder.
        source: Our template: folder or git URL.
        ref: Its version; None means the newest tag.
        given: Answers that win over what is inferred.
        origin: Where the SDK is installed from: `template` or `index`.
        name: What its folder is called; empty means what it is called here.
        remote: Where it comes from; empty means its `origin`.
        commit: The commit to start from; empty means that of the default branch.
        progress: Is told what is being done.

    Raises:
        BadInput: There is no repository or no commit, or answers are wrong; all are named.
        Refused: It is under our template already.
        Unavailable: The template cannot be fetched, or the environment not locked.
    """
    start = commit or _tip(path)
    objects = GitObjects(path)
    tree = objects.tree_of(start)
    theirs = dict(objects.walk(tree))
    read = _reader(objects, theirs)
    _not_ours_yet(path, read)
    name = name or path.resolve().name
    commits = Commits(path)
    began, remote = commits.first(start).at[:10], remote or commits.origin()
    answers = {"starter": STARTER} | infer(read, theirs, folder=name, remote=remote, began=began)
    answers |= {name: Inferred(_shown(value), "given") for name, value in given.items()}
    values = {name: answer.value for name, answer in answers.items()} | dict(given) | {"sdk_origin": origin}
    with tempfile.TemporaryDirectory(prefix="vendorkit-") as scratch:
        folder = Path(scratch, name or "adopted")
        folder.mkdir()
        progress(f"rendering {source}")
        made = template.render(source, ref, folder, values)
        progress("locking the environment")
        environment.lock(folder)
        files = dict(_files(folder))
    defaults = {name: Inferred(_shown(value), "default") for name, value in made.answers.items()}
    merge = _Merge(objects, tree, theirs)
    for file, (mode, data) in files.items():
        merge.put(file, mode, data)
    return Adoption(
        path=path,
        name=name,
        base=start,
        branch=BRANCH,
        answers={name: answers.get(name, default) for name, default in defaults.items()},
        came_from=template_named(read, theirs),
        added=merge.added,
        kept=merge.kept,
        aside=dict(sorted(merge.aside.items())),
        todo=_todo(merge, theirs),
        tree=merge.tree(),
        shelf=merge.shelf,
        version=made.version,
    )


def _tip(path: Path) -> str:
    found = Commits(path).tip().commit
    if not found:
        fix = "Commit something first, or make a new engagement with `vendorkit new`."
        raise BadInput("There is nothing to adopt.", [Fault(str(path), "has no commit.")], fix=fix)
    return found


def commit(planned: Adoption) -> str:
    """Do what was planned; gives the commit. Done already, it gives the commit that is there.

    Raises:
        BadInput: Git does not know who commits.
        Refused: The branch is checked out, or people committed on it.
    """
    objects, commits = GitObjects(planned.path), Commits(planned.path)
    seen = commits.branch(planned.branch)
    if seen and objects.parents(seen) == (planned.base,) and objects.tree_of(seen) == planned.tree:
        return seen
    there = commits.commit(seen) if seen else None
    if there is not None and there.trailer(TRAILER) != there.tree:
        raise Refused(
            f"People committed on {planned.branch}.",
            [Fault(str(planned.path), f"{seen[:12]} is not ours.")],
            fix=f"Finish that work, or delete the branch: `git branch -D {planned.branch}`.",
        )
    name, email = repository.identity(planned.path)
    objects.store(planned.shelf.objects)
    made = objects.write_commit(planned.tree, [planned.base], Signature(name, email), message(planned))
    commits.point(planned.branch, made, seen=seen)
    return made


def message(planned: Adoption) -> str:
    """The commit's message: what came, what stayed, what was put aside and why."""
    lines = [f"Bring this repository under the template {planned.version}".rstrip(), ""]
    lines += [f"Before, it came from {where} ({file})." for file, where in planned.came_from.items() if where]
    lines += [f"{len(planned.added)} files are new. Nothing was deleted."]
    if planned.aside:
        lines += ["", "Put aside, because a file of the template takes the place:"]
        lines += [f"- {name} -> {there}" for name, there in planned.aside.items()]
    if planned.kept:
        lines += ["", "Kept, though the template has a file of that name:", *(f"- {name}" for name in planned.kept)]
    if planned.todo:
        lines += ["", "To do:", *(f"- {line}" for line in planned.todo)]
    lines += ["", "Answers:", *(f"- {name}: {one.value} ({one.source})" for name, one in planned.answers.items())]
    plain = (
        re.sub(r"[\x00-\x1f\x7f-\x9f]", "?", line) for line in lines
    )  # names of files and templates may hold anything
    return "\n".join([*plain, "", f"{TRAILER}: {planned.tree}", ""])


class _Merge:
    """Puts the template's files beside theirs."""

    def __init__(self, objects: GitObjects, tree: str, theirs: Mapping[str, Entry]) -> None:
        self._objects, self._tree, self._theirs = objects, tree, theirs
        self._seeded = template.seeded_patterns()
        self._shelf_name = next(name for name in _names() if not any(one.startswith(f"{name}/") for one in theirs))
        self._changes: dict[str, Entry | None] = {}
        self.shelf = Shelf()
        self.added: list[str] = []
        self.kept: list[str] = []
        self.aside: dict[str, str] = {}

    def put(self, name: str, mode: int, data: bytes) -> None:
        """One file of the template."""
        entry = Entry(mode, self.shelf.blob(data))
        there = self._theirs.get(name)
        if there == entry:
            return
        if there is not None and there.mode != LINK and template.is_seeded(name, self._seeded):
            self.kept.append(name)
            return
        in_the_way = [one for one in self._theirs if one == name or _holds(one, name) or _holds(name, one)]
        for one in in_the_way:
            self._put_aside(one)
        if not in_the_way:
            self.added.append(name)
        self._changes[name] = entry

    def tree(self) -> str:
        """The tree to be."""
        return self._objects.changed_tree(self._tree, self._changes, self.shelf)

    def _put_aside(self, name: str) -> None:
        if name not in self.aside:
            self.aside[name] = f"{self._shelf_name}/{name}"
            self._changes.setdefault(name, None)
            self._changes[self.aside[name]] = self._theirs[name]


def _todo(merge: _Merge, theirs: Mapping[str, Entry]) -> list[str]:
    lines = []
    if merge.aside:
        folder = next(iter(merge.aside.values())).partition("/")[0]
        lines.append(f"Move what is still needed out of {folder}/, then delete that folder.")
    if "pyproject.toml" in merge.aside:
        lines.append("Declare the dependencies of the old pyproject.toml in models/NAME/pyproject.toml; run `uv lock`.")
    elif any(name.startswith("models/") and name.endswith("/pyproject.toml") for name in theirs):
        lines.append("Run `uv lock`: models/ has packages that were there before.")
    return [*lines, "Fill in engagement.yaml: `vendorkit check` lists what is owed."]


def _reader(objects: GitObjects, theirs: Mapping[str, Entry]) -> Callable[[str], bytes | None]:
    def read(path: str) -> bytes | None:
        entry = theirs.get(path)
        if entry is None or entry.mode not in {FILE, PROGRAM} or objects.size(entry.id) > MOST_BYTES:
            return None
        return objects.read(entry.id)

    return read


def _not_ours_yet(path: Path, read: Callable[[str], bytes | None]) -> None:
    try:
        answers = parse_answers(read(ANSWERS_FILE) or b"{}")
    except BadInput:
        return
    if template.PIN_KEY in answers:
        says = f"comes from {answers.get('_src_path')} {answers.get('_commit')}."
        fix = "Bring it up to date with `vendorkit fleet update`."
        raise Refused("It is under the template already.", [Fault(f"{path}: {ANSWERS_FILE}", says)], fix=fix)


def _files(folder: Path) -> Iterator[tuple[str, tuple[int, bytes]]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            mode = PROGRAM if path.stat().st_mode & 0o100 else FILE
            yield path.relative_to(folder).as_posix(), (mode, path.read_bytes())


def _holds(folder: str, path: str) -> bool:
    return path.startswith(f"{folder}/")


def _names() -> Iterator[str]:
    yield ASIDE
    number = 2
    while True:
        yield f"{ASIDE}-{number}"
        number += 1


def _shown(value: object) -> str:
    return ", ".join(str(item) for item in value) if isinstance(value, list) else str(value)
