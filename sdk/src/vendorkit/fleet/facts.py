"""What one commit says of an engagement: its template and version, stage and owner, what drifted, which checks fail.

Read from git objects; nothing of the repository is run. Facts hold for a commit and are kept by it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from vendorkit.adapters.commits import Commits
from vendorkit.adapters.git_objects import GitObjects
from vendorkit.errors import BadInput, Fault, Refused, VendorkitError
from vendorkit.fleet.inventory import Row
from vendorkit.fleet.recorded import recorded_answers
from vendorkit.records.manifest import examine
from vendorkit.records.seen_file import SeenFile

MANIFEST = "engagement.yaml"

Judge = Callable[[Callable[[str], SeenFile]], list[str]]
"""Gives the ids of the checks that an engagement fails, from what lies at each of its paths."""

Drift = Callable[[Path, Row, str], list[str]]
"""Gives the managed files that differ from the template: repository, engagement and commit to paths."""


@dataclass(frozen=True)
class Facts:
    """What a commit says.

    Args:
        commit: Full commit id; empty where there is none.
        activity: When it was committed.
        template: Where the template lies, as the answers record it.
        version: Its version, as the answers record it.
        engagement: Id of the engagement; empty where there is no readable manifest.
        stage: Its stage.
        owner: E-mail address of the accountable person.
        drift: Managed files that were edited, weakened or deleted.
        failing: Checks that fail.
        fault: Why something of this could not be told; empty where all could.
    """

    commit: str = ""
    activity: str = ""
    template: str = ""
    version: str = ""
    engagement: str = ""
    stage: str = ""
    owner: str = ""
    drift: list[str] = field(default_factory=list)
    failing: list[str] = field(default_factory=list)
    fault: str = ""


def facts_of(repository: Path, row: Row, commit: str, *, drift: Drift, judge: Judge) -> Facts:
    """Look at an engagement at a commit. What cannot be told is said in `fault`.

    Args:
        repository: A repository of this machine that holds the commit.
        row: The engagement.
        commit: Full commit id.
        drift: Compares with the template.
        judge: Asks the checks.

    Raises:
        Unavailable: Something cannot be read or fetched now.
    """
    commits = Commits(repository)
    faults: list[str] = []
    known: dict[str, str] = {}
    drifted: list[str] = []
    failing: list[str] = []
    try:
        source, version = recorded_in(repository, row, commit)
        known |= {"template": source, "version": version}
        drifted = drift(repository, row, commit)
    except (BadInput, Refused) as error:
        faults.append(one_line(error))
    prefix = f"{row.folder}/" if row.folder else ""
    seen = commits.read(commit, f"{prefix}{MANIFEST}")
    if seen.data is not None:
        known |= _declared(seen.data)
        try:
            failing = judge(lambda path: commits.read(commit, f"{prefix}{path}"))
        except BadInput as error:
            faults.append(one_line(error))
    activity = commits.commit(commit).at
    return Facts(commit, activity, **known, drift=drifted, failing=failing, fault=" ".join(faults))


def recorded_in(repository: Path, row: Row, commit: str) -> tuple[str, str]:
    """Template and version, as the answers file of an engagement records them.

    Raises:
        BadInput: There is no readable answers file, or it names no template.
    """
    objects = GitObjects(repository)
    answers = recorded_answers(objects, objects.tree_of(commit), row.answers_path)
    template, version = answers.get("_src_path"), answers.get("_commit")
    if not isinstance(template, str):
        says = "has no `_src_path`: it does not say which template it comes from."
        raise BadInput("The repository does not tell its template.", [Fault(row.answers_path, says)])
    return template, str(version or "")


def _declared(data: bytes) -> dict[str, str]:
    """What the manifest declares of stage and owner, as far as it can be read."""
    try:
        draft = examine(data, MANIFEST).draft
    except BadInput:
        return {}
    person = draft.people.get(draft.accountable or "")
    said = {"owner": person.contact} if person else {}
    if draft.engagement is not None:
        said |= {"engagement": draft.engagement.id, "stage": draft.engagement.stage}
    return said


def one_line(error: VendorkitError) -> str:
    """An error with its faults and what to do, as one line."""
    return " ".join(str(error).split())
