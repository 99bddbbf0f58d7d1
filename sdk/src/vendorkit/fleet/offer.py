"""One update of one repository: planned, committed, pushed, put to people. Done twice, it is done once.

A branch that somebody else committed on is never overwritten. Which repositories are updated when is decided in
`rollout`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from vendorkit.adapters.commits import Commits
from vendorkit.adapters.git_objects import Signature
from vendorkit.errors import BadInput, Fault, Refused, Unavailable
from vendorkit.fleet.inventory import Row
from vendorkit.fleet.locking import locked_again
from vendorkit.fleet.merge import ConflictStyle
from vendorkit.fleet.ours import TEMPLATE, UPDATE, Declined, overtake, refuse_foreign
from vendorkit.fleet.plan_file import PlannedRepository
from vendorkit.fleet.reach import Reach, Stand
from vendorkit.fleet.state import Known
from vendorkit.fleet.templates import Templates
from vendorkit.fleet.update import Plan, commit, plan
from vendorkit.fleet.versions import TemplateVersion, without_credentials
from vendorkit.fleet.wording import body, heal_message, title, told_of, update_message
from vendorkit.records.base import now
from vendorkit.records.fleet import Template

LOOKED_AT = 1000
"""Commits of a repository in which the last update is looked for."""
REMEMBERED = ("run", "at", "ring", "by", "reset", "declined")
"""What the state keeps of an outcome besides what it says."""
FULL_ID = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Outcome:
    """How the update of one engagement ended.

    Args:
        row: It.
        status: `updated`, `current`, `conflict`, `drifted`, `refused`, `failed` or `needs-tasks`.
        before: The version that it records.
        after: The version that it would have.
        branch: The branch of the update; empty where there is none.
        commit: The last commit of the branch.
        why: Why it ended so.
        planned: What it changes; None where it was not planned.
        request: What is known of the request; None where there is none.
        notes: What else somebody should know.
        diff: What it would change, as text; only when asked for.
        known: All of it as it was remembered, where it was done before the run was cut off.
        closed: Branches of older updates whose requests this one took the place of.
        declined: Whether it is refused because people decided otherwise: then the rollout has not failed there.
    """

    row: Row
    status: str
    before: str = ""
    after: str = ""
    branch: str = ""
    commit: str = ""
    why: str = ""
    planned: Plan | None = None
    request: Known | None = None
    notes: tuple[str, ...] = field(default=())
    diff: str = ""
    known: Mapping[str, Any] | None = None
    closed: Mapping[str, Known] = field(default_factory=dict)
    declined: bool = False

    @property
    def fails(self) -> bool:
        """Whether it counts as a failure of the rollout."""
        return self.status == "failed" or (self.status == "refused" and not self.declined)

    def to_value(self) -> dict[str, Any]:
        """As plain JSON values."""
        if self.known is not None:
            return {key: value for key, value in self.known.items() if key not in REMEMBERED}
        planned = self.planned
        value = {
            "name": self.row.name,
            "path": self.row.path,
            "from": self.before,
            "to": self.after,
            "status": self.status,
            "branch": self.branch or None,
            "commit": self.commit or None,
            "conflicts": [each.path for each in planned.conflicts] if planned else [],
            "healed": list(planned.healed) if planned else [],
            "request": self.request.url or None if self.request else None,
            "why": self.why,
            "changed": list(planned.changed) if planned else [],
            "deleted": list(planned.deleted) if planned else [],
            "warnings": [*(planned.warnings if planned else ()), *self.notes],
            "template_commit": planned.to_version.commit if planned else None,
            "base": planned.base_commit if planned else None,
        }
        return {**value, "diff": self.diff} if self.diff else value


@dataclass(frozen=True)
class Prepared:
    """An update that is committed here and not yet pushed.

    Args:
        row: The engagement.
        stand: Where its repository stood.
        repository: Where the commit is.
        planned: What it changes.
        branch: The branch.
        commit: Its last commit.
        marked: Whether files hold conflict markers.
        changes: What changed in the template.
    """

    row: Row
    stand: Stand
    repository: Path
    planned: Plan
    branch: str
    commit: str
    marked: bool
    changes: list[str]


Open = Callable[[Prepared, str, str], Known | None]
"""Opens or refreshes the request of a pushed branch: with its title and body. None where there is no forge."""


@dataclass(frozen=True)
class Ground:
    """What all updates of a run stand on.

    Args:
        templates: Versions of templates.
        listed: What `fleet.yaml` says of each template, by its place.
        reach: How repositories are reached.
        author: Who commits.
        wanted: The version; empty means the newest of each template.
        style: Whether conflicts in texts leave markers.
        today: The day that waivers are judged by.
        known: Name and version to the full template commit that was recorded when it was updated to it.
        refuse_closed: Refuses a row's branch whose request somebody closed.
        withdraw: Closes the open request of a row's branch, and says why.
    """

    templates: Templates
    listed: Mapping[str, Template]
    reach: Reach
    author: Signature
    wanted: str
    style: ConflictStyle
    today: date
    known: Mapping[tuple[str, str], str]
    refuse_closed: Callable[[Row, str], None]
    withdraw: Callable[[Row, str, str], Known | None]

    def recorded(self, row: Row, version: str, repository: Path, commit: str) -> str | None:
        """The full template commit that was recorded when a row was updated to a version: by the fleet's state, else
        by the message of our commit that brought the version in.
        """
        return self.known.get((row.name, version)) or recorded_in_history(repository, commit, row, version)

    def declared(self, source: str) -> Template | None:
        """What `fleet.yaml` says of a template.

        Raises:
            Refused: It is not listed.
        """
        return self.listed.get(self.templates.listed(source))


class Offers:
    """Makes the updates of a fleet to one version.

    Args:
        ground: What they stand on.
        expected: Name to what a plan that was written before says; None where none is executed.
    """

    def __init__(self, ground: Ground, expected: Mapping[str, PlannedRepository] | None = None) -> None:
        self.ground = ground
        self._expected = expected
        self._changes: dict[tuple[str, str, str], list[str]] = {}

    def target(self, source: str) -> TemplateVersion:
        """The version that repositories of a template are brought to; a tag may be named without its `v`.

        Raises:
            Declined: The template is not listed, or has no such version.
        """
        wanted = self.ground.wanted
        names = [wanted, f"v{wanted}"] if wanted[:1].isdigit() else [wanted or None]
        for name in names:
            try:
                return self.ground.templates.version(source, name)
            except Refused as error:
                refusal = Declined(error.says, error.faults, fix=error.fix)
        raise refusal

    def refuse_unknown(self) -> None:
        """Refuse a version that no listed template has, before anything is done for any repository.

        Raises:
            BadInput: There is no such version.
        """
        faults = []
        for source in self.ground.listed if self.ground.wanted and self._expected is None else ():
            try:
                newest = self.ground.templates.version(source).name
                self.target(source)
            except Refused:
                faults.append(Fault(without_credentials(source), f"has no {self.ground.wanted}; newest is {newest}."))
            except Unavailable:
                return  # it may be there: each repository says what came of it
            else:
                return
        if faults:
            raise BadInput("No template of the fleet has this version.", faults)

    def branch(self, row: Row, planned: Plan) -> str:
        """The branch of an update: one for each version and engagement."""
        return row.update_branch(planned.to_version.name)

    def plan(self, row: Row, stand: Stand, repository: Path, source: str, version: str) -> Plan:
        """What the update would change. Nothing is written.

        Raises:
            BadInput: The answers are not fit.
            Refused: The template is not listed, or a version is gone or older.
            Unavailable: Something cannot be read or fetched.
        """
        listed = self.ground.declared(source)
        expected = self._expected[row.name] if self._expected is not None else None
        if expected and expected.base != stand.commit:
            says = f"The repository moved on from {expected.base[:12]} to {stand.commit[:12]} since it was planned."
            raise Refused(says, fix="Plan it again.")
        to = self.ground.templates.version(source, expected.template_commit) if expected else self.target(source)
        planned = plan(
            repository,
            stand.commit,
            row.answers_path,
            self.ground.templates,
            to,
            self.ground.style,
            recorded=self.ground.recorded(row, version, repository, stand.commit),
            managed=listed.managed if listed else None,
            as_of=self.ground.today,
            name=row.short_name,
        )
        if listed and listed.lock == "uv":
            planned = locked_again(planned, self.ground.templates)
        if expected and (planned.final_tree, planned.tree) != (expected.final_tree, expected.tree):
            raise Refused("Planning it now gives another tree than the plan says.", fix="Plan it again.")
        return planned

    def prepare(self, row: Row, stand: Stand, repository: Path, planned: Plan) -> Prepared:
        """Commit what was planned.

        Raises:
            Refused: Somebody else committed on the branch, or has it checked out.
            Unavailable: The repository cannot be written.
        """
        branch = self.branch(row, planned)
        marked = self.ground.style == "markers" and any(each.is_text for each in planned.conflicts)
        changes = self._changes_of(planned)
        commits = Commits(repository)
        commits.unlock(branch)
        seen = stand.updates.get(branch, "")
        if seen:
            refuse_foreign(commits, seen, stand.commit, branch)
        if not row.remote and commits.is_checked_out(branch):
            raise Refused(f"Branch {branch} is checked out in {row.place}.", fix="Switch to another branch.")
        held = commits.branch(branch)
        if row.remote and seen and held != seen:
            commits.point(branch, seen, seen=held)
            held = seen
        made = commit(
            repository,
            planned,
            self.ground.author,
            update_message(planned, changes, marked=marked),
            branch,
            heal_message=heal_message(planned),
            replaces=[held] if held else [],
        )
        return Prepared(row, stand, repository, planned, branch, made, marked, changes)

    def _changes_of(self, planned: Plan) -> list[str]:
        before, after = planned.from_version, planned.to_version
        key = (after.source, before.commit, after.commit)
        if key not in self._changes:
            same = before.commit == after.commit
            self._changes[key] = (
                [] if same else self.ground.templates.changes(after.source, before.commit, after.commit)
            )
        return self._changes[key]

    def deliver(self, made: Prepared, request: Open) -> Outcome:
        """Push the branch and put it to people.

        Raises:
            Refused: Its request was closed, the branch is not what it was, or the host does not take it.
            Unavailable: The host cannot be reached.
        """
        self.ground.refuse_closed(made.row, made.branch)
        seen = made.stand.updates.get(made.branch, "")
        if made.row.remote and seen != made.commit:
            self.ground.reach.push(made.row, made.repository, made.branch, made.commit, seen=seen)
        says = title(made.planned, marked=made.marked)
        text = body(made.planned, made.changes, made.branch, marked=made.marked, engagement=made.row.folder)
        known = request(made, says, text)
        closed: dict[str, Known] = {}
        notes: list[str] = []
        if known is None:
            known = Known("", "open", "none", made.marked, None, now(), now(), made.commit)
        else:
            closed, notes = self._overtake(made, known.url)
        ended = outcome_of(made.row, made.planned, branch=made.branch, commit=made.commit, request=known)
        return replace(ended, closed=closed, notes=tuple(notes))

    def _overtake(self, made: Prepared, url: str) -> tuple[dict[str, Known], list[str]]:
        """Close the requests of older updates, and take their branches away: what they hold is in the newer one."""
        row, reach = made.row, self.ground.reach
        return overtake(
            row,
            Commits(made.repository),
            made.stand,
            made.planned.to_version.name if made.planned.kind == "update" else "",
            url,
            withdraw=lambda branch, why: self.ground.withdraw(row, branch, why),
            drop=lambda branch: reach.push(row, made.repository, branch, "", seen=made.stand.updates[branch]),
        )


def outcome_of(
    row: Row, planned: Plan, *, branch: str = "", commit: str = "", request: Known | None = None, diff: str = ""
) -> Outcome:
    """The outcome that a plan has when nothing goes wrong."""
    before, after = planned.from_version.name, planned.to_version.name
    kept = replace(planned, objects={})  # thousands of outcomes are held until the end
    return Outcome(row, planned.status, before, after, branch, commit, told_of(planned), kept, request, diff=diff)


def recorded_in_history(repository: Path, commit: str, row: Row, version: str) -> str | None:
    """The full template commit that our commit names which brought a version in; None where another brought it, or
    that was long ago.
    """
    try:
        last = next(Commits(repository).changes_of(commit, row.answers_path, most=LOOKED_AT), None)
    except Unavailable:  # a shallow clone ends somewhere
        return None
    if last is None or last.trailer(UPDATE).rpartition("..")[2] != version:
        return None
    named = last.trailer(TEMPLATE).rpartition("@")[2]
    return named if FULL_ID.fullmatch(named) else None


def plan_value(outcome: Outcome) -> dict[str, Any]:
    """A planned outcome with what a written plan holds besides."""
    planned = outcome.planned
    trees = {"tree": planned.tree, "final_tree": planned.final_tree} if planned and not planned.changes_nothing else {}
    return {**outcome.to_value(), "before": outcome.before, "after": outcome.after, "diff": outcome.diff, **trees}
