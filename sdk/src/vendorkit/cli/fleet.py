"""What the commands of the fleet share: its folder, its state, and how its repositories are reached."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from vendorkit.errors import BadInput, Fault, VendorkitError

if TYPE_CHECKING:
    from vendorkit.adapters.git_objects import Signature
    from vendorkit.adapters.remotes import Access
    from vendorkit.cli.output import Console
    from vendorkit.fleet.desks import Desks
    from vendorkit.fleet.drift import Drift as Drifted
    from vendorkit.fleet.facts import Drift, Judge
    from vendorkit.fleet.inventory import Row
    from vendorkit.fleet.merge import ConflictStyle
    from vendorkit.fleet.offer import Ground, Offers
    from vendorkit.fleet.plan_file import PlanFile
    from vendorkit.fleet.reach import Reach
    from vendorkit.fleet.reset import Resets
    from vendorkit.fleet.state import State
    from vendorkit.fleet.status import Newest
    from vendorkit.fleet.templates import Templates
    from vendorkit.fleet.versions import Versions
    from vendorkit.records.fleet import Fleet
    from vendorkit.records.seen_file import SeenFile


Answer = TypeVar("Answer")


@dataclass
class Opened:
    """A fleet, ready to be worked on.

    Args:
        folder: Where `fleet.yaml` lies.
        fleet: What it declares.
        rows: Its engagements.
        state: What it remembers.
        reach: How its repositories are reached.
        desks: Where updates are put to people.
    """

    folder: Path
    fleet: Fleet
    rows: list[Row]
    state: State
    reach: Reach
    desks: Desks

    @cached_property
    def versions(self) -> Versions:
        """The versions of the templates that the fleet lists, without what renders them."""
        from vendorkit.fleet.versions import Versions  # noqa: PLC0415

        return Versions(*self._listed, moved=self._moved)

    @cached_property
    def templates(self) -> Templates:
        """The versions of the templates that the fleet lists, to be rendered."""
        from vendorkit.fleet.templates import Templates  # noqa: PLC0415

        trusted = [template.url for template in self.fleet.templates if template.tasks == "sandbox"]
        made = Templates(*self._listed, moved=self._moved, trusted=trusted)
        self.versions.share(made)
        return made

    @property
    def _listed(self) -> tuple[Path, list[str]]:
        from vendorkit.fleet.state import home_of  # noqa: PLC0415

        return home_of(self.folder) / "templates", [template.url for template in self.fleet.templates]

    @property
    def _moved(self) -> dict[str, str]:
        return {old: template.url for template in self.fleet.templates for old in template.moved_from}

    @cached_property
    def author(self) -> Signature:
        """Who commits and runs updates: as git knows them, else nobody in particular, as in many a CI."""
        from vendorkit.adapters.git_objects import Signature  # noqa: PLC0415
        from vendorkit.adapters.repository import identity  # noqa: PLC0415

        try:
            return Signature(*identity(self.folder))
        except BadInput:
            return Signature("vendorkit fleet", "fleet@vendorkit.invalid")

    def offers(
        self, to: str, style: ConflictStyle, today: date, planned: PlanFile | None, *, again: bool = False
    ) -> Offers:
        """What makes the updates to a version; `again` opens another request where one was closed."""
        from vendorkit.fleet.offer import Offers  # noqa: PLC0415

        expected = {each.name: each for each in planned.repositories} if planned else None
        ground = self._ground(today, to=to, style=style, again=again)
        return Offers(ground, expected=expected)

    def resets(self, files: Sequence[str], today: date) -> Resets:
        """What brings files back; somebody asks for it, so a request that was closed before does not count."""
        from vendorkit.fleet.reset import Resets  # noqa: PLC0415

        return Resets(self._ground(today, to="", style="aside", again=True), files)

    @cached_property
    def known(self) -> dict[tuple[str, str], str]:
        """Name and version to the full template commit that was recorded when it was updated to it."""
        lasts = self.state.last_outcomes().items()
        return {(name, last["to"]): last["template_commit"] for name, last in lasts if last.get("template_commit")}

    def _ground(self, today: date, *, to: str, style: ConflictStyle, again: bool) -> Ground:
        from vendorkit.fleet.offer import Ground  # noqa: PLC0415

        return Ground(
            templates=self.templates,
            listed={template.url: template for template in self.fleet.templates},
            reach=self.reach,
            author=self.author,
            wanted=to,
            style=style,
            today=today,
            known=self.known,
            refuse_closed=(lambda row, branch: None) if again else self.desks.refuse_closed,
            withdraw=self.desks.withdraw,
        )


def add_jobs(parser: argparse.ArgumentParser) -> None:
    """How many repositories are reached at a time."""
    parser.add_argument("--jobs", type=int, default=8, metavar="N", help="remotes asked at a time (default: 8)")


def newest_of(versions: Versions) -> Newest:
    """Tells the newest version of a template and how far behind it a version is; each asked once."""

    @cache
    def newest(source: str, version: str) -> tuple[str, int | None]:
        latest = versions.version(source)
        return latest.name, versions.behind(source, version, latest.name) if version else None

    return newest


def of_each(
    fleet: Opened, names: Sequence[str], about: Callable[[Row, Path, str], Answer]
) -> Iterator[tuple[Row, Answer | VendorkitError]]:
    """What is told about the commit of each named engagement, or why it cannot be: one never stops the others.

    Args:
        fleet: The fleet.
        names: Names; empty means all.
        about: Tells it, from the engagement, a repository of this machine, and a commit there.

    Raises:
        BadInput: A name that is not in the fleet.
    """
    known = {row.name for row in fleet.rows}
    if faults := [Fault(name, "is not in the fleet.") for name in names if name not in known]:
        raise BadInput("There is no such repository in the fleet.", faults)
    rows = [row for row in fleet.rows if not names or row.name in names]
    stands = fleet.reach.stands(rows)
    for row in rows:
        stand = stands[row.name]
        try:
            if isinstance(stand, VendorkitError):
                raise stand
            if not stand.commit:
                raise BadInput("It has no commit yet.")
            answer: Answer | VendorkitError = about(row, fleet.reach.bring(row, stand), stand.commit)
        except VendorkitError as error:
            answer = error
        yield row, answer


def code_of(errors: Iterable[VendorkitError], *, no: bool) -> int:
    """The exit code of a command about many repositories: 1 where a verdict says no, else that of the worst error."""
    return 1 if no else max((error.exit_code for error in errors), default=0)


def reader_of(repository: Path, row: Row, commit: str) -> Callable[[str], SeenFile]:
    """Gives what lies at each path of an engagement at a commit."""
    from vendorkit.adapters.commits import Commits  # noqa: PLC0415

    commits, prefix = Commits(repository), f"{row.folder}/" if row.folder else ""
    return lambda path: commits.read(commit, f"{prefix}{path}")


def drift_of(fleet: Opened, today: date) -> Drift:
    """Names the managed files of a commit that are not as the template gives them, and not waived."""
    look = drifts_of(fleet, today)
    return lambda repository, row, commit: [each.path for each in look(repository, row, commit) if not each.waived]


def drifts_of(
    fleet: Opened, today: date, *, everything: bool = False, with_diff: bool = False
) -> Callable[[Path, Row, str], list[Drifted]]:
    """Tells every managed file of a commit that is not as the template gives it, or every file of the template."""

    def look(repository: Path, row: Row, commit: str) -> list[Drifted]:
        from vendorkit.fleet.drift import drift  # noqa: PLC0415  (it loads Copier, and most repositories are known)

        held_against = _template_of(fleet, repository, row, commit)
        return drift(
            repository,
            commit,
            row.answers_path,
            fleet.templates,
            everything=everything,
            with_diff=with_diff,
            as_of=today,
            **held_against,
        )

    return look


def given_of(fleet: Opened, today: date) -> Callable[[Path, Row, str], tuple[dict[str, bytes] | None, str]]:
    """Gives the managed files of a commit as the template gives them at the version that it records, or why not."""

    def look(repository: Path, row: Row, commit: str) -> tuple[dict[str, bytes] | None, str]:
        from vendorkit.fleet.drift import beside, given  # noqa: PLC0415
        from vendorkit.fleet.facts import one_line  # noqa: PLC0415

        try:
            held_against = _template_of(fleet, repository, row, commit)
            with fleet.templates.lock:
                place = (repository, commit, row.answers_path)
                return given(beside(*place, fleet.templates, as_of=today, **held_against)), ""
        except VendorkitError as error:
            return None, one_line(error)

    return look


def _template_of(fleet: Opened, repository: Path, row: Row, commit: str) -> dict[str, Any]:
    """What tells which version of which template an engagement is held against, and what belongs to it."""
    from vendorkit.fleet.facts import recorded_in  # noqa: PLC0415
    from vendorkit.fleet.offer import recorded_in_history  # noqa: PLC0415

    source, version = recorded_in(repository, row, commit)
    listed = {template.url: template for template in fleet.fleet.templates}
    template = listed.get(fleet.templates.listed(source))
    recorded = fleet.known.get((row.name, version)) or recorded_in_history(repository, commit, row, version)
    return {"recorded": recorded, "managed": template.managed if template else None, "name": row.short_name}


def judge_of(today: date) -> Judge:
    """Names the checks that an engagement fails; those that compare with the template are left to the drift."""

    def judge(read: Callable[[str], SeenFile]) -> list[str]:
        from vendorkit.standards.ask import CHECKS  # noqa: PLC0415  (most repositories are known)
        from vendorkit.steps.check import Seen, check_seen  # noqa: PLC0415

        asked = [name for name, check in CHECKS.items() if not check.needs_template]
        answer = check_seen(Seen(read, "the repository", {}), asked, as_of=today)
        return sorted({finding.id for finding in answer.findings if finding.blocks})

    return judge


@contextmanager
def opened(args: argparse.Namespace, console: Console) -> Iterator[Opened]:
    """The fleet that a command is about.

    Raises:
        BadInput: There is none, or it is not valid.
    """
    from vendorkit.fleet.desks import Desks  # noqa: PLC0415
    from vendorkit.fleet.inventory import find_fleet, read_fleet, rows_of  # noqa: PLC0415
    from vendorkit.fleet.state import open_state  # noqa: PLC0415

    folder = find_fleet(Path(args.repo) if args.repo else None)
    fleet = read_fleet(folder)
    with open_state(folder) as state:
        desks = Desks(fleet, console.progress)
        try:
            rows = rows_of(fleet, folder, desks.discovered())
            yield Opened(folder, fleet, rows, state, reach_of(folder, args.jobs, desks.accesses(rows)), desks)
        finally:
            desks.leave()


def reach_of(folder: Path, jobs: int, accesses: Sequence[Access] = ()) -> Reach:
    """How the repositories of the fleet in a folder are reached."""
    from vendorkit.adapters.remotes import Remotes  # noqa: PLC0415
    from vendorkit.fleet.reach import Reach  # noqa: PLC0415
    from vendorkit.fleet.state import home_of  # noqa: PLC0415

    return Reach(home_of(folder), Remotes(accesses), jobs=max(1, jobs))


def need_fleet_extra() -> None:
    """Say what to install where the libraries of the fleet are missing: engagements do without them.

    Raises:
        BadInput: They are not installed.
    """
    from importlib.util import find_spec  # noqa: PLC0415

    if find_spec("pygit2") is None:
        raise BadInput("The commands of the fleet need more libraries.", fix="Install `vendorkit[fleet]`.")
