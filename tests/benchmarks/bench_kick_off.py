"""What kicking off an engagement costs, how long until its checks are green, how large it is, how an update looks.

`python tests/benchmarks/bench_kick_off.py`. The first green needs a package cache that is warm; its budget is 90 s.
Rendering may cost 1.2 times `copier copy` of an equally large template; an update that moves the SDK alone should
change 4 lines, and changes 5 (decision 0166).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from itertools import count
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import copier
from vendorkit.adapters import template as templates

from tests.benchmarks.pairs import pair, table
from tests.template.rendering import files, plain_template, rendered

BIN = Path(sys.executable).parent
CLONE = Path(__file__).parents[2]
PERSON = {
    f"GIT_{role}_{part}": text
    for role in ("AUTHOR", "COMMITTER")
    for part, text in (("NAME", "Bench"), ("EMAIL", "bench@example-bank.example"))
}
OUTSIDE = {key: text for key, text in os.environ.items() if not key.startswith(("UV_PROJECT", "VIRTUAL_ENV", "GIT_"))}
ENVIRONMENT = {**OUTSIDE, **PERSON, "PYTHONDONTWRITEBYTECODE": ""}


def run(*command: str | Path, cwd: Path | None = None) -> None:
    """Run a command line that must succeed."""
    subprocess.run([str(part) for part in command], check=True, capture_output=True, cwd=cwd, env=ENVIRONMENT)


def figure(name: str, ours: float, peer: float, peer_name: str, unit: str, note: str = "") -> dict[str, Any]:
    """A count beside a peer's or a budget."""
    ratio = round(ours / peer, 2)
    spread = [ratio, ratio]
    return {"figure": name, "ours": ours, "peer": peer, "peer_name": peer_name, "ratio_median": ratio,
            "ratio_spread": spread, "unit": unit, "note": note}  # fmt: skip


def equally_large(folder: Path) -> Path:
    """A template of as many files and questions and as many bytes, all of them rendered, without any logic."""
    for name, data in files(rendered()).items():
        suffix = "" if name.endswith((".csv", ".json")) else ".jinja"  # as in ours
        place = folder / "template" / f"{name}{suffix}"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b"{% raw %}" + data + b"{% endraw %}" if suffix else data)
    asked = (plain_template() / "copier.yml").read_text("utf-8").count("\n  type: ")
    questions = "".join(f"question_{number}: {{type: str, default: x}}\n" for number in range(asked))
    (folder / "copier.yml").write_text(f"_subdirectory: template\n{questions}", encoding="utf-8")
    return folder


def rendering(folder: Path) -> dict[str, Any]:
    """Our template through the SDK against the equally large one through Copier, in one process."""
    peer = str(equally_large(folder / "equal"))
    places = (folder / f"rendered-{number}" for number in count())
    ours = str(plain_template())
    return pair(
        lambda: templates.render(ours, None, next(places), {}),
        lambda: copier.run_copy(peer, next(places), defaults=True, quiet=True),
        9,
    ).row("rendering the template", "copier copy of an equally large template without logic", "goal: at most 1.2")


def sizes() -> list[dict[str, Any]]:
    """Files and lines of the plainest and the fullest scaffold, uv.lock and data left out of the lines."""
    plainest = {"starter": "blank", "deliverables": ["report"]}
    fullest = {"deliverables": ["model", "features", "dataset", "report", "batch"], "container_registry": "other"}
    rows = []
    for name, answers, most in (("plainest", plainest, 30), ("fullest", fullest, 50)):
        found = files(rendered(**answers))
        lines = sum(data.count(b"\n") for path, data in found.items() if not path.endswith((".csv", ".lock.json")))
        code = sum(data.count(b"\n") for path, data in found.items() if path == "noxfile.py")
        note = f"{lines} lines; behaviour outside the SDK: noxfile.py, {code} lines; mlops-stacks has 92 template files"
        rows.append(figure(f"files of the {name} scaffold", len(found) + 1, most, "goal: fewer", "files", note))
    return rows


def moved_sdk(repo: Path, template: Path) -> dict[str, Any]:
    """Lines that an update changes in a repository when nothing of the template changed but its version."""
    run("git", "commit", "--quiet", "--allow-empty", "--message", "Another SDK", cwd=template)
    run("git", "tag", "v99.1.0", cwd=template)
    run("uv", "run", "--locked", "copier", "update", "--defaults", "--quiet", cwd=repo)
    run("uv", "lock", "--quiet", cwd=repo)
    command = ["git", "diff", "--numstat", "HEAD"]
    told = subprocess.run(command, cwd=repo, check=True, capture_output=True, text=True, env=ENVIRONMENT).stdout
    changed = {line.split("\t")[2]: int(line.split("\t")[0]) for line in told.splitlines()}
    note = ", ".join(f"{path} {lines}" for path, lines in changed.items())
    return figure("lines that change when only the SDK moved", sum(changed.values()), 4, "goal: at most", "lines", note)


def measure() -> list[dict[str, Any]]:
    """`vendorkit new` against `copier copy`; kick-off to first green against `uv sync` of its environment alone."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        template = folder / "template"
        run("git", "clone", "--quiet", "--no-tags", CLONE, template)
        run("git", "tag", "v99.0.0", cwd=template)
        places = (folder / f"made-{number}" for number in count())

        def kick_off() -> Path:
            place = next(places)
            run(BIN / "vendorkit", "new", place, "--template", template, "--defaults", "--quiet")
            return place

        def first_green() -> None:
            place = kick_off()
            run("uv", "sync", "--locked", "--quiet", cwd=place)
            run("uv", "run", "--locked", "nox", cwd=place)
            shutil.rmtree(place)

        def install() -> None:
            place = next(places)
            shutil.copytree(reference, place)
            run("uv", "sync", "--locked", "--quiet", cwd=place)
            shutil.rmtree(place)

        reference = kick_off()
        copied = pair(
            kick_off,
            lambda: run(BIN / "copier", "copy", "--quiet", "--defaults", template, next(places)),
            3,
        )
        green = pair(first_green, install, 1)
        rendered_row = rendering(folder)
        moved = moved_sdk(reference, template)
    return [
        copied.row("vendorkit new: render, lock, commit", "copier copy: render alone"),
        green.row("kick-off to the first green of the scaffold's own checks", "installing its environment alone"),
        rendered_row,
        moved,
        *sizes(),
    ]


if __name__ == "__main__":
    print(table(measure()))
