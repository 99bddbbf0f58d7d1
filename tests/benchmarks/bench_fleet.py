"""What `fleet update` and `fleet status` cost, beside a loop of `copier update`, git's own push, and the objects alone.

`python tests/benchmarks/bench_fleet.py`. `FLEET_SMALL=1` takes few repositories, to see that it runs. Each of our runs
is the command line in a process of its own that starts with an empty cache; trees are compared with those of Copier.
Goals: 50 times faster than the loop with few sets of answers and 30 times with own ones; 1,000 repositories committed
and pushed in 90 s and 500 MB on two cores; growth in step with their number; 1,000 unchanged looked at in 2 s.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from vendorkit.adapters.git_objects import Entry, GitObjects, Shelf, Signature
from vendorkit.adapters.template.asking import Project
from vendorkit.fleet.templates import Templates

from tests.benchmarks.pairs import Pair, table
from tests.support.fleet import ENVIRONMENT, PUBLIC, git, own_template, public_template

SMALL = bool(os.environ.get("FLEET_SMALL"))
REPOSITORIES, MANY, SETS, GROWTH = (6, 20, 2, (10, 40)) if SMALL else (50, 1000, 5, (100, 10_000))
ANSWERS_FILE, JOBS = ".copier-answers.yml", 8
WHO = Signature("Bench", "bench@bank.example", 1_800_000_000)
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Ran:
    """One run of the command line.

    Args:
        seconds: From start to end of the process.
        peak_mb: The most memory that it, or a process that it started, ever held.
        result: What it told.
    """

    seconds: float
    peak_mb: float
    result: dict[str, Any]


Files = dict[str, tuple[int, bytes]]
"""Path to mode and content."""


@dataclass(frozen=True)
class Kind:
    """A template, and how repositories came from it.

    Args:
        template: Where it lies.
        first: The version that they have.
        last: Its newest version, which they are brought to.
        answers: The answers of an engagement of its own, by number.
        clash: A file with what is in it and what a repository puts in its place, so that the update conflicts.
        stays: Files that ours leaves and Copier takes away, on purpose.
    """

    template: Path
    first: str
    last: str
    answers: Callable[[int], dict[str, Any]]
    clash: tuple[str, bytes, bytes]
    stays: tuple[str, ...] = ()

    def worked_on(self, files: Files, number: int) -> Files:
        """The files after work of its own; every third changed what the template changes."""
        path, old, new = self.clash
        mode, text = files[path]
        if old not in text:
            raise AssertionError(f"{path} has no {old!r}")
        clashing = {path: (mode, text.replace(old, new, 1))} if number % 3 == 0 else {}
        return {**files, "models/own.py": (0o100644, f"NUMBER = {number}\n".encode()), **clashing}


def own(folder: Path) -> Kind:
    """The template of this repository."""
    clash = ("noxfile.py", b"import nox\n", b"import sys\n\nimport nox\n")
    return Kind(own_template(folder), "v1", "v2", answers_of, clash)


def public(folder: Path) -> Kind:
    """A public template with tags; `.python-version` is seeded there, and its newest version has it no more."""
    folder.mkdir()
    kinds = ("library", "cli", "web")
    clash = (".coveragerc", b"concurrency = thread\n", b"concurrency = greenlet\n")
    first, last = (f"v{version}" for version in PUBLIC)
    given = {"min_python_version": "3.9", "description": "Scores applicants."}
    return Kind(
        public_template(folder),
        first,
        last,
        lambda number: {**given, "project_name": f"engagement-{number}", "project_type": kinds[number % 3]},
        clash,
        (".python-version",),
    )


def answers_of(number: int) -> dict[str, Any]:
    """Answers of an engagement of its own, from the template of this repository."""
    forges, tiers = ("github", "gitlab", "azure"), ("low", "medium", "high")
    return {
        "engagement_id": f"engagement-{number}",
        "client": f"Bank {number}",
        "vendor": f"Analytics {number}",
        "forge": forges[number % 3],
        "tier": tiers[number % 2],
        "starts": "2026-09-01",
    }


def make_repositories(folder: Path, kind: Kind, count: int, sets: int, *, lender: Path | None = None) -> list[Path]:
    """Bare repositories at the first version, each with work of its own; in every third the update conflicts.

    With a lender, objects lie there once for all.
    """
    templates = Templates(folder / "making", [str(kind.template)])
    blueprint = templates.blueprint(templates.version(str(kind.template), kind.first))
    empty = folder / "empty.git"
    git(folder, "init", "--quiet", "--bare", "--template=", str(empty))
    if lender is not None:
        git(folder, "init", "--quiet", "--bare", "--template=", str(lender))
        (empty / "objects/info").mkdir(exist_ok=True)
        (empty / "objects/info/alternates").write_text(f"{lender / 'objects'}\n")
    made = []
    for number in range(count):
        place = folder / "repositories" / f"r{number}.git"
        shutil.copytree(empty, place)
        project = Project("engagement", ANSWERS_FILE, lambda path: None)
        pieces = blueprint.render(project, given=kind.answers(number % sets)).pieces
        files = {path: (piece.mode, piece.content().data) for path, piece in pieces.items()}
        files = kind.worked_on(files, number)
        objects, shelf = GitObjects(place), Shelf()
        entries = {path: Entry(mode, shelf.blob(data)) for path, (mode, data) in files.items()}
        tree = objects.changed_tree(shelf.tree({}), entries, shelf)
        GitObjects(lender or place).store(shelf.objects)
        objects.move_branch("main", GitObjects(place).write_commit(tree, [], WHO, "Work"), None)
        made.append(place)
    return made


def fleet_of(folder: Path, template: Path, repositories: list[Path], *, pushed: bool) -> Path:
    """The folder of a fleet, emptied of what it knew; repositories are remotes, or folders that get a branch."""
    place = folder / "fleet"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    entries = [f"  - {{url: 'file://{each}'}}\n" if pushed else f"  - {{path: '{each}'}}\n" for each in repositories]
    rules = "rollout: {max_open: 1000000, conflicts: markers}\n"
    (place / "fleet.yaml").write_text(
        f"schema_version: 1\n{rules}templates: [{{url: {template}}}]\nrepositories:\n{''.join(entries)}"
    )
    return place


def vendorkit(fleet: Path, *arguments: str) -> Ran:
    """Run a command of the fleet to its end; conflicts and drift are expected."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        command = [sys.executable, "-m", "vendorkit", "fleet", *arguments, "--repo", str(fleet), "--json", "--quiet"]
        began = time.perf_counter()
        child = subprocess.Popen(command, stdout=out, stderr=err, env=environment())
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if child.returncode not in (0, 1):
            raise AssertionError(f"{arguments}: {child.returncode}\n{out.read().decode()}{err.read().decode()}")
        return Ran(seconds, usage.ru_maxrss / 1024, json.load(out)["result"])


def environment() -> dict[str, str]:
    """Ours, with an identity for git."""
    return {**os.environ, **ENVIRONMENT, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPATH": str(Path(__file__).parents[2])}


def ended(ran: Ran, count: int) -> str:
    """How the repositories ended, where all did as they should."""
    statuses = [each["status"] for each in ran.result["repos"]]
    conflicts = statuses.count("conflict")
    if (len(statuses), conflicts) != (count, len(range(0, count, 3))) or set(statuses) > {"updated", "conflict"}:
        raise AssertionError(f"ended otherwise: { {status: statuses.count(status) for status in set(statuses)} }")
    return f"{count:,} repositories, {conflicts:,} with conflicts"


def copier_loop(clones: Path, to: str) -> dict[str, str]:
    """`copier update` in each work tree; gives the trees that it leaves."""
    trees = {}
    for place in sorted(clones.iterdir()):
        command = [BIN / "copier", "update", "--defaults", "--quiet", "--vcs-ref", to]
        subprocess.run(command, cwd=place, check=True, capture_output=True, env=environment())
        git(place, "add", "--all")
        trees[place.name] = git(place, "write-tree")
    return trees


def against_copier(folder: Path, kind: Kind, sets: int, figure: str) -> dict[str, Any]:
    """A dry run over all repositories, beside the loop; the trees must be the same."""
    folder.mkdir()
    template = kind.template
    repositories = make_repositories(folder, kind, REPOSITORIES, sets)
    clones = folder / "clones"
    clones.mkdir()
    for place in repositories:
        git(clones, "clone", "--quiet", str(place), place.name)
    vendorkit(
        fleet_of(folder, template, repositories, pushed=False), "update", "--dry-run"
    )  # compiles what is imported
    ran = vendorkit(fleet_of(folder, template, repositories, pushed=False), "update", "--dry-run")
    middle = time.perf_counter()
    updated = copier_loop(clones, kind.last)
    found = Pair((ran.seconds,), (time.perf_counter() - middle,))
    written = folder / "plan.json"
    vendorkit(folder / "fleet", "update", "--plan", str(written))
    vendorkit(folder / "fleet", "update")
    for each in json.loads(written.read_text())["repositories"]:
        name = f"{each['name']}.git"
        objects, shelf = GitObjects(folder / "repositories" / name), Shelf()
        tree = objects.changed_tree(each["tree"], dict.fromkeys(kind.stays), shelf)
        if tree != updated.pop(name):
            raise AssertionError(f"the tree of {name} differs from that of copier update")
    if updated:
        raise AssertionError(f"these were not planned: {sorted(updated)}")
    return found.row(
        figure,
        "copier update in each",
        f"{ended(ran, REPOSITORIES)}, same trees; {1 / found.ratio_median:.0f} times faster",
    )


def pushed(folder: Path, kind: Kind) -> list[dict[str, Any]]:
    """Commit and push to remotes of this machine, beside git's own push and beside the objects alone; then status."""
    folder.mkdir()
    repositories = make_repositories(folder, kind, MANY, MANY)
    shutil.copytree(folder / "repositories", folder / "floor", copy_function=os.link)
    fleet = fleet_of(folder, kind.template, repositories, pushed=True)
    ran = vendorkit(fleet, "update", "--jobs", str(JOBS))
    says = ended(ran, MANY)
    commits = {each["name"]: each["commit"] for each in ran.result["repos"]}
    copies = {path.name: path for path in (fleet / ".vendorkit/repositories").iterdir()}
    updates = [(place, commits[place.stem], _copy_with(commits[place.stem], copies)) for place in repositories]
    changes = [_changes_of(place, commit) for place, commit, _ in updates]
    told = f"{says}; peak {ran.peak_mb:.0f} MB, state {_state_mb(fleet):.1f} MB"
    rows = [
        Pair((ran.seconds,), (timed(lambda: _push_again(updates)),)).row(
            f"commit and push {MANY:,} repositories", f"git push alone, {JOBS} at a time", told
        ),
        Pair((ran.seconds,), (timed(lambda: _write_again(changes)),)).row(
            f"the same {MANY:,}", "pygit2 writing the changed blobs, trees and commits"
        ),
    ]
    first = vendorkit(fleet, "status")
    again = [vendorkit(fleet, "status") for _ in range(3)]
    heads = [timed(lambda: [GitObjects(place).commit_of("HEAD") for place in repositories]) for _ in again]
    note = f"peak {again[-1].peak_mb:.0f} MB; {first.seconds:.1f} s the first time"
    looked = Pair(tuple(each.seconds for each in again), tuple(heads))
    return [*rows, looked.row(f"status of {MANY:,} unchanged", "reading each HEAD with pygit2", note)]


def timed(call: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _copy_with(commit: str, copies: dict[str, Path]) -> Path:
    """The copy of ours that holds a commit; each is taken once."""
    name = next(name for name, path in copies.items() if GitObjects(path).commit_of(commit))
    return copies.pop(name)


def _push_again(updates: list[tuple[Path, str, Path]]) -> None:
    """Push the very commits to another branch, with git alone."""

    def push(update: tuple[Path, str, Path]) -> None:
        place, commit, copy = update
        command = ["git", "push", "--quiet", str(place), f"{commit}:refs/heads/again"]
        subprocess.run(command, cwd=copy, check=True, capture_output=True)

    with ThreadPoolExecutor(JOBS) as pool:
        list(pool.map(push, updates))


def _changes_of(place: Path, commit: str) -> tuple[Path, str, str, dict[str, tuple[str, bytes]]]:
    """The untouched twin of a repository, and what an update put on top of its commit: that, the tree, the objects."""
    objects, shelf = GitObjects(place), Shelf()
    base, tree = objects.parents(commit)[0], objects.tree_of(commit)
    changes = dict(objects.differences(objects.tree_of(base), tree))
    for entry in filter(None, changes.values()):
        shelf.blob(objects.read(entry.id))
    objects.changed_tree(objects.tree_of(base), changes, shelf)
    return place.parents[1] / "floor" / place.name, base, tree, shelf.objects


def _write_again(changes: list[tuple[Path, str, str, dict[str, tuple[str, bytes]]]]) -> None:
    """Write what each update changed, and a commit of it."""
    for place, base, tree, made in changes:
        objects = GitObjects(place)
        objects.store(made)
        objects.write_commit(tree, [base], WHO, "Update")


def _state_mb(fleet: Path) -> float:
    return sum(path.stat().st_size for path in (fleet / ".vendorkit").glob("fleet.sqlite*")) / 1e6


def growth(folder: Path, kind: Kind) -> dict[str, Any]:
    """Branches in few and in many repositories; the peer is the few, taken as many times."""
    folder.mkdir()
    ran: list[tuple[Ran, float]] = []
    for count in GROWTH:
        place = folder / str(count)
        place.mkdir()
        repositories = make_repositories(place, kind, count, count, lender=place / "lender.git")
        fleet = fleet_of(place, kind.template, repositories, pushed=False)
        ran.append((vendorkit(fleet, "update"), _state_mb(fleet)))
        ended(ran[-1][0], count)
        shutil.rmtree(place)
    (few, few_mb), (many, many_mb) = ran
    times = GROWTH[1] / GROWTH[0]
    note = (
        f"{few.seconds:.1f} s, peak {few.peak_mb:.0f} MB, state {few_mb:.1f} MB became "
        f"{many.seconds:.1f} s, {many.peak_mb:.0f} MB, {many_mb:.1f} MB"
    )
    figure = f"commit in {GROWTH[1]:,} repositories"
    return Pair((many.seconds,), (few.seconds * times,)).row(figure, f"{times:.0f} times those in {GROWTH[0]:,}", note)


def with_public_template(folder: Path) -> list[dict[str, Any]]:
    """The dry run once more; nothing where the template cannot be had, which is said."""
    try:
        theirs = public(folder / "public")
    except ConnectionError as error:
        print(f"left out, a public template: {error}", file=sys.stderr)
        return []
    return [against_copier(folder / "real", theirs, REPOSITORIES, "the same with a public template")]


def measure() -> Iterator[dict[str, Any]]:
    """Every figure, as soon as it is there: all take a quarter of an hour."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours = own(folder / "template")
        yield against_copier(folder / "few", ours, SETS, f"dry run, {SETS} sets of answers")
        yield against_copier(folder / "own", ours, REPOSITORIES, "dry run, own answers everywhere")
        yield from with_public_template(folder)
        yield from pushed(folder / "many", ours)
        yield growth(folder / "growth", ours)


if __name__ == "__main__":
    print(table(list(measure())))
