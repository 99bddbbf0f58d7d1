"""What planning and committing an update of many repositories costs, beside a loop of `copier update`.

`python tests/benchmarks/bench_fleet.py`. `FLEET_SMALL=1` takes few repositories, to see that it runs. Each of our runs
is a process of its own that starts with an empty cache; the trees are compared with those of Copier.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from vendorkit.adapters.git_objects import Entry, GitObjects, Shelf, Signature
from vendorkit.adapters.template.asking import Project
from vendorkit.fleet.templates import Templates
from vendorkit.fleet.update import commit, plan

from tests.benchmarks.pairs import Pair, pair, table
from tests.support.fleet import ENVIRONMENT, git, own_template

SMALL = bool(os.environ.get("FLEET_SMALL"))
REPOSITORIES, MANY, SETS = (6, 20, 2) if SMALL else (50, 1000, 5)
ANSWERS_FILE = ".copier-answers.yml"
WHO = Signature("Bench", "bench@bank.example", 1_800_000_000)
BIN = Path(sys.executable).parent


def answers_of(number: int) -> dict[str, Any]:
    """Answers of an engagement of its own."""
    forges, tiers = ("github", "gitlab", "azure"), ("low", "medium", "high")
    return {
        "engagement_id": f"engagement-{number}",
        "client": f"Bank {number}",
        "vendor": f"Analytics {number}",
        "forge": forges[number % 3],
        "tier": tiers[number % 2],
        "starts": "2026-09-01",
    }


def make_repositories(folder: Path, template: Path, count: int, sets: int) -> list[Path]:
    """Bare repositories at version 1, each with work of its own; in every third the update conflicts."""
    templates = Templates(folder / "making", [str(template)])
    blueprint = templates.blueprint(templates.version(str(template), "v1"))
    empty = folder / "empty.git"
    git(folder, "init", "--quiet", "--bare", "--template=", str(empty))
    made = []
    for number in range(count):
        place = folder / "repositories" / f"r{number}.git"
        shutil.copytree(empty, place)
        project = Project("engagement", ANSWERS_FILE, lambda path: None)
        pieces = blueprint.render(project, given=answers_of(number % sets)).pieces
        files = {path: (piece.mode, piece.content().data) for path, piece in pieces.items()}
        files["models/own.py"] = (0o100644, f"NUMBER = {number}\n".encode())
        if number % 3 == 0:
            mode, text = files["noxfile.py"]
            files["noxfile.py"] = (mode, text.replace(b"import nox\n", b"import sys\n\nimport nox\n", 1))
        objects, shelf = GitObjects(place), Shelf()
        entries = {path: Entry(mode, shelf.blob(data)) for path, (mode, data) in files.items()}
        tree = objects.changed_tree(shelf.tree({}), entries, shelf)
        objects.store(shelf.objects)
        objects.move_branch("main", objects.write_commit(tree, [], WHO, "Work"), None)
        made.append(place)
    return made


def update_all(template: Path, repositories: Path, cache: Path, write_commits: bool) -> dict[str, Any]:
    """Plan every repository of a folder, and commit where asked; gives the trees and what it took."""
    templates = Templates(cache, [str(template)])
    to = templates.version(str(template))
    trees, conflicts = {}, 0
    for place in sorted(repositories.iterdir()):
        head = GitObjects(place).commit_of("HEAD")
        found = plan(place, head or "", ANSWERS_FILE, templates, to)
        conflicts += found.status == "conflict"
        trees[place.name] = found.tree
        if write_commits:
            commit(place, found, WHO, "Update", "vendorkit/update-v2")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"trees": trees, "conflicts": conflicts, "peak_mb": peak, "renders": templates.renders.made}


def in_a_process(template: Path, repositories: Path, write_commits: bool = False) -> dict[str, Any]:
    """`update_all` in a process of its own with an empty cache."""
    with tempfile.TemporaryDirectory() as cache:
        arguments = [str(template), str(repositories), cache, "commit" if write_commits else "plan"]
        done = subprocess.run(
            [sys.executable, __file__, *arguments], check=True, capture_output=True, env=environment()
        )
        found: dict[str, Any] = json.loads(done.stdout)
        return found


def environment() -> dict[str, str]:
    """Ours, with an identity for git."""
    return {**os.environ, **ENVIRONMENT, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPATH": str(Path(__file__).parents[2])}


def copier_loop(clones: Path) -> dict[str, str]:
    """`copier update` in each work tree; gives the trees that it leaves."""
    trees = {}
    for place in sorted(clones.iterdir()):
        command = [BIN / "copier", "update", "--defaults", "--quiet", "--vcs-ref", "v2"]
        subprocess.run(command, cwd=place, check=True, capture_output=True, env=environment())
        git(place, "add", "--all")
        trees[place.name] = git(place, "write-tree")
    return trees


def against_copier(folder: Path, template: Path, sets: int, figure: str) -> dict[str, Any]:
    """A dry run over all repositories, beside the loop; the trees must be the same."""
    folder.mkdir()
    repositories = make_repositories(folder, template, REPOSITORIES, sets)
    clones = folder / "clones"
    clones.mkdir()
    for place in repositories:
        git(clones, "clone", "--quiet", str(place), place.name)
    in_a_process(template, folder / "repositories")  # as warm as the peer's interpreter is
    start = time.perf_counter()
    planned = in_a_process(template, folder / "repositories")
    middle = time.perf_counter()
    updated = copier_loop(clones)
    found = Pair((middle - start,), (time.perf_counter() - middle,))
    if planned["trees"] != updated:
        raise AssertionError("the trees differ from those of copier update")
    times = 1 / found.ratio_median
    note = f"{REPOSITORIES} repositories, {planned['conflicts']} with conflicts, same trees; {times:.0f} times faster"
    return found.row(figure, "copier update in each", note)


def many(folder: Path, template: Path) -> dict[str, Any]:
    """Plan and commit, beside writing the same blobs, trees and commits with pygit2 alone."""
    folder.mkdir()
    make_repositories(folder, template, MANY, MANY)
    fresh = folder / "fresh"
    shutil.copytree(folder / "repositories", fresh)
    peaks = []

    def ours() -> None:
        shutil.rmtree(folder / "repositories")
        shutil.copytree(fresh, folder / "repositories")
        peaks.append(in_a_process(template, folder / "repositories", write_commits=True)["peak_mb"])

    with tempfile.TemporaryDirectory() as cache:
        templates = Templates(Path(cache), [str(template)])
        to = templates.version(str(template))
        places = sorted(fresh.iterdir())
        plans = [
            (place, plan(place, GitObjects(place).commit_of("HEAD") or "", ANSWERS_FILE, templates, to))
            for place in places
        ]

    def floor() -> None:
        floored = folder / "floor"
        shutil.rmtree(floored, ignore_errors=True)
        shutil.copytree(fresh, floored)
        for place, found in plans:
            objects = GitObjects(floored / place.name)
            objects.store(found.objects)
            objects.write_commit(found.tree, [found.base_commit], WHO, "Update")

    found = pair(ours, floor, 1)
    note = f"own answers, peak {max(peaks):.0f} MB; copying the repositories is in both"
    return found.row(f"plan and commit {MANY:,} repositories", "pygit2 writing the same", note)


def measure() -> list[dict[str, Any]]:
    """Few answer sets, own answers, and many repositories."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        template = own_template(folder / "template")
        few = against_copier(folder / "few", template, SETS, f"plan updates, {SETS} sets of answers")
        own = against_copier(folder / "own", template, REPOSITORIES, "plan updates, own answers everywhere")
        return [few, own, many(folder / "many", template)]


if __name__ == "__main__":
    if len(sys.argv) == 5:
        places = [Path(argument) for argument in sys.argv[1:4]]
        print(json.dumps(update_all(*places, write_commits=sys.argv[4] == "commit")))
    else:
        print(table(measure()))
