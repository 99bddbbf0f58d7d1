"""Every update that an engagement ever got: from the history of its answers file, and from what the fleet remembers.

The answers file tells of each version that arrived, whoever brought it; the state tells of updates that did not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from vendorkit.adapters.commits import Commit, Commits
from vendorkit.adapters.git_objects import GitObjects
from vendorkit.errors import BadInput
from vendorkit.fleet.inventory import Row
from vendorkit.fleet.ours import UPDATE
from vendorkit.fleet.recorded import recorded_answers
from vendorkit.fleet.state import Known


@dataclass(frozen=True)
class Event:
    """One thing that happened.

    Args:
        at: When.
        what: `kicked off`, `updated`, `answers changed`, or the status of an update or `reset` that the fleet made.
        before: The version before; empty where there was none.
        after: The version after.
        commit: The commit; empty where there was none.
        by: Author of the commit, or who ran the update.
        answers: Answer to its value before and after, where it changed.
        says: First line of the message, or why.
        ours: Whether the fleet made it.
        merged_by: Who brought it into the default branch, where that was somebody else's commit.
        request: The page of its request; empty where there is none.
        outcome: What became of the request: `open`, `merged` or `closed`; empty where that is not known.
    """

    at: str
    what: str
    before: str
    after: str
    commit: str
    by: str
    answers: Mapping[str, tuple[Any, Any]]
    says: str
    ours: bool
    merged_by: str = ""
    request: str = ""
    outcome: str = ""

    def to_value(self) -> dict[str, Any]:
        """As plain JSON values."""
        changed = {name: {"before": pair[0], "after": pair[1]} for name, pair in self.answers.items()}
        return {**self.__dict__, "answers": changed}


def history(
    row: Row,
    repository: Path,
    commit: str,
    outcomes: Sequence[Mapping[str, Any]],
    requests: Mapping[tuple[str, str], Known],
) -> list[Event]:
    """What happened to an engagement, oldest first.

    Args:
        row: It.
        repository: A repository that holds the commit.
        commit: Full id of the commit to look back from.
        outcomes: What the fleet remembers of its updates.
        requests: What it knows of their requests, by name and branch.

    Raises:
        Unavailable: The history is not here, as in a shallow clone.
    """
    commits, objects = Commits(repository), GitObjects(repository)
    arrived = [(each, commits.brought_by(commit, each.id)) for each in commits.changes_of(commit, row.answers_path)]
    events = [_arrived(objects, row, each, merge) for each, merge in reversed(arrived)]
    for each in outcomes:
        before, after, made = str(each["from"]), str(each["to"]), str(each["commit"] or "")
        what = f"reset {each['status']}" if each.get("reset") else each["status"]
        known = requests.get((row.name, str(each["branch"] or "")))
        told = {"request": known.url, "outcome": known.state} if known else {}
        events.append(Event(each["at"], what, before, after, made, str(each["by"]), {}, each["why"], True, **told))
    return sorted(events, key=lambda event: datetime.fromisoformat(event.at))


def _arrived(objects: GitObjects, row: Row, found: Commit, merge: Commit | None) -> Event:
    after = _answers(objects, found.id, row)
    before = _answers(objects, found.parents[0], row) if found.parents else {}
    names = [name for name in {**before, **after} if not name.startswith("_") and before.get(name) != after.get(name)]
    old, new = (str(answers.get("_commit") or "") for answers in (before, after))
    what = "kicked off" if not before else "updated" if old != new else "answers changed"
    changed = {name: (before.get(name), after.get(name)) for name in names} if before else {}
    says = found.message.partition("\n")[0]
    by = merge.author if merge is not None and merge.id != found.id else ""
    ours = bool(found.trailer(UPDATE))
    return Event(found.at, what, old, new, found.id, found.author, changed, says, ours, merged_by=by)


def _answers(objects: GitObjects, commit: str, row: Row) -> dict[str, Any]:
    try:
        return recorded_answers(objects, objects.tree_of(commit), row.answers_path)
    except BadInput:
        return {}
