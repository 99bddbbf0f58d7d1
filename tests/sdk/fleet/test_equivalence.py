"""Beside the real `copier update`: the same tree, but for differences that are on purpose and listed here.

Each case is a file: what the template gave, what the repository made of it, what the template gives now. All cases
lie in one template, so that one run of Copier answers them all.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pytest
from vendorkit.fleet.templates import Templates
from vendorkit.fleet.update import Plan, plan

from tests.support.fleet import (
    REPOSITORY,
    Content,
    Program,
    commit_all,
    copier_update,
    files_of,
    git,
    make_project,
    make_template,
    store_plan,
    write,
)

TEN = "".join(f"line {number}\n" for number in range(1, 11))
BINARY, BINARY_2, BINARY_3 = b"\x00\x01first", b"\x00\x02second", b"\x00\x03third"
GONE, GONE_2, ADDED = b"\x00\x04gone", b"\x00\x05gone too", b"\x00\x06added"


def lines(**changes: str) -> str:
    """Ten lines, some of them changed: `l3="x\\n"`."""
    kept = [changes.get(f"l{number}", f"line {number}\n") for number in range(1, 11)]
    return "".join(kept)


@dataclass(frozen=True)
class Case:
    """A file in its three states; None where it is not there. `differs` says why ours is not Copier's."""

    path: str
    base: Content
    ours: Content
    theirs: Content
    conflict: str = ""
    differs: str = ""
    result: Content = None


EDITED_HERE = "Copier drops an edited file that the template deleted; the edit is kept and named"
REVERTED = "Copier reverts a binary file that only the repository changed; it is kept"
OVERWRITTEN = "Copier takes the template's binary over one that the repository changed; the change is kept and named"
THROUGH_LINK = "Copier writes what it made of a link that both changed into the file that it leads to"

CASES = [
    Case("same.txt", TEN, TEN, TEN),
    Case("here.txt", TEN, lines(l2="HERE\n"), TEN),
    Case("there.txt", TEN, TEN, lines(l2="THERE\n")),
    Case("both-apart.txt", TEN, lines(l1="HERE\n"), lines(l9="THERE\n")),
    Case("both-near.txt", TEN, lines(l4="HERE\n"), lines(l6="THERE\n")),
    Case("both-same.txt", TEN, lines(l4="SAME\n"), lines(l4="SAME\n")),
    Case("both-part-same.txt", TEN, lines(l4="SAME\n"), lines(l4="SAME\n", l8="MORE\n")),
    Case("clash.txt", TEN, lines(l4="HERE\n"), lines(l4="THERE\n"), "text"),
    Case("clash-twice.txt", TEN, lines(l2="H\n", l9="H\n"), lines(l2="T\n", l9="T\n"), "text"),
    Case("clash-and-clean.txt", TEN, lines(l2="H\n", l9="H\n"), lines(l2="T\n", l6="T\n"), "text"),
    Case("clash-adjacent.txt", TEN, lines(l4="HERE\n"), lines(l5="THERE\n"), "text"),
    Case("clash-blank.txt", "a\n\nb\n\nc\n", "A\n\nB\n\nC\n", "1\n\n2\n\n3\n", "text"),
    Case("clash-no-newline.txt", "a\nb", "a\nB", "a\nbb", "text"),
    Case("clash-rewritten.txt", TEN, "all new here\n", "all new there\n", "text"),
    Case("inserted-both.txt", TEN, TEN + "here\n", TEN + "there\n", "text"),
    Case("emptied-here.txt", TEN, "", lines(l2="THERE\n"), "text"),
    Case("emptied-there.txt", TEN, lines(l2="HERE\n"), "", "text"),
    Case("filled.txt", "", "here\n", "there\n", "text"),
    Case("no-newline.txt", "a\nb\nc\nd\ne\nf\ng", "A\nb\nc\nd\ne\nf\ng", "a\nb\nc\nd\ne\nf\nG"),
    Case("whitespace.txt", TEN, TEN.replace("line", "line "), TEN, ""),
    Case("unicode/ünïcode ß.txt", TEN, lines(l1="ÄÖ\n"), lines(l9="ßß\n")),
    Case("latin1.txt", b"caf\xe9\n" * 9, b"H\n" + b"caf\xe9\n" * 8, b"caf\xe9\n" * 8 + b"T\n"),
    Case("space in name/a b.txt", TEN, lines(l1="H\n"), lines(l9="T\n")),
    Case(
        "crlf.txt",
        TEN.replace("\n", "\r\n"),
        lines(l1="H\n").replace("\n", "\r\n"),
        lines(l9="T\n").replace("\n", "\r\n"),
    ),
    Case("crlf-here.txt", TEN, TEN.replace("\n", "\r\n"), TEN),
    Case("crlf-there.txt", TEN, TEN, TEN.replace("\n", "\r\n")),
    Case("crlf-clash.txt", TEN, TEN.replace("\n", "\r\n"), lines(l3="T\n"), "text"),
    Case("new.txt", None, None, TEN),
    Case("new/deep/er.txt", None, None, TEN),
    Case("own.txt", None, "mine\n", None),
    Case("both-added.txt", None, "here\n", "there\n", "both-added"),
    Case("both-added-same.txt", None, TEN, TEN),
    Case("both-added-part.txt", None, TEN, lines(l4="T\n"), "both-added"),
    Case("deleted-here.txt", TEN, None, TEN),
    Case("deleted-here-changed-there.txt", TEN, None, lines(l4="T\n"), "deleted-here"),
    Case("deleted-there.txt", TEN, TEN, None),
    Case("folder/deleted-there.txt", TEN, TEN, None),
    Case("deleted-both.txt", TEN, None, None),
    Case("edited-here-deleted-there.txt", TEN, lines(l4="H\n"), None, "deleted-there", EDITED_HERE, lines(l4="H\n")),
    Case("binary-there.bin", BINARY, BINARY, BINARY_2),
    Case("binary-here.bin", BINARY, BINARY_2, BINARY, "", REVERTED, BINARY_2),
    Case("binary-both.bin", BINARY, BINARY_2, BINARY_3, "binary", OVERWRITTEN, BINARY_2),
    Case("binary-both-same.bin", BINARY, BINARY_2, BINARY_2),
    Case("binary-added.bin", None, None, ADDED),
    Case("binary-both-added.bin", None, BINARY, BINARY_2, "binary", OVERWRITTEN, BINARY),
    Case("binary-deleted-there.bin", BINARY, BINARY, None),
    Case("binary-edited-deleted.bin", GONE, GONE_2, None, "deleted-there", EDITED_HERE, GONE_2),
    Case("text-to-binary.dat", TEN, lines(l2="H\n"), BINARY_3, "binary"),
    Case("mode-same.sh", Program(TEN), Program(TEN), Program(lines(l4="T\n"))),
    Case("mode-here.sh", TEN, Program(TEN), TEN),
    Case("mode-there.sh", TEN, TEN, Program(TEN)),
    Case("mode-off-there.sh", Program(TEN), Program(TEN), TEN),
    Case("mode-here-text-there.sh", TEN, Program(TEN), lines(l4="T\n")),
    Case("mode-there-text-here.sh", TEN, lines(l4="H\n"), Program(TEN)),
    Case(
        "mode-there-clash.sh",
        TEN,
        lines(l4="H\n"),
        Program(lines(l4="T\n")),
        "text",
        "Copier forgets that the template made a file executable when its text conflicts",
        Program(lines(l4="<<<<<<< before updating\nH\n=======\nT\n>>>>>>> after updating\n")),
    ),
    Case("mode-new.sh", None, None, Program(TEN)),
    Case("link-same", Path("same.txt"), Path("same.txt"), Path("same.txt")),
    Case("link-there", Path("same.txt"), Path("same.txt"), Path("here.txt")),
    Case("link-here", Path("same.txt"), Path("here.txt"), Path("same.txt")),
    Case("link-new", None, None, Path("same.txt")),
    Case("led-to.txt", TEN, TEN, TEN, "", THROUGH_LINK, TEN),
    Case("link-both", Path("same.txt"), Path("led-to.txt"), Path("there.txt"), "link"),
    Case(
        "link-gone",
        Path("same.txt"),
        Path("same.txt"),
        None,
        "",
        "Copier leaves a link that the template deleted; it goes as files do",
        None,
    ),
    Case("link-to-file", Path("same.txt"), Path("same.txt"), TEN),
    Case("file-to-link", TEN, TEN, Path("same.txt")),
    Case("kept/seeded-same.txt", TEN, TEN, lines(l4="T\n")),
    Case("kept/seeded-edited.txt", TEN, lines(l4="H\n"), lines(l5="T\n")),
    Case("kept/seeded-new.txt", None, None, TEN),
    Case("kept/seeded-own.txt", None, "mine\n", TEN),
    Case("kept/seeded-deleted.txt", TEN, None, lines(l4="T\n")),
    Case(
        "kept/seeded-gone-there.txt",
        TEN,
        lines(l4="H\n"),
        None,
        "",
        "Copier deletes a seeded file that the template has no more, edits and all; it is never touched",
        lines(l4="H\n"),
    ),
    Case("ignored/new.txt", None, None, TEN),
]

Tree = dict[str, tuple[str, bytes]]

SETTINGS = "_preserve_symlinks: true\n_skip_if_exists: [kept/]\n"


def sides(cases: list[Case], side: str) -> dict[str, Content]:
    return {case.path: getattr(case, side) for case in cases}


def both(
    tmp_path: Path, template: Path, project: Path, *, folder: str = "", answers: str = ".copier-answers.yml"
) -> tuple[Plan, Tree, Tree]:
    """The plan, the tree that it gives, and the tree that Copier gives.

    Args:
        tmp_path: Where to work.
        template: The template; its newest version is taken.
        project: The repository.
        folder: Folder of the project in it, with a `/` at its end.
        answers: The answers file below that folder.
    """
    templates = Templates(tmp_path / "cache", [str(template)])
    head = git(project, "rev-parse", "HEAD")
    found = plan(project, head, folder + answers, templates, templates.version(str(template)))
    store_plan(project, found)
    given = files_of(project, found.tree)
    peer = tmp_path / "peer" / project.name
    shutil.copytree(project, peer, symlinks=True)
    other = {} if answers == ".copier-answers.yml" else {"answers_file": answers}
    return found, given, files_of(peer, copier_update(peer / folder, **other))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, Tree, Tree]:
    """Every case, updated by both."""
    folder = tmp_path_factory.mktemp("equivalence")
    first = {"copier.yml": SETTINGS, ".gitignore": "ignored/\n*.log\n", **sides(CASES, "base")}
    template = make_template(folder / "template", first, sides(CASES, "theirs"))
    project = make_project(template, folder / "project")
    write(project, sides(CASES, "ours"))
    commit_all(project)
    return both(folder, template, project)


def state(content: Content) -> tuple[str, bytes] | None:
    if content is None:
        return None
    if isinstance(content, Path):
        return "120000", str(content).encode()
    mode = "100755" if isinstance(content, Program) else "100644"
    return mode, content.encode() if isinstance(content, str) else content


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.path)
def test_each_case_is_as_copier_has_it_or_differs_on_purpose(case: Case, world: tuple[Plan, Tree, Tree]) -> None:
    found, given, copiers = world
    path = case.path
    assert [conflict.kind for conflict in found.conflicts if conflict.path == path] == [case.conflict][
        : bool(case.conflict)
    ]
    if case.differs:
        assert given.get(path) == state(case.result)
        assert copiers.get(path) != given.get(path), "it does not differ any more"
    else:
        assert given.get(path) == copiers.get(path)


def test_nothing_else_is_in_the_tree(world: tuple[Plan, Tree, Tree]) -> None:
    _, given, copiers = world
    known = {case.path for case in CASES}
    assert given.keys() - known == copiers.keys() - known == {".copier-answers.yml", ".gitignore"}
    assert given[".copier-answers.yml"] == copiers[".copier-answers.yml"]


WORDS = [f"word{number}" for number in range(400)]


def edited(text: list[str], chance: random.Random, edits: int) -> list[str]:
    """Lines after some that were changed, taken away, doubled or put in."""
    made = list(text)
    for _ in range(edits):
        at = chance.randrange(len(made) + 1)
        action = chance.choice(["put", "put", "change", "take", "block"])
        if action == "put":
            made[at:at] = [f"{chance.choice(WORDS)} put\n"]
        elif action == "change" and at < len(made):
            made[at] = f"{chance.choice(WORDS)} changed\n"
        elif action == "take":
            del made[at : at + chance.randint(1, 3)]
        else:
            made[at:at] = [f"{chance.choice(WORDS)} block\n" for _ in range(chance.randint(2, 5))]
    return made


def random_cases(seed: int, count: int = 60) -> list[Case]:
    """Texts that were edited on both sides, a part of them in the same way."""
    chance = random.Random(seed)
    made = []
    for number in range(count):
        base = [f"{chance.choice(WORDS)} {place}\n" for place in range(chance.randint(1, 40))]
        shared = edited(base, chance, chance.choice([0, 0, 1]))
        ours, theirs = (edited(shared, chance, chance.randint(0, 4)) for _ in range(2))
        if chance.random() < 0.1:
            ours = [*ours[:-1], *(line.rstrip("\n") for line in ours[-1:])]
        texts: list[str | None] = ["".join(each) for each in (base, ours, theirs)]
        if chance.random() < 0.2:
            texts[chance.randrange(3)] = None
        made.append(Case(f"{number % 7}/{number}.txt", *texts))
    return made


@pytest.mark.parametrize("seed", [1, 2])
def test_random_edits_give_what_copier_gives_conflicts_included(seed: int, tmp_path: Path) -> None:
    cases = random_cases(seed)
    template = make_template(tmp_path / "template", {"copier.yml": "", **sides(cases, "base")}, sides(cases, "theirs"))
    project = make_project(template, tmp_path / "project")
    write(project, sides(cases, "ours"))
    commit_all(project)
    found, given, copiers = both(tmp_path, template, project)
    kinds = Counter(conflict.kind for conflict in found.conflicts)
    assert kinds["text"] > 10, "random edits that never conflict prove nothing"
    assert kinds["deleted-here"] > 0
    kept = {conflict.path for conflict in found.conflicts if conflict.kind == "deleted-there"}
    assert kept == given.keys() - copiers.keys() != set(), EDITED_HERE
    assert copiers.keys() <= given.keys()
    marked = {path for path, (_, text) in copiers.items() if b"<<<<<<< before updating" in text}
    assert {conflict.path for conflict in found.conflicts if conflict.is_text} == marked
    assert [path for path in copiers if given[path] != copiers[path]] == []


def test_copier_is_the_version_that_this_suite_was_run_against() -> None:
    assert version("copier") == "9.19.1", "run this suite with the new one and pin it in sdk/pyproject.toml"
    pinned = (REPOSITORY / "sdk/pyproject.toml").read_text("utf-8")
    assert '"copier==9.19.1"' in pinned
