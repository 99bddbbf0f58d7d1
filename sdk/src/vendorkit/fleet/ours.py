"""Branches that are ours: by which commits they are told, and the requests that a newer update takes the place of.

A branch on which somebody else committed, merged or amended is theirs: it is neither overwritten nor closed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from vendorkit.adapters.commits import Commit, Commits
from vendorkit.errors import Fault, Refused, VendorkitError
from vendorkit.fleet.facts import one_line
from vendorkit.fleet.inventory import Row
from vendorkit.fleet.reach import Stand
from vendorkit.fleet.state import Known
from vendorkit.records.answers import version_of

UPDATE, TREE, TEMPLATE = "Vendorkit-Update", "Vendorkit-Tree", "Vendorkit-Template"
"""Trailers of our commits. A commit whose tree is not the one that its trailer names was changed by somebody."""


class Declined(Refused):
    """People decided otherwise, or the wish does not fit this repository; the rollout has not failed there."""


Withdraw = Callable[[str, str], Known | None]
"""Closes the open request of a branch and says why; None where there is none."""


def is_ours(found: Commit) -> bool:
    """Whether a commit is one of ours, as we made it."""
    return len(found.parents) == 1 and found.trailer(TREE) == found.tree


def theirs(found: Iterable[Commit]) -> Commit | None:
    """The first of some commits that is somebody else's; None where all are ours."""
    return next((each for each in found if not is_ours(each)), None)


def refuse_foreign(commits: Commits, tip: str, base: str, branch: str) -> None:
    """Refuse a branch on which somebody else committed, merged or amended.

    Args:
        commits: The repository.
        tip: Where the branch is.
        base: The branch that it is to go into.
        branch: Its name, for messages.

    Raises:
        Declined: It has a commit that is not as we made it; names whose.
    """
    last = theirs(commits.only_on(tip, base))
    if last is not None:
        fault = Fault(branch, f"{last.id[:12]} is by {last.author} of {last.at[:10]}; the branch is left alone.")
        fix = "Merge or close it; a new update starts from what was merged."
        raise Declined("People committed on the branch of the update.", [fault], fix=fix)


def overtake(
    row: Row,
    commits: Commits,
    stand: Stand,
    version: str,
    instead: str,
    *,
    withdraw: Withdraw,
    drop: Callable[[str], None],
) -> tuple[dict[str, Known], list[str]]:
    """Close the open requests of older updates of an engagement; those with commits of people stay.

    Args:
        row: The engagement; other ones in its repository keep theirs.
        commits: The repository.
        stand: Where it stood, with its branches of ours.
        version: The version of the newer update; where it is no release, nothing is known to be older.
        instead: The newer request, for people.
        withdraw: Closes one.
        drop: Takes its branch away.

    Returns:
        Branch to its closed request, and what somebody should know: one that is not closed does not undo the newer.
    """
    closed: dict[str, Known] = {}
    notes = []
    for branch, tip in sorted(stand.updates.items()):
        try:
            found = commits.only_on(tip, stand.commit)
            if not any(_brings_older(each, row, branch, version) for each in found):
                continue
            if last := theirs(found):
                notes.append(f"{branch} has commits of {last.author} and was left as it is.")
            elif known := withdraw(branch, f"{instead} takes its place: it brings a newer version of the template."):
                closed[branch] = known
                drop(branch)
        except VendorkitError as error:
            notes.append(f"{branch} is still there: {one_line(error)}")
    return closed, notes


def _brings_older(found: Commit, row: Row, branch: str, version: str) -> bool:
    """Whether a commit is the row's update, on this branch, to a version before another one."""
    brought = found.trailer(UPDATE).rpartition("..")[2]
    before, after = version_of(brought), version_of(version)
    return row.update_branch(brought) == branch and before is not None and after is not None and before < after
